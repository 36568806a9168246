//! P-256: the field, u₁·G + u₂·Q, and whole signatures.

use super::each_seed;
use ::p256::ecdsa::signature::hazmat::PrehashSigner as _;
use ::p256::ecdsa::{Signature, SigningKey};
use ::p256::elliptic_curve::bigint::{NonZero, U256};
use ::p256::elliptic_curve::group::Group as _;
use ::p256::elliptic_curve::ops::Reduce as _;
use ::p256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use ::p256::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use fastrand::Rng;
use portcullis::alg::{Algorithm, Curve};
use portcullis::keys::{EcKey, Key, Material};
use portcullis::signature::kernels::{Element, Factor, recode, sum_of_products};
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

/// A number of 256 bits: at random, or one that makes carries run.
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
fn field_arithmetic_is_that_of_integers_modulo_p() {
    each_seed(10, |seed| {
        let mut random = Rng::with_seed(seed);
        check_field(number(&mut random), number(&mut random), seed);
    });
}

#[test]
fn one_is_one() {
    assert_eq!(Element::ONE.to_be_bytes(), be_bytes(U256::ONE));
    assert_eq!(Element::ZERO.to_be_bytes(), be_bytes(U256::ZERO));
}

/// The number that limbs stand for.
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
    // Σ eᵢ·2^(29i) / 2^261, from the lowest: each step divides by 2^29.
    limbs.iter().fold(U256::ZERO, |sum, limb| {
        let size = U256::from_u64(limb.unsigned_abs());
        let term = if *limb < 0 { size.neg_mod(&p) } else { size };
        sum.add_mod(&term, &p).mul_mod(&step, &p)
    })
}

/// Limbs at their bounds, as the documentation of the field gives them, in every combination that makes a
/// column largest; debug builds stop at an overflow or at a limb out of bounds.
#[test]
fn limbs_at_their_bounds() {
    const FULL: i64 = (1 << 29) - 1;
    // The value is below 3·2^255 and above -(2^255 + 2^237).
    const TOP: i64 = (3 << 23) - 1;
    const BOTTOM: i64 = -(1 << 23) - (1 << 5);
    let p = prime();
    let extremes: Vec<[i64; 9]> = [0, 1, FULL - 1, FULL]
        .into_iter()
        .flat_map(|limb| [0, 1, -1, TOP, BOTTOM].map(|top| (limb, top)))
        .map(|(limb, top)| [limb, limb, limb, limb, limb, limb, limb, limb, top])
        .chain((0..9).map(|place| {
            let mut limbs = [0; 9];
            limbs[place] = if place == 8 { TOP } else { FULL };
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

#[test]
fn digits_sum_up_to_their_word() {
    let check = |word: u64| {
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
    };
    for shift in 0..64 {
        for word in
            [1 << shift, u64::MAX << shift, u64::MAX >> shift, 0x5555_5555_5555_5555 << shift]
        {
            check(word);
            check(word.wrapping_add(1));
            check(word.wrapping_sub(1));
        }
    }
    each_seed(20, |seed| check(Rng::with_seed(seed).u64(..)));
}

/// A scalar: at random, or one at which exceptions lie in wait.
fn scalar(random: &mut Rng) -> Scalar {
    match random.u8(..6) {
        0 => Scalar::from(random.u64(..4)),
        1 => -Scalar::from(random.u64(..4)),
        // A power of two, and its neighbours.
        2 => {
            let power = U256::ONE.shl_vartime(random.u32(..256));
            Scalar::reduce(&power) + Scalar::from(random.u64(..3)) - Scalar::ONE
        }
        _ => Scalar::reduce(&number(random)),
    }
}

fn import(point: ProjectivePoint) -> Key {
    let point = point.to_affine();
    let key = EcKey::from_coordinates(Curve::P256, &point.x(), &point.y()).unwrap();
    Key::new(Material::Ec(key), None, &[Algorithm::ES256]).unwrap()
}

fn check_sum(u1: Scalar, u2: Scalar, q: ProjectivePoint, seed: u64) {
    let key = import(q);
    let Material::Ec(EcKey::P256(key)) = key.material() else { panic!("another curve") };
    let sum = sum_of_products(&u1.to_bytes().into(), key, &u2.to_bytes().into());
    let actual = sum.to_affine().map(|point| point.coordinates().map(Element::to_be_bytes));
    let expected = ProjectivePoint::GENERATOR * u1 + q * u2;
    let expected = (!bool::from(expected.is_identity())).then(|| {
        let point = expected.to_affine();
        [point.x(), point.y()].map(<[u8; 32]>::from)
    });
    assert_eq!(actual, expected, "seed {seed:#x}: {u1:?} G + {u2:?} ({:?})", q.to_affine());
}

#[test]
fn sums_of_products_at_random() {
    each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let [u1, u2, k] = [(); 3].map(|()| scalar(&mut random));
        let k = if k == Scalar::ZERO { Scalar::ONE } else { k };
        check_sum(u1, u2, ProjectivePoint::GENERATOR * k, seed);
    });
}

/// Sums at infinity, equal summands, and every exception of the addition.
#[test]
fn sums_of_products_that_meet_the_exceptions() {
    let small = [0_u64, 1, 2, 3, 63, 64, 65].map(Scalar::from);
    // Where a word of the scalar ends, and where the last digit is carried out of it.
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
                // u₁·G and u₂·Q are the same, or opposite.
                let u2 = u1 * k.invert().unwrap();
                check_sum(u1, u2, q, 0);
                check_sum(u1, -u2, q, 0);
            }
        }
    }
}

fn verdicts(key: &Key, message: &[u8], signature: &[u8]) -> [bool; 2] {
    super::verdicts(Algorithm::ES256, key, message, signature)
}

#[test]
fn signatures_good_and_broken() {
    each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let secret = std::iter::repeat_with(|| be_bytes(number(&mut random)))
            .find_map(|bytes| SigningKey::from_slice(&bytes).ok())
            .unwrap();
        let key = import(ProjectivePoint::from(*secret.verifying_key().as_affine()));
        let message = seed.to_le_bytes();
        let signature: Signature = secret.sign_prehash(&Sha256::digest(message)).unwrap();
        let (r, s) = signature.split_scalars();
        // A high s is as good as a low one (RFC 7518 has no rule against it).
        for s in [*s, -*s] {
            let bytes = [r.to_bytes(), s.to_bytes()].concat();
            assert_eq!(verdicts(&key, &message, &bytes), [true; 2], "seed {seed:#x}");
            let mut broken = bytes.clone();
            broken[random.usize(..64)] ^= 1 << random.u8(..8);
            assert_eq!(verdicts(&key, &message, &broken), [false; 2], "seed {seed:#x}");
            assert_eq!(verdicts(&key, b"another", &bytes), [false; 2], "seed {seed:#x}");
        }
    });
}

/// What a signature whose nonce's point is R, and whose r is this, has for a key and for bytes: the key is
/// Q = (s·R - z·G) / r.
fn signature_of(point: AffinePoint, r: Scalar, message: &[u8]) -> (Key, Vec<u8>) {
    let s = Scalar::from(0x1234_5678_u64);
    let z = Scalar::reduce(&FieldBytes::from(<[u8; 32]>::from(Sha256::digest(message))));
    let q =
        (ProjectivePoint::from(point) * s - ProjectivePoint::GENERATOR * z) * r.invert().unwrap();
    (import(q), [r.to_bytes(), s.to_bytes()].concat())
}

/// The point with this x, if there is one.
fn point_at(x: U256) -> Option<AffinePoint> {
    AffinePoint::decompress(&FieldBytes::from(be_bytes(x)), 0.into()).into_option()
}

/// FIPS 186-5 section 6.4.2 compares x modulo n, and x may be n or more.
#[test]
fn fips186_5_section_6_4_2_x_of_n_or_more() {
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
        assert_eq!(verdicts(&key, b"message", &signature), [true; 2], "{x}");
        assert_eq!(verdicts(&key, b"another", &signature), [false; 2], "{x}");
    }
}

/// p - n + k is one r, and k another, though r + n is k modulo p.
#[test]
fn fips186_5_section_6_4_2_x_is_not_compared_modulo_p() {
    let [n, p] = [N, P].map(U256::from_be_hex);
    let difference = p.wrapping_sub(&n);
    let small = (0_u64..).map(U256::from_u64).filter_map(|x| Some((x, point_at(x)?)));
    let mut zero_seen = false;
    for (x, point) in small.take(6) {
        zero_seen |= x == U256::ZERO;
        let r = Scalar::reduce(&difference.wrapping_add(&x));
        let (key, signature) = signature_of(point, r, b"message");
        assert_eq!(verdicts(&key, b"message", &signature), [false; 2], "{x}");
        if x != U256::ZERO {
            let (key, signature) = signature_of(point, Scalar::reduce(&x), b"message");
            assert_eq!(verdicts(&key, b"message", &signature), [true; 2], "{x}");
        }
    }
    assert!(zero_seen, "x = 0 is on the curve");
}
