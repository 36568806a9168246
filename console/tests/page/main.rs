//! The functions that the console's page calls.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "clippy.toml can exempt tests from the other lints, but not from this one"
)]

#[cfg(test)]
mod describe;
#[cfg(test)]
mod inspect;
#[cfg(test)]
mod judge;
#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "these tests use a part of the root crate's test kit")]
#[path = "../../../tests/it"]
mod shared {
    pub(crate) mod kit;
}
#[cfg(test)]
mod steps;

#[cfg(test)]
use self::shared::kit;
