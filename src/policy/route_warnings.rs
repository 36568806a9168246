//! Warnings about routes that may not do what the operator expects. `cargo xtask check` shows
//! them; the Worker does not compute them.

use super::{Fault, Policy};
use crate::path::CanonicalPath;
use crate::route::{Access, Methods, Pattern, Route, percent_encoded};

impl Policy {
    /// Warns of public routes that match a protected path in another case or with an encoded slash,
    /// of routes whose methods hide a wider pattern, and of routes that have no effect.
    #[must_use]
    pub fn route_warnings(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        for route in self.routes() {
            self.warn_of_spellings(route, &mut found);
            self.warn_of_methods(route, &mut found);
            self.warn_of_metadata(route, &mut found);
        }
        found.dedup();
        found
    }

    /// The gate compares paths exactly, but the API may ignore case or decode slashes.
    fn warn_of_spellings(&self, protected: &Route, found: &mut Vec<Fault>) {
        if protected.access == Access::Public {
            return;
        }
        let segments = protected.pattern.sample();
        let method =
            protected.methods.names().into_iter().next().unwrap_or_else(|| "GET".to_owned());
        let public = |path: &str| {
            let path = CanonicalPath::of_url(path).ok()?;
            let route = self.route_table().find(&path, &method).ok()?;
            (route.access == Access::Public).then_some(&route.pattern)
        };
        let shortest = protected.pattern.shortest_sample();
        for path in [spellings(&segments), spellings(&shortest)].concat() {
            if let Some(pattern) = public(&path) {
                found.push(Fault {
                    path: "routes".to_owned(),
                    problem: format!(
                        "{pattern} is public and matches {path}, which a case-insensitive API \
                         serves as {}",
                        protected.pattern
                    ),
                    remedy: format!(
                        "make sure that the API is case-sensitive, or make {pattern} narrower"
                    ),
                });
                break;
            }
        }
        let encoded: Vec<_> = segments.iter().map(|one| percent_encoded(one)).collect();
        for split in 1..encoded.len() {
            let (before, after) = encoded.split_at_checked(split).unwrap_or_default();
            let path = format!("/{}%2F{}", before.join("/"), after.join("%2F"));
            if let Some(pattern) = public(&path) {
                found.push(Fault {
                    path: "routes".to_owned(),
                    problem: format!(
                        "{pattern} is public, allows encoded slashes and matches {path}, which an \
                         API that decodes them serves as {}",
                        protected.pattern
                    ),
                    remedy: "make sure that the API routes requests before it decodes their paths"
                        .to_owned(),
                });
                break;
            }
        }
    }

    /// The path selects the pattern. A method that no route of the pattern accepts gets a 405, even
    /// if a route of a wider pattern accepts it.
    fn warn_of_methods(&self, narrow: &Route, found: &mut Vec<Fault>) {
        let entries = self.route_table().of_pattern(&narrow.pattern);
        let first = entries.first().is_some_and(|route| std::ptr::eq(route, narrow));
        let taken = |method: &str| entries.iter().any(|route| route.methods.take(method));
        if !first || entries.iter().any(|route| route.methods == Methods::All) {
            return;
        }
        let sample =
            narrow.pattern.sample().iter().map(|one| percent_encoded(one)).collect::<Vec<_>>();
        let sample = format!("/{}", sample.join("/"));
        let Ok(sample) = CanonicalPath::parse(&sample) else { return };
        // Less specific patterns come later.
        let covers = |wide: &Pattern| wide.matches(sample.segments()) && narrow.pattern < *wide;
        let wider = self.routes().iter().find(|route| {
            let takes_more = || match &route.methods {
                Methods::All => true,
                methods => methods.names().iter().any(|method| !taken(method)),
            };
            covers(&route.pattern) && takes_more()
        });
        let Some(wider) = wider else { return };
        let methods: Vec<_> = entries.iter().flat_map(|route| route.methods.names()).collect();
        found.push(Fault {
            path: "routes".to_owned(),
            problem: format!(
                "{} accepts only {}: other methods get a 405, even if {} accepts them",
                narrow.pattern,
                methods.join(", "),
                wider.pattern
            ),
            remedy: format!(
                "add another route for {} with the other methods if they should pass",
                narrow.pattern
            ),
        });
    }

    /// The gate serves its metadata before it looks for a route.
    fn warn_of_metadata(&self, route: &Route, found: &mut Vec<Fault>) {
        let is_document =
            |path: &str| Pattern::parse(path).is_ok_and(|pattern| pattern == route.pattern);
        if self.resources().0.iter().any(|resource| is_document(&resource.path)) {
            found.push(Fault {
                path: "routes".to_owned(),
                problem: format!(
                    "{} has no effect: the gate serves its metadata at this path",
                    route.pattern
                ),
                remedy: "remove the route".to_owned(),
            });
        }
    }
}

/// Returns the path in upper case, capitalized and in lower case, as a whole and segment by
/// segment.
fn spellings(segments: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    for letters in [str::to_ascii_uppercase, capitalized, str::to_ascii_lowercase] {
        for alone in std::iter::once(None).chain((0..segments.len()).map(Some)) {
            let spelled = segments.iter().enumerate().map(|(index, segment)| {
                let other = alone.is_none_or(|alone| alone == index);
                percent_encoded(&if other { letters(segment) } else { segment.clone() })
            });
            paths.push(format!("/{}", spelled.collect::<Vec<_>>().join("/")));
        }
    }
    paths
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}
