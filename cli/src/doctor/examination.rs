//! From a policy to a report.

use super::issuer;
use super::report::Report;
use super::verdict::{TokenRequest, Verdicts};
use portcullis::gate::Memory;
use portcullis::issuer_id::IssuerId;
use portcullis::policy::Policy;
use portcullis::time::UnixSeconds;

/// A token, and what it is to be used for.
pub(crate) struct Question<'a> {
    /// The token.
    pub(crate) token: &'a str,
    /// The requests that it is to go with.
    pub(crate) requests: &'a [TokenRequest],
    /// The issuers whose keys are placeholders, which no token is judged by.
    pub(crate) placeholder_issuers: &'a [IssuerId],
}

/// Asks for the keys of every issuer that publishes them, and judges the token with what came.
pub(crate) fn examine(
    policy: &Policy,
    question: Option<&Question<'_>>,
    now: UnixSeconds,
) -> Report {
    let mut memory = Memory::new(policy);
    let mut issuers = Vec::new();
    for issuer in policy.issuers() {
        let (report, keys) = issuer::examine(issuer);
        issuers.push(report);
        let (Some(cache), Some(_)) = (memory.keys.get_mut(issuer.id()), issuer.remote()) else {
            continue;
        };
        match keys {
            // Judged as of one moment, whatever the fetches took.
            Some(mut keys) => {
                keys.fetched = now;
                cache.succeeded(keys);
            }
            None => cache.failed(now),
        }
    }
    let token = question.map(|question| Verdicts::of(question, policy, memory, now));
    Report { issuers, token }
}
