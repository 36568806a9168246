//! Sending an admitted request to the origin.

use super::bindings::EnvBindings;
use super::bridge::{self, Answer};
use super::{clock, echo};
use crate::extract::BEARER_SUBPROTOCOL;
use crate::outgoing::{Origin, Outgoing};
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use js_sys::Reflect;
use std::borrow::Cow;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Headers, Request, Response, ResponseInit};
use worker::Env;

/// Sends it, and waits for the response's headers at most `timeout`. The response goes back as it came.
pub(super) async fn send(
    outgoing: Outgoing<'_>,
    method: &str,
    request: &Request,
    env: &Env,
    timeout: Seconds,
) -> Result<Response, Refusal> {
    let unsendable = || Refusal::new(Code::AmbiguousPath, "a URL that cannot be sent");
    let lines = outgoing.lines().ok_or_else(unsendable)?;
    let keeps_cf = matches!(outgoing.origin, Origin::Service(_) | Origin::Zone);
    let rewritten = bridge::rewrite(request, &lines, keeps_cf).map_err(|_| unsendable())?;
    let url = match rewritten.is_as_asked() {
        Some(true) => Cow::Borrowed(outgoing.url.as_str()),
        _ => Cow::Owned(rewritten.url()),
    };
    if split_url(&url).path != outgoing.judged_path {
        return Err(Refusal::new(
            Code::AmbiguousPath,
            "the path that would be sent is not the one that was judged",
        ));
    }
    if let Some((name, value)) = outgoing.proof(&url, method, clock::now) {
        rewritten.headers().set(name, &value).map_err(|_| unsendable())?;
    }
    let unreachable = || Refusal::new(Code::OriginUnreachable, "the request to the origin failed");
    let fetcher = match outgoing.origin {
        Origin::Echo => return echo::answer(&rewritten, &outgoing).map_err(|_| unreachable()),
        Origin::Url(_) | Origin::Zone => js_sys::global().into(),
        Origin::Service(name) => EnvBindings(env).raw(name).ok_or_else(unreachable)?,
    };
    let milliseconds = 1000.0 * f64::from(timeout.get());
    let answer = Answer::of(&fetcher, &rewritten, !outgoing.no_store, milliseconds)
        .map_err(|_| unreachable())?;
    match answer.await {
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
