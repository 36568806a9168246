//! Points of Edwards25519, the curve -x² + y² = 1 + d·x²·y² (RFC 8032 section 5.1), in extended
//! coordinates (Hisil, Wong, Carter and Dawson 2008): (x, y, z, t) stands for (x / z, y / z), with
//! t = x·y / z.
//!
//! The formulas have no exceptions. -1 is a square modulo p and d is not, so no denominator is ever
//! 0 (RFC 8032 section 5.1.4).

use super::field::{Element, Factor as _};
use crate::wnaf::{Group, invert_all};
use std::sync::OnceLock;

/// A point in the form in which tables store it: y + x, y - x and 2·d·x·y, for z = 1.
#[derive(Clone, Copy)]
pub(crate) struct TableEntry {
    y_plus_x: Element,
    y_minus_x: Element,
    twice_dxy: Element,
}

/// A point.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    x: Element,
    y: Element,
    z: Element,
    t: Element,
}

/// The constants of the curve.
struct Curve {
    d: Element,
    twice_d: Element,
    root_of_minus_one: Element,
}

fn curve() -> &'static Curve {
    static CURVE: OnceLock<Curve> = OnceLock::new();
    CURVE.get_or_init(|| {
        // d = -121665 / 121666 (RFC 8032 section 5.1).
        let quotient = Element::from_small(121_665).times(&Element::from_small(121_666).inverse());
        // 2 is not a square modulo p, so its power with the exponent (p - 1) / 4 is a root of -1.
        let two = Element::from_small(2);
        Curve {
            d: Element::combination([(-1, &quotient)]),
            twice_d: Element::combination([(-2, &quotient)]),
            root_of_minus_one: two.power_for_root().square().times(&two),
        }
    })
}

impl Point {
    /// Returns the base point B, whose y is 4 / 5 and whose x is even (RFC 8032 section 5.1).
    #[must_use]
    pub fn base() -> Self {
        let y = Element::from_small(4).times(&Element::from_small(5).inverse());
        Self::from_y(&y, false)
    }

    /// Decodes a point: y, little-endian, with the parity of x in the highest bit. The bytes must
    /// be known to encode a point. For other bytes, the result is not a point of the curve.
    #[must_use]
    pub fn decode(bytes: &[u8; 32]) -> Self {
        let [.., last] = bytes;
        Self::from_y(&Element::from_le_bytes(bytes), last & 0x80 != 0)
    }

    /// Returns the point with this y and this parity of x (RFC 8032 section 5.1.3). It must exist.
    fn from_y(y: &Element, is_odd: bool) -> Self {
        let y_squared = y.square();
        let u = Element::combination([(1, &y_squared), (-1, &Element::ONE)]);
        let v = Element::combination([(1, &curve().d.times(&y_squared)), (1, &Element::ONE)]);
        let v_cubed = v.square().times(&v);
        let power = u.times(&v_cubed.square().times(&v)).power_for_root();
        let mut x = u.times(&v_cubed).times(&power);
        if v.times(&x.square()).to_le_bytes() != u.to_le_bytes() {
            x = x.times(&curve().root_of_minus_one);
        }
        if is_odd_number(&x) != is_odd {
            x = Element::combination([(-1, &x)]);
        }
        Self { x, y: *y, z: Element::ONE, t: x.times(y) }
    }

    /// Returns -P.
    #[must_use]
    pub fn negative(&self) -> Self {
        let negative = |element| Element::combination([(-1, element)]);
        Self { x: negative(&self.x), y: self.y, z: self.z, t: negative(&self.t) }
    }

    /// Returns the encoding (RFC 8032 section 5.1.2).
    #[must_use]
    pub fn encode(&self) -> [u8; 32] {
        let inverse = self.z.inverse();
        let x = self.x.times(&inverse);
        let mut bytes = self.y.times(&inverse).to_le_bytes();
        let [.., last] = &mut bytes;
        *last |= u8::from(is_odd_number(&x)) << 7;
        bytes
    }

    /// Returns whether the order of the point is 1, 2, 4 or 8.
    #[must_use]
    pub fn is_of_small_order(&self) -> bool {
        let mut eightfold = *self;
        for _ in 0..3 {
            eightfold.double();
        }
        // Eight times a point has an odd order. The identity is the only such point with x = 0.
        eightfold.x.to_le_bytes() == [0; 32]
    }
}

fn is_odd_number(element: &Element) -> bool {
    let [first, ..] = element.to_le_bytes();
    first & 1 == 1
}

impl Group for Point {
    type TableEntry = TableEntry;

    const IDENTITY: Self =
        Self { x: Element::ZERO, y: Element::ONE, z: Element::ONE, t: Element::ZERO };

    /// Doubles the point ("dbl-2008-hwcd", with 2·x·y for (x + y)² - x² - y², and with all signs
    /// changed).
    #[inline(never)]
    fn double(&mut self) {
        let xx = self.x.square();
        let yy = self.y.square();
        let zz = self.z.square();
        let xy = self.x.times(&self.y);
        let e = Element::combination([(2, &xy)]);
        let g = yy.minus(&xx);
        let h = yy.plus(&xx);
        let f = Element::combination([(2, &zz), (-1, &yy), (1, &xx)]);
        self.x = e.times(&f);
        self.y = g.times(&h);
        self.z = f.times(&g);
        self.t = e.times(&h);
    }

    /// Adds a point or its negative ("madd-2008-hwcd-3").
    #[inline(never)]
    fn add(&mut self, point: &TableEntry, is_negative: bool) {
        let TableEntry { mut y_plus_x, mut y_minus_x, mut twice_dxy } = *point;
        if is_negative {
            (y_plus_x, y_minus_x) = (y_minus_x, y_plus_x);
            twice_dxy = Element::combination([(-1, &twice_dxy)]);
        }
        let a = self.y.minus(&self.x).times(&y_minus_x);
        let b = self.y.plus(&self.x).times(&y_plus_x);
        let c = self.t.times(&twice_dxy);
        let e = b.minus(&a);
        let f = Element::combination([(2, &self.z), (-1, &c)]);
        let g = Element::combination([(2, &self.z), (1, &c)]);
        let h = b.plus(&a);
        self.x = e.times(&f);
        self.y = g.times(&h);
        self.z = f.times(&g);
        self.t = e.times(&h);
    }

    fn to_table_entries(points: &[Self]) -> Vec<TableEntry> {
        let inverses = invert_all(&points.iter().map(|point| point.z).collect::<Vec<_>>());
        let entry = |(point, inverse): (&Self, Element)| {
            let (x, y) = (point.x.times(&inverse), point.y.times(&inverse));
            TableEntry {
                y_plus_x: Element::combination([(1, &y), (1, &x)]),
                y_minus_x: Element::combination([(1, &y), (-1, &x)]),
                twice_dxy: x.times(&y).times(&curve().twice_d),
            }
        };
        points.iter().zip(inverses).map(entry).collect()
    }
}
