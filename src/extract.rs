//! Finding the one credential of a request, in the sources that the policy names.
//!
//! The gate does not look at sources that the policy does not name. In a source that it does name,
//! a credential that is present but malformed (empty, quoted, encoded, with other characters) is
//! rejected, not treated as absent.

mod authorization;
mod cookie;
mod query;
mod websocket;

pub(crate) use self::query::without as query_without;

use crate::budget;
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::request::{Headers, Request};
use portcullis_text::is_b64token;
use std::borrow::Cow;

/// A place in a request where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Authorization,
    /// `Authorization: DPoP` (RFC 9449 section 7.1). Where the gate accepts sender-constrained
    /// tokens, it reads this wherever it reads `Authorization: Bearer`.
    Dpop,
    /// `Authorization` with the scheme of that name, in any case, instead of `Bearer`.
    Scheme(String),
    /// The cookie of that name (RFC 6265 section 4.2), whose value is the token.
    Cookie(String),
    /// The cookie of that name, whose value is `Bearer` and the token.
    BearerCookie(String),
    /// The header of that name, whose value is the token, such as `Cf-Access-Jwt-Assertion`.
    Header(String),
    /// The query parameter of that name (RFC 6750 section 2.3).
    Query(String),
    /// `Sec-WebSocket-Protocol: bearer, TOKEN`: what a browser can send with a WebSocket.
    WebSocketProtocol,
    /// A WebSocket subprotocol that consists of this prefix and the token, as it is or in
    /// base64url.
    Subprotocol(String),
}

impl TokenSource {
    /// The header that contains the token and nothing else, if that is where the token is.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Authorization | Self::Dpop | Self::Scheme(_) => Some("Authorization"),
            Self::Header(name) => Some(name),
            Self::Cookie(_)
            | Self::BearerCookie(_)
            | Self::Query(_)
            | Self::WebSocketProtocol
            | Self::Subprotocol(_) => None,
        }
    }

    /// The query parameter that contains the token, if that is where the token is.
    #[must_use]
    pub fn query_parameter(&self) -> Option<&str> {
        match self {
            Self::Query(name) => Some(name),
            Self::Authorization
            | Self::Dpop
            | Self::Scheme(_)
            | Self::Cookie(_)
            | Self::BearerCookie(_)
            | Self::Header(_)
            | Self::WebSocketProtocol
            | Self::Subprotocol(_) => None,
        }
    }

    /// Whether a browser adds the token by itself to requests that any site makes it send.
    #[must_use]
    pub const fn is_ambient(&self) -> bool {
        match self {
            Self::Cookie(_) | Self::BearerCookie(_) => true,
            Self::Authorization
            | Self::Dpop
            | Self::Scheme(_)
            | Self::Header(_)
            | Self::Query(_)
            | Self::WebSocketProtocol
            | Self::Subprotocol(_) => false,
        }
    }

    /// Whether the origin must not see the token, even if the policy keeps credentials.
    #[must_use]
    pub(crate) const fn is_always_stripped(&self) -> bool {
        match self {
            // URLs are written to logs; and an origin would choose the token as a subprotocol.
            Self::Query(_) | Self::WebSocketProtocol | Self::Subprotocol(_) => true,
            Self::Authorization
            | Self::Dpop
            | Self::Scheme(_)
            | Self::Cookie(_)
            | Self::BearerCookie(_)
            | Self::Header(_) => false,
        }
    }

    /// Returns the header that the token shares with other values, and its value without the token
    /// (`None` if nothing else is in it).
    pub(crate) fn shared_header(
        &self,
        headers: &dyn Headers,
    ) -> Option<(&'static str, Option<String>)> {
        match self {
            Self::Cookie(name) | Self::BearerCookie(name) => {
                let cookies = headers.get("cookie")?;
                Some(("Cookie", cookie::without(&cookies, name)))
            }
            Self::WebSocketProtocol => {
                let offered = headers.get(SUBPROTOCOLS)?;
                Some(("Sec-WebSocket-Protocol", websocket::without_token(&offered)))
            }
            Self::Subprotocol(prefix) => {
                let offered = headers.get(SUBPROTOCOLS)?;
                Some(("Sec-WebSocket-Protocol", websocket::without_prefixed(&offered, prefix)))
            }
            Self::Authorization
            | Self::Dpop
            | Self::Scheme(_)
            | Self::Header(_)
            | Self::Query(_) => None,
        }
    }

    /// The source in words, for the console and the command line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Authorization => "authorization".to_owned(),
            Self::Dpop => "authorization with the scheme DPoP".to_owned(),
            Self::Scheme(name) => format!("authorization with the scheme {name}"),
            Self::Cookie(name) => format!("cookie {name}"),
            Self::BearerCookie(name) => format!("cookie {name}, after Bearer"),
            Self::Header(name) => format!("header {name}"),
            Self::Query(name) => format!("query {name}"),
            Self::WebSocketProtocol => "websocket-protocol".to_owned(),
            Self::Subprotocol(prefix) => format!("subprotocol {prefix}…"),
        }
    }
}

/// The header in which a client offers subprotocols.
const SUBPROTOCOLS: &str = "sec-websocket-protocol";

/// The subprotocol that a client offers next to its token, and with which the gate responds.
pub const BEARER_SUBPROTOCOL: &str = "bearer";

/// How a credential is presented (RFC 9110 section 11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// A bearer token (RFC 6750): the client need not prove that it possesses a key.
    Bearer,
    /// A token that is bound to the key of a proof (RFC 9449).
    Dpop,
}

/// A credential as the request presents it. Nothing in it is parsed yet.
///
/// Only [`credential`] makes one.
pub struct Credential<'r, 'p> {
    text: Cow<'r, str>,
    source: &'p TokenSource,
}

impl<'p> Credential<'_, 'p> {
    /// The token's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where in the request it was.
    #[must_use]
    pub const fn source(&self) -> &'p TokenSource {
        self.source
    }

    /// How it was presented.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match self.source {
            TokenSource::Dpop => Scheme::Dpop,
            TokenSource::Authorization
            | TokenSource::Scheme(_)
            | TokenSource::Cookie(_)
            | TokenSource::BearerCookie(_)
            | TokenSource::Header(_)
            | TokenSource::Query(_)
            | TokenSource::WebSocketProtocol
            | TokenSource::Subprotocol(_) => Scheme::Bearer,
        }
    }
}

/// Finds the one credential that the request has in any of the sources. Returns `None` if it has
/// none.
///
/// # Errors
///
/// `multiple_tokens` if there is a second one, in another source or in the same, even if it is
/// equal; `malformed_authorization` for a credential that is not one b64token; `token_too_large`
/// beyond [`budget::TOKEN_BYTES`].
pub fn credential<'r, 'p>(
    sources: &'p [TokenSource],
    request: &Request<'r>,
) -> Result<Option<Credential<'r, 'p>>, Refusal> {
    let mut found = None;
    for source in sources {
        let Some(text) = find(source, request)? else { continue };
        if found.is_some() {
            return Err(several("the request has tokens in two sources"));
        }
        found = Some(Credential { text, source });
    }
    Ok(found)
}

/// Says why a request has no credential in any of the sources, for the operator.
#[must_use]
#[cold]
pub fn why_absent(sources: &[TokenSource], request: &Request<'_>) -> &'static str {
    let authorization = request.headers.get("authorization");
    let is_read = |source: &TokenSource| source.header() == Some("Authorization");
    match authorization.filter(|_| sources.iter().any(is_read)) {
        None => "the request has no token",
        // A JWS begins with the base64url of `{"`.
        Some(value) if value.starts_with("ey") && value.contains('.') => {
            "the Authorization header has a token without a scheme: write `Bearer` before it"
        }
        Some(_) => "the Authorization header has a scheme that the policy does not name",
    }
}

fn find<'r>(source: &TokenSource, request: &Request<'r>) -> Result<Option<Cow<'r, str>>, Refusal> {
    let get = |name| request.headers.get(name);
    // A header that is absent has no cookies and no subprotocols, like an empty one.
    let field = |name| get(name).unwrap_or_default();
    let text = match source {
        TokenSource::Authorization => return authorization::find(get("authorization"), "Bearer"),
        TokenSource::Dpop => return authorization::find(get("authorization"), "DPoP"),
        TokenSource::Scheme(scheme) => return authorization::find(get("authorization"), scheme),
        TokenSource::Cookie(name) => {
            cookie::find(&field("cookie"), name)?.map(|text| Cow::Owned(text.to_owned()))
        }
        TokenSource::BearerCookie(name) => {
            cookie::find_after_bearer(&field("cookie"), name)?.map(Cow::Owned)
        }
        TokenSource::Header(name) => get(name),
        TokenSource::Query(name) => {
            query::find(split_url(request.url).query, name)?.map(Cow::Borrowed)
        }
        TokenSource::WebSocketProtocol => {
            websocket::find(&field(SUBPROTOCOLS))?.map(|text| Cow::Owned(text.to_owned()))
        }
        TokenSource::Subprotocol(prefix) => {
            websocket::find_prefixed(&field(SUBPROTOCOLS), prefix)?.map(Cow::Owned)
        }
    };
    let Some(text) = text else { return Ok(None) };
    check(&text)?;
    Ok(Some(text))
}

/// Checks that a credential is one b64token of an accepted size.
fn check(token: &str) -> Result<(), Refusal> {
    if is_b64token(token) && token.len() <= budget::TOKEN_BYTES {
        return Ok(());
    }
    let values = || token.split(',').filter(|part| !part.trim().is_empty()).count();
    if token.contains(',') && values() > 1 {
        return Err(several("the token's source has more than one value"));
    }
    if token.len() > budget::TOKEN_BYTES {
        return Err(Refusal::new(Code::TokenTooLarge, "the token is larger than 16 KiB"));
    }
    Err(malformed("the credential is not a b64token"))
}

const fn malformed(because: &'static str) -> Refusal {
    Refusal::new(Code::MalformedAuthorization, because)
}

const fn several(because: &'static str) -> Refusal {
    Refusal::new(Code::MultipleTokens, because)
}
