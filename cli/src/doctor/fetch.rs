//! Fetching a document as the gate does: no redirects, bounded in size and time.

use crate::clock;
use portcullis::keys::cache::FETCH_TIMEOUT;
use portcullis::keys::remote::DOCUMENT_BYTES;
use portcullis::url::Url;
use std::io::Read as _;
use std::time::{Duration, SystemTime};
use ureq::Agent;
use ureq::http::header::{CACHE_CONTROL, DATE, LOCATION};

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `Location`, where a redirect leads.
    pub(crate) location: Option<String>,
    /// `Cache-Control`, its lines joined.
    pub(crate) cache_control: Option<String>,
    /// `Date`: what the server's clock said.
    pub(crate) date: Option<SystemTime>,
    /// What this machine's clock said when the headers were there.
    pub(crate) received: SystemTime,
    /// The body, as far as the gate would read it.
    pub(crate) body: Vec<u8>,
    /// Whether there was more of it.
    pub(crate) is_cut: bool,
}

/// Asks for a document.
///
/// # Errors
///
/// Why there was no answer, in words.
pub(crate) fn get(url: &str) -> Result<Answer, String> {
    let parsed = Url::parse(url)?;
    let config = Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(FETCH_TIMEOUT.get().into())))
        // Some providers turn away requests that do not say who asks.
        .user_agent("portcullis");
    // A proxy that the environment names is for the network.
    let config = if parsed.is_plain_http() { config.proxy(None) } else { config };
    let agent = config.build().new_agent();
    let answer =
        agent.get(url).header("accept", "application/jwk-set+json, application/json").call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    let received = clock::now();

    let text = |name| {
        let lines: Vec<&str> =
            answer.headers().get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    let (location, cache_control) = (text(LOCATION), text(CACHE_CONTROL));
    let date = text(DATE).and_then(|date| httpdate::parse_http_date(&date).ok());

    let limit = u64::try_from(DOCUMENT_BYTES).unwrap_or(u64::MAX);
    let mut body = Vec::new();
    let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
    reader
        .take(limit.saturating_add(1))
        .read_to_end(&mut body)
        .map_err(|error| format!("its answer broke off: {error}"))?;
    let is_cut = body.len() > DOCUMENT_BYTES;
    body.truncate(DOCUMENT_BYTES);
    let status = answer.status().as_u16();
    Ok(Answer { status, location, cache_control, date, received, body, is_cut })
}
