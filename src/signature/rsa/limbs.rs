//! Numbers as limbs of 51 bits in binary64, and the sums of their products.
//!
//! What is exact here and why no sum overflows is argued in [`super::montgomery`].

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; the documentation of `montgomery` shows that none overflows"
)]

use super::pair::{Arithmetic, Floats, Integers};

/// Bits of a limb.
pub(super) const LIMB_BITS: u32 = 51;
pub(super) const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// Products of rows, and then of quotient digits, that a pass adds to each column.
const ROWS_A_PASS: i64 = 2;
pub(super) const DIGITS_A_PASS: i64 = 2;

/// A whole number below 2^52, added to this, is the low bits of the sum's pattern.
const INTEGER_BIAS: f64 = power_of_two(52);
/// Brings the low part of a product into the binade of 2^52, whatever its sign.
const LOW_BIAS: f64 = 1.5 * power_of_two(52);
/// Rounds a product to a multiple of 2^51.
const HIGH_BIAS: f64 = 1.5 * power_of_two(103);
const LOW_PATTERN: i64 = LOW_BIAS.to_bits().cast_signed();
const HIGH_PATTERN: i64 = HIGH_BIAS.to_bits().cast_signed();

const fn power_of_two(exponent: u64) -> f64 {
    f64::from_bits((1023 + exponent) << 52)
}

/// Two neighbouring limbs, and the same two places of the number times the limbs' radix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// Limbs 2j and 2j + 1.
    pub(super) aligned: Floats,
    /// Limbs 2j - 1 and 2j, so that a row may be added one place higher without moving lanes.
    pub(super) shifted: Floats,
}

/// What a pass multiplies a number by: two neighbouring limbs, each twice.
#[derive(Clone, Copy)]
pub(super) struct Rows(pub(super) Floats, pub(super) Floats);

impl Rows {
    #[inline(always)]
    fn of(pair: &Pair) -> Self {
        Self(Floats::splat(pair.aligned.first()), Floats::splat(pair.aligned.second()))
    }

    /// Adds the products with a pair to the two columns that they belong to.
    #[inline(always)]
    pub(super) fn add_to<A: Arithmetic>(self, columns: &mut Columns, pair: &Pair) {
        // In a copy: else each sum would be stored, in case the load after it traps.
        let mut sums = *columns;
        sums.add(split::<A>(self.0, pair.aligned));
        sums.add(split::<A>(self.1, pair.shifted));
        *columns = sums;
    }

    /// Doubles the four columns that the two limbs' own squares belong to, and adds these once, and twice what else the
    /// limbs bring to these columns.
    #[inline(always)]
    fn double_and_square<A: Arithmetic>(
        self,
        lowest: &mut Columns,
        second: &mut Columns,
        own: &Pair,
        next: &Pair,
    ) {
        lowest.double_and_add(split::<A>(self.0, own.aligned));
        second.add(split::<A>(self.0, next.aligned));
        second.double_and_add(split::<A>(self.1, next.shifted));
    }
}

/// Adds a pass: the first of the columns is that of the first of the pairs.
#[inline(always)]
pub(super) fn add_pass<A: Arithmetic>(columns: &mut [Columns], pairs: &[Pair], rows: Rows) {
    for (columns, pair) in columns.iter_mut().zip(pairs) {
        rows.add_to::<A>(columns, pair);
    }
}

/// Adds two passes, of which the second begins two columns higher: the first of the columns is that of the first of the
/// pairs in the second pass, and that of the next pair in the first. At once, they take half as many loads and stores
/// of columns, of which WebAssembly checks each.
#[inline(always)]
pub(super) fn add_passes<A: Arithmetic>(
    columns: &mut [Columns],
    pairs: &[Pair],
    rows: Rows,
    next_rows: Rows,
) {
    let [below, above @ ..] = pairs else { return };
    let Some((columns, [top, ..])) = columns.split_at_mut_checked(above.len()) else { return };
    let mut below = *below;
    for (columns, pair) in columns.iter_mut().zip(above) {
        let mut sums = *columns;
        rows.add_to::<A>(&mut sums, pair);
        next_rows.add_to::<A>(&mut sums, &below);
        *columns = sums;
        below = *pair;
    }
    next_rows.add_to::<A>(top, &below);
}

/// A number in limbs, each in [0, 2^51): h pairs, and one more for what the shifted form has on top.
#[derive(Clone, Debug)]
pub(super) struct Number(Vec<Pair>);

impl Number {
    pub(super) fn zero(half: usize) -> Self {
        let zero = Floats::splat(0.0);
        Self(vec![Pair { aligned: zero, shifted: zero }; half + 1])
    }

    /// Takes a number that fits.
    pub(super) fn from_be_bytes(bytes: &[u8], half: usize) -> Self {
        let mut number = Self::zero(half);
        let mut bytes = bytes.iter().rev();
        let (mut buffer, mut held) = (0_u64, 0_u32);
        let mut next = || {
            // At most 50 bits are left over, so that a byte more is at most 58.
            while held < LIMB_BITS {
                let byte = bytes.next().copied().unwrap_or(0);
                buffer |= u64::from(byte) << held;
                held += 8;
            }
            let limb = buffer & LIMB_MASK;
            buffer >>= LIMB_BITS;
            held -= LIMB_BITS;
            limb
        };
        number.fill(std::iter::repeat_with(|| [next(), next()]));
        number
    }

    /// The number in that many bytes, into which it must fit.
    pub(super) fn to_be_bytes(&self, length: usize) -> Vec<u8> {
        let mut limbs = self.limbs().flatten();
        let (mut buffer, mut held) = (0_u64, 0_u32);
        let bytes = std::iter::repeat_with(|| {
            if held < 8 {
                // At most 7 bits and 51 more.
                buffer |= limbs.next().unwrap_or(0) << held;
                held += LIMB_BITS;
            }
            let [byte, ..] = buffer.to_le_bytes();
            buffer >>= 8;
            held -= 8;
            byte
        });
        let mut bytes: Vec<u8> = bytes.take(length).collect();
        bytes.reverse();
        bytes
    }

    pub(super) fn pairs(&self) -> &[Pair] {
        &self.0
    }

    /// The pairs that hold limbs: all but the one on top.
    fn pairs_of_limbs(&self) -> &[Pair] {
        self.0.split_last().map_or(&[], |(_, pairs)| pairs)
    }

    /// Half the limbs.
    pub(super) fn half(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// The limbs, two at a time, lowest first.
    fn limbs(&self) -> impl DoubleEndedIterator<Item = [u64; 2]> {
        let pairs = self.pairs_of_limbs().iter();
        pairs.map(|pair| [pair.aligned.first(), pair.aligned.second()].map(to_integer))
    }

    /// Takes its limbs from there, two at a time, lowest first.
    #[inline(always)]
    fn fill(&mut self, limbs: impl Iterator<Item = [u64; 2]>) {
        let half = self.half();
        let mut below = 0.0;
        for (pair, limbs) in self.0.iter_mut().take(half).zip(limbs) {
            let [first, second] = limbs.map(to_float);
            pair.aligned = Floats::new(first, second);
            pair.shifted = Floats::new(below, first);
            below = second;
        }
        if let Some(top) = self.0.last_mut() {
            top.shifted = Floats::new(below, 0.0);
        }
    }

    /// Takes the complete columns of a product, lowest first, and what was carried to them.
    pub(super) fn gather(&mut self, columns: &[Columns], mut carry: i64) {
        let mut normalise = |Column { low, high }: Column| {
            let sum = low + carry;
            carry = (sum >> LIMB_BITS) + high;
            sum.cast_unsigned() & LIMB_MASK
        };
        self.fill(columns.iter().map(|pair| [normalise(pair.first(0)), normalise(pair.second(0))]));
        debug_assert_eq!(carry, 0, "a product below 2n fits");
    }

    /// Whether it is less than a number of as many limbs.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        let from_the_top = |[first, second]: [u64; 2]| [second, first];
        self.limbs().rev().map(from_the_top).lt(other.limbs().rev().map(from_the_top))
    }

    /// Itself less the modulus, if it is not below that.
    pub(super) fn reduced_once(self, modulus: &Self) -> Self {
        if self.is_below(modulus) {
            return self;
        }
        let mut difference = Self::zero(self.half());
        let mut borrow = 0_u64;
        let mut subtract = |limb: u64, subtrahend: u64| {
            // Below 0 the word wraps, and its top bit tells.
            let limb = limb.wrapping_sub(subtrahend).wrapping_sub(borrow);
            borrow = limb >> 63;
            limb & LIMB_MASK
        };
        let limbs = self.limbs().zip(modulus.limbs());
        difference
            .fill(limbs.map(|(ours, theirs)| {
                [subtract(ours[0], theirs[0]), subtract(ours[1], theirs[1])]
            }));
        difference
    }
}

/// Two neighbouring columns of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    low: Integers,
    /// Belongs to the columns one place higher.
    high: Integers,
}

/// The sums of one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) low: i64,
    /// Belongs to the column above.
    pub(super) high: i64,
}

impl Columns {
    /// Columns that are 0 once so many products have brought their patterns.
    pub(super) fn awaiting(products: i64) -> Self {
        Self {
            low: Integers::splat(LOW_PATTERN.wrapping_mul(products).wrapping_neg()),
            high: Integers::splat(HIGH_PATTERN.wrapping_mul(products).wrapping_neg()),
        }
    }

    #[inline(always)]
    pub(super) fn add(&mut self, product: Self) {
        self.low = self.low.plus(product.low);
        self.high = self.high.plus(product.high);
    }

    /// Doubles itself, and adds a limb's products with itself, once, and with the limb above, twice.
    #[inline(always)]
    fn double_and_add(&mut self, products: Self) {
        let none = Self { low: Integers::splat(LOW_PATTERN), high: Integers::splat(HIGH_PATTERN) };
        let Self { low, high } = products;
        self.low = self.low.plus(self.low).plus(low).plus(none.low.then_second_of(low));
        self.high = self.high.plus(self.high).plus(high).plus(none.high.then_second_of(high));
    }

    /// The first column, while so many products have not brought their patterns yet.
    #[inline(always)]
    pub(super) fn first(&self, outstanding: i64) -> Column {
        Column::complete(self.low.first(), self.high.first(), outstanding)
    }

    /// The second column.
    #[inline(always)]
    pub(super) fn second(&self, outstanding: i64) -> Column {
        Column::complete(self.low.second(), self.high.second(), outstanding)
    }
}

impl Column {
    #[inline(always)]
    const fn complete(low: i64, high: i64, outstanding: i64) -> Self {
        Self {
            low: low.wrapping_add(LOW_PATTERN.wrapping_mul(outstanding)),
            high: high.wrapping_add(HIGH_PATTERN.wrapping_mul(outstanding)),
        }
    }
}

/// Makes the 2h pairs of columns ready for so many products a pass: those at the ends get fewest.
fn clear(columns: &mut [Columns], products: i64) {
    let (lower, upper) = columns.split_at_mut(columns.len() / 2);
    let (mut awaiting, pass) = (Columns::awaiting(0), Columns::awaiting(products));
    for (low, high) in lower.iter_mut().zip(upper.iter_mut().rev()) {
        awaiting.add(pass);
        *low = awaiting;
        *high = awaiting;
    }
}

/// Sets the columns to those of a product, awaiting its reduction. A pass takes two rows, of two limbs of `left`.
#[inline(always)]
pub(super) fn set_to_product<A: Arithmetic>(
    columns: &mut [Columns],
    left: &Number,
    right: &Number,
) {
    clear(columns, ROWS_A_PASS + DIGITS_A_PASS);
    let mut window = columns;
    for pair in left.pairs_of_limbs() {
        add_pass::<A>(window, right.pairs(), Rows::of(pair));
        let [_, rest @ ..] = window else { return };
        window = rest;
    }
}

/// Sets the columns to those of a square, awaiting its reduction.
///
/// A pass takes two rows, from the limbs' own squares upwards: what is below them is as much again. Those squares
/// are in the first column each of the two lowest pairs, which get nothing in later passes, and are doubled then.
/// Two passes are added up at once.
#[inline(always)]
pub(super) fn set_to_square<A: Arithmetic>(columns: &mut [Columns], base: &Number) {
    // Half of what a product awaits: a column gets half as many products of rows, and all is doubled then. In the
    // upper half, one half is rounded up.
    clear(columns, (ROWS_A_PASS + DIGITS_A_PASS) / 2);
    for columns in columns.iter_mut().skip(base.half()) {
        columns.add(Columns::awaiting(1));
    }
    let mut window = columns;
    let mut pairs = base.pairs();
    loop {
        match (pairs, window) {
            ([own, next, third, above @ ..], [first, second, higher @ ..]) => {
                let [lowest, next_lowest, rest @ ..] = higher else { return };
                let (rows, next_rows) = (Rows::of(own), Rows::of(next));
                rows.double_and_square::<A>(first, second, own, next);
                rows.add_to::<A>(lowest, third);
                if let Some(fourth) = above.first() {
                    rows.add_to::<A>(next_lowest, fourth);
                }
                next_rows.double_and_square::<A>(lowest, next_lowest, next, third);
                add_passes::<A>(rest, above, rows, next_rows);
                let [_, _, above @ ..] = pairs else { return };
                (pairs, window) = (above, rest);
            }
            ([own, top], [lowest, second]) => {
                let rows = Rows::of(own);
                return rows.double_and_square::<A>(lowest, second, own, top);
            }
            _ => return,
        }
    }
}

/// The products of two pairs of limbs, as patterns to be summed.
#[inline(always)]
pub(super) fn split<A: Arithmetic>(left: Floats, right: Floats) -> Columns {
    let high = A::multiply_add(left, right, Floats::splat(HIGH_BIAS));
    let remainder = Floats::splat(HIGH_BIAS + LOW_BIAS).minus(high);
    let low = A::multiply_add(left, right, remainder);
    Columns { low: low.bits(), high: high.bits() }
}

/// A limb as an integer.
#[inline(always)]
pub(super) fn to_integer(limb: f64) -> u64 {
    (limb + INTEGER_BIAS).to_bits() & LIMB_MASK
}

/// An integer below 2^51 as a limb.
#[inline(always)]
pub(super) fn to_float(limb: u64) -> f64 {
    f64::from_bits(limb | INTEGER_BIAS.to_bits()) - INTEGER_BIAS
}

/// Whether an arithmetic rounds once: whether products with all their 102 bits in use come out whole, in
/// both lanes.
#[must_use]
pub fn is_exact<A: Arithmetic>() -> bool {
    const FACTORS: [u64; 6] = [
        LIMB_MASK,
        LIMB_MASK - 1,
        (1 << 50) + 1,
        0x5_5555_5555_5555,
        0x2_AAAA_AAAA_AAAB,
        0x7_0F0F_3C3C_5A5B,
    ];
    let pairs = || FACTORS.iter().flat_map(|left| FACTORS.map(|right| (*left, right)));
    pairs().zip(pairs().skip(1)).all(|((left, right), (other_left, other_right))| {
        let mut sum = Columns::awaiting(1);
        // Hidden from the compiler, which would work it out itself, and always round once.
        let factors = std::hint::black_box([left, right, other_left, other_right].map(to_float));
        let [left_float, right_float, other_left_float, other_right_float] = factors;
        sum.add(split::<A>(
            Floats::new(left_float, other_left_float),
            Floats::new(right_float, other_right_float),
        ));
        sum.first(0).is_product(left, right) && sum.second(0).is_product(other_left, other_right)
    })
}

impl Column {
    fn is_product(self, left: u64, right: u64) -> bool {
        let sum = i128::from(self.low) + (i128::from(self.high) << LIMB_BITS);
        sum == i128::from(left) * i128::from(right)
    }
}
