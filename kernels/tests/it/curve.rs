//! A curve of ECDSA: the field, u₁·G + u₂·Q, and whole signatures. Each curve includes this module,
//! and provides the names that it imports from `super`.

use super::{AffinePoint, ProjectivePoint, Scalar, VerifyingKey};
use super::{BYTES, Curve, Digest, N, Number, P, RADIX_BITS, Signature, SigningKey};
use crate::seeds::for_each_seed;
use ::p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use ::p256::elliptic_curve::bigint::NonZero;
use ::p256::elliptic_curve::group::Group as _;
use ::p256::elliptic_curve::ops::Reduce as _;
use ::p256::elliptic_curve::point::{AffineCoordinates as _, DecompressPoint as _};
use fastrand::Rng;
use portcullis_kernels::internals::ecdsa::{Factor as _, Prime, double_scalar_multiply};
use portcullis_kernels::internals::limbs::Limbs;
use sha2::Digest as _;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

type Element = portcullis_kernels::internals::ecdsa::Element<Curve>;
type PreparedKey = portcullis_kernels::internals::ecdsa::PreparedKey<Curve>;
/// The limbs of a number.
type Numbers = <Curve as Prime>::Limbs<i64>;

fn prime() -> NonZero<Number> {
    NonZero::new(P).unwrap()
}

fn order() -> NonZero<Number> {
    NonZero::new(N).unwrap()
}

/// Returns the low bytes, as many as p has.
fn be_bytes(number: Number) -> [u8; BYTES] {
    let bytes = number.to_be_bytes();
    bytes[bytes.len() - BYTES..].try_into().unwrap()
}

fn from_be_bytes(bytes: &[u8; BYTES]) -> Number {
    let mut number = [0; Number::BYTES];
    number[Number::BYTES - BYTES..].copy_from_slice(bytes);
    Number::from_be_slice(&number)
}

fn to_be_bytes(element: &Element) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    element.write_be_bytes(&mut bytes);
    bytes
}

fn plus(left: &Element, right: &Element) -> Element {
    Element::combination([(1, left), (1, right)])
}

/// Returns a number of at most as many bits as p: a random one, or one with long carries.
fn number(random: &mut Rng) -> Number {
    let mut bytes = [0; BYTES];
    match random.u8(..6) {
        0 => return Number::from_u8(random.u8(..4)),
        1 => return P.wrapping_sub(&Number::from_u8(random.u8(..4))),
        2 => {
            bytes.fill(0xff);
            bytes[BYTES - 1] -= random.u8(..4);
        }
        3 => bytes[random.usize(..BYTES)] = 1 << random.u8(..8),
        4 => bytes[random.usize(..BYTES)..].fill(0xff),
        _ => random.fill(&mut bytes),
    }
    // The highest byte of p is all ones.
    bytes[0] &= be_bytes(P)[0];
    from_be_bytes(&bytes)
}

fn check_field(a: Number, b: Number, seed: u64) {
    let p = prime();
    let [x, y] = [a, b].map(|number| Element::from_be_bytes(&be_bytes(number)));
    let [a, b] = [a, b].map(|number| number.rem_vartime(&p));
    let negative = b.neg_mod(&p);
    let difference = a.add_mod(&negative, &p);
    let sum = a.add_mod(&b, &p);
    let rows = [
        ("a", to_be_bytes(&x), a),
        ("ab", to_be_bytes(&x.times(&y)), a.mul_mod(&b, &p)),
        ("aa", to_be_bytes(&x.square()), a.mul_mod(&a, &p)),
        (
            "(a-b)(a+b)",
            to_be_bytes(&x.minus(&y).times(&plus(&x, &y))),
            difference.mul_mod(&sum, &p),
        ),
        ("9a-8b", to_be_bytes(&Element::combination([(9, &x), (-8, &y)])), {
            let nine = a.mul_mod(&Number::from_u8(9), &p);
            nine.add_mod(&negative.mul_mod(&Number::from_u8(8), &p), &p)
        }),
    ];
    for (what, actual, expected) in rows {
        assert_eq!(actual, be_bytes(expected), "seed {seed:#x}: {what}, a = {a}, b = {b}");
    }
    let is_same = Element::combination([(1, &x), (-1, &y)]).is_zero();
    assert_eq!(is_same, a == b, "seed {seed:#x}: {a} == {b}");
    let inverse = to_be_bytes(&x.times(&x.inverse()));
    assert_eq!(
        inverse,
        be_bytes(if a == Number::ZERO { a } else { Number::ONE }),
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
    assert_eq!(to_be_bytes(&Element::ONE), be_bytes(Number::ONE));
    assert_eq!(to_be_bytes(&Element::ZERO), be_bytes(Number::ZERO));
}

/// Returns the number that these limbs represent.
fn value(limbs: &Numbers) -> Number {
    let p = prime();
    let step = Number::ONE.shl_vartime(Curve::LIMB_BITS);
    let value = limbs.as_ref().iter().rev().fold(Number::ZERO, |sum, limb| {
        let size = Number::from_u64(limb.unsigned_abs());
        let term = if *limb < 0 { size.neg_mod(&p) } else { size };
        sum.mul_mod(&step, &p).add_mod(&term, &p)
    });
    // Half of p + 1 is the inverse of 2.
    let half = P.shr_vartime(1).wrapping_add(&Number::ONE);
    (0..RADIX_BITS).fold(value, |value, _| value.mul_mod(&half, &p))
}

/// The limbs are at the bounds that the documentation of the field states, in the combinations with
/// the largest columns. Builds with debug assertions panic at an overflow or a limb out of bounds.
#[test]
fn field_operations_are_correct_with_limbs_at_their_bounds() {
    let p = prime();
    let [least, most] = [*Curve::LOWER_LIMBS.start(), *Curve::LOWER_LIMBS.end()];
    let [bottom, top] = [*Curve::TOP_LIMB.start(), *Curve::TOP_LIMB.end()];
    let of = |limb: &dyn Fn(usize) -> i64, top_limb| {
        let mut limbs = Numbers::ZERO;
        for (index, to) in limbs.as_mut().iter_mut().enumerate() {
            *to = limb(index);
        }
        *limbs.as_mut().last_mut().unwrap() = top_limb;
        limbs
    };
    let last = Numbers::ZERO.as_ref().len() - 1;
    let extremes: Vec<Numbers> = [0, 1, least, most - 1, most]
        .into_iter()
        .flat_map(|limb| [0, 1, -1, bottom, top].map(|top| of(&|_| limb, top)))
        .chain((0..last).map(|own| of(&|index| if index == own { most } else { 0 }, 0)))
        .chain([
            of(&|_| 0, top),
            of(&|index| if index % 2 == 0 { least } else { most }, bottom),
            of(&|index| if index % 2 == 0 { most } else { least }, top),
        ])
        .collect();
    for x in &extremes {
        for y in &extremes {
            let [a, b] = [x, y].map(|limbs| Element::from_limbs(*limbs));
            let [v, w] = [x, y].map(value);
            let negative = w.neg_mod(&p);
            let check = |what: &str, actual: Element, expected: Number| {
                assert_eq!(to_be_bytes(&actual), be_bytes(expected), "{what}: {x:x?} {y:x?}");
            };
            check("a", a, v);
            check("ab", a.times(&b), v.mul_mod(&w, &p));
            check("aa", a.square(), v.mul_mod(&v, &p));
            let [sum, difference] = [v.add_mod(&w, &p), v.add_mod(&negative, &p)];
            check("(a+b)b", plus(&a, &b).times(&b), sum.mul_mod(&w, &p));
            check("(a-b)(a+b)", a.minus(&b).times(&plus(&a, &b)), difference.mul_mod(&sum, &p));
            check("(a-b)b", a.minus(&b).times(&b), difference.mul_mod(&w, &p));
            check("(b-a)a", b.minus(&a).times(&a), difference.neg_mod(&p).mul_mod(&v, &p));
            let factors = |m: u8, n: u8, w: &Number| {
                v.mul_mod(&Number::from_u8(m), &p).add_mod(&w.mul_mod(&Number::from_u8(n), &p), &p)
            };
            check("9a-8b", Element::combination([(9, &a), (-8, &b)]), factors(9, 8, &negative));
            check("9a+8b", Element::combination([(9, &a), (8, &b)]), factors(9, 8, &w));
            let is_same = Element::combination([(1, &a), (-1, &b)]).is_zero();
            assert_eq!(is_same, v == w, "{x:x?} {y:x?}");
        }
    }
}

/// Returns the number modulo n. The crates expect a number below 2n.
fn reduced(number: &Number) -> Scalar {
    Scalar::reduce(&number.rem_vartime(&order()))
}

/// Returns a scalar: a random one, or one that leads to special cases of the addition.
fn scalar(random: &mut Rng) -> Scalar {
    match random.u8(..6) {
        0 => Scalar::from(random.u64(..4)),
        1 => -Scalar::from(random.u64(..4)),
        // A power of two or one of its neighbors.
        2 => {
            let power = Number::ONE.shl_vartime(random.u32(..N.bit_width_vartime()));
            reduced(&power) + Scalar::from(random.u64(..3)) - Scalar::ONE
        }
        _ => reduced(&number(random)),
    }
}

fn verifying_key(point: ProjectivePoint) -> VerifyingKey {
    VerifyingKey::from_affine(point.to_affine()).unwrap()
}

fn check_sum(u1: Scalar, u2: Scalar, q: ProjectivePoint, seed: u64) {
    let key = PreparedKey::new(&verifying_key(q));
    let sum = double_scalar_multiply(&u1.to_bytes(), &key, &u2.to_bytes());
    let actual = sum.to_affine().map(|point| point.coordinates().map(to_be_bytes));
    let expected = ProjectivePoint::GENERATOR * u1 + q * u2;
    let expected = (!bool::from(expected.is_identity())).then(|| {
        let point = expected.to_affine();
        [point.x(), point.y()].map(<[u8; BYTES]>::from)
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

/// Sums at infinity, equal and opposite summands, and scalars with carries between parts.
#[test]
fn double_scalar_multiplications_agree_in_the_special_cases_of_the_addition() {
    let small = [0_u64, 1, 2, 3, 63, 64, 65].map(Scalar::from);
    // The ends of parts, and parts whose last digit is carried out.
    let ends = [u64::from(u16::MAX), 1 << 16, 1 << 32, u64::MAX - u64::from(u16::MAX), u64::MAX];
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

/// A key for the kernel and for the crate of the curve.
pub(crate) struct Key {
    prepared: PreparedKey,
    inner: VerifyingKey,
}

impl Key {
    pub(crate) fn new(inner: VerifyingKey) -> Self {
        Self { prepared: PreparedKey::new(&inner), inner }
    }

    /// Returns the verdicts of the kernel and of the crate.
    pub(crate) fn verdicts(&self, digest: &[u8], signature: &[u8]) -> [bool; 2] {
        let by_crate = Signature::from_slice(signature)
            .is_ok_and(|signature| self.inner.verify_prehash(digest, &signature).is_ok());
        [self.prepared.verify(digest, signature), by_crate]
    }

    fn verdicts_on_message(&self, message: &[u8], signature: &[u8]) -> [bool; 2] {
        self.verdicts(&Digest::digest(message), signature)
    }
}

#[test]
fn accepts_valid_signatures_and_rejects_altered_ones() {
    for_each_seed(1, |seed| {
        let mut random = Rng::with_seed(seed);
        let secret = std::iter::repeat_with(|| be_bytes(number(&mut random)))
            .find_map(|bytes| SigningKey::from_slice(&bytes).ok())
            .unwrap();
        let key = Key::new(*secret.verifying_key());
        let message = seed.to_le_bytes();
        let signature: Signature = secret.sign_prehash(&Digest::digest(message)).unwrap();
        let (r, s) = signature.split_scalars();
        // RFC 7518 does not forbid a high s.
        for s in [*s, -*s] {
            let bytes = [r.to_bytes(), s.to_bytes()].concat();
            assert_eq!(key.verdicts_on_message(&message, &bytes), [true; 2], "seed {seed:#x}");
            let mut broken = bytes.clone();
            broken[random.usize(..2 * BYTES)] ^= 1 << random.u8(..8);
            assert_eq!(key.verdicts_on_message(&message, &broken), [false; 2], "seed {seed:#x}");
            assert_eq!(key.verdicts_on_message(b"another", &bytes), [false; 2], "seed {seed:#x}");
        }
    });
}

/// Returns a key and a signature for a point R of the nonce and any r. The key is
/// Q = (s·R - z·G) / r, so that u₁·G + u₂·Q is R.
fn signature_of(point: AffinePoint, r: Scalar, message: &[u8]) -> (Key, Vec<u8>) {
    let s = Scalar::from(0x1234_5678_u64);
    let z = Digest::digest(message).iter().fold(Number::ZERO, |number, byte| {
        number.shl_vartime(8).wrapping_add(&Number::from_u8(*byte))
    });
    let z = reduced(&z);
    let q =
        (ProjectivePoint::from(point) * s - ProjectivePoint::GENERATOR * z) * r.invert().unwrap();
    (Key::new(verifying_key(q)), [r.to_bytes(), s.to_bytes()].concat())
}

/// Returns a point with this x coordinate, if there is one.
fn point_at(x: Number) -> Option<AffinePoint> {
    AffinePoint::decompress(&be_bytes(x).into(), 0.into()).into_option()
}

/// FIPS 186-5 section 6.4.2 compares x modulo n, and x can be n or greater.
#[test]
fn fips186_5_section_6_4_2_accepts_an_x_of_n_or_greater() {
    let [n, p] = [N, P];
    let from_n = (0_u64..).map(|over| n.wrapping_add(&Number::from_u64(over)));
    let to_p = (1_u64..).map(|under| p.wrapping_sub(&Number::from_u64(under)));
    let points = |numbers: &mut dyn Iterator<Item = Number>| -> Vec<(Number, AffinePoint)> {
        numbers.filter_map(|x| Some((x, point_at(x)?))).take(4).collect()
    };
    let mut found = points(&mut from_n.clone().skip(1));
    found.extend(points(&mut to_p.clone()));
    for (x, point) in found {
        let r = reduced(&x.wrapping_sub(&n));
        let (key, signature) = signature_of(point, r, b"message");
        assert_eq!(key.verdicts_on_message(b"message", &signature), [true; 2], "{x}");
        assert_eq!(key.verdicts_on_message(b"another", &signature), [false; 2], "{x}");
    }
}

/// For r = p - n + x, r + n equals x modulo p, but r does not equal x modulo n. The signature must
/// be rejected.
#[test]
fn fips186_5_section_6_4_2_does_not_compare_x_modulo_p() {
    let [n, p] = [N, P];
    let difference = p.wrapping_sub(&n);
    let small = (0_u64..).map(Number::from_u64).filter_map(|x| Some((x, point_at(x)?)));
    let mut is_zero_seen = false;
    for (x, point) in small.take(6) {
        is_zero_seen |= x == Number::ZERO;
        let r = reduced(&difference.wrapping_add(&x));
        let (key, signature) = signature_of(point, r, b"message");
        assert_eq!(key.verdicts_on_message(b"message", &signature), [false; 2], "{x}");
        if x != Number::ZERO {
            let (key, signature) = signature_of(point, reduced(&x), b"message");
            assert_eq!(key.verdicts_on_message(b"message", &signature), [true; 2], "{x}");
        }
    }
    assert_eq!(is_zero_seen, point_at(Number::ZERO).is_some());
}
