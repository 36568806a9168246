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
//! [`gate::judge`] is that line as code. Each type on it can be made only by the step that checks it,
//! and the edge forwards nothing but an [`admitted::Admitted`], which it takes by value. Where a step needs
//! keys or revocations that have to be fetched, it refuses and says which; the edge fetches them, and asks
//! again with them in the [`gate::Memory`].
//!
//! # Invariants
//!
//! 1. Fail closed: no matching route, a faulty policy, a missing binding or key, an exception: the
//!    request is refused.
//! 2. The key decides the algorithm; the token's header may only agree ([`keys`]).
//! 3. The core does no I/O and reads no clock: time, keys and request data are arguments. The modules
//!    below, save for `edge` and `web`, are that core, and run the same natively, in the Worker and in
//!    a browser.
//! 4. The URL that was judged is the URL that is sent; a path that could be read in two ways is
//!    refused ([`path`]).
//! 5. Identity headers belong to the gate ([`outgoing`]).
//! 6. No secret, token or claim value is in a log, an error body, a panic message or a `Debug` output.
//! 7. Nothing that a client sends is a 500: `unwrap`, indexing, unchecked arithmetic and `as` are denied
//!    by lint.

#[cfg(all(feature = "worker", feature = "web", target_arch = "wasm32"))]
compile_error!(
    "the features `worker` and `web` exclude each other on wasm32: worker-build turns every \
     #[wasm_bindgen] export into a method that other Workers can call"
);
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

pub mod token;

pub mod alg;

pub mod keys;

pub mod signature;

pub mod claims;

pub mod revocation;

pub mod admitted;

pub mod outgoing;

#[cfg(any(feature = "console", feature = "web", not(target_arch = "wasm32")))]
pub mod disclosure;

pub mod proof;

pub mod refusal;

pub mod report;

pub mod rate_limit;

pub mod policy;

pub mod budget;
pub mod json;
pub mod time;
pub mod url;

#[cfg(feature = "worker")]
pub mod edge;
#[cfg(any(feature = "web", all(feature = "commands", not(target_arch = "wasm32"))))]
pub mod web;

#[cfg(all(feature = "commands", not(target_arch = "wasm32")))]
pub mod cli;
