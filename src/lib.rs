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
//!    below, save for `edge` and `web`, are that core, and run the same natively, in the Worker and in
//!    a browser.
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

// A new token source, reason code or kind of key must not fall into an arm that was written before it.
#![deny(clippy::wildcard_enum_match_arm)]

#[cfg(all(feature = "worker", target_arch = "wasm32", not(target_feature = "relaxed-simd")))]
compile_error!(
    "the Worker is built with -Ctarget-feature=+simd128,+relaxed-simd: use `cargo xtask build`, and \
     note that a RUSTFLAGS variable, even an empty one, replaces the flags of .cargo/config.toml"
);

pub mod gate;

pub mod request;

pub mod path;

pub mod resource;

pub mod cors;

pub mod route;

pub mod extract;

pub mod cross_site;

pub mod headers;

pub mod token;

pub mod alg;

pub mod keys;

pub mod signature;

pub mod identity;

pub mod issuer;
pub mod issuer_id;

pub mod rules;

pub mod claims;

pub mod revocation;

pub mod admitted;

pub mod outgoing;

pub mod disclosure;

pub mod proof;

pub mod refusal;

pub mod response;

pub mod error_response;

pub mod report;

pub mod shadow;

pub mod rate_limit;

pub mod policy;

pub mod budget;
pub mod json;
pub mod time;
pub mod url;

#[cfg(feature = "worker")]
pub mod edge;
