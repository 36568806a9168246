//! Where a token may be in a request: in one of the sources that the policy names, exactly one, bounded.
//!
//! Sources that the policy does not name are not looked at. In those that it does, a credential that is
//! there and is none (empty, quoted, encoded, of other characters) is refused, never taken for absent.

mod authorization;
mod cookie;
mod query;
mod websocket;

pub(crate) use self::cookie::without as cookies_without;
pub(crate) use self::query::without as query_without;
pub(crate) use self::websocket::without_token as protocols_without_token;

use crate::budget;
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::request::Request;
use std::borrow::Cow;

/// A place in a request where a token may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `Authorization: Bearer` (RFC 6750 section 2.1).
    Authorization,
    /// The cookie of that name (RFC 6265 section 4.2), whose value is the token.
    Cookie(String),
    /// The header of that name, whose value is the token, such as `Cf-Access-Jwt-Assertion`.
    Header(String),
    /// The query parameter of that name (RFC 6750 section 2.3).
    Query(String),
    /// `Sec-WebSocket-Protocol: bearer, TOKEN`: what a browser can send with a WebSocket.
    WebSocketProtocol,
}

/// The subprotocol next to which a client offers its token, and which answers it.
pub const BEARER_SUBPROTOCOL: &str = "bearer";

/// A token and where it was.
pub struct Found<'r, 'p> {
    /// The token, not looked into.
    pub text: Cow<'r, str>,
    /// Its source.
    pub source: &'p Source,
}

/// The one token that the request carries in any of the sources, if it carries any.
///
/// # Errors
///
/// `multiple_tokens` where there is a second one, in another source or in the same, even if it is
/// equal; `malformed_authorization` for a credential that is not one b64token; `token_too_large` beyond
/// [`budget::TOKEN_BYTES`].
pub fn token<'r, 'p>(
    sources: &'p [Source],
    request: &Request<'r>,
) -> Result<Option<Found<'r, 'p>>, Refusal> {
    let mut found = None;
    for source in sources {
        let Some(text) = look(source, request)? else { continue };
        if found.is_some() {
            return Err(several("tokens in two sources"));
        }
        found = Some(Found { text, source });
    }
    Ok(found)
}

fn look<'r>(source: &Source, request: &Request<'r>) -> Result<Option<Cow<'r, str>>, Refusal> {
    let get = |name| request.headers.get(name);
    let text = match source {
        Source::Authorization => return authorization::find(get("authorization")),
        Source::Cookie(name) => match get("cookie") {
            Some(cookies) => cookie::find(&cookies, name)?.map(|text| Cow::Owned(text.to_owned())),
            None => None,
        },
        Source::Header(name) => get(name),
        Source::Query(name) => query::find(split_url(request.url).query, name)?.map(Cow::Borrowed),
        Source::WebSocketProtocol => match get("sec-websocket-protocol") {
            Some(offered) => websocket::find(&offered)?.map(|text| Cow::Owned(text.to_owned())),
            None => None,
        },
    };
    let Some(text) = text else { return Ok(None) };
    check(&text)?;
    Ok(Some(text))
}

/// Checks that a credential is one b64token of a size that is looked at.
fn check(token: &str) -> Result<(), Refusal> {
    if is_b64token(token) && token.len() <= budget::TOKEN_BYTES {
        return Ok(());
    }
    let values = || token.split(',').filter(|part| !part.trim().is_empty()).count();
    if token.contains(',') && values() > 1 {
        return Err(several("more than one value in the token's source"));
    }
    if token.len() > budget::TOKEN_BYTES {
        return Err(Refusal::new(Code::TokenTooLarge, "a token over 16 KiB"));
    }
    Err(malformed("the credential is not one b64token"))
}

/// RFC 6750 section 2.1 `b64token`.
fn is_b64token(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    let is_character = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    // To the end whatever it finds, so that many bytes are looked at at once.
    !unpadded.is_empty() && unpadded.bytes().fold(true, |all, byte| all & is_character(byte))
}

const fn malformed(because: &'static str) -> Refusal {
    Refusal::new(Code::MalformedAuthorization, because)
}

const fn several(because: &'static str) -> Refusal {
    Refusal::new(Code::MultipleTokens, because)
}
