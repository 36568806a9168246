//! The signed digits of scalars.

use crate::seeds::for_each_seed;
use fastrand::Rng;
use portcullis_kernels::internals::recode;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn check(word: u64) {
    for window in 2..=8 {
        let mut sum = 0_i128;
        let mut next = 0;
        recode(word, window, |position, digit| {
            let digit = i128::from(digit);
            assert!(digit % 2 != 0 && digit.abs() < 1 << (window - 1), "{word:#x} {digit}");
            assert!(position >= next && position <= 64, "{word:#x} {position}");
            next = position + usize::try_from(window).unwrap();
            sum += digit << position;
        });
        assert_eq!(sum, i128::from(word), "{word:#x}, window {window}");
    }
}

#[test]
fn digits_sum_up_to_their_word() {
    for shift in 0..64 {
        for word in
            [1 << shift, u64::MAX << shift, u64::MAX >> shift, 0x5555_5555_5555_5555 << shift]
        {
            check(word);
            check(word.wrapping_add(1));
            check(word.wrapping_sub(1));
        }
    }
    for_each_seed(20, |seed| check(Rng::with_seed(seed).u64(..)));
}
