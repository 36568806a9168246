//! Numbers of nine signed limbs of 29 bits, as the fields of P-256 and of Curve25519 have them: what does not
//! depend on the prime. The bounds within which none of it overflows are each field's own, and argued there.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the fields' documentation shows that none overflows"
)]

pub(super) const LIMB_BITS: u32 = 29;
pub(super) const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;

/// Limbs e₀, e₁, … of the number Σ eᵢ·2^(29i).
pub(super) type Limbs = [i64; 9];

/// The limbs of a number, of its bytes from the lowest on.
pub(super) fn of_bytes(mut bytes: impl Iterator<Item = u8>) -> Limbs {
    let (mut buffer, mut held) = (0_i64, 0);
    let mut limbs = [0; 9];
    for limb in &mut limbs {
        while held < LIMB_BITS {
            buffer |= i64::from(bytes.next().unwrap_or(0)) << held;
            held += 8;
        }
        *limb = buffer & LIMB_MASK;
        buffer >>= LIMB_BITS;
        held -= LIMB_BITS;
    }
    limbs
}

/// The 32 lowest bytes of a number that is not negative, the lowest first.
pub(super) fn to_bytes(limbs: Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut limbs = limbs.into_iter();
    let (mut buffer, mut held) = (0_i64, 0);
    for byte in &mut bytes {
        if held < 8 {
            // Not an `or`: a limb may be longer than its bits, or negative.
            buffer += limbs.next().unwrap_or(0) << held;
            held += LIMB_BITS;
        }
        [*byte, ..] = buffer.to_le_bytes();
        buffer >>= 8;
        held -= 8;
    }
    bytes
}

// Limb by limb, and not in loops: LLVM would make vectors of those, which take twice as long.

/// The sum, without a carry.
#[inline(always)]
pub(super) const fn sum(left: &Limbs, right: &Limbs) -> Limbs {
    let ([a0, a1, a2, a3, a4, a5, a6, a7, a8], [b0, b1, b2, b3, b4, b5, b6, b7, b8]) =
        (*left, *right);
    [a0 + b0, a1 + b1, a2 + b2, a3 + b3, a4 + b4, a5 + b5, a6 + b6, a7 + b7, a8 + b8]
}

/// The difference, without a carry.
#[inline(always)]
pub(super) const fn difference(left: &Limbs, right: &Limbs) -> Limbs {
    let ([a0, a1, a2, a3, a4, a5, a6, a7, a8], [b0, b1, b2, b3, b4, b5, b6, b7, b8]) =
        (*left, *right);
    [a0 - b0, a1 - b1, a2 - b2, a3 - b3, a4 - b4, a5 - b5, a6 - b6, a7 - b7, a8 - b8]
}

/// The sum of limbs times factors, without a carry.
#[inline(always)]
pub(super) fn combination<const N: usize>(terms: [(i64, &Limbs); N]) -> Limbs {
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
