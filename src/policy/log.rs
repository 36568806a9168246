//! What is recorded of decisions, and where.

use super::Bindings;
use super::fault::Faults;
use super::reader::Table;

/// What is recorded of decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Which of them have a line in the Worker's log.
    pub decisions: Decisions,
    /// The Analytics Engine binding to which each of them is written as a data point.
    pub analytics: Option<String>,
    /// Whether a `Server-Timing` header tells clients how long the gate and the origin made them
    /// wait.
    pub server_timing: bool,
}

impl Log {
    /// Whether something is recorded or told of a request that is admitted, once it is answered.
    #[must_use]
    pub fn follows_admitted(&self) -> bool {
        self.decisions == Decisions::All || self.analytics.is_some() || self.server_timing
    }
}

/// Which decisions are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decisions {
    /// None at all.
    None,
    /// Refusals.
    #[default]
    Refused,
    /// Every one.
    All,
}

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
            format!("there is no Analytics Engine dataset bound as {name}"),
            format!(
                "add it under analytics_engine_datasets in wrangler.toml: {{ binding = \"{name}\" }}"
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
