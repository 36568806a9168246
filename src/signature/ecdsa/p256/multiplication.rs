//! u₁·G + u₂·Q, by tables and signed digits ("wNAF", Möller 2001).
//!
//! Scalars are cut in eight words of 32 bits, each with a table of its own, so that 32 doublings do instead
//! of 256. A word becomes digits that are 0 or odd, the nonzero ones at least a window apart, and the table
//! holds the odd multiples of its part of the point.

use super::field::Element;
use super::point::{Affine, Point, normalise};

/// Words of a scalar.
const WORDS: usize = 8;
/// A word's digits: a last one may be carried.
const DIGITS: usize = 33;

/// The window for G, whose table is made once: 36 KiB.
pub(super) const GENERATOR_WINDOW: u32 = 7;
/// The window for a key, whose table is made once a key: 9.2 KB.
pub(super) const KEY_WINDOW: u32 = 5;

/// A scalar below 2^256, lowest word first.
pub(super) type Scalar = [u32; WORDS];

/// Multiples of a point P: for each word j of a scalar, 2^(32j)·P times 1, 3, 5, … up to the window.
#[derive(Debug)]
pub struct Table {
    window: u32,
    multiples: Vec<Affine>,
}

impl Table {
    /// The table of a point of the group's order, for windows of 2 to 8 bits.
    #[must_use]
    pub fn new(point: &Affine, window: u32) -> Self {
        let mut next = Point::from(point);
        let parts = [(); WORDS].map(|()| {
            let part = next;
            next.double();
            let step = next;
            for _ in 1..u32::BITS {
                next.double();
            }
            [part, step]
        });
        let steps = normalise(parts.as_flattened()).into_iter().skip(1).step_by(2);
        let multiples: Vec<Point> = parts
            .into_iter()
            .zip(steps)
            .flat_map(|([part, _], step)| {
                std::iter::successors(Some(part), move |multiple| {
                    let mut next = *multiple;
                    next.add(&step, false);
                    Some(next)
                })
                .take(multiples_a_word(window))
            })
            .collect();
        Self { window, multiples: normalise(&multiples) }
    }

    /// For each word of the scalar, the word, the window, and the multiples.
    fn words<'a>(
        &'a self,
        scalar: &'a Scalar,
    ) -> impl Iterator<Item = (u64, u32, &'a [Affine])> + Clone {
        let multiples = self.multiples.chunks(multiples_a_word(self.window));
        scalar
            .iter()
            .zip(multiples)
            .map(|(word, multiples)| (u64::from(*word), self.window, multiples))
    }
}

const fn multiples_a_word(window: u32) -> usize {
    1_usize.wrapping_shl(window.saturating_sub(2))
}

/// The sum of two points times scalars.
#[must_use]
pub(super) fn multiply_and_add(terms: [(&Table, &Scalar); 2]) -> Point {
    let mut digits = [[0_i8; 2 * WORDS]; DIGITS];
    let mut tables: [&[Affine]; 2 * WORDS] = [&[]; 2 * WORDS];
    let words = terms.iter().flat_map(|(table, scalar)| table.words(scalar));
    for ((column, slot), (word, window, multiples)) in tables.iter_mut().enumerate().zip(words) {
        *slot = multiples;
        recode(word, window, |position, digit| {
            if let Some(digits) = digits.get_mut(position).and_then(|row| row.get_mut(column)) {
                *digits = digit;
            }
        });
    }
    let mut sum = Point::INFINITY;
    for row in digits.iter().rev() {
        sum.double();
        for (digit, multiples) in row.iter().zip(tables) {
            if *digit == 0 {
                continue;
            }
            let index = usize::from(digit.unsigned_abs() / 2);
            if let Some(multiple) = multiples.get(index) {
                sum.add(multiple, *digit < 0);
            }
        }
    }
    sum
}

/// Reports the nonzero digits of a word with their positions, from 0 to 64: odd, and less than
/// 2^(window - 1) in size.
pub fn recode(word: u64, window: u32, mut report: impl FnMut(usize, i8)) {
    let mut rest = word;
    let mut position = 0_u32;
    while rest != 0 {
        let zeros = rest.trailing_zeros();
        position = position.saturating_add(zeros);
        rest = rest.wrapping_shr(zeros);
        let [low, ..] = rest.to_le_bytes();
        // Moved to the top and back, the window's highest bit is the sign.
        let unused = 8_u32.saturating_sub(window);
        let digit = low.wrapping_shl(unused).cast_signed().wrapping_shr(unused);
        report(usize::try_from(position).unwrap_or(usize::MAX), digit);
        // A negative digit leaves one for the windows above. That cannot overflow a shifted word.
        rest = rest.wrapping_shr(window).saturating_add(u64::from(digit < 0));
        position = position.saturating_add(window);
    }
}

/// The element of r plus the group's order, if that is less than p: what x may be besides r.
pub(super) fn plus_order(r: &[u8; 32]) -> Option<Element> {
    /// The group's order n.
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    /// p - n.
    const PRIME_LESS_ORDER: [u8; 32] = [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x43, 0x19, 0x05, 0x53, 0x58, 0xe8, 0x61, 0x7b, 0x0c, 0x46, 0x35, 0x3d, 0x03, 0x9c,
        0xda, 0xae,
    ];
    (*r < PRIME_LESS_ORDER).then(|| {
        let [r, order] = [r, &ORDER].map(Element::from_be_bytes);
        Element::combination([(1, &r), (1, &order)])
    })
}
