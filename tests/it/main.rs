//! The tests of the core, with one module per subject. They run natively and on wasm32.
//!
//! The name of a test starts with `attack_NN_` if it tests one of the attacks that SECURITY.md
//! lists, and with the section of the RFC if it tests a requirement of an RFC. The module `kit` has
//! the shared helpers: a fixed time, fixed keys, policies, requests, and tokens that are signed
//! without the code under test.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "clippy.toml can except tests from the other lints, but not from these"
)]

// The modules are `cfg(test)` so that clippy treats their helpers as test code.
#[cfg(test)]
mod asymmetric;
#[cfg(test)]
mod base64url;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod disclosure;
#[cfg(test)]
mod ecdsa;
#[cfg(test)]
mod eddsa;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod extract;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod hmac;
#[cfg(test)]
mod introspection;
#[cfg(test)]
mod json;
#[cfg(test)]
mod jwk;
#[cfg(test)]
mod key_cache;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod model;
#[cfg(test)]
mod mutation;
#[cfg(test)]
mod outgoing;
#[cfg(test)]
mod path;
#[cfg(test)]
mod pem;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod possession;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod pss;
#[cfg(test)]
mod rate_limit;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod refusal;
#[cfg(test)]
mod remote_keys;
#[cfg(test)]
mod report;
#[cfg(test)]
mod request;
#[cfg(test)]
mod resource;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod route;
#[cfg(test)]
mod rsa;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod scale;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod secret;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shared_cache;
#[cfg(test)]
mod signed_identity;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod step_up;
#[cfg(test)]
mod token;
#[cfg(test)]
mod token_cache;
#[cfg(test)]
mod vectors;
