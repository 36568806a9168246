//! Portcullis is a gate in front of an HTTP API: it verifies JSON Web Tokens at the edge, and either
//! forwards a request to the origin or refuses it.
//!
//! # The life of a request
//!
//! ```text
//! request -> canonical path -> find route -> extract -> parse -> pick key -> verify -> claims -> revocation -> authorise -> forward
//!                               Route        Found    Unverified  Key      Verified   Claims                   Admitted
//!              |                   |           |         |         |          |          |          |            |
//!              +-------------------+-----------+---------+---- Refusal -------+----------+----------+------------+--> 400/401/403/404/5xx
//! ```
//!
//! The module [`gate`] is that line as code, one call for each step. Only the step that performs a
//! check can make the type that the next step takes, and the edge forwards nothing but an
//! [`admitted::Admitted`] value, which it takes by value. If a step needs keys or revocation entries that
//! have to be fetched, the gate names them; the edge fetches them, and asks again.
//!
//! # Invariants
//!
//! 1. Fail closed: no matching route, a faulty policy, a missing binding or key, an exception: the
//!    request is refused. Report mode lets through only what would be a 401 or 403, as anonymous
//!    ([`report`]).
//! 2. Proof by type: nothing but the step that checks it makes the type that the next step takes. They
//!    have private fields, and neither `Clone` nor `Deserialize`. Before its signature is verified,
//!    nothing of a token is read but its header and the issuer that it claims to be of, which only
//!    chooses among the policy's ([`token`]).
//! 3. The key decides the algorithm; the token's header may only agree ([`keys`]).
//! 4. The core does no I/O and reads no clock: time, keys and request data are arguments. The modules
//!    below, except `edge`, are that core. They run the same natively, in the Worker and
//!    in a browser.
//! 5. The URL that was judged is the URL that is sent; a path that could be read in two ways is
//!    refused ([`path`]).
//! 6. Identity headers belong to the gate ([`outgoing`]).
//! 7. No secret, token or claim value is in a log, an error body, a panic message or a `Debug` output.
//! 8. Nothing that a client sends is a 500: `unwrap`, indexing, unchecked arithmetic and `as` are denied
//!    by lint.
//! 9. Nothing answers in the gate's place: a deployment in which a cache or an asset would is refused
//!    when it is built, and what is forwarded on a guarded route is not to be stored.
//! 10. No request awaits another's I/O, which the runtime would cancel. Requests share values, never
//!     futures or bodies.
//! 11. What a request can make the gate do has a bound, with its reason ([`budget`]).
//!
//! # Stability
//!
//! The public, stable API is `edge::serve`, for Workers that embed the gate. Every other module is
//! internal to this workspace: its command line, its console, its benchmarks and its tests use the
//! modules, so that they are `pub`, but they may change in any release. They are left out of the
//! rendered documentation.
//!
//! # Features
//!
//! No feature is enabled by default. Without features, the crate is the core alone.
//!
//! * `worker`: the Cloudflare edge, `edge::serve`.
//! * `entry`: the Worker's `fetch` handler. A Worker that embeds the gate leaves this feature out and
//!   writes its own handler.
//! * `console`: the endpoints of the console, below `/_portcullis/`.
//! * `kernels`: faster verification of RSA, P-256 and Ed25519 signatures, by the crate
//!   `portcullis-kernels`.
//! * `mldsa`: the algorithms ML-DSA-44, ML-DSA-65 and ML-DSA-87.
//! * `es512`: the algorithm ES512.
//! * `es256k`: the algorithm ES256K.

// A new token source, reason code or kind of key must not fall into an arm that was written before it.
#![deny(clippy::wildcard_enum_match_arm)]

#[cfg(all(feature = "worker", target_arch = "wasm32", not(target_feature = "relaxed-simd")))]
compile_error!(
    "the Worker is built with -Ctarget-feature=+simd128,+relaxed-simd: use `cargo xtask build`, and \
     note that a RUSTFLAGS variable, even an empty one, replaces the flags of .cargo/config.toml"
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
pub mod identity;

#[doc(hidden)]
pub mod issuer;
#[doc(hidden)]
pub mod issuer_id;

#[doc(hidden)]
pub mod rules;

#[doc(hidden)]
pub mod claims;

#[doc(hidden)]
pub mod revocation;

#[doc(hidden)]
pub mod admitted;

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
