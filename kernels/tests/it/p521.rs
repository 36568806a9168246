//! P-521.

pub(crate) use ::p256::elliptic_curve::bigint::U576 as Number;
pub(crate) use ::p521::ecdsa::{Signature, SigningKey, VerifyingKey};
pub(crate) use ::p521::{AffinePoint, ProjectivePoint, Scalar};
pub(crate) use portcullis_kernels::internals::ecdsa::P521 as Curve;
pub(crate) use sha2::Sha512 as Digest;

/// p.
const P: Number = Number::from_be_hex(
    "00000000000001ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
);
/// The order n of the group.
const N: Number = Number::from_be_hex(
    "00000000000001fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
     51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
);
/// The number of bytes of p.
const BYTES: usize = 66;
/// R is two to this power.
const RADIX_BITS: u32 = 0;

#[expect(clippy::duplicate_mod, reason = "each curve compiles the tests with its own types")]
#[path = "curve.rs"]
pub(crate) mod tests;
