//! Fast verification of RSA, P-256 and Ed25519 signatures in WebAssembly.
//!
//! RustCrypto builds its arithmetic on products of 64 by 64 bits with 128 bits of result.
//! WebAssembly has no such instruction, so these products become calls or long sequences, and a
//! signature check takes several times as long as natively. This crate replaces the one expensive
//! step of each check by arithmetic on operations that WebAssembly has:
//!
//! | module | step | numbers |
//! | --- | --- | --- |
//! | [`rsa`] | sᵉ mod n | limbs of 51 bits in binary64, two per SIMD register, fused multiply-add |
//! | [`p256`] | u₁·G + u₂·Q | nine signed limbs of 29 bits in `i64`, Montgomery form |
//! | [`ed25519`] | S·B - k·A | nine signed limbs of 29 bits in `i64` |
//!
//! RustCrypto's crates keep everything else: key import, the checks that a key is on its curve, the
//! ranges of r, s and S, arithmetic modulo the orders of the groups, and hashing.
//!
//! # Interface
//!
//! Each module has a `PreparedKey`, made from the key type of the RustCrypto crate, with methods
//! that take bytes and return a verdict. Preparing a key takes time and memory, so callers keep
//! prepared keys. Tokens, JSON, policies and HTTP are the caller's business.
//!
//! # Public data only
//!
//! The time of every function depends on its input. That is acceptable because public keys,
//! messages and signatures are public. The crate offers no operation with a secret: it can neither
//! sign nor decrypt, and its arithmetic must not be used to build either.
//!
//! # How it is verified
//!
//! * **Bounds.** The documentation of each module proves that no sum overflows and no product is
//!   inexact. The proofs are in `rsa/montgomery.rs`, `p256/field.rs` and `ed25519/field.rs`.
//!   The types of factors carry bounds that the compiler checks. Builds with debug assertions also
//!   check every limb, and builds with overflow checks every sum. The crate has no `unsafe` code.
//! * **Differential tests.** `tests/it` compares each step, and each verdict on a whole signature,
//!   with RustCrypto's: on random input, with limbs at their bounds, and in every special case of
//!   the addition of points. `cargo xtask soak` runs a million random cases of each kind.
//! * **Wycheproof.** The kernels and RustCrypto verify every signature of the collection that is
//!   for a supported algorithm.
//! * **Relaxed SIMD.** WebAssembly lets the runtime choose how often `f64x2.relaxed_madd` rounds.
//!   [`rsa::PreparedKey::new`] returns `None` unless a self-test at first use has shown that it
//!   rounds once.
//!
//! All of these tests run natively and in WebAssembly.
//!
//! # References
//!
//! * RFC 8017 (RSA), FIPS 186-5 (ECDSA), RFC 8032 (Ed25519).
//! * P. L. Montgomery, "Modular Multiplication Without Trial Division", 1985.
//! * P. L. Montgomery, "Speeding the Pollard and Elliptic Curve Methods of Factorization", 1987.
//! * H. Cohen, A. Miyaji and T. Ono, "Efficient Elliptic Curve Exponentiation Using Mixed
//!   Coordinates", 1998.
//! * B. Möller, "Algorithms for Multi-exponentiation", 2001.
//! * H. Hisil, K. K. Wong, G. Carter and E. Dawson, "Twisted Edwards Curves Revisited", 2008.
//! * N. Emmart, F. Zheng and C. Weems, "Faster Modular Exponentiation Using Double Precision
//!   Floating Point Arithmetic on the GPU", 2018.
//! * K. Chalkias, F. Garillot and V. Nikolaenko, "Taming the Many EdDSAs", 2020.

pub mod ed25519;
mod limbs;
pub mod p256;
pub mod rsa;
mod wnaf;

/// The steps inside the kernels, for this crate's tests. Not part of the interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::wnaf::recode;

    pub mod rsa {
        //! The public operation, and the arithmetic with its self-test.
        pub use crate::rsa::montgomery::PublicOperation;
        pub use crate::rsa::number::is_exact;
        pub use crate::rsa::simd::{Arithmetic, F64x2, Hardware};
        pub use crate::rsa::verifier::Verifier;
    }

    pub mod p256 {
        //! The field and the group.
        pub use crate::p256::double_scalar_multiply;
        pub use crate::p256::field::{Element, Factor};
        pub use crate::p256::point::Point;
    }

    pub mod ed25519 {
        //! The field and the group.
        pub use crate::ed25519::double_scalar_multiply;
        pub use crate::ed25519::field::{Element, Factor};
        pub use crate::ed25519::point::Point;
    }
}
