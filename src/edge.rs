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
mod identity;
mod introspection;
mod isolate;
mod keys;
mod log;
mod logout;
mod origin_failure;
mod origin_response;
#[cfg(feature = "entry")]
mod poll_once;
mod proofs;
mod ray;
mod record;
mod response;
mod revocations;
mod secrets_store;
mod shadow;
mod stream;

pub use self::identity::Identity;

use self::call::{Call, Purpose};
use self::clock::Wait;
use self::isolate::{Gate, Isolate};
use crate::error_response::ErrorResponses;
use crate::refusal::{Code, Refusal};
use crate::request::Lines;
use js_sys::Promise;
use std::rc::Rc;
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
    let gate = Gate::of_variables();
    match respond(&request, &env, &context, &gate, Purpose::Forward).await? {
        Reply::Ready(response) => Ok(response),
        Reply::Pending(promise) => Ok(JsFuture::from(promise).await?.unchecked_into()),
        Reply::Identity(_) => Err("the request was not forwarded".into()),
    }
}

/// Judges a request by the policy in the `POLICY` variable, without forwarding it: for Workers that
/// are the API themselves. Uses the same caches and writes the same logs as [`serve`]. The policy
/// needs no `origin`.
///
/// ```ignore
/// match portcullis::edge::authenticate(&request, &env, &context).await? {
///     Authentication::Response(response) => Ok(response),
///     Authentication::Identity(identity) => respond_to(identity.claims()),
/// }
/// ```
///
/// An invalid policy refuses every request with 500 `misconfigured`, and each fault is logged once.
///
/// # Errors
///
/// Only if the runtime fails to construct a response of the gate's own. The request is then not
/// authenticated.
pub async fn authenticate(
    request: &web_sys::Request,
    env: &Env,
    context: &Context,
) -> worker::Result<Authentication> {
    let gate = Gate::of_variables();
    Ok(match respond(request, env, context, &gate, Purpose::Authenticate).await? {
        Reply::Identity(identity) => Authentication::Identity(identity),
        Reply::Ready(response) => Authentication::Response(response),
        Reply::Pending(promise) => {
            Authentication::Response(JsFuture::from(promise).await?.unchecked_into())
        }
    })
}

/// The result of [`authenticate`].
#[derive(Debug)]
pub enum Authentication {
    /// The policy admits the request, in the name of this identity.
    Identity(Identity),
    /// The response to send: a refusal, or what the gate responds itself, such as its metadata, or
    /// the response to a preflight.
    Response(web_sys::Response),
}

/// A response, or a promise for it.
enum Reply {
    Ready(web_sys::Response),
    /// A promise for the origin's response or its substitute; returned without awaiting it.
    Pending(Promise),
    /// The identity of a request that was to be authenticated.
    Identity(Identity),
}

/// Asks each component that may respond, in this order: the console, the logout endpoint, the gate.
async fn respond(
    request: &web_sys::Request,
    env: &Env,
    context: &Context,
    gate: &Rc<Gate>,
    purpose: Purpose,
) -> worker::Result<Reply> {
    let wait = Wait::begin();
    let lines = bridge::read(request);
    let lines = Lines::of(&lines);
    let view = lines.request();
    let call = Call { request, view: &view, env, context, gate, purpose, wait: &wait };

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

/// What `entry.js` calls.
#[cfg(feature = "entry")]
mod entry {
    use super::call::Purpose;
    use super::isolate::Gate;
    use super::poll_once::poll_once;
    use super::{Reply, respond};
    use std::rc::Rc;
    use wasm_bindgen::JsValue;
    use wasm_bindgen::prelude::wasm_bindgen;
    use worker::worker_sys;
    use worker::{Context, Env};

    /// The Worker's `fetch` handler. Does what `#[event(fetch)]` generates for an async function,
    /// without its microtasks.
    #[expect(unreachable_pub, reason = "wasm-bindgen exports nothing else")]
    #[wasm_bindgen]
    pub fn handle(request: web_sys::Request, env: Env, context: worker_sys::Context) -> JsValue {
        poll_once(run(request, env, context, Gate::of_variables(), Purpose::Forward))
    }

    /// Handles a request by the gate with this ID. `given` has the texts of its policies. Without
    /// one, the policies are in the variables.
    #[expect(unreachable_pub, reason = "wasm-bindgen exports nothing else")]
    #[wasm_bindgen(js_name = handleBy)]
    pub fn handle_by(
        id: u32,
        given: &JsValue,
        authenticates: bool,
        request: web_sys::Request,
        env: Env,
        context: worker_sys::Context,
    ) -> JsValue {
        let purpose = if authenticates { Purpose::Authenticate } else { Purpose::Forward };
        poll_once(run(request, env, context, gate(id, given), purpose))
    }

    /// Loads the policies of a gate while the isolate starts: the gate with this ID, as for
    /// [`handle_by`].
    #[expect(unreachable_pub, reason = "wasm-bindgen exports nothing else")]
    #[wasm_bindgen]
    pub fn prepare(id: u32, given: &JsValue, env: Env) {
        gate(id, given).prepare(&env);
    }

    fn gate(id: u32, given: &JsValue) -> Rc<Gate> {
        if given.is_undefined() { Gate::of_variables() } else { Gate::given(id, given) }
    }

    async fn run(
        request: web_sys::Request,
        env: Env,
        context: worker_sys::Context,
        gate: Rc<Gate>,
        purpose: Purpose,
    ) -> Result<JsValue, JsValue> {
        match respond(&request, &env, &Context::new(context), &gate, purpose).await? {
            Reply::Ready(response) => Ok(response.into()),
            Reply::Pending(promise) => Ok(promise.into()),
            Reply::Identity(identity) => identity.into_js(),
        }
    }
}
