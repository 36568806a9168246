//! Ed25519 (RFC 8032 section 5.1.7) with a multiplication of our own: S·B - k·A takes a fraction of the time that
//! the `curve25519-dalek` crate's takes in WebAssembly, whose words lack the product that it is built upon. Key
//! import, with the checks that a key is on its curve, canonical and not of small order, and arithmetic modulo
//! the group's order stay the crates'.
//!
//! It takes a time that depends on its input: it sees keys, messages and signatures, all of them public, and
//! must never see a secret.

pub(crate) mod field;
pub(crate) mod point;

use crate::keys::EdwardsKey;
use crate::signature::wnaf::{Scalar, Table, multiply_and_add, words_of};
use curve25519_dalek::scalar::Scalar as Residue;
use point::{Addend, Point};
use sha2::{Digest as _, Sha512};
use std::sync::OnceLock;

/// The window for B, whose table is made once: 55 KB.
const BASE_WINDOW: u32 = 7;
/// The window for a key, whose table is made once a key: 14 KB.
const KEY_WINDOW: u32 = 5;

/// Whether R and S, 64 bytes, are a signature of this message by this key: S is below the group's order, the
/// encoding of S·B - k·A is R byte by byte, and R is not of small order. That is what
/// `VerifyingKey::verify_strict` of `ed25519-dalek` takes for one, of a key that is not of small order.
pub(crate) fn verify(key: &EdwardsKey, message: &[u8], signature: &[u8]) -> bool {
    let Some((r, s)) = signature.split_at_checked(32) else { return false };
    let Ok(s) = <[u8; 32]>::try_from(s) else { return false };
    let Some(s) = Option::<Residue>::from(Residue::from_canonical_bytes(s)) else { return false };
    let hash = Sha512::new().chain_update(r).chain_update(key.inner().as_bytes());
    let hash: [u8; 64] = hash.chain_update(message).finalize().into();
    let k = Residue::from_bytes_mod_order_wide(&hash);
    let sum = difference_of_products(s.as_bytes(), key, k.as_bytes());
    sum.encode() == r && !sum.is_of_small_order()
}

/// S·B - k·A, the scalars little-endian and below 2^255.
pub fn difference_of_products(s: &[u8; 32], key: &EdwardsKey, k: &[u8; 32]) -> Point {
    multiply_and_add([(base(), &scalar(s)), (key.table(), &scalar(k))])
}

/// The table of a key's negative, for [`EdwardsKey::table`].
pub(crate) fn table_of(key: &ed25519_dalek::VerifyingKey) -> Table<Addend> {
    Table::new(Point::decode(key.as_bytes()).negative(), KEY_WINDOW)
}

fn base() -> &'static Table<Addend> {
    static TABLE: OnceLock<Table<Addend>> = OnceLock::new();
    TABLE.get_or_init(|| Table::new(Point::base(), BASE_WINDOW))
}

fn scalar(bytes: &[u8; 32]) -> Scalar {
    let mut bytes = *bytes;
    bytes.reverse();
    words_of(&bytes)
}
