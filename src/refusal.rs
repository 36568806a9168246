//! Every way to refuse a request.
//!
//! A refusal says what happened. [`crate::error_response`] decides what the client sees of it.

pub mod remedy;
mod step;

pub use self::step::Step;

use crate::time::Seconds;
use std::borrow::Cow;
use std::fmt;

/// How a response explains itself in its challenge (RFC 6750 section 3.1).
#[derive(Clone, Copy)]
pub(crate) enum Challenge {
    /// There is no `WWW-Authenticate` header.
    None,
    /// Only the scheme and the realm, because the client sent no credentials that could be wrong.
    Bare,
    /// With `error` and `error_description`.
    Error(&'static str, &'static str),
    /// The same, for a proof: only with the scheme `DPoP` (RFC 9449 section 7.1).
    Proof(&'static str, &'static str),
}

/// The authentication schemes of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schemes {
    /// `Bearer` (RFC 6750).
    pub(crate) bearer: bool,
    /// `DPoP` (RFC 9449).
    pub(crate) dpop: bool,
    /// Whether the client used `DPoP`.
    pub(crate) used_dpop: bool,
}

impl Schemes {
    const BEARER: Self = Self { bearer: true, dpop: false, used_dpop: false };
}

impl Default for Schemes {
    fn default() -> Self {
        Self::BEARER
    }
}

const INVALID_REQUEST: Challenge =
    Challenge::Error("invalid_request", "The request's credentials are malformed");
const INVALID_TOKEN: Challenge = Challenge::Error("invalid_token", "The access token is invalid");
const EXPIRED_TOKEN: Challenge = Challenge::Error("invalid_token", "The access token expired");
const MISSING_SCOPE: Challenge =
    Challenge::Error("insufficient_scope", "The access token lacks a required scope");
const NOT_PERMITTED: Challenge =
    Challenge::Error("insufficient_scope", "The access token does not permit this");
const STEP_UP: Challenge = Challenge::Error(
    "insufficient_user_authentication",
    "A different authentication level is required",
);

const INVALID_PROOF: Challenge =
    Challenge::Proof("invalid_dpop_proof", "The DPoP proof is missing or invalid");
const USE_NONCE: Challenge = Challenge::Proof("use_dpop_nonce", "The DPoP proof requires a nonce");

/// A reason code's row in the table.
struct Row {
    name: &'static str,
    status: u16,
    challenge: Challenge,
    step: Step,
}

/// Defines [`Code`]: for each code its name, HTTP status, challenge, and the step that refuses with
/// it unless the refusal says otherwise. A code without all of these does not compile.
macro_rules! codes {
    ($(
        $(#[$doc:meta])+
        $code:ident: $name:literal, $status:literal, $challenge:expr, $step:ident;
    )+) => {
        /// The reason code of a refusal: stable, documented, logged, matched in tests.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])+ $code,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$code),+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$code => Row {
                        name: $name,
                        status: $status,
                        challenge: $challenge,
                        step: Step::$step,
                    },)+
                }
            }
        }
    };
}

codes! {
    /// The route requires a token, and the request has none.
    MissingToken: "missing_token", 401, Challenge::Bare, Found;
    /// The request has more than one token.
    MultipleTokens: "multiple_tokens", 400, INVALID_REQUEST, Found;
    /// The credential is not a b64token, or `Authorization: Bearer` is not followed by one.
    MalformedAuthorization: "malformed_authorization", 400, INVALID_REQUEST, Found;
    /// The token is longer than [`crate::budget::TOKEN_BYTES`].
    TokenTooLarge: "token_too_large", 400, INVALID_REQUEST, Found;
    /// Two parsers could read the path differently.
    AmbiguousPath: "ambiguous_path", 400, Challenge::None, Path;
    /// The token is not a strict compact JWS over a JSON object.
    MalformedToken: "malformed_token", 401, INVALID_TOKEN, Parsed;
    /// The token's header has `crit`, or a `b64` other than `true`.
    UnsupportedCritical: "unsupported_critical", 401, INVALID_TOKEN, Parsed;
    /// The issuer's policy does not list the token's algorithm.
    AlgorithmNotAllowed: "algorithm_not_allowed", 401, INVALID_TOKEN, Key;
    /// No key of the issuer fits the token's header.
    UnknownKey: "unknown_key", 401, INVALID_TOKEN, Key;
    /// The signature verifies under none of the keys that fit.
    BadSignature: "bad_signature", 401, INVALID_TOKEN, Signature;
    /// `iss` names no issuer of the policy, or none that the route admits.
    UnknownIssuer: "unknown_issuer", 401, INVALID_TOKEN, Key;
    /// `aud` contains none of the accepted audiences.
    WrongAudience: "wrong_audience", 401, INVALID_TOKEN, Audience;
    /// The token is of another type, such as a logout token.
    WrongType: "wrong_type", 401, INVALID_TOKEN, Type;
    /// A claim that the policy requires is absent.
    MissingClaim: "missing_claim", 401, INVALID_TOKEN, Claims;
    /// A claim has the wrong JSON type, is out of range, or has a value that the policy excludes.
    InvalidClaim: "invalid_claim", 401, INVALID_TOKEN, Claims;
    /// `nbf` or `iat` is in the future.
    NotYetValid: "not_yet_valid", 401, INVALID_TOKEN, Time;
    /// `iat` is longer ago than the policy's `max_age`.
    TooOld: "too_old", 401, INVALID_TOKEN, Time;
    /// `exp` has passed.
    Expired: "expired", 401, EXPIRED_TOKEN, Time;
    /// The token is valid, but lacks a scope that the route requires.
    InsufficientScope: "insufficient_scope", 403, MISSING_SCOPE, Route;
    /// The token is valid, but fails a role or claim rule of the route.
    ClaimNotAllowed: "claim_not_allowed", 403, NOT_PERMITTED, Route;
    /// The user must sign in again, or in another way (RFC 9470).
    InsufficientUserAuthentication: "insufficient_user_authentication", 401, STEP_UP, Route;
    /// The token came in a cookie, and another site may have made the browser send it.
    CrossSite: "cross_site", 403, Challenge::None, Found;
    /// No route matches the path.
    NoRoute: "no_route", 404, Challenge::None, Path;
    /// The route does not accept the method.
    MethodNotAllowed: "method_not_allowed", 405, Challenge::None, Path;
    /// A claim that the policy forwards is too large for a header.
    ClaimTooLarge: "claim_too_large", 431, Challenge::None, Forward;
    /// Too many tokens from the client's address have been rejected.
    RateLimited: "rate_limited", 429, Challenge::None, Forward;
    /// The gate's own hop header came back: the origin is the gate itself.
    LoopDetected: "loop_detected", 508, Challenge::None, Forward;
    /// The issuer's keys have to be fetched, and could not be.
    KeysUnavailable: "keys_unavailable", 503, Challenge::None, Key;
    /// The issuer's introspection endpoint says that the token is not active.
    InactiveToken: "inactive_token", 401, INVALID_TOKEN, Introspection;
    /// The token has to be introspected, and could not be.
    IntrospectionUnavailable: "introspection_unavailable", 503, Challenge::None, Introspection;
    /// The token is bound to a key, and came without a DPoP proof or as a bearer token.
    MissingProof: "missing_proof", 401, INVALID_PROOF, Possession;
    /// The DPoP proof fails a check of RFC 9449 section 4.3.
    InvalidProof: "invalid_proof", 401, INVALID_PROOF, Possession;
    /// The DPoP proof was used before.
    ProofReplayed: "proof_replayed", 401, INVALID_PROOF, Possession;
    /// The DPoP proof has no nonce of the gate's, or one that has expired.
    NonceRequired: "nonce_required", 401, USE_NONCE, Possession;
    /// The Durable Object that records proofs has not answered.
    ReplayUnavailable: "replay_unavailable", 503, Challenge::None, Possession;
    /// The token is bound to a client certificate, and the client has none.
    MissingCertificate: "missing_certificate", 401, INVALID_TOKEN, Possession;
    /// The token is bound to another client certificate, or to one that is not trusted.
    WrongCertificate: "wrong_certificate", 401, INVALID_TOKEN, Possession;
    /// The token, its user, its session or its key has been revoked.
    Revoked: "revoked", 401, INVALID_TOKEN, Revocation;
    /// The revocation store cannot be read.
    RevocationUnavailable: "revocation_unavailable", 503, Challenge::None, Revocation;
    /// The logout endpoint received something other than a valid logout token.
    InvalidLogoutToken: "invalid_logout_token", 400, Challenge::None, Type;
    /// The policy is invalid, so no request can be judged.
    Misconfigured: "misconfigured", 500, Challenge::None, Path;
    /// The request to the origin failed before there was a response.
    OriginUnreachable: "origin_unreachable", 502, Challenge::None, Forward;
    /// The origin sent no response headers in time.
    OriginTimeout: "origin_timeout", 504, Challenge::None, Forward;
}

impl Code {
    /// Returns the code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// The code as it is logged and documented.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The HTTP status of a refusal with this code.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// The challenge of a refusal with this code.
    pub(crate) const fn challenge(self) -> Challenge {
        self.row().challenge
    }

    /// The step that refuses with this code, unless the refusal names another.
    const fn step(self) -> Step {
        self.row().step
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A refused request, and the reason.
///
/// It contains no part of the token or its claims: `because` is a fixed sentence of this crate, at
/// most with terms of the policy, and scopes and methods come from the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    because: Cow<'static, str>,
    step: Option<Step>,
    /// What only some refusals have. A refusal is made in many places, and is small there.
    details: Option<Box<Details>>,
}

/// What the response to a refused request says besides the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    /// The scopes that would have been enough.
    pub(crate) scopes: Vec<String>,
    /// The methods that the route accepts.
    pub(crate) methods: Vec<String>,
    /// After how many seconds to try again.
    pub(crate) retry_after: Option<Seconds>,
    /// The accepted authentication contexts.
    pub(crate) acr: Vec<String>,
    /// How long ago the user may have signed in.
    pub(crate) max_auth_age: Option<Seconds>,
    /// The schemes with which the client can authenticate.
    pub(crate) schemes: Schemes,
    /// The nonce for the client's next DPoP proof.
    pub(crate) nonce: Option<String>,
}

impl Refusal {
    /// A refusal with its code and, for the operator's log, the sentence that says what exactly was
    /// wrong.
    #[must_use]
    pub const fn new(code: Code, because: &'static str) -> Self {
        Self { code, because: Cow::Borrowed(because), step: None, details: None }
    }

    /// The details for the response, to add some.
    #[cold]
    #[inline(never)]
    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Names what of the policy the sentence is about, such as a claim. It must not come from the
    /// token.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn about(self, term: &str) -> Self {
        Self { because: Cow::Owned(format!("{}: {term}", self.because)), ..self }
    }

    /// The same refusal with another code.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub(crate) fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// Names the step that refused, if it is not the one that the code implies.
    #[must_use]
    pub const fn at(mut self, step: Step) -> Self {
        self.step = Some(step);
        self
    }

    /// Names the scopes that would have been enough (RFC 6750 section 3).
    #[must_use]
    pub fn needing_scopes(mut self, scopes: Vec<String>) -> Self {
        self.details_mut().scopes = scopes;
        self
    }

    /// Names the methods that the route accepts (RFC 9110 section 10.2.1).
    #[must_use]
    pub fn allowing_methods(mut self, methods: Vec<String>) -> Self {
        self.details_mut().methods = methods;
        self
    }

    /// Says after how many seconds to try again (RFC 9110 section 10.2.3).
    #[must_use]
    pub fn retrying_after(mut self, pause: Seconds) -> Self {
        self.details_mut().retry_after = Some(pause);
        self
    }

    /// Names how the user must sign in, and how recently (RFC 9470 section 3).
    #[must_use]
    pub fn needing_authentication(
        mut self,
        acr: Vec<String>,
        max_auth_age: Option<Seconds>,
    ) -> Self {
        let details = self.details_mut();
        details.acr = acr;
        details.max_auth_age = max_auth_age;
        self
    }

    /// Names the schemes with which the client can authenticate.
    #[must_use]
    pub(crate) fn challenging(mut self, schemes: Schemes) -> Self {
        self.details_mut().schemes = schemes;
        self
    }

    /// Adds the nonce for the client's next DPoP proof (RFC 9449 section 9).
    #[must_use]
    pub(crate) fn with_nonce(mut self, nonce: &str) -> Self {
        self.details_mut().nonce = Some(nonce.to_owned());
        self
    }

    /// The reason code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The step that refused.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step.unwrap_or(self.code.step())
    }

    /// What exactly was wrong: for logs, not for the client.
    #[must_use]
    pub fn because(&self) -> &str {
        &self.because
    }

    /// What the response says besides the code.
    pub(crate) fn details(&self) -> &Details {
        static NONE: Details = Details {
            scopes: Vec::new(),
            methods: Vec::new(),
            retry_after: None,
            acr: Vec::new(),
            max_auth_age: None,
            schemes: Schemes::BEARER,
            nonce: None,
        };
        self.details.as_deref().unwrap_or(&NONE)
    }

    /// Whether report mode may let the request pass: the refusal is a 401 or 403 for its token, its
    /// claims or what they authorize. A request that another site may have made is not excused.
    #[must_use]
    pub fn may_be_reported(&self) -> bool {
        matches!(self.code.status(), 401 | 403) && self.code != Code::CrossSite
    }
}
