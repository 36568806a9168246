//! Rules for single claims, of an issuer or of a route.

use crate::json::text::{quoted, to_text};
use crate::json::{self, Object, is_beyond_safe_integers};
use crate::refusal::{Code, Refusal};
use serde_json::Value;
use std::{fmt, slice};

/// A rule for one claim.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// The claim, by name or JSON Pointer (RFC 6901).
    pub path: String,
    /// The condition that its value must meet.
    pub condition: Condition,
    /// Whether a token without the claim, or with null for it, meets the rule as well.
    pub if_present: bool,
}

/// The condition that a claim's value must meet.
#[derive(Clone, Debug)]
pub enum Condition {
    /// It is this string, number or boolean, and no other.
    Equals(Value),
    /// It is one of these strings, numbers and booleans.
    OneOf(Vec<Value>),
    /// One of its values is this string, number or boolean. A substring of a string does not count.
    Contains(Value),
    /// It is a string that starts with this text.
    StartsWith(String),
}

impl ClaimRule {
    /// Whether the claims meet the rule. An absent claim does only with `if_present`. A single
    /// value and an array of only this value are the same, as RFC 7519 section 4.1.3 defines it for
    /// `aud`.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for a compared integer beyond 2^53 - 1: a double cannot tell such integers
    /// apart, so two IDs could be taken for one.
    pub fn holds(&self, claims: &Object) -> Result<bool, Refusal> {
        let actual = json::at(claims, &self.path);
        if self.if_present && actual.is_none_or(Value::is_null) {
            return Ok(true);
        }
        let Some(actual) = actual else { return Ok(false) };
        let values = actual.as_array().map_or_else(|| slice::from_ref(actual), Vec::as_slice);
        match (&self.condition, values) {
            (Condition::Equals(expected), [value]) => is_same(value, expected),
            (Condition::OneOf(expected), [value]) => {
                any(expected.iter().map(|one| is_same(value, one)))
            }
            (Condition::Contains(expected), values) => {
                any(values.iter().map(|value| is_same(value, expected)))
            }
            (Condition::StartsWith(start), [Value::String(text)]) => Ok(text.starts_with(start)),
            (Condition::Equals(_) | Condition::OneOf(_) | Condition::StartsWith(_), _) => Ok(false),
        }
    }
}

/// The rule in words, for people.
impl fmt::Display for ClaimRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            Condition::Equals(value) => write!(formatter, "{} = {}", self.path, to_text(value)),
            Condition::OneOf(values) => {
                let values: Vec<_> = values.iter().map(to_text).collect();
                write!(formatter, "{} = {}", self.path, values.join(" or "))
            }
            Condition::Contains(value) => {
                write!(formatter, "{} contains {}", self.path, to_text(value))
            }
            Condition::StartsWith(start) => {
                write!(formatter, "{} starts with {}", self.path, quoted(start))
            }
        }?;
        formatter.write_str(if self.if_present { ", if present" } else { "" })
    }
}

/// Whether one of them is true and none of them an error.
fn any(mut verdicts: impl Iterator<Item = Result<bool, Refusal>>) -> Result<bool, Refusal> {
    verdicts.try_fold(false, |any, one| Ok(any | one?))
}

fn is_same(actual: &Value, expected: &Value) -> Result<bool, Refusal> {
    match (actual, expected) {
        (Value::Number(actual), Value::Number(expected)) => {
            if is_beyond_safe_integers(actual) {
                return Err(Refusal::new(
                    Code::InvalidClaim,
                    "a compared claim is an integer beyond 2^53 - 1",
                ));
            }
            Ok(actual.as_f64() == expected.as_f64())
        }
        (actual, expected) => Ok(actual == expected),
    }
}
