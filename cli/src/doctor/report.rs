//! What the examination comes to.

use super::verdict::Verdicts;
use crate::config::Severity;
use serde_json::{Value, json};

/// One thing that is or may go wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct IssuerFinding {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The place in the policy that it is about, such as `issuers[0].keys`.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) problem: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

/// What was found out about one issuer.
#[derive(Debug, Default)]
pub(crate) struct IssuerReport {
    /// The policy's name for it.
    pub(crate) name: String,
    /// Where its keys come from, in words.
    pub(crate) source: String,
    /// What else there is to know, a sentence each.
    pub(crate) facts: Vec<String>,
    /// Its usable keys, in words.
    pub(crate) keys: Vec<String>,
    /// Whether its keys are in a binding that is set elsewhere.
    pub(crate) has_placeholder_keys: bool,
    /// What is wrong.
    pub(crate) findings: Vec<IssuerFinding>,
}

impl IssuerReport {
    /// Notes that something does not work.
    pub(crate) fn fault(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.note(Severity::Fault, path.into(), problem.into(), remedy.into());
    }

    /// Notes that something works, but perhaps not as meant.
    pub(crate) fn warning(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.note(Severity::Warning, path.into(), problem.into(), remedy.into());
    }

    fn note(&mut self, severity: Severity, path: String, problem: String, remedy: String) {
        self.findings.push(IssuerFinding { severity, path, problem, remedy });
    }

    /// The report for a machine, less the findings.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "source": self.source,
            "facts": self.facts,
            "keys": if self.has_placeholder_keys { Value::Null } else { json!(self.keys) },
        })
    }
}

/// What was found out about everything.
#[derive(Debug)]
pub(crate) struct Report {
    /// The issuers, as the policy orders them.
    pub(crate) issuers: Vec<IssuerReport>,
    /// What would become of the token, if one was given.
    pub(crate) token: Option<Verdicts>,
}

impl Report {
    /// All that is wrong.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &IssuerFinding> {
        self.issuers.iter().flat_map(|issuer| &issuer.findings)
    }

    /// Whether nothing is wrong that would have a request refused that should pass.
    pub(crate) fn is_well(&self) -> bool {
        self.findings().all(|finding| finding.severity == Severity::Warning)
            && self.token.as_ref().is_none_or(Verdicts::is_admitted_somewhere)
    }
}
