//! RSA's public operation (RFC 8017 section 5.2.2) by Montgomery multiplication in floating point, after
//! Niall Emmart's method. It sees only public numbers, and its time depends on them.
//!
//! # Numbers
//!
//! A number is 2h limbs x₀, x₁, … of 51 bits, each a whole number in [0, 2^51) held
//! in binary64, with h the least such that R = 2^(102h) ≥ 4n for a modulus n of b bits: h = ⌈(b + 2) / 102⌉,
//! 21 for the smallest keys, of 2048 bits, and 81 for 8192.
//!
//! # No product is inexact
//!
//! For limbs x, y the product is at most (2^51 - 1)² = 2^102 - 2^52 + 1. `split` makes of it, each operation
//! rounding once to the nearest:
//!
//! * high = x·y + 1.5·2^103. The exact sum lies in [1.5·2^103, 2^104 - 2^51), within one binade, where
//!   neighbours are 2^51 apart: so high = 1.5·2^103 + 2^51·k with a whole k in [0, 2^51) and
//!   |x·y - 2^51·k| ≤ 2^50. In that binade the bit pattern grows by one for each step, so it is
//!   the pattern of 1.5·2^103 plus k.
//! * (1.5·2^103 + 1.5·2^52) - high = 1.5·2^52 - 2^51·k, which is 2^51 times the whole number 3 - k of at most
//!   51 bits, and so exact; 1.5·2^103 + 1.5·2^52 is a multiple of 2^51 within the binade, and exact too.
//! * low = x·y + that = 1.5·2^52 + (x·y - 2^51·k), a whole number in [1.25·2^52, 1.75·2^52]: within
//!   one binade, where neighbours are 1 apart, and so exact. Its bit pattern is that of 1.5·2^52 plus the
//!   signed x·y - 2^51·k.
//!
//! So patterns, less those of the two constants, add up as integers: x·y = low + 2^51·high. Were the
//! first sum rounded twice, k could still be used; were the last, its low bits would be lost, which is
//! what `is_exact` looks for.
//!
//! # No accumulator overflows
//!
//! A column is the sum of the products that share a weight. First come the rows of the product, two limbs of the
//! multiplicand a pass, and then those of the reduction, two quotient digits a pass: each brings two products to a
//! column, over at most h passes, so 4h ≤ 324 products. Of a square, the products above the limbs' own squares are
//! summed once and doubled, which comes to the same sum. Their low parts sum up to at most 324·2^50 < 2^59 in size,
//! their high parts to at most 324·2^51 < 2^60. What is carried to a column is the high part of the column below, and
//! that column's own sum / 2^51. So a low part and what is carried to it are under 2^59 + 2^60 + 2^11 < 2^61 in size,
//! and a carry is under 2^60 + 2^10. The patterns of the constants are taken off beforehand, when the accumulators
//! are cleared; what they hold until all have come is right modulo 2^64. Of a pass's own columns it is asked before,
//! with the outstanding patterns added, which makes it the sum of the products so far: within the same bounds.
//!
//! # The quotient digits
//!
//! With V = c₀ + 2^51·c₁ of the two lowest columns, carries and all, the two digits are Q = -V/n modulo 2^102, so that
//! V + Q·n is a multiple of 2^102. With -1/n = i₀ + 2^51·i₁ modulo 2^102 and c₀ in [0, 2^51), the first is
//! c₀·i₀ modulo 2^51, and the second is ⌊c₀·i₀ / 2^51⌋ + c₀·i₁ + c₁·i₀ modulo 2^51, of which all but the first term
//! may wrap modulo 2^64.
//!
//! # The result
//!
//! For factors a, b < 2n the Montgomery product is (a·b + q·n) / R with q < R: less than
//! 4n² / R + n ≤ 2n, so results are factors again. The last product has a factor below n and is reduced
//! once at most. A product's limbs are those of a whole number in [0, 2n), 2n < R: the last carry is 0.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the module's documentation shows that none overflows"
)]

use super::limbs::{
    Column, Columns, DIGITS_A_PASS, LIMB_BITS, LIMB_MASK, Number, Pair, Rows, add_pass, add_passes,
    set_to_product, set_to_square, to_float,
};
use super::pair::{Arithmetic, Floats};
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts as _;

/// A public key, made ready for the operation: about 1.4 KiB for 2048 bits and 5.2 KiB for 8192.
#[derive(Debug)]
pub struct Modulus {
    modulus: Number,
    /// R² modulo n, which brings a number into Montgomery's form.
    square_of_radix: Number,
    /// -1/n modulo 2^102, in limbs.
    negative_inverse: [u64; 2],
    exponent: u32,
    /// Of the modulus.
    bits: u32,
}

impl Modulus {
    /// Prepares a key.
    #[must_use]
    pub fn new(key: &rsa::PublicKey) -> Self {
        let bits = key.n().bit_width_vartime();
        let half = usize::try_from((bits + 2).div_ceil(2 * LIMB_BITS)).unwrap_or(usize::MAX);
        let exponent = key.e_bytes().iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
        Self {
            modulus: Number::from_be_bytes(&key.n_bytes(), half),
            square_of_radix: Number::from_be_bytes(&square_of_radix(key, half), half),
            negative_inverse: negative_inverse(&key.n_bytes()),
            exponent,
            bits,
        }
    }

    /// RSAVP1: the message representative of a signature representative, both big-endian and as long
    /// as the modulus; nothing for a signature of another length, or one that is not below the modulus.
    #[must_use]
    pub fn raise<A: Arithmetic>(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let bytes = usize::try_from(self.bits.div_ceil(8)).ok()?;
        if signature.len() != bytes {
            return None;
        }
        let base = Number::from_be_bytes(signature, self.half());
        if !base.is_below(&self.modulus) {
            return None;
        }
        Some(self.power::<A>(&base).reduced_once(&self.modulus).to_be_bytes(bytes))
    }

    /// The base to the key's exponent, below 2n.
    ///
    /// The exponent is odd and above 1 (`keys/rsa.rs` admits no other), so its last bit asks for a product
    /// with the base; the base as it came, there, undoes Montgomery's form.
    fn power<A: Arithmetic>(&self, base: &Number) -> Number {
        let columns = &mut *vec![Columns::awaiting(0); 2 * self.half()];
        let mut in_form = Number::zero(self.half());
        self.multiply::<A>(base, &self.square_of_radix, columns, &mut in_form);
        let mut power = in_form.clone();
        let mut square = Number::zero(self.half());
        for position in (0..self.exponent.checked_ilog2().unwrap_or(0)).rev() {
            self.square::<A>(&power, columns, &mut square);
            if self.exponent >> position & 1 == 0 {
                std::mem::swap(&mut power, &mut square);
            } else {
                let factor = if position == 0 { base } else { &in_form };
                self.multiply::<A>(&square, factor, columns, &mut power);
            }
        }
        power
    }

    /// Half the limbs of a number.
    fn half(&self) -> usize {
        self.modulus.half()
    }

    /// left · right / R modulo n, below 2n if both factors are.
    #[inline(never)]
    fn multiply<A: Arithmetic>(
        &self,
        left: &Number,
        right: &Number,
        columns: &mut [Columns],
        product: &mut Number,
    ) {
        set_to_product::<A>(columns, left, right);
        self.reduce::<A>(columns, product);
    }

    /// base² / R modulo n, below 2n if the base is.
    #[inline(never)]
    fn square<A: Arithmetic>(&self, base: &Number, columns: &mut [Columns], square: &mut Number) {
        set_to_square::<A>(columns, base);
        self.reduce::<A>(columns, square);
    }

    /// What is in the columns, over R modulo n.
    ///
    /// A pass takes the two quotient digits that make the two lowest columns multiples of the limbs' radix. What
    /// those carry goes on; they are done with. Two passes are added up at once, and the digits of the next two are
    /// worked out before: each step of that waits for the one before it, and a processor does both at a time.
    #[inline(never)]
    fn reduce<A: Arithmetic>(&self, columns: &mut [Columns], reduced: &mut Number) {
        let [lowest, from_second @ ..] = self.modulus.pairs() else { return };
        let [second, third, from_fourth @ ..] = from_second else { return };
        let [fourth, ..] = from_fourth else { return };
        let mut carry = 0_i64;
        let mut cancel = |columns: &mut Columns| self.cancel::<A>(columns, lowest, &mut carry);

        let mut window = columns;
        if self.half() % 2 == 1 {
            let [own, rest @ ..] = window else { return };
            add_pass::<A>(rest, from_second, cancel(own));
            window = rest;
        }
        let [own, next, rest @ ..] = window else { return };
        window = rest;
        let mut rows = cancel(own);
        rows.add_to::<A>(next, second);
        let mut next_rows = cancel(next);
        for _ in 1..self.half() / 2 {
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
        reduced.gather(window, carry);
    }

    /// The two quotient digits that, times the modulus, make the lowest pair of columns multiples of the limbs' radix;
    /// and what is carried from these.
    #[inline(always)]
    fn cancel<A: Arithmetic>(&self, lowest: &mut Columns, modulus: &Pair, carry: &mut i64) -> Rows {
        let Column { low, high } = lowest.first(DIGITS_A_PASS);
        let first = low + *carry;
        let second = lowest.second(DIGITS_A_PASS).low + high + (first >> LIMB_BITS);
        let digits = self.digits(first.cast_unsigned(), second.cast_unsigned());
        let [digit, next_digit] = digits.map(|digit| Floats::splat(to_float(digit)));
        let rows = Rows(digit, next_digit);
        rows.add_to::<A>(lowest, modulus);
        for Column { low, high } in [lowest.first(0), lowest.second(0)] {
            *carry = ((low + *carry) >> LIMB_BITS) + high;
        }
        rows
    }

    /// The two digits, of two columns: the first's bits above a limb are in the second as well.
    #[inline(always)]
    const fn digits(&self, first: u64, second: u64) -> [u64; 2] {
        let [inverse, inverse_above] = self.negative_inverse;
        let above = product_above(first & LIMB_MASK, inverse)
            .wrapping_add(first.wrapping_mul(inverse_above))
            .wrapping_add(second.wrapping_mul(inverse));
        [first.wrapping_mul(inverse) & LIMB_MASK, above & LIMB_MASK]
    }
}

/// The product of two limbs, without its lowest 51 bits.
#[inline(always)]
const fn product_above(left: u64, right: u64) -> u64 {
    const HALF_BITS: u32 = 26;
    const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
    let (left_low, left_high) = (left & HALF_MASK, left >> HALF_BITS);
    let (right_low, right_high) = (right & HALF_MASK, right >> HALF_BITS);
    // Below 2^51 each, and the one shifted below 2^26.
    let middle =
        left_low * right_high + left_high * right_low + ((left_low * right_low) >> HALF_BITS);
    ((left_high * right_high) << (2 * HALF_BITS - LIMB_BITS)) + (middle >> (LIMB_BITS - HALF_BITS))
}

/// R² modulo n, big-endian.
fn square_of_radix(key: &rsa::PublicKey, half: usize) -> Box<[u8]> {
    let exponent = u32::try_from(half).unwrap_or(0) * 4 * LIMB_BITS;
    let square = BoxedUint::one_with_precision(exponent + 1).shl_vartime(exponent);
    square.map_or_else(Box::default, |square| square.rem_vartime(key.n()).to_be_bytes())
}

/// -1 over an odd number, big-endian, modulo 2^102: each step doubles the bits that are right, from the three of the
/// number itself.
fn negative_inverse(number: &[u8]) -> [u64; 2] {
    let low = number.iter().fold(0_u128, |low, byte| low << 8 | u128::from(*byte));
    let step =
        |inverse: u128, _| inverse.wrapping_mul(2_u128.wrapping_sub(low.wrapping_mul(inverse)));
    let negative = (0..6).fold(low, step).wrapping_neg();
    [negative, negative >> LIMB_BITS]
        .map(|limb| u64::try_from(limb & u128::from(LIMB_MASK)).unwrap_or(0))
}
