//! What the gate records about its decisions, and where.

use super::Bindings;
use super::fault::Faults;
use super::reader::Table;

/// What the gate records about its decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Which decisions are written to the Worker's log.
    pub decisions: Decisions,
    /// The Analytics Engine binding to which every decision is written as a data point.
    pub analytics: Option<String>,
    /// Whether responses contain a `Server-Timing` header with the time that the gate and the
    /// origin took.
    pub server_timing: bool,
}

impl Log {
    /// Whether admitted requests have to be followed until they are answered.
    #[must_use]
    pub fn follows_admitted(&self) -> bool {
        self.decisions == Decisions::All || self.analytics.is_some() || self.server_timing
    }
}

/// Which decisions are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decisions {
    /// None.
    None,
    /// Refusals.
    #[default]
    Refused,
    /// All.
    All,
}

#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Log> {
    let known = ["decisions", "analytics", "server_timing"];
    let Some(table) = policy.table("log", &known, faults).ok()? else {
        return Some(Log::default());
    };
    let choices =
        [("none", Decisions::None), ("refused", Decisions::Refused), ("all", Decisions::All)];
    let decisions = table.choice("decisions", &choices, faults);
    let server_timing = table.flag("server_timing", faults);
    let analytics = table.text("analytics", faults).ok()?;
    if let Some(name) = analytics
        && !bindings.is_analytics_dataset(name)
    {
        faults.fault(
            table.at("analytics"),
            format!("there is no Analytics Engine binding {name}"),
            format!(
                "add it under analytics_engine_datasets in wrangler.toml: \
                 {{ binding = \"{name}\" }}"
            ),
        );
        return None;
    }
    Some(Log {
        decisions: decisions.ok()?.unwrap_or_default(),
        analytics: analytics.map(str::to_owned),
        server_timing: server_timing.ok()?.unwrap_or(false),
    })
}
