//! The field of Curve25519, modulo p = 2^255 - 19, in nine limbs of 29 bits. For public numbers
//! only: the code is written for speed.
//!
//! # Numbers
//!
//! An [`Element`] has nine signed limbs e₀, e₁, … with the value Σ eᵢ·2^(29i), and represents that
//! value modulo p. The lower eight limbs are in [-2^17, 2^29 + 2^17), and the ninth limb is in
//! [0, 2^23).
//!
//! The sum of two elements without carries is a [`Sum`], with limbs within 2^30 + 2^18 in absolute
//! value. The difference is a [`Difference`], with limbs within 2^29 + 2^18.
//!
//! # No column overflows
//!
//! A product of two factors sums up at most nine products of limbs per column. With limbs within
//! A·(2^29 + 2^18) and B·(2^29 + 2^18), a column and each of its partial sums are within
//! 9·A·B·2^58·(1 + 2^-11)². [`Factor::BOUND`] is this A, and A·B ≤ 3 is asserted at compile time,
//! so the bound is less than 28·2^58.
//!
//! The reduction first carries through the upper eight columns, which yields nine limbs h: eight in
//! [0, 2^29), and the last carry, which is within 2^34. Because 2^261 = 64·19 modulo p, it adds
//! 1216·h, within 2^45, to the lower nine columns. The carries between these are within 2^34. Each
//! total is less than 29·2^58 < 2^63. A square replaces each pair of equal products by a doubled
//! limb times a limb, which yields the same sums with fewer terms.
//!
//! Only the low 23 bits of the ninth column belong to the result, because its limb starts at 2^232.
//! The reduction removes the higher bits: shifted right by 23, they are a number within 2^40, and
//! 19 times this number, within 2^45, is added to the first limb. The carry out of the first limb,
//! within 2^16, is added to the second limb. The result is an [`Element`].
//!
//! # Linear combinations
//!
//! [`Element::combination`] adds elements times small factors and carries once. The absolute values
//! of the factors sum up to at most [`LARGEST_COMBINATION`] = 8. So the lower limbs are within
//! 8·(2^29 + 2^17) < 9·2^29, and the carries out of them are within 2^4. The ninth limb is within
//! 8·2^23, so the carry out of it is within 2^4. 19 times this carry is within 2^9 and is added to
//! the first limb, which has room for it without another carry.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the text above proves that none overflows"
)]

use crate::limbs::{self, LIMB_BITS, LIMB_MASK, Limbs};
use crate::wnaf::Field;

/// The number of bits of the ninth limb.
const TOP_BITS: u32 = 23;
const TOP_MASK: i64 = (1 << TOP_BITS) - 1;
/// 2^261 modulo p.
const WRAP: i64 = 64 * 19;
/// The distance by which one of the lower limbs may be outside of [0, 2^29).
const SLACK: i64 = 1 << 17;

/// The largest sum of the absolute values of the factors of a combination.
const LARGEST_COMBINATION: u64 = 8;

/// The limbs of p.
const PRIME: Limbs = [
    LIMB_MASK - 18,
    LIMB_MASK,
    LIMB_MASK,
    LIMB_MASK,
    LIMB_MASK,
    LIMB_MASK,
    LIMB_MASK,
    LIMB_MASK,
    TOP_MASK,
];

/// An element of the field. The documentation of the module states its bounds.
#[derive(Clone, Copy, Debug)]
pub struct Element(Limbs);

/// The sum of two elements, without carries.
#[derive(Clone, Copy, Debug)]
pub struct Sum(Limbs);

/// The difference of two elements, without carries.
#[derive(Clone, Copy, Debug)]
pub struct Difference(Limbs);

/// A factor of a multiplication.
pub trait Factor {
    /// The limbs are within this times 2^29 + 2^18 in absolute value.
    const BOUND: i64;

    /// Returns the limbs.
    fn limbs(&self) -> &Limbs;

    /// Returns the product.
    #[inline(always)]
    fn times<F: Factor>(&self, other: &F) -> Element {
        const { assert!(Self::BOUND * F::BOUND <= 3, "a column could overflow") };
        debug_assert!(
            self.is_within_bounds() && other.is_within_bounds(),
            "a factor out of bounds"
        );
        multiply(self.limbs(), other.limbs())
    }

    /// Returns whether the limbs are within the bounds. For debug assertions.
    fn is_within_bounds(&self) -> bool {
        let bound = Self::BOUND * ((1 << LIMB_BITS) + 2 * SLACK);
        self.limbs().iter().all(|limb| limb.abs() <= bound)
    }
}

impl Factor for Element {
    const BOUND: i64 = 1;

    #[inline(always)]
    fn limbs(&self) -> &Limbs {
        &self.0
    }
}

impl Factor for Sum {
    const BOUND: i64 = 2;

    #[inline(always)]
    fn limbs(&self) -> &Limbs {
        &self.0
    }
}

impl Factor for Difference {
    const BOUND: i64 = 1;

    #[inline(always)]
    fn limbs(&self) -> &Limbs {
        &self.0
    }
}

impl Field for Element {
    const ONE: Self = Self::ONE;

    fn multiply(&self, other: &Self) -> Self {
        self.times(other)
    }

    fn invert(&self) -> Self {
        self.inverse()
    }
}

impl Element {
    /// 0.
    pub const ZERO: Self = Self([0; 9]);
    /// 1.
    pub const ONE: Self = Self([1, 0, 0, 0, 0, 0, 0, 0, 0]);

    /// Converts a number below 2^29.
    #[must_use]
    pub const fn from_small(number: u32) -> Self {
        let mut limbs = [0; 9];
        let [first, ..] = &mut limbs;
        let [b0, b1, b2, b3] = number.to_le_bytes();
        *first = i64::from_le_bytes([b0, b1, b2, b3, 0, 0, 0, 0]);
        Self(limbs)
    }

    /// Takes limbs, which must be within the bounds.
    #[must_use]
    pub fn from_limbs(limbs: Limbs) -> Self {
        Self(limbs).check_bounds()
    }

    /// Converts a little-endian number without its highest bit (RFC 8032 section 5.1.3). The number
    /// need not be below p.
    #[must_use]
    pub fn from_le_bytes(bytes: &[u8; 32]) -> Self {
        let mut number = Self(limbs::from_bytes(bytes.iter().copied()));
        number.0[8] &= TOP_MASK;
        number
    }

    /// Returns the number below p that the element represents, little-endian.
    #[must_use]
    pub fn to_le_bytes(&self) -> [u8; 32] {
        let mut limbs = self.0;
        // Adding p makes the value positive. It is then less than 2^256 + 2^222.
        for (limb, prime) in limbs.iter_mut().zip(PRIME) {
            *limb += prime;
        }
        // The first carry leaves a value below 2^255 + 38. The second leaves a value below 2^255
        // with every limb in its range.
        for _ in 0..2 {
            carry(&mut limbs);
        }
        // The value may still be p to p + 18. Then adding 19 reaches 2^255, and removing that bit
        // subtracts p.
        let mut plus_19 = limbs;
        plus_19[0] += 19;
        carry_to_top(&mut plus_19);
        if plus_19[8] > TOP_MASK {
            plus_19[8] &= TOP_MASK;
            limbs = plus_19;
        }
        limbs::to_bytes(limbs)
    }

    /// Returns the sum, without carries.
    #[inline(always)]
    #[must_use]
    pub fn plus(&self, other: &Self) -> Sum {
        Sum(limbs::sum(&self.0, &other.0))
    }

    /// Returns the difference, without carries.
    #[inline(always)]
    #[must_use]
    pub fn minus(&self, other: &Self) -> Difference {
        Difference(limbs::difference(&self.0, &other.0))
    }

    /// Returns the sum of the elements, each times its factor. The absolute values of the factors
    /// must sum up to at most [`LARGEST_COMBINATION`].
    #[inline(always)]
    #[must_use]
    pub fn combination<const N: usize>(terms: [(i64, &Self); N]) -> Self {
        debug_assert!(
            terms.iter().map(|(factor, _)| factor.unsigned_abs()).sum::<u64>()
                <= LARGEST_COMBINATION,
            "a combination out of bounds"
        );
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8] =
            limbs::combination(terms.map(|(factor, Self(limbs))| (factor, limbs)));
        let (r0, column) = (t0 & LIMB_MASK, t1 + (t0 >> LIMB_BITS));
        let (r1, column) = (column & LIMB_MASK, t2 + (column >> LIMB_BITS));
        let (r2, column) = (column & LIMB_MASK, t3 + (column >> LIMB_BITS));
        let (r3, column) = (column & LIMB_MASK, t4 + (column >> LIMB_BITS));
        let (r4, column) = (column & LIMB_MASK, t5 + (column >> LIMB_BITS));
        let (r5, column) = (column & LIMB_MASK, t6 + (column >> LIMB_BITS));
        let (r6, column) = (column & LIMB_MASK, t7 + (column >> LIMB_BITS));
        let (r7, column) = (column & LIMB_MASK, t8 + (column >> LIMB_BITS));
        let (r8, excess) = (column & TOP_MASK, column >> TOP_BITS);
        Self([r0 + 19 * excess, r1, r2, r3, r4, r5, r6, r7, r8]).check_bounds()
    }

    /// Returns the square.
    #[inline(never)]
    #[must_use]
    pub fn square(&self) -> Self {
        square(self)
    }

    /// Squares the element that many times.
    fn square_repeatedly(&self, times: u32) -> Self {
        (0..times).fold(*self, |power, _| power.square())
    }

    /// Returns the powers with the exponents 2^250 - 1 and 11.
    fn powers_for_inversion(&self) -> [Self; 2] {
        let of_2 = self.square();
        let of_9 = of_2.square_repeatedly(2).times(self);
        let of_11 = of_9.times(&of_2);
        let ones_5 = of_11.square().times(&of_9);
        let ones_10 = ones_5.square_repeatedly(5).times(&ones_5);
        let ones_20 = ones_10.square_repeatedly(10).times(&ones_10);
        let ones_40 = ones_20.square_repeatedly(20).times(&ones_20);
        let ones_50 = ones_40.square_repeatedly(10).times(&ones_10);
        let ones_100 = ones_50.square_repeatedly(50).times(&ones_50);
        let ones_200 = ones_100.square_repeatedly(100).times(&ones_100);
        [ones_200.square_repeatedly(50).times(&ones_50), of_11]
    }

    /// Returns the inverse, by Fermat's little theorem: the power with the exponent p - 2, which is
    /// 2^255 - 21. The inverse of 0 is 0.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let [ones_250, of_11] = self.powers_for_inversion();
        ones_250.square_repeatedly(5).times(&of_11)
    }

    /// Returns the power with the exponent (p - 5) / 8 = 2^252 - 3, with which square roots are
    /// computed (RFC 8032 section 5.1.3).
    #[must_use]
    pub fn power_for_root(&self) -> Self {
        let [ones_250, _] = self.powers_for_inversion();
        ones_250.square_repeatedly(2).times(self)
    }

    #[inline(always)]
    fn check_bounds(self) -> Self {
        let Self([lower @ .., top]) = &self;
        let limbs = -SLACK..=LIMB_MASK + SLACK;
        debug_assert!(lower.iter().all(|limb| limbs.contains(limb)), "{self:?}");
        debug_assert!((0..=TOP_MASK).contains(top), "{self:?}");
        self
    }
}

/// Carries from the lower limbs up to the ninth.
fn carry_to_top(limbs: &mut Limbs) {
    let mut column = 0;
    let [lower @ .., top] = limbs;
    for limb in lower {
        column += *limb;
        *limb = column & LIMB_MASK;
        column >>= LIMB_BITS;
    }
    *top += column;
}

/// Carries, and adds 19 times what is above 2^255 to the first limb.
fn carry(limbs: &mut Limbs) {
    carry_to_top(limbs);
    limbs[0] += 19 * (limbs[8] >> TOP_BITS);
    limbs[8] &= TOP_MASK;
}

// Multiplications are written out column by column. LLVM would vectorize loops over rows, and the
// vector code takes twice as long.

#[inline(never)]
fn multiply(left: &Limbs, right: &Limbs) -> Element {
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8] = *left;
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8] = *right;
    reduce([
        a0 * b0,
        a0 * b1 + a1 * b0,
        a0 * b2 + a1 * b1 + a2 * b0,
        a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0,
        a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0,
        a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0,
        a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0,
        a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0,
        a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0,
        a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1,
        a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2,
        a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3,
        a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4,
        a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5,
        a6 * b8 + a7 * b7 + a8 * b6,
        a7 * b8 + a8 * b7,
        a8 * b8,
    ])
}

#[inline(never)]
fn square(element: &Element) -> Element {
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8] = element.0;
    let [d0, d1, d2, d3] = [a0 + a0, a1 + a1, a2 + a2, a3 + a3];
    let [d4, d5, d6, d7] = [a4 + a4, a5 + a5, a6 + a6, a7 + a7];
    reduce([
        a0 * a0,
        d0 * a1,
        d0 * a2 + a1 * a1,
        d0 * a3 + d1 * a2,
        d0 * a4 + d1 * a3 + a2 * a2,
        d0 * a5 + d1 * a4 + d2 * a3,
        d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3,
        d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4,
        d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4,
        d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5,
        d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5,
        d3 * a8 + d4 * a7 + d5 * a6,
        d4 * a8 + d5 * a7 + a6 * a6,
        d5 * a8 + d6 * a7,
        d6 * a8 + a7 * a7,
        d7 * a8,
        a8 * a8,
    ])
}

/// Carries through the columns of a product and reduces them to an element.
#[inline(always)]
fn reduce(columns: [i64; 17]) -> Element {
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16] = columns;
    let column = c9;
    let (h0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c10;
    let (h1, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c11;
    let (h2, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c12;
    let (h3, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c13;
    let (h4, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c14;
    let (h5, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c15;
    let (h6, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c16;
    let (h7, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let h8 = carry;
    let column = c0 + WRAP * h0;
    let (r0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c1 + WRAP * h1;
    let (r1, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c2 + WRAP * h2;
    let (r2, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c3 + WRAP * h3;
    let (r3, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c4 + WRAP * h4;
    let (r4, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c5 + WRAP * h5;
    let (r5, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c6 + WRAP * h6;
    let (r6, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c7 + WRAP * h7;
    let (r7, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + c8 + WRAP * h8;
    let (r8, excess) = (column & TOP_MASK, column >> TOP_BITS);
    let column = r0 + 19 * excess;
    let (r0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    Element([r0, r1 + carry, r2, r3, r4, r5, r6, r7, r8]).check_bounds()
}
