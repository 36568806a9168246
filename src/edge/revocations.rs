//! The revocation store, in Workers KV: read for a verdict, written by the logout endpoint.

use super::bindings::{EnvBindings, answer, call};
use super::isolate::Isolate;
use super::{clock, log};
use crate::revocation::{CACHE_TTL, Entry, Logout, LogoutEndpoint, Revocation, Standing};
use crate::time::Seconds;
use futures_util::future::join_all;
use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;
use worker::Env;

/// Reads entries concurrently and remembers what they say. An entry that cannot be read is
/// remembered as unknown.
pub(super) async fn read(isolate: &Isolate, needed: Vec<Entry>, env: &Env) {
    let Some(revocation) = isolate.policy.revocation() else { return };
    let store = Store { namespace: &revocation.namespace, env };
    let answers = join_all(needed.into_iter().map(|entry| async {
        let stored = store.get(&entry.key).await;
        (entry, stored)
    }));
    let now = clock::now();
    let mut failed = false;
    for (entry, stored) in answers.await {
        let standing = match stored {
            Ok(text) => entry.meaning(text.as_deref()),
            Err(Unreadable) => {
                failed = true;
                Standing::Unknown
            }
        };
        isolate.remember(entry, standing, now);
    }
    if failed {
        log::revocations_unreadable(&revocation.namespace, revocation.on_error);
    }
}

/// Writes the entries of a logout. Returns `false` if the logout token has been used before.
pub(super) async fn write(
    revocation: &Revocation,
    endpoint: &LogoutEndpoint,
    logout: &Logout,
    env: &Env,
) -> Result<bool, Unreadable> {
    let store = Store { namespace: &revocation.namespace, env };
    if store.get(&logout.used.key).await?.is_some() {
        return Ok(false);
    }
    // The token's own entry is written last: if one before it fails, the provider's next try writes
    // all.
    for entry in &logout.revokes {
        let stored = store.get(&entry.key).await?;
        if let Some(text) = logout.value_for(entry, stored.as_deref()) {
            store.put(&entry.key, &text, endpoint.expiration_ttl).await?;
        }
    }
    store.put(&logout.used.key, "logout", endpoint.expiration_ttl).await?;
    Ok(true)
}

/// The store could not be read or written.
pub(super) struct Unreadable;

struct Store<'e> {
    namespace: &'e str,
    env: &'e Env,
}

impl Store<'_> {
    async fn get(&self, key: &str) -> Result<Option<String>, Unreadable> {
        let options = options("cacheTtl", CACHE_TTL).map_err(|_| Unreadable)?;
        let found = self.ask("get", &[JsValue::from_str(key), options]).await?;
        Ok(found.as_string())
    }

    async fn put(&self, key: &str, text: &str, keep: Seconds) -> Result<(), Unreadable> {
        let options = options("expirationTtl", keep).map_err(|_| Unreadable)?;
        let arguments = [JsValue::from_str(key), JsValue::from_str(text), options];
        self.ask("put", &arguments).await.map(|_| ())
    }

    async fn ask(&self, method: &str, arguments: &[JsValue]) -> Result<JsValue, Unreadable> {
        let namespace = EnvBindings(self.env).raw(self.namespace).ok_or(Unreadable)?;
        let promise = call(&namespace, method, arguments).ok_or(Unreadable)?;
        answer(promise).await.ok_or(Unreadable)
    }
}

fn options(name: &str, seconds: Seconds) -> Result<JsValue, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &JsValue::from_str(name), &JsValue::from(seconds.get()))?;
    Ok(options.into())
}
