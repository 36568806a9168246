//! The one place that reads a clock.

use crate::time::{Seconds, UnixSeconds};
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// The Workers runtime's own timer: it ends with the request, so that nothing has to be cleared.
    #[wasm_bindgen(js_namespace = scheduler, js_name = wait)]
    fn scheduler_wait(milliseconds: f64) -> Promise;
}

/// Resolves to `undefined` when the time is over.
pub(super) fn wait(time: Seconds) -> Promise {
    scheduler_wait(1000.0 * f64::from(time.get()))
}

/// The time of the last I/O, which is as close to now as the platform tells.
pub(super) fn now() -> UnixSeconds {
    UnixSeconds::from_milliseconds(milliseconds())
}

/// The wait of one request. The platform's clock moves only where there is I/O, so that what is measured
/// is time spent waiting, never time spent working.
pub(super) struct Wait {
    began: f64,
}

impl Wait {
    /// From now on.
    pub(super) fn begin() -> Self {
        Self { began: milliseconds() }
    }

    /// Milliseconds so far.
    pub(super) fn so_far(&self) -> u32 {
        let waited = UnixSeconds::from_milliseconds(1000.0 * (milliseconds() - self.began)).get();
        u32::try_from(waited).unwrap_or(0)
    }
}

fn milliseconds() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "this is the edge, where time enters")]
    js_sys::Date::now()
}
