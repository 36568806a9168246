//! Two numbers side by side, as one SIMD register holds them.
//!
//! With relaxed SIMD a [`Floats`] is a `v128`, and [`Hardware`] multiplies and adds with
//! `f64x2.relaxed_madd`. Everywhere else it is an array, and `f64::mul_add` does the same: fused by
//! definition, in one instruction where the build may use one, and else in software, which is exact but
//! slower than the `rsa` crate.

use std::sync::OnceLock;

#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
pub use self::portable::Floats;
#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
pub(super) use self::portable::Integers;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub use self::simd::Floats;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub(super) use self::simd::Integers;

/// What multiplies and adds: a parameter, so that a test can bring one that rounds twice.
pub trait Arithmetic {
    /// `left * right + addend`, lane by lane; rounded once if the arithmetic is worth its name.
    fn multiply_add(left: Floats, right: Floats, addend: Floats) -> Floats;

    /// Whether signatures may depend on it.
    fn is_trusted() -> bool;
}

/// The instruction of the machine, if it has one.
pub struct Hardware;

impl Hardware {
    /// Whether this build has an instruction for it. Without, the arithmetic is right but slow.
    pub const IS_FAST: bool = cfg!(any(
        all(target_arch = "wasm32", target_feature = "relaxed-simd"),
        all(target_arch = "x86_64", target_feature = "fma"),
        target_arch = "aarch64",
    ));
}

impl Arithmetic for Hardware {
    #[inline(always)]
    fn multiply_add(left: Floats, right: Floats, addend: Floats) -> Floats {
        left.multiply_add(right, addend)
    }

    /// A runtime may round `relaxed_madd` once or twice, as its machine does it, but does so for good: so
    /// it is asked once.
    fn is_trusted() -> bool {
        static VERDICT: OnceLock<bool> = OnceLock::new();
        Self::IS_FAST && *VERDICT.get_or_init(super::limbs::is_exact::<Self>)
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod simd {
    use core::arch::wasm32::{
        f64x2, f64x2_extract_lane, f64x2_relaxed_madd, f64x2_splat, f64x2_sub, i64x2_add,
        i64x2_extract_lane, i64x2_shuffle, i64x2_splat, v128,
    };

    /// Two numbers in binary64.
    #[derive(Clone, Copy, Debug)]
    pub struct Floats(v128);

    impl Floats {
        /// The two, in this order.
        #[inline(always)]
        #[must_use]
        pub fn new(first: f64, second: f64) -> Self {
            Self(f64x2(first, second))
        }

        /// The same number twice.
        #[inline(always)]
        #[must_use]
        pub fn splat(both: f64) -> Self {
            Self(f64x2_splat(both))
        }

        /// The first.
        #[inline(always)]
        #[must_use]
        pub fn first(self) -> f64 {
            f64x2_extract_lane::<0>(self.0)
        }

        /// The second.
        #[inline(always)]
        #[must_use]
        pub fn second(self) -> f64 {
            f64x2_extract_lane::<1>(self.0)
        }

        /// The differences.
        #[inline(always)]
        #[must_use]
        pub fn minus(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        /// `self * factor + addend`; whether rounded once or twice is up to the runtime.
        #[inline(always)]
        #[must_use]
        pub(super) fn multiply_add(self, factor: Self, addend: Self) -> Self {
            Self(f64x2_relaxed_madd(self.0, factor.0, addend.0))
        }

        /// The bit patterns.
        #[inline(always)]
        #[must_use]
        pub fn bits(self) -> Integers {
            Integers(self.0)
        }
    }

    /// Two integers of 64 bits, whose sums wrap.
    #[derive(Clone, Copy, Debug)]
    pub struct Integers(v128);

    impl Integers {
        /// The same number twice.
        #[inline(always)]
        #[must_use]
        pub fn splat(both: i64) -> Self {
            Self(i64x2_splat(both))
        }

        /// The first.
        #[inline(always)]
        #[must_use]
        pub fn first(self) -> i64 {
            i64x2_extract_lane::<0>(self.0)
        }

        /// The second.
        #[inline(always)]
        #[must_use]
        pub fn second(self) -> i64 {
            i64x2_extract_lane::<1>(self.0)
        }

        /// The sums.
        #[inline(always)]
        #[must_use]
        pub fn plus(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }

        /// Its first, and the other's second.
        #[inline(always)]
        #[must_use]
        pub fn then_second_of(self, other: Self) -> Self {
            Self(i64x2_shuffle::<0, 3>(self.0, other.0))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
mod portable {
    /// Two numbers in binary64.
    #[derive(Clone, Copy, Debug)]
    pub struct Floats([f64; 2]);

    impl Floats {
        /// The two, in this order.
        #[inline(always)]
        #[must_use]
        pub const fn new(first: f64, second: f64) -> Self {
            Self([first, second])
        }

        /// The same number twice.
        #[inline(always)]
        #[must_use]
        pub const fn splat(both: f64) -> Self {
            Self([both; 2])
        }

        /// The first.
        #[inline(always)]
        #[must_use]
        pub const fn first(self) -> f64 {
            self.0[0]
        }

        /// The second.
        #[inline(always)]
        #[must_use]
        pub const fn second(self) -> f64 {
            self.0[1]
        }

        /// The differences.
        #[inline(always)]
        #[must_use]
        pub const fn minus(self, other: Self) -> Self {
            Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
        }

        /// `self * factor + addend`, rounded once.
        #[inline(always)]
        #[must_use]
        pub(super) fn multiply_add(self, factor: Self, addend: Self) -> Self {
            Self([
                self.0[0].mul_add(factor.0[0], addend.0[0]),
                self.0[1].mul_add(factor.0[1], addend.0[1]),
            ])
        }

        /// The bit patterns.
        #[inline(always)]
        #[must_use]
        pub const fn bits(self) -> Integers {
            Integers([self.0[0].to_bits().cast_signed(), self.0[1].to_bits().cast_signed()])
        }
    }

    /// Two integers of 64 bits, whose sums wrap.
    #[derive(Clone, Copy, Debug)]
    pub struct Integers([i64; 2]);

    impl Integers {
        /// The same number twice.
        #[inline(always)]
        #[must_use]
        pub const fn splat(both: i64) -> Self {
            Self([both; 2])
        }

        /// The first.
        #[inline(always)]
        #[must_use]
        pub const fn first(self) -> i64 {
            self.0[0]
        }

        /// The second.
        #[inline(always)]
        #[must_use]
        pub const fn second(self) -> i64 {
            self.0[1]
        }

        /// The sums.
        #[inline(always)]
        #[must_use]
        pub const fn plus(self, other: Self) -> Self {
            Self([self.0[0].wrapping_add(other.0[0]), self.0[1].wrapping_add(other.0[1])])
        }

        /// Its first, and the other's second.
        #[inline(always)]
        #[must_use]
        pub const fn then_second_of(self, other: Self) -> Self {
            Self([self.0[0], other.0[1]])
        }
    }
}
