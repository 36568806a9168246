//! Secrets in a Secrets Store. The gate reads them when an isolate starts, and again every minute,
//! because the store does not report that a secret has been replaced.

use super::bindings::{EnvBindings, call};
use super::clock;
use crate::policy::Bindings;
use crate::time::{Seconds, UnixSeconds};
use futures_util::future::{Either, join_all, select};
use serde_json::Value;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;
use worker::{Delay, Env};

/// How long secrets are used before they are read again.
pub(super) const READ_AGAIN_AFTER: Seconds = Seconds::new(60);

/// How long tokens that were signed with a replaced secret are still accepted, from when the gate
/// notices.
const FORMER_FOR: Seconds = Seconds::new(5 * 60);

/// How long a request waits for a store.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The secrets that stores have returned, by binding.
#[derive(Default)]
pub(super) struct StoredSecrets {
    secrets: BTreeMap<String, StoredSecret>,
    unread: Vec<String>,
}

#[derive(PartialEq, Eq)]
struct StoredSecret {
    value: String,
    former: Option<Former>,
}

/// A secret that has been replaced.
#[derive(Clone, PartialEq, Eq)]
struct Former {
    value: String,
    until: UnixSeconds,
}

impl StoredSecrets {
    /// Reads those of the named bindings that belong to a store. What a store does not return stays
    /// as it was in `before`.
    pub(super) async fn read(env: &Env, names: Vec<String>, before: &Self) -> Self {
        let environment = EnvBindings(env);
        let reads = names.into_iter().filter_map(|name| {
            // Of the bindings that a policy can name here, only a Secrets Store has `get`.
            let reading = call(&environment.raw(&name)?, "get", &[])?;
            Some(async {
                let limit = pin!(Delay::from(TIMEOUT));
                match select(JsFuture::from(reading), limit).await {
                    Either::Left((Ok(secret), _)) => (name, secret.as_string()),
                    Either::Left((Err(_), _)) | Either::Right(_) => (name, None),
                }
            })
        });
        let mut stored = Self::default();
        let read = join_all(reads).await;
        let now = clock::now();
        for (name, value) in read {
            let before = before.secrets.get(&name);
            if value.is_none() {
                stored.unread.push(name.clone());
            }
            if let Some(secret) = StoredSecret::of(value, before, now) {
                stored.secrets.insert(name, secret);
            }
        }
        stored
    }

    /// Whether no binding belongs to a store.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The bindings whose store did not return its secret.
    pub(super) fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Whether a policy must be compiled again because of a secret that was replaced, or is no
    /// longer accepted.
    pub(super) fn has_changed_from(&self, before: &Self) -> bool {
        self.secrets != before.secrets
    }

    /// Whether the binding belongs to a store that has never returned its secret.
    pub(super) fn is_missing(&self, name: &str) -> bool {
        self.unread.iter().any(|unread| unread == name) && !self.secrets.contains_key(name)
    }
}

impl StoredSecret {
    fn of(value: Option<String>, before: Option<&Self>, now: UnixSeconds) -> Option<Self> {
        let Some(before) = before else {
            return Some(Self { value: value?, former: None });
        };
        let still_former = || before.former.clone().filter(|former| now < former.until);
        Some(match value {
            Some(value) if value != before.value => {
                let former = Former { value: before.value.clone(), until: now.plus(FORMER_FOR) };
                Self { value, former: Some(former) }
            }
            Some(_) | None => Self { value: before.value.clone(), former: still_former() },
        })
    }
}

/// The environment, with the secrets of stores.
pub(super) struct ReadBindings<'e> {
    pub(super) environment: EnvBindings<'e>,
    pub(super) stored: &'e StoredSecrets,
}

impl Bindings for ReadBindings<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        match self.stored.secrets.get(name) {
            Some(secret) => Some(Value::String(secret.value.clone())),
            None => self.environment.value(name),
        }
    }

    fn former_secret(&self, name: &str) -> Option<String> {
        Some(self.stored.secrets.get(name)?.former.as_ref()?.value.clone())
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

    fn is_analytics_dataset(&self, name: &str) -> bool {
        self.environment.is_analytics_dataset(name)
    }
}
