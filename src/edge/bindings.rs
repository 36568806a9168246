//! The bindings of the deployment.

use crate::json;
use crate::policy::Bindings;
use futures_util::future::{Either, select};
use js_sys::{Array, Function, JSON, Object, Promise, Reflect};
use serde_json::Value;
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, RequestInit, WorkerGlobalScope};
use worker::{Delay, Env};

/// The environment of the Worker.
pub(super) struct EnvBindings<'e>(pub(super) &'e Env);

impl EnvBindings<'_> {
    /// Returns the runtime's value of a binding, or `None` if there is none of that name.
    pub(super) fn raw(&self, name: &str) -> Option<JsValue> {
        Reflect::get(self.0, &JsValue::from_str(name))
            .ok()
            .filter(|value| !value.is_undefined() && !value.is_null())
    }
}

/// How long a request waits for the answer of a binding.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Awaits the answer of a binding. Returns `None` if it is an error, or takes too long.
pub(super) async fn answer(promise: Promise) -> Option<JsValue> {
    match select(JsFuture::from(promise), pin!(Delay::from(TIMEOUT))).await {
        Either::Left((answer, _)) => answer.ok(),
        Either::Right(_) => None,
    }
}

/// Calls a method of a binding. The binding may be an RPC stub: then `method.call` would name
/// another RPC method, and the result is awaitable but not a `Promise`.
pub(super) fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Option<Promise> {
    let method = Reflect::get(object, &JsValue::from_str(method)).ok()?;
    let method: Function = method.dyn_into().ok()?;
    let arguments: Array = arguments.iter().collect();
    let answer: JsValue = Reflect::apply(&method, object, &arguments).ok()?;
    Some(Promise::resolve(&answer))
}

impl Bindings for EnvBindings<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let raw = self.raw(name)?;
        if let Some(text) = raw.as_string() {
            return Some(Value::String(text));
        }
        let text: String = JSON::stringify(&raw).ok()?.into();
        json::parse(text.as_bytes()).ok()
    }

    fn is_service(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|service| has_method(&service, "fetch"))
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|namespace| has_method(&namespace, "getWithMetadata"))
    }

    fn is_rate_limiter(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|limiter| has_method(&limiter, "limit"))
    }

    fn is_durable_object(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|namespace| has_method(&namespace, "idFromName"))
    }

    fn is_analytics_dataset(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|dataset| has_method(&dataset, "writeDataPoint"))
    }
}

/// Counts one more for a key at a Rate Limiting binding. Returns whether the key is over the limit,
/// and `false` if the binding fails.
pub(super) async fn is_over_the_limit(env: &Env, name: &str, key: &str) -> bool {
    let asked = || {
        let options = Object::new();
        Reflect::set(&options, &JsValue::from_str("key"), &JsValue::from_str(key)).ok()?;
        call(&EnvBindings(env).raw(name)?, "limit", &[options.into()])
    };
    let Some(answer) = asked() else { return false };
    let answer = JsFuture::from(answer).await.unwrap_or(JsValue::UNDEFINED);
    let success = Reflect::get(&answer, &JsValue::from_str("success"));
    success.is_ok_and(|success| success.as_bool() == Some(false))
}

/// Whether a binding has a method of that name.
pub(super) fn has_method(object: &JsValue, name: &str) -> bool {
    Reflect::get(object, &JsValue::from_str(name)).is_ok_and(|method| method.is_function())
}

/// Sends a request to the service behind a binding. Returns `None` if there is no such binding.
pub(super) fn fetch_through(
    env: &Env,
    name: &str,
    request: &Request,
    manner: &RequestInit,
) -> Option<Promise> {
    call(&EnvBindings(env).raw(name)?, "fetch", &[request.into(), manner.into()])
}

/// Sends a request over the network.
pub(super) fn fetch(request: &Request, manner: &RequestInit) -> Promise {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    scope.fetch_with_request_and_init(request, manner)
}
