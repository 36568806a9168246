//! Points of a curve y² = x³ - 3x + b in Jacobian coordinates: (x, y, z) stands for
//! (x / z², y / z³).

use super::field::{Element, Factor as _, Prime};
use crate::wnaf::{Group, invert_all};

/// A point other than infinity, with z = 1.
#[derive(Clone, Copy, Debug)]
pub struct Affine<P: Prime> {
    x: Element<P>,
    y: Element<P>,
}

impl<P: Prime> Affine<P> {
    /// Takes the coordinates of a point on the curve.
    #[must_use]
    pub const fn new(x: Element<P>, y: Element<P>) -> Self {
        Self { x, y }
    }

    /// Returns x and y.
    #[must_use]
    pub const fn coordinates(&self) -> [&Element<P>; 2] {
        [&self.x, &self.y]
    }
}

/// A point. Infinity has z = 0.
#[derive(Clone, Copy, Debug)]
pub struct Point<P: Prime> {
    x: Element<P>,
    y: Element<P>,
    z: Element<P>,
    is_infinity: bool,
}

impl<P: Prime> From<&Affine<P>> for Point<P> {
    fn from(point: &Affine<P>) -> Self {
        Self { x: point.x, y: point.y, z: Element::ONE, is_infinity: false }
    }
}

impl<P: Prime> Group for Point<P> {
    type TableEntry = Affine<P>;

    /// Infinity.
    const IDENTITY: Self =
        Self { x: Element::ONE, y: Element::ONE, z: Element::ZERO, is_infinity: true };

    /// Doubles the point ("dbl-2001-b", Bernstein). Infinity is the formula's only exception: the
    /// order of the curve is odd, so no other point is its own negative.
    #[inline(never)]
    fn double(&mut self) {
        if self.is_infinity {
            return;
        }
        let delta = self.z.square();
        let gamma = self.y.square();
        let beta = self.x.times(&gamma);
        // A third of the alpha in the formula.
        let alpha = self.x.minus(&delta).times(&Element::combination([(1, &self.x), (1, &delta)]));
        self.z = Element::combination([(2, &self.y.times(&self.z))]);
        self.x = Element::combination([(9, &alpha.square()), (-8, &beta)]);
        let slope = Element::combination([(4, &beta), (-1, &self.x)]);
        self.y = Element::combination([(3, &alpha.times(&slope)), (-8, &gamma.square())]);
    }

    /// Adds a point or its negative ("madd", Cohen, Miyaji and Ono 1998). Infinity, the same point
    /// and the opposite point are the formula's exceptions, and handled separately.
    #[inline(never)]
    fn add(&mut self, point: &Affine<P>, is_negative: bool) {
        let y = if is_negative { Element::combination([(-1, &point.y)]) } else { point.y };
        if self.is_infinity {
            *self = Self::from(&Affine { x: point.x, y });
            return;
        }
        let z_squared = self.z.square();
        let h = Element::combination([(1, &point.x.times(&z_squared)), (-1, &self.x)]);
        let r = Element::combination([(1, &y.times(&self.z).times(&z_squared)), (-1, &self.y)]);
        if h.is_zero() {
            if r.is_zero() {
                self.double();
            } else {
                *self = Self::IDENTITY;
            }
            return;
        }
        let h_squared = h.square();
        let h_cubed = h.times(&h_squared);
        let v = self.x.times(&h_squared);
        self.z = self.z.times(&h);
        self.x = Element::combination([(1, &r.square()), (-1, &h_cubed), (-2, &v)]);
        let y_times_h_cubed = self.y.times(&h_cubed);
        self.y = Element::combination([(1, &r.times(&v.minus(&self.x))), (-1, &y_times_h_cubed)]);
    }

    fn to_table_entries(points: &[Self]) -> Vec<Affine<P>> {
        normalize(points)
    }
}

impl<P: Prime> Point<P> {
    /// Returns the point with z = 1, or `None` for infinity.
    #[must_use]
    pub fn to_affine(&self) -> Option<Affine<P>> {
        if self.is_infinity { None } else { normalize(&[*self]).pop() }
    }

    /// Returns whether the x coordinate of the point is one of the candidates.
    ///
    /// Compares x with candidate · z², because a division would take a quarter of the time of a
    /// whole signature check.
    #[must_use]
    pub fn has_x(&self, candidates: impl IntoIterator<Item = Element<P>>) -> bool {
        let z_squared = self.z.square();
        let mut candidates = candidates.into_iter();
        !self.is_infinity
            && candidates.any(|candidate| {
                Element::combination([(1, &candidate.times(&z_squared)), (-1, &self.x)]).is_zero()
            })
    }
}

/// Converts points other than infinity to z = 1, with a single inversion.
fn normalize<P: Prime>(points: &[Point<P>]) -> Vec<Affine<P>> {
    let inverses = invert_all(&points.iter().map(|point| point.z).collect::<Vec<_>>());
    let affine = |(point, inverse): (&Point<P>, Element<P>)| {
        let squared = inverse.square();
        Affine { x: point.x.times(&squared), y: point.y.times(&squared).times(&inverse) }
    };
    points.iter().zip(inverses).map(affine).collect()
}
