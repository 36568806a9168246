//! Secrets in a Secrets Store. The gate reads them when an isolate starts, and again every minute,
//! because the store does not report that a secret has been replaced.

#[cfg(feature = "entry")]
use super::bindings::has_method;
use super::bindings::{EnvBindings, answer, call};
use super::clock;
use crate::policy::Bindings;
use crate::time::{Seconds, UnixSeconds};
use js_sys::{Array, Promise, Reflect};
use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::Env;

/// How long secrets are used before they are read again.
pub(super) const READ_AGAIN_AFTER: Seconds = Seconds::new(60);

/// How long tokens that were signed with a replaced secret are still accepted, from when the gate
/// notices.
const FORMER_FOR: Seconds = Seconds::new(5 * 60);

/// The bindings that belong to a store, with what the store has returned.
#[derive(Default)]
pub(super) struct StoredSecrets(Vec<StoredSecret>);

struct StoredSecret {
    binding: String,
    /// `None` if the store has never returned it.
    value: Option<String>,
    former: Option<Former>,
    /// Whether the last attempt to read it failed.
    is_unread: bool,
}

/// A secret that has been replaced.
#[derive(Clone, PartialEq, Eq)]
struct Former {
    value: String,
    until: UnixSeconds,
}

/// Whether a binding belongs to a store. Of the bindings that a policy can name for secrets, only
/// those of a Secrets Store have `get`.
#[cfg(feature = "entry")]
pub(super) fn is_stored(env: &Env, binding: &str) -> bool {
    EnvBindings(env).raw(binding).is_some_and(|binding| has_method(&binding, "get"))
}

impl StoredSecrets {
    /// Reads those of the named bindings that belong to a store. What a store does not return stays
    /// as it was in `before`.
    pub(super) async fn read(env: &Env, names: Vec<String>, before: &Self) -> Self {
        let (mut bindings, reads) = (Vec::new(), Array::new());
        for name in names {
            let read = || call(&EnvBindings(env).raw(&name)?, "get", &[]);
            if !bindings.contains(&name)
                && let Some(read) = read()
            {
                bindings.push(name);
                reads.push(&read);
            }
        }
        if bindings.is_empty() {
            return Self::default();
        }
        let results = answer(Promise::all_settled(&reads)).await;
        let results = results.as_ref().map(Array::from).unwrap_or_default();
        let now = clock::now();
        let secrets = bindings.into_iter().zip(0..).map(|(binding, index)| {
            let value = Reflect::get(&results.get(index), &JsValue::from_str("value"));
            let value = value.ok().and_then(|value| value.as_string());
            let is_unread = value.is_none();
            let (value, former) = match before.get(&binding) {
                None => (value, None),
                Some(before) => before.succeeded_by(value, now),
            };
            StoredSecret { binding, value, former, is_unread }
        });
        Self(secrets.collect())
    }

    fn get(&self, binding: &str) -> Option<&StoredSecret> {
        self.0.iter().find(|secret| secret.binding == binding)
    }

    /// Whether no binding belongs to a store.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bindings whose store did not return its secret.
    pub(super) fn unread(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|secret| secret.is_unread).map(|secret| secret.binding.as_str())
    }

    /// Whether a policy must be compiled again because of a secret that was replaced, or is no
    /// longer accepted.
    pub(super) fn has_changed_from(&self, before: &Self) -> bool {
        self.0.iter().any(|secret| {
            before
                .get(&secret.binding)
                .is_none_or(|before| before.value != secret.value || before.former != secret.former)
        })
    }

    /// Whether the binding belongs to a store that has never returned its secret.
    pub(super) fn is_missing(&self, binding: &str) -> bool {
        self.get(binding).is_some_and(|secret| secret.value.is_none())
    }
}

impl StoredSecret {
    /// The value to use once the store has returned this one or none, and the former one.
    fn succeeded_by(
        &self,
        value: Option<String>,
        now: UnixSeconds,
    ) -> (Option<String>, Option<Former>) {
        if value.is_some() && value != self.value {
            let replaced = self.value.clone();
            (value, replaced.map(|value| Former { value, until: now.plus(FORMER_FOR) }))
        } else {
            (self.value.clone(), self.former.clone().filter(|former| now < former.until))
        }
    }
}

/// The environment, with the secrets of stores.
pub(super) struct ReadBindings<'e> {
    pub(super) environment: EnvBindings<'e>,
    pub(super) stored: &'e StoredSecrets,
}

impl Bindings for ReadBindings<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        match self.stored.get(name) {
            Some(secret) => secret.value.clone().map(Value::String),
            None => self.environment.value(name),
        }
    }

    fn former_secret(&self, name: &str) -> Option<String> {
        Some(self.stored.get(name)?.former.as_ref()?.value.clone())
    }

    fn is_service(&self, name: &str) -> bool {
        self.environment.is_service(name)
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        self.environment.is_kv_namespace(name)
    }

    fn is_rate_limiter(&self, name: &str) -> bool {
        self.environment.is_rate_limiter(name)
    }

    fn is_durable_object(&self, name: &str) -> bool {
        self.environment.is_durable_object(name)
    }

    fn is_analytics_dataset(&self, name: &str) -> bool {
        self.environment.is_analytics_dataset(name)
    }
}
