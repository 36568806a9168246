//! Rules for single claims: of an issuer, whose tokens must all hold to them, and of a route.

use super::Claims;
use crate::json::{self, Object, is_beyond_safe_integers};
use crate::refusal::{Code, Refusal};
use serde_json::Value;

/// A rule for one claim.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// Where the claim stands, by name or JSON Pointer (RFC 6901).
    pub path: String,
    /// What it must be.
    pub condition: Condition,
}

/// What a claim must be.
#[derive(Clone, Debug)]
pub enum Condition {
    /// Exactly this string, number or boolean.
    Equals(Value),
    /// Exactly one of these strings, numbers and booleans.
    OneOf(Vec<Value>),
    /// An array that holds this string, number or boolean. A string holds nothing: a substring is no
    /// member.
    Contains(Value),
}

impl ClaimRule {
    /// Whether the claims hold to it; an absent claim holds to nothing.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for a compared integer beyond 2^53 - 1, which a double cannot tell from its
    /// neighbours: two identities would become one.
    pub fn holds(&self, claims: &Claims<'_>) -> Result<bool, Refusal> {
        self.holds_among(&claims.established.members)
    }

    pub(super) fn holds_among(&self, members: &Object) -> Result<bool, Refusal> {
        let Some(actual) = json::at(members, &self.path) else { return Ok(false) };
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

/// Whether one of them is true, and none of them an error.
fn any(mut verdicts: impl Iterator<Item = Result<bool, Refusal>>) -> Result<bool, Refusal> {
    verdicts.try_fold(false, |any, one| Ok(any | one?))
}

fn is_same(actual: &Value, expected: &Value) -> Result<bool, Refusal> {
    match (actual, expected) {
        (Value::Number(actual), Value::Number(expected)) => {
            if is_beyond_safe_integers(actual) {
                return Err(Refusal::new(
                    Code::InvalidClaim,
                    "an integer beyond 2^53 - 1 in a claim that is compared",
                ));
            }
            Ok(actual.as_f64() == expected.as_f64())
        }
        (actual, expected) => Ok(actual == expected),
    }
}
