//! What has to be fetched before a request can be judged, and how often the gate asks for it.

use crate::introspection::IntrospectionRequest;
use crate::keys::KeyRequest;
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
}

impl Need {
    /// The refusal that applies if it could not be fetched.
    fn refusal(&self) -> Refusal {
        match self {
            Self::Keys(request) => request.refusal(),
            Self::Introspection(request) => request.refusal(),
            Self::Revocations(_) => revocation::unavailable(),
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
/// needs keys at most once, an introspection at most once, and revocation entries at most once.
pub(super) struct Rounds {
    left: u8,
}

impl Rounds {
    pub(super) const fn new() -> Self {
        Self { left: 3 }
    }

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
