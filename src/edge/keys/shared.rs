//! Sharing fetched keys between the isolates of a data center, through the Cache API.
//!
//! Without that API (on workers.dev, in a bare runtime) every call does nothing, and each isolate
//! fetches for itself. Entries live for as long as the policy's `stale_if_error` says, regardless
//! of the provider's headers, and contain their own age. A failure has a separate entry, so it
//! never replaces a valid set.

use crate::json::text::{ObjectText, array, quoted};
use crate::json::{self, Object};
use crate::keys::RemoteKeys;
use crate::keys::cache::{COOLDOWN, Dated};
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, Headers, Response, ResponseInit, WorkerGlobalScope};

/// A cache of the gate's own. The default cache also contains the results of other fetches.
const CACHE: &str = "portcullis";

/// How far the clocks of machines may differ. An entry further in the future is ignored.
const SKEW: Seconds = Seconds::new(60);

/// A JWK Set that an isolate has fetched.
pub(super) struct Entry {
    /// The set as received.
    pub(super) document: Dated<Vec<u8>>,
    /// Its URL, if it was discovered.
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
    let mut entry = dated_text(document);
    entry.text("document", Some(text));
    if let Some(found) = jwks_uri {
        let mut member = dated_text(found);
        member.text("url", Some(&found.value));
        entry.json("jwks_uri", &member.finish());
    }
    let keep = document.fresh_for.plus(remote.stale_if_error);
    write(&url(remote, "set"), entry, keep).await;
}

/// Returns when the last failed attempt began.
pub(super) async fn read_failure(remote: &RemoteKeys, now: UnixSeconds) -> Option<UnixSeconds> {
    let text = read(&url(remote, "failure")).await?;
    let entry = json::parse_object(text.as_bytes()).ok()?;
    past(&entry, "began", now)
}

pub(super) async fn write_failure(remote: &RemoteKeys, began: UnixSeconds) {
    let mut entry = ObjectText::new();
    entry.number("began", began.get());
    write(&url(remote, "failure"), entry, COOLDOWN).await;
}

/// The members from which [`dated`] reads the age of a value.
fn dated_text<T>(value: &Dated<T>) -> ObjectText {
    let mut text = ObjectText::new();
    text.number("fetched", value.fetched.get());
    text.number("fresh_for", value.fresh_for.get().into());
    text
}

fn dated<T>(entry: &Object, value: T, now: UnixSeconds) -> Option<Dated<T>> {
    let fetched = past(entry, "fetched", now)?;
    let fresh_for = u32::try_from(entry.get("fresh_for")?.as_u64()?).ok()?;
    Some(Dated { value, fetched, fresh_for: Seconds::new(fresh_for) })
}

/// Reads a time in the past. A time that is slightly ahead, by another machine's clock, counts as
/// now.
fn past(entry: &Object, name: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    let time = UnixSeconds::new(entry.get(name)?.as_i64()?);
    (time <= now.plus(SKEW)).then_some(time.min(now))
}

/// The URL of an entry, at a host name that cannot exist (RFC 2606 section 2).
fn url(remote: &RemoteKeys, kind: &str) -> String {
    let service = remote.service.as_deref().map_or_else(|| "null".to_owned(), quoted);
    let source = array(&[quoted(remote.location.name()), service]);
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

async fn write(url: &str, entry: ObjectText, keep: Seconds) {
    let Some(cache) = open().await else { return };
    let put = || -> Result<_, JsValue> {
        let headers = Headers::new()?;
        headers.set("content-type", "application/json")?;
        headers.set("cache-control", &format!("max-age={}", keep.get()))?;
        let init = ResponseInit::new();
        init.set_headers(&headers);
        let response = Response::new_with_opt_str_and_init(Some(&entry.finish()), &init)?;
        Ok(cache.put_with_str(url, &response))
    };
    if let Ok(put) = put() {
        // If the entry cannot be written, the next isolate fetches for itself.
        let _ = JsFuture::from(put).await;
    }
}
