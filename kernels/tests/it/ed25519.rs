//! Ed25519: the field, S·B - k·A, and whole signatures.

use crate::seeds::for_each_seed;
use ::p256::elliptic_curve::bigint::{NonZero, U256};
use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use fastrand::Rng;
use portcullis_kernels::ed25519::PreparedKey;
use portcullis_kernels::internals::ed25519::{Element, Factor, Point, double_scalar_multiply};
use sha2::{Digest as _, Sha512};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const P: &str = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";

fn prime() -> NonZero<U256> {
    NonZero::new(U256::from_be_hex(P)).unwrap()
}

fn le_bytes(number: &U256) -> [u8; 32] {
    number.to_le_bytes().into()
}

/// Returns a number of 255 bits: a random one, one near 0 or p, or one with a run of ones.
fn number(random: &mut Rng) -> U256 {
    let mut bytes = [0; 32];
    match random.u8(..5) {
        0 => bytes[0] = random.u8(..40),
        1 => {
            bytes = le_bytes(&prime());
            bytes[0] = bytes[0].wrapping_add(19).wrapping_sub(random.u8(1..40));
        }
        2 => {
            let (from, to) = (random.usize(..256), random.usize(..256));
            for bit in from.min(to)..from.max(to) {
                bytes[bit / 8] |= 1 << (bit % 8);
            }
        }
        _ => random.fill(&mut bytes),
    }
    bytes[31] &= 0x7f;
    U256::from_le_slice(&bytes)
}

#[test]
fn field_operations_agree_with_integers_modulo_p() {
    let p = prime();
    for_each_seed(20, |seed| {
        let mut random = Rng::with_seed(seed);
        let [x, y] = [(); 2].map(|()| number(&mut random));
        let [a, b] = [x, y].map(|one| Element::from_le_bytes(&le_bytes(&one)));
        let [x, y] = [x, y].map(|one| one.rem(&p));
        let check = |name: &str, actual: Element, expected: U256| {
            assert_eq!(actual.to_le_bytes(), le_bytes(&expected), "seed {seed:#x}: {name}");
        };
        let negative = |one: &U256| one.neg_mod(&p);
        let one = Element::ONE;
        check("a", a, x);
        check("ab", a.times(&b), x.mul_mod(&y, &p));
        check("aa", a.square(), x.mul_mod(&x, &p));
        check("a+b", a.plus(&b).times(&one), x.add_mod(&y, &p));
        check("a-b", a.minus(&b).times(&one), x.add_mod(&negative(&y), &p));
        let both = x.add_mod(&y, &p).mul_mod(&x.add_mod(&negative(&y), &p), &p);
        check("(a+b)(a-b)", a.plus(&b).times(&a.minus(&b)), both);
        let eightfold = [(); 3].iter().fold(y, |sum, ()| sum.add_mod(&sum, &p));
        check("-8b", Element::combination([(-8, &b)]), negative(&eightfold));
        check("8b", Element::combination([(8, &b)]), eightfold);
        let inverse = a.inverse();
        let is_zero = x == U256::ZERO;
        check("a/a", a.times(&inverse), if is_zero { U256::ZERO } else { U256::ONE });
        // 8·(p - 5) / 8 + 4 = p - 1.
        let power = a.power_for_root().square().square().square();
        let whole = power.times(&a.square().square());
        check("a^(p-1)", whole, if is_zero { U256::ZERO } else { U256::ONE });
    });
}

/// Every limb is at the lower or upper bound that the documentation of the field states.
#[test]
fn field_operations_are_correct_with_limbs_at_their_bounds() {
    const LEAST: i64 = -(1 << 17);
    const MOST: i64 = (1 << 29) - 1 + (1 << 17);
    let p = prime();
    let value = |limbs: &[i64; 9]| {
        limbs.iter().rev().fold(U256::ZERO, |sum, limb| {
            let shifted = sum.mul_mod(&U256::from_u64(1 << 29), &p);
            let size = U256::from_u64(limb.unsigned_abs());
            shifted.add_mod(&if *limb < 0 { size.neg_mod(&p) } else { size }, &p)
        })
    };
    let of = |bits: u32| {
        std::array::from_fn(|index| match (bits >> index & 1, index) {
            (0, 8) => 0,
            (_, 8) => (1 << 23) - 1,
            (0, _) => LEAST,
            _ => MOST,
        })
    };
    for bits in 0..1 << 9 {
        let limbs: [i64; 9] = of(bits);
        let (a, x) = (Element::from_limbs(limbs), value(&limbs));
        assert_eq!(a.to_le_bytes(), le_bytes(&x), "{limbs:x?}");
        assert_eq!(a.square().to_le_bytes(), le_bytes(&x.mul_mod(&x, &p)), "{limbs:x?}");
        for others in [0, 0x1ff, 0x155, 0x0aa, bits ^ 0x1ff] {
            let others: [i64; 9] = of(others);
            let (b, y) = (Element::from_limbs(others), value(&others));
            let check = |actual: Element, expected: U256| {
                assert_eq!(actual.to_le_bytes(), le_bytes(&expected), "{limbs:x?} {others:x?}");
            };
            let difference = x.add_mod(&y.neg_mod(&p), &p);
            check(a.times(&b), x.mul_mod(&y, &p));
            check(a.plus(&b).times(&a.minus(&b)), x.add_mod(&y, &p).mul_mod(&difference, &p));
            check(a.minus(&b).times(&b.minus(&a)), difference.mul_mod(&difference.neg_mod(&p), &p));
            let sum = [(); 4].iter().fold(U256::ZERO, |sum, ()| sum.add_mod(&difference, &p));
            check(Element::combination([(4, &a), (-4, &b)]), sum);
        }
    }
}

#[test]
fn rfc8032_section_5_1_computes_the_base_point() {
    let expected = EdwardsPoint::mul_base(&Scalar::ONE).compress();
    assert_eq!(Point::base().encode(), expected.to_bytes());
    assert_eq!(Point::decode(expected.as_bytes()).encode(), expected.to_bytes());
}

#[test]
fn rfc8032_section_5_1_3_decodes_and_encodes_points() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let point = EdwardsPoint::mul_base(&scalar(&mut random));
        for torsion in EIGHT_TORSION {
            let bytes = (point + torsion).compress().to_bytes();
            let decoded = Point::decode(&bytes);
            assert_eq!(decoded.encode(), bytes, "seed {seed:#x}");
            assert_eq!(decoded.is_of_small_order(), point.is_small_order(), "seed {seed:#x}");
            let negative = (-(point + torsion)).compress().to_bytes();
            assert_eq!(decoded.negative().encode(), negative, "seed {seed:#x}");
        }
    });
    for point in EIGHT_TORSION {
        assert!(Point::decode(point.compress().as_bytes()).is_of_small_order());
    }
}

/// Returns a scalar below the order of the group: a random one, or one with few nonzero digits.
fn scalar(random: &mut Rng) -> Scalar {
    match random.u8(..5) {
        0 => Scalar::from(random.u64(..4)),
        1 => -Scalar::from(random.u64(..4)),
        2 => {
            let mut bytes = [0; 32];
            let bit = random.usize(..252);
            bytes[bit / 8] = 1 << (bit % 8);
            Scalar::from_bytes_mod_order(bytes) + Scalar::from(random.u64(..3)) - Scalar::ONE
        }
        _ => {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            Scalar::from_bytes_mod_order(bytes)
        }
    }
}

fn verifying_key(point: EdwardsPoint) -> VerifyingKey {
    VerifyingKey::from_bytes(point.compress().as_bytes()).unwrap()
}

fn check_difference(s: Scalar, k: Scalar, a: EdwardsPoint, seed: u64) {
    let key = PreparedKey::new(&verifying_key(a));
    let actual = double_scalar_multiply(s.as_bytes(), &key, k.as_bytes()).unwrap();
    let expected = EdwardsPoint::mul_base(&s) - a * k;
    assert_eq!(
        actual.encode(),
        expected.compress().to_bytes(),
        "seed {seed:#x}: {s:?} B - {k:?} ({:?})",
        a.compress()
    );
    assert_eq!(actual.is_of_small_order(), expected.is_small_order(), "seed {seed:#x}");
}

#[test]
fn random_double_scalar_multiplications_agree() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let [s, k, a] = [(); 3].map(|()| scalar(&mut random));
        let a = if a == Scalar::ZERO { Scalar::ONE } else { a };
        let torsion = EIGHT_TORSION[random.usize(..8)];
        check_difference(s, k, EdwardsPoint::mul_base(&a) + torsion, seed);
    });
}

/// Results that are the identity or of small order, equal summands, and the ends of words.
#[test]
fn double_scalar_multiplications_agree_in_special_cases() {
    let ends = [0, 1, 2, 3, 31, 63, u64::from(u32::MAX), 1 << 32, u64::MAX].map(Scalar::from);
    for k in [1_u64, 2, 3].map(Scalar::from) {
        for torsion in [EIGHT_TORSION[0], EIGHT_TORSION[1], EIGHT_TORSION[4]] {
            let a = EdwardsPoint::mul_base(&k) + torsion;
            for s in ends.into_iter().chain(ends.map(|one| -one)) {
                check_difference(s, Scalar::ZERO, a, 0);
                check_difference(Scalar::ZERO, s, a, 0);
                check_difference(s, s * k.invert(), a, 0);
                check_difference(s, -(s * k.invert()), a, 0);
            }
        }
    }
}

/// Returns the verdicts of the kernel and of the `ed25519-dalek` crate.
pub(crate) fn verdicts(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> [bool; 2] {
    let by_crate = Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok());
    [PreparedKey::new(key).verify(message, signature), by_crate]
}

#[test]
fn accepts_valid_signatures_and_rejects_altered_ones() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let mut secret = [0; 32];
        random.fill(&mut secret);
        let secret = SigningKey::from_bytes(&secret);
        let key = secret.verifying_key();
        let message = seed.to_le_bytes();
        let mut signature = secret.sign(&message).to_bytes();
        assert_eq!(verdicts(&key, &message, &signature), [true; 2], "seed {seed:#x}");
        assert_eq!(verdicts(&key, b"another", &signature), [false; 2], "seed {seed:#x}");
        assert_eq!(verdicts(&key, &message, &signature[..63]), [false; 2], "seed {seed:#x}");
        let longer = [&signature[..], &[0]].concat();
        assert_eq!(verdicts(&key, &message, &longer), [false; 2], "seed {seed:#x}");
        for byte in 0..64 {
            let flipped = 1 << random.u8(..8);
            signature[byte] ^= flipped;
            let broken = verdicts(&key, &message, &signature);
            assert_eq!(broken, [false; 2], "seed {seed:#x}: byte {byte} ^ {flipped:#x}");
            signature[byte] ^= flipped;
        }
    });
}

/// Signs with a secret scalar, the public point A and any encoding of R.
fn sign(secret: Scalar, a: EdwardsPoint, nonce: Scalar, r: [u8; 32], message: &[u8]) -> [u8; 64] {
    let hash = Sha512::new().chain_update(r).chain_update(a.compress().as_bytes());
    let k = Scalar::from_bytes_mod_order_wide(&hash.chain_update(message).finalize().into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r);
    signature[32..].copy_from_slice((nonce + k * secret).as_bytes());
    signature
}

/// Adding the order of the group to S does not change S·B.
#[test]
fn rfc8032_section_5_1_7_rejects_an_s_at_or_above_the_order() {
    let order = U256::from_le_slice((-Scalar::ONE).as_bytes()).wrapping_add(&U256::ONE);
    let secret = SigningKey::from_bytes(&[7; 32]);
    let key = secret.verifying_key();
    let mut signature = secret.sign(b"message").to_bytes();
    let s = U256::from_le_slice(&signature[32..]);
    for times in 1..8 {
        let beyond = (0..times).fold(s, |sum, _| sum.wrapping_add(&order));
        signature[32..].copy_from_slice(&le_bytes(&beyond));
        assert_eq!(verdicts(&key, b"message", &signature), [false; 2], "{times} times");
    }
}

/// Returns every encoding of a point of small order, with both signs, and every encoding of a y
/// that is not below p ("Taming the Many EdDSAs", table 1).
fn small_order_and_non_canonical_encodings() -> Vec<[u8; 32]> {
    let p = U256::from_be_hex(P);
    let not_below_p = (0..19).map(|more| le_bytes(&p.wrapping_add(&U256::from_u8(more))));
    let of_small_order = EIGHT_TORSION.map(|point| point.compress().to_bytes());
    let with_both_signs = |bytes: [u8; 32]| {
        [0, 0x80].map(|sign| {
            let mut bytes = bytes;
            bytes[31] ^= sign;
            bytes
        })
    };
    not_below_p.chain(of_small_order).flat_map(with_both_signs).collect()
}

/// The cases on which cofactored, lax and strict verification differ ("Taming the Many EdDSAs").
#[test]
fn agrees_on_nonces_and_keys_with_a_component_of_small_order() {
    let (secret, nonce) = (Scalar::from(0x1234_5678_u64), Scalar::from(0x8765_4321_u64));
    let mut verdicts_seen = [0; 2];
    for in_key in EIGHT_TORSION {
        let a = EdwardsPoint::mul_base(&secret) + in_key;
        let key = verifying_key(a);
        for in_nonce in EIGHT_TORSION {
            for message in 0..16_u8 {
                let r = (EdwardsPoint::mul_base(&nonce) + in_nonce).compress().to_bytes();
                let signature = sign(secret, a, nonce, r, &[message]);
                let [kernel, by_crate] = verdicts(&key, &[message], &signature);
                assert_eq!(kernel, by_crate, "{in_key:?} {in_nonce:?} {message}");
                verdicts_seen[usize::from(kernel)] += 1;
            }
        }
        // With the nonce 0, S·B - k·A is a point of small order.
        for r in small_order_and_non_canonical_encodings() {
            for message in 0..16_u8 {
                let signature = sign(secret, a, Scalar::ZERO, r, &[message]);
                assert_eq!(verdicts(&key, &[message], &signature), [false; 2], "{r:02x?}");
            }
        }
    }
    assert!(verdicts_seen.iter().all(|seen| *seen > 100), "{verdicts_seen:?}");
}

/// Under a key of small order, S·B - k·A is R for almost every message if S·B is R.
#[test]
fn rejects_keys_of_small_order() {
    let nonce = Scalar::from(0x8765_4321_u64);
    let r = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
    for a in EIGHT_TORSION {
        for message in 0..16_u8 {
            let signature = sign(Scalar::ZERO, a, nonce, r, &[message]);
            assert_eq!(verdicts(&verifying_key(a), &[message], &signature), [false; 2], "{a:?}");
        }
    }
}
