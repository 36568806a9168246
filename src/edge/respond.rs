//! Answers of the gate's own.

use super::headers::RequestHeaders;
use crate::refusal::{Answer, AnswerStyle, Refusal};
use web_sys::{Headers, Response, ResponseInit};

/// Refuses a request. An answer to HEAD has no body (RFC 9110 section 9.3.2).
pub(super) fn refuse(
    refusal: &Refusal,
    style: &AnswerStyle,
    method: &str,
    headers: &RequestHeaders,
) -> worker::Result<Response> {
    let answer = refusal.answer_to(headers, style, headers.ray().as_deref());
    Ok(respond(&answer, method != "HEAD")?)
}

/// Turns an answer into the runtime's response.
pub(super) fn respond(answer: &Answer, with_body: bool) -> Result<Response, wasm_bindgen::JsValue> {
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
