//! ECDSA on P-256 (FIPS 186-5 section 6.4.2), with a multiplication of our own: u₁·G + u₂·Q takes a tenth
//! of the time that the `p256` crate's takes in WebAssembly, whose 64-bit words lack the product that
//! the crate is built upon. Key import, the check that a key is on its curve, the ranges of r and s, and
//! arithmetic modulo the group's order stay the crate's.
//!
//! It takes a time that depends on its input: it sees keys, hashes and signatures, all of them public, and
//! must never see a secret.
//!
//! P-384 stays with its crate. Its prime has another shape, and its elements would take fourteen limbs: the
//! columns written out in [`field`] cannot hold both, and loops that could take twice the time.

pub(crate) mod field;
pub(crate) mod point;

use crate::keys::P256Key;
use crate::signature::wnaf::{Table, multiply_and_add, words_of};
use field::Element;
use p256::elliptic_curve::ops::{Invert as _, Reduce as _};
use p256::elliptic_curve::point::AffineCoordinates as _;
use p256::{AffinePoint, FieldBytes};
use point::{Affine, Point};
use std::sync::OnceLock;

/// The window for G, whose table is made once: 36 KiB.
const GENERATOR_WINDOW: u32 = 7;
/// The window for a key, whose table is made once a key: 9.2 KB.
const KEY_WINDOW: u32 = 5;

/// Whether r and s, 64 bytes, are a signature of this hash, 32 bytes, by this key.
pub(crate) fn verify(key: &P256Key, hashed: &[u8], signature: &[u8]) -> bool {
    let (Ok(signature), Ok(hashed)) =
        (p256::ecdsa::Signature::from_slice(signature), FieldBytes::try_from(hashed))
    else {
        return false;
    };
    let (r, s) = signature.split_scalars();
    let inverse = s.invert_vartime();
    let u1 = p256::Scalar::reduce(&hashed).multiply(&inverse);
    let u2 = r.multiply(&inverse);
    let sum = sum_of_products(&u1.to_bytes().into(), key, &u2.to_bytes().into());
    let r = r.to_bytes().into();
    sum.has_x([Some(Element::from_be_bytes(&r)), plus_order(&r)].into_iter().flatten())
}

/// u₁·G + u₂·Q, the scalars big-endian and below the group's order.
pub fn sum_of_products(u1: &[u8; 32], key: &P256Key, u2: &[u8; 32]) -> Point {
    multiply_and_add([(generator(), &words_of(u1)), (key.table(), &words_of(u2))])
}

/// The table of a key, for [`P256Key::table`].
pub(crate) fn table_of(key: &p256::ecdsa::VerifyingKey) -> Table<Affine> {
    Table::new(Point::from(&affine(key.as_affine())), KEY_WINDOW)
}

fn generator() -> &'static Table<Affine> {
    static TABLE: OnceLock<Table<Affine>> = OnceLock::new();
    TABLE
        .get_or_init(|| Table::new(Point::from(&affine(&AffinePoint::GENERATOR)), GENERATOR_WINDOW))
}

fn affine(point: &AffinePoint) -> Affine {
    let [x, y] = [point.x(), point.y()].map(|bytes| Element::from_be_bytes(&bytes.into()));
    Affine::new(x, y)
}

/// The element of r plus the group's order, if that is less than p: what x may be besides r.
fn plus_order(r: &[u8; 32]) -> Option<Element> {
    /// The group's order n.
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    /// p - n.
    const PRIME_LESS_ORDER: [u8; 32] = [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x43, 0x19, 0x05, 0x53, 0x58, 0xe8, 0x61, 0x7b, 0x0c, 0x46, 0x35, 0x3d, 0x03, 0x9c,
        0xda, 0xae,
    ];
    (*r < PRIME_LESS_ORDER).then(|| {
        let [r, order] = [r, &ORDER].map(Element::from_be_bytes);
        Element::combination([(1, &r), (1, &order)])
    })
}
