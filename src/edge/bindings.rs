//! The deployment's bindings, as the policy's compiler asks for them.

use crate::json;
use crate::policy::Bindings;
use js_sys::{Function, JSON, Promise, Reflect};
use serde_json::Value;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Request, WorkerGlobalScope};
use worker::Env;

/// The environment of the Worker.
pub(super) struct EnvBindings<'e>(pub(super) &'e Env);

impl EnvBindings<'_> {
    /// The binding as the runtime holds it, or nothing where there is none.
    pub(super) fn raw(&self, name: &str) -> Option<JsValue> {
        Reflect::get(self.0, &JsValue::from_str(name))
            .ok()
            .filter(|value| !value.is_undefined() && !value.is_null())
    }
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
        self.raw(name).and_then(|service| fetch_of(&service)).is_some()
    }
}

/// The `fetch` method of a service binding.
fn fetch_of(service: &JsValue) -> Option<Function> {
    Reflect::get(service, &JsValue::from_str("fetch")).ok()?.dyn_into().ok()
}

/// Sends a request to the service behind a binding; nothing where there is no such binding.
pub(super) fn fetch_through(env: &Env, name: &str, request: &Request) -> Option<Promise> {
    let service = EnvBindings(env).raw(name)?;
    fetch_of(&service)?.call1(&service, request).ok()?.dyn_into().ok()
}

/// Sends a request over the network.
pub(super) fn fetch(request: &Request) -> Promise {
    js_sys::global().unchecked_into::<WorkerGlobalScope>().fetch_with_request(request)
}
