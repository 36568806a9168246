//! Fast verification of RSA, ECDSA and Ed25519 signatures in WebAssembly.
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
//! | [`p384`] | u₁·G + u₂·Q | fourteen signed limbs of 28 bits in `i64`, Montgomery form |
//! | `p521` | u₁·G + u₂·Q | eighteen signed limbs of 29 bits in `i64` |
//! | [`ed25519`] | S·B - k·A | nine signed limbs of 29 bits in `i64` |
//!
//! The kernel for P-521 needs the cargo feature `es512`. The three kernels for ECDSA share all code
//! except the reduction modulo their primes.
//!
//! RustCrypto's crates keep everything else: key import, the checks that a key is on its curve, the
//! ranges of r, s and S, arithmetic modulo the orders of the groups, and hashing. Only the inverse
//! of s is computed here, and the crate of the curve checks it.
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
//!   inexact. The proofs are in `rsa/montgomery.rs`, `p256.rs`, `p384.rs`, `p521.rs` and
//!   `ed25519/field.rs`. The types of factors carry bounds that the compiler checks. Builds with
//!   debug assertions also check every limb, and builds with overflow checks every sum. The crate
//!   has no `unsafe` code.
//! * **Checked bounds.** The arithmetic is generic over its limbs. `tests/it/bounds.rs` and
//!   `tests/it/exactness.rs` run it on intervals, from the stated bounds of the input, and assert
//!   that no intermediate result leaves its type or its exact range. For the curves, they also run
//!   it on numbers modulo the prime with arbitrary carries, which proves each reduction right. Each
//!   single carry of the curves is dropped once, and the proofs must fail.
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
//! * D. J. Bernstein and B.-Y. Yang, "Fast Constant-Time GCD Computation and Modular Inversion",
//!   2019, and P. Wuille, "The safegcd Implementation in libsecp256k1 Explained", 2021.
//! * K. Chalkias, F. Garillot and V. Nikolaenko, "Taming the Many EdDSAs", 2020.

mod ecdsa;
pub mod ed25519;
mod inverse;
mod limbs;
pub mod p256;
pub mod p384;
#[cfg(feature = "es512")]
pub mod p521;
pub mod rsa;
mod wnaf;

/// The steps inside the kernels, for this crate's tests. Not part of the interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::inverse::invert;
    pub use crate::wnaf::recode;

    pub mod rsa {
        //! The public operation, and the arithmetic with its self-test.
        pub use crate::rsa::montgomery::{Modulus, PublicOperation};
        pub use crate::rsa::number::{Number, is_exact};
        pub use crate::rsa::simd::{Arithmetic, F64x2, Floats, Hardware, I64x2, Integer, Integers};
        pub use crate::rsa::verifier::Verifier;
    }

    pub mod ecdsa {
        //! The fields and the groups of P-256, P-384 and P-521.
        pub use crate::ecdsa::field::{Difference, Element, Factor, LARGEST_COMBINATION, Prime};
        pub use crate::ecdsa::point::Point;
        pub use crate::ecdsa::{Curve, PreparedKey, double_scalar_multiply};
        pub use crate::p256::P256;
        pub use crate::p384::P384;
        #[cfg(feature = "es512")]
        pub use crate::p521::P521;
    }

    pub mod limbs {
        //! The limbs that the arithmetic of the curves is generic over.
        pub use crate::limbs::{Limb, Limbs};
    }

    pub mod ed25519 {
        //! The field and the group.
        pub use crate::ed25519::double_scalar_multiply;
        pub use crate::ed25519::field::{
            BOUNDS, Element, Factor, LARGEST_COMBINATION, carry_once, reduce,
        };
        pub use crate::ed25519::point::Point;
    }
}
