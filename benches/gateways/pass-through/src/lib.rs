//! Fetches what it is asked for, and nothing else: no token is looked at.

use js_sys::global;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env, event};

#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    _env: Env,
    _context: Context,
) -> worker::Result<web_sys::Response> {
    let scope: web_sys::WorkerGlobalScope = global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_request(&request)).await?;
    Ok(response.unchecked_into())
}
