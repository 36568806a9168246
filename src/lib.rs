//! Portcullis is a gate in front of an HTTP API. It verifies JSON Web Tokens at the edge, and
//! either forwards a request to the origin or refuses it.
//!
//! # The life of a request
//!
//! ```text
//! path > route > extract > parse > key > signature > claims > possession > revocation > authorize
//!         Route Credential   |     Key  Verified    Claims   Possession  NotRevoked  Admitted
//!   |       |      |    Unverified  |      |          |          |           |           |
//!   +-------+------+---------+------+---- Refusal ----+----------+-----------+-----------+> 4xx
//! ```
//!
//! An opaque token is introspected instead of parsed and verified ([`introspection`]). Both ways
//! end in an [`identity::Identity`], and everything after it is the same.
//!
//! The module [`gate`] is that line as code, one call for each step. Only the step that performs a
//! check can make the type that the next step takes, and the edge forwards nothing but an
//! [`admitted::Admitted`] value, which it takes by value. A Worker that is the API itself gets its
//! identity from the same value (`edge::authenticate`). If a step needs keys, an introspection or
//! revocation entries that have to be fetched, or if a proof has to be recorded, the gate names
//! them; the edge does it, and asks again.
//!
//! # Invariants
//!
//! 1. Fail closed: if no route matches, the policy is invalid, a binding or key is missing, or an
//!    exception is thrown, the request is refused. Report mode lets a request pass only if the
//!    refusal is a 401 or a 403, and then as anonymous ([`report`]).
//! 2. Proof by type: only the step that performs a check can make the type that the next step
//!    takes. `Unverified`, `Verified`, `Identity`, `Claims`, `Possession` and `Admitted` have
//!    private fields, and neither `Clone` nor `Deserialize`. Before the signature has verified,
//!    only the token's header can be read, and the issuer that it claims, which only selects one of
//!    the policy's issuers ([`token`]).
//! 3. The key decides the algorithm. The token's header can only agree ([`keys`]).
//! 4. The core performs no I/O and reads no clock: time, keys and request data are arguments. The
//!    core is every module except `edge`. It runs the same natively, in the Worker and in a
//!    browser.
//! 5. The URL that was judged is the URL that is sent. A path that two parsers could read
//!    differently is refused ([`path`]).
//! 6. Identity headers belong to the gate ([`outgoing`]).
//! 7. No log, error body, panic message or `Debug` output contains a secret, a token or a claim
//!    value.
//! 8. No client input causes a 500: lints deny `unwrap`, indexing, unchecked arithmetic and `as`.
//! 9. Nothing responds instead of the gate: the build refuses a deployment in which a cache or an
//!    asset would. Requests on protected routes are forwarded with `Cache-Control: no-store`.
//! 10. No request awaits another request's I/O, because the runtime would cancel it. Requests share
//!     values, never futures or bodies.
//! 11. Everything that a request can make the gate do is bounded ([`budget`]).
//!
//! # Stability
//!
//! The public, stable API is `edge::serve`, for Workers that embed the gate, and
//! `edge::authenticate`, for Workers that are the API themselves. Every other module is
//! internal to this workspace: its command line, its console, its benchmarks and its tests use the
//! modules, so that they are `pub`, but they may change in any release. They are left out of the
//! rendered documentation.
//!
//! # Features
//!
//! No feature is enabled by default. Without features, the crate is the core alone.
//!
//! * `worker`: the Cloudflare edge, `edge::serve` and `edge::authenticate`.
//! * `entry`: the Worker's `fetch` handler. A Worker that embeds the gate leaves this feature out
//!   and writes its own handler.
//! * `console`: the endpoints of the console, below `/_portcullis/`.
//! * `kernels`: faster verification of RSA, ECDSA and Ed25519 signatures, by the crate
//!   `portcullis-kernels`. There is no kernel for ES256K.
//! * `mldsa`: the algorithms ML-DSA-44, ML-DSA-65 and ML-DSA-87.
//! * `es512`: the algorithm ES512.
//! * `es256k`: the algorithm ES256K.

// A new token source, reason code or kind of key must not fall into an arm that was written before
// it.
#![deny(clippy::wildcard_enum_match_arm)]

#[cfg(all(feature = "worker", target_arch = "wasm32", not(target_feature = "relaxed-simd")))]
compile_error!(
    "the Worker is built with -Ctarget-feature=+simd128,+relaxed-simd: use `cargo xtask build`. \
     A RUSTFLAGS variable, even an empty one, replaces the flags of .cargo/config.toml"
);

#[doc(hidden)]
pub mod gate;

#[doc(hidden)]
pub mod request;

#[doc(hidden)]
pub mod path;

#[doc(hidden)]
pub mod resource;

#[doc(hidden)]
pub mod cors;

#[doc(hidden)]
pub mod route;

#[doc(hidden)]
pub mod extract;

#[doc(hidden)]
pub mod cross_site;

#[doc(hidden)]
pub mod headers;

#[doc(hidden)]
pub mod token;

#[doc(hidden)]
pub mod alg;

#[doc(hidden)]
pub mod keys;

#[doc(hidden)]
pub mod signature;

#[doc(hidden)]
pub mod signed_identity;

#[doc(hidden)]
pub mod signing;

#[doc(hidden)]
pub mod identity;

#[doc(hidden)]
pub mod introspection;

#[doc(hidden)]
pub mod issuer;
#[doc(hidden)]
pub mod issuer_id;

#[doc(hidden)]
pub mod rules;

#[doc(hidden)]
pub mod claims;

#[doc(hidden)]
pub mod possession;

#[doc(hidden)]
pub mod revocation;

#[doc(hidden)]
pub mod admitted;

#[doc(hidden)]
pub mod server;

#[doc(hidden)]
pub mod outgoing;

#[doc(hidden)]
pub mod disclosure;

#[doc(hidden)]
pub mod proof;

#[doc(hidden)]
pub mod refusal;

#[doc(hidden)]
pub mod response;

#[doc(hidden)]
pub mod error_response;

#[doc(hidden)]
pub mod report;

#[doc(hidden)]
pub mod shadow;

#[doc(hidden)]
pub mod rate_limit;

#[doc(hidden)]
pub mod policy;

#[doc(hidden)]
pub mod budget;
#[doc(hidden)]
pub mod json;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod url;

#[cfg(feature = "worker")]
pub mod edge;
