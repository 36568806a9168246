//! Something that is wrong, or looks wrong, in wrangler.toml.

use anstyle::AnsiColor;
use serde_json::{Value, json};
use std::fmt;

/// How bad it is, the worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Something would answer in the gate's place: not even built.
    Undeployable,
    /// The gate would refuse every request, or not run.
    Fault,
    /// It runs, but perhaps not as meant.
    Warning,
}

/// One thing that was found, where, and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The line in wrangler.toml, counted from one.
    pub line: Option<usize>,
    /// The key inside the environment, such as `POLICY.issuers[0].keys.secret`.
    pub path: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

impl Finding {
    /// The finding with its place, for an environment by name.
    pub fn located<'a>(&'a self, file: &'a str, environment: Option<&'a str>) -> Located<'a> {
        Located { finding: self, file, environment }
    }

    /// The finding for a machine.
    pub fn to_json(&self) -> Value {
        json!({
            "severity": match self.severity {
                Severity::Undeployable | Severity::Fault => "fault",
                Severity::Warning => "warning",
            },
            "deployable": self.severity != Severity::Undeployable,
            "line": self.line,
            "path": self.path,
            "problem": self.problem,
            "remedy": self.remedy,
        })
    }
}

/// A finding as a person reads it; with `{:#}` in colours, for [`output::result`] and its like, which leave
/// them out where nobody would see them.
///
/// [`output::result`]: crate::output::result
pub struct Located<'a> {
    finding: &'a Finding,
    file: &'a str,
    environment: Option<&'a str>,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { severity, line, path, problem, remedy } = self.finding;
        formatter.write_str(self.file)?;
        if let Some(line) = line {
            write!(formatter, ":{line}")?;
        }
        if let Some(environment) = self.environment {
            write!(formatter, ": env.{environment}")?;
        }
        let mut style = AnsiColor::Red.on_default();
        if *severity == Severity::Warning {
            formatter.write_str(": warning")?;
            style = AnsiColor::Yellow.on_default();
        }
        if formatter.alternate() {
            write!(formatter, ": {style}{path}{style:#}: {problem}")?;
        } else {
            write!(formatter, ": {path}: {problem}")?;
        }
        if !remedy.is_empty() {
            write!(formatter, "\n    {remedy}")?;
        }
        Ok(())
    }
}
