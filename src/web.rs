//! The browser's face of the gate: the same judgement, on plain objects.
//!
//! What the page hands over and gets back are plain objects, which cross as JSON text: nothing that a
//! page can build makes this recurse without a bound. The functions of [`face`] are the whole of it, and
//! run natively as well; the exports around them only convert.
//!
//! Nothing here is a method of the Worker: the two features exclude each other on wasm32.

#[cfg(feature = "web")]
mod exports;
pub mod face;

mod describe;
mod inspect;
mod judge;
mod question;
mod steps;

#[cfg(feature = "web")]
pub use self::exports::{describe, inspect, judge};
