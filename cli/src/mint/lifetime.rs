//! The lifetime of a token.

use std::str::FromStr;

/// A duration in seconds. Negative for an expired token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetime(i64);

impl Lifetime {
    /// A duration in minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(60))
    }

    /// The duration in seconds.
    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl Default for Lifetime {
    fn default() -> Self {
        Self::minutes(60)
    }
}

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || "write a duration such as 60 (seconds), 10m, 1h, 7d or -10m".to_owned();
        let (sign, magnitude) = match text.strip_prefix('-') {
            Some(magnitude) => (-1, magnitude),
            None => (1_i64, text),
        };
        let digits = magnitude.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match magnitude.strip_prefix(digits).unwrap_or_default() {
            "" | "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            "w" => 7 * 24 * 60 * 60,
            _ => return Err(error()),
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let count: i64 = digits.parse().map_err(|_| error())?;
        count
            .checked_mul(unit)
            .and_then(|seconds| seconds.checked_mul(sign))
            .map(Self)
            .ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i64>) {
        let parsed = text.parse::<Lifetime>().ok().map(Lifetime::seconds);
        assert_eq!(parsed, expected, "{text:?}");
    }

    #[test]
    fn durations_are_parsed() {
        check("60", Some(60));
        check("60s", Some(60));
        check("10m", Some(600));
        check("1h", Some(3600));
        check("7d", Some(604_800));
        check("2w", Some(1_209_600));
        check("-10m", Some(-600));
        check("0", Some(0));
        check("", None);
        check("-", None);
        check("h", None);
        check("1y", None);
        check("1h30m", None);
        check("--1h", None);
        check("+1h", None);
        check("1.5h", None);
        check("1 h", None);
        check("9223372036854775807w", None);
    }
}
