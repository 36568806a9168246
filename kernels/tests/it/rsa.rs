//! RSA: the public operation, whole signatures, and the self-test of the arithmetic.

use crate::seeds::for_each_seed;
use ::rsa::hazmat::rsa_encrypt;
use ::rsa::pkcs8::DecodePublicKey as _;
use ::rsa::pss::Pss;
use ::rsa::traits::PublicKeyParts as _;
use ::rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use fastrand::Rng;
use portcullis_kernels::internals::rsa::{
    Arithmetic, F64x2, Hardware, PublicOperation, Verifier, is_exact,
};
use portcullis_kernels::rsa::{Hash, PreparedKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::cell::Cell;
use std::sync::OnceLock;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Sizes of moduli in bits. Some fill the highest limb, some use one bit of it, and some are the
/// largest for a number of limbs (102h - 2).
const SIZES: [usize; 16] = [
    2048, 2049, 2055, 2091, 2092, 2139, 2140, 2141, 2142, 3071, 3072, 3073, 4096, 4097, 8158, 8192,
];

const EXPONENTS: [u32; 6] = [65537, 65539, 0x8000_0001, 0xffff_ffff, 0x5555_5555, 0x0101_0101];

/// Returns a number of at most so many bits: a random one, or one with long carries.
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

/// Returns an odd modulus of exactly so many bits. The operation does not need prime factors.
fn modulus(random: &mut Rng, bits: usize) -> Vec<u8> {
    let mut bytes = number(random, bits);
    bytes[0] |= 1 << ((bits - 1) % 8);
    *bytes.last_mut().unwrap() |= 1;
    bytes
}

fn key(modulus: &[u8], exponent: u32) -> PublicKey {
    PublicKey::new(BoxedUint::from_be_slice_vartime(modulus), exponent.into()).unwrap()
}

/// Returns the result of the `rsa` crate, or `None` if the base is not below the modulus (RFC 8017
/// section 5.2.2).
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

/// Returns a number plus a small number.
fn plus(number: &[u8], summand: i8) -> Vec<u8> {
    let mut bytes = number.to_vec();
    let mut carry = i16::from(summand);
    for byte in bytes.iter_mut().rev() {
        carry += i16::from(*byte);
        *byte = u8::try_from(carry & 0xff).unwrap();
        carry >>= 8;
    }
    bytes
}

fn check_power(modulus: &[u8], exponent: u32, bases: impl IntoIterator<Item = Vec<u8>>, seed: u64) {
    let key = key(modulus, exponent);
    let operation = PublicOperation::new(&key).unwrap();
    for base in bases {
        let actual = operation.apply::<Hardware>(&base);
        assert_eq!(
            actual,
            by_crate(&key, &base),
            "seed {seed:#x}: {base:02x?}^{exponent} modulo {modulus:02x?}"
        );
    }
}

#[test]
fn rfc8017_section_5_2_2_agrees_on_random_numbers() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        // The large sizes take sixteen times as long.
        let sizes = if random.u8(..16) == 0 { &SIZES[..] } else { &SIZES[..12] };
        let bits = sizes[random.usize(..sizes.len())];
        let exponent = EXPONENTS[random.usize(..EXPONENTS.len())];
        let modulus = modulus(&mut random, bits);
        let base = number(&mut random, bits);
        check_power(&modulus, exponent, [base], seed);
    });
}

#[test]
fn rfc8017_section_5_2_2_agrees_for_every_size_of_modulus() {
    let mut random = Rng::with_seed(0x51);
    for bits in SIZES {
        let modulus = modulus(&mut random, bits);
        let base = number(&mut random, bits);
        check_power(&modulus, 65537, [base], 0x51);
    }
}

/// A number that is not below the modulus is rejected rather than reduced.
#[test]
fn rfc8017_section_5_2_2_agrees_at_the_ends_of_the_range() {
    for (bits, exponent) in [(2048, 65537), (2140, 0xffff_ffff), (2141, 65537), (3071, 65539)] {
        let mut random = Rng::with_seed(0xed);
        let modulus = modulus(&mut random, bits);
        let zero = vec![0; modulus.len()];
        let one = plus(&zero, 1);
        let operation = PublicOperation::new(&key(&modulus, exponent)).unwrap();
        assert_eq!(operation.apply::<Hardware>(&modulus), None);
        let bases = [
            plus(&modulus, -1),
            plus(&modulus, -2),
            modulus.clone(),
            plus(&modulus, 1),
            vec![0xff; modulus.len()],
            zero,
            one,
        ];
        check_power(&modulus, exponent, bases, 0xed);
    }
}

#[test]
fn rfc8017_section_8_2_2_rejects_signatures_of_another_length() {
    let modulus = modulus(&mut Rng::with_seed(7), 2048);
    let operation = PublicOperation::new(&key(&modulus, 65537)).unwrap();
    for length in [0, 1, 255, 257, 512] {
        assert_eq!(operation.apply::<Hardware>(&vec![1; length]), None, "{length}");
    }
}

#[test]
fn prepares_only_keys_for_which_the_bounds_are_proven() {
    let is_prepared = |bits: usize, exponent: u64| {
        let modulus = modulus(&mut Rng::with_seed(3), bits);
        let modulus = BoxedUint::from_be_slice_vartime(&modulus);
        let key = PublicKey::new_unchecked(modulus, exponent.into());
        Verifier::<Emulated>::new(&key).is_some()
    };
    for (bits, expected) in
        [(1024, false), (2047, false), (2048, true), (8192, true), (8193, false)]
    {
        assert_eq!(is_prepared(bits, 65537), expected, "{bits} bits");
    }
    for (exponent, expected) in [
        (0, false),
        (1, false),
        (3, true),
        (65536, false),
        (0xffff_ffff, true),
        (0x1_0000_0001, false),
    ] {
        assert_eq!(is_prepared(2048, exponent), expected, "exponent {exponent}");
    }
}

/// How a digest is encoded before the private operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoding {
    Pkcs1v15,
    Pss,
}

/// Returns the verdicts of the kernel and of the `rsa` crate on the signature of a message, or
/// `None` if the kernel does not support the key.
pub(crate) fn verdicts(
    (encoding, hash): (Encoding, Hash),
    key: &PublicKey,
    message: &[u8],
    signature: &[u8],
) -> Option<[bool; 2]> {
    let verifier = Verifier::<Emulated>::new(key)?;
    macro_rules! verdicts_with {
        ($hash:ty) => {{
            let digest = <$hash>::digest(message);
            match encoding {
                Encoding::Pkcs1v15 => [
                    verifier.verify_pkcs1v15(hash, message, signature),
                    key.verify(Pkcs1v15Sign::new::<$hash>(), &digest, signature).is_ok(),
                ],
                Encoding::Pss => [
                    verifier.verify_pss(hash, message, signature),
                    key.verify(Pss::<$hash>::new_with_salt(hash.bytes()), &digest, signature)
                        .is_ok(),
                ],
            }
        }};
    }
    Some(match hash {
        Hash::Sha256 => verdicts_with!(Sha256),
        Hash::Sha384 => verdicts_with!(Sha384),
        Hash::Sha512 => verdicts_with!(Sha512),
    })
}

/// The signatures were made by OpenSSL with moduli that do not fill their first byte. With PSS, a
/// modulus with a single bit in its first byte makes the encoding one byte shorter.
#[test]
fn rfc8017_section_9_1_2_agrees_for_moduli_that_do_not_fill_their_bytes() {
    let table: Value = serde_json::from_str(include_str!("rsa-odd-lengths.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message = text(&table["message"]);
    let rows = table["signatures"].as_array().unwrap();
    assert_eq!(rows.len(), 18);
    for row in rows {
        let algorithm = text(&row["algorithm"]);
        let (encoding, bits) = algorithm.split_at(2);
        let encoding = if encoding == "PS" { Encoding::Pss } else { Encoding::Pkcs1v15 };
        let hash = match bits {
            "256" => Hash::Sha256,
            "384" => Hash::Sha384,
            _ => Hash::Sha512,
        };
        let pem = text(&table["keys"][row["bits"].to_string()]);
        let key = PublicKey::from_public_key_pem(&pem).unwrap();
        let verdicts = |message: &str, signature: &[u8]| {
            verdicts((encoding, hash), &key, message.as_bytes(), signature).unwrap()
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

/// The multiply-add of [`Hardware`], trusted even on machines that emulate it slowly.
struct Emulated;

impl Arithmetic for Emulated {
    type Floats = F64x2;

    #[inline(always)]
    fn multiply_add(left: F64x2, right: F64x2, addend: F64x2) -> F64x2 {
        Hardware::multiply_add(left, right, addend)
    }

    fn is_trusted() -> bool {
        static IS_EXACT: OnceLock<bool> = OnceLock::new();
        *IS_EXACT.get_or_init(is_exact::<Self>)
    }
}

/// Rounds once, and counts the calls.
struct RoundsOnce;

impl Arithmetic for RoundsOnce {
    type Floats = F64x2;

    fn multiply_add(left: F64x2, right: F64x2, addend: F64x2) -> F64x2 {
        CALLS.set(CALLS.get() + 1);
        Hardware::multiply_add(left, right, addend)
    }

    fn is_trusted() -> bool {
        is_exact::<Self>()
    }
}

/// Rounds twice, as relaxed SIMD may on a machine without a fused instruction, and counts the
/// calls.
struct RoundsTwice;

impl Arithmetic for RoundsTwice {
    type Floats = F64x2;

    fn multiply_add(left: F64x2, right: F64x2, addend: F64x2) -> F64x2 {
        CALLS.set(CALLS.get() + 1);
        F64x2::new(
            left.first() * right.first() + addend.first(),
            left.second() * right.second() + addend.second(),
        )
    }

    fn is_trusted() -> bool {
        is_exact::<Self>()
    }
}

/// Rounds once in the first lane and twice in the second.
struct RoundsTwiceInOneLane;

impl Arithmetic for RoundsTwiceInOneLane {
    type Floats = F64x2;

    fn multiply_add(left: F64x2, right: F64x2, addend: F64x2) -> F64x2 {
        let [once, twice] = [RoundsOnce::multiply_add, RoundsTwice::multiply_add]
            .map(|multiply_add| multiply_add(left, right, addend));
        F64x2::new(once.first(), twice.second())
    }

    fn is_trusted() -> bool {
        is_exact::<Self>()
    }
}

/// A build without the instruction must not use the kernel, which would be slow.
#[test]
fn the_kernel_is_used_where_it_is_fast() {
    let key = key(&modulus(&mut Rng::with_seed(12), 2048), 65537);
    assert_eq!(PreparedKey::new(&key).is_some(), Hardware::IS_FAST);
}

#[test]
fn the_self_test_detects_arithmetic_that_rounds_twice() {
    assert!(is_exact::<Hardware>());
    assert!(is_exact::<RoundsOnce>());
    assert!(!is_exact::<RoundsTwice>());
    assert!(!is_exact::<RoundsTwiceInOneLane>());
}

/// Shows that the self-test is needed.
#[test]
fn arithmetic_that_rounds_twice_yields_wrong_results() {
    let mut random = Rng::with_seed(11);
    let modulus = modulus(&mut random, 2048);
    let key = key(&modulus, 65537);
    let base = plus(&modulus, -2);
    let operation = PublicOperation::new(&key).unwrap();
    let [once, twice] =
        [PublicOperation::apply::<RoundsOnce>, PublicOperation::apply::<RoundsTwice>]
            .map(|apply| apply(&operation, &base).unwrap());
    assert_eq!(Some(&once), by_crate(&key, &base).as_ref());
    assert_ne!(once, twice);
}

/// Prepares a key, and returns the prepared key and the number of multiplications that it took.
fn prepare<A: Arithmetic<Floats = F64x2>>() -> (Option<Verifier<A>>, u64) {
    let key = key(&modulus(&mut Rng::with_seed(12), 2048), 65537);
    CALLS.set(0);
    (Verifier::new(&key), CALLS.get())
}

#[test]
fn prepares_no_key_for_arithmetic_that_rounds_twice() {
    // A product takes two multiplications, and the self-test has 35 products.
    let (prepared, calls) = prepare::<RoundsTwice>();
    assert!(prepared.is_none() && calls <= 70);
    let (prepared, calls) = prepare::<RoundsTwiceInOneLane>();
    assert!(prepared.is_none() && calls <= 140);
    let (prepared, calls) = prepare::<RoundsOnce>();
    assert_eq!(calls, 70);
    CALLS.set(0);
    assert!(!prepared.unwrap().verify_pkcs1v15(Hash::Sha256, b"message", &[1; 256]));
    // With h = 21, a product takes 8h² multiplications including its reduction, and a square 6h².
    // The exponent 65537 takes 2 products and 16 squares.
    assert!(CALLS.get() > (2 * 8 + 16 * 6) * 21 * 21);
}
