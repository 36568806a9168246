//! What the page can ask, on JSON values.

use super::describe::description;
use super::inspect::inspection;
use super::judge::verdict;
use super::question::Question;
use crate::time::UnixSeconds;
use serde_json::Value;

/// Judges a request by a policy, at the time `now`. Nothing is sent anywhere.
///
/// `question` is `{ policy, bindings?, secrets?, keys?, method, url, headers?, answered? }`: the policy as
/// under `[vars.POLICY]`; texts of bindings by their names; the names of secrets that are withheld; public
/// keys by the names of their issuers, as the Worker hands them over; the request; and, where the Worker
/// was asked instead, its answer. Other members are ignored.
///
/// The answer holds `faults` where the policy has any; else `verdict`, `steps` in the order of the code,
/// and `refusal`, `answer` or `outgoing`.
///
/// # Errors
///
/// A sentence that says what is wrong with the shape of `question`.
pub fn judge(question: &Value, now: UnixSeconds) -> Result<Value, String> {
    let (question, described) = Question::of_request(question)?;
    Ok(verdict(&question, &described.request(), now))
}

/// Describes a policy as it takes effect: `issuers` with their keys, `routes` in the order in which they
/// are tried. `question` is that of [`judge`]; the request is not looked at.
///
/// # Errors
///
/// As [`judge`].
pub fn describe(question: &Value, now: UnixSeconds) -> Result<Value, String> {
    Ok(description(&Question::of_policy(question)?, now))
}

/// Finds the token in a text (a bare token, a header line, a curl command) and shows its header and
/// claims, good or bad. For display alone: what is shown has not been believed by anybody, and nothing is
/// judged by it.
#[must_use]
pub fn inspect(text: &str) -> Value {
    inspection(text)
}
