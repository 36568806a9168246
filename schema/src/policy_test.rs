//! The keys of policy tests: the meaning, type and default of each.
//!
//! `portcullis test` decides what is valid, and checks more than this schema can express.

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeMap;

/// Tests of a policy, for `portcullis test`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PolicyTests {
    /// The JSON Schema of this file, for editors.
    #[schemars(rename = "$schema")]
    pub schema: Option<String>,
    /// The time of the requests.
    #[schemars(range(min = 0), extend("default" = 1_800_000_000, "x-unit" = "seconds since 1970"))]
    pub now: Option<i64>,
    /// The cases. Each has a name of its own.
    #[schemars(length(min = 1))]
    pub cases: Vec<Case>,
}

/// A request, and what the gate has to do with it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Case {
    /// What is expected, in words.
    pub name: String,
    /// The method of the request.
    #[schemars(extend("default" = "GET"))]
    pub method: Option<String>,
    /// The URL of the request, or its path with the query.
    #[schemars(regex(pattern = "^(/|https?://)"))]
    pub url: String,
    /// The headers of the request. `{token}` stands for the token. If neither a header nor the URL
    /// contains it, the token is sent in the first of the policy's token sources.
    pub headers: Option<BTreeMap<String, OneOrMore>>,
    /// A token as it is, which is judged with the policy's own keys and secrets. Keys that the
    /// issuer publishes are not fetched. Without `token`, `claims`, `issuer`, `algorithm`,
    /// `header`, `omit`,
    /// `signature` and `revoked`, the request has no token.
    pub token: Option<String>,
    /// Claims of a token that is signed with a stand-in key. Claims that the issuer's rules need
    /// are added. `exp`, `nbf`, `iat` and `auth_time` can be relative: `"now"`, `"now+10m"`,
    /// `"now-1h"`.
    pub claims: Option<BTreeMap<String, Value>>,
    /// The issuer of the token, by its name in the policy. By default the first.
    pub issuer: Option<String>,
    /// The algorithm of the token. By default the first that the issuer lists.
    pub algorithm: Option<String>,
    /// Members of the token's JOSE header, in addition to the usual ones or instead of them.
    pub header: Option<BTreeMap<String, Value>>,
    /// The claims to leave out, such as `"exp"`; `"header.kid"` leaves out a member of the header.
    pub omit: Option<Vec<String>>,
    /// `"wrong"` changes the signature.
    pub signature: Option<Signature>,
    /// What the issuer's introspection endpoint says about the token: the members of its response.
    /// Members that the issuer's rules need are added, and `active = true`. `"unavailable"`: it
    /// does not answer. Without another token, the request has an opaque one.
    pub introspection: Option<IntrospectionResponse>,
    /// A DPoP proof that is sent with the token, which is then bound to the key of the proof:
    /// `true`, or the differences from a good proof for this request.
    pub proof: Option<TrueOrProof>,
    /// The time of this request.
    #[schemars(range(min = 0), extend("x-unit" = "seconds since 1970"))]
    pub now: Option<i64>,
    /// What the revocation store lists: this token (`"jti"`), its user (`"sub"`), its session
    /// (`"sid"`), or its key (`"kid"`).
    pub revoked: Option<Vec<Revoked>>,
    /// What the gate has to do. Keys that are absent are not compared.
    pub expect: Expected,
}

/// `true`, or the differences from a good proof.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum TrueOrProof {
    /// A good proof.
    Good(bool),
    /// A proof with differences.
    Changed(Proof),
}

/// The differences from a good proof.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Proof {
    /// Claims of the proof, in addition to the usual ones or instead of them. `iat` can be
    /// relative: `"now-2m"`.
    pub claims: Option<BTreeMap<String, Value>>,
    /// Members of the proof's JOSE header, in addition to the usual ones or instead of them.
    pub header: Option<BTreeMap<String, Value>>,
    /// The claims to leave out, such as `"ath"`; `"header.jwk"` leaves out a member of the header.
    pub omit: Option<Vec<String>>,
    /// `"wrong"` changes the signature.
    pub signature: Option<Signature>,
    /// `"other"` signs the proof with a key that the token is not bound to.
    pub key: Option<ProofKey>,
}

/// Which key signs the proof.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum ProofKey {
    Other,
}

/// What the gate has to do with a request.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Expected {
    /// The status: 200 if the request reaches the API, or else that of the gate's response.
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// The code of the refusal, or of the refusal that report mode sets aside.
    pub code: Option<String>,
    /// A text that `WWW-Authenticate` contains.
    pub challenge: Option<String>,
    /// The URL that the API receives.
    pub api_url: Option<String>,
    /// Headers that the API receives: the value, or `true` for any value.
    pub api_receives: Option<BTreeMap<String, TextOrAny>>,
    /// Claims of the signed identity that the API receives (`forward.identity`), with their values.
    /// It may have other claims as well.
    pub api_identity: Option<BTreeMap<String, Value>>,
    /// The names of headers that the API does not receive.
    pub api_does_not_receive: Option<Vec<String>>,
    /// Headers of the gate's own response.
    pub response_headers: Option<BTreeMap<String, OneOrMore>>,
}

/// The members of a response, or `"unavailable"`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum IntrospectionResponse {
    /// The members of a response.
    Members(BTreeMap<String, Value>),
    /// The endpoint does not answer.
    Failure(IntrospectionFailure),
}

/// Why there is no response.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum IntrospectionFailure {
    Unavailable,
}

/// A text, or a list of texts.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMore {
    /// One text.
    One(String),
    /// Several texts.
    More(Vec<String>),
}

/// A text, or `true` for any text.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum TextOrAny {
    /// This text.
    Text(String),
    /// Any text.
    Any(bool),
}

/// How the signature is changed.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Signature {
    Wrong,
}

/// What the revocation store lists.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Revoked {
    Jti,
    Sub,
    Sid,
    Kid,
}
