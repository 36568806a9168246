//! A request that has a token where a policy looks for it.

use crate::extract::{BEARER_SUBPROTOCOL, Source};
use crate::policy::Policy;

/// URL and headers of a request that has the token in the first of the policy's places for it.
pub(crate) fn carried(
    policy: &Policy,
    token: &str,
    mut url: String,
) -> (String, Vec<(String, String)>) {
    let mut headers = Vec::new();
    let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
    match policy.sources().first() {
        None | Some(Source::Authorization) => header("Authorization", format!("Bearer {token}")),
        Some(Source::Cookie(name)) => {
            header("Cookie", format!("{name}={token}"));
            // As a browser says of a page of the same site.
            header("Sec-Fetch-Site", "same-origin".to_owned());
        }
        Some(Source::Header(name)) => header(name, token.to_owned()),
        Some(Source::Query(name)) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{name}={token}"));
        }
        Some(Source::WebSocketProtocol) => {
            header("Sec-WebSocket-Protocol", format!("{BEARER_SUBPROTOCOL}, {token}"));
        }
    }
    (url, headers)
}
