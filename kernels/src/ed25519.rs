//! Ed25519 signatures (RFC 8032 section 5.1.7).
//!
//! The kernel computes S·B - k·A, see `field.rs` and `point.rs`. The `ed25519-dalek` crate checks
//! that a key is on the curve, and the `curve25519-dalek` crate checks the range of S and computes
//! modulo the order of the group.

pub(crate) mod field;
pub(crate) mod point;

use crate::wnaf::{self, Scalar, Table, words_from_be_bytes};
use curve25519_dalek::scalar::Scalar as ReducedScalar;
use point::{Point, TableEntry};
use sha2::{Digest as _, Sha512};
use std::sync::OnceLock;

/// The window for B, whose table of 55 KB is computed once.
const BASE_WINDOW: u32 = 6;
/// The window for a key, whose table of 28 KB is computed once per key.
const KEY_WINDOW: u32 = 5;

/// The number of bits of the order of the group.
const SCALAR_BITS: usize = 253;

/// A public key, prepared for the kernel: a table of 28 KB.
pub struct PreparedKey {
    encoding: [u8; 32],
    /// The table of -A, or `None` if A is of small order.
    table: Option<Table<TableEntry>>,
}

impl PreparedKey {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &ed25519_dalek::VerifyingKey) -> Self {
        let point = Point::decode(key.as_bytes());
        let table = (!point.is_of_small_order())
            .then(|| Table::new(point.negative(), KEY_WINDOW, SCALAR_BITS));
        Self { encoding: key.to_bytes(), table }
    }

    /// Returns whether `signature`, R and S of 32 bytes each, is a signature of the message.
    /// Returns `false` for a signature of another length.
    ///
    /// The verdict is that of `VerifyingKey::verify_strict` in `ed25519-dalek`: S must be below the
    /// order of the group, R must equal the encoding of S·B - k·A byte for byte, and neither R nor
    /// the key may be of small order.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((r, s)) = signature.split_at_checked(32) else { return false };
        let Ok(s) = <[u8; 32]>::try_from(s) else { return false };
        let Some(s) = Option::<ReducedScalar>::from(ReducedScalar::from_canonical_bytes(s)) else {
            return false;
        };
        let hash = Sha512::new().chain_update(r).chain_update(self.encoding);
        let hash: [u8; 64] = hash.chain_update(message).finalize().into();
        let k = ReducedScalar::from_bytes_mod_order_wide(&hash);
        double_scalar_multiply(s.as_bytes(), self, k.as_bytes())
            .is_some_and(|sum| sum.encode() == r && !sum.is_of_small_order())
    }
}

/// Returns S·B - k·A for the key A, or `None` if A is of small order. The scalars are little-endian
/// and below 2^255.
#[must_use]
pub fn double_scalar_multiply(s: &[u8; 32], key: &PreparedKey, k: &[u8; 32]) -> Option<Point> {
    let table = key.table.as_ref()?;
    let [s, k] = [s, k].map(scalar);
    Some(wnaf::double_scalar_multiply([(base(), &s), (table, &k)]))
}

fn base() -> &'static Table<TableEntry> {
    static TABLE: OnceLock<Table<TableEntry>> = OnceLock::new();
    TABLE.get_or_init(|| Table::new(Point::base(), BASE_WINDOW, SCALAR_BITS))
}

fn scalar(le_bytes: &[u8; 32]) -> Scalar {
    let mut be_bytes = *le_bytes;
    be_bytes.reverse();
    words_from_be_bytes(&be_bytes)
}
