//! Responses of the gate's own.

use super::ray;
use crate::error_response::ErrorResponses;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::response::OwnResponse;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Headers, Response, ResponseInit};

/// Refuses a request.
pub(super) fn refuse(
    refusal: &Refusal,
    responses: &ErrorResponses,
    request: &Request<'_>,
) -> worker::Result<Response> {
    let response = responses.respond(refusal, request, ray::of(request).as_deref());
    Ok(own(&response, request.method)?)
}

/// Converts a response of the gate's own into the runtime's type. A response to HEAD has no body
/// (RFC 9110 section 9.3.2).
pub(super) fn own(response: &OwnResponse, method: &str) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &response.headers {
        headers.set(name, value)?;
    }
    let init = ResponseInit::new();
    init.set_status(response.status);
    init.set_headers(&headers);
    // A 204 has no body, not even an empty one (WHATWG Fetch section 6.4).
    let body = Some(response.body.as_str()).filter(|body| method != "HEAD" && !body.is_empty());
    Response::new_with_opt_str_and_init(body, &init)
}

/// Adds a `Server-Timing` header (W3C Server Timing) that says how long the client has waited:
/// `gate` for keys, revocations and anything else that the verdict needed, `origin` for the headers
/// of its response. A response that cannot be copied stays unchanged.
pub(super) fn with_server_timing(
    response: Response,
    judged_ms: u32,
    answered_ms: u32,
) -> Result<Response, JsValue> {
    let Some(copy) = copy_of(&response)? else { return Ok(response) };
    let origin_ms = answered_ms.saturating_sub(judged_ms);
    let timing = format!("gate;dur={judged_ms}, origin;dur={origin_ms}");
    copy.headers().append("server-timing", &timing)?;
    Ok(copy)
}

/// Adds the nonce for the client's next DPoP proof (RFC 9449 section 8.2). A response that cannot
/// be copied stays unchanged: the client then gets the nonce with a later response.
pub(super) fn with_nonce(response: Response, nonce: &str) -> Result<Response, JsValue> {
    let Some(copy) = copy_of(&response)? else { return Ok(response) };
    copy.headers().set("dpop-nonce", nonce)?;
    Ok(copy)
}

/// Copies a response of the origin, whose headers are immutable. Returns `None` for a response that
/// opens a WebSocket, and for one with a status that the constructor of `Response` rejects.
pub(super) fn copy_of(response: &Response) -> Result<Option<Response>, JsValue> {
    if !(200..=599).contains(&response.status()) {
        return Ok(None);
    }
    let body = response.body();
    let init = response.unchecked_ref::<ResponseInit>();
    Response::new_with_opt_readable_stream_and_init(body.as_ref(), init).map(Some)
}
