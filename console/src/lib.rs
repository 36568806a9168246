//! The browser build of the gate: the same judgment, on plain objects, for the console's page.
//!
//! What the page passes and receives are plain objects, which cross as JSON text, so nothing that a page can
//! build makes this crate recurse without a bound. The functions of [`functions`] are the whole interface, and
//! run natively as well: the command line uses them too. The exports around them only convert.

#[cfg(target_arch = "wasm32")]
mod exports;
pub mod functions;

mod describe;
mod inspect;
pub mod offline;
mod question;
pub mod route;
mod steps;
mod verdict;

#[cfg(target_arch = "wasm32")]
pub use self::exports::{describe, inspect, judge};
