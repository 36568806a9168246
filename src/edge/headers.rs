//! The runtime's `Headers`, read as the core reads headers.

use crate::request::Headers;
use js_sys::Array;
use std::borrow::Cow;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// An iterator (ECMAScript 2025 section 27.1.4), which turns itself into an array faster than `Array.from` does.
    type Names;
    #[wasm_bindgen(method, js_name = toArray)]
    fn to_array(this: &Names) -> Array;
}

/// The header fields of an incoming request.
pub(super) struct RequestHeaders(web_sys::Headers);

impl RequestHeaders {
    pub(super) fn of(request: &web_sys::Request) -> Self {
        Self(request.headers())
    }

    /// The platform's name for the request, for operators to find it by.
    pub(super) fn ray(&self) -> Option<String> {
        let ray = self.0.get("cf-ray").ok().flatten()?;
        let plain = ray.len() <= 64 && ray.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then_some(ray)
    }
}

impl Headers for RequestHeaders {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name).ok().flatten().map(Cow::Owned)
    }

    fn names(&self) -> Vec<Cow<'_, str>> {
        // One string for all of them: each crossing from wasm to JavaScript costs more than a name.
        let names = self.0.keys().unchecked_into::<Names>().to_array();
        let names: String = names.join("\n").into();
        names.split('\n').map(|name| Cow::Owned(name.to_owned())).collect()
    }
}
