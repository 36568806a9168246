//! The exports for the page: they convert JavaScript values into JSON, and back.

use crate::functions;
use js_sys::JSON;
use portcullis::json;
use portcullis::json::text::to_text;
use portcullis::time::UnixSeconds;
use serde_json::Value;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

/// Judges a request by a policy, as [`crate::functions::judge`] says, at `now` in milliseconds
/// since the epoch (`Date.now()`).
///
/// # Errors
///
/// A string that says what is wrong with the shape of `question`.
#[wasm_bindgen]
pub fn judge(question: &JsValue, now: f64) -> Result<JsValue, JsValue> {
    to_page(functions::judge(&of_page(question)?, UnixSeconds::from_milliseconds(now)))
}

/// Describes a policy's issuers and routes, as [`crate::functions::describe`] says, at `now` as for
/// [`judge()`].
///
/// # Errors
///
/// As [`judge()`].
#[wasm_bindgen]
pub fn describe(question: &JsValue, now: f64) -> Result<JsValue, JsValue> {
    to_page(functions::describe(&of_page(question)?, UnixSeconds::from_milliseconds(now)))
}

/// Finds and reads a token, as [`crate::functions::inspect`] says.
///
/// # Errors
///
/// Only if the runtime fails to make an object.
#[wasm_bindgen]
pub fn inspect(text: &str) -> Result<JsValue, JsValue> {
    to_page(Ok(functions::inspect(text)))
}

fn of_page(value: &JsValue) -> Result<Value, JsValue> {
    let text = JSON::stringify(value)?;
    // JavaScript returns no string for a value without JSON, such as `undefined`.
    let text = text.dyn_ref::<JsValue>().and_then(JsValue::as_string).unwrap_or_default();
    json::parse(text.as_bytes())
        .map_err(|_| JsValue::from_str("the value is not JSON, or is nested too deeply"))
}

fn to_page(answer: Result<Value, String>) -> Result<JsValue, JsValue> {
    JSON::parse(&to_text(&answer.map_err(|problem| JsValue::from_str(&problem))?))
}
