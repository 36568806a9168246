//! From a policy to a report.

use crate::gate::Memory;
use crate::policy::Policy;
use crate::time::UnixSeconds;

use super::issuer;
use super::report::Report;
use super::verdict::{Asked, Verdicts};

/// A token, and what it is to be used for.
pub(crate) struct Question<'a> {
    /// The token.
    pub(crate) token: &'a str,
    /// The requests that it is to go with.
    pub(crate) requests: &'a [Asked],
    /// The issuers whose keys are stood in for, by their places: nothing is judged by those.
    pub(crate) without_keys: &'a [usize],
}

/// Asks for the keys of every issuer that publishes them, and judges the token with what came.
pub(crate) fn examine(
    policy: &Policy,
    question: Option<&Question<'_>>,
    now: UnixSeconds,
) -> Report {
    let mut memory = Memory::of(policy);
    let mut issuers = Vec::new();
    for (place, issuer) in policy.issuers().iter().enumerate() {
        let (report, keys) = issuer::examine(place, issuer);
        issuers.push(report);
        let (Some(cache), Some(_)) = (memory.keys.get_mut(place), issuer.remote()) else {
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
