//! Finding the route of a request.
//!
//! The most specific pattern wins, whatever the order in the policy: segment by segment from the
//! left, a literal comes before `{name}:verb` before `{name}` before `*`, and an exact end before
//! `*`. The path selects
//! the pattern, then the method selects one of the pattern's entries. If none of them accepts the
//! method, the response is a 405. The gate never falls back to a wider pattern, where other rules
//! apply. A request that matches no route is refused.

mod tree;

use self::tree::Tree;
use crate::issuer_id::IssuerId;
use crate::path::{self, CanonicalPath};
use crate::refusal::{Code, Refusal, Schemes};
use crate::report::Mode;
use crate::rules::ClaimRule;
use crate::time::Seconds;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// The policy's routes.
#[derive(Debug)]
pub struct Routes {
    /// Most specific first, so that the routes with the same pattern are neighbors.
    sorted: Vec<Route>,
    tree: Tree,
}

/// One route: the requests that it matches, and what they must have. Made by the policy's compiler.
#[derive(Debug)]
pub struct Route {
    pub(crate) pattern: Pattern,
    pub(crate) methods: Methods,
    pub(crate) access: Access,
    pub(crate) issuers: Option<Vec<IssuerId>>,
    pub(crate) introspecting: Option<IssuerId>,
    pub(crate) requirements: Requirements,
    pub(crate) mode: Mode,
    pub(crate) allows_encoded_slash: bool,
    pub(crate) allows_path_parameters: bool,
    pub(crate) no_store: bool,
    pub(crate) schemes: Schemes,
}

impl Route {
    /// The paths that it matches.
    #[must_use]
    pub const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The methods that it accepts.
    #[must_use]
    pub const fn methods(&self) -> &Methods {
        &self.methods
    }

    /// Whether it requires a token.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// Whether it admits the tokens of an issuer.
    #[must_use]
    pub fn admits_issuer(&self, issuer: IssuerId) -> bool {
        self.issuers.as_ref().is_none_or(|admitted| admitted.contains(&issuer))
    }

    /// The one issuer that introspects the tokens of its requests, if there is one.
    #[must_use]
    pub const fn introspecting(&self) -> Option<IssuerId> {
        self.introspecting
    }

    /// Whether the policy names the issuers that it admits.
    #[must_use]
    pub const fn names_issuers(&self) -> bool {
        self.issuers.is_some()
    }

    /// What it requires of a token's claims, beyond the rules of the token's issuer.
    #[must_use]
    pub const fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// The schemes with which clients can authenticate.
    pub(crate) const fn schemes(&self) -> Schemes {
        self.schemes
    }

    /// Whether refusals take effect.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether a segment of the path may contain an encoded slash. The origin must not read it as a
    /// separator of segments.
    #[must_use]
    pub const fn allows_encoded_slash(&self) -> bool {
        self.allows_encoded_slash
    }

    /// The value of its key `encoded_slash` in the policy.
    #[must_use]
    pub const fn encoded_slash(&self) -> &'static str {
        if self.allows_encoded_slash { "allow" } else { "refuse" }
    }

    /// The value of its key `path_parameters` in the policy.
    #[must_use]
    pub const fn path_parameters(&self) -> &'static str {
        if self.allows_path_parameters { "allow" } else { "refuse" }
    }

    /// The value of its key `cache` in the policy.
    #[must_use]
    pub const fn cache(&self) -> &'static str {
        if self.no_store { "no-store" } else { "origin" }
    }

    /// Whether its requests bypass the shared caches between the gate and the origin (`cache:
    /// "no-store"`). If not, these caches may store the origin's responses and answer with them, as
    /// the responses' own headers allow (RFC 9111 section 3).
    #[must_use]
    pub const fn no_store(&self) -> bool {
        self.no_store
    }
}

/// Whether a route needs a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// A token is required.
    #[default]
    Required,
    /// A request without a token passes as anonymous. An invalid token is still rejected.
    Optional,
    /// The gate does not look for a token.
    Public,
}

impl Access {
    /// The value's name in a policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Public => "public",
        }
    }
}

/// What a route requires of a token's claims.
#[derive(Clone, Debug, Default)]
pub struct Requirements {
    /// The token must have all of these scopes.
    pub scopes: Vec<String>,
    /// The token must have one of these scopes, if the list is not empty.
    pub any_scope: Vec<String>,
    /// The token must have all of these roles.
    pub roles: Vec<String>,
    /// The token must have one of these roles, if the list is not empty.
    pub any_role: Vec<String>,
    /// Rules for single claims. All of them must hold.
    pub claims: Vec<ClaimRule>,
    /// Authentication contexts (OpenID Connect Core section 2, `acr`), one of which the user must
    /// have signed in by, if there are any here.
    pub acr: Vec<String>,
    /// How long ago the user may have signed in at most, by `auth_time`.
    pub max_auth_age: Option<Seconds>,
}

impl Requirements {
    /// All scopes that it names.
    pub(crate) fn named_scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().chain(&self.any_scope).map(String::as_str)
    }

    /// All roles that it names.
    pub(crate) fn named_roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().chain(&self.any_role).map(String::as_str)
    }
}

impl Routes {
    /// Sorts routes, the most specific first.
    #[must_use]
    pub fn new(routes: Vec<Route>) -> Self {
        // Boxed, because inserting moves all that follow. The code of a sort is larger.
        let mut boxed: Vec<Box<Route>> = Vec::with_capacity(routes.len());
        for route in routes {
            let place = boxed.partition_point(|before| before.pattern <= route.pattern);
            boxed.insert(place, Box::new(route));
        }
        let sorted: Vec<Route> = boxed.into_iter().map(|route| *route).collect();
        Self { tree: Tree::of(&sorted), sorted }
    }

    /// The routes, most specific first.
    #[must_use]
    pub fn as_slice(&self) -> &[Route] {
        &self.sorted
    }

    /// The routes with this pattern.
    pub(crate) fn of_pattern(&self, pattern: &Pattern) -> &[Route] {
        let before = self.sorted.partition_point(|route| route.pattern < *pattern);
        let rest = self.sorted.get(before..).unwrap_or_default();
        let count = rest.partition_point(|route| route.pattern == *pattern);
        rest.get(..count).unwrap_or_default()
    }

    /// The routes with the most specific pattern that matches the path. Empty if none does.
    fn of_path(&self, path: &[Cow<'_, str>]) -> &[Route] {
        self.tree.find(path).and_then(|range| self.sorted.get(range)).unwrap_or_default()
    }

    /// Finds the route of a request.
    ///
    /// # Errors
    ///
    /// `ambiguous_path` for an encoded slash or a path parameter that the route does not allow, and
    /// for an encoded colon where a colon separates; `no_route` where no pattern matches the path,
    /// `method_not_allowed` where the pattern that does has no entry for the method.
    pub fn find(&self, path: &CanonicalPath<'_>, method: &str) -> Result<&Route, Refusal> {
        let found = self.find_any(path.segments(), method);
        let allows = |allows: fn(&Route) -> bool| found.as_ref().is_ok_and(|route| allows(route));
        if !allows(|route| route.allows_encoded_slash) {
            path.refuse_encoded_slash()?;
        }
        if allows(|route| route.pattern.has_suffix()) {
            path.refuse_encoded_colon()?;
        }
        if let Some(plain) = path.without_parameters() {
            // A server may drop the parameters and then reach another route.
            let other = self.find_any(&plain, method);
            let is_same =
                matches!((&found, &other), (Ok(one), Ok(two)) if std::ptr::eq(*one, *two));
            if !is_same || !allows(|route| route.allows_path_parameters) {
                path.refuse_parameters()?;
            }
        }
        found
    }

    /// The methods of each entry that matches the path.
    ///
    /// # Errors
    ///
    /// As [`Routes::find`], except for `method_not_allowed`.
    pub fn methods(&self, path: &CanonicalPath<'_>) -> Result<Vec<&Methods>, Refusal> {
        let entries = self.of_path(path.segments());
        if !entries.iter().any(|route| route.allows_encoded_slash) {
            path.refuse_encoded_slash()?;
        }
        if !entries.iter().any(|route| route.allows_path_parameters) {
            path.refuse_parameters()?;
        }
        if entries.is_empty() {
            return Err(no_route());
        }
        Ok(entries.iter().map(|route| &route.methods).collect())
    }

    fn find_any(&self, path: &[Cow<'_, str>], method: &str) -> Result<&Route, Refusal> {
        let entries = self.of_path(path);
        if entries.is_empty() {
            return Err(no_route());
        }
        if let Some(route) = entries.iter().find(|route| route.methods.take(method)) {
            return Ok(route);
        }
        // No method is listed twice, because the entries of one pattern do not overlap.
        let mut allowed: Vec<_> = entries.iter().flat_map(|route| route.methods.names()).collect();
        if allowed.is_empty() {
            allowed = USUAL_METHODS.map(str::to_owned).to_vec();
        }
        Err(Refusal::new(Code::MethodNotAllowed, "the route does not take the method")
            .allowing_methods(allowed))
    }
}

const fn no_route() -> Refusal {
    Refusal::new(Code::NoRoute, "no route matches the path")
}

/// The method that no route accepts: the origin would send the request back, and with it headers
/// that the client must not read (RFC 9110 section 9.3.8).
pub(crate) const TRACE: &str = "TRACE";

/// What a 405 lists if the route accepts every other method.
const USUAL_METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The methods that a route accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Every method but TRACE.
    All,
    /// These methods, compared exactly (RFC 9110 section 9.1). `GET` includes `HEAD`.
    These(Vec<String>),
}

impl Methods {
    /// Whether the method is one of them.
    #[must_use]
    pub fn take(&self, method: &str) -> bool {
        match self {
            Self::All => method != TRACE,
            Self::These(names) => {
                names.iter().any(|name| name == method || (name == "GET" && method == "HEAD"))
            }
        }
    }

    /// Whether the two sets have a method in common.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => true,
            (Self::These(names), other) => {
                names.iter().any(|name| other.take(name)) ||
                // HEAD on one side, GET on the other.
                matches!(other, Self::These(names) if names.iter().any(|name| self.take(name)))
            }
        }
    }

    /// The names of the methods, including the `HEAD` that `GET` implies. Empty for all methods.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::All => Vec::new(),
            Self::These(names) => {
                let named = |wanted: &str| names.iter().any(|name| name == wanted);
                let head = (named("GET") && !named("HEAD")).then(|| "HEAD".to_owned());
                names.iter().cloned().chain(head).collect()
            }
        }
    }
}

/// A path pattern: literal segments, `{name}` for one segment, `{name}:verb` for one with this end,
/// a final `*` for zero or more.
///
/// Patterns are equal if they match the same paths. The name in `{name}` makes no difference.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
    open_ended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    /// Any text before this one, which begins with the segment's only colon. Two of them match no
    /// segment in common.
    Suffixed(String),
    Any,
}

impl Pattern {
    /// Parses a pattern. Its literals are written decoded: `/café`, not `/caf%C3%A9`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a sentence for the operator; for instance a segment that no
    /// canonical path can have, so that the route could never match.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('/').ok_or("it does not start with a slash")?;
        let (inner, open_ended) = match inner.strip_suffix('*') {
            Some("") => ("", true),
            Some(before) => (
                before.strip_suffix('/').ok_or("* stands for whole segments: write /name/*")?,
                true,
            ),
            None => (inner.strip_suffix('/').unwrap_or(inner), false),
        };
        let segments = if inner.is_empty() && !text.starts_with("//") {
            Vec::new()
        } else {
            inner.split('/').map(Segment::parse).collect::<Result<_, _>>()?
        };
        Ok(Self { text: text.to_owned(), segments, open_ended })
    }

    /// The pattern as the policy writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The decoded segments of a path that it matches; as long as it takes to tell it from others.
    pub(crate) fn sample(&self) -> Vec<String> {
        let rest = self.open_ended.then(|| "rest".to_owned());
        self.shortest_sample().into_iter().chain(rest).collect()
    }

    /// The same without a segment for a final `*`.
    pub(crate) fn shortest_sample(&self) -> Vec<String> {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => literal.clone(),
            Segment::Suffixed(suffix) => format!("name{suffix}"),
            Segment::Any => "name".to_owned(),
        });
        segments.collect()
    }

    /// Whether a colon separates two parts of one of its segments.
    fn has_suffix(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Suffixed(_)))
    }

    pub(crate) fn matches(&self, path: &[Cow<'_, str>]) -> bool {
        let long_enough = if self.open_ended {
            path.len() >= self.segments.len()
        } else {
            path.len() == self.segments.len()
        };
        long_enough && self.segments.iter().zip(path).all(|(segment, part)| segment.matches(part))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        let mut mine = self.segments.iter();
        let mut theirs = other.segments.iter();
        loop {
            match (mine.next(), theirs.next()) {
                (Some(one), Some(two)) if one == two => {}
                (Some(one), Some(two)) => return one.cmp(two),
                // The longer pattern is at a segment where the shorter is at its end or its `*`.
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => return self.open_ended.cmp(&other.open_ended),
            }
        }
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some((name, suffix)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            && (suffix.is_empty() || suffix.starts_with(':'))
        {
            let is_word = |text: &str| {
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            return if !is_word(name) {
                Err(format!("{{{name}}} is not a name: use letters, digits and _"))
            } else if suffix.is_empty() {
                Ok(Self::Any)
            } else if suffix.strip_prefix(':').is_some_and(is_word) {
                Ok(Self::Suffixed(suffix.to_owned()))
            } else {
                Err(format!("{suffix} is not a verb: use a colon, and letters, digits and _"))
            };
        }
        if text.is_empty() {
            return Err("an empty segment, which no accepted path has".to_owned());
        }
        if text.contains(['*', '{', '}']) {
            return Err(format!(
                "{text}: *, {{ and }} stand for whole segments only, or for a segment before a \
                 colon: {{name}}:verb"
            ));
        }
        if text.contains('%') {
            return Err(format!(
                "{text}: write the characters themselves, without percent encoding"
            ));
        }
        let encoded = percent_encoded(text);
        let path = format!("/{encoded}");
        let canonical = CanonicalPath::parse(&path).is_ok();
        canonical
            .then(|| Self::Literal(text.to_owned()))
            .ok_or_else(|| format!("{text}: no accepted path has such a segment"))
    }

    fn matches(&self, part: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Suffixed(suffix) => {
                part.strip_suffix(suffix.as_str()).is_some_and(|name| !name.is_empty())
            }
            Self::Literal(literal) => literal == part,
        }
    }
}

/// Returns the one way in which a canonical path writes this segment.
#[must_use]
pub fn percent_encoded(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if path::is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
