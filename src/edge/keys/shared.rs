//! What the isolates of a data centre tell each other through the Cache API.
//!
//! Where there is none (workers.dev, a bare runtime) every call comes to nothing, and each isolate
//! fetches for itself. Entries live for as long as the policy's `stale_if_error` asks, whatever the
//! provider's own headers say; their age is in them. A failure has an entry of its own, so that none
//! ever takes a good set's place.

use crate::json::{self, Object};
use crate::keys::RemoteKeys;
use crate::keys::cache::{COOLDOWN, Dated};
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, Headers, Response, ResponseInit, WorkerGlobalScope};

/// A cache of the gate's own: the default one also holds what anybody's fetch has put there.
const CACHE: &str = "portcullis";

/// Clocks of machines differ; an entry further in the future than this was not written by one of them.
const SKEW: Seconds = Seconds::new(60);

/// A JWK Set that some isolate has fetched.
pub(super) struct Entry {
    /// The set as it came.
    pub(super) document: Dated<Vec<u8>>,
    /// Where it was found, if that had to be discovered.
    pub(super) jwks_uri: Option<Dated<String>>,
}

pub(super) async fn read_set(remote: &RemoteKeys, now: UnixSeconds) -> Option<Entry> {
    let text = read(&url(remote, "set")).await?;
    let entry = json::parse_object(text.as_bytes()).ok()?;
    let document = entry.get("document")?.as_str()?.as_bytes().to_vec();
    let document = dated(&entry, document, now)?;
    let jwks_uri = entry.get("jwks_uri").and_then(|found| {
        let found = found.as_object()?;
        dated(found, found.get("url")?.as_str()?.to_owned(), now)
    });
    Some(Entry { document, jwks_uri })
}

pub(super) async fn write_set(
    remote: &RemoteKeys,
    document: &Dated<Vec<u8>>,
    jwks_uri: Option<&Dated<String>>,
) {
    let Ok(text) = std::str::from_utf8(&document.value) else { return };
    let jwks_uri = jwks_uri.map(|found| {
        let (fetched, fresh_for) = (found.fetched.get(), found.fresh_for.get());
        json!({ "url": found.value, "fetched": fetched, "fresh_for": fresh_for })
    });
    let entry = json!({
        "document": text,
        "fetched": document.fetched.get(),
        "fresh_for": document.fresh_for.get(),
        "jwks_uri": jwks_uri,
    });
    let keep = document.fresh_for.plus(remote.stale_if_error);
    write(&url(remote, "set"), &entry, keep).await;
}

/// When an attempt last began that has failed.
pub(super) async fn read_failure(remote: &RemoteKeys, now: UnixSeconds) -> Option<UnixSeconds> {
    let text = read(&url(remote, "failure")).await?;
    let entry = json::parse_object(text.as_bytes()).ok()?;
    past(&entry, "began", now)
}

pub(super) async fn write_failure(remote: &RemoteKeys, began: UnixSeconds) {
    write(&url(remote, "failure"), &json!({ "began": began.get() }), COOLDOWN).await;
}

fn dated<T>(entry: &Object, value: T, now: UnixSeconds) -> Option<Dated<T>> {
    let fetched = past(entry, "fetched", now)?;
    let fresh_for = u32::try_from(entry.get("fresh_for")?.as_u64()?).ok()?;
    Some(Dated { value, fetched, fresh_for: Seconds::new(fresh_for) })
}

/// A time in the past; one that another machine's clock has put a little ahead counts as now.
fn past(entry: &Object, name: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    let time = UnixSeconds::new(entry.get(name)?.as_i64()?);
    (time <= now.plus(SKEW)).then_some(time.min(now))
}

/// The name of an entry. The host is one that nobody can have (RFC 2606 section 2).
fn url(remote: &RemoteKeys, kind: &str) -> String {
    let source = json!([remote.location.name(), remote.service]).to_string();
    let digest = Base64UrlUnpadded::encode_string(&Sha256::digest(source));
    format!("https://portcullis.invalid/keys/{digest}/{kind}")
}

async fn open() -> Option<Cache> {
    let caches = js_sys::global().unchecked_into::<WorkerGlobalScope>().caches().ok()?;
    JsFuture::from(caches.open(CACHE)).await.ok()?.dyn_into().ok()
}

async fn read(url: &str) -> Option<String> {
    let found = JsFuture::from(open().await?.match_with_str(url)).await.ok()?;
    let response: Response = found.dyn_into().ok()?;
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

async fn write(url: &str, entry: &Value, keep: Seconds) {
    let Some(cache) = open().await else { return };
    let put = || -> Result<_, JsValue> {
        let headers = Headers::new()?;
        headers.set("content-type", "application/json")?;
        headers.set("cache-control", &format!("max-age={}", keep.get()))?;
        let init = ResponseInit::new();
        init.set_headers(&headers);
        let response = Response::new_with_opt_str_and_init(Some(&entry.to_string()), &init)?;
        Ok(cache.put_with_str(url, &response))
    };
    if let Ok(put) = put() {
        // An entry that cannot be written costs the next isolate a fetch of its own.
        let _ = JsFuture::from(put).await;
    }
}
