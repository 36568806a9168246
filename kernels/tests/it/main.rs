//! Compares the kernels with RustCrypto: on random input, at every bound that the documentation
//! relies on, in the special cases of point addition, and on Wycheproof's signatures.
//!
//! The variable `KERNEL_CASES` sets the number of random cases of each kind, and `KERNEL_SEED` the
//! seed from which they are drawn: `cargo xtask soak` sets both. A failure names the seed of its
//! case.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "clippy.toml can exempt tests from the other lints, but not from this one"
)]

// The modules are `cfg(test)` so that clippy recognizes their helpers as test code.
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod ed25519;
#[cfg(test)]
mod exactness;
#[cfg(test)]
mod inverse;
#[cfg(test)]
mod p256;
#[cfg(test)]
mod p384;
#[cfg(test)]
#[cfg(feature = "es512")]
mod p521;
#[cfg(test)]
mod rsa;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod wnaf;
#[cfg(test)]
mod wycheproof;
