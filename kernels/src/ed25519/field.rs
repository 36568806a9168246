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

use crate::limbs::{self, Limb, Limbs as _};
use crate::wnaf::Field;
use std::ops::RangeInclusive;

const LIMB_BITS: u32 = 29;
const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;
/// The number of bits of the ninth limb.
const TOP_BITS: u32 = 23;
const TOP_MASK: i64 = (1 << TOP_BITS) - 1;
/// 2^261 modulo p.
const WRAP: i64 = 64 * 19;
/// The distance by which one of the lower limbs may be outside of [0, 2^29).
const SLACK: i64 = 1 << 17;

/// The bounds of the lower limbs and of the ninth limb of an element.
pub const BOUNDS: [RangeInclusive<i64>; 2] = [-SLACK..=LIMB_MASK + SLACK, 0..=TOP_MASK];
/// The largest sum of the absolute values of the factors of a combination.
pub const LARGEST_COMBINATION: u64 = 8;

/// The limbs of a number.
type Limbs = [i64; 9];

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
        let mut number = Self(limbs::from_bytes::<Limbs>(LIMB_BITS, bytes.iter().copied()));
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
        let mut bytes = [0; 32];
        limbs::to_bytes(LIMB_BITS, &limbs, &mut bytes);
        bytes
    }

    /// Returns the sum, without carries.
    #[inline(always)]
    #[must_use]
    pub fn plus(&self, other: &Self) -> Sum {
        Sum(self.0.sum(&other.0))
    }

    /// Returns the difference, without carries.
    #[inline(always)]
    #[must_use]
    pub fn minus(&self, other: &Self) -> Difference {
        Difference(self.0.difference(&other.0))
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
        Self(carry_once(Limbs::combination(terms, |Self(limbs)| limbs))).check_bounds()
    }

    /// Returns the square.
    #[inline(never)]
    #[must_use]
    pub fn square(&self) -> Self {
        Self(reduce(self.0.square())).check_bounds()
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
        let [lower_bounds, top_bounds] = BOUNDS;
        debug_assert!(lower.iter().all(|limb| lower_bounds.contains(limb)), "{self:?}");
        debug_assert!(top_bounds.contains(top), "{self:?}");
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

#[inline(never)]
fn multiply(left: &Limbs, right: &Limbs) -> Element {
    Element(reduce(left.product(right))).check_bounds()
}

/// Reduces the columns of a product of factors to the limbs of an element.
#[inline(always)]
pub fn reduce<L: Limb>(columns: [L; 17]) -> [L; 9] {
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16] = columns;
    let (h0, carry) = c9.split(LIMB_BITS);
    let (h1, carry) = (c10 + carry).split(LIMB_BITS);
    let (h2, carry) = (c11 + carry).split(LIMB_BITS);
    let (h3, carry) = (c12 + carry).split(LIMB_BITS);
    let (h4, carry) = (c13 + carry).split(LIMB_BITS);
    let (h5, carry) = (c14 + carry).split(LIMB_BITS);
    let (h6, carry) = (c15 + carry).split(LIMB_BITS);
    let (h7, carry) = (c16 + carry).split(LIMB_BITS);
    let h8 = carry;
    let (r0, carry) = (c0 + h0.scaled(WRAP)).split(LIMB_BITS);
    let (r1, carry) = (c1 + carry + h1.scaled(WRAP)).split(LIMB_BITS);
    let (r2, carry) = (c2 + carry + h2.scaled(WRAP)).split(LIMB_BITS);
    let (r3, carry) = (c3 + carry + h3.scaled(WRAP)).split(LIMB_BITS);
    let (r4, carry) = (c4 + carry + h4.scaled(WRAP)).split(LIMB_BITS);
    let (r5, carry) = (c5 + carry + h5.scaled(WRAP)).split(LIMB_BITS);
    let (r6, carry) = (c6 + carry + h6.scaled(WRAP)).split(LIMB_BITS);
    let (r7, carry) = (c7 + carry + h7.scaled(WRAP)).split(LIMB_BITS);
    let (r8, excess) = (c8 + carry + h8.scaled(WRAP)).split(TOP_BITS);
    let (r0, carry) = (r0 + excess.scaled(19)).split(LIMB_BITS);
    [r0, r1 + carry, r2, r3, r4, r5, r6, r7, r8]
}

/// Reduces the sum of at most [`LARGEST_COMBINATION`] elements or their negatives to the limbs of
/// an element.
#[inline(always)]
pub fn carry_once<L: Limb>(sum: [L; 9]) -> [L; 9] {
    let [t0, t1, t2, t3, t4, t5, t6, t7, t8] = sum;
    let (r0, carry) = t0.split(LIMB_BITS);
    let (r1, carry) = (t1 + carry).split(LIMB_BITS);
    let (r2, carry) = (t2 + carry).split(LIMB_BITS);
    let (r3, carry) = (t3 + carry).split(LIMB_BITS);
    let (r4, carry) = (t4 + carry).split(LIMB_BITS);
    let (r5, carry) = (t5 + carry).split(LIMB_BITS);
    let (r6, carry) = (t6 + carry).split(LIMB_BITS);
    let (r7, carry) = (t7 + carry).split(LIMB_BITS);
    let (r8, excess) = (t8 + carry).split(TOP_BITS);
    [r0 + excess.scaled(19), r1, r2, r3, r4, r5, r6, r7, r8]
}
