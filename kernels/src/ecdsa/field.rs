//! The fields of P-256, P-384 and P-521: what does not depend on the prime. For public numbers
//! only: the code is written for speed.
//!
//! # Numbers
//!
//! The limbs of a number have the value Σ eᵢ·2^(bi), for limbs of b bits. An [`Element`] represents
//! that value / R modulo p. Multiplication of two elements yields their product / R. So elements of
//! a field with R other than 1 are in Montgomery form (Montgomery 1985).
//!
//! Each [`Prime`] states the bounds of an element's limbs and of its factors' limbs, and proves
//! that no column of a product overflows, that each result is within the bounds, and that
//! [`Element::is_zero`] is right. `kernels/tests/it/bounds.rs` checks the first two by running the
//! arithmetic on intervals.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the primes prove that none overflows"
)]

use crate::limbs::{self, Limb, Limbs};
use crate::wnaf::Field;
use std::fmt::Debug;
use std::ops::RangeInclusive;

/// The largest sum of the absolute values of the factors of a combination.
pub const LARGEST_COMBINATION: u64 = 17;

/// A prime p, and the arithmetic modulo p.
pub trait Prime: Copy + Debug + 'static {
    /// The limbs of a number.
    type Limbs<L: Limb + Eq>: Limbs<L>;

    /// The number of bits of a limb.
    const LIMB_BITS: u32;
    /// The bounds of the limbs of an element below the top limb.
    const LOWER_LIMBS: RangeInclusive<i64>;
    /// The bounds of the top limb of an element.
    const TOP_LIMB: RangeInclusive<i64>;
    /// The limbs of p.
    const PRIME: Self::Limbs<i64>;
    /// The limbs of R modulo p, which represent 1.
    const ONE: Self::Limbs<i64>;
    /// The limbs of R² modulo p. Multiplication by them converts to Montgomery form.
    const SQUARE_OF_RADIX: Self::Limbs<i64>;

    /// Reduces the columns of a product of factors, divided by R, to the limbs of an element.
    fn reduce<L: Limb + Eq>(columns: <Self::Limbs<L> as Limbs<L>>::Columns) -> Self::Limbs<L>;

    /// Reduces the sum of elements to an element whose value is less than p in absolute value and
    /// whose limbs are all 0 if the value is 0. A sum is of at most [`LARGEST_COMBINATION`]
    /// elements or their negatives.
    fn carry<L: Limb + Eq>(sum: Self::Limbs<L>) -> Self::Limbs<L>;
}

/// An element of the field.
#[derive(Clone, Copy, Debug)]
pub struct Element<P: Prime>(P::Limbs<i64>);

/// The difference of two elements, without carries.
#[derive(Clone, Copy, Debug)]
pub struct Difference<P: Prime>(P::Limbs<i64>);

/// A factor of a multiplication.
pub trait Factor<P: Prime> {
    /// The limbs are within this times the bounds of the limbs of an element in absolute value.
    const BOUND: i64;

    /// Returns the limbs.
    fn limbs(&self) -> &P::Limbs<i64>;

    /// Returns the product.
    #[inline(always)]
    fn times<F: Factor<P>>(&self, other: &F) -> Element<P> {
        const { assert!(Self::BOUND * F::BOUND <= 2, "a column could overflow") };
        debug_assert!(
            self.is_within_bounds() && other.is_within_bounds(),
            "a factor out of bounds"
        );
        multiply(self.limbs(), other.limbs())
    }

    /// Returns whether the limbs are within the bounds. For debug assertions.
    fn is_within_bounds(&self) -> bool {
        let largest = |range: RangeInclusive<i64>| range.start().abs().max(range.end().abs());
        let is_within = |limb: &i64, range| limb.abs() <= Self::BOUND * largest(range);
        self.limbs().as_ref().split_last().is_some_and(|(top, lower)| {
            lower.iter().all(|limb| is_within(limb, P::LOWER_LIMBS)) && is_within(top, P::TOP_LIMB)
        })
    }
}

impl<P: Prime> Factor<P> for Element<P> {
    const BOUND: i64 = 1;

    #[inline(always)]
    fn limbs(&self) -> &P::Limbs<i64> {
        &self.0
    }
}

impl<P: Prime> Factor<P> for Difference<P> {
    const BOUND: i64 = 2;

    #[inline(always)]
    fn limbs(&self) -> &P::Limbs<i64> {
        &self.0
    }
}

impl<P: Prime> Field for Element<P> {
    const ONE: Self = Self::ONE;

    fn multiply(&self, other: &Self) -> Self {
        self.times(other)
    }

    fn invert(&self) -> Self {
        self.inverse()
    }
}

impl<P: Prime> Element<P> {
    /// 0.
    pub const ZERO: Self = Self(P::Limbs::<i64>::ZERO);
    /// 1.
    pub const ONE: Self = Self(P::ONE);

    /// Takes limbs, which must be within the bounds.
    #[must_use]
    pub fn from_limbs(limbs: P::Limbs<i64>) -> Self {
        Self(limbs).check_bounds()
    }

    /// Converts a big-endian number of at most as many bits as p. It need not be below p.
    #[must_use]
    pub fn from_be_bytes(bytes: &[u8]) -> Self {
        // The sum of a single number: its limbs may be twice as large as those of an element.
        let number = limbs::from_bytes(P::LIMB_BITS, bytes.iter().rev().copied());
        Self(P::carry(number)).times(&Self(P::SQUARE_OF_RADIX))
    }

    /// Fills `bytes`, which must be as long as p, with the number below p that the element
    /// represents, big-endian.
    pub fn write_be_bytes(&self, bytes: &mut [u8]) {
        let mut unit = P::Limbs::<i64>::ZERO;
        if let Some(first) = unit.as_mut().first_mut() {
            *first = 1;
        }
        // Multiplication by the limbs of the number 1 divides by R.
        let Self(mut limbs) = Self::combination([(1, &self.times(&Self(unit)))]);
        // The sign of a number is that of its highest limb other than 0.
        if limbs.as_ref().iter().rev().find(|limb| **limb != 0).is_some_and(|limb| *limb < 0) {
            limbs = limbs.sum(&P::PRIME);
        }
        limbs::to_bytes(P::LIMB_BITS, &limbs, bytes);
        bytes.reverse();
    }

    /// Returns whether the result of [`Element::combination`] is 0. Only for such results are all
    /// limbs 0: a product that is 0 modulo p can have the value p.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == P::Limbs::<i64>::ZERO
    }

    /// Returns the difference, without carries.
    #[inline(always)]
    #[must_use]
    pub fn minus(&self, other: &Self) -> Difference<P> {
        Difference(self.0.difference(&other.0))
    }

    /// Returns the sum of the elements, each times its factor. The absolute values of the factors
    /// must sum up to at most [`LARGEST_COMBINATION`].
    #[inline(always)]
    #[must_use]
    pub fn combination<const TERMS: usize>(terms: [(i64, &Self); TERMS]) -> Self {
        debug_assert!(
            terms.iter().map(|(factor, _)| factor.unsigned_abs()).sum::<u64>()
                <= LARGEST_COMBINATION,
            "a combination out of bounds"
        );
        Self(P::carry(P::Limbs::combination(terms, |Self(limbs)| limbs))).check_bounds()
    }

    /// Returns the square.
    #[inline(never)]
    #[must_use]
    pub fn square(&self) -> Self {
        Self(P::reduce(self.0.square())).check_bounds()
    }

    /// Returns the inverse, by Fermat's little theorem: the power with the exponent p - 2. The
    /// inverse of 0 is 0.
    #[must_use]
    pub fn inverse(&self) -> Self {
        // Subtracting 2 needs no borrow, because the lowest limb of each prime is all ones.
        let limbs = P::PRIME;
        let bits = limbs.as_ref().iter().enumerate().rev().flat_map(|(index, limb)| {
            let limb = if index == 0 { limb - 2 } else { *limb };
            (0..P::LIMB_BITS).rev().map(move |bit| limb >> bit & 1)
        });
        bits.fold(Self::ONE, |power, bit| {
            let square = power.square();
            if bit == 1 { square.times(self) } else { square }
        })
    }

    #[inline(always)]
    fn check_bounds(self) -> Self {
        debug_assert!(
            self.0.as_ref().split_last().is_some_and(|(top, lower)| {
                lower.iter().all(|limb| P::LOWER_LIMBS.contains(limb)) && P::TOP_LIMB.contains(top)
            }),
            "{self:?}"
        );
        self
    }
}

#[inline(never)]
fn multiply<P: Prime>(left: &P::Limbs<i64>, right: &P::Limbs<i64>) -> Element<P> {
    Element(P::reduce(left.product(right))).check_bounds()
}
