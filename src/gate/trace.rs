//! How far a request came.

use crate::alg::Algorithm;
use crate::keys::KeysWanted;
use crate::refusal::Refusal;
use crate::revocation::Entry;
use crate::route::Route;

/// How far a request came, for logs: names from the policy and the algorithm, nothing of the token
/// but the name of the key that bore it out.
#[derive(Debug, Default)]
pub struct Trace<'g> {
    /// The route that it took.
    pub route: Option<&'g Route>,
    /// The token's algorithm.
    pub algorithm: Option<Algorithm>,
    /// The issuer whose rules were applied, by the policy's name for it.
    pub issuer: Option<&'g str>,
    /// The key that bore the signature out.
    pub key: Option<String>,
    /// What the request would have been refused for, were that more than reported.
    pub reported: Option<Refusal>,
    /// Whether the token had been verified before, and was recalled.
    pub is_recalled: bool,
    /// The keys to fetch: for a verdict other than `keys_unavailable`, or for requests to come.
    pub keys_wanted: Option<KeysWanted>,
    /// The entries of the revocation store to read, for a verdict other than `revocation_unavailable`.
    pub revocations_wanted: Vec<Entry>,
}
