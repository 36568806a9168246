//! The calls into JavaScript that every request needs.

use super::origin_response;
use crate::signed_identity::Randomness;
use js_sys::Promise;
use std::cell::Cell;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Headers, Request};

/// Makes the substitute for the origin's response. Takes the request, when it arrived by the clock,
/// and whether the origin was too slow.
pub(super) type Refuse = dyn FnMut(Request, f64, bool) -> Result<JsValue, JsValue>;

#[wasm_bindgen(module = "/src/edge/bridge.js")]
extern "C" {
    /// Writes the request into `into`. Returns the number of bytes written, or the negated number
    /// of bytes required if the buffer is too small.
    #[wasm_bindgen(js_name = read)]
    fn read_into(request: &Request, into: &mut [u8]) -> i32;

    /// Parses an identity from its JSON text, in which the headers are a list of pairs.
    #[wasm_bindgen(catch)]
    pub(super) fn identity(text: &str) -> Result<JsValue, JsValue>;

    /// Reads what the platform knows about the client's certificate: "1" or "0" for whether its
    /// chain was verified, the same for whether it was revoked, and its hash. Empty without a
    /// certificate.
    #[wasm_bindgen(catch)]
    pub(super) fn certificate(request: &Request) -> Result<String, JsValue>;

    /// Asks the Durable Object of this name to record a proof. Returns a promise for the status.
    #[wasm_bindgen(catch)]
    pub(super) fn record(
        namespace: &JsValue,
        name: &str,
        proof: &str,
        expires: &str,
    ) -> Result<Promise, JsValue>;

    /// A request to be sent.
    pub(super) type Rewritten;

    /// Rewrites the request as [`crate::outgoing::Outgoing::lines`] describes.
    #[wasm_bindgen(catch)]
    pub(super) fn rewrite(
        request: &Request,
        lines: &str,
        keeps_cf: bool,
    ) -> Result<Rewritten, JsValue>;

    /// The URL as the runtime has serialized it. Returns `None` if it is the one that was asked
    /// for, byte for byte.
    #[wasm_bindgen(method, getter, js_name = otherUrl)]
    pub(super) fn other_url(this: &Rewritten) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn headers(this: &Rewritten) -> Headers;

    /// Sends the rewritten request, or without one the request as received, to a service, or
    /// without one over the network. Returns a promise for the response. If there is no response in
    /// time, the promise is for what `refuse` returns for the request as received, or without
    /// `refuse`, for whether the origin was too slow. `rewrite_response` rewrites responses with a
    /// `Location` or `Content-Location`, or with `rewrites_all`, every response.
    #[wasm_bindgen(catch)]
    pub(super) fn ask(
        service: &JsValue,
        rewritten: Option<&Rewritten>,
        no_store: bool,
        milliseconds: f64,
        refuse: Option<&Closure<Refuse>>,
        rewrite_response: Option<&Closure<origin_response::Rewrite>>,
        rewrites_all: bool,
        request: &Request,
        began: f64,
    ) -> Result<Promise, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn fill_with_random_values(into: &mut [u8]);
}

/// Returns random bytes from the runtime.
pub(super) fn random() -> Randomness {
    let mut bytes = Randomness::default();
    fill_with_random_values(&mut bytes);
    bytes
}

/// The initial size of the buffer, in bytes: enough for most requests. The platform bounds the
/// others.
const TEXT_BYTES: usize = 8 * 1024;

thread_local! {
    /// The buffer that requests are written to. It is faster than a `String` from JavaScript, which
    /// is copied character by character. The buffer is taken out while it is in use, so that an
    /// exception meanwhile does not leave it locked.
    static TEXT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Returns the request as lines for [`crate::request::Lines`].
pub(super) fn read(request: &Request) -> String {
    let mut text = TEXT.take();
    if text.is_empty() {
        text.resize(TEXT_BYTES, 0);
    }
    let mut written = read_into(request, &mut text);
    if let Ok(required) = usize::try_from(written.saturating_neg())
        && required > 0
    {
        text.resize(required, 0);
        written = read_into(request, &mut text);
    }
    let written = usize::try_from(written).ok().and_then(|written| text.get(..written));
    // `encodeInto` writes valid UTF-8 for every string (WHATWG Encoding section 7.4).
    let lines = String::from_utf8(written.unwrap_or_default().to_vec()).unwrap_or_default();
    TEXT.set(text);
    lines
}
