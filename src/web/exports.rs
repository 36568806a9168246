//! What the page calls: JavaScript values into JSON, and back.

use super::face;
use crate::json;
use crate::time::UnixSeconds;
use js_sys::JSON;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

/// Judges a request by a policy, as [`super::face::judge`] says, at `now` in milliseconds since the epoch
/// (`Date.now()`).
///
/// # Errors
///
/// A string that says what is wrong with the shape of `question`.
#[wasm_bindgen]
pub fn judge(question: &JsValue, now: f64) -> Result<JsValue, JsValue> {
    to_page(face::judge(&of_page(question)?, UnixSeconds::from_milliseconds(now)))
}

/// Describes a policy's issuers and routes, as [`super::face::describe`] says, at `now` as for [`judge()`].
///
/// # Errors
///
/// As [`judge()`].
#[wasm_bindgen]
pub fn describe(question: &JsValue, now: f64) -> Result<JsValue, JsValue> {
    to_page(face::describe(&of_page(question)?, UnixSeconds::from_milliseconds(now)))
}

/// Finds and reads a token, as [`super::face::inspect`] says.
///
/// # Errors
///
/// None but what keeps the runtime from making an object.
#[wasm_bindgen]
pub fn inspect(text: &str) -> Result<JsValue, JsValue> {
    to_page(Ok(face::inspect(text)))
}

fn of_page(value: &JsValue) -> Result<Value, JsValue> {
    let text = JSON::stringify(value)?;
    // Of what has no JSON, such as `undefined`, JavaScript makes no string.
    let text = text.dyn_ref::<JsValue>().and_then(JsValue::as_string).unwrap_or_default();
    json::parse(text.as_bytes())
        .map_err(|_| JsValue::from_str("this is no JSON, or nested too deeply"))
}

fn to_page(answer: Result<Value, String>) -> Result<JsValue, JsValue> {
    JSON::parse(&answer.map_err(|problem| JsValue::from_str(&problem))?.to_string())
}
