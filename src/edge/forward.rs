//! Sending an admitted request to the origin.

use super::bridge::{self, Refuse, Rewritten};
use super::clock::{self, Wait};
use super::isolate::Isolate;
use super::{echo, unanswered};
use crate::extract::BEARER_SUBPROTOCOL;
use crate::outgoing::{Origin, Outgoing};
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use js_sys::{Promise, Reflect};
use std::borrow::Cow;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Request, Response, ResponseInit};
use worker::Env;

/// What has become of a request to the origin.
pub(super) enum Sent {
    /// The gate itself has answered: the demo.
    Answered(Response),
    /// The answer is to come, or what is said in its place.
    Awaited(Promise),
}

/// What is to be sent, and how.
pub(super) struct Sending<'s> {
    pub(super) outgoing: Outgoing<'s>,
    /// The request as it came.
    pub(super) request: &'s Request,
    pub(super) method: &'s str,
    pub(super) env: &'s Env,
    pub(super) isolate: &'s Isolate,
    pub(super) wait: &'s Wait,
    /// Whether something is still to be done when it answers. If not, its answer goes to the client straight from
    /// the runtime, and what is said in its place is seen to as well.
    pub(super) is_followed: bool,
}

/// Sends it.
pub(super) fn send(sending: Sending<'_>) -> Result<Sent, Refusal> {
    let Sending { outgoing, request, method, env, isolate, wait, is_followed } = sending;
    let is_kept = outgoing.goes_as_it_came();
    let rewritten = if is_kept { None } else { Some(rewrite(&outgoing, request, method)?) };
    let service = match outgoing.origin {
        Origin::Echo => {
            let rewritten = rewritten.as_ref().ok_or_else(unreachable)?;
            let answer = echo::answer(rewritten, &outgoing, method).map_err(|_| unreachable())?;
            return Ok(Sent::Answered(answer));
        }
        Origin::Url(_) | Origin::Zone => &JsValue::UNDEFINED,
        Origin::Service(name) => isolate.origin(env, name).ok_or_else(unreachable)?,
    };
    let milliseconds = 1000.0 * f64::from(isolate.policy.origin_timeout().get());
    let (rewritten, is_cached) = (rewritten.as_ref(), !outgoing.no_store);
    let ask = |refuse: Option<&Closure<Refuse>>| {
        bridge::ask(service, rewritten, is_cached, milliseconds, refuse, request, wait.began())
    };
    let answer =
        if is_followed { ask(None) } else { unanswered::REFUSE.with(|refuse| ask(Some(refuse))) };
    answer.map(Sent::Awaited).map_err(|_| unreachable())
}

/// Makes the request that is sent in the place of the one that came.
fn rewrite(outgoing: &Outgoing<'_>, request: &Request, method: &str) -> Result<Rewritten, Refusal> {
    let unsendable = || Refusal::new(Code::AmbiguousPath, "a URL that cannot be sent");
    let lines = outgoing.lines().ok_or_else(unsendable)?;
    let keeps_cf = matches!(outgoing.origin, Origin::Service(_) | Origin::Zone);
    let rewritten = bridge::rewrite(request, &lines, keeps_cf).map_err(|_| unsendable())?;
    let url = rewritten.other_url().map_or(Cow::Borrowed(&*outgoing.url), Cow::Owned);
    if split_url(&url).path != outgoing.judged_path {
        return Err(Refusal::new(
            Code::AmbiguousPath,
            "the path that would be sent is not the one that was judged",
        ));
    }
    if let Some((name, value)) = outgoing.proof(&url, method, clock::now) {
        rewritten.headers().set(name, &value).map_err(|_| unsendable())?;
    }
    Ok(rewritten)
}

impl Sent {
    /// The answer to a request that is followed. It goes back as it came, save that an upgrade says `bearer` where the
    /// gate has to.
    pub(super) async fn answer(self, answers_subprotocol: bool) -> Result<Response, Refusal> {
        let promise = match self {
            Self::Answered(response) => return Ok(response),
            Self::Awaited(promise) => promise,
        };
        let answer = JsFuture::from(promise).await.map_err(|_| unreachable())?;
        let response = match answer.dyn_into::<Response>() {
            Ok(response) => response,
            Err(is_late) if is_late.is_truthy() => return Err(late()),
            Err(_) => return Err(unreachable()),
        };
        if answers_subprotocol && response.status() == 101 {
            return with_subprotocol(response).map_err(|_| unreachable());
        }
        Ok(response)
    }
}

/// What an origin that fails is answered for.
pub(super) const fn unreachable() -> Refusal {
    Refusal::new(Code::OriginUnreachable, "the request to the origin failed")
}

/// What an origin that does not answer in time is answered for.
pub(super) const fn late() -> Refusal {
    Refusal::new(Code::OriginTimeout, "no response headers from the origin in time")
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
