//! The public operation of RSA (RFC 8017 section 5.2.2) by Montgomery multiplication (Montgomery
//! 1985) in floating point, after Emmart, Zheng and Weems 2018. For public numbers only: the time
//! depends on them.
//!
//! # Numbers
//!
//! A number is 2h limbs x₀, x₁, … of 51 bits, with the value Σ xᵢ·2^(51i). Each limb is a whole
//! number in [0, 2^51) held in binary64. For a modulus n of b bits, h is the least number such that
//! R = 2^(102h) ≥ 4n: h = ⌈(b + 2) / 102⌉, which is 21 for 2048 bits and 81 for 8192 bits.
//!
//! # No product is inexact
//!
//! For limbs x and y, the product is at most (2^51 - 1)² = 2^102 - 2^52 + 1. `products` splits it
//! into a high and a low part. Each operation rounds once, to the nearest:
//!
//! * high = x·y + 1.5·2^103. The exact sum lies in [1.5·2^103, 2^104 - 2^51), within one binade in
//!   which neighboring values are 2^51 apart. So high = 1.5·2^103 + 2^51·k with a whole k in
//!   [0, 2^51) and |x·y - 2^51·k| ≤ 2^50. In this binade the bit pattern grows by one per step, so
//!   the bit pattern of high is that of 1.5·2^103 plus k.
//! * The constant 1.5·2^103 + 1.5·2^52 is exact, because it is a multiple of 2^51 within the same
//!   binade. The constant minus high is 1.5·2^52 - 2^51·k = 2^51·(3 - k). It is exact, because the
//!   factor (3 - k) is a whole number of at most 51 bits.
//! * low = x·y + 1.5·2^52 - 2^51·k = 1.5·2^52 + (x·y - 2^51·k) is a whole number in
//!   [1.25·2^52, 1.75·2^52], within one binade in which neighboring values are 1 apart. So it is
//!   exact, and its bit pattern is that of 1.5·2^52 plus the signed number x·y - 2^51·k.
//!
//! So after subtraction of the patterns of the two constants, the bit patterns are integers that
//! can be summed, with x·y = low + 2^51·high. If the first multiply-add rounded twice, k would
//! still be usable. If the second one did, the low bits of x·y would be lost. The self-test
//! `is_exact` detects this.
//!
//! # No sum overflows
//!
//! A column is the sum of all products of one weight. The passes over the rows of the product come
//! first, with two limbs of the multiplicand each. Then come the passes of the reduction, with two
//! quotient digits each. A pass adds two products to a column, and at most h passes of each kind
//! reach a column, so a column has at most 4h ≤ 324 products. In a square, products of different
//! limbs are summed once and doubled, which yields the same sums.
//!
//! The low parts of a column sum up to at most 324·2^50 < 2^59 in absolute value, and the high
//! parts to at most 324·2^51 < 2^60. The carry into a column consists of the high part of the
//! column below and of the sum of that column divided by 2^51. So a low part with the carry into it
//! is less than 2^59 + 2^60 + 2^11 < 2^61 in absolute value, and a carry is less than 2^60 + 2^10.
//!
//! The accumulators start at minus the constants' patterns of all products that they will receive.
//! Until all products have been added, an accumulator is correct modulo 2^64. The reduction reads
//! the lowest columns earlier. It then adds the patterns of the outstanding products, which yields
//! the sum of the products so far, within the same bounds.
//!
//! # The quotient digits
//!
//! Let V = c₀ + 2^51·c₁ be the two lowest columns including all carries. The two digits are
//! Q = -V/n modulo 2^102, so that V + Q·n is a multiple of 2^102. With -1/n = i₀ + 2^51·i₁ modulo
//! 2^102 and c₀ in [0, 2^51), the first digit is c₀·i₀ modulo 2^51. The second digit is
//! ⌊c₀·i₀ / 2^51⌋ + c₀·i₁ + c₁·i₀ modulo 2^51. Its last two products may wrap modulo 2^64.
//!
//! # The result
//!
//! For factors a, b < 2n, the Montgomery product is (a·b + q·n) / R with q < R. It is less than
//! 4n² / R + n ≤ 2n, so it is a valid factor. The last product has a factor below n and needs at
//! most one subtraction of n. The limbs of a product represent a whole number in [0, 2n), and
//! 2n < R, so the last carry is 0.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the text above proves that none overflows"
)]

use super::number::{
    Column, Columns, DIGIT_PRODUCTS_PER_PASS, LIMB_BITS, LIMB_MASK, LaneOf, Number, Pair, Rows,
    add_pass, add_passes, set_to_product, set_to_square,
};
use super::simd::{Arithmetic, F64x2, Floats, Integer as _};
use ::rsa::BoxedUint;
use ::rsa::traits::PublicKeyParts as _;
use std::ops::RangeInclusive;

/// The sizes of a modulus for which the bounds above are proven.
const MODULUS_BITS: RangeInclusive<u32> = 2048..=8192;

/// s^e mod n for the public key (n, e).
pub struct PublicOperation {
    modulus: Modulus<F64x2>,
    modulus_bits: usize,
    /// R² modulo n, which converts a number to Montgomery form.
    square_of_radix: Number<F64x2>,
    exponent: u32,
}

impl PublicOperation {
    /// Prepares the operation. Returns `None` if the size of the modulus is not in
    /// [`MODULUS_BITS`], or if the exponent is even, 1, or longer than 32 bits.
    ///
    /// The modulus is odd, because every constructor of [`::rsa::PublicKey`] requires it.
    #[must_use]
    pub fn new(key: &::rsa::PublicKey) -> Option<Self> {
        let modulus_bits = key.n().bit_width_vartime();
        let modulus = key.n_bytes();
        let exponent = key
            .e_bytes()
            .iter()
            .try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? | u32::from(*byte)))?;
        if !MODULUS_BITS.contains(&modulus_bits) || exponent % 2 == 0 || exponent == 1 {
            return None;
        }
        let half = usize::try_from((modulus_bits + 2).div_ceil(2 * LIMB_BITS)).ok()?;
        Some(Self {
            modulus: Modulus::new(
                Number::from_be_bytes(&modulus, half),
                negative_inverse(&modulus),
            ),
            modulus_bits: usize::try_from(modulus_bits).ok()?,
            square_of_radix: Number::from_be_bytes(&square_of_radix(key, half), half),
            exponent,
        })
    }

    pub(super) const fn modulus_bits(&self) -> usize {
        self.modulus_bits
    }

    /// RSAVP1: returns the encoded message of a signature, big-endian and as long as the modulus.
    /// Returns `None` if the signature is not as long as the modulus, or not below it.
    #[must_use]
    pub fn apply<A: Arithmetic<Floats = F64x2>>(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let bytes = self.modulus_bits.div_ceil(8);
        if signature.len() != bytes {
            return None;
        }
        let base = Number::from_be_bytes(signature, self.half());
        if !base.is_below(&self.modulus.number) {
            return None;
        }
        Some(self.power::<A>(&base).reduced_once(&self.modulus.number).to_be_bytes(bytes))
    }

    /// Returns the base to the exponent, below 2n.
    ///
    /// The exponent is odd and greater than 1, so the last step is a multiplication by the base. It
    /// takes the base as given rather than in Montgomery form, which converts the result back.
    fn power<A: Arithmetic<Floats = F64x2>>(&self, base: &Number<F64x2>) -> Number<F64x2> {
        let modulus = &self.modulus;
        let columns = &mut *vec![Columns::offset_for(0); 2 * self.half()];
        let mut in_montgomery_form = Number::zero(self.half());
        modulus.multiply_in::<A>(base, &self.square_of_radix, columns, &mut in_montgomery_form);
        let mut power = in_montgomery_form.clone();
        let mut square = Number::zero(self.half());
        for position in (0..self.exponent.checked_ilog2().unwrap_or(0)).rev() {
            modulus.square_in::<A>(&power, columns, &mut square);
            if self.exponent >> position & 1 == 0 {
                std::mem::swap(&mut power, &mut square);
            } else {
                let factor = if position == 0 { base } else { &in_montgomery_form };
                modulus.multiply_in::<A>(&square, factor, columns, &mut power);
            }
        }
        power
    }

    /// Returns h, half the number of limbs.
    fn half(&self) -> usize {
        self.modulus.number.half()
    }
}

/// A modulus n, prepared for reductions.
pub struct Modulus<F> {
    number: Number<F>,
    /// The limbs of -1/n modulo 2^102.
    negative_inverse: [u64; 2],
}

impl<F: Floats> Modulus<F> {
    /// Takes the modulus and the limbs of -1/n modulo 2^102.
    #[must_use]
    pub const fn new(number: Number<F>, negative_inverse: [u64; 2]) -> Self {
        Self { number, negative_inverse }
    }

    /// Returns left · right / R modulo n.
    #[must_use]
    pub fn multiply<A: Arithmetic<Floats = F>>(
        &self,
        left: &Number<F>,
        right: &Number<F>,
    ) -> Number<F> {
        let half = self.number.half();
        let mut product = Number::zero(half);
        let columns = &mut *vec![Columns::offset_for(0); 2 * half];
        self.multiply_in::<A>(left, right, columns, &mut product);
        product
    }

    /// Returns base² / R modulo n.
    #[must_use]
    pub fn square<A: Arithmetic<Floats = F>>(&self, base: &Number<F>) -> Number<F> {
        let half = self.number.half();
        let mut square = Number::zero(half);
        let columns = &mut *vec![Columns::offset_for(0); 2 * half];
        self.square_in::<A>(base, columns, &mut square);
        square
    }

    /// Sets `product` to left · right / R modulo n, which is below 2n if both factors are.
    #[inline(never)]
    fn multiply_in<A: Arithmetic<Floats = F>>(
        &self,
        left: &Number<F>,
        right: &Number<F>,
        columns: &mut [Columns<F>],
        product: &mut Number<F>,
    ) {
        set_to_product::<A>(columns, left, right);
        self.reduce::<A>(columns, product);
    }

    /// Sets `square` to base² / R modulo n, which is below 2n if the base is.
    #[inline(never)]
    fn square_in<A: Arithmetic<Floats = F>>(
        &self,
        base: &Number<F>,
        columns: &mut [Columns<F>],
        square: &mut Number<F>,
    ) {
        set_to_square::<A>(columns, base);
        self.reduce::<A>(columns, square);
    }

    /// Sets `reduced` to the number in the columns, divided by R modulo n.
    ///
    /// Each pass adds the multiple of the modulus, by two quotient digits, that makes the two
    /// lowest columns multiples of 2^51. Only the carry of these columns is needed further. Two
    /// passes are added together. The digits of the next two passes are computed before that,
    /// because they form a chain of dependent operations that the processor can overlap with the
    /// additions.
    #[inline(never)]
    fn reduce<A: Arithmetic<Floats = F>>(
        &self,
        columns: &mut [Columns<F>],
        reduced: &mut Number<F>,
    ) {
        let [lowest, from_second @ ..] = self.number.pairs() else { return };
        let [second, third, from_fourth @ ..] = from_second else { return };
        let [fourth, ..] = from_fourth else { return };
        let mut carry = LaneOf::<F>::ZERO;
        let mut cancel = |columns: &mut Columns<F>| self.cancel::<A>(columns, lowest, &mut carry);

        let mut window = columns;
        if self.number.half() % 2 == 1 {
            let [own, rest @ ..] = window else { return };
            add_pass::<A>(rest, from_second, cancel(own));
            window = rest;
        }
        let [own, next, rest @ ..] = window else { return };
        window = rest;
        let mut rows = cancel(own);
        rows.add_to::<A>(next, second);
        let mut next_rows = cancel(next);
        for _ in 1..self.number.half() / 2 {
            let [own, next, rest @ ..] = window else { return };
            rows.add_to::<A>(own, third);
            next_rows.add_to::<A>(own, second);
            let rows_after = cancel(own);
            rows.add_to::<A>(next, fourth);
            next_rows.add_to::<A>(next, third);
            rows_after.add_to::<A>(next, second);
            let next_rows_after = cancel(next);
            add_passes::<A>(rest, from_fourth, rows, next_rows);
            (rows, next_rows, window) = (rows_after, next_rows_after, rest);
        }
        add_passes::<A>(window, from_second, rows, next_rows);
        reduced.set_to_columns(window, carry);
    }

    /// Returns the two quotient digits of the lowest pair of columns. Adds their products with the
    /// lowest pair of the modulus to these columns, and sets the carry to that out of them.
    #[inline(always)]
    fn cancel<A: Arithmetic<Floats = F>>(
        &self,
        lowest: &mut Columns<F>,
        modulus: &Pair<F>,
        carry: &mut LaneOf<F>,
    ) -> Rows<F> {
        let Column { low, high } = lowest.first(DIGIT_PRODUCTS_PER_PASS);
        let first = low + *carry;
        let (_, above) = first.split();
        let second = lowest.second(DIGIT_PRODUCTS_PER_PASS).low + high + above;
        let digits = LaneOf::<F>::quotient_digits(first, second, self.negative_inverse);
        let [digit, next_digit] = digits.map(F::splat);
        let rows = Rows(digit, next_digit);
        rows.add_to::<A>(lowest, modulus);
        for Column { low, high } in [lowest.first(0), lowest.second(0)] {
            let (_, above) = (low + *carry).split();
            *carry = above + high;
        }
        rows
    }
}

/// Returns the two quotient digits for two columns. The bits of `first` above a limb have already
/// been carried into `second`.
#[inline(always)]
pub(super) const fn quotient_digits(
    first: u64,
    second: u64,
    negative_inverse: [u64; 2],
) -> [u64; 2] {
    let [inverse, inverse_above] = negative_inverse;
    let above = product_above(first & LIMB_MASK, inverse)
        .wrapping_add(first.wrapping_mul(inverse_above))
        .wrapping_add(second.wrapping_mul(inverse));
    [first.wrapping_mul(inverse) & LIMB_MASK, above & LIMB_MASK]
}

/// Returns the product of two limbs without its lowest 51 bits.
#[inline(always)]
const fn product_above(left: u64, right: u64) -> u64 {
    const HALF_BITS: u32 = 26;
    const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
    let (left_low, left_high) = (left & HALF_MASK, left >> HALF_BITS);
    let (right_low, right_high) = (right & HALF_MASK, right >> HALF_BITS);
    // The first two terms are below 2^51 and the last is below 2^26, so the sum is below 2^53.
    let middle =
        left_low * right_high + left_high * right_low + ((left_low * right_low) >> HALF_BITS);
    ((left_high * right_high) << (2 * HALF_BITS - LIMB_BITS)) + (middle >> (LIMB_BITS - HALF_BITS))
}

/// Returns R² modulo n, big-endian.
fn square_of_radix(key: &::rsa::PublicKey, half: usize) -> Box<[u8]> {
    let exponent = u32::try_from(half).unwrap_or(0) * 4 * LIMB_BITS;
    let square = BoxedUint::one_with_precision(exponent + 1).shl_vartime(exponent);
    square.map_or_else(Box::default, |square| square.rem_vartime(key.n()).to_be_bytes())
}

/// Returns the limbs of -1 divided by an odd big-endian number, modulo 2^102.
///
/// Newton's iteration doubles the number of correct bits in each step. An odd number is its own
/// inverse modulo 2^3, so six steps yield 192 bits.
fn negative_inverse(number: &[u8]) -> [u64; 2] {
    let low = number.iter().fold(0_u128, |low, byte| low << 8 | u128::from(*byte));
    let step =
        |inverse: u128, _| inverse.wrapping_mul(2_u128.wrapping_sub(low.wrapping_mul(inverse)));
    let negative = (0..6).fold(low, step).wrapping_neg();
    [negative, negative >> LIMB_BITS]
        .map(|limb| u64::try_from(limb & u128::from(LIMB_MASK)).unwrap_or(0))
}
