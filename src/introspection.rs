//! Token introspection (RFC 7662): asking an issuer's authorization server what a token means, for
//! tokens that the gate cannot verify itself.
//!
//! This module builds the request, judges the response, and remembers the results. The edge sends
//! the request.

mod client;
mod memory;
mod request;
mod response;

pub use self::client::{Client, ClientAuthentication, ClientSecret, Fresh};
pub(crate) use self::memory::Supply;
pub use self::memory::{Introspections, Lease, TokenId, timed_out};
pub use self::request::HttpRequest;
pub use self::response::{Failure, Response, Unjudged, too_large};

use crate::identity::SignatureEvidence;
use crate::issuer_id::IssuerId;
use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use serde_json::Value;
use std::fmt;

/// How long the client waits before it tries again after a call that was not made.
pub(crate) const PAUSE: Seconds = Seconds::new(1);

/// How an issuer's tokens are introspected. Made by the policy's compiler.
#[derive(Debug)]
pub struct Introspection {
    /// Where the endpoint is.
    pub endpoint: Endpoint,
    /// As whom the gate asks.
    pub client: Client,
    /// How long a response may be reused, from when the call began.
    pub cache: Seconds,
    /// Which tokens are introspected.
    pub tokens: Tokens,
    /// Whether responses must be signed (RFC 9701).
    pub signed: bool,
}

/// The location of an introspection endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// This URL.
    Url(String),
    /// The `introspection_endpoint` in this issuer's metadata (RFC 8414 section 2).
    Discovery(String),
}

/// Which of an issuer's tokens are introspected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    /// Those that are not compact JWSs.
    #[default]
    Opaque,
    /// All. If the issuer has keys, the signature of a JWS must verify first.
    All,
}

impl Tokens {
    /// The name in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opaque => "opaque",
            Self::All => "all",
        }
    }
}

/// A request to introspect a token.
#[derive(Clone)]
pub struct IntrospectionRequest {
    /// The issuer whose endpoint is asked.
    pub issuer: IssuerId,
    /// The token.
    pub token: Box<str>,
    /// The token's ID in the memory.
    pub id: TokenId,
    /// Whether the endpoint has said before that the token is active.
    pub standing: Standing,
    /// The number of answers when the request that needs this one arrived.
    pub arrived: u64,
    /// The signature of a JWS, which has verified.
    pub signature: Option<SignatureEvidence>,
    /// The `cnf` of a JWT. The client has to prove it even if the response does not have it.
    pub confirmation: Option<Value>,
}

impl IntrospectionRequest {
    /// The refusal that applies if the token is not introspected: `introspection_unavailable`.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        unavailable("the introspection endpoint has not answered yet", PAUSE)
    }
}

/// Prints no token, because a token is a credential.
impl fmt::Debug for IntrospectionRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IntrospectionRequest")
            .field("issuer", &self.issuer)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}

impl PartialEq for IntrospectionRequest {
    fn eq(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.token == other.token
    }
}

impl Eq for IntrospectionRequest {}

/// What the gate knows about a token before it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: anyone may have made it up.
    New,
    /// The endpoint has said before that it is active.
    Seen,
}

pub(crate) fn unavailable(because: &'static str, pause: Seconds) -> Refusal {
    Refusal::new(Code::IntrospectionUnavailable, because).retrying_after(pause)
}
