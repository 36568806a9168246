//! What an isolate remembers between requests.

use crate::identity::IdentityCache;
use crate::introspection::{IntrospectionRequest, Introspections, Response, Unjudged};
use crate::keys::KeyCaches;
use crate::keys::cache::STALE_IF_ERROR;
use crate::policy::Policy;
use crate::possession::ProofMemory;
use crate::revocation::Revocations;
use crate::time::UnixSeconds;
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
    /// Introspections in progress, and tokens that were rejected.
    pub introspections: Introspections,
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
        let signs = policy.forwarding().headers.identity.is_some();
        Self {
            keys: KeyCaches::new(stale_if_error),
            identities: IdentityCache::new(signs),
            introspections: Introspections::new(policy.issuers().len()),
            ..Self::default()
        }
    }

    /// Judges the response to an introspection that began at `asked`, and remembers what it says.
    ///
    /// # Errors
    ///
    /// [`Unjudged`] if the response is no answer. The caller then fetches the keys and tries again,
    /// or calls [`Introspections::failed`].
    pub fn introspected(
        &self,
        policy: &Policy,
        request: &IntrospectionRequest,
        response: &Response,
        asked: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<(), Unjudged> {
        let Some(issuer) = policy.issuer(request.issuer) else { return Ok(()) };
        let memory = (&self.keys, &self.identities);
        self.introspections.answered(issuer, request, response, memory, (asked, now))
    }
}
