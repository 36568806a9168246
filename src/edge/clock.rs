//! The one place that reads a clock.

use crate::time::UnixSeconds;

/// The time of the last I/O. The platform provides nothing closer to the present time.
pub(super) fn now() -> UnixSeconds {
    UnixSeconds::from_milliseconds(milliseconds())
}

/// The time that one request has waited. The platform's clock advances only with I/O, so it
/// measures waiting and never computation.
pub(super) struct Wait {
    began: f64,
}

impl Wait {
    /// Starts now.
    pub(super) fn begin() -> Self {
        Self { began: milliseconds() }
    }

    /// Continues one that began earlier, at this number of milliseconds.
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
