//! Claims with one value or several, and rules for them.
//!
//! RFC 7519 section 4.1.3 defines for `aud` that a string is the same as an array with this string.
//! The policy's rules extend this to every claim.

use super::{chance, one_of};
use fastrand::Rng;
use serde_json::{Value, json};

/// The values of a claim, and the claim as JSON (empty for none).
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) values: Vec<&'static str>,
    pub(super) written: String,
}

impl Claim {
    /// Writes values in one of the forms that have this meaning.
    pub(super) fn of(random: &mut Rng, values: &[&'static str]) -> Self {
        let written = match values {
            [] if chance(random, 50) => String::new(),
            [one] if chance(random, 50) => json!(one).to_string(),
            several => json!(several).to_string(),
        };
        Self { values: values.to_vec(), written }
    }
}

/// A rule for the claim `aud` or `groups`.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    claim: &'static str,
    condition: &'static str,
    expected: &'static str,
}

impl Rule {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let claim = one_of(random, &["aud", "groups", "groups"]);
        Self {
            claim,
            condition: one_of(random, &["equals", "one_of", "contains"]),
            expected: if claim == "aud" { "api" } else { one_of(random, &["a", "b"]) },
        }
    }

    pub(super) fn written(&self) -> Value {
        let expected = match self.condition {
            "one_of" => json!([self.expected, "never"]),
            _ => json!(self.expected),
        };
        json!({ "path": self.claim, self.condition: expected })
    }

    pub(super) fn holds<'c>(&self, claim: impl FnOnce(&str) -> &'c Claim) -> bool {
        let values = &claim(self.claim).values;
        match self.condition {
            "contains" => values.contains(&self.expected),
            _ => values.as_slice() == [self.expected],
        }
    }
}
