//! P-256 and its field in nine limbs of 29 bits, in Montgomery form with R = 2^261.
//!
//! # Numbers
//!
//! The lower eight limbs of an element are in [0, 2^29). The ninth limb is in
//! [-2^23 - 2^5, 3·2^23), so the value is at least -(2^255 + 2^237) and less than 3·2^255. The
//! limbs of a difference are within twice these bounds, and its value is within 2^257 + 2^237.
//!
//! # No column overflows
//!
//! A product of two factors, at most one of which is a difference, sums up at most nine products of
//! limbs per column. So a column and each of its partial sums are within 9·2·2^58 = 18·2^58. The
//! column also receives quotient digits, each in [0, 2^29), shifted by 9, 18, 21 and 24 bits:
//! together within 2^54. The carry into the column is within 2^63 / 2^29 = 2^34. The total is less
//! than 19·2^58 < 2^63.
//!
//! # Multiplication
//!
//! p = 2^256 - 2^224 + 2^192 + 2^96 - 1 is -1 modulo 2^96. So the quotient digit q that makes a
//! column a multiple of 2^29 is the low 29 bits of the column. Adding q·p removes these bits, adds
//! q at 2^96, 2^192 and 2^256 above them, which is 29·3 + 9, 29·6 + 18 and 29·8 + 24 bits, and
//! subtracts q at 2^224, which is 29·7 + 21 bits.
//!
//! The result is (a·b + q·p) / R, with q < R for all digits together. The first part is within
//! (2^257 + 2^237)·3·2^255 / 2^261 < 2^253, and the second part is in [0, p). So the ninth limb,
//! which is the value / 2^232, rounded down, is within the bounds.
//!
//! # Linear combinations
//!
//! A combination subtracts h·p for the h that brings the ninth limb into [-2^23, 2^23) before
//! carries. The lower limbs together are within 17·2^232, the ninth limb is within 17·3·2^23, and h
//! is within 2^5. The carry into the ninth limb is within 2^5.
//!
//! The value of the result is within 2^255 + 2^237, so it is less than p in absolute value. So the
//! result is 0 modulo p only if its value is 0, and its value is 0 only if every limb is 0.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the text above proves that none overflows"
)]

use crate::ecdsa::field::Prime;
use crate::ecdsa::point::Affine;
use crate::ecdsa::{self, Curve};
use crate::limbs::Limb;
use crate::wnaf::Table;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

const LIMB_BITS: u32 = 29;

/// The curve P-256 and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P256;

/// A public key, prepared for the kernel: a table of 37 KB.
pub type PreparedKey = ecdsa::PreparedKey<P256>;

impl Curve for P256 {
    type Crate = ::p256::NistP256;

    const DIGEST_BYTES: usize = 32;
    const SCALAR_BITS: usize = 256;
    /// The table has 74 KB.
    const GENERATOR_WINDOW: u32 = 7;
    const KEY_WINDOW: u32 = 6;
    const PRIME_MINUS_ORDER: &[u8] = &[
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x43, 0x19, 0x05, 0x53, 0x58, 0xe8, 0x61, 0x7b, 0x0c, 0x46, 0x35, 0x3d, 0x03, 0x9c,
        0xda, 0xae,
    ];

    fn generator_table() -> &'static OnceLock<Table<Affine<Self>>> {
        static TABLE: OnceLock<Table<Affine<P256>>> = OnceLock::new();
        &TABLE
    }
}

impl Prime for P256 {
    type Limbs<L: Limb + Eq> = [L; 9];

    const LIMB_BITS: u32 = LIMB_BITS;
    const LOWER_LIMBS: RangeInclusive<i64> = 0..=(1 << LIMB_BITS) - 1;
    const TOP_LIMB: RangeInclusive<i64> = -(1 << 23) - (1 << 5)..=(3 << 23) - 1;
    const PRIME: [i64; 9] =
        [0x1fff_ffff, 0x1fff_ffff, 0x1fff_ffff, 0x1ff, 0, 0, 0x4_0000, 0x1fe0_0000, 0xff_ffff];
    /// R = 2^261.
    const ONE: [i64; 9] =
        [0x20, 0, 0, 0x1fff_c000, 0x1fff_ffff, 0x1fff_ffff, 0x1f7f_ffff, 0x3ff_ffff, 0];
    const SQUARE_OF_RADIX: [i64; 9] = [
        0xc00,
        0,
        0x1fff_0000,
        0x1fdf_ffff,
        0x1fbf_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_fffe,
        0x13,
    ];

    #[inline(always)]
    fn reduce<L: Limb + Eq>(columns: [L; 17]) -> [L; 9] {
        let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16] = columns;
        let (q0, carry) = c0.split(LIMB_BITS);
        let (q1, carry) = (c1 + carry).split(LIMB_BITS);
        let (q2, carry) = (c2 + carry).split(LIMB_BITS);
        let (q3, carry) = (c3 + carry + (q0 << 9)).split(LIMB_BITS);
        let (q4, carry) = (c4 + carry + (q1 << 9)).split(LIMB_BITS);
        let (q5, carry) = (c5 + carry + (q2 << 9)).split(LIMB_BITS);
        let (q6, carry) = (c6 + carry + (q3 << 9) + (q0 << 18)).split(LIMB_BITS);
        let (q7, carry) = (c7 + carry + (q4 << 9) + (q1 << 18) - (q0 << 21)).split(LIMB_BITS);
        let (q8, carry) =
            (c8 + carry + (q5 << 9) + (q2 << 18) - (q1 << 21) + (q0 << 24)).split(LIMB_BITS);
        let (r0, carry) =
            (c9 + carry + (q6 << 9) + (q3 << 18) - (q2 << 21) + (q1 << 24)).split(LIMB_BITS);
        let (r1, carry) =
            (c10 + carry + (q7 << 9) + (q4 << 18) - (q3 << 21) + (q2 << 24)).split(LIMB_BITS);
        let (r2, carry) =
            (c11 + carry + (q8 << 9) + (q5 << 18) - (q4 << 21) + (q3 << 24)).split(LIMB_BITS);
        let (r3, carry) = (c12 + carry + (q6 << 18) - (q5 << 21) + (q4 << 24)).split(LIMB_BITS);
        let (r4, carry) = (c13 + carry + (q7 << 18) - (q6 << 21) + (q5 << 24)).split(LIMB_BITS);
        let (r5, carry) = (c14 + carry + (q8 << 18) - (q7 << 21) + (q6 << 24)).split(LIMB_BITS);
        let (r6, carry) = (c15 + carry - (q8 << 21) + (q7 << 24)).split(LIMB_BITS);
        let (r7, carry) = (c16 + carry + (q8 << 24)).split(LIMB_BITS);
        [r0, r1, r2, r3, r4, r5, r6, r7, carry]
    }

    #[inline(always)]
    fn carry<L: Limb + Eq>(sum: [L; 9]) -> [L; 9] {
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8] = sum;
        // The multiple of p to subtract. Without it, the top limb is in range.
        let (top, h) = t8.split_centered(24);
        let (r0, carry) = (t0 + h).split(LIMB_BITS);
        let (r1, carry) = (t1 + carry).split(LIMB_BITS);
        let (r2, carry) = (t2 + carry).split(LIMB_BITS);
        let (r3, carry) = (t3 + carry - (h << 9)).split(LIMB_BITS);
        let (r4, carry) = (t4 + carry).split(LIMB_BITS);
        let (r5, carry) = (t5 + carry).split(LIMB_BITS);
        let (r6, carry) = (t6 + carry - (h << 18)).split(LIMB_BITS);
        let (r7, carry) = (t7 + carry + (h << 21)).split(LIMB_BITS);
        [r0, r1, r2, r3, r4, r5, r6, r7, top + carry]
    }
}
