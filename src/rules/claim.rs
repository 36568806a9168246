//! Rules for single claims, of an issuer or of a route.

use crate::json::text::to_text;
use crate::json::{self, Object, is_beyond_safe_integers};
use crate::refusal::{Code, Refusal};
use serde_json::Value;
use std::fmt;

/// A rule for one claim.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// The claim, by name or JSON Pointer (RFC 6901).
    pub path: String,
    /// The condition that its value must meet.
    pub condition: Condition,
}

/// The condition that a claim's value must meet.
#[derive(Clone, Debug)]
pub enum Condition {
    /// It is this string, number or boolean.
    Equals(Value),
    /// It is one of these strings, numbers and booleans.
    OneOf(Vec<Value>),
    /// It is an array that contains this string, number or boolean. A substring of a string does
    /// not count.
    Contains(Value),
}

impl ClaimRule {
    /// Whether the claims meet the rule. An absent claim never does.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for a compared integer beyond 2^53 - 1: a double cannot tell such integers
    /// apart, so two IDs could be taken for one.
    pub fn holds(&self, claims: &Object) -> Result<bool, Refusal> {
        let Some(actual) = json::at(claims, &self.path) else { return Ok(false) };
        match (&self.condition, actual) {
            (Condition::Equals(expected), actual) => is_same(actual, expected),
            (Condition::OneOf(expected), actual) => {
                any(expected.iter().map(|one| is_same(actual, one)))
            }
            (Condition::Contains(expected), Value::Array(items)) => {
                any(items.iter().map(|item| is_same(item, expected)))
            }
            (Condition::Contains(_), _) => Ok(false),
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
        }
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
