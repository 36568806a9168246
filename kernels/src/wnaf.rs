//! The sum of two points times scalars, by tables of multiples and signed digits ("width-w
//! non-adjacent form" with interleaving, Möller 2001). For public scalars only: the time depends on
//! them.
//!
//! A scalar is split into words of 32 bits. Each word has its own table, so the sum takes 32
//! doublings instead of 256 for a scalar of 256 bits. The digits of a word are 0 or odd, and a
//! nonzero digit is followed by at least w - 1 zeros for a window of w bits. So the table of word j
//! needs only the odd multiples of 2^(32j)·P.

/// The largest number of words of a scalar: 521 bits have seventeen.
const WORDS: usize = 17;
/// The number of digits of a word: recoding can carry out of the 32 bits.
const DIGITS: usize = 33;

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

/// Multiples of a point P: for each word j, 2^(32j)·P times 1, 3, 5, …, 2^(w-1) - 1 for a window of
/// w bits.
pub struct Table<E> {
    window: u32,
    multiples: Vec<E>,
}

impl<E: Copy> Table<E> {
    /// Computes the table of a point for a window of 2 to 8 bits, and for scalars of this number of
    /// words. No multiple that the table holds may be the identity.
    pub(crate) fn new<P: Group<TableEntry = E>>(point: P, window: u32, words: usize) -> Self {
        let mut next = point;
        let parts: Vec<[P; 2]> = std::iter::repeat_with(|| {
            let part = next;
            next.double();
            let step = next;
            for _ in 1..u32::BITS {
                next.double();
            }
            [part, step]
        })
        .take(words)
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
                .take(multiples_per_word(window))
            })
            .collect();
        Self { window, multiples: P::to_table_entries(&multiples) }
    }

    /// Returns each word of the scalar with the window and the multiples for this word. Words above
    /// those of the table are left out.
    fn words<'a>(
        &'a self,
        scalar: &'a Scalar,
    ) -> impl Iterator<Item = (u64, u32, &'a [E])> + Clone {
        let multiples = self.multiples.chunks(multiples_per_word(self.window));
        scalar
            .iter()
            .zip(multiples)
            .map(|(word, multiples)| (u64::from(*word), self.window, multiples))
    }
}

const fn multiples_per_word(window: u32) -> usize {
    1_usize.wrapping_shl(window.saturating_sub(2))
}

/// Returns the sum of two points times scalars. The tables stand for the points.
pub(crate) fn double_scalar_multiply<P: Group>(terms: [(&Table<P::TableEntry>, &Scalar); 2]) -> P {
    let mut digits = [[0_i8; 2 * WORDS]; DIGITS];
    let mut tables: [&[P::TableEntry]; 2 * WORDS] = [&[]; 2 * WORDS];
    let words = terms.iter().flat_map(|(table, scalar)| table.words(scalar));
    let mut columns = 0;
    for ((column, slot), (word, window, multiples)) in tables.iter_mut().enumerate().zip(words) {
        *slot = multiples;
        columns = column.saturating_add(1);
        recode(word, window, |position, digit| {
            if let Some(digits) = digits.get_mut(position).and_then(|row| row.get_mut(column)) {
                *digits = digit;
            }
        });
    }
    let tables = tables.get(..columns).unwrap_or_default();
    let mut sum = P::IDENTITY;
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

/// Calls `report` with the position, from 0 to 64, and the value of each nonzero digit of a word.
/// The digits are odd and less than 2^(window - 1) in absolute value.
pub fn recode(word: u64, window: u32, mut report: impl FnMut(usize, i8)) {
    let mut rest = word;
    let mut position = 0_u32;
    while rest != 0 {
        let zeros = rest.trailing_zeros();
        position = position.saturating_add(zeros);
        rest = rest.wrapping_shr(zeros);
        let [low, ..] = rest.to_le_bytes();
        // Shifting up and back down sign-extends the window: its highest bit becomes the sign.
        let unused = 8_u32.saturating_sub(window);
        let digit = low.wrapping_shl(unused).cast_signed().wrapping_shr(unused);
        report(usize::try_from(position).unwrap_or(usize::MAX), digit);
        // After a negative digit, the bits above the window have to grow by one. The addition
        // cannot overflow, because the shift has made room.
        rest = rest.wrapping_shr(window).saturating_add(u64::from(digit < 0));
        position = position.saturating_add(window);
    }
}
