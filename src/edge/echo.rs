//! The origin of the demonstration: the gate responds with the request that it would have sent.

use super::bridge::Rewritten;
use super::response;
use crate::outgoing::Outgoing;
use crate::response::OwnResponse;
use js_sys::{Array, try_iter};
use serde_json::{Map, Value, json};
use wasm_bindgen::JsValue;
use web_sys::Response;

/// Responds with the method, URL and headers of a request that is ready to be sent.
pub(super) fn respond(
    request: &Rewritten,
    outgoing: &Outgoing<'_>,
    method: &str,
) -> Result<Response, JsValue> {
    let mut headers = Map::new();
    for entry in try_iter(&request.headers().entries())?.into_iter().flatten() {
        let entry = Array::from(&entry?);
        let text = |index| entry.get(index).as_string().unwrap_or_default();
        let (name, value) = (text(0), text(1));
        let shown = if outgoing.conceals(&name) {
            format!("({} characters, not shown)", value.len())
        } else {
            value
        };
        headers.insert(name, Value::from(shown));
    }
    let body = json!({
        "note": "origin = \"echo\": this is what the gate would have sent to your API",
        "method": method,
        "url": request.other_url().as_deref().unwrap_or(&outgoing.url),
        "headers": headers,
    });
    let shown = OwnResponse {
        status: 200,
        headers: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
        ],
        body: serde_json::to_string_pretty(&body).unwrap_or_default() + "\n",
    };
    response::own(&shown, method)
}
