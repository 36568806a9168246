//! Two numbers side by side, as a SIMD register holds them, and the multiply-add of the kernel.
//!
//! With relaxed SIMD, [`F64x2`] is a `v128`, and [`Hardware`] uses `f64x2.relaxed_madd`. Elsewhere
//! it is an array, and [`Hardware`] uses `f64::mul_add`, which rounds once by definition. Without
//! an instruction for it, `f64::mul_add` is emulated, and the kernel would be slower than the `rsa`
//! crate.

#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
pub use self::portable::F64x2;
#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
pub use self::portable::I64x2;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub use self::relaxed::F64x2;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub use self::relaxed::I64x2;

use super::montgomery::quotient_digits;
use super::number::{LIMB_BITS, LIMB_MASK, to_float};
use std::fmt::Debug;
use std::ops::Add;
use std::sync::OnceLock;

/// Two numbers in binary64. A parameter, so that tests can compute with intervals.
pub trait Floats: Copy + Debug {
    /// One of the numbers.
    type Lane: Copy;
    /// Two integers of 64 bits.
    type Integers: Integers<Limb = Self::Lane>;

    /// Returns a limb, which must be below 2^51.
    fn limb(limb: u64) -> Self::Lane;

    /// Returns the same constant in both lanes.
    fn constant(both: f64) -> Self;

    /// Returns the two numbers in this order.
    fn new(first: Self::Lane, second: Self::Lane) -> Self;

    /// Returns the same number in both lanes.
    fn splat(both: Self::Lane) -> Self;

    /// Returns the first lane.
    fn first(self) -> Self::Lane;

    /// Returns the second lane.
    fn second(self) -> Self::Lane;

    /// Subtracts lane by lane.
    #[must_use]
    fn minus(self, other: Self) -> Self;

    /// Returns the bit patterns.
    fn bits(self) -> Self::Integers;
}

/// Two integers of 64 bits. Sums wrap around.
pub trait Integers: Copy + Debug {
    /// One of the integers.
    type Lane: Integer<Limb = Self::Limb>;
    /// A limb in binary64.
    type Limb;

    /// Returns the product in both lanes.
    fn product(constant: i64, count: i64) -> Self;

    /// Returns the first lane.
    fn first(self) -> Self::Lane;

    /// Returns the second lane.
    fn second(self) -> Self::Lane;

    /// Adds lane by lane.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// Returns the first lane of `self` and the second lane of `other`.
    #[must_use]
    fn with_second_of(self, other: Self) -> Self;
}

/// An integer of 64 bits.
pub trait Integer: Copy + Debug + Add<Output = Self> {
    /// A limb in binary64.
    type Limb;

    /// 0.
    const ZERO: Self;

    /// Adds a product. The sum wraps around.
    #[must_use]
    fn plus_product(self, constant: i64, count: i64) -> Self;

    /// Returns the bits of the lowest limb, and the number above them.
    fn split(self) -> (Self::Limb, Self);

    /// Returns the two quotient digits for two columns, see `montgomery.rs`.
    fn quotient_digits(first: Self, second: Self, negative_inverse: [u64; 2]) -> [Self::Limb; 2];

    /// Returns whether the integer is 0. Returns `true` if that is not known.
    fn may_be_zero(self) -> bool;
}

impl Integer for i64 {
    type Limb = f64;

    const ZERO: Self = 0;

    #[inline(always)]
    fn plus_product(self, constant: i64, count: i64) -> Self {
        self.wrapping_add(constant.wrapping_mul(count))
    }

    #[inline(always)]
    fn split(self) -> (f64, Self) {
        (to_float(self.cast_unsigned() & LIMB_MASK), self >> LIMB_BITS)
    }

    #[inline(always)]
    fn quotient_digits(first: Self, second: Self, negative_inverse: [u64; 2]) -> [f64; 2] {
        quotient_digits(first.cast_unsigned(), second.cast_unsigned(), negative_inverse)
            .map(to_float)
    }

    fn may_be_zero(self) -> bool {
        self == 0
    }
}

impl Floats for F64x2 {
    type Lane = f64;
    type Integers = I64x2;

    #[inline(always)]
    fn limb(limb: u64) -> f64 {
        to_float(limb)
    }

    #[inline(always)]
    fn constant(both: f64) -> Self {
        Self::splat(both)
    }

    #[inline(always)]
    fn new(first: f64, second: f64) -> Self {
        Self::new(first, second)
    }

    #[inline(always)]
    fn splat(both: f64) -> Self {
        Self::splat(both)
    }

    #[inline(always)]
    fn first(self) -> f64 {
        self.first()
    }

    #[inline(always)]
    fn second(self) -> f64 {
        self.second()
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.minus(other)
    }

    #[inline(always)]
    fn bits(self) -> I64x2 {
        self.bits()
    }
}

impl Integers for I64x2 {
    type Lane = i64;
    type Limb = f64;

    #[inline(always)]
    fn product(constant: i64, count: i64) -> Self {
        Self::splat(constant.wrapping_mul(count))
    }

    #[inline(always)]
    fn first(self) -> i64 {
        self.first()
    }

    #[inline(always)]
    fn second(self) -> i64 {
        self.second()
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.plus(other)
    }

    #[inline(always)]
    fn with_second_of(self, other: Self) -> Self {
        self.with_second_of(other)
    }
}

/// The multiply-add that the kernel uses. It is a parameter so that tests can replace it by one
/// that rounds twice.
pub trait Arithmetic {
    /// The numbers.
    type Floats: Floats;

    /// Returns `left * right + addend`, lane by lane. The kernel needs a result that is rounded
    /// once.
    fn multiply_add(left: Self::Floats, right: Self::Floats, addend: Self::Floats) -> Self::Floats;

    /// Returns whether verdicts may depend on this arithmetic.
    fn is_trusted() -> bool;
}

/// The multiply-add of the machine.
pub struct Hardware;

impl Hardware {
    /// Whether this build multiplies and adds in one instruction. Otherwise the result is correct,
    /// but slow.
    pub const IS_FAST: bool = cfg!(any(
        all(target_arch = "wasm32", target_feature = "relaxed-simd"),
        all(target_arch = "x86_64", target_feature = "fma"),
        target_arch = "aarch64",
    ));
}

impl Arithmetic for Hardware {
    type Floats = F64x2;

    #[inline(always)]
    fn multiply_add(left: F64x2, right: F64x2, addend: F64x2) -> F64x2 {
        left.multiply_add(right, addend)
    }

    /// Returns whether the arithmetic is fast and has passed the self-test.
    ///
    /// The self-test runs once. A runtime may choose whether `relaxed_madd` rounds once or twice,
    /// but it has to choose the same for the whole execution.
    fn is_trusted() -> bool {
        static IS_EXACT: OnceLock<bool> = OnceLock::new();
        Self::IS_FAST && *IS_EXACT.get_or_init(super::number::is_exact::<Self>)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod relaxed {
    use core::arch::wasm32::{
        f64x2, f64x2_extract_lane, f64x2_relaxed_madd, f64x2_splat, f64x2_sub, i64x2_add,
        i64x2_extract_lane, i64x2_shuffle, i64x2_splat, v128,
    };

    /// Two numbers in binary64.
    #[derive(Clone, Copy, Debug)]
    pub struct F64x2(v128);

    impl F64x2 {
        /// Returns the two numbers in this order.
        #[inline(always)]
        #[must_use]
        pub fn new(first: f64, second: f64) -> Self {
            Self(f64x2(first, second))
        }

        /// Returns the same number in both lanes.
        #[inline(always)]
        #[must_use]
        pub fn splat(both: f64) -> Self {
            Self(f64x2_splat(both))
        }

        /// Returns the first lane.
        #[inline(always)]
        #[must_use]
        pub fn first(self) -> f64 {
            f64x2_extract_lane::<0>(self.0)
        }

        /// Returns the second lane.
        #[inline(always)]
        #[must_use]
        pub fn second(self) -> f64 {
            f64x2_extract_lane::<1>(self.0)
        }

        /// Subtracts lane by lane.
        #[inline(always)]
        #[must_use]
        pub fn minus(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        /// Returns `self * factor + addend`. The runtime chooses whether it rounds once or twice.
        #[inline(always)]
        #[must_use]
        pub(super) fn multiply_add(self, factor: Self, addend: Self) -> Self {
            Self(f64x2_relaxed_madd(self.0, factor.0, addend.0))
        }

        /// Returns the bit patterns.
        #[inline(always)]
        #[must_use]
        pub fn bits(self) -> I64x2 {
            I64x2(self.0)
        }
    }

    /// Two integers of 64 bits. Sums wrap around.
    #[derive(Clone, Copy, Debug)]
    pub struct I64x2(v128);

    impl I64x2 {
        /// Returns the same number in both lanes.
        #[inline(always)]
        #[must_use]
        pub fn splat(both: i64) -> Self {
            Self(i64x2_splat(both))
        }

        /// Returns the first lane.
        #[inline(always)]
        #[must_use]
        pub fn first(self) -> i64 {
            i64x2_extract_lane::<0>(self.0)
        }

        /// Returns the second lane.
        #[inline(always)]
        #[must_use]
        pub fn second(self) -> i64 {
            i64x2_extract_lane::<1>(self.0)
        }

        /// Adds lane by lane.
        #[inline(always)]
        #[must_use]
        pub fn plus(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }

        /// Returns the first lane of `self` and the second lane of `other`.
        #[inline(always)]
        #[must_use]
        pub fn with_second_of(self, other: Self) -> Self {
            Self(i64x2_shuffle::<0, 3>(self.0, other.0))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
mod portable {
    /// Two numbers in binary64.
    #[derive(Clone, Copy, Debug)]
    pub struct F64x2([f64; 2]);

    impl F64x2 {
        /// Returns the two numbers in this order.
        #[inline(always)]
        #[must_use]
        pub const fn new(first: f64, second: f64) -> Self {
            Self([first, second])
        }

        /// Returns the same number in both lanes.
        #[inline(always)]
        #[must_use]
        pub const fn splat(both: f64) -> Self {
            Self([both; 2])
        }

        /// Returns the first lane.
        #[inline(always)]
        #[must_use]
        pub const fn first(self) -> f64 {
            self.0[0]
        }

        /// Returns the second lane.
        #[inline(always)]
        #[must_use]
        pub const fn second(self) -> f64 {
            self.0[1]
        }

        /// Subtracts lane by lane.
        #[inline(always)]
        #[must_use]
        pub const fn minus(self, other: Self) -> Self {
            Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
        }

        /// Returns `self * factor + addend`, rounded once.
        #[inline(always)]
        #[must_use]
        pub(super) fn multiply_add(self, factor: Self, addend: Self) -> Self {
            Self([
                self.0[0].mul_add(factor.0[0], addend.0[0]),
                self.0[1].mul_add(factor.0[1], addend.0[1]),
            ])
        }

        /// Returns the bit patterns.
        #[inline(always)]
        #[must_use]
        pub const fn bits(self) -> I64x2 {
            I64x2([self.0[0].to_bits().cast_signed(), self.0[1].to_bits().cast_signed()])
        }
    }

    /// Two integers of 64 bits. Sums wrap around.
    #[derive(Clone, Copy, Debug)]
    pub struct I64x2([i64; 2]);

    impl I64x2 {
        /// Returns the same number in both lanes.
        #[inline(always)]
        #[must_use]
        pub const fn splat(both: i64) -> Self {
            Self([both; 2])
        }

        /// Returns the first lane.
        #[inline(always)]
        #[must_use]
        pub const fn first(self) -> i64 {
            self.0[0]
        }

        /// Returns the second lane.
        #[inline(always)]
        #[must_use]
        pub const fn second(self) -> i64 {
            self.0[1]
        }

        /// Adds lane by lane.
        #[inline(always)]
        #[must_use]
        pub const fn plus(self, other: Self) -> Self {
            Self([self.0[0].wrapping_add(other.0[0]), self.0[1].wrapping_add(other.0[1])])
        }

        /// Returns the first lane of `self` and the second lane of `other`.
        #[inline(always)]
        #[must_use]
        pub const fn with_second_of(self, other: Self) -> Self {
            Self([self.0[0], other.0[1]])
        }
    }
}
