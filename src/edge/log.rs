//! The Worker's log: one line of JSON for each event.
//!
//! A line contains names from the policy, codes and sentences of the gate's own, the method and the
//! platform's ID of the request. It never contains a token, a claim, a secret or the URL of a
//! request. Lines about an issuer's keys contain their URLs, without the query.

use super::ray;
use crate::gate::Trace;
use crate::introspection::Failure;
use crate::json::text::ObjectText;
use crate::keys::{KeyFault, KeySet};
use crate::policy::{Decisions, Fault};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::revocation::OnError;
use crate::shadow::Difference;
use std::cell::RefCell;

thread_local! {
    /// The lines that are held back. `None` while lines are written.
    static HELD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Logs that the candidate policy would have judged a request differently.
pub(super) fn difference(difference: &Difference, request: &Request<'_>, trace: &Trace<'_>) {
    let mut line = event("candidate");
    line.text("candidate", Some(&difference.candidate));
    line.text("enforced", Some(&difference.enforced));
    line.json("identity_differs", if difference.identity { "true" } else { "false" });
    line.text("issuer", trace.issuer);
    line.text("method", Some(request.method));
    line.text("ray", ray::of(request).as_deref());
    line.text("route", trace.route.map(|route| route.pattern().as_str()));
    write(line);
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
    let mut line = event("keys_not_fetched");
    line.text("issuer", Some(issuer));
    line.text("problem", Some(&fault.to_string()));
    write(line);
}

/// Logs that an issuer's keys have been fetched, if some of them cannot be used or if the policy
/// logs every decision.
pub(super) fn keys_fetched(decisions: Decisions, issuer: &str, set: &KeySet) {
    if set.skipped().is_empty() && decisions != Decisions::All {
        return;
    }
    let skipped = set.skipped().iter();
    let skipped = skipped.map(|one| {
        let mut skipped = ObjectText::new();
        skipped.json("index", &one.index.to_string());
        skipped.text("problem", Some(&one.fault.to_string()));
        skipped.finish()
    });
    let skipped: Vec<_> = skipped.collect();
    let mut line = event("keys_fetched");
    line.text("issuer", Some(issuer));
    line.json("keys", &set.keys().len().to_string());
    line.array("skipped", &skipped);
    write(line);
}

/// Logs that a call of an issuer's introspection endpoint has failed.
pub(super) fn introspection_failed(issuer: Option<&str>, failure: &Failure) {
    let mut line = event("introspection_failed");
    line.text("issuer", issuer);
    line.text("problem", Some(failure.problem()));
    line.text("remedy", Some(failure.remedy()));
    write(line);
}

/// Logs that a request could not read the revocation store.
pub(super) fn revocations_unreadable(namespace: &str, on_error: OnError) {
    let consequence = match on_error {
        OnError::Refuse => "refused",
        OnError::Allow => "let through",
    };
    let mut line = event("revocations_unreadable");
    line.text("binding", Some(namespace));
    line.text("request", Some(consequence));
    write(line);
}

/// Logs that a Durable Object has not recorded a proof, so that its request was refused.
pub(super) fn proofs_not_recorded(binding: &str) {
    let mut line = event("proofs_not_recorded");
    line.text("binding", Some(binding));
    line.text("request", Some("refused"));
    write(line);
}

/// Logs the outcome of a provider's report, without the user.
pub(super) fn logout(outcome: &Result<String, Refusal>) {
    let mut line = event("logout");
    match outcome {
        Ok(issuer) => line.text("issuer", Some(issuer)),
        Err(refusal) => {
            line.text("because", Some(refusal.because()));
            line.text("code", Some(refusal.code().as_str()));
        }
    }
    write(line);
}

fn policy_line(name: &str, fault: &Fault) {
    let mut line = event(name);
    line.text("path", Some(&fault.path));
    line.text("problem", Some(&fault.problem));
    line.text("remedy", Some(&fault.remedy));
    write(line);
}

/// Begins a line.
fn event(name: &str) -> ObjectText {
    let mut line = ObjectText::new();
    line.text("event", Some(name));
    line
}

/// Writes a line, unless [`held`] holds it back.
pub(super) fn write(line: ObjectText) {
    let line = line.finish();
    let is_held =
        HELD.with_borrow_mut(|held| held.as_mut().map(|lines| lines.push(line.clone())).is_some());
    if !is_held {
        write_line(&line);
    }
}

/// Holds back the lines that some work writes, and returns them. The platform shows only what is
/// written while it handles a request.
pub(super) fn held<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    HELD.set(Some(Vec::new()));
    let outcome = work();
    (outcome, HELD.take().unwrap_or_default())
}

/// Writes a line that was held back.
pub(super) fn write_line(line: &str) {
    web_sys::console::log_1(&line.into());
}
