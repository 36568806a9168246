//! The routes by the segments of their patterns. The time to find a route depends on the length of
//! the path, and hardly on the number of routes.

use super::{Route, Segment};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// A tree of segments. Its nodes are the beginnings of patterns.
#[derive(Debug, Default)]
pub(super) struct Tree {
    literals: HashMap<String, Self>,
    /// By the suffix, from its colon.
    suffixed: HashMap<String, Self>,
    any: Option<Box<Self>>,
    /// The routes whose pattern ends here.
    exact: Option<Range<usize>>,
    /// The routes whose pattern has its final `*` here.
    open_ended: Option<Range<usize>>,
}

impl Tree {
    /// Makes the tree of routes in which those with the same pattern are neighbors. The ranges that
    /// [`Tree::find`] returns refer to this slice.
    pub(super) fn of(routes: &[Route]) -> Self {
        let mut tree = Self::default();
        let mut start = 0_usize;
        for group in routes.chunk_by(|one, other| one.pattern == other.pattern) {
            let end = start.saturating_add(group.len());
            if let Some(Route { pattern, .. }) = group.first() {
                let node = pattern.segments.iter().fold(&mut tree, |node, segment| match segment {
                    Segment::Literal(literal) => node.literals.entry(literal.clone()).or_default(),
                    Segment::Suffixed(suffix) => node.suffixed.entry(suffix.clone()).or_default(),
                    Segment::Any => node.any.get_or_insert_default(),
                });
                let range = Some(start..end);
                if pattern.open_ended { node.open_ended = range } else { node.exact = range }
            }
            start = end;
        }
        tree
    }

    /// Returns the routes with the most specific pattern that matches the path.
    ///
    /// Visits every node at most once, whatever the path, because each node has one place in it.
    pub(super) fn find(&self, path: &[Cow<'_, str>]) -> Option<Range<usize>> {
        let Some((part, rest)) = path.split_first() else {
            return self.exact.clone().or_else(|| self.open_ended.clone());
        };
        let literal = self.literals.get(part.as_ref());
        let found = literal.and_then(|node| node.find(rest));
        let found = found.or_else(|| self.suffixed.get(suffix_of(part)?)?.find(rest));
        let found = found.or_else(|| self.any.as_ref()?.find(rest));
        found.or_else(|| self.open_ended.clone())
    }
}

/// Returns what a `{name}:verb` would have to end with to match the segment: its last colon and the
/// text after that. Returns `None` if there is no text before the colon.
fn suffix_of(part: &str) -> Option<&str> {
    let colon = part.rfind(':').filter(|colon| *colon > 0)?;
    part.get(colon..)
}
