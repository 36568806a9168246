//! The Worker's log: one line of JSON for each event.
//!
//! A line contains names from the policy, codes and sentences of the gate's own, the method and the
//! platform's ID of the request. It never contains a token, a claim, a secret or a URL.

use super::ray;
use crate::gate::Trace;
use crate::keys::{KeyFault, KeySet};
use crate::policy::{Decisions, Fault};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::revocation::OnError;
use crate::shadow::Difference;
use serde_json::{Value, json};

/// Logs that the candidate policy would have judged a request differently.
pub(super) fn difference(difference: &Difference, request: &Request<'_>, trace: &Trace<'_>) {
    line(&json!({
        "event": "candidate",
        "enforced": difference.enforced,
        "candidate": difference.candidate,
        "identity_differs": difference.identity,
        "method": request.method,
        "route": trace.route.map(|route| route.pattern().as_str()),
        "issuer": trace.issuer,
        "ray": ray::of(request),
    }));
}

/// Logs a fault of the policy, which keeps the gate from working.
pub(super) fn policy_fault(fault: &Fault) {
    policy_line("policy_fault", fault);
}

/// Logs a fault of the candidate policy, which is then ignored.
pub(super) fn candidate_fault(fault: &Fault) {
    policy_line("candidate_fault", fault);
}

/// Logs a warning about the policy.
pub(super) fn policy_warning(warning: &Fault) {
    policy_line("policy_warning", warning);
}

/// Logs that an attempt to fetch an issuer's keys has failed.
pub(super) fn keys_not_fetched(issuer: &str, fault: &KeyFault) {
    line(&json!({ "event": "keys_not_fetched", "issuer": issuer, "problem": fault.to_string() }));
}

/// Logs that an issuer's keys have been fetched, if some of them cannot be used or if the policy
/// logs every decision.
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

/// Logs that a request could not read the revocation store.
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

/// Logs the outcome of a provider's report, without the user.
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
