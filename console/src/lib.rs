//! The browser build of the gate, for the console's page. It judges requests with the gate's own
//! code.
//!
//! The interface is the module [`functions`]. Its functions also run natively, where the command
//! line uses them. The exports for the page only convert values: JavaScript objects pass the
//! boundary as JSON text, so deeply nested objects cannot make this crate recurse without a bound.

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
