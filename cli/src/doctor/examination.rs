//! Examines a policy's issuers and a token.

use super::report::Report;
use super::verdict::{TokenRequest, Verdicts};
use super::{introspection, issuer};
use portcullis::gate::Memory;
use portcullis::issuer_id::IssuerId;
use portcullis::policy::Policy;
use portcullis::time::UnixSeconds;

/// A token to judge, with the requests that contain it.
pub(crate) struct TokenCheck<'a> {
    /// The token.
    pub(crate) token: &'a str,
    /// The requests.
    pub(crate) requests: &'a [TokenRequest],
    /// The issuers whose keys are placeholders, with which the token cannot be judged.
    pub(crate) placeholder_issuers: &'a [IssuerId],
}

/// Fetches the keys of every issuer that publishes them, calls the introspection endpoints, and
/// judges the token. `without_client` are the issuers for which the client's secret or key is not
/// on this machine.
pub(crate) fn examine(
    policy: &Policy,
    check: Option<&TokenCheck<'_>>,
    without_client: &[IssuerId],
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
            // The token is judged at one point in time, however long the fetches took.
            Some(mut keys) => {
                keys.fetched = now;
                cache.succeeded(keys);
            }
            None => cache.failed(now),
        }
    }
    for (issuer, report) in policy.issuers().iter().zip(&mut issuers) {
        if !without_client.contains(&issuer.id()) {
            introspection::examine(policy, issuer, &memory, now, report);
        } else if issuer.introspection().is_some() {
            report.facts.push("the client's secret or key is not on this machine".to_owned());
        }
    }
    let token = check.map(|check| Verdicts::of(check, policy, memory, without_client, now));
    Report { issuers, identity: None, token }
}
