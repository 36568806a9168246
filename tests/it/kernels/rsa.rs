//! RSA's public operation.

use super::{each_seed, verdicts};
use crate::kit::keys;
use ::rsa::hazmat::rsa_encrypt;
use ::rsa::traits::PublicKeyParts as _;
use ::rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use fastrand::Rng;
use portcullis::alg::Algorithm;
use portcullis::keys::{KeySet, pem};
use portcullis::signature::kernels::{
    Arithmetic, Floats, Hardware, Modulus, is_exact, is_valid_rs256_with,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::cell::Cell;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Sizes that fill the top limb, leave one bit in it, or leave just enough room above it (102h - 2).
const SIZES: [usize; 16] = [
    2048, 2049, 2055, 2091, 2092, 2139, 2140, 2141, 2142, 3071, 3072, 3073, 4096, 4097, 8158, 8192,
];

const EXPONENTS: [u32; 6] = [65537, 65539, 0x8000_0001, 0xffff_ffff, 0x5555_5555, 0x0101_0101];

/// A number of so many bits, of one of the sorts that make carries run.
fn number(random: &mut Rng, bits: usize) -> Vec<u8> {
    let mut bytes = vec![0; bits.div_ceil(8)];
    match random.u8(..5) {
        0 => bytes.fill(0xff),
        1 => {
            for _ in 0..random.usize(1..5) {
                let at = random.usize(..bytes.len());
                bytes[at] |= 1 << random.u8(..8);
            }
        }
        2 => {
            let at = random.usize(..bytes.len());
            bytes[at..].fill(0xff);
        }
        _ => random.fill(&mut bytes),
    }
    let unused = bytes.len() * 8 - bits;
    bytes[0] &= 0xff >> unused;
    bytes
}

/// A modulus of exactly so many bits; that it is odd is all that the operation asks of it.
fn modulus(random: &mut Rng, bits: usize) -> Vec<u8> {
    let mut bytes = number(random, bits);
    bytes[0] |= 1 << ((bits - 1) % 8);
    *bytes.last_mut().unwrap() |= 1;
    bytes
}

fn key(modulus: &[u8], exponent: u32) -> PublicKey {
    PublicKey::new(BoxedUint::from_be_slice_vartime(modulus), exponent.into()).unwrap()
}

/// The crate's result; nothing where a representative is out of range, as RFC 8017 section 5.2.2 has it.
fn by_crate(key: &PublicKey, base: &[u8]) -> Option<Vec<u8>> {
    let length = key.n_bytes().len();
    let bits = u32::try_from(length * 8).unwrap();
    let base = BoxedUint::from_be_slice(base, bits).ok()?;
    if base >= **key.n() {
        return None;
    }
    let power = rsa_encrypt(key, &base).unwrap().to_be_bytes_trimmed_vartime();
    Some([vec![0; length - power.len()], power.to_vec()].concat())
}

/// A number plus or minus a little.
fn beside(number: &[u8], by: i8) -> Vec<u8> {
    let mut bytes = number.to_vec();
    let mut carry = i16::from(by);
    for byte in bytes.iter_mut().rev() {
        carry += i16::from(*byte);
        *byte = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    bytes
}

fn check_power(modulus: &[u8], exponent: u32, bases: impl IntoIterator<Item = Vec<u8>>, seed: u64) {
    let key = key(modulus, exponent);
    let prepared = Modulus::new(&key);
    for base in bases {
        let actual = prepared.raise::<Hardware>(&base);
        assert_eq!(
            actual,
            by_crate(&key, &base),
            "seed {seed:#x}: {base:02x?}^{exponent} modulo {modulus:02x?}"
        );
    }
}

#[test]
fn rfc8017_section_5_2_2_random_numbers() {
    each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        // The large ones take sixteen times as long.
        let sizes = if random.u8(..16) == 0 { &SIZES[..] } else { &SIZES[..12] };
        let bits = sizes[random.usize(..sizes.len())];
        let exponent = EXPONENTS[random.usize(..EXPONENTS.len())];
        let modulus = modulus(&mut random, bits);
        let base = number(&mut random, bits);
        check_power(&modulus, exponent, [base], seed);
    });
}

#[test]
fn rfc8017_section_5_2_2_every_size_of_key() {
    let mut random = Rng::with_seed(0x51);
    for bits in SIZES {
        let modulus = modulus(&mut random, bits);
        let base = number(&mut random, bits);
        check_power(&modulus, 65537, [base], 0x51);
    }
}

/// Out of range is refused, and not reduced.
#[test]
fn rfc8017_section_5_2_2_the_ends_of_the_range() {
    for (bits, exponent) in [(2048, 65537), (2140, 0xffff_ffff), (2141, 65537), (3071, 65539)] {
        let mut random = Rng::with_seed(0xed);
        let modulus = modulus(&mut random, bits);
        let zero = vec![0; modulus.len()];
        let one = beside(&zero, 1);
        assert_eq!(Modulus::new(&key(&modulus, exponent)).raise::<Hardware>(&modulus), None);
        let bases = [
            beside(&modulus, -1),
            beside(&modulus, -2),
            modulus.clone(),
            beside(&modulus, 1),
            vec![0xff; modulus.len()],
            zero,
            one,
        ];
        check_power(&modulus, exponent, bases, 0xed);
    }
}

#[test]
fn rfc8017_section_8_2_2_another_length_is_refused() {
    let modulus = modulus(&mut Rng::with_seed(7), 2048);
    let prepared = Modulus::new(&key(&modulus, 65537));
    for length in [0, 1, 255, 257, 512] {
        assert_eq!(prepared.raise::<Hardware>(&vec![1; length]), None, "{length}");
    }
}

/// Signatures that openssl made with keys that leave bits of their first byte unused: for PSS, one bit used is
/// one byte less of encoding.
#[test]
fn rfc8017_section_9_1_2_lengths_that_are_no_bytes() {
    let table: Value = serde_json::from_str(include_str!("../keys/odd-lengths.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message = text(&table["message"]);
    let rows = table["signatures"].as_array().unwrap();
    assert_eq!(rows.len(), 18);
    for row in rows {
        let algorithm = Algorithm::from_name(&text(&row["algorithm"])).unwrap();
        let pem = text(&table["keys"][row["bits"].to_string()]);
        let set = pem::import(&pem, &[algorithm]).unwrap();
        let verdicts = |message: &str, signature: &[u8]| {
            verdicts(algorithm, &set.keys()[0], message.as_bytes(), signature)
        };
        let signature = Base64UrlUnpadded::decode_vec(&text(&row["signature"])).unwrap();
        assert_eq!(verdicts(&message, &signature), [true; 2], "{row}");
        assert_eq!(verdicts("another", &signature), [false; 2], "{row}");
        for at in [0, 1, 100, signature.len() - 1] {
            let mut broken = signature.clone();
            broken[at] ^= 1;
            assert_eq!(verdicts(&message, &broken), [false; 2], "{row}");
        }
        let longer = [&[0], signature.as_slice()].concat();
        assert_eq!(verdicts(&message, &longer), [false; 2], "{row}");
    }
}

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Rounds once, wherever the tests run, and counts.
struct Fused;

impl Arithmetic for Fused {
    fn multiply_add(left: Floats, right: Floats, addend: Floats) -> Floats {
        CALLS.set(CALLS.get() + 1);
        Hardware::multiply_add(left, right, addend)
    }

    fn is_trusted() -> bool {
        is_exact::<Self>()
    }
}

/// What relaxed SIMD may do on a machine without a fused instruction: rounds twice.
struct Unfused;

impl Arithmetic for Unfused {
    fn multiply_add(left: Floats, right: Floats, addend: Floats) -> Floats {
        CALLS.set(CALLS.get() + 1);
        Floats::new(
            left.first() * right.first() + addend.first(),
            left.second() * right.second() + addend.second(),
        )
    }

    fn is_trusted() -> bool {
        is_exact::<Self>()
    }
}

/// Rounds twice in one lane only.
struct HalfFused;

impl Arithmetic for HalfFused {
    fn multiply_add(left: Floats, right: Floats, addend: Floats) -> Floats {
        let [once, twice] = [Fused::multiply_add, Unfused::multiply_add]
            .map(|multiply_add| multiply_add(left, right, addend));
        Floats::new(once.first(), twice.second())
    }

    fn is_trusted() -> bool {
        is_exact::<Self>()
    }
}

#[test]
fn arithmetic_that_rounds_twice_is_found_out() {
    assert!(is_exact::<Hardware>());
    assert!(is_exact::<Fused>());
    assert!(!is_exact::<Unfused>());
    assert!(!is_exact::<HalfFused>());
}

/// Without the test at first use the verdicts would be wrong: it is needed.
#[test]
fn arithmetic_that_rounds_twice_gives_other_results() {
    let mut random = Rng::with_seed(11);
    let modulus = modulus(&mut random, 2048);
    let key = key(&modulus, 65537);
    let base = beside(&modulus, -2);
    let [fused, unfused] = [Modulus::raise::<Fused>, Modulus::raise::<Unfused>]
        .map(|raise| raise(&Modulus::new(&key), &base).unwrap());
    assert_eq!(Some(&fused), by_crate(&key, &base).as_ref());
    assert_ne!(fused, unfused);
}

fn signed(message: &[u8]) -> (KeySet, Vec<u8>) {
    let private = keys::private_key(keys::RSA_PRIVATE);
    let signature = private.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message)).unwrap();
    (pem::import(keys::RSA_SPKI, &[Algorithm::RS256]).unwrap(), signature)
}

/// How many multiplications it takes until a good signature is let pass, and a broken one is not.
fn multiplications_to_verify<A: Arithmetic>() -> u64 {
    let message = b"a message";
    let (set, mut signature) = signed(message);
    let key = &set.keys()[0];
    CALLS.set(0);
    assert!(is_valid_rs256_with::<A>(key, message, &signature));
    let calls = CALLS.get();
    assert!(!is_valid_rs256_with::<A>(key, b"another message", &signature));
    signature[100] ^= 1;
    assert!(!is_valid_rs256_with::<A>(key, message, &signature));
    calls
}

#[test]
fn arithmetic_that_rounds_twice_leaves_it_to_the_crate() {
    // A product takes two, and the test at first use has 35.
    assert!(multiplications_to_verify::<Unfused>() <= 70);
    assert!(multiplications_to_verify::<HalfFused>() <= 140);
    assert!(multiplications_to_verify::<Fused>() > (2 * 8 + 16 * 6) * 21 * 21);
}
