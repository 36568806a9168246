//! What about a policy's routes may surprise whoever wrote it: for `cargo xtask check`, not for the
//! Worker.

use super::{Fault, Policy};
use crate::path::CanonicalPath;
use crate::route::{Access, Methods, Pattern, Route, percent_encoded};

impl Policy {
    /// Routes that do something else than a reader of the policy may think: public ones that admit
    /// a guarded path in other letters or with an encoded slash, ones that keep methods from a
    /// wider pattern, and ones that are never asked.
    #[must_use]
    pub fn surprises(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        for route in self.routes() {
            self.other_spellings(route, &mut found);
            self.kept_methods(route, &mut found);
            self.never_asked(route, &mut found);
        }
        found.dedup();
        found
    }

    /// Paths are compared letter by letter, and an origin may not do so.
    fn other_spellings(&self, guarded: &Route, found: &mut Vec<Fault>) {
        if guarded.access == Access::Public {
            return;
        }
        let segments = guarded.pattern.sample();
        let method = guarded.methods.names().into_iter().next().unwrap_or_else(|| "GET".to_owned());
        let public = |path: &str| {
            let path = CanonicalPath::of_url(path).ok()?;
            let route = self.route_table().find(&path, &method).ok()?;
            (route.access == Access::Public).then_some(&route.pattern)
        };
        let shortest = guarded.pattern.shortest_sample();
        for path in [spellings(&segments), spellings(&shortest)].concat() {
            if let Some(pattern) = public(&path) {
                found.push(Fault {
                    path: "routes".to_owned(),
                    problem: format!(
                        "{pattern} is public and admits {path}, which an API that takes capitals for \
                         small letters serves as {}",
                        guarded.pattern
                    ),
                    remedy: format!(
                        "see that the API tells them apart, or make {pattern} narrower than that"
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
                        "{pattern} is public, allows encoded slashes and admits {path}, which an API \
                         that decodes them serves as {}",
                        guarded.pattern
                    ),
                    remedy: "see that the API does not decode them before it looks for what to serve"
                        .to_owned(),
                });
                break;
            }
        }
    }

    /// The path picks the pattern, and a method that its entries do not take is a 405.
    fn kept_methods(&self, narrow: &Route, found: &mut Vec<Fault>) {
        let entries = || self.routes().iter().filter(|route| route.pattern == narrow.pattern);
        let first = entries().next().is_some_and(|route| std::ptr::eq(route, narrow));
        let taken = |method: &str| entries().any(|route| route.methods.take(method));
        if !first || entries().any(|route| route.methods == Methods::All) {
            return;
        }
        let wider = self.routes().iter().find(|route| {
            let takes_more = match &route.methods {
                Methods::All => true,
                methods => methods.names().iter().any(|method| !taken(method)),
            };
            takes_more && route.pattern != narrow.pattern && covers(&route.pattern, &narrow.pattern)
        });
        let Some(wider) = wider else { return };
        let methods: Vec<_> = entries().flat_map(|route| route.methods.names()).collect();
        found.push(Fault {
            path: "routes".to_owned(),
            problem: format!(
                "{} takes {} alone: every other method on it is a 405, and never falls to {}",
                narrow.pattern,
                methods.join(", "),
                wider.pattern
            ),
            remedy: format!(
                "name {} once more with the other methods, if they are to pass",
                narrow.pattern
            ),
        });
    }

    fn never_asked(&self, route: &Route, found: &mut Vec<Fault>) {
        let Some(resource) = self.resource() else { return };
        let same = Pattern::parse(&resource.path).is_ok_and(|pattern| pattern == route.pattern);
        if same {
            found.push(Fault {
                path: "routes".to_owned(),
                problem: format!(
                    "{} is never asked: the gate serves its metadata there",
                    route.pattern
                ),
                remedy: "leave the route out".to_owned(),
            });
        }
    }
}

/// The path in other letters: all of it, and a segment alone.
fn spellings(segments: &[String]) -> Vec<String> {
    let mut paths = Vec::new();
    for letters in [str::to_ascii_uppercase, capitalised, str::to_ascii_lowercase] {
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

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Whether a pattern matches what another one does, and more.
fn covers(wide: &Pattern, narrow: &Pattern) -> bool {
    let path = format!(
        "/{}",
        narrow.sample().iter().map(|one| percent_encoded(one)).collect::<Vec<_>>().join("/")
    );
    CanonicalPath::parse(&path).is_ok_and(|path| wide.matches(path.segments()) && narrow < wide)
}
