//! The sum of two points times scalars, by tables of multiples and signed digits ("width-w
//! non-adjacent form" with interleaving, Möller 2001). For public scalars only: the time depends on
//! them.
//!
//! The digits of a scalar are 0 or odd, and a nonzero digit is followed by at least w - 1 zeros for
//! a window of w bits. They are split into parts of 16 digits. Each part has its own table, so the
//! sum takes 16 doublings instead of 256 for a scalar of 256 bits. The table of part j needs only
//! the odd multiples of 2^(16j)·P.

/// The number of words of 32 bits of a scalar.
const WORDS: usize = 17;
/// 32 bits for each word.
const SCALAR_BITS: u32 = 17 * u32::BITS;
/// The number of digits of a part, and so of doublings.
const PART_DIGITS: usize = 16;
/// The largest number of parts of a scalar.
const PARTS: usize = 2 * WORDS;

/// A scalar below 2^544, its lowest word first.
pub(crate) type Scalar = [u32; WORDS];

/// The points of a curve.
pub(crate) trait Group: Copy {
    /// A point in the form in which tables store it and [`Group::add`] takes it.
    type TableEntry: Copy;

    /// The identity.
    const IDENTITY: Self;

    /// Doubles the point.
    fn double(&mut self);

    /// Adds a point, or subtracts it if `is_negative`.
    fn add(&mut self, point: &Self::TableEntry, is_negative: bool);

    /// Converts points other than [`Group::IDENTITY`].
    fn to_table_entries(points: &[Self]) -> Vec<Self::TableEntry>;
}

/// The operations of a field that [`invert_all`] needs.
pub(crate) trait Field: Copy {
    const ONE: Self;

    fn multiply(&self, other: &Self) -> Self;

    fn invert(&self) -> Self;
}

/// Returns the inverses of elements other than 0, with a single inversion (Montgomery 1987, section
/// 10.3.1).
pub(crate) fn invert_all<F: Field>(elements: &[F]) -> Vec<F> {
    let mut product = F::ONE;
    let products_before: Vec<F> = elements
        .iter()
        .map(|element| {
            let next = product.multiply(element);
            std::mem::replace(&mut product, next)
        })
        .collect();
    let mut inverse = product.invert();
    let mut inverses: Vec<F> = elements
        .iter()
        .zip(&products_before)
        .rev()
        .map(|(element, before)| {
            let next = inverse.multiply(element);
            std::mem::replace(&mut inverse, next).multiply(before)
        })
        .collect();
    inverses.reverse();
    inverses
}

/// Returns the words of a big-endian number.
pub(crate) fn words_from_be_bytes(scalar: &[u8]) -> Scalar {
    let mut words = Scalar::default();
    for (word, bytes) in words.iter_mut().zip(scalar.rchunks(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

/// Multiples of a point P: for each part j of a scalar, 2^(16j)·P times 1, 3, 5, …, 2^(w-1) - 1 for
/// a window of w bits.
pub struct Table<E> {
    window: u32,
    multiples: Vec<E>,
}

impl<E: Copy> Table<E> {
    /// Computes the table of a point for a window of 2 to 8 bits, and for scalars of at most
    /// `scalar_bits` bits. No multiple that the table holds may be the identity.
    pub(crate) fn new<P: Group<TableEntry = E>>(point: P, window: u32, scalar_bits: usize) -> Self {
        let mut next = point;
        let parts: Vec<[P; 2]> = std::iter::repeat_with(|| {
            let part = next;
            next.double();
            let step = next;
            for _ in 1..PART_DIGITS {
                next.double();
            }
            [part, step]
        })
        .take(scalar_bits.div_ceil(PART_DIGITS))
        .collect();
        let steps = P::to_table_entries(parts.as_flattened()).into_iter().skip(1).step_by(2);
        let multiples: Vec<P> = parts
            .into_iter()
            .zip(steps)
            .flat_map(|([part, _], step)| {
                std::iter::successors(Some(part), move |multiple| {
                    let mut next = *multiple;
                    next.add(&step, false);
                    Some(next)
                })
                .take(multiples_per_part(window))
            })
            .collect();
        Self { window, multiples: P::to_table_entries(&multiples) }
    }

    /// Returns the multiples for each part of a scalar.
    fn parts(&self) -> std::slice::Chunks<'_, E> {
        self.multiples.chunks(multiples_per_part(self.window))
    }
}

const fn multiples_per_part(window: u32) -> usize {
    1_usize.wrapping_shl(window.saturating_sub(2))
}

/// Returns the sum of two points times scalars. The tables stand for the points.
pub(crate) fn double_scalar_multiply<P: Group>(terms: [(&Table<P::TableEntry>, &Scalar); 2]) -> P {
    // Recoding can carry a digit out of the highest part, which therefore has one more.
    let mut digits = [[0_i8; 2 * PARTS]; PART_DIGITS + 1];
    let mut tables: Vec<&[P::TableEntry]> = Vec::with_capacity(2 * PARTS);
    for (table, scalar) in terms {
        let first = tables.len();
        tables.extend(table.parts());
        let highest = table.parts().len().saturating_sub(1);
        recode(scalar, table.window, |position, digit| {
            let part = (position / PART_DIGITS).min(highest);
            let row = position.saturating_sub(part.saturating_mul(PART_DIGITS));
            let column = first.saturating_add(part);
            if let Some(slot) = digits.get_mut(row).and_then(|row| row.get_mut(column)) {
                *slot = digit;
            }
        });
    }
    let mut sum = P::IDENTITY;
    // Doubling the identity would change nothing.
    let is_empty = |row: &&[i8; 2 * PARTS]| row.iter().all(|digit| *digit == 0);
    for row in digits.iter().rev().skip_while(is_empty) {
        sum.double();
        for (digit, multiples) in row.iter().zip(&tables) {
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

/// Calls `report` with the position and the value of each nonzero digit of a scalar, for a window
/// of 2 to 8 bits. The position is at most the number of bits of the scalar. The digits are odd and
/// less than 2^(window - 1) in absolute value.
pub fn recode(scalar: &Scalar, window: u32, mut report: impl FnMut(usize, i8)) {
    /// So many bits are looked at together that a window begins within them and ends within the 33
    /// bits of [`bits_from`].
    const STEP: u32 = 25;
    let mut position = 0_u32;
    // What the digits so far have left over for the bits from here on.
    let mut carry = false;
    while position < SCALAR_BITS || carry {
        let bits = bits_from(scalar, position).wrapping_add(u64::from(carry));
        // Zeros keep the carry: with one, the bits that became zeros have carried it on.
        let zeros = bits.trailing_zeros();
        if zeros >= STEP {
            position = position.saturating_add(STEP);
            continue;
        }
        position = position.saturating_add(zeros);
        let [low, ..] = bits.wrapping_shr(zeros).to_le_bytes();
        // Shifting up and back down sign-extends the window: its highest bit becomes the sign.
        let unused = 8_u32.saturating_sub(window);
        let digit = low.wrapping_shl(unused).cast_signed().wrapping_shr(unused);
        report(usize::try_from(position).unwrap_or(usize::MAX), digit);
        // After a negative digit, the bits above the window have to grow by one.
        carry = digit < 0;
        position = position.saturating_add(window);
    }
}

/// Returns at least 33 bits of a scalar, from this position up. Bits above the scalar are 0.
fn bits_from(scalar: &Scalar, position: u32) -> u64 {
    let index = usize::try_from(position / u32::BITS).unwrap_or(WORDS);
    let word = |index: usize| u64::from(scalar.get(index).copied().unwrap_or_default());
    let bits = word(index) | word(index.saturating_add(1)).wrapping_shl(u32::BITS);
    bits.wrapping_shr(position % u32::BITS)
}
