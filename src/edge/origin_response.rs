//! What the gate changes in the headers of the origin's responses: URLs of the origin, which
//! clients must not follow, and CORS headers, if the policy has the gate add them.

use super::isolate::Gate;
use super::response;
use std::rc::Weak;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::{Request, Response};

/// Rewrites a response to the request as received.
pub(super) type Rewrite = dyn FnMut(Request, Response) -> Response;

/// Makes the function that [`super::bridge::ask`] calls for a gate's responses that may have to be
/// rewritten.
pub(super) fn rewriting(gate: Weak<Gate>) -> Closure<Rewrite> {
    Closure::new(move |request: Request, response| {
        rewritten(&gate, &request, &response).ok().flatten().unwrap_or(response)
    })
}

/// Returns a changed copy of the response, or `None` if nothing is to be changed.
fn rewritten(
    gate: &Weak<Gate>,
    request: &Request,
    response: &Response,
) -> Result<Option<Response>, JsValue> {
    let Some(isolate) = gate.upgrade().and_then(|gate| gate.current()) else { return Ok(None) };
    let policy = &isolate.policy;
    let headers = response.headers();
    let mut urls = Vec::new();
    let server = policy.forwarding().origin.server();
    for name in ["location", "content-location"] {
        let url = headers.get(name)?.filter(|_| policy.forwarding().rewrites_location);
        let url = url.zip(server).and_then(|(url, one)| one.public_url(&url, &request.url()));
        urls.extend(url.map(|url| (name, url)));
    }
    let cors = match policy.cors() {
        None => Vec::new(),
        Some(cors) => {
            let origin = request.headers().get("origin")?;
            cors.response_headers(origin.as_deref(), headers.has("access-control-allow-origin")?)
        }
    };
    if urls.is_empty() && cors.is_empty() {
        return Ok(None);
    }
    let Some(copy) = response::copy_of(response)? else { return Ok(None) };
    for (name, url) in urls {
        copy.headers().set(name, &url)?;
    }
    for (name, value) in cors {
        // The API may have other values in `Vary`.
        if name == "Vary" {
            copy.headers().append(name, &value)?;
        } else {
            copy.headers().set(name, &value)?;
        }
    }
    Ok(Some(copy))
}
