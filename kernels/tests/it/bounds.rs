//! The arithmetic of the curves, run on two kinds of limbs instead of numbers. Together they prove
//! that each reduction is right for all inputs within the stated bounds.
//!
//! * [`Interval`]: a limb is an interval that contains its value. The inputs are the stated bounds.
//!   No intermediate result may leave `i64`, and each result must be within the stated bounds.
//! * [`Residue`]: a limb is a number modulo p. A carry is an arbitrary number, and the digit that
//!   remains is what the carry leaves. The result must be the product of the factors modulo p. Both
//!   sides are polynomials in the limbs and the carries. The limbs and the carries are random, so
//!   two different polynomials agree with a probability of about 2^-250.
//!
//! [`Faulty`] limbs drop one carry. Each carry of each reduction is dropped in two ways, and one of
//! the two proofs must fail.

use fastrand::Rng;
use p256::elliptic_curve::bigint::{NonZero, U576};
use portcullis_kernels::internals::ecdsa::{LARGEST_COMBINATION, P256, P384, Prime};
use portcullis_kernels::internals::ed25519;
use portcullis_kernels::internals::limbs::{Limb, Limbs};
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::ops::{Add, Mul, RangeInclusive, Shl, Sub};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A field, as its kernel computes in it.
trait Kernel: Copy + Debug + Eq + 'static {
    type Limbs<L: Limb + Eq>: Limbs<L>;

    const LIMB_BITS: u32;
    /// R is two to this power.
    const RADIX_BITS: u32;
    /// The largest sum of the absolute values of the factors of a combination.
    const LARGEST_COMBINATION: i64;
    /// The kinds of factors that may be multiplied.
    const PRODUCTS: &[(Kind, Kind)];
    /// Whether an element is 0 only if all its limbs are, if it is a combination.
    const RECOGNIZES_ZERO: bool;
    /// The carries of a product or a square that may as well be kept, because their columns are
    /// short.
    const OPTIONAL_CARRIES: &[usize];

    fn prime() -> NonZero<U576>;

    /// Returns the bounds of the lower limbs and of the top limb of an element.
    fn bounds() -> [RangeInclusive<i64>; 2];

    fn reduce<L: Limb + Eq>(columns: <Self::Limbs<L> as Limbs<L>>::Columns) -> Self::Limbs<L>;

    fn carry<L: Limb + Eq>(sum: Self::Limbs<L>) -> Self::Limbs<L>;
}

/// The kinds of factors of a multiplication.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Element,
    Difference,
    Sum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weierstrass<P, const RADIX_BITS: u32>(PhantomData<P>);

impl<P: Prime + Eq, const RADIX_BITS: u32> Kernel for Weierstrass<P, RADIX_BITS> {
    type Limbs<L: Limb + Eq> = P::Limbs<L>;

    const LIMB_BITS: u32 = P::LIMB_BITS;
    const RADIX_BITS: u32 = RADIX_BITS;
    const LARGEST_COMBINATION: i64 = LARGEST_COMBINATION.cast_signed();
    const PRODUCTS: &[(Kind, Kind)] = &[
        (Kind::Element, Kind::Element),
        (Kind::Difference, Kind::Element),
        (Kind::Element, Kind::Difference),
    ];
    const RECOGNIZES_ZERO: bool = true;
    const OPTIONAL_CARRIES: &[usize] = &[];

    fn prime() -> NonZero<U576> {
        let limbs = P::PRIME;
        let prime = limbs.as_ref().iter().rev().fold(U576::ZERO, |sum, limb| {
            let limb = U576::from_u64(limb.cast_unsigned());
            sum.shl_vartime(P::LIMB_BITS).wrapping_add(&limb)
        });
        NonZero::new(prime).unwrap()
    }

    fn bounds() -> [RangeInclusive<i64>; 2] {
        [P::LOWER_LIMBS, P::TOP_LIMB]
    }

    fn reduce<L: Limb + Eq>(columns: <P::Limbs<L> as Limbs<L>>::Columns) -> P::Limbs<L> {
        P::reduce(columns)
    }

    fn carry<L: Limb + Eq>(sum: P::Limbs<L>) -> P::Limbs<L> {
        P::carry(sum)
    }
}

type FieldOfP256 = Weierstrass<P256, 261>;
type FieldOfP384 = Weierstrass<P384, 392>;
#[cfg(feature = "es512")]
type FieldOfP521 = Weierstrass<portcullis_kernels::internals::ecdsa::P521, 0>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FieldOfCurve25519;

impl Kernel for FieldOfCurve25519 {
    type Limbs<L: Limb + Eq> = [L; 9];

    const LIMB_BITS: u32 = 29;
    const RADIX_BITS: u32 = 0;
    const LARGEST_COMBINATION: i64 = ed25519::LARGEST_COMBINATION.cast_signed();
    const PRODUCTS: &[(Kind, Kind)] = &[
        (Kind::Element, Kind::Element),
        (Kind::Difference, Kind::Difference),
        (Kind::Difference, Kind::Element),
        (Kind::Sum, Kind::Element),
        (Kind::Sum, Kind::Difference),
        (Kind::Difference, Kind::Sum),
    ];
    const RECOGNIZES_ZERO: bool = false;
    /// The carry from h₇, which contains the square of the top limb, to h₈.
    const OPTIONAL_CARRIES: &[usize] = &[7];

    fn prime() -> NonZero<U576> {
        let power = U576::ONE.shl_vartime(255);
        NonZero::new(power.wrapping_sub(&U576::from_u8(19))).unwrap()
    }

    fn bounds() -> [RangeInclusive<i64>; 2] {
        ed25519::BOUNDS
    }

    fn reduce<L: Limb + Eq>(columns: [L; 17]) -> [L; 9] {
        ed25519::reduce(columns)
    }

    fn carry<L: Limb + Eq>(sum: [L; 9]) -> [L; 9] {
        ed25519::carry_once(sum)
    }
}

/// An interval that contains the value of a limb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interval {
    /// Between these two, inclusive.
    Within(i128, i128),
    /// The value, or a value from which it was computed, need not fit `i64`.
    Overflow,
}

impl Interval {
    fn new(low: i128, high: i128) -> Self {
        let is_within = |bound| i64::try_from(bound).is_ok();
        if is_within(low) && is_within(high) { Self::Within(low, high) } else { Self::Overflow }
    }

    fn map(self, function: impl FnOnce(i128, i128) -> Self) -> Self {
        match self {
            Self::Within(low, high) => function(low, high),
            Self::Overflow => Self::Overflow,
        }
    }

    fn is_within(self, bounds: &RangeInclusive<i64>) -> bool {
        matches!(self, Self::Within(low, high)
            if low >= i128::from(*bounds.start()) && high <= i128::from(*bounds.end()))
    }

    fn digit_and_carry(self, bits: u32, least: i128) -> (Self, Self) {
        let Self::Within(low, high) = self else { return (Self::Overflow, Self::Overflow) };
        // The kernel adds this before it shifts.
        let rounded = Self::new(low - least, high - least);
        let [low_carry, high_carry] = [low, high].map(|bound| (bound - least) >> bits);
        let digit = if low_carry == high_carry {
            Self::new(low - (low_carry << bits), high - (high_carry << bits))
        } else {
            Self::new(least, least + (1 << bits) - 1)
        };
        (digit, rounded.map(|_, _| Self::new(low_carry, high_carry)))
    }
}

impl Add for Interval {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.map(|low, high| other.map(|least, most| Self::new(low + least, high + most)))
    }
}

impl Sub for Interval {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.map(|low, high| other.map(|least, most| Self::new(low - most, high - least)))
    }
}

impl Mul for Interval {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.map(|low, high| {
            other.map(|least, most| {
                let ends = [low * least, low * most, high * least, high * most];
                Self::new(ends.into_iter().min().unwrap(), ends.into_iter().max().unwrap())
            })
        })
    }
}

impl Shl<u32> for Interval {
    type Output = Self;

    fn shl(self, bits: u32) -> Self {
        self * Self::Within(1 << bits, 1 << bits)
    }
}

impl Limb for Interval {
    const ZERO: Self = Self::Within(0, 0);

    fn scaled(self, factor: i64) -> Self {
        self * Self::Within(factor.into(), factor.into())
    }

    fn split(self, bits: u32) -> (Self, Self) {
        self.digit_and_carry(bits, 0)
    }

    fn split_centered(self, bits: u32) -> (Self, Self) {
        self.digit_and_carry(bits, -(1 << (bits - 1)))
    }
}

thread_local! {
    static RANDOM: RefCell<Rng> = const { RefCell::new(Rng::with_seed(0x5eed)) };
}

/// A number modulo the prime of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Residue<K>(U576, PhantomData<K>);

impl<K: Kernel> Residue<K> {
    fn new(number: U576) -> Self {
        Self(number, PhantomData)
    }

    fn random() -> Self {
        let mut bytes = [0; U576::BYTES];
        RANDOM.with_borrow_mut(|random| random.fill(&mut bytes));
        Self::new(U576::from_le_slice(&bytes).rem_vartime(&K::prime()))
    }

    fn power_of_two(exponent: u32) -> Self {
        Self::new(U576::ONE.shl_vartime(exponent).rem_vartime(&K::prime()))
    }

    /// Returns the number whose limbs are given.
    fn of_limbs(limbs: &[Self]) -> Self {
        limbs.iter().rev().fold(Self::ZERO, |sum, limb| (sum << K::LIMB_BITS) + *limb)
    }
}

impl<K: Kernel> Add for Residue<K> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.0.add_mod(&other.0, &K::prime()))
    }
}

impl<K: Kernel> Sub for Residue<K> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.0.sub_mod(&other.0, &K::prime()))
    }
}

impl<K: Kernel> Mul for Residue<K> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::new(self.0.mul_mod(&other.0, &K::prime()))
    }
}

impl<K: Kernel> Shl<u32> for Residue<K> {
    type Output = Self;

    #[expect(clippy::suspicious_arithmetic_impl, reason = "a shift is a multiplication")]
    fn shl(self, bits: u32) -> Self {
        self * Self::power_of_two(bits)
    }
}

impl<K: Kernel> Limb for Residue<K> {
    const ZERO: Self = Self(U576::ZERO, PhantomData);

    fn scaled(self, factor: i64) -> Self {
        let product = self * Self::new(U576::from_u64(factor.unsigned_abs()));
        if factor < 0 { Self::ZERO - product } else { product }
    }

    fn split(self, bits: u32) -> (Self, Self) {
        let carry = Self::random();
        (self - (carry << bits), carry)
    }

    fn split_centered(self, bits: u32) -> (Self, Self) {
        self.split(bits)
    }
}

/// How a test breaks a carry.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The carry is removed from its column but not added to the next column.
    Lost,
    /// The carry is neither removed from its column nor added to the next column.
    Kept,
}

thread_local! {
    /// The number of carries before the one with the fault.
    static FAULT: Cell<Option<(usize, Fault)>> = const { Cell::new(None) };
}

/// Runs the function with a fault in the carry with this index. Returns `None` if the function
/// computes no such carry.
fn with_fault<T>(index: usize, fault: Fault, function: impl FnOnce() -> T) -> Option<T> {
    FAULT.set(Some((index, fault)));
    let value = function();
    FAULT.take().is_none().then_some(value)
}

/// A limb of another kind. One of its carries can have a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Faulty<L>(L);

impl<L: Limb> Faulty<L> {
    fn apply_fault(self, (digit, carry): (L, L)) -> (Self, Self) {
        let (digit, carry) = match FAULT.get() {
            Some((0, fault)) => {
                FAULT.set(None);
                match fault {
                    Fault::Lost => (digit, L::ZERO),
                    Fault::Kept => (self.0, L::ZERO),
                }
            }
            Some((before, fault)) => {
                FAULT.set(Some((before - 1, fault)));
                (digit, carry)
            }
            None => (digit, carry),
        };
        (Self(digit), Self(carry))
    }
}

impl<L: Limb> Add for Faulty<L> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl<L: Limb> Sub for Faulty<L> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl<L: Limb> Mul for Faulty<L> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
}

impl<L: Limb> Shl<u32> for Faulty<L> {
    type Output = Self;

    fn shl(self, bits: u32) -> Self {
        Self(self.0 << bits)
    }
}

impl<L: Limb> Limb for Faulty<L> {
    const ZERO: Self = Self(L::ZERO);

    fn scaled(self, factor: i64) -> Self {
        Self(self.0.scaled(factor))
    }

    fn split(self, bits: u32) -> (Self, Self) {
        self.apply_fault(self.0.split(bits))
    }

    fn split_centered(self, bits: u32) -> (Self, Self) {
        self.apply_fault(self.0.split_centered(bits))
    }
}

type Numbers<K, L> = <K as Kernel>::Limbs<Faulty<L>>;

/// Returns limbs that a function makes of their index, and the number of limbs.
fn limbs_from<K: Kernel, L: Limb + Eq>(limb: impl Fn(usize, usize) -> L) -> Numbers<K, L> {
    let mut limbs = Numbers::<K, L>::ZERO;
    let count = limbs.as_ref().len();
    for (index, to) in limbs.as_mut().iter_mut().enumerate() {
        *to = Faulty(limb(index, count));
    }
    limbs
}

/// Returns an element with the stated bounds.
fn element<K: Kernel>() -> Numbers<K, Interval> {
    limbs_from::<K, _>(|index, count| {
        let bounds = &K::bounds()[usize::from(index == count - 1)];
        Interval::Within(i128::from(*bounds.start()), i128::from(*bounds.end()))
    })
}

/// Returns whether each limb is within the stated bounds.
fn is_element<K: Kernel>(limbs: &Numbers<K, Interval>) -> bool {
    let [lower_bounds, top_bounds] = K::bounds();
    let (top, lower) = limbs.as_ref().split_last().unwrap();
    lower.iter().all(|limb| limb.0.is_within(&lower_bounds)) && top.0.is_within(&top_bounds)
}

/// Returns whether the value of a combination is less than p in absolute value, and whether its
/// lower limbs are less than 2^b. Then a value of 0 modulo p is 0, and so are all of its limbs.
fn recognizes_zero<K: Kernel>(limbs: &Numbers<K, Interval>) -> bool {
    let mut sums = [U576::ZERO; 2];
    let (_, lower) = limbs.as_ref().split_last().unwrap();
    let limit = (1 << K::LIMB_BITS) - 1;
    for limb in limbs.as_ref().iter().rev() {
        let Interval::Within(low, high) = limb.0 else { return false };
        for (sum, end) in sums.iter_mut().zip([-low, high]) {
            let end = U576::from_u128(end.max(0).cast_unsigned());
            *sum = sum.shl_vartime(K::LIMB_BITS).wrapping_add(&end);
        }
    }
    lower.iter().all(|limb| limb.0.is_within(&(-limit..=limit)))
        && sums.iter().all(|sum| *sum < *K::prime())
}

fn factor<K: Kernel>(kind: Kind) -> Numbers<K, Interval> {
    let element = element::<K>();
    match kind {
        Kind::Element => element,
        Kind::Difference => element.difference(&element),
        Kind::Sum => element.sum(&element),
    }
}

/// Returns whether no product overflows and each product is an element.
fn products_are_within_bounds<K: Kernel>() -> bool {
    K::PRODUCTS.iter().all(|(left, right)| {
        is_element::<K>(&K::reduce(factor::<K>(*left).product(&factor::<K>(*right))))
    })
}

fn squares_are_within_bounds<K: Kernel>() -> bool {
    is_element::<K>(&K::reduce(element::<K>().square()))
}

/// Returns whether every combination is an element, whatever the signs of its factors.
fn combinations_are_within_bounds<K: Kernel>() -> bool {
    (0..=K::LARGEST_COMBINATION).all(|positive| {
        let element = element::<K>();
        let terms = [(positive, &element), (positive - K::LARGEST_COMBINATION, &element)];
        let combination = K::carry(Numbers::<K, Interval>::combination(terms, |limbs| limbs));
        is_element::<K>(&combination) && (!K::RECOGNIZES_ZERO || recognizes_zero::<K>(&combination))
    })
}

fn random_limbs<K: Kernel>() -> Numbers<K, Residue<K>> {
    limbs_from::<K, _>(|_, _| Residue::random())
}

fn residue<K: Kernel>(limbs: &Numbers<K, Residue<K>>) -> Residue<K> {
    let limbs: Vec<_> = limbs.as_ref().iter().map(|limb| limb.0).collect();
    Residue::of_limbs(&limbs)
}

fn products_are_right<K: Kernel>() -> bool {
    let [a, b] = [(); 2].map(|()| random_limbs::<K>());
    residue::<K>(&K::reduce(a.product(&b))) << K::RADIX_BITS == residue::<K>(&a) * residue::<K>(&b)
}

fn squares_are_right<K: Kernel>() -> bool {
    let a = random_limbs::<K>();
    residue::<K>(&K::reduce(a.square())) << K::RADIX_BITS == residue::<K>(&a) * residue::<K>(&a)
}

fn combinations_are_right<K: Kernel>() -> bool {
    let [a, b] = [(); 2].map(|()| random_limbs::<K>());
    let combination =
        K::carry(Numbers::<K, Residue<K>>::combination([(5, &a), (-3, &b)], |limbs| limbs));
    residue::<K>(&combination) == residue::<K>(&a).scaled(5) - residue::<K>(&b).scaled(3)
}

/// The two proofs for an operation.
type Proofs = [fn() -> bool; 2];

/// Asserts that both proofs succeed, and that one fails if a carry is dropped, whichever it is.
fn check<K: Kernel>(
    operation: &str,
    least_carries: usize,
    optional: &[usize],
    [is_within_bounds, is_right]: Proofs,
) {
    assert!(is_within_bounds(), "{operation} of {:?}: bounds", PhantomData::<K>);
    assert!(is_right(), "{operation} of {:?}: value", PhantomData::<K>);
    let mut carries = 0;
    while let Some(is_right) = with_fault(carries, Fault::Lost, is_right) {
        assert!(!is_right, "{operation}: the carry {carries} is lost and the value is right");
        let is_within_bounds = with_fault(carries, Fault::Kept, is_within_bounds);
        let is_optional = optional.contains(&carries);
        assert_eq!(is_within_bounds, Some(is_optional), "{operation}: the carry {carries} is kept");
        carries += 1;
    }
    assert!(carries >= least_carries, "{operation}: only {carries} carries");
}

fn check_kernel<K: Kernel>() {
    let limbs = Numbers::<K, Interval>::ZERO.as_ref().len();
    check::<K>(
        "product",
        limbs,
        K::OPTIONAL_CARRIES,
        [products_are_within_bounds::<K>, products_are_right::<K>],
    );
    check::<K>(
        "square",
        limbs,
        K::OPTIONAL_CARRIES,
        [squares_are_within_bounds::<K>, squares_are_right::<K>],
    );
    check::<K>(
        "combination",
        limbs - 1,
        &[],
        [combinations_are_within_bounds::<K>, combinations_are_right::<K>],
    );
}

#[test]
fn arithmetic_of_p256_is_proven() {
    check_kernel::<FieldOfP256>();
}

#[test]
fn arithmetic_of_p384_is_proven() {
    check_kernel::<FieldOfP384>();
}

#[cfg(feature = "es512")]
#[test]
fn arithmetic_of_p521_is_proven() {
    check_kernel::<FieldOfP521>();
}

#[test]
fn arithmetic_of_curve25519_is_proven() {
    check_kernel::<FieldOfCurve25519>();
}

/// A number as long as p has limbs that need not be within the bounds of an element.
fn numbers_are_converted_to_elements<P: Prime + Eq, const RADIX_BITS: u32>() {
    type Of<P, const RADIX_BITS: u32> = Weierstrass<P, RADIX_BITS>;
    let number = limbs_from::<Of<P, RADIX_BITS>, _>(|index, count| {
        let top_bits = Of::<P, RADIX_BITS>::prime().bit_width_vartime()
            - P::LIMB_BITS * u32::try_from(count - 1).unwrap();
        let bits = if index == count - 1 { top_bits } else { P::LIMB_BITS };
        Interval::Within(0, (1 << bits) - 1)
    });
    assert!(is_element::<Of<P, RADIX_BITS>>(&P::carry(number)));
}

#[test]
fn numbers_as_long_as_the_prime_are_converted_to_elements() {
    numbers_are_converted_to_elements::<P256, 261>();
    numbers_are_converted_to_elements::<P384, 392>();
    #[cfg(feature = "es512")]
    numbers_are_converted_to_elements::<portcullis_kernels::internals::ecdsa::P521, 0>();
}

#[test]
fn intervals_notice_an_overflow() {
    let large = Interval::Within(0, 1 << 62);
    assert_eq!(large + large, Interval::Overflow);
    assert_eq!(large << 1, Interval::Overflow);
    assert_eq!((large + large).split(29), (Interval::Overflow, Interval::Overflow));
    let most = Interval::Within(i128::from(i64::MAX), i128::from(i64::MAX));
    assert_eq!(most.split(29).1, Interval::Within((1 << 34) - 1, (1 << 34) - 1));
    assert_eq!(most.split_centered(29).1, Interval::Overflow);
}
