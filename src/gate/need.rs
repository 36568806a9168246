//! What has to be fetched before a request can be judged, and how often the gate asks for it.

use crate::introspection::IntrospectionRequest;
use crate::keys::KeyRequest;
use crate::possession::{self, ReplayCheck};
use crate::refusal::Refusal;
use crate::revocation::{self, Entry};

/// What has to be fetched before a request can be judged. The core performs no I/O: the caller
/// fetches it into the [`super::Memory`] and asks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The keys of an issuer.
    Keys(KeyRequest),
    /// What an issuer says about a token.
    Introspection(Box<IntrospectionRequest>),
    /// Entries of the revocation store.
    Revocations(Vec<Entry>),
    /// The record of a DPoP proof in the Durable Object of its key. The answer belongs to this
    /// request alone: [`super::Evaluation::proof_recorded`].
    Replay(ReplayCheck),
}

impl Need {
    /// The refusal that applies if it could not be fetched.
    fn refusal(&self) -> Refusal {
        match self {
            Self::Keys(request) => request.refusal(),
            Self::Introspection(request) => request.refusal(),
            Self::Revocations(_) => revocation::unavailable(),
            Self::Replay(_) => possession::unavailable(),
        }
    }
}

/// Why a step did not come to an end.
pub(super) enum Stop {
    /// The request is refused.
    Refused(Refusal),
    /// Something has to be fetched first.
    Needs(Need),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The bound on how often one request is judged again after something was fetched for it. A request
/// needs keys, an introspection, the record of its proof, and revocation entries at most once each.
pub(super) struct Rounds {
    left: u8,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { left: 4 }
    }
}

impl Rounds {
    /// Returns the outcome of a round, or what the caller has to fetch for another one. After the
    /// last round, a need becomes its refusal.
    pub(super) fn end<T>(&mut self, outcome: Result<T, Stop>) -> Result<Result<T, Refusal>, Need> {
        match outcome {
            Ok(value) => Ok(Ok(value)),
            Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
            Err(Stop::Needs(need)) => match self.left.checked_sub(1) {
                Some(left) => {
                    self.left = left;
                    Err(need)
                }
                None => Ok(Err(need.refusal())),
            },
        }
    }
}
