//! Answers of the gate's own.

use super::ray;
use crate::refusal::{Answer, AnswerStyle, Refusal};
use crate::request::Request;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Headers, Response, ResponseInit};

/// Refuses a request. An answer to HEAD has no body (RFC 9110 section 9.3.2).
pub(super) fn refuse(
    refusal: &Refusal,
    style: &AnswerStyle,
    request: &Request<'_>,
) -> worker::Result<Response> {
    let answer = refusal.answer_to(request.headers, style, ray::of(request).as_deref());
    Ok(respond(&answer, request.method != "HEAD")?)
}

/// Turns an answer into the runtime's response.
pub(super) fn respond(answer: &Answer, with_body: bool) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &answer.headers {
        headers.set(name, value)?;
    }
    let init = ResponseInit::new();
    init.set_status(answer.status);
    init.set_headers(&headers);
    // A 204 has no body, not even an empty one (WHATWG Fetch section 6.4).
    let body = Some(answer.body.as_str()).filter(|body| with_body && !body.is_empty());
    Response::new_with_opt_str_and_init(body, &init)
}

/// Says how long the client has waited (W3C Server Timing): in `gate` for keys, revocations and whatever
/// else the verdict took, in `origin` for its answer's headers. A response that opens a WebSocket stays
/// as it is.
pub(super) fn with_server_timing(
    response: Response,
    judged_ms: u32,
    answered_ms: u32,
) -> Result<Response, JsValue> {
    if response.status() == 101 {
        return Ok(response);
    }
    let origin_ms = answered_ms.saturating_sub(judged_ms);
    // What came from the origin cannot be changed, and passes its headers and status on to a copy.
    let body = response.body();
    let copy = Response::new_with_opt_readable_stream_and_init(
        body.as_ref(),
        response.unchecked_ref::<ResponseInit>(),
    )?;
    let timing = format!("gate;dur={judged_ms}, origin;dur={origin_ms}");
    copy.headers().append("server-timing", &timing)?;
    Ok(copy)
}
