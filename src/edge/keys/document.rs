//! Fetching a JSON document: status 200, no redirects, bounded in size and time.

use super::super::bindings::{fetch as fetch_over_network, fetch_through};
use super::super::stream::{self, Unread};
use crate::keys::KeyFault;
use crate::keys::cache::{self, Dated, FETCH_TIMEOUT};
use crate::keys::remote::{DOCUMENT_BYTES, is_absent};
use crate::time::UnixSeconds;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, Request, RequestCache, RequestInit, RequestRedirect, Response,
};
use worker::Env;

/// Why there is no document.
pub(super) enum Unfetched {
    /// The server says that it has no document at this URL.
    Absent(KeyFault),
    /// Anything else.
    Failed(KeyFault),
}

impl From<Unfetched> for KeyFault {
    fn from(unfetched: Unfetched) -> Self {
        match unfetched {
            Unfetched::Absent(fault) | Unfetched::Failed(fault) => fault,
        }
    }
}

/// Fetches a document of at most [`DOCUMENT_BYTES`] bytes, counted after decompression. A fault
/// names the URL without its query.
pub(super) async fn fetch(
    url: &str,
    service: Option<&str>,
    env: &Env,
    began: UnixSeconds,
) -> Result<Dated<Vec<u8>>, Unfetched> {
    let shown = url.split('?').next().unwrap_or_default();
    let fault = |problem: &str| KeyFault::new(format!("{shown} {problem}"));
    let failed = |problem: &str| Unfetched::Failed(fault(problem));
    let request = request(url).map_err(|_| failed("cannot be fetched"))?;
    let answer = match service {
        None => fetch_over_network(&request, &RequestInit::new()),
        Some(name) => fetch_through(env, name, &request, &RequestInit::new())
            .ok_or_else(|| failed("cannot be fetched: the service binding is missing"))?,
    };
    let response: Response = JsFuture::from(answer)
        .await
        .ok()
        .and_then(|answer| answer.dyn_into().ok())
        .ok_or_else(|| failed("could not be reached"))?;
    match response.status() {
        200 => {}
        status @ 300..400 => {
            return Err(failed(&format!(
                "answered {status}, and redirects are not followed: name the URL they lead to"
            )));
        }
        status if is_absent(status) => {
            return Err(Unfetched::Absent(fault(&format!("answered {status}"))));
        }
        status => return Err(failed(&format!("answered {status}"))),
    }
    let cache_control = response.headers().get("cache-control").ok().flatten();
    let value = body(&response).await.map_err(failed)?;
    let fresh_for = cache::freshness(cache_control.as_deref());
    Ok(Dated { value, fetched: began, fresh_for })
}

fn request(url: &str) -> Result<Request, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/jwk-set+json, application/json")?;
    // Some providers reject requests without a user agent.
    headers.set("user-agent", "portcullis")?;
    let init = RequestInit::new();
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    // The zone's cache might keep it longer than the gate does.
    init.set_cache(RequestCache::NoStore);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(FETCH_TIMEOUT.get().saturating_mul(1000))));
    Request::new_with_str_and_init(url, &init)
}

async fn body(response: &Response) -> Result<Vec<u8>, &'static str> {
    let stream = response.body().ok_or("answered without a body")?;
    stream::read(&stream, DOCUMENT_BYTES).await.map_err(|unread| match unread {
        Unread::Broken => "ended its answer early",
        Unread::TooLong => "answered with more than 256 KiB",
    })
}
