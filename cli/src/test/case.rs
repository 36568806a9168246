//! A case: a request, and what the gate has to do with it.

use crate::dpop::Changes;
use portcullis::alg::Algorithm;
use portcullis::refusal::Code;
use portcullis::revocation::Subject;
use portcullis::time::UnixSeconds;
use serde_json::{Map, Value};

/// A case of a test file.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// The line of the test file, counted from one.
    pub(super) line: Option<usize>,
    pub(super) method: String,
    pub(super) url: String,
    /// The header lines. `{token}` stands for the token.
    pub(super) headers: Vec<(String, String)>,
    pub(super) credential: Credential,
    /// The DPoP proof to send, if the case has one.
    pub(super) proof: Option<SignedProof>,
    pub(super) now: UnixSeconds,
    /// What the issuer's introspection endpoint says about the token.
    pub(super) introspection: Option<Introspection>,
    /// What the revocation store lists of the token.
    pub(super) revoked: Vec<Subject>,
    pub(super) expected: Expected,
}

/// What an introspection endpoint says about a token.
#[derive(Clone, Debug)]
pub(super) enum Introspection {
    /// A response with these members, in addition to those that the issuer's rules need, or instead
    /// of them.
    Members(Map<String, Value>),
    /// It does not answer.
    Unavailable,
}

/// The token of a case.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    None,
    /// A token as it is.
    Token(String),
    /// A token that is signed with a stand-in key.
    Signed(Signed),
}

/// A token to sign.
#[derive(Clone, Debug, Default)]
pub(super) struct Signed {
    /// The issuer's name in the policy, or `None` for the first.
    pub(super) issuer: Option<String>,
    /// The algorithm, or `None` for the issuer's first.
    pub(super) algorithm: Option<Algorithm>,
    /// Members of the JOSE header in addition to `alg`, `typ` and `kid`, or instead of them.
    pub(super) header: Map<String, Value>,
    /// Claims in addition to those that the issuer's rules need, or instead of them.
    pub(super) claims: Map<String, Value>,
    /// The claims to leave out.
    pub(super) omit: Vec<String>,
    /// Whether the signature is changed afterwards.
    pub(super) has_wrong_signature: bool,
}

/// A DPoP proof to sign.
#[derive(Clone, Debug, Default)]
pub(super) struct SignedProof {
    /// How it differs from a good one.
    pub(super) changes: Changes,
    /// Whether a key signs it that the token is not bound to.
    pub(super) is_of_other_key: bool,
    /// Whether the signature is changed afterwards.
    pub(super) has_wrong_signature: bool,
}

/// What the gate has to do. Absent parts are not compared.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    /// The status of the response. 200 for a request that reaches the API.
    pub(super) status: u16,
    /// The reason for the refusal, or for the one that report mode sets aside.
    pub(super) code: Option<Code>,
    /// What `WWW-Authenticate` contains.
    pub(super) challenge: Option<String>,
    /// The URL that the API receives.
    pub(super) api_url: Option<String>,
    /// Headers that the API receives, with their values, or with any value.
    pub(super) api_receives: Vec<(String, Option<String>)>,
    /// Claims of the signed identity that the API receives, with their values. It may have more.
    pub(super) api_identity: Map<String, Value>,
    /// Headers that the API does not receive.
    pub(super) api_does_not_receive: Vec<String>,
    /// Headers of a response of the gate's own.
    pub(super) response_headers: Vec<(String, String)>,
}
