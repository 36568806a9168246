//! The routes of a compiled policy, in words.

use crate::claims::Condition;
use crate::policy::Policy;
use crate::report::Mode;
use crate::route::{Access, Requirements, Route};
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
    /// Whether some of what is refused is only reported.
    pub reports: bool,
}

impl RouteRow {
    /// The routes of a policy in the order in which they are tried.
    pub fn all(policy: &Policy) -> Vec<Self> {
        policy.routes().iter().map(|route| Self::new(policy, route)).collect()
    }

    fn new(policy: &Policy, route: &Route) -> Self {
        let counts = |index| route.issuers.as_ref().is_none_or(|named| named.contains(&index));
        let issuers = policy.issuers().iter().enumerate();
        let issuers = issuers.filter(|(index, _)| counts(*index) && route.access != Access::Public);
        Self {
            pattern: route.pattern.to_string(),
            methods: route.methods.names(),
            access: route.access.as_str(),
            issuers: issuers.map(|(_, issuer)| issuer.name().to_owned()).collect(),
            requires: requires(&route.requirements),
            reports: policy.issuers().iter().enumerate().any(|(index, issuer)| {
                issuer.mode() == Mode::Report && route.access != Access::Public && counts(index)
            }) || route.mode == Mode::Report,
        }
    }

    /// The row as cells of a table.
    pub fn cells(&self) -> [String; 5] {
        let list = |list: &[String], none: &str| {
            if list.is_empty() { none.to_owned() } else { list.join(", ") }
        };
        [
            self.pattern.clone(),
            list(&self.methods, "all"),
            if self.reports {
                format!("{}, report only", self.access)
            } else {
                self.access.to_owned()
            },
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
    phrases.extend(requirements.claims.iter().map(|rule| match &rule.condition {
        Condition::Equals(value) => format!("{} = {value}", rule.path),
        Condition::OneOf(values) => {
            let values: Vec<_> = values.iter().map(Value::to_string).collect();
            format!("{} = {}", rule.path, values.join(" or "))
        }
        Condition::Contains(value) => format!("{} contains {value}", rule.path),
    }));
    if !requirements.acr.is_empty() {
        phrases.push(format!("acr {}", requirements.acr.join(" or ")));
    }
    phrases
        .extend(requirements.max_auth_age.map(|age| format!("signed in within {} s", age.get())));
    phrases
}

fn percent_encoded(segment: &str) -> String {
    let mut encoded = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
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
