//! Builds a request with a token in one of the places where the policy looks for it.

use portcullis::extract::{BEARER_SUBPROTOCOL, TokenSource};
use portcullis::policy::Policy;
use portcullis::refusal::remedy::Readable;

/// Returns the URL and the headers of a request with the token in the first of the policy's token
/// sources, or after the scheme `DPoP` if it is bound to a key.
pub(crate) fn with_token(
    policy: &Policy,
    token: &str,
    mut url: String,
) -> (String, Vec<(String, String)>) {
    let mut headers = Vec::new();
    let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
    let sources = policy.sources();
    let dpop = sources.iter().find(|source| **source == TokenSource::Dpop);
    match dpop.filter(|_| Readable::of(token).is_bound_to_key()).or(sources.first()) {
        None | Some(TokenSource::Authorization) => {
            header("Authorization", format!("Bearer {token}"));
        }
        Some(TokenSource::Dpop) => header("Authorization", format!("DPoP {token}")),
        Some(TokenSource::Scheme(scheme)) => header("Authorization", format!("{scheme} {token}")),
        Some(source @ (TokenSource::Cookie(name) | TokenSource::BearerCookie(name))) => {
            let has_scheme = matches!(source, TokenSource::BearerCookie(_));
            let value = if has_scheme { format!("Bearer%20{token}") } else { token.to_owned() };
            header("Cookie", format!("{name}={value}"));
            // As a browser sends it for a page of the same site.
            header("Sec-Fetch-Site", "same-origin".to_owned());
        }
        Some(TokenSource::Header(name)) => header(name, token.to_owned()),
        Some(TokenSource::Query(name)) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{name}={token}"));
        }
        Some(TokenSource::WebSocketProtocol) => {
            header("Sec-WebSocket-Protocol", format!("{BEARER_SUBPROTOCOL}, {token}"));
        }
        Some(TokenSource::Subprotocol(prefix)) => {
            header("Sec-WebSocket-Protocol", format!("{prefix}{token}"));
        }
    }
    (url, headers)
}
