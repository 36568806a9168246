//! ECDSA signatures (FIPS 186-5 section 6.4.2) on P-256, P-384 and P-521: what does not depend on
//! the curve.
//!
//! The kernel computes u₁·G + u₂·Q, see `point.rs` and the field of the curve. The crate of the
//! curve checks that a key is on the curve and that r and s are in range, and computes modulo the
//! order of the group.

pub(crate) mod field;
pub(crate) mod point;

use crate::inverse::invert;
use crate::wnaf::{self, Table, words_from_be_bytes};
use ::ecdsa::elliptic_curve::ops::{Invert as _, Reduce as _};
use ::ecdsa::elliptic_curve::point::AffineCoordinates as _;
use ::ecdsa::elliptic_curve::{
    AffinePoint, CurveAffine as _, CurveArithmetic, Field as _, FieldBytes, NonZeroScalar,
    PrimeField as _, PublicKey, Scalar,
};
use ::ecdsa::{EcdsaCurve, Signature, VerifyingKey};
use field::{Element, Prime};
use point::{Affine, Point};
use std::sync::OnceLock;

/// A curve y² = x³ - 3x + b over a field.
pub trait Curve: Prime {
    /// The curve in RustCrypto's crate.
    type Crate: EcdsaCurve + CurveArithmetic;

    /// The length of a digest in bytes. The order of the group is at least as long.
    const DIGEST_BYTES: usize;
    /// The number of bits of the order of the group.
    const SCALAR_BITS: usize;
    /// The window for G.
    const GENERATOR_WINDOW: u32;
    /// The window for a key.
    const KEY_WINDOW: u32;
    /// p - n for the order n of the group, big-endian and as long as p.
    const PRIME_MINUS_ORDER: &[u8];

    /// Returns the cell for the table of G, which is computed once.
    fn generator_table() -> &'static OnceLock<Table<Affine<Self>>>;
}

/// A public key, prepared for the kernel: a table of multiples.
pub struct PreparedKey<C: Curve> {
    table: Table<Affine<C>>,
}

impl<C: Curve> PreparedKey<C> {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &VerifyingKey<C::Crate>) -> Self {
        let point = Point::from(&convert::<C>(PublicKey::from(key).as_affine()));
        Self { table: Table::new(point, C::KEY_WINDOW, C::SCALAR_BITS) }
    }

    /// Returns whether `signature`, r and s as wide as the order of the group each, is a signature
    /// of the message with this digest. Returns `false` for input of another length.
    ///
    /// s and n - s are equally valid.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "products modulo n cannot overflow")]
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::<C::Crate>::from_slice(signature) else { return false };
        if digest.len() != C::DIGEST_BYTES {
            return false;
        }
        let mut number = FieldBytes::<C::Crate>::default();
        for (to, from) in number.iter_mut().rev().zip(digest.iter().rev()) {
            *to = *from;
        }
        let (r, s) = signature.split_scalars();
        let inverse = inverse::<C>(&s);
        let u1 = Scalar::<C::Crate>::reduce(&number) * inverse;
        let u2 = *r * inverse;
        let sum = double_scalar_multiply(&u1.to_repr(), self, &u2.to_repr());
        let r = r.to_repr();
        sum.has_x([Some(Element::from_be_bytes(&r)), plus_order(&r)].into_iter().flatten())
    }
}

/// Returns the inverse of a scalar.
///
/// The crate computes it in constant time, which takes four times as long. So the crate only checks
/// the inverse, and computes it if it has to.
#[expect(clippy::arithmetic_side_effects, reason = "products modulo n cannot overflow")]
fn inverse<C: Curve>(scalar: &NonZeroScalar<C::Crate>) -> Scalar<C::Crate> {
    // The order is odd, so n - 1 differs from it in the lowest bit only.
    let mut order = (-Scalar::<C::Crate>::ONE).to_repr();
    if let Some(last) = order.last_mut() {
        *last |= 1;
    }
    invert(&scalar.to_repr(), &order)
        .and_then(|bytes| FieldBytes::<C::Crate>::try_from(bytes.as_slice()).ok())
        .and_then(|bytes| Scalar::<C::Crate>::from_repr(bytes).into_option())
        .filter(|inverse| *inverse * **scalar == Scalar::<C::Crate>::ONE)
        .unwrap_or_else(|| *scalar.invert_vartime())
}

/// Returns u₁·G + u₂·Q for the key Q. The scalars are big-endian and below the order of the group.
#[must_use]
pub fn double_scalar_multiply<C: Curve>(u1: &[u8], key: &PreparedKey<C>, u2: &[u8]) -> Point<C> {
    let generator = C::generator_table().get_or_init(|| {
        let point = Point::from(&convert::<C>(&AffinePoint::<C::Crate>::generator()));
        Table::new(point, C::GENERATOR_WINDOW, C::SCALAR_BITS)
    });
    let [u1, u2] = [u1, u2].map(words_from_be_bytes);
    wnaf::double_scalar_multiply([(generator, &u1), (&key.table, &u2)])
}

/// Converts a point other than infinity.
fn convert<C: Curve>(point: &AffinePoint<C::Crate>) -> Affine<C> {
    let [x, y] = [point.x(), point.y()].map(|bytes| Element::from_be_bytes(&bytes));
    Affine::new(x, y)
}

/// Returns r + n for the order n of the group, or `None` if that is not below p. A signature with
/// this r is valid for both x coordinates, because ECDSA compares them modulo n.
fn plus_order<C: Curve>(r: &[u8]) -> Option<Element<C>> {
    (r < C::PRIME_MINUS_ORDER).then(|| {
        // Modulo p, n is -(p - n).
        let [r, difference] = [r, C::PRIME_MINUS_ORDER].map(Element::from_be_bytes);
        Element::combination([(1, &r), (-1, &difference)])
    })
}
