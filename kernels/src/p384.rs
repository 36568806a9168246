//! P-384 and its field in fourteen limbs of 28 bits, in Montgomery form with R = 2^392.
//!
//! # Numbers
//!
//! The lower thirteen limbs of an element are in [0, 2^28). The top limb is in
//! [-2^19 - 2^5, 2^20 + 2^15], so the value is within 2^384 + 2^380. The limbs of a difference are
//! within twice these bounds, and its value is within 2^385.
//!
//! # No column overflows
//!
//! A product of two factors, at most one of which is a difference, sums up at most fourteen
//! products of limbs per column. So a column and each of its partial sums are within
//! 14·2·2^56 < 2^61. The column also receives quotient digits, each in [0, 2^28), shifted by 4, 12,
//! 16 and 20 bits: together within 2^49. The carry into the column is within 2^35. The total is
//! less than 2^62.
//!
//! # Multiplication
//!
//! p = 2^384 - 2^128 - 2^96 + 2^32 - 1 is -1 modulo 2^32. So the quotient digit q that makes a
//! column a multiple of 2^28 is the low 28 bits of the column. Adding q·p removes these bits, adds
//! q at 2^32 and 2^384 above them, which is 28 + 4 and 28·13 + 20 bits, and subtracts q at 2^96 and
//! 2^128, which is 28·3 + 12 and 28·4 + 16 bits.
//!
//! The result is (a·b + q·p) / R, with q < R for all digits together. The first part is within
//! 2^385·(2^384 + 2^380) / 2^392 < 2^378, and the second part is in [0, p). So the top limb, which
//! is the value / 2^364, rounded down, is in [-2^14, 2^20 + 2^14).
//!
//! # Linear combinations
//!
//! A combination subtracts h·p for the h that brings the top limb into [-2^19, 2^19) before
//! carries. The top limb is within 17·(2^20 + 2^15), so h is within 2^5. The lower limbs are within
//! 17·2^28, and the multiples of h within 2^21. So the carry into the top limb is within 2^5.
//!
//! The value of the result is within 2^383 + 2^370, so it is less than p in absolute value. So the
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

const LIMB_BITS: u32 = 28;

/// The curve P-384 and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P384;

/// A public key, prepared for the kernel: a table of 43 KB.
pub type PreparedKey = ecdsa::PreparedKey<P384>;

impl Curve for P384 {
    type Crate = ::p384::NistP384;

    const DIGEST_BYTES: usize = 48;
    const SCALAR_BITS: usize = 384;
    /// The table has 86 KB.
    const GENERATOR_WINDOW: u32 = 6;
    const KEY_WINDOW: u32 = 5;
    const PRIME_MINUS_ORDER: &[u8] = &[
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x38, 0x9c, 0xb2, 0x7e, 0x0b, 0xc8,
        0xd2, 0x1f, 0xa7, 0xe5, 0xf2, 0x4c, 0xb7, 0x4f, 0x58, 0x85, 0x13, 0x13, 0xe6, 0x96, 0x33,
        0x3a, 0xd6, 0x8c,
    ];

    fn generator_table() -> &'static OnceLock<Table<Affine<Self>>> {
        static TABLE: OnceLock<Table<Affine<P384>>> = OnceLock::new();
        &TABLE
    }
}

impl Prime for P384 {
    type Limbs<L: Limb + Eq> = [L; 14];

    const LIMB_BITS: u32 = LIMB_BITS;
    const LOWER_LIMBS: RangeInclusive<i64> = 0..=(1 << LIMB_BITS) - 1;
    const TOP_LIMB: RangeInclusive<i64> = -(1 << 19) - (1 << 5)..=(1 << 20) + (1 << 15);
    const PRIME: [i64; 14] = [
        0xfff_ffff, 0xf, 0, 0xfff_f000, 0xffe_ffff, 0xfff_ffff, 0xfff_ffff, 0xfff_ffff, 0xfff_ffff,
        0xfff_ffff, 0xfff_ffff, 0xfff_ffff, 0xfff_ffff, 0xf_ffff,
    ];
    /// R = 2^392.
    const ONE: [i64; 14] =
        [0x100, 0xfff_f000, 0xfff_ffff, 0xf_ffff, 0x100_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const SQUARE_OF_RADIX: [i64; 14] = [
        0x1_0000, 0xfe0_0000, 0xff_ffff, 0, 2, 0, 0xfff_fe00, 0xfff, 0x2_0000, 0x10_0000, 0, 0, 0,
        0,
    ];

    #[inline(always)]
    fn reduce<L: Limb + Eq>(columns: [L; 27]) -> [L; 14] {
        let [
            c0,
            c1,
            c2,
            c3,
            c4,
            c5,
            c6,
            c7,
            c8,
            c9,
            c10,
            c11,
            c12,
            c13,
            c14,
            c15,
            c16,
            c17,
            c18,
            c19,
            c20,
            c21,
            c22,
            c23,
            c24,
            c25,
            c26,
        ] = columns;
        let (q0, carry) = c0.split(LIMB_BITS);
        let (q1, carry) = (c1 + carry + (q0 << 4)).split(LIMB_BITS);
        let (q2, carry) = (c2 + carry + (q1 << 4)).split(LIMB_BITS);
        let (q3, carry) = (c3 + carry + (q2 << 4) - (q0 << 12)).split(LIMB_BITS);
        let (q4, carry) = (c4 + carry + (q3 << 4) - (q1 << 12) - (q0 << 16)).split(LIMB_BITS);
        let (q5, carry) = (c5 + carry + (q4 << 4) - (q2 << 12) - (q1 << 16)).split(LIMB_BITS);
        let (q6, carry) = (c6 + carry + (q5 << 4) - (q3 << 12) - (q2 << 16)).split(LIMB_BITS);
        let (q7, carry) = (c7 + carry + (q6 << 4) - (q4 << 12) - (q3 << 16)).split(LIMB_BITS);
        let (q8, carry) = (c8 + carry + (q7 << 4) - (q5 << 12) - (q4 << 16)).split(LIMB_BITS);
        let (q9, carry) = (c9 + carry + (q8 << 4) - (q6 << 12) - (q5 << 16)).split(LIMB_BITS);
        let (q10, carry) = (c10 + carry + (q9 << 4) - (q7 << 12) - (q6 << 16)).split(LIMB_BITS);
        let (q11, carry) = (c11 + carry + (q10 << 4) - (q8 << 12) - (q7 << 16)).split(LIMB_BITS);
        let (q12, carry) = (c12 + carry + (q11 << 4) - (q9 << 12) - (q8 << 16)).split(LIMB_BITS);
        let (q13, carry) =
            (c13 + carry + (q12 << 4) - (q10 << 12) - (q9 << 16) + (q0 << 20)).split(LIMB_BITS);
        let (r0, carry) =
            (c14 + carry + (q13 << 4) - (q11 << 12) - (q10 << 16) + (q1 << 20)).split(LIMB_BITS);
        let (r1, carry) = (c15 + carry - (q12 << 12) - (q11 << 16) + (q2 << 20)).split(LIMB_BITS);
        let (r2, carry) = (c16 + carry - (q13 << 12) - (q12 << 16) + (q3 << 20)).split(LIMB_BITS);
        let (r3, carry) = (c17 + carry - (q13 << 16) + (q4 << 20)).split(LIMB_BITS);
        let (r4, carry) = (c18 + carry + (q5 << 20)).split(LIMB_BITS);
        let (r5, carry) = (c19 + carry + (q6 << 20)).split(LIMB_BITS);
        let (r6, carry) = (c20 + carry + (q7 << 20)).split(LIMB_BITS);
        let (r7, carry) = (c21 + carry + (q8 << 20)).split(LIMB_BITS);
        let (r8, carry) = (c22 + carry + (q9 << 20)).split(LIMB_BITS);
        let (r9, carry) = (c23 + carry + (q10 << 20)).split(LIMB_BITS);
        let (r10, carry) = (c24 + carry + (q11 << 20)).split(LIMB_BITS);
        let (r11, carry) = (c25 + carry + (q12 << 20)).split(LIMB_BITS);
        let (r12, carry) = (c26 + carry + (q13 << 20)).split(LIMB_BITS);
        [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, carry]
    }

    #[inline(always)]
    fn carry<L: Limb + Eq>(sum: [L; 14]) -> [L; 14] {
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13] = sum;
        // The multiple of p to subtract. Without it, the top limb is in range.
        let (top, h) = t13.split_centered(20);
        let (r0, carry) = (t0 + h).split(LIMB_BITS);
        let (r1, carry) = (t1 + carry - (h << 4)).split(LIMB_BITS);
        let (r2, carry) = (t2 + carry).split(LIMB_BITS);
        let (r3, carry) = (t3 + carry + (h << 12)).split(LIMB_BITS);
        let (r4, carry) = (t4 + carry + (h << 16)).split(LIMB_BITS);
        let (r5, carry) = (t5 + carry).split(LIMB_BITS);
        let (r6, carry) = (t6 + carry).split(LIMB_BITS);
        let (r7, carry) = (t7 + carry).split(LIMB_BITS);
        let (r8, carry) = (t8 + carry).split(LIMB_BITS);
        let (r9, carry) = (t9 + carry).split(LIMB_BITS);
        let (r10, carry) = (t10 + carry).split(LIMB_BITS);
        let (r11, carry) = (t11 + carry).split(LIMB_BITS);
        let (r12, carry) = (t12 + carry).split(LIMB_BITS);
        [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, top + carry]
    }
}
