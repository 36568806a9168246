//! Sending an admitted request to the origin.
//!
//! `new Request(new Request(url, request), {headers, redirect})` keeps the method, the streamed body
//! with its length, bodies of GET, WebSocket upgrades and `cf`; a request put together from its parts
//! loses some of these, and follows redirects.

use super::bindings::{fetch, fetch_through};
use super::{clock, echo};
use crate::extract::BEARER_SUBPROTOCOL;
use crate::outgoing::{Origin, Outgoing};
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use futures_util::future::{Either, select};
use js_sys::Reflect;
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Headers, Request, RequestCache, RequestInit, RequestRedirect, Response, ResponseInit,
};
use worker::{Delay, Env};

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
    let unreachable = || Refusal::new(Code::OriginUnreachable, "the request to the origin failed");
    let answer = match outgoing.origin {
        Origin::Echo => return echo::answer(&built, &outgoing).map_err(|_| unreachable()),
        Origin::Url(_) | Origin::Zone => fetch(&built),
        Origin::Service(name) => fetch_through(env, name, &built).ok_or_else(unreachable)?,
    };
    let deadline = pin!(Delay::from(Duration::from_secs(u64::from(timeout.get()))));
    match select(JsFuture::from(answer), deadline).await {
        Either::Left((Ok(response), _)) => {
            let response: Response = response.dyn_into().map_err(|_| unreachable())?;
            if outgoing.answers_subprotocol() && response.status() == 101 {
                return with_subprotocol(response).map_err(|_| unreachable());
            }
            Ok(response)
        }
        Either::Left((Err(_), _)) => Err(unreachable()),
        Either::Right(_) => {
            Err(Refusal::new(Code::OriginTimeout, "no response headers from the origin in time"))
        }
    }
}

fn build(outgoing: &Outgoing<'_>, request: &Request) -> Result<Request, JsValue> {
    let headers = Headers::new_with_headers(&request.headers())?;
    for name in &outgoing.remove {
        headers.delete(name)?;
    }
    for (name, value) in &outgoing.set {
        headers.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    if outgoing.no_store {
        init.set_cache(RequestCache::NoStore);
    }
    let retargeted = Request::new_with_str_and_init(&outgoing.url, request.unchecked_ref())?;
    let proof = outgoing.proof(&retargeted.url(), &request.method(), clock::now());
    if let Some((name, value)) = proof {
        headers.set(name, &value)?;
    }
    Request::new_with_request_and_init(&retargeted, &init)
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
