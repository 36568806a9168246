//! Points and spans of time in whole seconds, with saturating arithmetic.

use crate::json::MAX_SAFE_INTEGER;
use serde_json::{Number, Value};

/// A point in time: seconds since 1970-01-01T00:00:00Z, without leap seconds (RFC 7519 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(i64);

impl UnixSeconds {
    /// Makes a point in time from whole seconds. Any value is allowed.
    #[must_use]
    pub const fn new(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Makes a point in time from a JavaScript clock, which counts milliseconds. Fractions of a
    /// second are dropped. A value that is not a time becomes the latest point in time, at which
    /// every token has expired.
    #[must_use]
    pub fn from_milliseconds(milliseconds: f64) -> Self {
        let seconds = (milliseconds / 1000.0).floor();
        Self(whole(seconds).unwrap_or(i64::MAX))
    }

    /// The whole seconds since the epoch.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Returns this point plus a span. Saturates at the latest point in time.
    #[must_use]
    pub fn plus(self, later: Seconds) -> Self {
        Self(self.0.saturating_add(i64::from(later.0)))
    }

    /// Returns this point minus a span. Saturates at the earliest point in time.
    #[must_use]
    pub fn minus(self, earlier: Seconds) -> Self {
        Self(self.0.saturating_sub(i64::from(earlier.0)))
    }

    /// Returns the span from `earlier` to this point: zero if this point is not later, and the
    /// longest span if it does not fit.
    #[must_use]
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(u32::try_from(self.0.saturating_sub(earlier.0).max(0)).unwrap_or(u32::MAX))
    }

    /// Reads a `NumericDate` (RFC 7519 section 2): a JSON number, which may have a fraction.
    ///
    /// A fraction is rounded up. The gate's clock counts whole seconds, and for a whole `now` the
    /// comparisons `now >= date + leeway` and `now + leeway < date` have the same result for the
    /// date and for the rounded date.
    ///
    /// # Errors
    ///
    /// [`NotANumericDate`] if the value is not a number, or is beyond ±(2^53 - 1).
    pub fn from_numeric_date(value: &Value) -> Result<Self, NotANumericDate> {
        let Value::Number(number) = value else { return Err(NotANumericDate) };
        let whole = match number.as_i64() {
            Some(whole) => whole,
            None => rounded_up(number)?,
        };
        if whole.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs() {
            return Err(NotANumericDate);
        }
        Ok(Self(whole))
    }
}

fn rounded_up(number: &Number) -> Result<i64, NotANumericDate> {
    number.as_f64().and_then(|seconds| whole(seconds.ceil())).ok_or(NotANumericDate)
}

/// Converts a whole float to an integer. Returns `None` beyond ±2^53, where floats skip integers.
fn whole(float: f64) -> Option<i64> {
    #[expect(
        clippy::as_conversions,
        reason = "a whole number within ±2^53 converts exactly; std has no other way"
    )]
    (float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}

/// The value is not a `NumericDate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumericDate;

/// A span of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(u32);

impl Seconds {
    /// Makes a span from whole seconds.
    #[must_use]
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The span in whole seconds.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the sum of two spans. Saturates at the longest span.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
