//! What the page gets from the browser build of the gate.

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
