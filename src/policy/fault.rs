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
        self.faults.push(Fault {
            path: path.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    pub(super) fn warning(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.warnings.push(Fault {
            path: path.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
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
