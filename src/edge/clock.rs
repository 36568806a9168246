//! The one place that reads a clock.

use crate::time::UnixSeconds;

/// The time of the last I/O, which is as close to now as the platform tells.
pub(super) fn now() -> UnixSeconds {
    #[expect(clippy::disallowed_methods, reason = "this is the edge, where time enters")]
    UnixSeconds::from_milliseconds(js_sys::Date::now())
}
