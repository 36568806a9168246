//! RSA's public operation (RFC 8017 section 5.2.2) by Montgomery multiplication in floating point, after
//! Niall Emmart's method. It sees only public numbers, and its time depends on them.
//!
//! # Numbers
//!
//! A number is 2h limbs x₀, x₁, … of 51 bits, each a whole number in [0, 2^51) held
//! in binary64, with h the least such that R = 2^(102h) ≥ 4n for a modulus n of b bits: h = ⌈(b + 2) / 102⌉,
//! 21 for 2048 bits and 81 for 8192.
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
//! are cleared; what they hold until all have come is right modulo 2^64, and nothing is asked of a column before but
//! its low 51 bits, with the outstanding patterns added.
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
    Column, Columns, DIGITS_A_PASS, LIMB_BITS, LIMB_MASK, Number, set_to_product, set_to_square,
    split, to_float,
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
    /// -1/n modulo 2^64.
    negative_inverse: u64,
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
            negative_inverse: inverse(low_word(&key.n_bytes())).wrapping_neg(),
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
    /// those carry goes on; they are done with.
    #[inline(always)]
    fn reduce<A: Arithmetic>(&self, columns: &mut [Columns], reduced: &mut Number) {
        let Some((modulus_lowest, modulus)) = self.modulus.pairs().split_first() else { return };
        let mut window = columns;
        let mut carry = 0_i64;
        for _ in 0..self.half() {
            let Some((lowest, rest)) = window.split_first_mut() else { return };
            let column = lowest.first(DIGITS_A_PASS).low + carry;
            let digit = Floats::splat(to_float(self.digit(column.cast_unsigned())));
            lowest.add(split::<A>(digit, modulus_lowest.aligned));
            // The product that is still to come is 0 in the first lane.
            let Column { low, high } = lowest.first(1);
            carry = ((low + carry) >> LIMB_BITS) + high;
            let column = lowest.second(1).low + carry;
            let next_digit = Floats::splat(to_float(self.digit(column.cast_unsigned())));
            lowest.add(split::<A>(next_digit, modulus_lowest.shifted));
            let Column { low, high } = lowest.second(0);
            carry = ((low + carry) >> LIMB_BITS) + high;

            for (column, modulus) in rest.iter_mut().zip(modulus) {
                column.add(split::<A>(digit, modulus.aligned));
                column.add(split::<A>(next_digit, modulus.shifted));
            }
            window = rest;
        }
        reduced.gather(window, carry);
    }

    /// The digit that, times the modulus, makes a column a multiple of the limbs' radix.
    const fn digit(&self, column: u64) -> u64 {
        column.wrapping_mul(self.negative_inverse) & LIMB_MASK
    }
}

/// R² modulo n, big-endian.
fn square_of_radix(key: &rsa::PublicKey, half: usize) -> Box<[u8]> {
    let exponent = u32::try_from(half).unwrap_or(0) * 4 * LIMB_BITS;
    let square = BoxedUint::one_with_precision(exponent + 1).shl_vartime(exponent);
    square.map_or_else(Box::default, |square| square.rem_vartime(key.n()).to_be_bytes())
}

/// A big-endian number modulo 2^64.
fn low_word(bytes: &[u8]) -> u64 {
    let (_, last) = bytes.split_at(bytes.len().saturating_sub(8));
    last.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The inverse of an odd number modulo 2^64: each step doubles the bits that are right, from the three of
/// the number itself.
fn inverse(odd: u64) -> u64 {
    (0..5)
        .fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}
