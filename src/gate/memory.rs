//! What an isolate remembers between requests.

use crate::identity::IdentityCache;
use crate::keys::KeyCaches;
use crate::keys::cache::STALE_IF_ERROR;
use crate::policy::Policy;
use crate::revocation::Revocations;
use crate::token::LastHeader;

/// What an isolate remembers from one request to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// The keys that issuers publish.
    pub keys: KeyCaches,
    /// Entries that were read from the revocation store.
    pub revocations: Revocations,
    /// Identities that were established.
    pub identities: IdentityCache,
    /// The header of the token that was parsed last.
    pub last_header: LastHeader,
}

impl Memory {
    /// Empty memory for a new isolate.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        let stale_if_error = policy
            .issuers()
            .iter()
            .map(|issuer| issuer.remote().map_or(STALE_IF_ERROR, |remote| remote.stale_if_error));
        let signs = policy.forwarding().headers.identity.is_some();
        Self {
            keys: KeyCaches::new(stale_if_error),
            identities: IdentityCache::new(signs),
            ..Self::default()
        }
    }
}
