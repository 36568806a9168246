//! What is wrong with a policy, where, and what to write instead.

use super::{Compilation, Policy};
use std::fmt;

/// One fault or warning of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where it is, such as `issuers[0].keys.secret`; empty for the policy as a whole.
    pub path: String,
    /// What is wrong.
    pub problem: String,
    /// What to write or do instead.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "the policy" } else { &self.path };
        write!(formatter, "{place}: {}; {}", self.problem, self.remedy)
    }
}

enum Severity {
    Fault,
    Warning,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Faults {
    pub(super) fn fault(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Severity::Fault, path.into(), problem.into(), remedy.into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn warning(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Severity::Warning, path.into(), problem.into(), remedy.into());
    }

    /// Cold, so that the compiler spends no upload on making it fast.
    #[cold]
    #[inline(never)]
    fn push(&mut self, severity: Severity, path: String, problem: String, remedy: String) {
        let list = match severity {
            Severity::Fault => &mut self.faults,
            Severity::Warning => &mut self.warnings,
        };
        list.push(Fault { path, problem, remedy });
    }

    pub(super) fn into_compilation(mut self, policy: Option<Policy>) -> Compilation {
        let outcome = match policy {
            Some(policy) if self.faults.is_empty() => Ok(policy),
            _ => {
                if self.faults.is_empty() {
                    self.fault("", "it does not compile", "report this: the fault was not named");
                }
                Err(self.faults)
            }
        };
        Compilation { outcome, warnings: self.warnings }
    }
}
