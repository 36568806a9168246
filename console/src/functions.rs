//! The functions that the page calls, on JSON values.

use crate::describe::description;
use crate::inspect::inspection;
use crate::question::Question;
use crate::verdict::verdict;
use portcullis::time::UnixSeconds;
use serde_json::Value;

/// Judges a request by a policy, at the time `now`. Nothing is sent.
///
/// `question` is `{ policy, bindings?, secrets?, keys?, method, url, headers?, answered? }`: the policy as
/// under `[vars.POLICY]`; the texts of bindings by their names; the names of secrets that the page does not
/// have; public keys by the names of their issuers, as the Worker provides them; the request; and the
/// Worker's answer, if it was asked. Other members are ignored.
///
/// The result has `faults` if the policy is invalid. Otherwise it has `verdict`, `steps` in order, and
/// `refusal`, `answer` or `outgoing`.
///
/// # Errors
///
/// A sentence that says what is wrong with the shape of `question`.
pub fn judge(question: &Value, now: UnixSeconds) -> Result<Value, String> {
    let (question, described) = Question::of_request(question)?;
    Ok(verdict(&question, &described.request(), now))
}

/// Describes a policy as it takes effect: `issuers` with their keys, and `routes` in the order in which they
/// are tried. `question` is that of [`judge`]. Its request is ignored.
///
/// # Errors
///
/// As [`judge`].
pub fn describe(question: &Value, now: UnixSeconds) -> Result<Value, String> {
    Ok(description(&Question::of_policy(question)?, now))
}

/// Finds the token in a text (a token alone, a header line, or a curl command) and shows its header and
/// claims, valid or not. The result is for display only: nothing in it has been verified.
#[must_use]
pub fn inspect(text: &str) -> Value {
    inspection(text)
}
