//! Numbers of nine signed limbs of 29 bits: the operations that the fields of P-256 and of
//! Curve25519 share because they do not depend on the prime.
//!
//! No function here checks for overflow. Each field states the bounds of its limbs and proves that
//! they rule overflow out.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the fields prove that none overflows"
)]

pub(crate) const LIMB_BITS: u32 = 29;
pub(crate) const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;

/// The limbs e₀, e₁, … of the number Σ eᵢ·2^(29i).
pub(crate) type Limbs = [i64; 9];

/// Returns the limbs of the number whose bytes are given, the lowest first.
pub(crate) fn from_bytes(mut bytes: impl Iterator<Item = u8>) -> Limbs {
    let (mut buffer, mut bits_held) = (0_i64, 0);
    let mut limbs = [0; 9];
    for limb in &mut limbs {
        while bits_held < LIMB_BITS {
            buffer |= i64::from(bytes.next().unwrap_or(0)) << bits_held;
            bits_held += 8;
        }
        *limb = buffer & LIMB_MASK;
        buffer >>= LIMB_BITS;
        bits_held -= LIMB_BITS;
    }
    limbs
}

/// Returns the 32 lowest bytes of a number that is not negative, the lowest first.
pub(crate) fn to_bytes(limbs: Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut limbs = limbs.into_iter();
    let (mut buffer, mut bits_held) = (0_i64, 0);
    for byte in &mut bytes {
        if bits_held < 8 {
            // Addition rather than `|`, because a limb may be negative or longer than 29 bits.
            buffer += limbs.next().unwrap_or(0) << bits_held;
            bits_held += LIMB_BITS;
        }
        [*byte, ..] = buffer.to_le_bytes();
        buffer >>= 8;
        bits_held -= 8;
    }
    bytes
}

// The following functions name every limb. LLVM would vectorize loops over them, and the vector
// code takes twice as long.

/// Adds limb by limb, without carries.
#[inline(always)]
pub(crate) const fn sum(left: &Limbs, right: &Limbs) -> Limbs {
    let ([a0, a1, a2, a3, a4, a5, a6, a7, a8], [b0, b1, b2, b3, b4, b5, b6, b7, b8]) =
        (*left, *right);
    [a0 + b0, a1 + b1, a2 + b2, a3 + b3, a4 + b4, a5 + b5, a6 + b6, a7 + b7, a8 + b8]
}

/// Subtracts limb by limb, without carries.
#[inline(always)]
pub(crate) const fn difference(left: &Limbs, right: &Limbs) -> Limbs {
    let ([a0, a1, a2, a3, a4, a5, a6, a7, a8], [b0, b1, b2, b3, b4, b5, b6, b7, b8]) =
        (*left, *right);
    [a0 - b0, a1 - b1, a2 - b2, a3 - b3, a4 - b4, a5 - b5, a6 - b6, a7 - b7, a8 - b8]
}

/// Returns the sum of the numbers, each times its factor, limb by limb and without carries.
#[inline(always)]
pub(crate) fn combination<const N: usize>(terms: [(i64, &Limbs); N]) -> Limbs {
    terms.into_iter().fold([0; 9], |sums, (factor, limbs)| {
        let ([s0, s1, s2, s3, s4, s5, s6, s7, s8], [l0, l1, l2, l3, l4, l5, l6, l7, l8]) =
            (sums, *limbs);
        [
            s0 + factor * l0,
            s1 + factor * l1,
            s2 + factor * l2,
            s3 + factor * l3,
            s4 + factor * l4,
            s5 + factor * l5,
            s6 + factor * l6,
            s7 + factor * l7,
            s8 + factor * l8,
        ]
    })
}
