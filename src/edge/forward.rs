//! Sending an admitted request to the origin.
//!
//! `new Request(url, request)` keeps the method, the streamed body with its length, bodies of GET,
//! WebSocket upgrades and `cf`; a request put together from its parts loses some of these. Its headers
//! can be changed where they are, and what else is to differ goes along with the fetch: a second
//! `Request` and a copy of the headers would be a third of what the gate adds to a request.

use super::bindings::{fetch, fetch_through};
use super::{clock, echo};
use crate::extract::BEARER_SUBPROTOCOL;
use crate::outgoing::{Origin, Outgoing};
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Headers, Request, RequestCache, RequestInit, RequestRedirect, Response, ResponseInit,
};
use worker::Env;

/// Sends it, and waits for the response's headers at most `timeout`. The response goes back as it came.
pub(super) async fn send(
    outgoing: Outgoing<'_>,
    request: &Request,
    env: &Env,
    timeout: Seconds,
) -> Result<Response, Refusal> {
    let built = build(&outgoing, request)
        .map_err(|_| Refusal::new(Code::AmbiguousPath, "a URL that cannot be sent"))?;
    if split_url(&built.url()).path != outgoing.judged_path {
        return Err(Refusal::new(
            Code::AmbiguousPath,
            "the path that would be sent is not the one that was judged",
        ));
    }
    let manner = if outgoing.no_store { &FOR_NO_CACHE } else { &FOR_ANY_CACHE };
    let unreachable = || Refusal::new(Code::OriginUnreachable, "the request to the origin failed");
    let answer = match outgoing.origin {
        Origin::Echo => return echo::answer(&built, &outgoing).map_err(|_| unreachable()),
        Origin::Url(_) | Origin::Zone => manner.with(|manner| fetch(&built, manner)),
        Origin::Service(name) => manner
            .with(|manner| fetch_through(env, name, &built, manner))
            .ok_or_else(unreachable)?,
    };
    let late = clock::wait(timeout);
    let first = Promise::race(&Array::of2(&answer, &late));
    match JsFuture::from(first).await {
        Ok(nothing) if nothing.is_undefined() => {
            Err(Refusal::new(Code::OriginTimeout, "no response headers from the origin in time"))
        }
        Ok(response) => {
            let response: Response = response.dyn_into().map_err(|_| unreachable())?;
            if outgoing.answers_subprotocol() && response.status() == 101 {
                return with_subprotocol(response).map_err(|_| unreachable());
            }
            Ok(response)
        }
        Err(_) => Err(unreachable()),
    }
}

fn build(outgoing: &Outgoing<'_>, request: &Request) -> Result<Request, JsValue> {
    let built = Request::new_with_str_and_init(&outgoing.url, request.unchecked_ref())?;
    let headers = built.headers();
    for name in &outgoing.remove {
        headers.delete(name)?;
    }
    for (name, value) in &outgoing.set {
        headers.set(name, value)?;
    }
    if let Some((name, value)) = outgoing.proof(&built.url(), &request.method(), clock::now()) {
        headers.set(name, &value)?;
    }
    Ok(built)
}

thread_local! {
    static FOR_ANY_CACHE: RequestInit = manner(false);
    static FOR_NO_CACHE: RequestInit = manner(true);
}

/// In what manner a request is fetched, which `new Request(url, request)` cannot be told.
fn manner(no_store: bool) -> RequestInit {
    let init = RequestInit::new();
    init.set_redirect(RequestRedirect::Manual);
    if no_store {
        init.set_cache(RequestCache::NoStore);
    }
    init
}

/// A browser ends a WebSocket for which it offered subprotocols and none was chosen (RFC 6455 section
/// 4.1): where the origin chose none, the gate does, since it took what was offered.
fn with_subprotocol(response: Response) -> Result<Response, JsValue> {
    const HEADER: &str = "sec-websocket-protocol";
    if response.headers().has(HEADER)? {
        return Ok(response);
    }
    let headers = Headers::new_with_headers(&response.headers())?;
    headers.set(HEADER, BEARER_SUBPROTOCOL)?;
    let init = ResponseInit::new();
    init.set_status(response.status());
    init.set_headers(&headers);
    // web-sys does not know this member, which is Cloudflare's.
    let web_socket = JsValue::from_str("webSocket");
    Reflect::set(&init, &web_socket, &Reflect::get(&response, &web_socket)?)?;
    Response::new_with_opt_str_and_init(None, &init)
}
