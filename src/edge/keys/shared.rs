//! The Cache API, through which the isolates of a data center share fetched keys.
//!
//! Without that API (on workers.dev, in a bare runtime) every call does nothing, and each isolate
//! fetches for itself. Entries live for as long as the policy's `stale_if_error` says, regardless
//! of the provider's headers, and contain their own age.

use crate::keys::RemoteKeys;
use crate::keys::cache::{COOLDOWN, Dated};
use crate::keys::shared::{EntryKind, SharedCache, SharedSet, url};
use crate::time::{Seconds, UnixSeconds};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, Headers, Response, ResponseInit, WorkerGlobalScope};

/// A cache of the gate's own. The default cache also contains the results of other fetches.
const CACHE: &str = "portcullis";

/// The entries of one issuer.
#[derive(Clone, Copy)]
pub(super) struct Shared<'s> {
    pub(super) cache: &'s SharedCache,
    pub(super) remote: &'s RemoteKeys,
}

impl Shared<'_> {
    pub(super) async fn read_set(self, now: UnixSeconds) -> Option<SharedSet> {
        let text = self.read(EntryKind::Set).await?;
        self.cache.open_set(self.remote, &text, now)
    }

    pub(super) async fn write_set(
        self,
        document: &Dated<Vec<u8>>,
        jwks_uri: Option<&Dated<String>>,
    ) {
        let Some(text) = self.cache.seal_set(self.remote, document, jwks_uri) else { return };
        let keep = document.fresh_for.plus(self.remote.stale_if_error);
        self.write(EntryKind::Set, &text, keep).await;
    }

    /// Returns when the last failed attempt began.
    pub(super) async fn read_failure(self, now: UnixSeconds) -> Option<UnixSeconds> {
        let text = self.read(EntryKind::Failure).await?;
        self.cache.open_failure(self.remote, &text, now)
    }

    pub(super) async fn write_failure(self, began: UnixSeconds) {
        let text = self.cache.seal_failure(self.remote, began);
        self.write(EntryKind::Failure, &text, COOLDOWN).await;
    }

    async fn read(self, kind: EntryKind) -> Option<String> {
        let found = open().await?.match_with_str(&url(self.remote, kind));
        let response: Response = JsFuture::from(found).await.ok()?.dyn_into().ok()?;
        JsFuture::from(response.text().ok()?).await.ok()?.as_string()
    }

    async fn write(self, kind: EntryKind, text: &str, keep: Seconds) {
        let Some(cache) = open().await else { return };
        let put = || -> Result<_, JsValue> {
            let headers = Headers::new()?;
            headers.set("content-type", "text/plain")?;
            headers.set("cache-control", &format!("max-age={}", keep.get()))?;
            let init = ResponseInit::new();
            init.set_headers(&headers);
            let response = Response::new_with_opt_str_and_init(Some(text), &init)?;
            Ok(cache.put_with_str(&url(self.remote, kind), &response))
        };
        if let Ok(put) = put() {
            // If the entry cannot be written, the next isolate fetches for itself.
            let _ = JsFuture::from(put).await;
        }
    }
}

async fn open() -> Option<Cache> {
    let caches = js_sys::global().unchecked_into::<WorkerGlobalScope>().caches().ok()?;
    JsFuture::from(caches.open(CACHE)).await.ok()?.dyn_into().ok()
}
