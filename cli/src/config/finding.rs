//! Findings: problems of the configuration, with their location and remedy.

use anstyle::AnsiColor;
use serde_json::{Value, json};
use std::fmt;

/// The severity of a finding, the highest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Cloudflare would respond without running the gate. `cargo xtask build` refuses to build.
    Undeployable,
    /// The gate would refuse every request, or would not run.
    Fault,
    /// The gate runs, but perhaps not as intended.
    Warning,
}

/// A problem, where it is, and how to solve it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The line in the configuration, counted from one.
    pub line: Option<usize>,
    /// The key inside the environment, such as `POLICY.issuers[0].keys.secret`.
    pub path: String,
    /// The problem.
    pub problem: String,
    /// How to solve the problem.
    pub remedy: String,
}

impl Finding {
    /// Returns the finding with its file and environment, for display.
    pub fn located<'a>(&'a self, file: &'a str, environment: Option<&'a str>) -> Located<'a> {
        Located { finding: self, file, environment }
    }

    /// The finding as JSON.
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

/// A finding for display. With `{:#}`, it is colored. The functions of [`crate::output`] remove the
/// colors if they do not write to a terminal.
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
