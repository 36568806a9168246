//! What is remembered between requests.

use crate::claims::TokenCache;
use crate::keys::KeyCaches;
use crate::policy::Policy;
use crate::revocation::Revocations;

/// What an isolate remembers from one request to the next, for as long as it may be relied on.
#[derive(Debug, Default)]
pub struct Memory {
    /// The keys that issuers publish.
    pub keys: KeyCaches,
    /// What the revocation store has said.
    pub revocations: Revocations,
    /// Tokens that were verified.
    pub tokens: TokenCache,
}

impl Memory {
    /// That of an isolate that has just begun to work by a policy.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self { keys: KeyCaches::of(policy), ..Self::default() }
    }
}
