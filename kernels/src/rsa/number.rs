//! Numbers in limbs of 51 bits, held in binary64, and the sums of the products of limbs.
//!
//! The documentation of [`super::montgomery`] proves that no product is inexact and that no sum
//! overflows.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "checked sums would double the time; `montgomery` proves that none overflows"
)]

use super::simd::{Arithmetic, F64x2, Floats, Integer as _, Integers};

/// The number of bits of a limb.
pub(super) const LIMB_BITS: u32 = 51;
pub(super) const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// The number of products that a pass adds to each column: first passes over rows of the product,
/// then passes over quotient digits of the reduction.
const ROW_PRODUCTS_PER_PASS: i64 = 2;
pub(super) const DIGIT_PRODUCTS_PER_PASS: i64 = 2;

/// Added to a whole number below 2^52, makes that number the low bits of the sum's bit pattern.
const INTEGER_BIAS: f64 = power_of_two(52);
/// Moves the low part of a product, of either sign, into the binade of 2^52.
const LOW_BIAS: f64 = 1.5 * power_of_two(52);
/// Makes a product round to a multiple of 2^51.
const HIGH_BIAS: f64 = 1.5 * power_of_two(103);
const LOW_PATTERN: i64 = LOW_BIAS.to_bits().cast_signed();
const HIGH_PATTERN: i64 = HIGH_BIAS.to_bits().cast_signed();

const fn power_of_two(exponent: u64) -> f64 {
    f64::from_bits((1023 + exponent) << 52)
}

/// Two neighboring limbs of a number, and the same two lanes of the number times 2^51.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<F> {
    /// Limbs 2j and 2j + 1.
    pub(super) aligned: F,
    /// Limbs 2j - 1 and 2j. With these, a product whose weight is one limb higher adds to the same
    /// columns without moving data between lanes.
    pub(super) shifted: F,
}

/// The two neighboring limbs that a pass multiplies a number by, each in both lanes.
#[derive(Clone, Copy)]
pub(super) struct Rows<F>(pub(super) F, pub(super) F);

impl<F: Floats> Rows<F> {
    #[inline(always)]
    fn from_pair(pair: &Pair<F>) -> Self {
        Self(F::splat(pair.aligned.first()), F::splat(pair.aligned.second()))
    }

    /// Adds the products with a pair to the two columns of their weights.
    #[inline(always)]
    pub(super) fn add_to<A: Arithmetic<Floats = F>>(
        self,
        columns: &mut Columns<F>,
        pair: &Pair<F>,
    ) {
        // Sums in a copy. Otherwise each intermediate sum would be stored, because the next load
        // could trap.
        let mut sums = *columns;
        sums.add(products::<A>(self.0, pair.aligned));
        sums.add(products::<A>(self.1, pair.shifted));
        *columns = sums;
    }

    /// Completes the two pairs of columns that contain the squares of the two limbs: doubles what
    /// they hold, adds the squares once, and adds the other products of the two limbs twice.
    #[inline(always)]
    fn double_and_square<A: Arithmetic<Floats = F>>(
        self,
        lowest: &mut Columns<F>,
        second: &mut Columns<F>,
        own: &Pair<F>,
        next: &Pair<F>,
    ) {
        lowest.double_and_add(products::<A>(self.0, own.aligned));
        second.add(products::<A>(self.0, next.aligned));
        second.double_and_add(products::<A>(self.1, next.shifted));
    }
}

/// Adds a pass. The first of the columns belongs to the first of the pairs.
#[inline(always)]
pub(super) fn add_pass<A: Arithmetic>(
    columns: &mut [Columns<A::Floats>],
    pairs: &[Pair<A::Floats>],
    rows: Rows<A::Floats>,
) {
    for (columns, pair) in columns.iter_mut().zip(pairs) {
        rows.add_to::<A>(columns, pair);
    }
}

/// Adds two passes, the second of which is two columns higher. The first of the columns belongs to
/// the second of the pairs in the first pass, and to the first of the pairs in the second pass.
///
/// Together they load and store each column once instead of twice. WebAssembly checks the bounds of
/// every load and store.
#[inline(always)]
pub(super) fn add_passes<A: Arithmetic>(
    columns: &mut [Columns<A::Floats>],
    pairs: &[Pair<A::Floats>],
    rows: Rows<A::Floats>,
    next_rows: Rows<A::Floats>,
) {
    let [below, above @ ..] = pairs else { return };
    let Some((columns, [top, ..])) = columns.split_at_mut_checked(above.len()) else { return };
    let mut below = *below;
    for (columns, pair) in columns.iter_mut().zip(above) {
        // Copied before the store, after which the pair would be loaded again.
        let (mut sums, pair) = (*columns, *pair);
        rows.add_to::<A>(&mut sums, &pair);
        next_rows.add_to::<A>(&mut sums, &below);
        *columns = sums;
        below = pair;
    }
    next_rows.add_to::<A>(top, &below);
}

/// A number of 2h limbs, each in [0, 2^51), as h pairs. One more pair on top holds the last limb of
/// the shifted form.
#[derive(Clone, Debug)]
pub struct Number<F>(Vec<Pair<F>>);

impl<F: Floats> Number<F> {
    /// Returns 0.
    #[must_use]
    pub fn zero(half: usize) -> Self {
        let zero = F::splat(F::limb(0));
        Self(vec![Pair { aligned: zero, shifted: zero }; half + 1])
    }

    /// Returns all pairs, including the one on top.
    pub(super) fn pairs(&self) -> &[Pair<F>] {
        &self.0
    }

    /// Returns the pairs without the one on top.
    fn pairs_of_limbs(&self) -> &[Pair<F>] {
        self.0.split_last().map_or(&[], |(_, pairs)| pairs)
    }

    /// Returns h, half the number of limbs.
    pub(super) fn half(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Replaces the limbs by those given in twos, the lowest first.
    #[inline(always)]
    pub fn set_limbs(&mut self, limbs: impl Iterator<Item = [F::Lane; 2]>) {
        let half = self.half();
        let mut below = F::limb(0);
        for (pair, [first, second]) in self.0.iter_mut().take(half).zip(limbs) {
            pair.aligned = F::new(first, second);
            pair.shifted = F::new(below, first);
            below = second;
        }
        if let Some(top) = self.0.last_mut() {
            top.shifted = F::new(below, F::limb(0));
        }
    }

    /// Replaces the number by the complete columns of a product, the lowest first, and the carry
    /// into them.
    pub(super) fn set_to_columns(&mut self, columns: &[Columns<F>], mut carry: LaneOf<F>) {
        let mut normalize = |Column { low, high }: Column<LaneOf<F>>| {
            let (limb, above) = (low + carry).split();
            carry = above + high;
            limb
        };
        self.set_limbs(
            columns.iter().map(|pair| [normalize(pair.first(0)), normalize(pair.second(0))]),
        );
        debug_assert!(carry.may_be_zero(), "a product below 2n fits");
    }
}

impl Number<F64x2> {
    /// Converts a number, which must be below 2^(102 · `half`).
    pub(super) fn from_be_bytes(bytes: &[u8], half: usize) -> Self {
        let mut number = Self::zero(half);
        let mut bytes = bytes.iter().rev();
        let (mut buffer, mut bits_held) = (0_u64, 0_u32);
        let mut next = || {
            // At most 50 bits are left from before, so another byte makes at most 58.
            while bits_held < LIMB_BITS {
                let byte = bytes.next().copied().unwrap_or(0);
                buffer |= u64::from(byte) << bits_held;
                bits_held += 8;
            }
            let limb = buffer & LIMB_MASK;
            buffer >>= LIMB_BITS;
            bits_held -= LIMB_BITS;
            limb
        };
        number.set_limbs(std::iter::repeat_with(|| [next(), next()].map(to_float)));
        number
    }

    /// Returns the number in `length` bytes, which must have room for it.
    pub(super) fn to_be_bytes(&self, length: usize) -> Vec<u8> {
        let mut limbs = self.limbs().flatten();
        let (mut buffer, mut bits_held) = (0_u64, 0_u32);
        let bytes = std::iter::repeat_with(|| {
            if bits_held < 8 {
                // At most 7 bits are left from before, so another limb makes at most 58.
                buffer |= limbs.next().unwrap_or(0) << bits_held;
                bits_held += LIMB_BITS;
            }
            let [byte, ..] = buffer.to_le_bytes();
            buffer >>= 8;
            bits_held -= 8;
            byte
        });
        let mut bytes: Vec<u8> = bytes.take(length).collect();
        bytes.reverse();
        bytes
    }

    /// Returns the limbs in twos, the lowest first.
    fn limbs(&self) -> impl DoubleEndedIterator<Item = [u64; 2]> {
        let pairs = self.pairs_of_limbs().iter();
        pairs.map(|pair| [pair.aligned.first(), pair.aligned.second()].map(to_integer))
    }

    /// Returns whether the number is less than another of as many limbs.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        let highest_first = |[first, second]: [u64; 2]| [second, first];
        self.limbs().rev().map(highest_first).lt(other.limbs().rev().map(highest_first))
    }

    /// Subtracts the modulus unless the number is below it.
    pub(super) fn reduced_once(self, modulus: &Self) -> Self {
        if self.is_below(modulus) {
            return self;
        }
        let mut difference = Self::zero(self.half());
        let mut borrow = 0_u64;
        let mut subtract = |limb: u64, subtrahend: u64| {
            // A negative difference wraps around, which sets the highest bit.
            let limb = limb.wrapping_sub(subtrahend).wrapping_sub(borrow);
            borrow = limb >> 63;
            limb & LIMB_MASK
        };
        let limbs = self.limbs().zip(modulus.limbs());
        difference.set_limbs(limbs.map(|(ours, theirs)| {
            [subtract(ours[0], theirs[0]), subtract(ours[1], theirs[1])].map(to_float)
        }));
        difference
    }
}

/// The sums of two neighboring columns of a product. The sums are those of the bit patterns of the
/// products' parts, so they include a bias for each product.
#[derive(Clone, Copy)]
pub(super) struct Columns<F: Floats> {
    low: F::Integers,
    /// Has the weight of the columns one limb higher.
    high: F::Integers,
}

/// One of two integers.
pub(super) type LaneOf<F> = <<F as Floats>::Integers as Integers>::Lane;

/// The sums of one column, without bias.
#[derive(Clone, Copy)]
pub(super) struct Column<I> {
    pub(super) low: I,
    /// Has the weight of the column one limb higher.
    pub(super) high: I,
}

impl<F: Floats> Columns<F> {
    /// Returns columns that start at minus the biases of that many products, so that the sums are
    /// without bias once all of these products have been added.
    pub(super) fn offset_for(products: i64) -> Self {
        Self {
            low: F::Integers::product(LOW_PATTERN, -products),
            high: F::Integers::product(HIGH_PATTERN, -products),
        }
    }

    #[inline(always)]
    pub(super) fn add(&mut self, other: Self) {
        self.low = self.low.plus(other.low);
        self.high = self.high.plus(other.high);
    }

    /// Doubles the sums, then adds the product of the first lane once and that of the second lane
    /// twice. Each lane receives the biases of two products.
    #[inline(always)]
    fn double_and_add(&mut self, products: Self) {
        let bias = Self {
            low: F::Integers::product(LOW_PATTERN, 1),
            high: F::Integers::product(HIGH_PATTERN, 1),
        };
        let Self { low, high } = products;
        self.low = self.low.plus(self.low).plus(low).plus(bias.low.with_second_of(low));
        self.high = self.high.plus(self.high).plus(high).plus(bias.high.with_second_of(high));
    }

    /// Returns the sums of the first column, to which so many products of its offset have not been
    /// added yet.
    #[inline(always)]
    pub(super) fn first(&self, outstanding: i64) -> Column<LaneOf<F>> {
        Column {
            low: self.low.first().plus_product(LOW_PATTERN, outstanding),
            high: self.high.first().plus_product(HIGH_PATTERN, outstanding),
        }
    }

    /// Returns the sums of the second column, as [`Columns::first`] does for the first.
    #[inline(always)]
    pub(super) fn second(&self, outstanding: i64) -> Column<LaneOf<F>> {
        Column {
            low: self.low.second().plus_product(LOW_PATTERN, outstanding),
            high: self.high.second().plus_product(HIGH_PATTERN, outstanding),
        }
    }
}

/// Sets 2h pairs of columns to the offset for passes of so many products. The pair j, counted from
/// the nearer end, receives products in j + 1 passes.
fn initialize<F: Floats>(columns: &mut [Columns<F>], products_per_pass: i64) {
    let (lower, upper) = columns.split_at_mut(columns.len() / 2);
    let (mut offset, pass) = (Columns::offset_for(0), Columns::offset_for(products_per_pass));
    for (low, high) in lower.iter_mut().zip(upper.iter_mut().rev()) {
        offset.add(pass);
        *low = offset;
        *high = offset;
    }
}

/// Sets the columns to those of a product, with an offset that includes the products of its
/// reduction. Each pass multiplies two limbs of `left` by all of `right`.
#[inline(always)]
pub(super) fn set_to_product<A: Arithmetic>(
    columns: &mut [Columns<A::Floats>],
    left: &Number<A::Floats>,
    right: &Number<A::Floats>,
) {
    initialize(columns, ROW_PRODUCTS_PER_PASS + DIGIT_PRODUCTS_PER_PASS);
    let mut window = columns;
    for pair in left.pairs_of_limbs() {
        add_pass::<A>(window, right.pairs(), Rows::from_pair(pair));
        let [_, rest @ ..] = window else { return };
        window = rest;
    }
}

/// Sets the columns to those of a square, with an offset that includes the products of its
/// reduction.
///
/// A product of two different limbs occurs twice in a square. Each pass therefore multiplies two
/// limbs only by themselves and by higher limbs, and the sums are doubled. The squares of the two
/// limbs are in the first columns of the two lowest pairs of the pass. Later passes add nothing to
/// these two pairs, so the pass doubles them. Two passes are added together.
#[inline(always)]
pub(super) fn set_to_square<A: Arithmetic>(
    columns: &mut [Columns<A::Floats>],
    base: &Number<A::Floats>,
) {
    // The doubling below also doubles the offset, so it starts at half of a product's offset.
    initialize(columns, (ROW_PRODUCTS_PER_PASS + DIGIT_PRODUCTS_PER_PASS) / 2);
    // In the upper half, each pair also receives products with the pair on top of `base`, which
    // has no counterpart in another pass. Doubling counts their biases once more.
    for columns in columns.iter_mut().skip(base.half()) {
        columns.add(Columns::offset_for(1));
    }
    let mut window = columns;
    let mut pairs = base.pairs();
    loop {
        match (pairs, window) {
            ([own, next, third, above @ ..], [first, second, higher @ ..]) => {
                let [lowest, next_lowest, rest @ ..] = higher else { return };
                let (rows, next_rows) = (Rows::from_pair(own), Rows::from_pair(next));
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
                let rows = Rows::from_pair(own);
                return rows.double_and_square::<A>(lowest, second, own, top);
            }
            _ => return,
        }
    }
}

/// Returns the products of two pairs of limbs, as bit patterns that can be summed.
#[inline(always)]
pub(super) fn products<A: Arithmetic>(left: A::Floats, right: A::Floats) -> Columns<A::Floats> {
    let high = A::multiply_add(left, right, A::Floats::constant(HIGH_BIAS));
    let remainder = A::Floats::constant(HIGH_BIAS + LOW_BIAS).minus(high);
    let low = A::multiply_add(left, right, remainder);
    Columns { low: low.bits(), high: high.bits() }
}

/// Converts a limb to an integer.
#[inline(always)]
pub(super) fn to_integer(limb: f64) -> u64 {
    (limb + INTEGER_BIAS).to_bits() & LIMB_MASK
}

/// Converts an integer below 2^51 to a limb.
#[inline(always)]
pub(super) fn to_float(limb: u64) -> f64 {
    f64::from_bits(limb | INTEGER_BIAS.to_bits()) - INTEGER_BIAS
}

/// Returns whether an arithmetic rounds once: multiplies limbs whose products need all 102 bits, in
/// both lanes, and compares the results with integer products.
#[must_use]
pub fn is_exact<A: Arithmetic<Floats = F64x2>>() -> bool {
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
        let mut sum = Columns::offset_for(1);
        // `black_box` keeps the compiler from evaluating the products itself, where it would
        // round once whatever the machine does.
        let factors = std::hint::black_box([left, right, other_left, other_right].map(to_float));
        let [left_float, right_float, other_left_float, other_right_float] = factors;
        sum.add(products::<A>(
            F64x2::new(left_float, other_left_float),
            F64x2::new(right_float, other_right_float),
        ));
        sum.first(0).is_product(left, right) && sum.second(0).is_product(other_left, other_right)
    })
}

impl Column<i64> {
    fn is_product(self, left: u64, right: u64) -> bool {
        let sum = i128::from(self.low) + (i128::from(self.high) << LIMB_BITS);
        sum == i128::from(left) * i128::from(right)
    }
}
