//! The Cloudflare edge: the only module that knows the platform.
//!
//! It takes and returns the runtime's own `Request` and `Response`, so that a body is streamed and
//! never copied, and the origin's response goes to the client unchanged.

mod analytics;
mod bindings;
mod bridge;
mod call;
mod clock;
#[cfg(feature = "console")]
mod console;

mod echo;
mod forward;
mod gateway;
mod isolate;
mod keys;
mod log;
mod logout;
mod origin_failure;
mod origin_response;
#[cfg(feature = "entry")]
mod poll_once;
mod ray;
mod record;
mod response;
mod revocations;
mod secrets_store;
mod shadow;
mod stream;

use self::call::Call;
use self::clock::Wait;
use self::isolate::Isolate;
use crate::error_response::ErrorResponses;
use crate::refusal::{Code, Refusal};
use crate::request::Lines;
use js_sys::Promise;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Env};

/// Responds to a request: forwards it if the policy in the `POLICY` variable admits it, and refuses
/// it otherwise. This is the `fetch` handler of a Worker that embeds the gate.
///
/// An invalid policy refuses every request with 500 `misconfigured`, and each fault is logged once.
///
/// # Errors
///
/// Only if the runtime fails to construct a response of the gate's own. It then responds with a
/// bare 500.
pub async fn serve(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    match respond(request, env, context).await? {
        Reply::Ready(response) => Ok(response),
        Reply::Pending(promise) => Ok(JsFuture::from(promise).await?.unchecked_into()),
    }
}

/// A response, or a promise for it.
enum Reply {
    Ready(web_sys::Response),
    /// A promise for the origin's response or its substitute; returned without awaiting it.
    Pending(Promise),
}

/// Asks each component that may respond, in this order: the console, the logout endpoint, the gate.
async fn respond(request: web_sys::Request, env: Env, context: Context) -> worker::Result<Reply> {
    let wait = Wait::begin();
    let lines = bridge::read(&request);
    let lines = Lines::of(&lines);
    let view = lines.request();
    let call = Call { request: &request, view: &view, env: &env, context: &context, wait: &wait };

    let isolate = Isolate::of(&call).await;
    #[cfg(feature = "console")]
    if let Some(response) = console::respond(&call, isolate.as_ref()).await {
        return response.map(Reply::Ready);
    }
    let Some(isolate) = isolate else {
        let refusal = Refusal::new(Code::Misconfigured, "the policy is invalid");
        return call.refuse(&refusal, &ErrorResponses::default()).map(Reply::Ready);
    };
    if let Some(response) = logout::respond(&call, &isolate).await {
        return response.map(Reply::Ready);
    }
    gateway::respond(&call, &isolate).await
}

/// The Worker's `fetch` handler.
#[cfg(feature = "entry")]
mod entry {
    use super::Reply;
    use super::poll_once::poll_once;
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use worker::{Context, Env};

    /// Does what `#[event(fetch)]` generates for an async function, without its microtasks.
    #[expect(unreachable_pub, reason = "wasm-bindgen exports nothing else")]
    #[wasm_bindgen]
    pub fn handle(
        request: web_sys::Request,
        env: Env,
        context: worker::worker_sys::Context,
    ) -> JsValue {
        poll_once(async move {
            match super::respond(request, env, Context::new(context)).await? {
                Reply::Ready(response) => Ok(response.into()),
                Reply::Pending(promise) => Ok(promise.into()),
            }
        })
    }
}
