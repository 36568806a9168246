//! How far a request came, for logs.

use super::Form;
use crate::alg::Algorithm;
use crate::refusal::Refusal;
use crate::route::Route;

/// How far a request came, for logs. It has names from the policy, the algorithm and the name of
/// the key, and nothing else of the token. Nothing depends on it.
#[derive(Clone, Debug, Default)]
pub struct Trace<'g> {
    /// The route of the request.
    pub route: Option<&'g Route>,
    /// The form of the credential.
    pub form: Option<Form>,
    /// The token's algorithm.
    pub algorithm: Option<Algorithm>,
    /// The issuer whose rules applied, by the policy's name for it.
    pub issuer: Option<&'g str>,
    /// The name of the key under which the signature verified.
    pub key: Option<String>,
    /// The refusal that report mode has set aside.
    pub reported: Option<Refusal>,
    /// Whether the identity came from the cache.
    pub is_cached: bool,
}
