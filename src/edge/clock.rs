//! The one place that reads a clock.

use crate::time::UnixSeconds;

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

    /// One that began earlier.
    pub(super) const fn since(began: f64) -> Self {
        Self { began }
    }

    /// When it began, in milliseconds.
    pub(super) const fn began(&self) -> f64 {
        self.began
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
