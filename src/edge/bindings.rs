//! The deployment's bindings, as the policy's compiler asks for them.

use crate::json;
use crate::policy::Bindings;
use js_sys::{Array, Function, JSON, Promise, Reflect};
use serde_json::Value;
use std::collections::BTreeMap;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
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

/// The environment, with the secrets that a Secrets Store holds read from it.
pub(super) struct ReadBindings<'e> {
    environment: EnvBindings<'e>,
    secrets: BTreeMap<String, String>,
    /// Bindings to a store that did not give its secret.
    pub(super) unread: Vec<String>,
}

impl<'e> ReadBindings<'e> {
    /// Reads those of the named bindings that are of a Secrets Store.
    pub(super) async fn read(env: &'e Env, names: Vec<String>) -> Self {
        let environment = EnvBindings(env);
        let mut secrets = BTreeMap::new();
        let mut unread = Vec::new();
        for name in names {
            let Some(reading) = environment.raw(&name).and_then(|stored| read_of(&stored)) else {
                continue;
            };
            match JsFuture::from(reading).await.ok().and_then(|secret| secret.as_string()) {
                Some(secret) => drop(secrets.insert(name, secret)),
                None => unread.push(name),
            }
        }
        Self { environment, secrets, unread }
    }
}

impl Bindings for ReadBindings<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        match self.secrets.get(name) {
            Some(secret) => Some(Value::String(secret.clone())),
            None => self.environment.value(name),
        }
    }

    fn is_service(&self, name: &str) -> bool {
        self.environment.is_service(name)
    }
}

/// Begins to read a secret from its store, if the binding is of one: it alone has a `get` that takes
/// nothing among what a policy may name as a key.
fn read_of(stored: &JsValue) -> Option<Promise> {
    let get = Reflect::get(stored, &JsValue::from_str("get")).ok()?;
    // The method of a remote object takes `.call` for the name of another, and what it returns can be
    // awaited but is no Promise.
    let get: Function = get.dyn_into().ok()?;
    let reading: JsValue = Reflect::apply(&get, stored, &Array::new()).ok()?;
    Some(Promise::resolve(&reading))
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
