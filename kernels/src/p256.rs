//! ECDSA signatures on P-256 (FIPS 186-5 section 6.4.2).
//!
//! The kernel computes u₁·G + u₂·Q, see `field.rs` and `point.rs`. The `p256` crate checks that a
//! key is on the curve and that r and s are in range, and computes modulo the order of the group.
//!
//! There is no kernel for P-384. Its prime has another shape, and its elements would take fourteen
//! limbs. The multiplications are written out column by column, so one source cannot serve both
//! sizes, and loops over the limbs would take about twice the time.

pub(crate) mod field;
pub(crate) mod point;

use crate::wnaf::{self, Table, words_from_be_bytes};
use ::p256::elliptic_curve::ops::{Invert as _, Reduce as _};
use ::p256::elliptic_curve::point::AffineCoordinates as _;
use ::p256::{AffinePoint, FieldBytes};
use field::Element;
use point::{Affine, Point};
use std::sync::OnceLock;

/// The window for G, whose table of 36 KiB is computed once.
const GENERATOR_WINDOW: u32 = 7;
/// The window for a key, whose table of 9.2 KB is computed once per key.
const KEY_WINDOW: u32 = 5;

/// A public key, prepared for the kernel: a table of 9.2 KB.
pub struct PreparedKey {
    table: Table<Affine>,
}

impl PreparedKey {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &::p256::ecdsa::VerifyingKey) -> Self {
        Self { table: Table::new(Point::from(&convert(key.as_affine())), KEY_WINDOW) }
    }

    /// Returns whether `signature`, r and s of 32 bytes each, is a signature of the message with
    /// this digest of 32 bytes. Returns `false` for input of another length.
    ///
    /// s and n - s are equally valid.
    #[must_use]
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> bool {
        let (Ok(signature), Ok(digest)) =
            (::p256::ecdsa::Signature::from_slice(signature), FieldBytes::try_from(digest))
        else {
            return false;
        };
        let (r, s) = signature.split_scalars();
        let inverse = s.invert_vartime();
        let u1 = ::p256::Scalar::reduce(&digest).multiply(&inverse);
        let u2 = r.multiply(&inverse);
        let sum = double_scalar_multiply(&u1.to_bytes().into(), self, &u2.to_bytes().into());
        let r = r.to_bytes().into();
        sum.has_x([Some(Element::from_be_bytes(&r)), plus_order(&r)].into_iter().flatten())
    }
}

/// Returns u₁·G + u₂·Q for the key Q. The scalars are big-endian and below the order of the group.
#[must_use]
pub fn double_scalar_multiply(u1: &[u8; 32], key: &PreparedKey, u2: &[u8; 32]) -> Point {
    let [u1, u2] = [u1, u2].map(words_from_be_bytes);
    wnaf::double_scalar_multiply([(generator(), &u1), (&key.table, &u2)])
}

fn generator() -> &'static Table<Affine> {
    static TABLE: OnceLock<Table<Affine>> = OnceLock::new();
    TABLE.get_or_init(|| {
        Table::new(Point::from(&convert(&AffinePoint::GENERATOR)), GENERATOR_WINDOW)
    })
}

/// Converts a point other than infinity.
fn convert(point: &AffinePoint) -> Affine {
    let [x, y] = [point.x(), point.y()].map(|bytes| Element::from_be_bytes(&bytes.into()));
    Affine::new(x, y)
}

/// Returns r + n for the order n of the group, or `None` if that is not below p. A signature with
/// this r is valid for both x coordinates, because ECDSA compares them modulo n.
fn plus_order(r: &[u8; 32]) -> Option<Element> {
    /// n.
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    /// p - n.
    const PRIME_MINUS_ORDER: [u8; 32] = [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x43, 0x19, 0x05, 0x53, 0x58, 0xe8, 0x61, 0x7b, 0x0c, 0x46, 0x35, 0x3d, 0x03, 0x9c,
        0xda, 0xae,
    ];
    (*r < PRIME_MINUS_ORDER).then(|| {
        let [r, order] = [r, &ORDER].map(Element::from_be_bytes);
        Element::combination([(1, &r), (1, &order)])
    })
}
