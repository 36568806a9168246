//! Points of Edwards25519, x² and y² with -x² + y² = 1 + d·x²·y² (RFC 8032 section 5.1), in extended coordinates
//! (Hisil, Wong, Carter and Dawson 2008): (x, y, z, t) stands for (x / z, y / z), with t = x·y / z.
//!
//! The formulas have no exception: -1 is a square modulo p, and d is none, so that no denominator is ever 0
//! (RFC 8032 section 5.1.4).

use super::field::{Element, Factor as _};
use crate::signature::wnaf::{Group, inverses};
use std::sync::OnceLock;

/// A point as it is added: y + x, y - x and 2·d·x·y, of a point with z = 1.
#[derive(Clone, Copy, Debug)]
pub struct Addend {
    sum: Element,
    difference: Element,
    product: Element,
}

/// A point.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    x: Element,
    y: Element,
    z: Element,
    t: Element,
}

/// The curve's constants.
struct Curve {
    d: Element,
    twice_d: Element,
    root_of_minus_one: Element,
}

fn curve() -> &'static Curve {
    static CURVE: OnceLock<Curve> = OnceLock::new();
    CURVE.get_or_init(|| {
        // d = -121665 / 121666 (RFC 8032 section 5.1).
        let quotient = Element::small(121_665).times(&Element::small(121_666).inverse());
        // 2 is no square modulo p: its power of (p - 1) / 4 is a root of -1.
        let two = Element::small(2);
        Curve {
            d: Element::combination([(-1, &quotient)]),
            twice_d: Element::combination([(-2, &quotient)]),
            root_of_minus_one: two.root_power().square().times(&two),
        }
    })
}

impl Point {
    /// The base point B, whose y is 4 / 5 and whose x is even (RFC 8032 section 5.1).
    #[must_use]
    pub fn base() -> Self {
        let y = Element::small(4).times(&Element::small(5).inverse());
        Self::of_y(&y, false)
    }

    /// The point of an encoding that is known to be one: 32 bytes, y little-endian and in the highest bit
    /// whether x is odd. Of any other bytes something that is no point.
    #[must_use]
    pub fn decode(bytes: &[u8; 32]) -> Self {
        let [.., last] = bytes;
        Self::of_y(&Element::from_le_bytes(bytes), last & 0x80 != 0)
    }

    /// RFC 8032 section 5.1.3, of a y that has a root.
    fn of_y(y: &Element, is_odd: bool) -> Self {
        let y_squared = y.square();
        let u = Element::combination([(1, &y_squared), (-1, &Element::ONE)]);
        let v = Element::combination([(1, &curve().d.times(&y_squared)), (1, &Element::ONE)]);
        let v_cubed = v.square().times(&v);
        let power = u.times(&v_cubed.square().times(&v)).root_power();
        let mut x = u.times(&v_cubed).times(&power);
        if v.times(&x.square()).to_le_bytes() != u.to_le_bytes() {
            x = x.times(&curve().root_of_minus_one);
        }
        if is_odd_number(&x) != is_odd {
            x = Element::combination([(-1, &x)]);
        }
        Self { x, y: *y, z: Element::ONE, t: x.times(y) }
    }

    /// -P.
    #[must_use]
    pub fn negative(&self) -> Self {
        let negative = |element| Element::combination([(-1, element)]);
        Self { x: negative(&self.x), y: self.y, z: self.z, t: negative(&self.t) }
    }

    /// Its encoding (RFC 8032 section 5.1.2).
    #[must_use]
    pub fn encode(&self) -> [u8; 32] {
        let inverse = self.z.inverse();
        let x = self.x.times(&inverse);
        let mut bytes = self.y.times(&inverse).to_le_bytes();
        let [.., last] = &mut bytes;
        *last |= u8::from(is_odd_number(&x)) << 7;
        bytes
    }

    /// Whether its order is 1, 2, 4 or 8.
    #[must_use]
    pub fn is_of_small_order(&self) -> bool {
        let mut eightfold = *self;
        for _ in 0..3 {
            eightfold.double();
        }
        // Eight times any point is of odd order, and the only such point whose x is 0 is the neutral one.
        eightfold.x.to_le_bytes() == [0; 32]
    }
}

fn is_odd_number(element: &Element) -> bool {
    let [first, ..] = element.to_le_bytes();
    first & 1 == 1
}

impl Group for Point {
    type Addend = Addend;

    const NEUTRAL: Self =
        Self { x: Element::ZERO, y: Element::ONE, z: Element::ONE, t: Element::ZERO };

    /// "dbl-2008-hwcd", with 2·x·y for (x + y)² - x² - y², and all signs changed.
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

    /// "madd-2008-hwcd-3".
    #[inline(never)]
    fn add(&mut self, point: &Addend, is_negative: bool) {
        let Addend { mut sum, mut difference, mut product } = *point;
        if is_negative {
            (sum, difference) = (difference, sum);
            product = Element::combination([(-1, &product)]);
        }
        let a = self.y.minus(&self.x).times(&difference);
        let b = self.y.plus(&self.x).times(&sum);
        let c = self.t.times(&product);
        let e = b.minus(&a);
        let f = Element::combination([(2, &self.z), (-1, &c)]);
        let g = Element::combination([(2, &self.z), (1, &c)]);
        let h = b.plus(&a);
        self.x = e.times(&f);
        self.y = g.times(&h);
        self.z = f.times(&g);
        self.t = e.times(&h);
    }

    fn addends(points: &[Self]) -> Vec<Addend> {
        let inverses = inverses(&points.iter().map(|point| point.z).collect::<Vec<_>>());
        let addend = |(point, inverse): (&Self, Element)| {
            let (x, y) = (point.x.times(&inverse), point.y.times(&inverse));
            Addend {
                sum: Element::combination([(1, &y), (1, &x)]),
                difference: Element::combination([(1, &y), (-1, &x)]),
                product: x.times(&y).times(&curve().twice_d),
            }
        };
        points.iter().zip(inverses).map(addend).collect()
    }
}
