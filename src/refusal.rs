//! Every way to say no, and the one map from a refusal to HTTP.
//!
//! A refusal says what happened; [`Refusal::answer`] decides what the client sees of it. Refusals of
//! the token look all alike from outside, save for an expired one, so that nobody learns from an
//! answer which check a forged token got past.

#[cfg(any(feature = "web", not(target_arch = "wasm32")))]
pub mod remedy;
mod step;

pub use self::step::Step;

use crate::cors::Cors;
use crate::json::Object;
use crate::request::Headers;
use crate::resource::Resource;
use crate::time::Seconds;
use serde_json::Value;
use std::fmt;

/// The reason code of a refusal: stable, documented, logged, matched in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// No token on a route that needs one.
    MissingToken,
    /// More than one token in the request.
    MultipleTokens,
    /// A credential that is not one b64token; an `Authorization: Bearer` without one space before it.
    MalformedAuthorization,
    /// A token longer than [`crate::budget::TOKEN_BYTES`].
    TokenTooLarge,
    /// A path that two parsers could read differently.
    AmbiguousPath,
    /// No strict compact JWS over a JSON object.
    MalformedToken,
    /// A header with `crit` or `b64`.
    UnsupportedCritical,
    /// An algorithm that the issuer's policy does not list.
    AlgorithmNotAllowed,
    /// No key of the issuer fits the token's header.
    UnknownKey,
    /// The signature is not one by any key that fits.
    BadSignature,
    /// `iss` names no configured issuer, or none that the route admits.
    UnknownIssuer,
    /// `aud` holds none of the expected audiences.
    WrongAudience,
    /// A token of another type, such as a logout token.
    WrongType,
    /// A claim that the policy requires is absent.
    MissingClaim,
    /// A claim of the wrong JSON type, out of range, or with a value that the policy excludes.
    InvalidClaim,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// `iat` is older than the policy's `max_age`.
    TooOld,
    /// `exp` has passed.
    Expired,
    /// The token is good, but lacks a scope that the route needs.
    InsufficientScope,
    /// The token is good, but fails a role or claim rule of the route.
    ClaimNotAllowed,
    /// The user must sign in again, or in another way (RFC 9470).
    InsufficientUserAuthentication,
    /// The token came in a cookie, and another site may have made the browser send it.
    CrossSite,
    /// No route matches the path.
    NoRoute,
    /// The route does not take this method.
    MethodNotAllowed,
    /// Too many tokens from the client's address have been refused.
    RateLimited,
    /// The gate's own hop header came back: the origin is the gate itself.
    LoopDetected,
    /// The issuer's keys have to be fetched, and cannot be.
    KeysUnavailable,
    /// The token, its user, session or key has been revoked.
    Revoked,
    /// The revocation store cannot be read.
    RevocationUnavailable,
    /// What was posted to the logout endpoint is no good logout token.
    InvalidLogoutToken,
    /// The policy has a fault, so that nothing can be judged.
    Misconfigured,
    /// The request to the origin failed before there was an answer.
    OriginUnreachable,
    /// The origin sent no response headers in time.
    OriginTimeout,
}

/// How an answer with a challenge explains itself (RFC 6750 section 3.1).
enum Challenge {
    /// No `WWW-Authenticate` header at all.
    None,
    /// The scheme and realm alone: the client sent no credentials to find fault with.
    Bare,
    /// With `error` and `error_description`.
    Error(&'static str, &'static str),
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 33] = [
        Self::MissingToken,
        Self::MultipleTokens,
        Self::MalformedAuthorization,
        Self::TokenTooLarge,
        Self::AmbiguousPath,
        Self::MalformedToken,
        Self::UnsupportedCritical,
        Self::AlgorithmNotAllowed,
        Self::UnknownKey,
        Self::BadSignature,
        Self::UnknownIssuer,
        Self::WrongAudience,
        Self::WrongType,
        Self::MissingClaim,
        Self::InvalidClaim,
        Self::NotYetValid,
        Self::TooOld,
        Self::Expired,
        Self::InsufficientScope,
        Self::ClaimNotAllowed,
        Self::InsufficientUserAuthentication,
        Self::CrossSite,
        Self::NoRoute,
        Self::MethodNotAllowed,
        Self::RateLimited,
        Self::LoopDetected,
        Self::KeysUnavailable,
        Self::Revoked,
        Self::RevocationUnavailable,
        Self::InvalidLogoutToken,
        Self::Misconfigured,
        Self::OriginUnreachable,
        Self::OriginTimeout,
    ];

    /// The code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// The code as it is logged and documented.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status that a refusal of this code gets.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().1
    }

    const fn row(self) -> (&'static str, u16, Challenge) {
        const INVALID_TOKEN: Challenge =
            Challenge::Error("invalid_token", "The access token is invalid");
        const INVALID_REQUEST: Challenge =
            Challenge::Error("invalid_request", "The request's credentials are malformed");
        match self {
            Self::MissingToken => ("missing_token", 401, Challenge::Bare),
            Self::MultipleTokens => ("multiple_tokens", 400, INVALID_REQUEST),
            Self::MalformedAuthorization => ("malformed_authorization", 400, INVALID_REQUEST),
            Self::TokenTooLarge => ("token_too_large", 400, INVALID_REQUEST),
            Self::AmbiguousPath => ("ambiguous_path", 400, Challenge::None),
            Self::MalformedToken => ("malformed_token", 401, INVALID_TOKEN),
            Self::UnsupportedCritical => ("unsupported_critical", 401, INVALID_TOKEN),
            Self::AlgorithmNotAllowed => ("algorithm_not_allowed", 401, INVALID_TOKEN),
            Self::UnknownKey => ("unknown_key", 401, INVALID_TOKEN),
            Self::BadSignature => ("bad_signature", 401, INVALID_TOKEN),
            Self::UnknownIssuer => ("unknown_issuer", 401, INVALID_TOKEN),
            Self::WrongAudience => ("wrong_audience", 401, INVALID_TOKEN),
            Self::WrongType => ("wrong_type", 401, INVALID_TOKEN),
            Self::MissingClaim => ("missing_claim", 401, INVALID_TOKEN),
            Self::InvalidClaim => ("invalid_claim", 401, INVALID_TOKEN),
            Self::NotYetValid => ("not_yet_valid", 401, INVALID_TOKEN),
            Self::TooOld => ("too_old", 401, INVALID_TOKEN),
            Self::Expired => {
                ("expired", 401, Challenge::Error("invalid_token", "The access token expired"))
            }
            Self::InsufficientScope => (
                "insufficient_scope",
                403,
                Challenge::Error("insufficient_scope", "The access token lacks a required scope"),
            ),
            Self::ClaimNotAllowed => (
                "claim_not_allowed",
                403,
                Challenge::Error("insufficient_scope", "The access token does not permit this"),
            ),
            Self::InsufficientUserAuthentication => (
                "insufficient_user_authentication",
                401,
                Challenge::Error(
                    "insufficient_user_authentication",
                    "A different authentication level is required",
                ),
            ),
            Self::CrossSite => ("cross_site", 403, Challenge::None),
            Self::NoRoute => ("no_route", 404, Challenge::None),
            Self::MethodNotAllowed => ("method_not_allowed", 405, Challenge::None),
            Self::RateLimited => ("rate_limited", 429, Challenge::None),
            Self::LoopDetected => ("loop_detected", 508, Challenge::None),
            Self::KeysUnavailable => ("keys_unavailable", 503, Challenge::None),
            Self::Revoked => ("revoked", 401, INVALID_TOKEN),
            Self::RevocationUnavailable => ("revocation_unavailable", 503, Challenge::None),
            Self::InvalidLogoutToken => ("invalid_logout_token", 400, Challenge::None),
            Self::Misconfigured => ("misconfigured", 500, Challenge::None),
            Self::OriginUnreachable => ("origin_unreachable", 502, Challenge::None),
            Self::OriginTimeout => ("origin_timeout", 504, Challenge::None),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A request that is not let through, and why.
///
/// Holds nothing of the token or its claims: `because` is one of this crate's own sentences, and
/// scopes and methods come from the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: Code,
    because: &'static str,
    step: Option<Step>,
    scopes: Vec<String>,
    methods: Vec<String>,
    retry_after: Option<Seconds>,
    acr: Vec<String>,
    max_auth_age: Option<Seconds>,
}

impl Refusal {
    /// A refusal with its code and, for the operator's log, the sentence that narrows it down.
    #[must_use]
    pub const fn new(code: Code, because: &'static str) -> Self {
        Self {
            code,
            because,
            step: None,
            scopes: Vec::new(),
            methods: Vec::new(),
            retry_after: None,
            acr: Vec::new(),
            max_auth_age: None,
        }
    }

    /// Names the scopes that would have been enough (RFC 6750 section 3).
    #[must_use]
    pub fn needing_scopes(self, scopes: Vec<String>) -> Self {
        Self { scopes, ..self }
    }

    /// Names the methods that the route takes (RFC 9110 section 10.2.1).
    #[must_use]
    pub fn allowing_methods(self, methods: Vec<String>) -> Self {
        Self { methods, ..self }
    }

    /// Says after how many seconds to try again (RFC 9110 section 10.2.3).
    #[must_use]
    pub fn retrying_after(self, pause: Seconds) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// Names how the user should have signed in, and how long ago at most (RFC 9470 section 3).
    #[must_use]
    pub fn needing_authentication(self, acr: Vec<String>, max_auth_age: Option<Seconds>) -> Self {
        Self { acr, max_auth_age, ..self }
    }

    /// The reason code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Whether report mode may let the request through: a 401 or 403 for its token, claims or what they
    /// authorise. A request that another site may have made is none of these.
    #[must_use]
    pub fn may_be_reported(&self) -> bool {
        matches!(self.code.status(), 401 | 403) && self.code != Code::CrossSite
    }

    /// What exactly was wrong: for logs, not for the client.
    #[must_use]
    pub const fn because(&self) -> &'static str {
        self.because
    }

    /// What the client sees, as [`Refusal::answer`] says, and a page of another origin if the policy
    /// allows it.
    #[must_use]
    pub fn answer_to(
        &self,
        headers: &dyn Headers,
        style: &AnswerStyle,
        ray: Option<&str>,
    ) -> Answer {
        let mut answer = self.answer(style, ray);
        if let Some(cors) = &style.cors {
            cors.expose(headers, &mut answer);
        }
        answer
    }

    /// What the client sees: status, standard challenge, and a problem body (RFC 9457).
    ///
    /// `ray` is the platform's name for the request, from `CF-Ray`, if there is one.
    #[must_use]
    pub fn answer(&self, style: &AnswerStyle, ray: Option<&str>) -> Answer {
        let mut headers = vec![
            ("Content-Type", "application/problem+json".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
        ];
        if let Some(challenge) = self.challenge(style) {
            headers.push(("WWW-Authenticate", challenge));
        }
        if self.code == Code::MethodNotAllowed {
            headers.push(("Allow", self.methods.join(", ")));
        }
        if let Some(pause) = self.retry_after {
            headers.push(("Retry-After", pause.get().to_string()));
        }
        let status = self.code.status();
        let mut problem = Object::new();
        problem.insert("type".to_owned(), Value::from("about:blank"));
        problem.insert("title".to_owned(), Value::from(reason_phrase(status)));
        problem.insert("status".to_owned(), Value::from(status));
        if let Some(ray) = ray {
            problem.insert("ray".to_owned(), Value::from(ray));
        }
        if style.detail == Detail::Reason {
            problem.insert("code".to_owned(), Value::from(self.code.as_str()));
        }
        Answer { status, headers, body: Value::Object(problem).to_string() }
    }

    fn challenge(&self, style: &AnswerStyle) -> Option<String> {
        let (_, _, challenge) = self.code.row();
        let mut text = format!("Bearer realm=\"{}\"", style.realm);
        let metadata = style.resource.as_ref().map(|resource| resource.url.as_str());
        match challenge {
            Challenge::None => return None,
            Challenge::Bare => {}
            Challenge::Error(error, description) => {
                text.push_str(&format!(", error=\"{error}\", error_description=\"{description}\""));
            }
        }
        if !self.scopes.is_empty() {
            text.push_str(&format!(", scope=\"{}\"", self.scopes.join(" ")));
        }
        if !self.acr.is_empty() {
            text.push_str(&format!(", acr_values=\"{}\"", self.acr.join(" ")));
        }
        if let Some(max_age) = self.max_auth_age {
            text.push_str(&format!(", max_age=\"{}\"", max_age.get()));
        }
        if let Some(metadata) = metadata {
            text.push_str(&format!(", resource_metadata=\"{metadata}\""));
        }
        Some(text)
    }
}

/// What the policy says about answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerStyle {
    /// The protection space (RFC 9110 section 11.5): visible ASCII and spaces without `"` and `\`,
    /// as the policy's compiler sees to.
    pub realm: String,
    /// How much the body tells.
    pub detail: Detail,
    /// The metadata to which challenges point.
    pub resource: Option<Resource>,
    /// Whose pages may read them.
    pub cors: Option<Cors>,
}

impl Default for AnswerStyle {
    fn default() -> Self {
        Self { realm: "api".to_owned(), detail: Detail::None, resource: None, cors: None }
    }
}

/// How much of the reason a refused client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing beyond status and challenge.
    #[default]
    None,
    /// The reason code: for development, as it tells a forger how far a token got.
    Reason,
}

/// An HTTP answer of the gate's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, each name once.
    pub headers: Vec<(&'static str, String)>,
    /// The body, UTF-8. An answer to HEAD leaves it out.
    pub body: String,
}

pub(crate) const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        508 => "Loop Detected",
        _ => "Error",
    }
}
