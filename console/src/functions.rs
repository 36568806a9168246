//! The functions that the page calls, on JSON values.

use crate::describe::description;
use crate::inspect::inspection;
use crate::question::Question;
use crate::verdict::verdict;
use portcullis::time::UnixSeconds;
use serde_json::Value;

/// Judges a request by a policy, at the time `now`. Nothing is sent.
///
/// The members of `question` are listed below. Other members are ignored.
///
/// * `policy`: the policy, as under `[vars.POLICY]`
/// * `bindings`: the values of bindings by their names (optional)
/// * `secrets`: the names of the secrets whose values the page does not have (optional)
/// * `keys`: public keys by the names of their issuers, as the Worker provides them (optional)
/// * `method`, `url`, `headers`: the request (`headers` is optional)
/// * `answered`: the Worker's verdict on the request (optional)
///
/// The result has `faults` if the policy is invalid. Otherwise it has `verdict`, `steps` in order,
/// and `refusal`, `answer` or `outgoing`.
///
/// # Errors
///
/// Why `question` does not have this form.
pub fn judge(question: &Value, now: UnixSeconds) -> Result<Value, String> {
    let (question, described) = Question::of_request(question)?;
    Ok(verdict(&question, &described.request(), now))
}

/// Describes a policy as it takes effect: `issuers` with their keys, and `routes` in the order in
/// which they are tried. `question` is that of [`judge`]. Its request is ignored.
///
/// # Errors
///
/// Why `question` does not have the form that [`judge`] describes.
pub fn describe(question: &Value, now: UnixSeconds) -> Result<Value, String> {
    Ok(description(&Question::of_policy(question)?, now))
}

/// Finds the token in a text (a token alone, a header line, or a curl command) and shows its header
/// and claims, valid or not. The result is for display only: nothing in it has been verified.
#[must_use]
pub fn inspect(text: &str) -> Value {
    inspection(text)
}
