//! Fetching the keys that issuers publish: from the Cache API, if the policy lets isolates share
//! keys, or else from the network.
//!
//! No request awaits what another has started, because the runtime cancels a request that does. One
//! request takes the lease and fetches, to the end even if its client disconnects. The others poll,
//! on timers of their own, until it has finished. Requests share parsed keys, never promises or
//! bodies.

mod document;
mod shared;

use self::document::Unfetched;
use self::shared::Shared;
use super::call::Call;
use super::clock;
use super::isolate::Isolate;
use super::log;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::json;
use crate::keys::cache::{Dated, FETCH_TIMEOUT, KeyCache};
use crate::keys::jwk::{self, Provenance};
use crate::keys::remote::{self, Location};
use crate::keys::{KeyFault, KeyRequest, KeySet, RemoteKeys};
use crate::time::UnixSeconds;
use futures_util::future::{Either, select};
use js_sys::Promise;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;
use worker::{Delay, Env};

/// How often a request that waits for another's fetch checks whether it has finished.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// How often it checks before it gives up: for 5 seconds.
const POLLS: usize = 200;

/// Fetches keys, or waits until another request has fetched them. Returns when there is something
/// new to judge by, or when that has taken too long.
pub(super) async fn fetch(isolate: &Rc<Isolate>, request: KeyRequest, call: &Call<'_>) {
    let issuer = request.issuer;
    match start(isolate, request, call) {
        Some(attempt) => drop(JsFuture::from(attempt).await),
        None => wait(isolate, issuer).await,
    }
}

/// Does the same for work that the runtime carries on by itself.
pub(super) async fn fetch_for(isolate: &Rc<Isolate>, request: KeyRequest, env: &Env) {
    let (began, issuer) = (clock::now(), request.issuer);
    if isolate.with_keys(issuer, |cache| cache.take_lease(began)) == Some(true) {
        attempt(Rc::clone(isolate), request, env.clone(), began).await;
    } else {
        wait(isolate, issuer).await;
    }
}

/// Fetches keys in the background, unless another request does.
pub(super) fn refresh(isolate: &Rc<Isolate>, request: KeyRequest, call: &Call<'_>) {
    drop(start(isolate, request, call));
}

/// Takes the lease and starts an attempt, for which the runtime waits even if this request ends.
/// Returns `None` if another request has the lease.
fn start(isolate: &Rc<Isolate>, request: KeyRequest, call: &Call<'_>) -> Option<Promise> {
    let began = clock::now();
    isolate.with_keys(request.issuer, |cache| cache.take_lease(began)).filter(|leased| *leased)?;
    let attempt = attempt(Rc::clone(isolate), request, call.env.clone(), began);
    Some(call.start(attempt))
}

async fn wait(isolate: &Isolate, issuer: IssuerId) {
    for _ in 0..POLLS {
        Delay::from(POLL_INTERVAL).await;
        let now = clock::now();
        if isolate.with_keys(issuer, |cache| cache.is_leased(now)) != Some(true) {
            return;
        }
    }
}

/// One attempt, from taking the lease to returning it.
async fn attempt(isolate: Rc<Isolate>, request: KeyRequest, env: Env, began: UnixSeconds) {
    let issuer = isolate.policy.issuer(request.issuer);
    let Some((issuer, remote)) = issuer.and_then(|issuer| Some((issuer, issuer.remote()?))) else {
        return;
    };
    let attempt =
        Attempt { isolate: &isolate, request: &request, issuer, remote, env: &env, began };
    let limit = pin!(Delay::from(Duration::from_secs(u64::from(FETCH_TIMEOUT.get()))));
    let outcome = match select(pin!(attempt.run()), limit).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(KeyFault::new("there was no complete response within 5 seconds")),
    };
    if let Err(fault) = &outcome {
        log::keys_not_fetched(issuer.name(), fault);
        attempt.with_cache(|cache| cache.failed(began));
    }
    attempt.with_cache(|cache| {
        cache.settle(&request.asked, clock::now());
        cache.return_lease();
    });
    if outcome.is_err()
        && let Some(shared) = attempt.shared()
    {
        shared.write_failure(began).await;
    }
}

struct Attempt<'i> {
    isolate: &'i Isolate,
    request: &'i KeyRequest,
    issuer: &'i Issuer,
    remote: &'i RemoteKeys,
    env: &'i Env,
    began: UnixSeconds,
}

impl Attempt<'_> {
    async fn run(&self) -> Result<(), KeyFault> {
        if let Some(shared) = self.shared() {
            self.read_key_cache(shared).await;
        }
        if !self.is_due() {
            return Ok(());
        }
        let set = self.fetch().await;
        if set.is_err() {
            self.with_cache(KeyCache::forget_jwks_uri);
        }
        let set = set?;
        log::keys_fetched(self.isolate.policy.log().decisions, self.issuer.name(), &set.keys.value);
        let jwks_uri = self.isolate.with_keys(self.request.issuer, |cache| {
            cache.succeeded(set.keys);
            cache.found().cloned()
        });
        if let Some(shared) = self.shared() {
            shared.write_set(&set.document, jwks_uri.flatten().as_ref()).await;
        }
        Ok(())
    }

    /// What the isolates share of this issuer's keys. `None` if the policy has no `key_cache`.
    fn shared(&self) -> Option<Shared<'_>> {
        let cache = self.isolate.policy.key_cache()?;
        Some(Shared { cache, remote: self.remote })
    }

    /// Takes over what other isolates of this data center have fetched.
    async fn read_key_cache(&self, shared: Shared<'_>) {
        let now = clock::now();
        if let Some(entry) = shared.read_set(now).await
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
            && let Some(began) = shared.read_failure(now).await
        {
            self.with_cache(|cache| cache.failed(began));
        }
    }

    fn is_due(&self) -> bool {
        let now = clock::now();
        let is_due = |cache: &mut KeyCache| cache.is_due(&self.request.asked, now);
        self.isolate.with_keys(self.request.issuer, is_due) == Some(true)
    }

    async fn fetch(&self) -> Result<FetchedSet, KeyFault> {
        let url = self.locate().await?;
        let document = self.document(&url).await?;
        let keys = Dated {
            value: self.import(&document.value)?,
            fetched: document.fetched,
            fresh_for: document.fresh_for,
        };
        Ok(FetchedSet { document, keys })
    }

    fn import(&self, document: &[u8]) -> Result<KeySet, KeyFault> {
        let set = json::parse_object(document)
            .map_err(|reason| KeyFault::new(format!("the JWK Set {reason}")))?;
        jwk::import(&set, self.issuer.algorithms(), Provenance::Network)
    }

    /// Returns the URL of the JWK Set: from the policy, from metadata, or from stale metadata if
    /// fetching new metadata fails.
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
        self.isolate.with_keys(self.request.issuer, known).flatten()
    }

    async fn discover(&self, issuer: &str) -> Result<Dated<String>, KeyFault> {
        let service = self.remote.service.as_deref();
        discover(issuer, remote::JWKS_URI, service, self.env, self.began).await
    }

    async fn document(&self, url: &str) -> Result<Dated<Vec<u8>>, Unfetched> {
        document::fetch(url, self.remote.service.as_deref(), self.env, self.began).await
    }

    fn with_cache(&self, change: impl FnOnce(&mut KeyCache)) {
        self.isolate.with_keys(self.request.issuer, change);
    }
}

/// Fetches an issuer's metadata, and returns the URL that a member of it has.
pub(super) async fn discover(
    issuer: &str,
    member: &str,
    service: Option<&str>,
    env: &Env,
    began: UnixSeconds,
) -> Result<Dated<String>, KeyFault> {
    let mut absent = Vec::new();
    for url in remote::metadata_urls(issuer).map_err(KeyFault::new)? {
        match document::fetch(&url, service, env, began).await {
            Ok(metadata) => {
                return Ok(Dated {
                    value: remote::url_in_metadata(&metadata.value, issuer, member)?,
                    fetched: metadata.fetched,
                    fresh_for: metadata.fresh_for,
                });
            }
            Err(Unfetched::Absent(fault)) => absent.push(fault.to_string()),
            Err(Unfetched::Failed(fault)) => return Err(fault),
        }
    }
    Err(KeyFault::new(absent.join("; ")))
}

/// A JWK Set as fetched, and its keys.
struct FetchedSet {
    document: Dated<Vec<u8>>,
    keys: Dated<KeySet>,
}
