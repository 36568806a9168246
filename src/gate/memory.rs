//! What an isolate remembers between requests.

use crate::identity::IdentityCache;
use crate::keys::KeyCaches;
use crate::keys::cache::STALE_IF_ERROR;
use crate::policy::Policy;
use crate::possession::ProofMemory;
use crate::revocation::Revocations;

/// What an isolate remembers from one request to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// The keys that issuers publish.
    pub keys: KeyCaches,
    /// Entries that were read from the revocation store.
    pub revocations: Revocations,
    /// Identities that were established.
    pub identities: IdentityCache,
    /// DPoP proofs and their keys.
    pub proofs: ProofMemory,
}

impl Memory {
    /// Empty memory for a new isolate.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let stale_if_error = policy
            .issuers()
            .iter()
            .map(|issuer| issuer.remote().map_or(STALE_IF_ERROR, |remote| remote.stale_if_error));
        Self { keys: KeyCaches::new(stale_if_error), ..Self::default() }
    }
}
