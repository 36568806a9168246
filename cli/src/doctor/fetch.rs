//! Fetches documents as the gate does: without redirects, and with limits on size and time.

use crate::system::{self, Fetch, Fetched};
use portcullis::introspection::HttpRequest;
use portcullis::keys::cache::FETCH_TIMEOUT;
use portcullis::keys::remote::DOCUMENT_BYTES;
use portcullis::url::Url;
use std::time::SystemTime;

/// The response to a fetch.
#[derive(Clone, Debug)]
pub(crate) struct FetchedResponse {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `Location`, the target of a redirect.
    pub(crate) location: Option<String>,
    /// The header `Content-Type`.
    pub(crate) content_type: Option<String>,
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
    send(url, None)
}

/// Sends a form.
///
/// # Errors
///
/// Why there was no response.
pub(crate) fn post(url: &str, form: &HttpRequest) -> Result<FetchedResponse, String> {
    send(url, Some(form))
}

fn send(url: &str, post: Option<&HttpRequest>) -> Result<FetchedResponse, String> {
    Url::parse(url)?;
    let response = system::fetch(&Fetch {
        url,
        accept: "application/jwk-set+json, application/json",
        seconds: FETCH_TIMEOUT.get(),
        bytes: DOCUMENT_BYTES.saturating_add(1),
        post,
    })?;
    let text = |name: &str| {
        let lines = response.headers.iter().filter(|(known, _)| known == name);
        let lines: Vec<&str> = lines.map(|(_, line)| line.as_str()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    let (location, cache_control) = (text("location"), text("cache-control"));
    let content_type = text("content-type");
    let date = text("date").and_then(|date| httpdate::parse_http_date(&date).ok());
    let Fetched { status, received, mut body, .. } = response;
    let is_too_large = body.len() > DOCUMENT_BYTES;
    body.truncate(DOCUMENT_BYTES);
    Ok(FetchedResponse {
        status,
        location,
        content_type,
        cache_control,
        date,
        received,
        body,
        is_too_large,
    })
}
