//! Sending an admitted request to the origin.

use super::bridge::{self, Rewritten};
use super::call::Call;
use super::clock;
use super::echo;
use super::isolate::Isolate;
use crate::extract::BEARER_SUBPROTOCOL;
use crate::outgoing::{Origin, Outgoing};
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use js_sys::{Promise, Reflect};
use std::borrow::Cow;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Response, ResponseInit};

/// The response to a request that was sent.
pub(super) enum Sent {
    /// The gate itself has responded, as a demonstration.
    Ready(Response),
    /// The promise for the origin's response, or for its substitute.
    Pending(Promise),
}

/// A request to send, and how.
pub(super) struct Sending<'s> {
    pub(super) outgoing: Outgoing<'s>,
    pub(super) call: &'s Call<'s>,
    pub(super) isolate: &'s Isolate,
    /// Whether the caller awaits the response. If not, the response goes to the client straight
    /// from the runtime, and [`origin_failure`] provides the substitute.
    pub(super) is_awaited: bool,
}

/// Sends a request to the origin.
pub(super) fn send(sending: Sending<'_>) -> Result<Sent, Refusal> {
    let Sending { outgoing, call, isolate, is_awaited } = sending;
    let rewritten = if outgoing.is_unchanged() { None } else { Some(rewrite(&outgoing, call)?) };
    let service = match outgoing.origin() {
        Origin::Echo => {
            let rewritten = rewritten.as_ref().ok_or_else(unreachable)?;
            let response = echo::respond(rewritten, &outgoing, call.view.method);
            return response.map(Sent::Ready).map_err(|_| unreachable());
        }
        Origin::Url(_) | Origin::Zone => &JsValue::UNDEFINED,
        Origin::Service(name) => isolate.origin(call.env, name).ok_or_else(unreachable)?,
        Origin::Absent => return Err(unreachable()),
    };
    let milliseconds = 1000.0 * f64::from(isolate.policy.origin_timeout().get());
    let (rewritten, no_store) = (rewritten.as_ref(), outgoing.no_store);
    let (request, began) = (call.request, call.wait.began());
    let rewrites_all = isolate.policy.cors().is_some_and(|cors| cors.responses);
    let rewrites = rewrites_all || isolate.policy.forwarding().rewrites_location;
    let response = bridge::ask(
        service,
        rewritten,
        no_store,
        milliseconds,
        (!is_awaited).then(|| call.gate.refuse()),
        rewrites.then(|| call.gate.rewrite()),
        rewrites_all,
        request,
        began,
    );
    response.map(Sent::Pending).map_err(|_| unreachable())
}

/// Builds the request that is sent instead of the one that was received.
fn rewrite(outgoing: &Outgoing<'_>, call: &Call<'_>) -> Result<Rewritten, Refusal> {
    let unsendable = || Refusal::new(Code::AmbiguousPath, "the URL cannot be sent");
    let lines = outgoing.lines().ok_or_else(unsendable)?;
    let keeps_cf = match outgoing.origin() {
        Origin::Service(_) | Origin::Zone => true,
        Origin::Echo | Origin::Url(_) | Origin::Absent => false,
    };
    let rewritten = bridge::rewrite(call.request, &lines, keeps_cf).map_err(|_| unsendable())?;
    let url = rewritten.other_url().map_or(Cow::Borrowed(&*outgoing.url), Cow::Owned);
    if split_url(&url).path != outgoing.path {
        return Err(Refusal::new(
            Code::AmbiguousPath,
            "the path that would be sent differs from the one that was judged",
        ));
    }
    if let Some((name, value)) = outgoing.proof(&url, call.view.method, clock::now) {
        rewritten.headers().set(name, &value).map_err(|_| unsendable())?;
    }
    if let Some((name, value)) = outgoing.signed_identity(clock::now, bridge::random) {
        rewritten.headers().set(name, &value).map_err(|_| unsendable())?;
    }
    Ok(rewritten)
}

impl Sent {
    /// Awaits the response. It goes to the client unchanged, except that the response to an upgrade
    /// names the subprotocol `bearer` if the gate has to.
    pub(super) async fn response(self, sets_subprotocol: bool) -> Result<Response, Refusal> {
        let promise = match self {
            Self::Ready(response) => return Ok(response),
            Self::Pending(promise) => promise,
        };
        let settled = JsFuture::from(promise).await.map_err(|_| unreachable())?;
        let response = match settled.dyn_into::<Response>() {
            Ok(response) => response,
            Err(is_late) if is_late.is_truthy() => return Err(late()),
            Err(_) => return Err(unreachable()),
        };
        if sets_subprotocol && response.status() == 101 {
            return with_subprotocol(response).map_err(|_| unreachable());
        }
        Ok(response)
    }
}

/// The refusal for an origin that cannot be reached.
pub(super) const fn unreachable() -> Refusal {
    Refusal::new(Code::OriginUnreachable, "the request to the origin failed")
}

/// The refusal for an origin that does not respond in time.
pub(super) const fn late() -> Refusal {
    Refusal::new(Code::OriginTimeout, "the origin sent no response headers in time")
}

/// Names the subprotocol `bearer` in the response, if the origin chose none. A browser closes a
/// WebSocket for which it offered subprotocols and none was chosen (RFC 6455 section 4.1), and the
/// origin has not seen the offer, because the gate removed it with the token.
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
    // web-sys does not know this member, which is specific to Cloudflare.
    let web_socket = JsValue::from_str("webSocket");
    Reflect::set(&init, &web_socket, &Reflect::get(&response, &web_socket)?)?;
    Response::new_with_opt_str_and_init(None, &init)
}
