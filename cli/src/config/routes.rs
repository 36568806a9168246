//! The routes of a policy, in text and as JSON.

pub use portcullis_console::route::RouteDescription;

use portcullis::report::Mode;
use portcullis::route::percent_encoded;
use portcullis::rules::ClaimRule;
use serde_json::{Value, json};

/// The route as the cells of a table: pattern, methods, access, issuers, requirements.
pub(crate) fn cells(route: &RouteDescription<'_>) -> [String; 5] {
    let or = |list: String, none: &str| if list.is_empty() { none.to_owned() } else { list };
    [
        route.pattern.to_owned(),
        or(route.methods.join(", "), "all"),
        [vec![route.access.to_owned()], settings(route)].concat().join(", "),
        or(route.issuers.join(", "), "-"),
        or(requires(route).join(", "), "-"),
    ]
}

/// The settings that differ from their defaults, in the words of the policy.
fn settings(route: &RouteDescription<'_>) -> Vec<String> {
    let default_cache = if route.access == "public" { "origin" } else { "no-store" };
    let report = (mode(route) == Mode::Report).then(|| "report only".to_owned());
    let slash = (route.encoded_slash != "refuse").then(|| "encoded slashes".to_owned());
    let parameters = (route.path_parameters != "refuse").then(|| "path parameters".to_owned());
    let cache = (route.cache != default_cache).then(|| format!("cache {}", route.cache));
    report.into_iter().chain(slash).chain(parameters).chain(cache).collect()
}

/// The route as JSON.
pub(crate) fn to_json(route: &RouteDescription<'_>) -> Value {
    json!({
        "path": route.pattern,
        "methods": if route.methods.is_empty() { Value::Null } else { json!(route.methods) },
        "access": route.access,
        "mode": mode(route).as_str(),
        "issuers": route.issuers,
        "requires": requires(route),
        "encoded_slash": route.encoded_slash,
        "path_parameters": route.path_parameters,
        "cache": route.cache,
    })
}

/// Report mode if the route or one of its issuers is in it, because some refusals are then only
/// logged.
fn mode(route: &RouteDescription<'_>) -> Mode {
    if route.has_reported_issuer { Mode::Report } else { route.mode }
}

/// What the route requires of a token's claims, one phrase for each requirement.
pub fn requires(route: &RouteDescription<'_>) -> Vec<String> {
    let requirements = route.requirements;
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

/// Returns a path that the route's pattern matches, encoded for a URL.
pub fn sample_path(route: &RouteDescription<'_>) -> String {
    sample(route.pattern)
}

fn sample(pattern: &str) -> String {
    let segments: Vec<String> = pattern
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => name.to_owned(),
            None if segment == "*" => "hello".to_owned(),
            None => percent_encoded(segment),
        })
        .collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::dev_vars::DevVars;
    use crate::config::{ConfigFile, Environment, bindings, policy};

    #[test]
    fn settings_that_differ_from_their_defaults_are_listed() {
        let text = "
            [vars.POLICY]
            origin = 'echo'
            routes = [
                { path = '/a', access = 'public' },
                { path = '/b', access = 'public', encoded_slash = 'allow', cache = 'no-store' },
            ]
        ";
        let config_file = ConfigFile::parse("wrangler.toml", text).unwrap();
        let environments = Environment::select(&config_file, None).unwrap();
        let raw = policy::raw(&environments[0]).unwrap();
        let missing = bindings::MissingBindings::Fault;
        let compiled = bindings::compile(&environments[0], &raw, &DevVars::default(), missing);
        let policy = compiled.policy.unwrap();
        let routes = RouteDescription::all(&policy);
        assert_eq!(cells(&routes[0])[2], "public");
        assert_eq!(cells(&routes[1])[2], "public, encoded slashes, cache no-store");
        assert_eq!(to_json(&routes[1])["encoded_slash"], "allow");
        assert_eq!(to_json(&routes[1])["cache"], "no-store");
    }

    #[test]
    fn sample_paths_match_their_patterns() {
        for (pattern, expected) in [
            ("/", "/"),
            ("/*", "/hello"),
            ("/api/*", "/api/hello"),
            ("/users/{id}/mail", "/users/id/mail"),
            ("/café", "/caf%C3%A9"),
        ] {
            assert_eq!(sample(pattern), expected);
        }
    }
}
