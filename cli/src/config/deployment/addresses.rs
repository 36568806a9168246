//! Finds routes that let requests pass by the gate, and further addresses at which the gate, or an
//! old version of it, would answer.

use super::super::environment::Setting;
use super::super::policy;
use super::super::{Environment, Finding, Severity};
use serde_json::Value;

/// Checks the routes, the workers.dev address and the preview URLs.
pub(super) fn check(
    environment: &Environment<'_>,
    origin_is_zone: bool,
    findings: &mut Vec<Finding>,
) {
    let routes = routes(environment);
    if origin_is_zone {
        origin_zone(environment, &routes, findings);
    } else {
        subdomain(environment, &routes, findings);
    }
    previews(environment, findings);
    for route in &routes {
        if let Some((problem, remedy)) = uncovered(route, &routes) {
            let (severity, prefix) = if origin_is_zone {
                (Severity::Fault, "origin = \"zone\": ")
            } else {
                (Severity::Warning, "")
            };
            findings.push(Finding {
                severity,
                line: route.line,
                path: "routes".to_owned(),
                problem: format!("{prefix}{problem}, so they reach the zone without the gate"),
                remedy,
            });
        }
        if route.value.get("previews_enabled") == Some(&Value::Bool(true)) {
            findings.push(Finding {
                severity: Severity::Warning,
                line: route.line,
                path: "routes".to_owned(),
                problem: format!("previews_enabled = true: {OLD_VERSIONS}"),
                remedy: "write `previews_enabled = false`".to_owned(),
            });
        }
    }
}

/// What is wrong with preview URLs.
const OLD_VERSIONS: &str =
    "every uploaded version stays public at a preview URL, with the policy that it had then";

/// Finds addresses besides the routes. wrangler 4 sets up a workers.dev address unless there are
/// routes, and leaves preview URLs that are not configured to Cloudflare.
fn subdomain(environment: &Environment<'_>, routes: &[Setting<'_>], findings: &mut Vec<Finding>) {
    let mut warn = |key: &str, problem: &str| {
        let setting = environment.inherited(key);
        let value = setting.as_ref().map(|setting| setting.value);
        if value == Some(&Value::Bool(false)) {
            return;
        }
        let unsaid = if value.is_none() { "unless this is `false`, " } else { "" };
        findings.push(Finding {
            severity: Severity::Warning,
            line: setting.map_or(environment.line(), |setting| setting.line),
            path: key.to_owned(),
            problem: format!("{unsaid}{problem}"),
            remedy: format!("write `{key} = false`"),
        });
    };
    if !routes.is_empty() {
        warn(
            "workers_dev",
            "the gate may also answer at a workers.dev address, where the zone's firewall, rate \
             limits and Access do not apply",
        );
    }
    warn("preview_urls", OLD_VERSIONS);
}

/// Finds a policy for `wrangler preview`, which deploys to a public URL.
fn previews(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let Some(previews) = environment.inherited("previews") else { return };
    let pointer = format!("/vars/{}", policy::VARIABLE);
    if previews.value.pointer(&pointer).is_some() {
        findings.push(Finding {
            severity: Severity::Warning,
            line: environment.file().line(&format!("{}{pointer}", previews.pointer)),
            path: "previews.vars".to_owned(),
            problem: "previews are public, and their policy was not checked".to_owned(),
            remedy: "remove it, and use an environment instead of previews".to_owned(),
        });
    }
}

/// Finds settings that would make the gate call itself if its origin is the zone. A request to the
/// zone reaches the origin only if the Worker runs on a route.
fn origin_zone(environment: &Environment<'_>, routes: &[Setting<'_>], findings: &mut Vec<Finding>) {
    let mut fault = |line, path: &str, problem: &str, remedy: &str| {
        findings.push(Finding {
            severity: Severity::Fault,
            line,
            path: path.to_owned(),
            problem: format!("origin = \"zone\": {problem}"),
            remedy: remedy.to_owned(),
        });
    };
    if routes.is_empty() {
        fault(
            policy::line(environment, "origin"),
            "POLICY.origin",
            "the gate must run on a route in front of the origin, and there are no `routes`",
            "write routes = [{ pattern = \"api.example.com/*\", zone_name = \"example.com\" }]",
        );
    }
    for route in routes {
        if is_custom_domain(route) {
            fault(
                route.line,
                "routes",
                "a custom domain has no origin, so the gate would call itself",
                "use a route ({ pattern, zone_name }), or set origin to the origin's URL",
            );
        }
    }
    for key in ["workers_dev", "preview_urls"] {
        let setting = environment.inherited(key);
        if setting.as_ref().map(|setting| setting.value) != Some(&Value::Bool(false)) {
            fault(
                setting.map_or(environment.line(), |setting| setting.line),
                key,
                "a workers.dev address has no zone, so the gate would call itself",
                &format!("write `{key} = false`"),
            );
        }
    }
    if let Some(flags) = environment.inherited("compatibility_flags")
        && let Some(flags_list) = flags.value.as_array()
        && flags_list.iter().any(|flag| flag == "global_fetch_strictly_public")
    {
        fault(
            flags.line,
            "compatibility_flags",
            "with global_fetch_strictly_public, the gate would call itself",
            "remove the flag, or set origin to the origin's URL",
        );
    }
}

/// Returns which requests to the zone a route lets pass by the gate, and what to write instead
/// (<https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior>).
fn uncovered(route: &Setting<'_>, routes: &[Setting<'_>]) -> Option<(String, String)> {
    let own = pattern(route)?;
    let others = || routes.iter().filter_map(pattern).filter(|other| *other != own);
    if others().any(|other| other.strip_suffix('*').is_some_and(|start| own.starts_with(start))) {
        // The other pattern matches all of these requests, and is checked by itself.
        return None;
    }
    if !own.ends_with('*') {
        let problem = format!("requests with a query string do not match \"{own}\"");
        return Some((problem, format!("write \"{own}*\"")));
    }
    let (scheme, rest) = own.split_once("://")?;
    let other = if scheme == "https" { "http" } else { "https" };
    let counterpart = format!("{other}://{rest}");
    if others().any(|pattern| pattern == rest || pattern == counterpart) {
        return None;
    }
    let problem = format!("requests over {other} do not match \"{own}\"");
    Some((problem, format!("write \"{rest}\", which matches both schemes")))
}

/// The pattern of a route, which is a text or a table. A custom domain has none.
fn pattern<'a>(route: &Setting<'a>) -> Option<&'a str> {
    if is_custom_domain(route) {
        return None;
    }
    route.value.as_str().or_else(|| route.value.get("pattern")?.as_str())
}

fn is_custom_domain(route: &Setting<'_>) -> bool {
    route.value.get("custom_domain") == Some(&Value::Bool(true))
}

/// The routes that wrangler deploys: `route` only counts if there are no `routes`.
fn routes<'a>(environment: &Environment<'a>) -> Vec<Setting<'a>> {
    let Some(list) = environment.inherited("routes") else {
        let route = environment.inherited("route").filter(|route| route.value != "");
        return route.into_iter().collect();
    };
    let entries = list.value.as_array().into_iter().flatten().enumerate();
    entries
        .map(|(index, value)| {
            let pointer = format!("{}/{index}", list.pointer);
            Setting { value, line: environment.file().line(&pointer), pointer }
        })
        .collect()
}
