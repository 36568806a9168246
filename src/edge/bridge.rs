//! The calls into JavaScript that every request takes.

use js_sys::Promise;
use std::cell::Cell;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Headers, Request};

/// What answers a request in the origin's place: the request, when it began by the clock, and whether time
/// has run out.
pub(super) type Refuse = dyn FnMut(Request, f64, bool) -> Result<JsValue, JsValue>;

#[wasm_bindgen(module = "/src/edge/bridge.js")]
extern "C" {
    /// Writes the request, and says how many bytes that took; or, as a negative number, how many are enough.
    #[wasm_bindgen(js_name = read)]
    fn read_into(request: &Request, into: &mut [u8]) -> i32;

    /// A request to be sent.
    pub(super) type Rewritten;

    /// The request, as [`crate::outgoing::Outgoing::lines`] has it rewritten.
    #[wasm_bindgen(catch)]
    pub(super) fn rewrite(
        request: &Request,
        lines: &str,
        keeps_cf: bool,
    ) -> Result<Rewritten, JsValue>;

    /// Its URL as the runtime has serialised it, if that is another than was asked for, byte by byte.
    #[wasm_bindgen(method, getter, js_name = otherUrl)]
    pub(super) fn other_url(this: &Rewritten) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    pub(super) fn headers(this: &Rewritten) -> Headers;

    /// What a service answers to a request, or without one the network; without a rewritten request, to the one that
    /// came. Where it fails, or does not answer in time: what `refuse` makes of the request that came, or without
    /// one, whether time has run out.
    #[wasm_bindgen(catch)]
    pub(super) fn ask(
        service: &JsValue,
        rewritten: Option<&Rewritten>,
        is_cached: bool,
        milliseconds: f64,
        refuse: Option<&Closure<Refuse>>,
        request: &Request,
        began: f64,
    ) -> Result<Promise, JsValue>;
}

/// Enough for most requests; the platform bounds the others.
const TEXT_BYTES: usize = 8 * 1024;

thread_local! {
    /// Where requests are written to, which is quicker than a `String` that JavaScript makes: it copies text
    /// character by character. Taken out while it is written to, so that nothing thrown meanwhile leaves it locked.
    static TEXT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The request, as [`crate::request::Lines`] takes it apart.
pub(super) fn read(request: &Request) -> String {
    let mut text = TEXT.take();
    if text.is_empty() {
        text.resize(TEXT_BYTES, 0);
    }
    let mut written = read_into(request, &mut text);
    if let Ok(enough) = usize::try_from(written.saturating_neg())
        && enough > 0
    {
        text.resize(enough, 0);
        written = read_into(request, &mut text);
    }
    let written = usize::try_from(written).ok().and_then(|written| text.get(..written));
    // It is UTF-8, whatever it was made from (WHATWG Encoding section 7.4).
    let lines = String::from_utf8(written.unwrap_or_default().to_vec()).unwrap_or_default();
    TEXT.set(text);
    lines
}
