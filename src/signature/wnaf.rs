//! The sum of two points times scalars, by tables and signed digits ("wNAF", Möller 2001), for public numbers
//! alone: the time that it takes depends on them.
//!
//! Scalars are cut in eight words of 32 bits, each with a table of its own, so that 32 doublings do instead
//! of 256. A word becomes digits that are 0 or odd, the nonzero ones at least a window apart, and the table
//! holds the odd multiples of its part of the point.

/// Words of a scalar.
const WORDS: usize = 8;
/// A word's digits: a last one may be carried.
const DIGITS: usize = 33;

/// A scalar below 2^256, lowest word first.
pub(super) type Scalar = [u32; WORDS];

/// A curve's points, as they are summed up.
pub trait Group: Copy {
    /// A point as it is added.
    type Addend: Copy;

    /// The neutral element.
    const NEUTRAL: Self;

    /// Adds it to itself.
    fn double(&mut self);

    /// Adds a point, or its negative.
    fn add(&mut self, point: &Self::Addend, is_negative: bool);

    /// Points, none of them [`Group::NEUTRAL`], as they are added.
    #[must_use]
    fn addends(points: &[Self]) -> Vec<Self::Addend>;
}

/// What [`inverses`] are taken of.
pub(super) trait Field: Copy {
    const UNIT: Self;

    fn product(&self, other: &Self) -> Self;

    fn inverted(&self) -> Self;
}

/// The inverses of elements other than 0, with one inversion for all of them (Montgomery 1987, section 10.3.1).
pub(super) fn inverses<F: Field>(elements: &[F]) -> Vec<F> {
    let mut product = F::UNIT;
    let products_before: Vec<F> = elements
        .iter()
        .map(|element| {
            let next = product.product(element);
            std::mem::replace(&mut product, next)
        })
        .collect();
    let mut inverse = product.inverted();
    let mut inverses: Vec<F> = elements
        .iter()
        .zip(&products_before)
        .rev()
        .map(|(element, before)| {
            let next = inverse.product(element);
            std::mem::replace(&mut inverse, next).product(before)
        })
        .collect();
    inverses.reverse();
    inverses
}

/// The words of a big-endian number.
pub(super) fn words_of(scalar: &[u8; 32]) -> Scalar {
    let mut words = Scalar::default();
    for (word, bytes) in words.iter_mut().zip(scalar.rchunks(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

/// Multiples of a point P: for each word j of a scalar, 2^(32j)·P times 1, 3, 5, … up to the window.
#[derive(Debug)]
pub struct Table<A> {
    window: u32,
    multiples: Vec<A>,
}

impl<A: Copy> Table<A> {
    /// The table of a point that is not of small order, for windows of 2 to 8 bits.
    #[must_use]
    pub fn new<P: Group<Addend = A>>(point: P, window: u32) -> Self {
        let mut next = point;
        let parts = [(); WORDS].map(|()| {
            let part = next;
            next.double();
            let step = next;
            for _ in 1..u32::BITS {
                next.double();
            }
            [part, step]
        });
        let steps = P::addends(parts.as_flattened()).into_iter().skip(1).step_by(2);
        let multiples: Vec<P> = parts
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
        Self { window, multiples: P::addends(&multiples) }
    }

    /// For each word of the scalar, the word, the window, and the multiples.
    fn words<'a>(
        &'a self,
        scalar: &'a Scalar,
    ) -> impl Iterator<Item = (u64, u32, &'a [A])> + Clone {
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
pub(super) fn multiply_and_add<P: Group>(terms: [(&Table<P::Addend>, &Scalar); 2]) -> P {
    let mut digits = [[0_i8; 2 * WORDS]; DIGITS];
    let mut tables: [&[P::Addend]; 2 * WORDS] = [&[]; 2 * WORDS];
    let words = terms.iter().flat_map(|(table, scalar)| table.words(scalar));
    for ((column, slot), (word, window, multiples)) in tables.iter_mut().enumerate().zip(words) {
        *slot = multiples;
        recode(word, window, |position, digit| {
            if let Some(digits) = digits.get_mut(position).and_then(|row| row.get_mut(column)) {
                *digits = digit;
            }
        });
    }
    let mut sum = P::NEUTRAL;
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
