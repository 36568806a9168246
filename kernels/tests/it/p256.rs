//! P-256: the field, u₁·G + u₂·Q, and whole signatures.

use crate::seeds::for_each_seed;
use ::p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use ::p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use ::p256::elliptic_curve::bigint::{NonZero, U256};
use ::p256::elliptic_curve::group::Group as _;
use ::p256::elliptic_curve::ops::Reduce as _;
use ::p256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use ::p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use fastrand::Rng;
use portcullis_kernels::internals::p256::{Element, Factor, double_scalar_multiply};
use portcullis_kernels::p256::PreparedKey;
use sha2::{Digest as _, Sha256};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const P: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn prime() -> NonZero<U256> {
    NonZero::new(U256::from_be_hex(P)).unwrap()
}

fn be_bytes(number: U256) -> [u8; 32] {
    number.to_be_bytes().into()
}

/// Returns a number of 256 bits: a random one, or one with long carries.
fn number(random: &mut Rng) -> U256 {
    let mut bytes = [0; 32];
    match random.u8(..6) {
        0 => return U256::from_u8(random.u8(..4)),
        1 => return U256::from_be_hex(P).wrapping_sub(&U256::from_u8(random.u8(..4))),
        2 => return U256::MAX.wrapping_sub(&U256::from_u8(random.u8(..4))),
        3 => bytes[random.usize(..32)] = 1 << random.u8(..8),
        4 => bytes[random.usize(..32)..].fill(0xff),
        _ => random.fill(&mut bytes),
    }
    U256::from_be_slice(&bytes)
}

fn check_field(a: U256, b: U256, seed: u64) {
    let p = prime();
    let [x, y] = [a, b].map(|number| Element::from_be_bytes(&be_bytes(number)));
    let [a, b] = [a, b].map(|number| number.rem_vartime(&p));
    let negative = b.neg_mod(&p);
    let difference = a.add_mod(&negative, &p);
    let sum = a.add_mod(&b, &p);
    let rows = [
        ("a", x.to_be_bytes(), a),
        ("ab", x.times(&y).to_be_bytes(), a.mul_mod(&b, &p)),
        ("aa", x.square().to_be_bytes(), a.mul_mod(&a, &p)),
        ("(a-b)(a+b)", x.minus(&y).times(&x.plus(&y)).to_be_bytes(), difference.mul_mod(&sum, &p)),
        ("9a-8b", Element::combination([(9, &x), (-8, &y)]).to_be_bytes(), {
            let nine = a.mul_mod(&U256::from_u8(9), &p);
            nine.add_mod(&negative.mul_mod(&U256::from_u8(8), &p), &p)
        }),
    ];
    for (what, actual, expected) in rows {
        assert_eq!(actual, be_bytes(expected), "seed {seed:#x}: {what}, a = {a}, b = {b}");
    }
    let is_same = Element::combination([(1, &x), (-1, &y)]).is_zero();
    assert_eq!(is_same, a == b, "seed {seed:#x}: {a} == {b}");
    let inverse = x.times(&x.inverse()).to_be_bytes();
    assert_eq!(
        inverse,
        be_bytes(if a == U256::ZERO { a } else { U256::ONE }),
        "seed {seed:#x}: {a}"
    );
}

#[test]
fn field_operations_agree_with_integers_modulo_p() {
    for_each_seed(10, |seed| {
        let mut random = Rng::with_seed(seed);
        check_field(number(&mut random), number(&mut random), seed);
    });
}

#[test]
fn constants_represent_zero_and_one() {
    assert_eq!(Element::ONE.to_be_bytes(), be_bytes(U256::ONE));
    assert_eq!(Element::ZERO.to_be_bytes(), be_bytes(U256::ZERO));
}

/// Returns the number that these limbs represent.
fn value(limbs: [i64; 9]) -> U256 {
    let p = prime();
    // 2^-29, and 2^-261 as its ninth power.
    let step = {
        let mut half = U256::from_be_hex(P).wrapping_add(&U256::ONE).shr_vartime(1);
        let one = half;
        for _ in 1..29 {
            half = half.mul_mod(&one, &p);
        }
        half
    };
    // Σ eᵢ·2^(29i) / 2^261, the lowest limb first: each step divides by 2^29.
    limbs.iter().fold(U256::ZERO, |sum, limb| {
        let size = U256::from_u64(limb.unsigned_abs());
        let term = if *limb < 0 { size.neg_mod(&p) } else { size };
        sum.add_mod(&term, &p).mul_mod(&step, &p)
    })
}

/// The limbs are at the bounds that the documentation of the field states, in the combinations with
/// the largest columns. Builds with debug assertions panic at an overflow or a limb out of bounds.
#[test]
fn field_operations_are_correct_with_limbs_at_their_bounds() {
    const FULL: i64 = (1 << 29) - 1;
    // The value is less than 3·2^255 and at least -(2^255 + 2^237).
    const TOP: i64 = (3 << 23) - 1;
    const BOTTOM: i64 = -(1 << 23) - (1 << 5);
    let p = prime();
    let extremes: Vec<[i64; 9]> = [0, 1, FULL - 1, FULL]
        .into_iter()
        .flat_map(|limb| [0, 1, -1, TOP, BOTTOM].map(|top| (limb, top)))
        .map(|(limb, top)| [limb, limb, limb, limb, limb, limb, limb, limb, top])
        .chain((0..9).map(|index| {
            let mut limbs = [0; 9];
            limbs[index] = if index == 8 { TOP } else { FULL };
            limbs
        }))
        .collect();
    for x in &extremes {
        for y in &extremes {
            let [a, b] = [x, y].map(|limbs| Element::from_limbs(*limbs));
            let [v, w] = [x, y].map(|limbs| value(*limbs));
            let negative = w.neg_mod(&p);
            let check = |what: &str, actual: Element, expected: U256| {
                assert_eq!(actual.to_be_bytes(), be_bytes(expected), "{what}: {x:x?} {y:x?}");
            };
            check("a", a, v);
            check("ab", a.times(&b), v.mul_mod(&w, &p));
            check("aa", a.square(), v.mul_mod(&v, &p));
            let [sum, difference] = [v.add_mod(&w, &p), v.add_mod(&negative, &p)];
            check("(a+b)b", a.plus(&b).times(&b), sum.mul_mod(&w, &p));
            check("(a-b)(a+b)", a.minus(&b).times(&a.plus(&b)), difference.mul_mod(&sum, &p));
            check(
                "(a-b)(a-b)",
                a.minus(&b).times(&a.minus(&b)),
                difference.mul_mod(&difference, &p),
            );
            let factors = |m: u8, n: u8, w: &U256| {
                v.mul_mod(&U256::from_u8(m), &p).add_mod(&w.mul_mod(&U256::from_u8(n), &p), &p)
            };
            check("9a-8b", Element::combination([(9, &a), (-8, &b)]), factors(9, 8, &negative));
            check("9a+8b", Element::combination([(9, &a), (8, &b)]), factors(9, 8, &w));
            let is_same = Element::combination([(1, &a), (-1, &b)]).is_zero();
            assert_eq!(is_same, v == w, "{x:x?} {y:x?}");
        }
    }
}

/// Returns a scalar: a random one, or one that leads to special cases of the addition.
fn scalar(random: &mut Rng) -> Scalar {
    match random.u8(..6) {
        0 => Scalar::from(random.u64(..4)),
        1 => -Scalar::from(random.u64(..4)),
        // A power of two or one of its neighbors.
        2 => {
            let power = U256::ONE.shl_vartime(random.u32(..256));
            Scalar::reduce(&power) + Scalar::from(random.u64(..3)) - Scalar::ONE
        }
        _ => Scalar::reduce(&number(random)),
    }
}

fn verifying_key(point: ProjectivePoint) -> VerifyingKey {
    VerifyingKey::from_affine(point.to_affine()).unwrap()
}

fn check_sum(u1: Scalar, u2: Scalar, q: ProjectivePoint, seed: u64) {
    let key = PreparedKey::new(&verifying_key(q));
    let sum = double_scalar_multiply(&u1.to_bytes().into(), &key, &u2.to_bytes().into());
    let actual = sum.to_affine().map(|point| point.coordinates().map(Element::to_be_bytes));
    let expected = ProjectivePoint::GENERATOR * u1 + q * u2;
    let expected = (!bool::from(expected.is_identity())).then(|| {
        let point = expected.to_affine();
        [point.x(), point.y()].map(<[u8; 32]>::from)
    });
    assert_eq!(actual, expected, "seed {seed:#x}: {u1:?} G + {u2:?} ({:?})", q.to_affine());
}

#[test]
fn random_double_scalar_multiplications_agree() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let [u1, u2, k] = [(); 3].map(|()| scalar(&mut random));
        let k = if k == Scalar::ZERO { Scalar::ONE } else { k };
        check_sum(u1, u2, ProjectivePoint::GENERATOR * k, seed);
    });
}

/// Sums at infinity, equal and opposite summands, and scalars with carries between words.
#[test]
fn double_scalar_multiplications_agree_in_the_special_cases_of_the_addition() {
    let small = [0_u64, 1, 2, 3, 63, 64, 65].map(Scalar::from);
    // The ends of words, and words whose last digit is carried out.
    let ends = [u64::from(u32::MAX), 1 << 32, u64::MAX - u64::from(u32::MAX), u64::MAX];
    let ends = ends.map(Scalar::from);
    let scalars = small.into_iter().chain(small.map(|one| -one)).chain(ends);
    for k in [1_u64, 2, 3].map(Scalar::from) {
        for q in [ProjectivePoint::GENERATOR * k, -(ProjectivePoint::GENERATOR * k)] {
            for u1 in scalars.clone() {
                for u2 in [0_u64, 1, 2, 31].map(Scalar::from) {
                    check_sum(u1, u2, q, 0);
                    check_sum(u1, -u2, q, 0);
                }
                // u₁·G and u₂·Q are equal or opposite.
                let u2 = u1 * k.invert().unwrap();
                check_sum(u1, u2, q, 0);
                check_sum(u1, -u2, q, 0);
            }
        }
    }
}

/// Returns the verdicts of the kernel and of the `p256` crate.
pub(crate) fn verdicts(key: &VerifyingKey, digest: &[u8], signature: &[u8]) -> [bool; 2] {
    let by_crate = Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok());
    [PreparedKey::new(key).verify(digest, signature), by_crate]
}

fn verdicts_on_message(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> [bool; 2] {
    verdicts(key, &Sha256::digest(message), signature)
}

#[test]
fn accepts_valid_signatures_and_rejects_altered_ones() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let secret = std::iter::repeat_with(|| be_bytes(number(&mut random)))
            .find_map(|bytes| SigningKey::from_slice(&bytes).ok())
            .unwrap();
        let key = secret.verifying_key();
        let message = seed.to_le_bytes();
        let signature: Signature = secret.sign_prehash(&Sha256::digest(message)).unwrap();
        let (r, s) = signature.split_scalars();
        // RFC 7518 does not forbid a high s.
        for s in [*s, -*s] {
            let bytes = [r.to_bytes(), s.to_bytes()].concat();
            assert_eq!(verdicts_on_message(key, &message, &bytes), [true; 2], "seed {seed:#x}");
            let mut broken = bytes.clone();
            broken[random.usize(..64)] ^= 1 << random.u8(..8);
            assert_eq!(verdicts_on_message(key, &message, &broken), [false; 2], "seed {seed:#x}");
            assert_eq!(verdicts_on_message(key, b"another", &bytes), [false; 2], "seed {seed:#x}");
        }
    });
}

/// Returns a key and a signature for a point R of the nonce and any r. The key is
/// Q = (s·R - z·G) / r, so that u₁·G + u₂·Q is R.
fn signature_of(point: AffinePoint, r: Scalar, message: &[u8]) -> (VerifyingKey, Vec<u8>) {
    let s = Scalar::from(0x1234_5678_u64);
    let z = Scalar::reduce(&FieldBytes::from(<[u8; 32]>::from(Sha256::digest(message))));
    let q =
        (ProjectivePoint::from(point) * s - ProjectivePoint::GENERATOR * z) * r.invert().unwrap();
    (verifying_key(q), [r.to_bytes(), s.to_bytes()].concat())
}

/// Returns a point with this x coordinate, if there is one.
fn point_at(x: U256) -> Option<AffinePoint> {
    AffinePoint::decompress(&FieldBytes::from(be_bytes(x)), 0.into()).into_option()
}

/// FIPS 186-5 section 6.4.2 compares x modulo n, and x can be n or greater.
#[test]
fn fips186_5_section_6_4_2_accepts_an_x_of_n_or_greater() {
    let [n, p] = [N, P].map(U256::from_be_hex);
    let from_n = (0_u64..).map(|over| n.wrapping_add(&U256::from_u64(over)));
    let to_p = (1_u64..).map(|under| p.wrapping_sub(&U256::from_u64(under)));
    let points = |numbers: &mut dyn Iterator<Item = U256>| -> Vec<(U256, AffinePoint)> {
        numbers.filter_map(|x| Some((x, point_at(x)?))).take(4).collect()
    };
    let mut found = points(&mut from_n.clone().skip(1));
    found.extend(points(&mut to_p.clone()));
    for (x, point) in found {
        let r = Scalar::reduce(&x.wrapping_sub(&n));
        let (key, signature) = signature_of(point, r, b"message");
        assert_eq!(verdicts_on_message(&key, b"message", &signature), [true; 2], "{x}");
        assert_eq!(verdicts_on_message(&key, b"another", &signature), [false; 2], "{x}");
    }
}

/// For r = p - n + x, r + n equals x modulo p, but r does not equal x modulo n. The signature must
/// be rejected.
#[test]
fn fips186_5_section_6_4_2_does_not_compare_x_modulo_p() {
    let [n, p] = [N, P].map(U256::from_be_hex);
    let difference = p.wrapping_sub(&n);
    let small = (0_u64..).map(U256::from_u64).filter_map(|x| Some((x, point_at(x)?)));
    let mut zero_seen = false;
    for (x, point) in small.take(6) {
        zero_seen |= x == U256::ZERO;
        let r = Scalar::reduce(&difference.wrapping_add(&x));
        let (key, signature) = signature_of(point, r, b"message");
        assert_eq!(verdicts_on_message(&key, b"message", &signature), [false; 2], "{x}");
        if x != U256::ZERO {
            let (key, signature) = signature_of(point, Scalar::reduce(&x), b"message");
            assert_eq!(verdicts_on_message(&key, b"message", &signature), [true; 2], "{x}");
        }
    }
    assert!(zero_seen, "there is a point with x = 0");
}
