//! The core's tests: one module a subject, natively and on wasm32.
