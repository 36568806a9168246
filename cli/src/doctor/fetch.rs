//! Fetches documents as the gate does: without redirects, and with limits on size and time.

use crate::clock;
use portcullis::keys::cache::FETCH_TIMEOUT;
use portcullis::keys::remote::DOCUMENT_BYTES;
use portcullis::url::Url;
use std::io::Read as _;
use std::time::{Duration, SystemTime};
use ureq::Agent;
use ureq::http::header::{CACHE_CONTROL, DATE, LOCATION};

/// The response to a fetch.
#[derive(Clone, Debug)]
pub(crate) struct FetchedResponse {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `Location`, the target of a redirect.
    pub(crate) location: Option<String>,
    /// The header `Cache-Control`, its lines joined.
    pub(crate) cache_control: Option<String>,
    /// The header `Date`, the time of the server's clock.
    pub(crate) date: Option<SystemTime>,
    /// The time when the headers arrived, by this machine's clock.
    pub(crate) received: SystemTime,
    /// The body, up to the limit of the gate.
    pub(crate) body: Vec<u8>,
    /// Whether the body is larger than the limit.
    pub(crate) is_too_large: bool,
}

/// Fetches a document.
///
/// # Errors
///
/// Why there was no response.
pub(crate) fn get(url: &str) -> Result<FetchedResponse, String> {
    let parsed = Url::parse(url)?;
    let config = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(FETCH_TIMEOUT.get().into())))
        // Some providers reject requests without a User-Agent.
        .user_agent("portcullis");
    // URLs with plain HTTP are on this machine, which needs no proxy.
    let config = if parsed.is_plain_http() { config.proxy(None) } else { config };
    let agent = config.build().new_agent();
    let response =
        agent.get(url).header("accept", "application/jwk-set+json, application/json").call();
    let mut response = response.map_err(|error| error.to_string())?;
    let received = clock::now();

    let text = |name| {
        let lines: Vec<&str> =
            response.headers().get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    let (location, cache_control) = (text(LOCATION), text(CACHE_CONTROL));
    let date = text(DATE).and_then(|date| httpdate::parse_http_date(&date).ok());

    let limit = u64::try_from(DOCUMENT_BYTES).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    let reader = response.body_mut().with_config().limit(u64::MAX).reader();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut body)
        .map_err(|error| format!("the response ended early: {error}"))?;
    let is_too_large = body.len() > DOCUMENT_BYTES;
    body.truncate(DOCUMENT_BYTES);
    let status = response.status().as_u16();
    Ok(FetchedResponse { status, location, cache_control, date, received, body, is_too_large })
}
