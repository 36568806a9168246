//! URLs of the origin in the headers of its responses, which clients must not follow.

use super::isolate::Isolate;
use super::response;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::{Request, Response};

/// Rewrites a response to the request as received.
pub(super) type Rewrite = dyn FnMut(Request, Response) -> Response;

thread_local! {
    /// The function that [`super::bridge::ask`] calls for responses with one of the headers.
    pub(super) static REWRITE: Closure<Rewrite> = Closure::new(|request: Request, response| {
        rewritten(&request, &response).ok().flatten().unwrap_or(response)
    });
}

/// Returns a copy of the response with the client's URLs, or `None` if it has none of the origin's.
fn rewritten(request: &Request, response: &Response) -> Result<Option<Response>, JsValue> {
    let Some(isolate) = Isolate::current() else { return Ok(None) };
    let Some(server) = isolate.policy.forwarding().origin.server() else { return Ok(None) };
    let mut copy = None;
    for name in ["location", "content-location"] {
        let Some(url) = response.headers().get(name)? else { continue };
        let Some(url) = server.public_url(&url, &request.url()) else { continue };
        if copy.is_none() {
            copy = response::copy_of(response)?;
        }
        if let Some(copy) = &copy {
            copy.headers().set(name, &url)?;
        }
    }
    Ok(copy)
}
