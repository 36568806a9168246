//! Inverses modulo an odd number, by division steps (Bernstein and Yang 2019, with the initial
//! value of δ by Wuille, which needs fewer steps). For public numbers only: the time depends on
//! them.
//!
//! A division step takes two numbers, f and g, with f odd. If δ > 0 and g is odd, it replaces them
//! by g and (g - f) / 2 and δ by 1 - δ, otherwise by f and (g + (g mod 2)·f) / 2 and δ by 1 + δ.
//! After enough steps, g is 0 and f is the greatest common divisor or its negative. Thirty steps
//! depend only on the lowest 30 bits of f and g, and are applied to the whole numbers at once, as a
//! matrix.
//!
//! The caller checks the result with a multiplication, so a mistake here could make a check slower
//! but could not change a verdict.
//!
//! # No sum overflows
//!
//! Numbers have limbs of 30 bits, of which the highest has a sign. The entries of a matrix are at
//! most 2^30 in absolute value, and so are the sums of the absolute values of its rows. So the sum
//! of a row times limbs is within 2^60. The multiple of the modulus that is added is within 2^31,
//! and its products are within 2^61. With the carry, a sum is within 2^62.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the text above proves that none overflows"
)]

use crate::limbs::{Limb as _, Limbs as _, from_bytes, to_bytes};

const LIMB_BITS: u32 = 30;
const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;

/// Enough limbs for 538 bits and a sign.
type Limbs = [i64; 18];

/// The effect of [`LIMB_BITS`] division steps, times 2^30: the new f and the new g, each as a sum
/// of multiples of the old f and g.
struct Matrix {
    f: [i64; 2],
    g: [i64; 2],
}

/// Returns the inverse of a number modulo an odd modulus. Both are big-endian, as long as each
/// other and at most 66 bytes long, and the number is below the modulus. If it has no inverse, the
/// result is `None` or some other number.
pub fn invert(number: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    // The numbers d and e grow to twice the modulus, with a sign.
    let count = (8 * modulus.len() + 2).div_ceil(30).min(Limbs::ZERO.len());
    let limbs = |bytes: &[u8]| from_bytes::<Limbs>(LIMB_BITS, bytes.iter().rev().copied());
    let modulus_limbs = limbs(modulus);
    let modulus_limbs = modulus_limbs.get(..count)?;
    let inverse_of_modulus = inverse_of_limb(*modulus_limbs.first()?);
    let (mut f, mut g) = (limbs(modulus), limbs(number));
    let (mut d, mut e) = (Limbs::ZERO, Limbs::ZERO);
    *e.first_mut()? = 1;
    // d·number and e·number are f and g modulo the modulus.
    let [f, g, d, e] = [&mut f, &mut g, &mut d, &mut e].map(|limbs| limbs.get_mut(..count));
    let (f, g, d, e) = (f?, g?, d?, e?);
    // δ - 1/2.
    let mut delta = 0;
    // b bits take at most (45907·b + 26313) / 19929 steps (Wuille 2021), fewer than these.
    for _ in 0..3 * count {
        let matrix = steps(&mut delta, *f.first()?, *g.first()?);
        apply(&matrix, f, g, [0; 2], modulus_limbs);
        apply_modulo(&matrix, d, e, modulus_limbs, inverse_of_modulus);
        if g.iter().all(|limb| *limb == 0) {
            let mut inverse = Limbs::ZERO;
            let is_negative = *f.last()? < 0;
            normalize(d, is_negative, modulus_limbs);
            inverse.get_mut(..count)?.copy_from_slice(d);
            let mut bytes = vec![0; modulus.len()];
            to_bytes(LIMB_BITS, &inverse, &mut bytes);
            bytes.reverse();
            return Some(bytes);
        }
    }
    None
}

/// Performs [`LIMB_BITS`] division steps on the lowest limbs.
fn steps(delta: &mut i32, f: i64, g: i64) -> Matrix {
    let low = |limb: i64| u32::try_from(limb & LIMB_MASK).unwrap_or_default();
    let (mut f, mut g) = (low(f), low(g));
    // The rows of the matrix so far, modulo 2^32.
    let (mut u, mut v, mut q, mut r) = (1_u32, 0_u32, 0_u32, 1_u32);
    let mut left = LIMB_BITS;
    loop {
        // While g is even, a step halves it.
        let zeros = (g | u32::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        left -= zeros;
        *delta += zeros.cast_signed();
        if left == 0 {
            break;
        }
        if *delta >= 0 {
            *delta = -*delta - 1;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
        }
        // Until δ is positive, steps only add f. So they add the multiple of f that cancels the
        // lowest bits of g, at most six: f·(f² - 2) is -1/f modulo 64.
        let limit = delta.unsigned_abs().min(left).min(6);
        let cancel = f.wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)).wrapping_mul(g);
        let multiple = cancel & ((1 << limit) - 1);
        g = g.wrapping_add(f.wrapping_mul(multiple));
        q = q.wrapping_add(u.wrapping_mul(multiple));
        r = r.wrapping_add(v.wrapping_mul(multiple));
    }
    let signed = |entry: u32| i64::from(entry.cast_signed());
    Matrix { f: [signed(u), signed(v)], g: [signed(q), signed(r)] }
}

/// Applies a matrix to a and b, with multiples of the modulus added before the division by 2^30.
/// The division must be exact.
fn apply(matrix: &Matrix, a: &mut [i64], b: &mut [i64], multiples: [i64; 2], modulus: &[i64]) {
    let ([u, v], [q, r]) = (matrix.f, matrix.g);
    let [a_multiple, b_multiple] = multiples;
    let (mut a_carry, mut b_carry) = (0, 0);
    let (mut a_below, mut b_below) = (&mut 0, &mut 0);
    for ((a, b), modulus) in a.iter_mut().zip(b).zip(modulus) {
        (*a_below, a_carry) = (a_carry + u * *a + v * *b + a_multiple * modulus).split(LIMB_BITS);
        (*b_below, b_carry) = (b_carry + q * *a + r * *b + b_multiple * modulus).split(LIMB_BITS);
        (a_below, b_below) = (a, b);
    }
    (*a_below, *b_below) = (a_carry, b_carry);
}

/// Applies a matrix to d and e modulo the modulus m. Both are greater than -2·m and less than m,
/// before and after.
fn apply_modulo(matrix: &Matrix, d: &mut [i64], e: &mut [i64], modulus: &[i64], inverse: i64) {
    // The matrix is applied to d + m if d is negative, and to e likewise.
    let if_negative = |limbs: &[i64], entry| match limbs.last() {
        Some(top) if *top < 0 => entry,
        _ => 0,
    };
    let lowest = |limbs: &[i64]| limbs.first().copied().unwrap_or_default();
    let multiple = |[a, b]: [i64; 2]| {
        let multiple = if_negative(d, a) + if_negative(e, b);
        let low = (a * lowest(d) + b * lowest(e)) & LIMB_MASK;
        // The sum with the multiple of the modulus is a multiple of 2^30.
        multiple - ((inverse * low + multiple) & LIMB_MASK)
    };
    let multiples = [multiple(matrix.f), multiple(matrix.g)];
    apply(matrix, d, e, multiples, modulus);
}

/// Negates a number if asked to, and adds the modulus until it is not negative. The number is
/// between minus twice the modulus and the modulus.
fn normalize(number: &mut [i64], is_negated: bool, modulus: &[i64]) {
    for sign in [1, if is_negated { -1 } else { 1 }, 1] {
        let is_negative = number.last().is_some_and(|top| *top < 0);
        let mut carry = 0;
        let mut top = &mut 0;
        for (limb, modulus) in number.iter_mut().zip(modulus) {
            let sum = *limb + if is_negative { *modulus } else { 0 };
            (*limb, carry) = (carry + sign * sum).split(LIMB_BITS);
            top = limb;
        }
        // The highest limb has the sign.
        *top += carry << LIMB_BITS;
    }
}

/// Returns the inverse of an odd number modulo 2^30. Newton's iteration doubles the number of
/// correct bits in each step, and an odd number is its own inverse modulo 2^3.
fn inverse_of_limb(limb: i64) -> i64 {
    (0..4).fold(limb, |inverse, _| {
        inverse.wrapping_mul(2_i64.wrapping_sub(limb.wrapping_mul(inverse))) & LIMB_MASK
    })
}
