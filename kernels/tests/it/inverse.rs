//! Inverses modulo the orders of the groups, and modulo other odd numbers.

use crate::seeds::for_each_seed;
use ::p256::elliptic_curve::bigint::{NonZero, Odd, U576};
use fastrand::Rng;
use portcullis_kernels::internals::invert;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The orders of P-256, P-384 and P-521 (FIPS 186-5, SP 800-186 section 3.2.1).
const ORDERS: [&str; 3] = [
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
     581a0db248b0a77aecec196accc52973",
    "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
     51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
];

fn from_hex(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

fn number(bytes: &[u8]) -> U576 {
    let mut wide = [0; U576::BYTES];
    wide[U576::BYTES - bytes.len()..].copy_from_slice(bytes);
    U576::from_be_slice(&wide)
}

/// Checks the inverse of a number, reduced modulo the modulus.
fn check(value: &U576, modulus: &[u8]) {
    let odd = Odd::new(number(modulus)).unwrap();
    let value = value.rem_vartime(&NonZero::new(number(modulus)).unwrap());
    let bytes = &value.to_be_bytes()[U576::BYTES - modulus.len()..];
    let inverse = invert(bytes, modulus);
    if let Some(expected) = Option::<U576>::from(value.invert_odd_mod(&odd)) {
        let inverse = inverse.map(|inverse| number(&inverse));
        assert_eq!(inverse, Some(expected), "{value} modulo {modulus:x?}");
    }
}

#[test]
fn agrees_modulo_the_orders_of_the_groups() {
    for order in ORDERS.map(from_hex) {
        for small in 0_u64..70 {
            check(&U576::from_u64(small), &order);
            check(&number(&order).wrapping_sub(&U576::from_u64(small)), &order);
        }
        for bit in 0..u32::try_from(8 * order.len()).unwrap() {
            let power = U576::ONE.shl_vartime(bit);
            for value in [power, power.wrapping_sub(&U576::ONE), power.wrapping_neg()] {
                check(&value, &order);
            }
        }
        for_each_seed(20, |seed| {
            let mut random = Rng::with_seed(seed);
            let mut bytes = vec![0; order.len()];
            random.fill(&mut bytes);
            check(&number(&bytes), &order);
        });
    }
}

#[test]
fn agrees_modulo_random_numbers_of_every_length() {
    for_each_seed(20, |seed| {
        let mut random = Rng::with_seed(seed);
        // A number of 66 bytes has at most 521 bits.
        let mut modulus = vec![0; random.usize(1..66)];
        random.fill(&mut modulus);
        *modulus.last_mut().unwrap() |= 1;
        let mut bytes = vec![0; modulus.len()];
        random.fill(&mut bytes);
        check(&number(&bytes), &modulus);
    });
}

#[test]
fn zero_has_no_inverse_but_returns() {
    for order in ORDERS.map(from_hex) {
        let inverse = invert(&vec![0; order.len()], &order);
        assert!(inverse.is_none_or(|inverse| inverse.len() == order.len()));
    }
}
