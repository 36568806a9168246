//! Decisions as data points of Workers Analytics Engine. `docs/observability.md` has the columns.

use super::bindings::EnvBindings;
use super::call::Call;
use super::record::Record;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Writes a data point. A point that cannot be written is lost, and the request is not affected.
pub(super) fn write(call: &Call<'_>, binding: &str, record: &Record<'_>) {
    let Some(dataset) = EnvBindings(call.env).raw(binding) else { return };
    let written = point(record).and_then(|point| {
        let write: Function =
            Reflect::get(&dataset, &JsValue::from_str("writeDataPoint"))?.dyn_into()?;
        Reflect::apply(&write, &dataset, &Array::of1(&point))
    });
    // The platform's own dataset returns nothing. A Worker in its place returns a promise.
    if let Ok(written) = written
        && !written.is_undefined()
    {
        let written: Promise = Promise::resolve(&written);
        call.context.wait_until(async move {
            let _ = JsFuture::from(written).await;
        });
    }
}

fn point(record: &Record<'_>) -> Result<JsValue, JsValue> {
    let row = record.row();
    let texts = [
        Some(row.verdict),
        row.code,
        row.route,
        row.issuer,
        row.algorithm,
        row.key,
        Some(row.method),
        row.cache,
        row.credential,
    ];
    let texts = texts.into_iter().map(|text| JsValue::from_str(text.unwrap_or_default()));
    let numbers = [JsValue::from(row.status.unwrap_or_default()), JsValue::from(row.waited_ms)];
    let point = Object::new();
    let set = |name: &str, value: &Array| Reflect::set(&point, &JsValue::from_str(name), value);
    set("indexes", &Array::of1(&JsValue::from_str(row.route.unwrap_or_default())))?;
    set("blobs", &texts.collect())?;
    set("doubles", &numbers.into_iter().collect())?;
    Ok(point.into())
}
