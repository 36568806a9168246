//! P-256.

pub(crate) use ::p256::ecdsa::{Signature, SigningKey, VerifyingKey};
pub(crate) use ::p256::elliptic_curve::bigint::U256 as Number;
pub(crate) use ::p256::{AffinePoint, ProjectivePoint, Scalar};
pub(crate) use portcullis_kernels::internals::ecdsa::P256 as Curve;
pub(crate) use sha2::Sha256 as Digest;

/// p.
const P: Number =
    Number::from_be_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
/// The order n of the group.
const N: Number =
    Number::from_be_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
/// The number of bytes of p.
const BYTES: usize = 32;
/// R is two to this power.
const RADIX_BITS: u32 = 261;

#[expect(clippy::duplicate_mod, reason = "each curve compiles the tests with its own types")]
#[path = "curve.rs"]
pub(crate) mod tests;
