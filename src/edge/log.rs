//! Structured lines, one an event.
//!
//! What is in a line: names from the policy, codes and sentences of the gate's own, the method and the
//! platform's ray. What never is: a token, a claim, a secret, a URL.

use super::ray;
use crate::gate::Trace;
use crate::keys::{KeyFault, KeySet};
use crate::policy::{Decisions, Fault};
use crate::refusal::Refusal;
use crate::report::Difference;
use crate::request::Request;
use crate::revocation::OnError;
use serde_json::{Value, json};

/// Logs that the candidate policy would have judged a request differently.
pub(super) fn difference(difference: &Difference, request: &Request<'_>, trace: &Trace<'_>) {
    line(&json!({
        "event": "candidate",
        "enforced": difference.enforced,
        "candidate": difference.candidate,
        "identity_differs": difference.identity,
        "method": request.method,
        "route": trace.route.map(|route| route.pattern.as_str()),
        "issuer": trace.issuer,
        "ray": ray::of(request),
    }));
}

/// Logs what keeps the gate from working.
pub(super) fn policy_fault(fault: &Fault) {
    policy_line("policy_fault", fault);
}

/// Logs what keeps the candidate policy from being judged by.
pub(super) fn candidate_fault(fault: &Fault) {
    policy_line("candidate_fault", fault);
}

/// Logs what an operator should know of.
pub(super) fn policy_warning(warning: &Fault) {
    policy_line("policy_warning", warning);
}

/// Logs that an issuer's keys could not be fetched, once an attempt.
pub(super) fn keys_not_fetched(issuer: &str, fault: &KeyFault) {
    line(&json!({ "event": "keys_not_fetched", "issuer": issuer, "problem": fault.to_string() }));
}

/// Logs that an issuer's keys have been fetched, if some of them could not be used or if everything is
/// logged.
pub(super) fn keys_fetched(decisions: Decisions, issuer: &str, set: &KeySet) {
    if set.skipped().is_empty() && decisions != Decisions::All {
        return;
    }
    let skipped = set.skipped().iter();
    let skipped: Vec<_> = skipped
        .map(|one| json!({ "index": one.index, "problem": one.fault.to_string() }))
        .collect();
    line(&json!({
        "event": "keys_fetched",
        "issuer": issuer,
        "keys": set.keys().len(),
        "skipped": skipped,
    }));
}

/// Logs that the revocation store failed, once a request that it failed.
pub(super) fn revocations_unreadable(namespace: &str, on_error: OnError) {
    let consequence = match on_error {
        OnError::Refuse => "refused",
        OnError::Allow => "let through",
    };
    line(&json!({
        "event": "revocations_unreadable",
        "binding": namespace,
        "request": consequence,
    }));
}

/// Logs what was made of a provider's report, which names nobody.
pub(super) fn logout(outcome: &Result<String, Refusal>) {
    line(&match outcome {
        Ok(issuer) => json!({ "event": "logout", "issuer": issuer }),
        Err(refusal) => json!({
            "event": "logout",
            "code": refusal.code().as_str(),
            "because": refusal.because(),
        }),
    });
}

fn policy_line(event: &str, fault: &Fault) {
    line(&json!({
        "event": event,
        "path": fault.path,
        "problem": fault.problem,
        "remedy": fault.remedy,
    }));
}

/// Writes a line.
pub(super) fn line(value: &Value) {
    web_sys::console::log_1(&value.to_string().into());
}
