//! The steps of the gate, in the order of the code, and the one at which a request was refused.

use super::{Code, Refusal};
use std::fmt;

/// A step that a request has to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The path is canonical, and a route takes it with its method.
    Path,
    /// There is one token, in one of the policy's sources.
    Found,
    /// It is a strict compact JWS with a header that the gate understands.
    Parsed,
    /// One of the policy's issuers is chosen by it, and a key of theirs.
    Key,
    /// That key bears the signature out.
    Signature,
    /// It is an access token by its type, and its registered claims are of their JSON types.
    Type,
    /// `iss`, and the tenant that it names.
    Issuer,
    /// `aud`.
    Audience,
    /// `exp`, `nbf`, `iat`.
    Time,
    /// `sub` and whatever else the issuer's rules ask for.
    Claims,
    /// It has not been revoked.
    Revocation,
    /// The route's own requirements.
    Route,
    /// What is forwarded can be written down, and goes to the origin.
    Forward,
}

impl Step {
    /// Every step, in the order of the code.
    pub const ALL: [Self; 13] = [
        Self::Path,
        Self::Found,
        Self::Parsed,
        Self::Key,
        Self::Signature,
        Self::Type,
        Self::Issuer,
        Self::Audience,
        Self::Time,
        Self::Claims,
        Self::Revocation,
        Self::Route,
        Self::Forward,
    ];

    /// The step as it is named in the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Found => "found",
            Self::Parsed => "parsed",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Type => "type",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Time => "time",
            Self::Claims => "claims",
            Self::Revocation => "revocation",
            Self::Route => "route",
            Self::Forward => "forward",
        }
    }

    /// The step of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Code {
    /// The step that refuses with this code, unless the refusal says that it was another.
    const fn step(self) -> Step {
        match self {
            Self::AmbiguousPath | Self::NoRoute | Self::MethodNotAllowed | Self::Misconfigured => {
                Step::Path
            }
            Self::MissingToken
            | Self::MultipleTokens
            | Self::MalformedAuthorization
            | Self::TokenTooLarge
            | Self::CrossSite => Step::Found,
            Self::MalformedToken | Self::UnsupportedCritical => Step::Parsed,
            Self::AlgorithmNotAllowed
            | Self::UnknownKey
            | Self::UnknownIssuer
            | Self::KeysUnavailable => Step::Key,
            Self::BadSignature => Step::Signature,
            Self::WrongType | Self::InvalidLogoutToken => Step::Type,
            Self::WrongAudience => Step::Audience,
            Self::NotYetValid | Self::TooOld | Self::Expired => Step::Time,
            Self::MissingClaim | Self::InvalidClaim => Step::Claims,
            Self::Revoked | Self::RevocationUnavailable => Step::Revocation,
            Self::InsufficientScope
            | Self::ClaimNotAllowed
            | Self::InsufficientUserAuthentication => Step::Route,
            Self::RateLimited
            | Self::LoopDetected
            | Self::OriginUnreachable
            | Self::OriginTimeout => Step::Forward,
        }
    }
}

impl Refusal {
    /// Says at which step it came about, where its code does not.
    #[must_use]
    pub const fn at(mut self, step: Step) -> Self {
        self.step = Some(step);
        self
    }

    /// The step at which it came about.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step.unwrap_or(self.code.step())
    }
}
