//! Forwards each request unchanged. It does not look at tokens.

use js_sys::Promise;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env, event};

#[wasm_bindgen]
extern "C" {
    type Bindings;

    #[wasm_bindgen(method, getter, js_name = ORIGIN)]
    fn origin(this: &Bindings) -> Service;

    type Service;

    #[wasm_bindgen(method)]
    fn fetch(this: &Service, request: &web_sys::Request) -> Promise;
}

#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    _context: Context,
) -> worker::Result<web_sys::Response> {
    let origin = env.unchecked_ref::<Bindings>().origin();
    let response = JsFuture::from(origin.fetch(&request)).await?;
    Ok(response.unchecked_into())
}
