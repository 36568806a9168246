//! Reading a body of bounded size.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStream, ReadableStreamDefaultReader};

/// Why a body could not be read.
pub(super) enum Unread {
    /// The stream failed.
    Broken,
    /// The body is longer than the limit.
    TooLong,
}

/// Reads a stream of at most `most` bytes to its end.
pub(super) async fn read(stream: &ReadableStream, most: usize) -> Result<Vec<u8>, Unread> {
    let broken = |_| Unread::Broken;
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(broken)?;
        let done = Reflect::get(&chunk, &JsValue::from_str("done")).map_err(broken)?;
        if done.is_truthy() {
            return Ok(bytes);
        }
        let value = Reflect::get(&chunk, &JsValue::from_str("value")).map_err(broken)?;
        let chunk: Uint8Array = value.dyn_into().map_err(broken)?;
        bytes.extend(chunk.to_vec());
        if bytes.len() > most {
            // The rest is discarded. An error while canceling changes nothing.
            let _ = reader.cancel();
            return Err(Unread::TooLong);
        }
    }
}
