//! The results of an examination.

use super::verdict::Verdicts;
use crate::config::Severity;
use serde_json::{Value, json};

/// A problem with an issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct IssuerFinding {
    /// The severity.
    pub(crate) severity: Severity,
    /// The path in the policy, such as `issuers[0].keys`.
    pub(crate) path: String,
    /// The problem.
    pub(crate) problem: String,
    /// How to solve the problem.
    pub(crate) remedy: String,
}

/// The result for one issuer.
#[derive(Debug, Default)]
pub(crate) struct IssuerReport {
    /// The issuer's name in the policy.
    pub(crate) name: String,
    /// Where its keys come from, for display.
    pub(crate) source: String,
    /// Whether it has no keys, because its tokens are only introspected.
    pub(crate) only_introspects: bool,
    /// Further information, one sentence each.
    pub(crate) facts: Vec<String>,
    /// Its usable keys, for display.
    pub(crate) keys: Vec<String>,
    /// Whether its keys are placeholders, because their binding is not on this machine.
    pub(crate) has_placeholder_keys: bool,
    /// The problems.
    pub(crate) findings: Vec<IssuerFinding>,
}

impl IssuerReport {
    /// Adds a fault.
    pub(crate) fn fault(
        &mut self,
        path: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.note(Severity::Fault, path.into(), problem.into(), remedy.into());
    }

    /// Adds a warning.
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

    /// The report as JSON, without the findings.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "source": self.source,
            "facts": self.facts,
            "keys": if self.has_placeholder_keys { Value::Null } else { json!(self.keys) },
        })
    }
}

/// The result of an examination.
#[derive(Debug)]
pub(crate) struct Report {
    /// The issuers, in the order of the policy.
    pub(crate) issuers: Vec<IssuerReport>,
    /// The gate's own key set, if the policy has a signed identity.
    pub(crate) identity: Option<IssuerReport>,
    /// The verdicts on the token, or `None` if there is no token.
    pub(crate) token: Option<Verdicts>,
}

impl Report {
    /// The findings of all issuers, and those about the signed identity.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &IssuerFinding> {
        self.issuers.iter().chain(&self.identity).flat_map(|issuer| &issuer.findings)
    }

    /// Whether there are no faults, and some request with the token, if there is one, would be
    /// forwarded.
    pub(crate) fn is_ok(&self) -> bool {
        self.findings().all(|finding| finding.severity == Severity::Warning)
            && self.token.as_ref().is_none_or(Verdicts::is_admitted_somewhere)
    }
}
