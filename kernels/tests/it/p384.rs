//! P-384.

pub(crate) use ::p256::elliptic_curve::bigint::U384 as Number;
pub(crate) use ::p384::ecdsa::{Signature, SigningKey, VerifyingKey};
pub(crate) use ::p384::{AffinePoint, ProjectivePoint, Scalar};
pub(crate) use portcullis_kernels::internals::ecdsa::P384 as Curve;
pub(crate) use sha2::Sha384 as Digest;

/// p.
const P: Number = Number::from_be_hex(
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff00000000\
     00000000ffffffff",
);
/// The order n of the group.
const N: Number = Number::from_be_hex(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77a\
     ecec196accc52973",
);
/// The number of bytes of p.
const BYTES: usize = 48;
/// R is two to this power.
const RADIX_BITS: u32 = 392;

#[expect(clippy::duplicate_mod, reason = "each curve compiles the tests with its own types")]
#[path = "curve.rs"]
pub(crate) mod tests;
