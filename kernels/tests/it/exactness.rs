//! The arithmetic of RSA, run on intervals instead of numbers, from factors with any limbs and for
//! every supported size. It proves that each product of limbs is exact, and that no sum of products
//! leaves the bounds stated in `rsa/montgomery.rs`.
//!
//! The two parts of a product are computed one from the other, which plain intervals cannot follow.
//! So a number in binary64 is an interval plus a multiple of one unknown product of two limbs. The
//! arithmetic knows the multiple exactly, so that the product cancels where the kernel cancels it.

use portcullis_kernels::internals::rsa::{Arithmetic, Floats, Integer, Integers, Modulus, Number};
use std::cell::Cell;
use std::iter;
use std::marker::PhantomData;
use std::ops::Add;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const LIMB_BITS: u32 = 51;
/// The sums that the kernel reads are less than this in absolute value.
const LARGEST_SUM: i128 = 1 << 61;
/// The numbers of pairs of limbs for 2048 to 8192 bits.
const HALVES: std::ops::RangeInclusive<usize> = 21..=81;

thread_local! {
    static PROVEN: Cell<bool> = const { Cell::new(true) };
    static LIMBS: Cell<u64> = const { Cell::new(0) };
}

/// Notes that the proof has failed unless the condition holds.
fn require(condition: bool) {
    PROVEN.set(PROVEN.get() && condition);
}

/// Returns whether nothing fails in the function.
fn is_proven(function: impl FnOnce()) -> bool {
    PROVEN.set(true);
    function();
    PROVEN.get()
}

/// An unknown product of two limbs, which are known by their numbers.
type Product = (u64, u64);

/// A number in binary64: a whole number in [low, high] that is a multiple of 2^step.
#[derive(Clone, Copy, Debug)]
struct Float {
    low: i128,
    high: i128,
    step: u32,
    /// Which limb the number is. 0 for other numbers.
    limb: u64,
    /// The number minus `coefficient` times the product is in [`rest_low`, `rest_high`].
    product: Product,
    coefficient: i128,
    rest_low: i128,
    rest_high: i128,
}

impl Float {
    fn constant(number: f64) -> Self {
        // A whole number, converted exactly.
        let whole: i128 = format!("{number:.0}").parse().unwrap();
        // Larger steps are not needed.
        let step = whole.trailing_zeros().min(60);
        Self {
            low: whole,
            high: whole,
            step,
            limb: 0,
            product: (0, 0),
            coefficient: 0,
            rest_low: whole,
            rest_high: whole,
        }
    }

    /// Returns an unknown limb, between two bounds.
    fn limb(low: i128, high: i128) -> Self {
        let limb = LIMBS.get() + 1;
        LIMBS.set(limb);
        let zero = Self::constant(0.0);
        Self { low, high, step: 0, limb, rest_low: low, rest_high: high, ..zero }
    }

    /// Returns the exponent of the binade that contains the number.
    fn binade(self) -> Option<u32> {
        let exponent = self.low.checked_ilog2()?;
        (self.high <= 2 << exponent).then_some(exponent)
    }

    /// Rounds to binary64, which has 53 bits.
    fn rounded(self) -> Self {
        let size = self.low.abs().max(self.high.abs());
        if size <= 1 << (53 + self.step) {
            return self;
        }
        // All roundings have the same unit only within one binade.
        let Some(step) = self.binade().and_then(|exponent| exponent.checked_sub(52)) else {
            require(false);
            return self;
        };
        if self.step >= step {
            return self;
        }
        // The high part of a product may be rounded, because the low part makes up for it.
        require(self.coefficient == 1);
        let half = 1_i128 << step >> 1;
        let round = |number: i128| (number + half) >> step << step;
        Self {
            low: round(self.low),
            high: round(self.high),
            step,
            rest_low: self.rest_low - half,
            rest_high: self.rest_high + half,
            ..self
        }
    }

    /// Returns a number without a product if its multiple is 0.
    fn narrowed(self) -> Self {
        if self.coefficient != 0 {
            return self;
        }
        let (low, high) = (self.low.max(self.rest_low), self.high.min(self.rest_high));
        Self { low, high, product: (0, 0), rest_low: low, rest_high: high, ..self }
    }

    fn minus(self, other: Self) -> Self {
        require(self.coefficient == 0);
        Self {
            low: self.low - other.high,
            high: self.high - other.low,
            step: self.step.min(other.step),
            limb: 0,
            product: other.product,
            coefficient: -other.coefficient,
            rest_low: self.rest_low - other.rest_high,
            rest_high: self.rest_high - other.rest_low,
        }
        .rounded()
    }

    /// Returns the exact product plus the addend.
    fn product_plus(left: Self, right: Self, addend: Self) -> Self {
        // The kernel multiplies limbs only.
        require(left.limb != 0 && right.limb != 0);
        let product = (left.limb, right.limb);
        require(addend.coefficient == 0 || addend.product == product);
        Self {
            low: left.low * right.low + addend.low,
            high: left.high * right.high + addend.high,
            step: addend.step.min(left.step + right.step),
            limb: 0,
            product,
            coefficient: addend.coefficient + 1,
            rest_low: addend.rest_low,
            rest_high: addend.rest_high,
        }
        .narrowed()
    }

    /// Returns the bit pattern, which grows by one per step within a binade.
    fn bits(self) -> Sum {
        let Some(exponent) = self.binade() else {
            require(false);
            return Sum { low: 0, high: 0 };
        };
        require(exponent >= 52 && self.step >= exponent - 52);
        let pattern = |number: i128| {
            (i128::from(1023 + exponent) << 52) + ((number - (1 << exponent)) >> (exponent - 52))
        };
        Sum { low: pattern(self.low), high: pattern(self.high) }
    }
}

/// A sum that the kernel computes modulo 2^64, as the whole number that it stands for.
#[derive(Clone, Copy, Debug)]
struct Sum {
    low: i128,
    high: i128,
}

impl Sum {
    fn read(self) -> Self {
        require(self.low > -LARGEST_SUM && self.high < LARGEST_SUM);
        self
    }
}

impl Add for Sum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }
}

/// How a limb is made of a sum.
trait Carrying: Copy + std::fmt::Debug {
    fn digit(sum: Sum) -> Float;
}

/// The low bits of the sum.
#[derive(Clone, Copy, Debug)]
struct Carried;

impl Carrying for Carried {
    fn digit(_: Sum) -> Float {
        Float::limb(0, (1 << LIMB_BITS) - 1)
    }
}

/// A fault: all of the sum, without a carry.
#[derive(Clone, Copy, Debug)]
struct Kept;

impl Carrying for Kept {
    fn digit(sum: Sum) -> Float {
        Float::limb(sum.low, sum.high)
    }
}

#[derive(Clone, Copy, Debug)]
struct Lane<C>(Sum, PhantomData<C>);

impl<C> Lane<C> {
    const fn new(sum: Sum) -> Self {
        Self(sum, PhantomData)
    }
}

impl<C> Add for Lane<C> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new((self.0 + other.0).read())
    }
}

impl<C: Carrying> Integer for Lane<C> {
    type Limb = Float;

    const ZERO: Self = Self::new(Sum { low: 0, high: 0 });

    fn plus_product(self, constant: i64, count: i64) -> Self {
        let product = i128::from(constant) * i128::from(count);
        Self::new((self.0 + Sum { low: product, high: product }).read())
    }

    fn split(self) -> (Float, Self) {
        let Sum { low, high } = self.0;
        (C::digit(self.0), Self::new(Sum { low: low >> LIMB_BITS, high: high >> LIMB_BITS }))
    }

    fn quotient_digits(_: Self, _: Self, _: [u64; 2]) -> [Float; 2] {
        [(); 2].map(|()| Float::limb(0, (1 << LIMB_BITS) - 1))
    }

    fn may_be_zero(self) -> bool {
        require(self.0.low <= 0 && self.0.high >= 0);
        true
    }
}

#[derive(Clone, Copy, Debug)]
struct Sums<C>([Sum; 2], PhantomData<C>);

impl<C: Carrying> Integers for Sums<C> {
    type Lane = Lane<C>;
    type Limb = Float;

    fn product(constant: i64, count: i64) -> Self {
        let product = i128::from(constant) * i128::from(count);
        Self([Sum { low: product, high: product }; 2], PhantomData)
    }

    fn first(self) -> Lane<C> {
        Lane::new(self.0[0])
    }

    fn second(self) -> Lane<C> {
        Lane::new(self.0[1])
    }

    fn plus(self, other: Self) -> Self {
        Self([self.0[0] + other.0[0], self.0[1] + other.0[1]], PhantomData)
    }

    fn with_second_of(self, other: Self) -> Self {
        Self([self.0[0], other.0[1]], PhantomData)
    }
}

#[derive(Clone, Copy, Debug)]
struct Pair<C>([Float; 2], PhantomData<C>);

impl<C: Carrying> Floats for Pair<C> {
    type Lane = Float;
    type Integers = Sums<C>;

    fn limb(limb: u64) -> Float {
        Float::limb(limb.into(), limb.into())
    }

    fn constant(both: f64) -> Self {
        Self([Float::constant(both); 2], PhantomData)
    }

    fn new(first: Float, second: Float) -> Self {
        Self([first, second], PhantomData)
    }

    fn splat(both: Float) -> Self {
        Self([both; 2], PhantomData)
    }

    fn first(self) -> Float {
        self.0[0]
    }

    fn second(self) -> Float {
        self.0[1]
    }

    fn minus(self, other: Self) -> Self {
        Self([self.0[0].minus(other.0[0]), self.0[1].minus(other.0[1])], PhantomData)
    }

    fn bits(self) -> Sums<C> {
        Sums(self.0.map(Float::bits), PhantomData)
    }
}

/// A multiply-add that rounds once.
struct RoundsOnce<C>(PhantomData<C>);

impl<C: Carrying> Arithmetic for RoundsOnce<C> {
    type Floats = Pair<C>;

    fn multiply_add(left: Pair<C>, right: Pair<C>, addend: Pair<C>) -> Pair<C> {
        let lane = |lane: fn(Pair<C>) -> Float| {
            Float::product_plus(lane(left), lane(right), lane(addend)).rounded()
        };
        Pair([lane(Pair::first), lane(Pair::second)], PhantomData)
    }

    fn is_trusted() -> bool {
        true
    }
}

/// A fault: a multiply-add that also rounds the product.
struct RoundsTwice;

impl Arithmetic for RoundsTwice {
    type Floats = Pair<Carried>;

    fn multiply_add(
        left: Pair<Carried>,
        right: Pair<Carried>,
        addend: Pair<Carried>,
    ) -> Pair<Carried> {
        let lane = |lane: fn(Pair<Carried>) -> Float| {
            let _ = Float::product_plus(lane(left), lane(right), Float::constant(0.0)).rounded();
            Float::product_plus(lane(left), lane(right), lane(addend)).rounded()
        };
        Pair([lane(Pair::first), lane(Pair::second)], PhantomData)
    }

    fn is_trusted() -> bool {
        true
    }
}

/// Returns a number with unknown limbs.
fn unknown<F: Floats<Lane = Float>>(half: usize) -> Number<F> {
    let mut number = Number::zero(half);
    let limb = || Float::limb(0, (1 << LIMB_BITS) - 1);
    number.set_limbs(iter::repeat_with(|| [limb(), limb()]));
    number
}

/// Computes a product and a square of products, so that the results are factors, too.
fn compute<A: Arithmetic<Floats: Floats<Lane = Float>>>(half: usize) {
    let modulus = Modulus::new(unknown::<A::Floats>(half), [0; 2]);
    let product = modulus.multiply::<A>(&unknown(half), &unknown(half));
    let square = modulus.square::<A>(&product);
    let _ = modulus.multiply::<A>(&square, &product);
}

#[test]
fn products_are_exact_and_sums_are_within_their_bounds() {
    for half in HALVES {
        assert!(is_proven(|| compute::<RoundsOnce<Carried>>(half)), "{half} pairs of limbs");
    }
}

#[test]
fn the_proof_fails_if_the_carries_are_not_removed_from_the_limbs() {
    assert!(!is_proven(|| compute::<RoundsOnce<Kept>>(21)));
}

#[test]
fn the_proof_fails_if_products_are_rounded_twice() {
    assert!(!is_proven(|| compute::<RoundsTwice>(21)));
}

/// The bounds are not so wide that nothing could leave them.
#[test]
fn the_proof_fails_for_a_modulus_four_times_as_long() {
    assert!(!is_proven(|| compute::<RoundsOnce<Carried>>(4 * 81)));
}

#[test]
fn the_proof_fails_for_limbs_of_52_bits() {
    let number = || {
        let mut number = Number::<Pair<Carried>>::zero(21);
        let limb = || Float::limb(0, (2 << LIMB_BITS) - 1);
        number.set_limbs(iter::repeat_with(|| [limb(), limb()]));
        number
    };
    let modulus = Modulus::new(unknown::<Pair<Carried>>(21), [0; 2]);
    assert!(!is_proven(|| {
        let _ = modulus.multiply::<RoundsOnce<Carried>>(&number(), &number());
    }));
}
