//! Faults and warnings: where a policy is wrong, what is wrong, and what to write instead.

use super::{Compilation, Policy};
use std::fmt;

/// One fault or warning of a policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The path in the policy, such as `issuers[0].keys.secret`. Empty for the policy as a whole.
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

/// The faults and warnings found so far.
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

    /// Cold, so that the compiler optimizes it for size.
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
                    self.fault(
                        "",
                        "it cannot be compiled",
                        "please report this: the compiler did not say why",
                    );
                }
                Err(self.faults)
            }
        };
        Compilation { outcome, warnings: self.warnings }
    }
}
