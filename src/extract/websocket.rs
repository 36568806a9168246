//! A token among the subprotocols of a WebSocket (RFC 6455 section 11.3.4), the only header that a
//! browser lets a page set on one. The client offers `bearer` and, next to it, the token.

use super::{BEARER_SUBPROTOCOL, malformed, several};
use crate::refusal::Refusal;

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

fn elements(offered: &str) -> impl Iterator<Item = &str> {
    offered.split(',').map(|element| element.trim_matches([' ', '\t']))
}
