//! A token among the subprotocols of a WebSocket (RFC 6455 section 11.3.4), the only header that a
//! browser lets a page set on one. The client offers `bearer` and, next to it, the token.

use super::{BEARER_SUBPROTOCOL, malformed, several};
use crate::refusal::Refusal;
use base64ct::{Base64UrlUnpadded, Encoding as _};

/// Returns the protocol that is offered next to `bearer`.
pub(super) fn find(offered: &str) -> Result<Option<&str>, Refusal> {
    let mut protocols = elements(offered);
    if !protocols.any(|protocol| protocol == BEARER_SUBPROTOCOL) {
        return Ok(None);
    }
    let token = protocols.next().filter(|token| !token.is_empty() && *token != BEARER_SUBPROTOCOL);
    if elements(offered).filter(|protocol| *protocol == BEARER_SUBPROTOCOL).count() > 1 {
        return Err(several("the request offers the bearer subprotocol twice"));
    }
    token.map(Some).ok_or(malformed("the request offers the bearer subprotocol without a token"))
}

/// Returns the protocols without `bearer` and the token, or `None` if there are no others.
pub(super) fn without_token(offered: &str) -> Option<String> {
    let mut protocols = elements(offered);
    let mut kept = Vec::new();
    while let Some(protocol) = protocols.next() {
        if protocol == BEARER_SUBPROTOCOL {
            protocols.next();
        } else {
            kept.push(protocol);
        }
    }
    (!kept.is_empty()).then(|| kept.join(", "))
}

/// Returns the token in the one protocol that begins with this prefix. After the prefix is the
/// token itself, or its base64url, as Kubernetes has it.
pub(super) fn find_prefixed(offered: &str, prefix: &str) -> Result<Option<String>, Refusal> {
    let mut protocols = elements(offered).filter_map(|protocol| protocol.strip_prefix(prefix));
    let Some(text) = protocols.next() else { return Ok(None) };
    if protocols.next().is_some() {
        return Err(several("the request offers the token's subprotocol twice"));
    }
    // A JWS contains dots, which base64url does not have.
    if text.contains('.') {
        return Ok(Some(text.to_owned()));
    }
    let token = Base64UrlUnpadded::decode_vec(text).ok().and_then(|it| String::from_utf8(it).ok());
    token.map(Some).ok_or(malformed("the token's subprotocol contains no base64url"))
}

/// Returns the protocols without those that begin with this prefix, or `None` if there are no
/// others.
pub(super) fn without_prefixed(offered: &str, prefix: &str) -> Option<String> {
    let kept: Vec<_> = elements(offered).filter(|one| !one.starts_with(prefix)).collect();
    (!kept.is_empty()).then(|| kept.join(", "))
}

fn elements(offered: &str) -> impl Iterator<Item = &str> {
    offered.split(',').map(|element| element.trim_matches([' ', '\t']))
}
