//! The field of P-256 in nine limbs of 29 bits, in Montgomery form with R = 2^261. For public
//! numbers only: the code is written for speed.
//!
//! # Numbers
//!
//! An [`Element`] has nine signed limbs e₀, e₁, … with the value Σ eᵢ·2^(29i), and represents that
//! value / R modulo p. The lower eight limbs are in [0, 2^29). The ninth limb is in
//! [-2^23 - 2^5, 3·2^23), so the value is at least -(2^255 + 2^237) and less than 3·2^255.
//!
//! The sum of two elements without carries is a [`Sum`], with limbs within 2^30 in absolute value.
//! The difference is a [`Difference`], with limbs within 2^29. The value of both is within 3·2^256.
//!
//! # No column overflows
//!
//! A product of two factors sums up at most nine products of limbs per column. With limbs within
//! A·2^29 and B·2^29, a column and each of its partial sums are within 9·A·B·2^58.
//! [`Factor::BOUND`] is this A, and A·B ≤ 3 is asserted at compile time, so the bound is 27·2^58.
//! The column also receives quotient digits, each in [0, 2^29), shifted by 9, 18, 21 and 24 bits:
//! together within 2^54. The carry into the column is within 2^63 / 2^29 = 2^34. The total is less
//! than 28·2^58 < 2^63. A square replaces each pair of equal products by a doubled limb times a
//! limb, which yields the same sums with fewer terms.
//!
//! # Multiplication
//!
//! p = 2^256 - 2^224 + 2^192 + 2^96 - 1 is -1 modulo 2^96. So the quotient digit q that makes a
//! column a multiple of 2^29 is the low 29 bits of the column. Adding q·p removes these bits, adds
//! q at 2^96, 2^192 and 2^256 above them, which is 29·3 + 9, 29·6 + 18 and 29·8 + 24 bits, and
//! subtracts q at 2^224, which is 29·7 + 21 bits.
//!
//! The result is (a·b + q·p) / 2^261, with q < 2^261 for all digits together. For factors within
//! 3·2^256, the first part is within 9·2^512 / 2^261 < 2^255, and the second part is in [0, p). So
//! the value is more than -2^255 and less than 2^255 + 2^256. The ninth limb is the value / 2^232,
//! rounded down, and so in [-2^23, 3·2^23): the result is an [`Element`].
//!
//! # Linear combinations
//!
//! [`Element::combination`] adds elements times small factors, and subtracts h·p for the h that
//! brings the ninth limb into [-2^23, 2^23) before carries. The absolute values of the factors sum
//! up to at most [`LARGEST_COMBINATION`] = 17. So the lower limbs together are within 17·2^232, the
//! ninth limb is within 17·3·2^23 < 2^29, and h is within 2^5.
//!
//! The value of the result is within 2^255 + 17·2^232 + 2^5·2^224 < 2^255 + 2^237, which yields the
//! bound of the ninth limb above. The value is also less than p in absolute value. So the result is
//! 0 modulo p only if its value is 0, and its value is 0 only if every limb is 0.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the text above proves that none overflows"
)]

use crate::limbs::{self, LIMB_BITS, LIMB_MASK, Limbs};
use crate::wnaf::Field;

/// The largest sum of the absolute values of the factors of a combination.
const LARGEST_COMBINATION: u64 = 17;

/// The limbs of p.
const PRIME: Limbs =
    [0x1fff_ffff, 0x1fff_ffff, 0x1fff_ffff, 0x1ff, 0, 0, 0x4_0000, 0x1fe0_0000, 0xff_ffff];

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
    /// The limbs are within this times 2^29 in absolute value.
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
        let [lower @ .., top] = self.limbs();
        let bound = Self::BOUND << LIMB_BITS;
        lower.iter().all(|limb| limb.abs() <= bound) && top.abs() <= 6 << 23
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
    /// 1, whose limbs are those of R modulo p.
    pub const ONE: Self =
        Self([0x20, 0, 0, 0x1fff_c000, 0x1fff_ffff, 0x1fff_ffff, 0x1f7f_ffff, 0x3ff_ffff, 0]);
    /// The element with the limbs of R² modulo p. Multiplication by it converts to Montgomery form.
    const SQUARE_OF_RADIX: Self = Self([
        0xc00,
        0,
        0x1fff_0000,
        0x1fdf_ffff,
        0x1fbf_ffff,
        0x1fff_ffff,
        0x1fff_ffff,
        0x1fff_fffe,
        0x13,
    ]);

    /// Takes limbs, which must be within the bounds.
    #[must_use]
    pub fn from_limbs(limbs: Limbs) -> Self {
        Self(limbs).check_bounds()
    }

    /// Converts a big-endian number, which need not be below p.
    #[must_use]
    pub fn from_be_bytes(bytes: &[u8; 32]) -> Self {
        let number = Self(limbs::from_bytes(bytes.iter().rev().copied()));
        number.times(&Self::SQUARE_OF_RADIX)
    }

    /// Returns the number below p that the element represents, big-endian.
    #[must_use]
    pub fn to_be_bytes(&self) -> [u8; 32] {
        /// Multiplication by the limbs of the number 1 divides by R.
        const UNIT: Element = Element([1, 0, 0, 0, 0, 0, 0, 0, 0]);
        let Self(mut limbs) = Self::combination([(1, &self.times(&UNIT))]);
        if limbs[8] < 0 {
            limbs = std::array::from_fn(|index| {
                let both = limbs.get(index).zip(PRIME.get(index));
                both.map_or(0, |(limb, prime)| limb + prime)
            });
        }
        let mut bytes = limbs::to_bytes(limbs);
        bytes.reverse();
        bytes
    }

    /// Returns whether the result of [`Element::combination`] is 0. Only for such results are all
    /// limbs 0: a product that is 0 modulo p can have the value p.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 9]
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
        // The multiple of p to subtract, from the ninth limb, whose bit 24 has the weight 2^256.
        let h = (t8 + (1 << 23)) >> 24;
        let column = t0 + h;
        let (r0, column) = (column & LIMB_MASK, t1 + (column >> LIMB_BITS));
        let (r1, column) = (column & LIMB_MASK, t2 + (column >> LIMB_BITS));
        let (r2, column) = (column & LIMB_MASK, t3 - (h << 9) + (column >> LIMB_BITS));
        let (r3, column) = (column & LIMB_MASK, t4 + (column >> LIMB_BITS));
        let (r4, column) = (column & LIMB_MASK, t5 + (column >> LIMB_BITS));
        let (r5, column) = (column & LIMB_MASK, t6 - (h << 18) + (column >> LIMB_BITS));
        let (r6, column) = (column & LIMB_MASK, t7 + (h << 21) + (column >> LIMB_BITS));
        let (r7, column) = (column & LIMB_MASK, t8 - (h << 24) + (column >> LIMB_BITS));
        Self([r0, r1, r2, r3, r4, r5, r6, r7, column]).check_bounds()
    }

    /// Returns the square.
    #[inline(never)]
    #[must_use]
    pub fn square(&self) -> Self {
        square(self)
    }

    /// Returns the inverse, by Fermat's little theorem. The inverse of 0 is 0.
    #[must_use]
    pub fn inverse(&self) -> Self {
        // p - 2, the highest bits first.
        const EXPONENT: [u64; 4] = [0xffff_ffff_0000_0001, 0, 0xffff_ffff, 0xffff_ffff_ffff_fffd];
        let bits = EXPONENT.iter().flat_map(|word| (0..64).rev().map(move |bit| word >> bit & 1));
        bits.fold(Self::ONE, |power, bit| {
            let square = power.square();
            if bit == 1 { square.times(self) } else { square }
        })
    }

    #[inline(always)]
    fn check_bounds(self) -> Self {
        let Self([lower @ .., top]) = &self;
        debug_assert!(lower.iter().all(|limb| (0..=LIMB_MASK).contains(limb)), "{self:?}");
        debug_assert!((-(1 << 23) - (1 << 5)..3 << 23).contains(top), "{self:?}");
        self
    }
}

// Multiplications are written out column by column. LLVM would vectorize loops over rows, and the
// vector code takes twice as long.

#[inline(never)]
fn multiply(left: &Limbs, right: &Limbs) -> Element {
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8] = *left;
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8] = *right;
    let column = a0 * b0;
    let (q0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a0 * b1 + a1 * b0;
    let (q1, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a0 * b2 + a1 * b1 + a2 * b0;
    let (q2, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + (q0 << 9);
    let (q3, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + (q1 << 9);
    let (q4, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + (q2 << 9);
    let (q5, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry
        + a0 * b6
        + a1 * b5
        + a2 * b4
        + a3 * b3
        + a4 * b2
        + a5 * b1
        + a6 * b0
        + (q3 << 9)
        + (q0 << 18);
    let (q6, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry
        + a0 * b7
        + a1 * b6
        + a2 * b5
        + a3 * b4
        + a4 * b3
        + a5 * b2
        + a6 * b1
        + a7 * b0
        + (q4 << 9)
        + (q1 << 18)
        - (q0 << 21);
    let (q7, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry
        + a0 * b8
        + a1 * b7
        + a2 * b6
        + a3 * b5
        + a4 * b4
        + a5 * b3
        + a6 * b2
        + a7 * b1
        + a8 * b0
        + (q5 << 9)
        + (q2 << 18)
        - (q1 << 21)
        + (q0 << 24);
    let (q8, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry
        + a1 * b8
        + a2 * b7
        + a3 * b6
        + a4 * b5
        + a5 * b4
        + a6 * b3
        + a7 * b2
        + a8 * b1
        + (q6 << 9)
        + (q3 << 18)
        - (q2 << 21)
        + (q1 << 24);
    let (r0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry
        + a2 * b8
        + a3 * b7
        + a4 * b6
        + a5 * b5
        + a6 * b4
        + a7 * b3
        + a8 * b2
        + (q7 << 9)
        + (q4 << 18)
        - (q3 << 21)
        + (q2 << 24);
    let (r1, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column =
        carry + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + (q8 << 9) + (q5 << 18)
            - (q4 << 21)
            + (q3 << 24);
    let (r2, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + (q6 << 18) - (q5 << 21)
        + (q4 << 24);
    let (r3, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column =
        carry + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + (q7 << 18) - (q6 << 21) + (q5 << 24);
    let (r4, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a6 * b8 + a7 * b7 + a8 * b6 + (q8 << 18) - (q7 << 21) + (q6 << 24);
    let (r5, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a7 * b8 + a8 * b7 - (q8 << 21) + (q7 << 24);
    let (r6, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a8 * b8 + (q8 << 24);
    let (r7, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    Element([r0, r1, r2, r3, r4, r5, r6, r7, carry]).check_bounds()
}

#[inline(never)]
fn square(element: &Element) -> Element {
    let [a0, a1, a2, a3, a4, a5, a6, a7, a8] = element.0;
    let [d0, d1, d2, d3] = [a0 + a0, a1 + a1, a2 + a2, a3 + a3];
    let [d4, d5, d6, d7] = [a4 + a4, a5 + a5, a6 + a6, a7 + a7];
    let column = a0 * a0;
    let (q0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a1;
    let (q1, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a2 + a1 * a1;
    let (q2, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a3 + d1 * a2 + (q0 << 9);
    let (q3, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a4 + d1 * a3 + a2 * a2 + (q1 << 9);
    let (q4, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a5 + d1 * a4 + d2 * a3 + (q2 << 9);
    let (q5, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3 + (q3 << 9) + (q0 << 18);
    let (q6, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column =
        carry + d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + (q4 << 9) + (q1 << 18) - (q0 << 21);
    let (q7, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4 + (q5 << 9) + (q2 << 18)
        - (q1 << 21)
        + (q0 << 24);
    let (q8, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5 + (q6 << 9) + (q3 << 18)
        - (q2 << 21)
        + (q1 << 24);
    let (r0, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5 + (q7 << 9) + (q4 << 18)
        - (q3 << 21)
        + (q2 << 24);
    let (r1, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column =
        carry + d3 * a8 + d4 * a7 + d5 * a6 + (q8 << 9) + (q5 << 18) - (q4 << 21) + (q3 << 24);
    let (r2, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d4 * a8 + d5 * a7 + a6 * a6 + (q6 << 18) - (q5 << 21) + (q4 << 24);
    let (r3, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d5 * a8 + d6 * a7 + (q7 << 18) - (q6 << 21) + (q5 << 24);
    let (r4, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d6 * a8 + a7 * a7 + (q8 << 18) - (q7 << 21) + (q6 << 24);
    let (r5, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + d7 * a8 - (q8 << 21) + (q7 << 24);
    let (r6, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    let column = carry + a8 * a8 + (q8 << 24);
    let (r7, carry) = (column & LIMB_MASK, column >> LIMB_BITS);
    Element([r0, r1, r2, r3, r4, r5, r6, r7, carry]).check_bounds()
}
