//! The routes of a compiled policy, in words.

use portcullis::issuer::Issuer;
use portcullis::policy::Policy;
use portcullis::report::Mode;
use portcullis::route::{Access, Requirements, Route, percent_encoded};
use portcullis::rules::ClaimRule;
use serde_json::{Value, json};

/// One route as it takes effect.
#[derive(Clone, Debug)]
pub struct RouteRow {
    /// The pattern as the policy writes it.
    pub pattern: String,
    /// The methods; none means all.
    pub methods: Vec<String>,
    /// `required`, `optional` or `public`.
    pub access: &'static str,
    /// The names of the issuers whose tokens count; none on a public route.
    pub issuers: Vec<String>,
    /// What else it takes to pass, one phrase each.
    pub requires: Vec<String>,
    /// Whether some refusals are only reported.
    pub reports: bool,
    /// `refuse` or `allow`.
    pub encoded_slash: &'static str,
    /// `no-store` or `origin`.
    pub cache: &'static str,
}

impl RouteRow {
    /// The routes of a policy in the order in which they are tried.
    pub fn all(policy: &Policy) -> Vec<Self> {
        policy.routes().iter().map(|route| Self::new(policy, route)).collect()
    }

    fn new(policy: &Policy, route: &Route) -> Self {
        let is_public = route.access() == Access::Public;
        let admitted: Vec<&Issuer> = policy
            .issuers()
            .iter()
            .filter(|issuer| !is_public && route.admits_issuer(issuer.id()))
            .collect();
        Self {
            pattern: route.pattern().to_string(),
            methods: route.methods().names(),
            access: route.access().as_str(),
            issuers: admitted.iter().map(|issuer| issuer.name().to_owned()).collect(),
            requires: requires(route.requirements()),
            reports: route.mode() == Mode::Report
                || admitted.iter().any(|issuer| issuer.mode() == Mode::Report),
            encoded_slash: route.encoded_slash(),
            cache: route.cache(),
        }
    }

    /// The settings that differ from the defaults, in the words of the policy.
    fn settings(&self) -> Vec<String> {
        let default_cache =
            if self.access == Access::Public.as_str() { "origin" } else { "no-store" };
        let report = self.reports.then(|| "report only".to_owned());
        let slash = (self.encoded_slash != "refuse").then(|| "encoded slashes".to_owned());
        let cache = (self.cache != default_cache).then(|| format!("cache {}", self.cache));
        report.into_iter().chain(slash).chain(cache).collect()
    }

    /// The row as cells of a table.
    pub fn cells(&self) -> [String; 5] {
        let list = |list: &[String], none: &str| {
            if list.is_empty() { none.to_owned() } else { list.join(", ") }
        };
        [
            self.pattern.clone(),
            list(&self.methods, "all"),
            [vec![self.access.to_owned()], self.settings()].concat().join(", "),
            list(&self.issuers, "-"),
            list(&self.requires, "-"),
        ]
    }

    /// The row for a machine.
    pub fn to_json(&self) -> Value {
        json!({
            "path": self.pattern,
            "methods": if self.methods.is_empty() { Value::Null } else { json!(self.methods) },
            "access": self.access,
            "mode": if self.reports { "report" } else { "enforce" },
            "issuers": self.issuers,
            "requires": self.requires,
            "encoded_slash": self.encoded_slash,
            "cache": self.cache,
        })
    }

    /// A path that the pattern matches, as it goes into a URL.
    pub fn sample(&self) -> String {
        let segments: Vec<String> = self
            .pattern
            .split('/')
            .map(|segment| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                Some(name) => name.to_owned(),
                None if segment == "*" => "hello".to_owned(),
                None => percent_encoded(segment),
            })
            .collect();
        segments.join("/")
    }
}

fn requires(requirements: &Requirements) -> Vec<String> {
    let mut phrases = Vec::new();
    phrases.extend(requirements.scopes.iter().map(|scope| format!("scope {scope}")));
    if !requirements.any_scope.is_empty() {
        phrases.push(format!("one scope of {}", requirements.any_scope.join(" ")));
    }
    phrases.extend(requirements.roles.iter().map(|role| format!("role {role}")));
    if !requirements.any_role.is_empty() {
        phrases.push(format!("one role of {}", requirements.any_role.join(" ")));
    }
    phrases.extend(requirements.claims.iter().map(ClaimRule::to_string));
    if !requirements.acr.is_empty() {
        phrases.push(format!("acr {}", requirements.acr.join(" or ")));
    }
    phrases
        .extend(requirements.max_auth_age.map(|age| format!("signed in within {} s", age.get())));
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &str) {
        let row = RouteRow {
            pattern: pattern.to_owned(),
            methods: Vec::new(),
            access: "public",
            issuers: Vec::new(),
            requires: Vec::new(),
            reports: false,
            encoded_slash: "refuse",
            cache: "origin",
        };
        assert_eq!(row.sample(), expected);
    }

    #[test]
    fn samples_match_their_patterns() {
        check("/", "/");
        check("/*", "/hello");
        check("/api/*", "/api/hello");
        check("/users/{id}/mail", "/users/id/mail");
        check("/café", "/caf%C3%A9");
    }
}
