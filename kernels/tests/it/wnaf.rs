//! The signed digits of scalars.

use crate::seeds::for_each_seed;
use fastrand::Rng;
use portcullis_kernels::internals::recode;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const WORDS: usize = 17;

/// Checks the digits of a scalar: their values and distances, and that they sum up to it.
fn check(scalar: [u32; WORDS]) {
    let top_word = scalar.iter().rposition(|word| *word != 0);
    let bits = top_word
        .map_or(0, |top| 32 * top + usize::try_from(32 - scalar[top].leading_zeros()).unwrap());
    for window in 2..=8 {
        // The sum of the digits, by words of 32 bits. Each receives at most 32 digits.
        let mut sum = [0_i64; WORDS + 1];
        let mut next = 0;
        recode(&scalar, window, |position, digit| {
            let context = format!("{scalar:x?}, window {window}, position {position}");
            assert!(digit % 2 != 0 && i32::from(digit.abs()) < 1 << (window - 1), "{context}");
            assert!(position >= next && position <= bits, "{context}");
            next = position + usize::try_from(window).unwrap();
            sum[position / 32] += i64::from(digit) << (position % 32);
        });
        let mut carry = 0;
        let words = sum.map(|word| {
            let word = word + carry;
            carry = word >> 32;
            u32::try_from(word & 0xffff_ffff).unwrap()
        });
        assert_eq!((&words[..WORDS], words[WORDS], carry), (&scalar[..], 0, 0), "{window}");
    }
}

/// Returns the scalar with these bits at this position. Bits above the scalar are cut off.
fn at(position: usize, bits: u64) -> [u32; WORDS] {
    let shifted = u128::from(bits) << (position % 32);
    let mut scalar = [0; WORDS];
    for (index, word) in scalar.iter_mut().skip(position / 32).take(3).enumerate() {
        *word = u32::try_from(shifted >> (32 * index) & 0xffff_ffff).unwrap();
    }
    scalar
}

#[test]
fn digits_sum_up_to_their_scalar() {
    check([0; WORDS]);
    let patterns = [1, 3, 0x7f, 0x80, 0xff, 0x1ff, 0x5555_5555_5555_5555, u64::MAX, u64::MAX - 1];
    for position in 0..16 * 32 - 64 {
        for bits in patterns {
            check(at(position, bits));
        }
    }
    for_each_seed(20, |seed| {
        let mut random = Rng::with_seed(seed);
        let mut scalar = [(); WORDS].map(|()| random.u32(..));
        // Long runs of ones carry through many words. The highest bits stay 0.
        let ones = random.usize(..WORDS);
        scalar[ones..].fill(if random.bool() { u32::MAX } else { 0 });
        scalar[WORDS - 1] &= 0x7fff_ffff;
        check(scalar);
    });
}
