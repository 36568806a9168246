//! The keys that issuers publish, fetched: isolate memory first, then the Cache API, then the network.
//!
//! No request awaits what another has begun, since the runtime cancels those that do. One request
//! takes the lease and fetches, to the end even if its client leaves; the others look, on timers of
//! their own, whether it has finished. What they share are parsed keys, never promises or bodies.

mod document;
mod shared;

use super::clock;
use super::isolate::Isolate;
use super::log;
use crate::json;
use crate::keys::cache::{Dated, FETCH_TIMEOUT, KeyCache};
use crate::keys::jwk::{self, Provenance};
use crate::keys::remote::{self, Location};
use crate::keys::{KeyFault, KeySet, KeysWanted, RemoteKeys};
use crate::policy::Issuer;
use crate::time::UnixSeconds;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Context, Delay, Env};

/// How often a request that waits for another's fetch looks whether it has finished.
const GLANCE: Duration = Duration::from_millis(25);

/// How often it looks before it gives up: for 5 seconds.
const GLANCES: usize = 200;

/// Fetches keys, or sees to it that somebody does. Where a verdict waits for them, comes back when
/// there is something new to judge by, or when that has taken too long.
pub(super) async fn obtain(
    isolate: &Rc<Isolate>,
    wanted: KeysWanted,
    env: &Env,
    context: &Context,
) {
    let in_background = wanted.in_background;
    let began = clock::now();
    let leased = isolate.with_keys(wanted.issuer, |cache| cache.take_lease(began));
    match leased {
        Some(true) => {
            let attempt = attempt(Rc::clone(isolate), wanted, env.clone(), began);
            // A promise of this request's own: the runtime waits for it, and so does the request.
            let attempt = future_to_promise(async move {
                attempt.await;
                Ok(JsValue::UNDEFINED)
            });
            let finished = JsFuture::from(attempt.clone());
            context.wait_until(async move {
                let _ = JsFuture::from(attempt).await;
            });
            if !in_background {
                let _ = finished.await;
            }
        }
        Some(false) if !in_background => wait(isolate, wanted.issuer).await,
        _ => {}
    }
}

async fn wait(isolate: &Isolate, issuer: usize) {
    for _ in 0..GLANCES {
        Delay::from(GLANCE).await;
        let now = clock::now();
        if isolate.with_keys(issuer, |cache| cache.is_leased(now)) != Some(true) {
            return;
        }
    }
}

/// One attempt, from taking the lease to giving it back.
async fn attempt(isolate: Rc<Isolate>, wanted: KeysWanted, env: Env, began: UnixSeconds) {
    let Some((issuer, remote)) = isolate
        .policy
        .issuers()
        .get(wanted.issuer)
        .and_then(|issuer| Some((issuer, issuer.remote()?)))
    else {
        return;
    };
    let attempt = Attempt { isolate: &isolate, wanted: &wanted, issuer, remote, env: &env, began };
    let limit = pin!(Delay::from(Duration::from_secs(u64::from(FETCH_TIMEOUT.get()))));
    let outcome = match select(pin!(attempt.run()), limit).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(KeyFault::new("no whole answer in 5 seconds")),
    };
    if let Err(fault) = &outcome {
        log::keys_not_fetched(issuer.name(), fault);
        attempt.with_cache(|cache| cache.failed(began));
    }
    attempt.with_cache(|cache| {
        cache.settle(&wanted.asked, clock::now());
        cache.return_lease();
    });
    if outcome.is_err() {
        shared::write_failure(remote, began).await;
    }
}

struct Attempt<'i> {
    isolate: &'i Isolate,
    wanted: &'i KeysWanted,
    issuer: &'i Issuer,
    remote: &'i RemoteKeys,
    env: &'i Env,
    began: UnixSeconds,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<(), KeyFault> {
        self.learn_from_others().await;
        if !self.is_due() {
            return Ok(());
        }
        let set = self.fetch().await;
        if set.is_err() {
            self.with_cache(KeyCache::mislaid);
        }
        let set = set?;
        log::keys_fetched(self.isolate.policy.log().decisions, self.issuer.name(), &set.keys.value);
        let jwks_uri = self.isolate.with_keys(self.wanted.issuer, |cache| {
            cache.succeeded(set.keys);
            cache.found().cloned()
        });
        shared::write_set(self.remote, &set.document, jwks_uri.flatten().as_ref()).await;
        Ok(())
    }

    /// Takes over what other isolates of this data centre have found out.
    async fn learn_from_others(&self) {
        let now = clock::now();
        if let Some(entry) = shared::read_set(self.remote, now).await
            && let Ok(keys) = self.import(&entry.document.value)
        {
            let Dated { fetched, fresh_for, .. } = entry.document;
            self.with_cache(|cache| {
                cache.succeeded(Dated { value: keys, fetched, fresh_for });
                if let Some(jwks_uri) = entry.jwks_uri {
                    cache.discovered(jwks_uri);
                }
            });
        }
        if self.is_due()
            && let Some(began) = shared::read_failure(self.remote, now).await
        {
            self.with_cache(|cache| cache.failed(began));
        }
    }

    fn is_due(&self) -> bool {
        let now = clock::now();
        let is_due = |cache: &mut KeyCache| cache.is_due(&self.wanted.asked, now);
        self.isolate.with_keys(self.wanted.issuer, is_due) == Some(true)
    }

    async fn fetch(&self) -> Result<FetchedSet, KeyFault> {
        let url = self.locate().await?;
        let document = self.document(&url).await?.ok_or_else(not_found)?;
        let keys = Dated {
            value: self.import(&document.value)?,
            fetched: document.fetched,
            fresh_for: document.fresh_for,
        };
        Ok(FetchedSet { document, keys })
    }

    fn import(&self, document: &[u8]) -> Result<KeySet, KeyFault> {
        let set = json::parse_object(document).map_err(|_| {
            KeyFault::new("the JWK Set is not a JSON object without repeated names")
        })?;
        jwk::import(&set, self.issuer.algorithms(), Provenance::Network)
    }

    /// The URL of the JWK Set, from metadata if need be; from old metadata if there is nothing better.
    async fn locate(&self) -> Result<String, KeyFault> {
        let issuer = match &self.remote.location {
            Location::JwksUri(url) => return Ok(url.clone()),
            Location::Discovery(issuer) => issuer,
        };
        if let Some(url) = self.known(false) {
            return Ok(url);
        }
        match self.discover(issuer).await {
            Ok(found) => {
                let url = found.value.clone();
                self.with_cache(|cache| cache.discovered(found));
                Ok(url)
            }
            Err(fault) => self.known(true).ok_or(fault),
        }
    }

    fn known(&self, even_stale: bool) -> Option<String> {
        let now = clock::now();
        let known = |cache: &mut KeyCache| cache.jwks_uri(even_stale, now).map(str::to_owned);
        self.isolate.with_keys(self.wanted.issuer, known).flatten()
    }

    async fn discover(&self, issuer: &str) -> Result<Dated<String>, KeyFault> {
        let [oidc, oauth] = remote::metadata_urls(issuer).map_err(KeyFault::new)?;
        let metadata = match self.document(&oidc).await? {
            Some(metadata) => metadata,
            None => self.document(&oauth).await?.ok_or_else(not_found)?,
        };
        Ok(Dated {
            value: remote::jwks_uri_of(&metadata.value, issuer)?,
            fetched: metadata.fetched,
            fresh_for: metadata.fresh_for,
        })
    }

    async fn document(&self, url: &str) -> Result<Option<Dated<Vec<u8>>>, KeyFault> {
        document::fetch(url, self.remote.service.as_deref(), self.env, self.began).await
    }

    fn with_cache(&self, change: impl FnOnce(&mut KeyCache)) {
        self.isolate.with_keys(self.wanted.issuer, change);
    }
}

fn not_found() -> KeyFault {
    KeyFault::new("it answered 404")
}

/// A JWK Set as it came, and what became of it.
struct FetchedSet {
    document: Dated<Vec<u8>>,
    keys: Dated<KeySet>,
}
