//! Numbers in signed limbs: the operations that the fields share because they do not depend on the
//! prime.
//!
//! No function here checks for overflow. Each field states the bounds of its limbs and proves that
//! they rule overflow out. The arithmetic is generic over [`Limb`], so that tests can run it on
//! intervals instead of numbers and check the proofs.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the fields prove that none overflows"
)]

use std::fmt::Debug;
use std::ops::{Add, Mul, Shl, Sub};

/// A limb, or a sum of products of limbs: `i64`, or in tests an interval that contains it.
pub trait Limb:
    Copy
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Shl<u32, Output = Self>
{
    /// 0.
    const ZERO: Self;

    /// Returns the product with a constant.
    fn scaled(self, factor: i64) -> Self;

    /// Returns a digit in [0, 2^bits) and a carry, with `self` = digit + carry · 2^bits.
    fn split(self, bits: u32) -> (Self, Self);

    /// Returns a digit in [-2^(bits - 1), 2^(bits - 1)) and a carry, with `self` = digit + carry ·
    /// 2^bits.
    fn split_centered(self, bits: u32) -> (Self, Self);
}

impl Limb for i64 {
    const ZERO: Self = 0;

    #[inline(always)]
    fn scaled(self, factor: i64) -> Self {
        self * factor
    }

    #[inline(always)]
    fn split(self, bits: u32) -> (Self, Self) {
        (self & ((1 << bits) - 1), self >> bits)
    }

    #[inline(always)]
    fn split_centered(self, bits: u32) -> (Self, Self) {
        let carry = (self + (1 << (bits - 1))) >> bits;
        (self - (carry << bits), carry)
    }
}

/// The limbs e₀, e₁, … of a number Σ eᵢ·2^(bi), for limbs of b bits.
pub trait Limbs<L: Limb>: Copy + Debug + Eq + AsRef<[L]> + AsMut<[L]> {
    /// One column less than twice the limbs.
    type Columns;

    /// Limbs that are all 0.
    const ZERO: Self;

    /// Returns the columns of the product, the lowest first: the sums of the products of limbs of
    /// one weight.
    fn product(&self, other: &Self) -> Self::Columns;

    /// Returns the columns of the square. Each pair of equal products is replaced by a doubled limb
    /// times a limb, which yields the same sums with fewer terms.
    fn square(&self) -> Self::Columns;

    /// Adds limb by limb, without carries.
    fn sum(&self, other: &Self) -> Self;

    /// Subtracts limb by limb, without carries.
    fn difference(&self, other: &Self) -> Self;

    /// Multiplies limb by limb, without carries.
    fn scaled(&self, factor: i64) -> Self;

    /// Returns the sum of the limbs of one to three elements, each times its factor, without
    /// carries.
    ///
    /// Each number of terms is written out. In a loop over them, or after [`array::map`], the
    /// factors would not be constants, and the additions of points would take twice as long.
    #[inline(always)]
    fn combination<E, const TERMS: usize>(
        terms: [(i64, &E); TERMS],
        limbs: impl Fn(&E) -> &Self,
    ) -> Self {
        const { assert!(1 <= TERMS && TERMS <= 3, "a number of terms that is not written out") };
        match terms.as_slice() {
            [(f, a)] => limbs(a).scaled(*f),
            [(f, a), (g, b)] => limbs(a).scaled(*f).sum(&limbs(b).scaled(*g)),
            [(f, a), (g, b), (h, c)] => {
                limbs(a).scaled(*f).sum(&limbs(b).scaled(*g)).sum(&limbs(c).scaled(*h))
            }
            _ => Self::ZERO,
        }
    }
}

/// Writes out the columns of a product. LLVM would vectorize loops over the limbs, and the vector
/// code takes twice as long. The last limb of the second number stands apart.
///
/// Each step completes the lowest column and adds the row of the next limb a: the products a·b₀,
/// a·b₁, …. The product with the last limb begins a new column.
macro_rules! product_columns {
    ([$a:ident $($more:ident)*] [$($b:ident)*] $last:ident) => {
        product_columns!(@row [] [$($a * $b,)* $a * $last,] [$($more)*] [$($b)*] $last)
    };
    (@row [$($complete:expr,)*] [$lowest:expr, $($column:expr,)*] [$a:ident $($more:ident)*]
        [$($b:ident)*] $last:ident) => {
        product_columns!(@row [$($complete,)* $lowest,] [$($column + $a * $b,)* $a * $last,]
            [$($more)*] [$($b)*] $last)
    };
    (@row [$($complete:expr,)*] [$($column:expr,)*] [] [$($b:ident)*] $last:ident) => {
        [$($complete,)* $($column,)*]
    };
}

/// Writes out the columns of a square, as [`product_columns`] does for a product. The row of a limb
/// consists of its square and of its products with the limbs above it, doubled. It completes two
/// columns.
macro_rules! square_columns {
    ([$a:ident $a1:ident $($a2:ident)*] $last:ident [$d:ident $($more:ident)*]) => {
        square_columns!(@row [$a * $a, $d * $a1,] [$($d * $a2,)* $d * $last,] [$a1 $($a2)*] $last
            [$($more)*])
    };
    (@row [$($complete:expr,)*] [$lowest:expr, $second:expr, $($column:expr,)*]
        [$a:ident $a1:ident $($a2:ident)*] $last:ident [$d:ident $($more:ident)*]) => {
        square_columns!(@row [$($complete,)* $lowest + $a * $a, $second + $d * $a1,]
            [$($column + $d * $a2,)* $d * $last,] [$a1 $($a2)*] $last [$($more)*])
    };
    (@row [$($complete:expr,)*] [$lowest:expr,] [$a:ident] $last:ident [$d:ident]) => {
        [$($complete,)* $lowest + $a * $a, $d * $last, $last * $last]
    };
}

/// Implements [`Limbs`] for a number of limbs and columns. Every limb is named, because LLVM would
/// vectorize loops over them: first those of one number, then those of another, then the doubled
/// limbs. The last limb of each number stands apart.
macro_rules! limbs {
    ($limbs:literal, $columns:literal, [$($a:ident)*] $a_last:ident, [$($b:ident)*] $b_last:ident,
        [$($d:ident)*]) => {
        impl<L: Limb + Eq> Limbs<L> for [L; $limbs] {
            type Columns = [L; $columns];

            const ZERO: Self = [L::ZERO; $limbs];

            #[inline(always)]
            fn product(&self, other: &Self) -> Self::Columns {
                let ([$($a,)* $a_last], [$($b,)* $b_last]) = (*self, *other);
                product_columns!([$($a)* $a_last] [$($b)*] $b_last)
            }

            #[inline(always)]
            fn square(&self) -> Self::Columns {
                let [$($a,)* $a_last] = *self;
                let [$($d,)*] = [$($a + $a,)*];
                square_columns!([$($a)*] $a_last [$($d)*])
            }

            #[inline(always)]
            fn sum(&self, other: &Self) -> Self {
                let ([$($a,)* $a_last], [$($b,)* $b_last]) = (*self, *other);
                [$($a + $b,)* $a_last + $b_last]
            }

            #[inline(always)]
            fn difference(&self, other: &Self) -> Self {
                let ([$($a,)* $a_last], [$($b,)* $b_last]) = (*self, *other);
                [$($a - $b,)* $a_last - $b_last]
            }

            #[inline(always)]
            fn scaled(&self, factor: i64) -> Self {
                let [$($a,)* $a_last] = *self;
                [$($a.scaled(factor),)* $a_last.scaled(factor)]
            }
        }
    };
}

limbs!(
    9,
    17,
    [a0 a1 a2 a3 a4 a5 a6 a7] a8,
    [b0 b1 b2 b3 b4 b5 b6 b7] b8,
    [d0 d1 d2 d3 d4 d5 d6 d7]
);
limbs!(
    14,
    27,
    [a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12] a13,
    [b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 b10 b11 b12] b13,
    [d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11 d12]
);
limbs!(
    18,
    35,
    [a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15 a16] a17,
    [b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 b10 b11 b12 b13 b14 b15 b16] b17,
    [d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 d10 d11 d12 d13 d14 d15 d16]
);

/// Returns the limbs, each in [0, 2^`bits`), of the number whose bytes are given, the lowest first.
pub(crate) fn from_bytes<N: Limbs<i64>>(bits: u32, mut bytes: impl Iterator<Item = u8>) -> N {
    let (mut buffer, mut bits_held) = (0_i64, 0);
    let mut limbs = N::ZERO;
    for limb in limbs.as_mut() {
        while bits_held < bits {
            buffer |= i64::from(bytes.next().unwrap_or(0)) << bits_held;
            bits_held += 8;
        }
        (*limb, buffer) = buffer.split(bits);
        bits_held -= bits;
    }
    limbs
}

/// Fills `bytes`, the lowest first, with the low bytes of a number that is not negative.
pub(crate) fn to_bytes<N: Limbs<i64>>(bits: u32, limbs: &N, bytes: &mut [u8]) {
    let mut limbs = limbs.as_ref().iter();
    let (mut buffer, mut bits_held) = (0_i64, 0);
    for byte in bytes {
        if bits_held < 8 {
            // Addition rather than `|`, because a limb may be negative or longer than its bits.
            buffer += limbs.next().unwrap_or(&0) << bits_held;
            bits_held += bits;
        }
        [*byte, ..] = buffer.to_le_bytes();
        buffer >>= 8;
        bits_held -= 8;
    }
}
