//! P-521 and its field in eighteen limbs of 29 bits.
//!
//! # Numbers
//!
//! The lower seventeen limbs of an element are within 2^28 + 2^7 in absolute value. The top limb is
//! within 2^27 + 2^5. The limbs of a difference are within twice these bounds. The limbs are
//! centered around 0, because the columns of a product of limbs in [0, 2^29) would overflow.
//!
//! # Multiplication
//!
//! p = 2^521 - 1, so 2^522 is 2 modulo p, and the upper seventeen columns are added twice to the
//! lower ones. The lowest column has one product of limbs, and receives seventeen products twice.
//! The other columns have fewer. With at most one difference among the factors, a column and each
//! of its partial sums are within 35·2·(2^28 + 2^7)² < 71·2^56. The carry into a column is within
//! 2^34. The total is less than 2^63.
//!
//! Only the low 28 bits of the last column belong to the result, because its limb starts at 2^493.
//! The higher bits, shifted right by 28, are a number within 2^35, and are added to the lowest
//! limb. The carry out of the lowest limb, within 2^7, is added to the second limb. The result is
//! within the bounds of an element.
//!
//! # Linear combinations
//!
//! A combination subtracts h·p for the h that brings the top limb into [-2^27, 2^27) before
//! carries. The top limb is within 17·(2^27 + 2^5), so h is within 2^5. The lower limbs are within
//! 17·(2^28 + 2^7), so the carry into the top limb is within 2^5.
//!
//! The lower limbs of the result are in [-2^28, 2^28), and its value is within 2^520 + 2^499, which
//! is less than p. So the result is 0 modulo p only if its value is 0. Then the lowest limb is a
//! multiple of 2^29, and so 0, and likewise each limb above it.

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
/// The number of bits of the top limb.
const TOP_BITS: u32 = 28;

/// The curve P-521 and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct P521;

/// A public key, prepared for the kernel: a table of 76 KB.
pub type PreparedKey = ecdsa::PreparedKey<P521>;

impl Curve for P521 {
    type Crate = ::p521::NistP521;

    const DIGEST_BYTES: usize = 64;
    const SCALAR_BITS: usize = 521;
    /// The table has 152 KB.
    const GENERATOR_WINDOW: u32 = 6;
    const KEY_WINDOW: u32 = 5;
    const PRIME_MINUS_ORDER: &[u8] = &[
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x05, 0xae, 0x79, 0x78, 0x7c, 0x40, 0xd0, 0x69, 0x94, 0x80, 0x33, 0xfe,
        0xb7, 0x08, 0xf6, 0x5a, 0x2f, 0xc4, 0x4a, 0x36, 0x47, 0x76, 0x63, 0xb8, 0x51, 0x44, 0x90,
        0x48, 0xe1, 0x6e, 0xc7, 0x9b, 0xf6,
    ];

    fn generator_table() -> &'static OnceLock<Table<Affine<Self>>> {
        static TABLE: OnceLock<Table<Affine<P521>>> = OnceLock::new();
        &TABLE
    }
}

impl Prime for P521 {
    type Limbs<L: Limb + Eq> = [L; 18];

    const LIMB_BITS: u32 = LIMB_BITS;
    const LOWER_LIMBS: RangeInclusive<i64> = -(1 << 28) - (1 << 7)..=(1 << 28) + (1 << 7);
    const TOP_LIMB: RangeInclusive<i64> = -(1 << 27) - (1 << 5)..=(1 << 27) + (1 << 5);
    const PRIME: [i64; 18] = [
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0xfff_ffff,
    ];
    /// R = 1: the field is not in Montgomery form.
    const ONE: [i64; 18] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const SQUARE_OF_RADIX: [i64; 18] = Self::ONE;

    #[inline(always)]
    fn reduce<L: Limb + Eq>(columns: [L; 35]) -> [L; 18] {
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
            c27,
            c28,
            c29,
            c30,
            c31,
            c32,
            c33,
            c34,
        ] = columns;
        let (r0, carry) = (c0 + (c18 << 1)).split_centered(LIMB_BITS);
        let (r1, carry) = (c1 + carry + (c19 << 1)).split_centered(LIMB_BITS);
        let (r2, carry) = (c2 + carry + (c20 << 1)).split_centered(LIMB_BITS);
        let (r3, carry) = (c3 + carry + (c21 << 1)).split_centered(LIMB_BITS);
        let (r4, carry) = (c4 + carry + (c22 << 1)).split_centered(LIMB_BITS);
        let (r5, carry) = (c5 + carry + (c23 << 1)).split_centered(LIMB_BITS);
        let (r6, carry) = (c6 + carry + (c24 << 1)).split_centered(LIMB_BITS);
        let (r7, carry) = (c7 + carry + (c25 << 1)).split_centered(LIMB_BITS);
        let (r8, carry) = (c8 + carry + (c26 << 1)).split_centered(LIMB_BITS);
        let (r9, carry) = (c9 + carry + (c27 << 1)).split_centered(LIMB_BITS);
        let (r10, carry) = (c10 + carry + (c28 << 1)).split_centered(LIMB_BITS);
        let (r11, carry) = (c11 + carry + (c29 << 1)).split_centered(LIMB_BITS);
        let (r12, carry) = (c12 + carry + (c30 << 1)).split_centered(LIMB_BITS);
        let (r13, carry) = (c13 + carry + (c31 << 1)).split_centered(LIMB_BITS);
        let (r14, carry) = (c14 + carry + (c32 << 1)).split_centered(LIMB_BITS);
        let (r15, carry) = (c15 + carry + (c33 << 1)).split_centered(LIMB_BITS);
        let (r16, carry) = (c16 + carry + (c34 << 1)).split_centered(LIMB_BITS);
        let (r17, excess) = (c17 + carry).split_centered(TOP_BITS);
        // r0 is reduced once more, because the excess can be longer than a limb.
        let (r0, carry) = (r0 + excess).split_centered(LIMB_BITS);
        [r0, r1 + carry, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17]
    }

    #[inline(always)]
    fn carry<L: Limb + Eq>(sum: [L; 18]) -> [L; 18] {
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15, t16, t17] = sum;
        // The multiple of p to subtract. Without it, the top limb is in range.
        let (top, h) = t17.split_centered(28);
        let (r0, carry) = (t0 + h).split_centered(LIMB_BITS);
        let (r1, carry) = (t1 + carry).split_centered(LIMB_BITS);
        let (r2, carry) = (t2 + carry).split_centered(LIMB_BITS);
        let (r3, carry) = (t3 + carry).split_centered(LIMB_BITS);
        let (r4, carry) = (t4 + carry).split_centered(LIMB_BITS);
        let (r5, carry) = (t5 + carry).split_centered(LIMB_BITS);
        let (r6, carry) = (t6 + carry).split_centered(LIMB_BITS);
        let (r7, carry) = (t7 + carry).split_centered(LIMB_BITS);
        let (r8, carry) = (t8 + carry).split_centered(LIMB_BITS);
        let (r9, carry) = (t9 + carry).split_centered(LIMB_BITS);
        let (r10, carry) = (t10 + carry).split_centered(LIMB_BITS);
        let (r11, carry) = (t11 + carry).split_centered(LIMB_BITS);
        let (r12, carry) = (t12 + carry).split_centered(LIMB_BITS);
        let (r13, carry) = (t13 + carry).split_centered(LIMB_BITS);
        let (r14, carry) = (t14 + carry).split_centered(LIMB_BITS);
        let (r15, carry) = (t15 + carry).split_centered(LIMB_BITS);
        let (r16, carry) = (t16 + carry).split_centered(LIMB_BITS);
        [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, top + carry]
    }
}
