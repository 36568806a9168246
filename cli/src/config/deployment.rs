//! Finds settings outside the policy that would bypass or break the gate.

use super::environment::Setting;
use super::file::dotted;
use super::policy;
use super::{Environment, Finding, Severity};
use portcullis::policy::{BindingReference, Policy, Purpose};
use serde_json::Value;

/// The largest size of a variable on Cloudflare, in bytes.
const LARGEST_VARIABLE: usize = 5 * 1024;

/// Returns the findings of an environment, except for those of the policy itself.
pub(crate) fn check(environment: &Environment<'_>, raw_policy: Option<&Value>) -> Vec<Finding> {
    let mut findings = Vec::new();
    bypasses(environment, &mut findings);
    variables(environment, &mut findings);
    console(environment, &mut findings);
    if let Some(raw_policy) = raw_policy {
        let references = Policy::binding_references(raw_policy);
        secrets(environment, &references, &mut findings);
        match raw_policy.get("origin").and_then(Value::as_str) {
            Some("zone") => origin_zone(environment, &mut findings),
            Some("echo") => origin_echo(environment, &mut findings),
            _ => {}
        }
    }
    findings
}

/// Finds caches and static files that would respond without running the Worker.
fn bypasses(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let on = Value::Bool(true);
    let mut cached = |cache: Option<&Value>, line, path: String| {
        if cache.and_then(|cache| cache.get("enabled")) == Some(&on) {
            findings.push(Finding {
                severity: Severity::Undeployable,
                line,
                path,
                problem: "Cloudflare would respond from this cache without running the gate"
                    .to_owned(),
                remedy: "write `enabled = false`, or remove the table".to_owned(),
            });
        }
    };
    if let Some(cache) = environment.inherited("cache") {
        let line = environment.file().line(&format!("{}/enabled", cache.pointer));
        cached(Some(cache.value), line, "cache.enabled".to_owned());
    }
    if let Some(previews) = environment.inherited("previews") {
        let line = environment.file().line(&format!("{}/cache/enabled", previews.pointer));
        cached(previews.value.get("cache"), line, "previews.cache.enabled".to_owned());
    }
    if let Some(exports) = environment.inherited("exports") {
        for (name, export) in exports.value.as_object().into_iter().flatten() {
            let path = format!("exports.{name}.cache.enabled");
            cached(export.get("cache"), exports.line, path);
        }
    }
    if let Some(assets) = environment.inherited("assets")
        && assets.value.get("run_worker_first") != Some(&on)
    {
        findings.push(Finding {
            severity: Severity::Undeployable,
            line: assets.line,
            path: "assets.run_worker_first".to_owned(),
            problem: "Cloudflare would serve these files without running the gate".to_owned(),
            remedy:
                "write `run_worker_first = true`; a list of paths leaves other paths unprotected"
                    .to_owned(),
        });
    }
}

fn variables(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    for date in environment.dates() {
        findings.push(Finding {
            severity: Severity::Fault,
            line: environment.variable_line(date),
            path: dotted(date),
            problem: "this is a TOML date, which makes wrangler crash".to_owned(),
            remedy: "put the date in quotes".to_owned(),
        });
    }
    let variables = environment.own("vars");
    let variables = variables.and_then(|variables| variables.value.as_object());
    for (name, value) in variables.into_iter().flatten() {
        let length = match value {
            Value::String(text) => text.len(),
            other => other.to_string().len(),
        };
        if length > LARGEST_VARIABLE {
            let remedy = if name == policy::VARIABLE {
                "move key sets to separate bindings (`jwks = \"BINDING\"`), or shorten the policy"
            } else {
                "shorten the value, or split it into several variables"
            };
            findings.push(Finding {
                severity: Severity::Fault,
                line: environment.variable_line(&format!("/{}", super::file::escape(name))),
                path: name.clone(),
                problem: format!(
                    "the value has {length} bytes as JSON, and Cloudflare allows {LARGEST_VARIABLE}"
                ),
                remedy: remedy.to_owned(),
            });
        }
    }
}

/// Finds a console that would be deployed. It shows the policy, and `CONSOLE_MINT` lets it mint
/// tokens.
fn console(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let mut check = |name: &str, severity, problem: &str| {
        if let Some(variable) = environment.variable(name)
            && variable.value == "on"
        {
            findings.push(Finding {
                severity,
                line: variable.line,
                path: format!("vars.{name}"),
                problem: problem.to_owned(),
                remedy: "remove it here, and set it in .dev.vars for local use".to_owned(),
            });
        }
    };
    check(
        "CONSOLE",
        Severity::Warning,
        "the deployed gate would show its policy and public keys to everybody at /_portcullis/",
    );
    check(
        "CONSOLE_MINT",
        Severity::Fault,
        "the deployed gate would sign tokens with the issuers' secrets for everybody",
    );
}

fn secrets(
    environment: &Environment<'_>,
    references: &[BindingReference],
    findings: &mut Vec<Finding>,
) {
    for BindingReference { binding, .. } in
        references.iter().filter(|reference| reference.purpose == Purpose::Secret)
    {
        if let Some(variable) = environment.variable(binding) {
            let environment_flag =
                environment.name().map_or_else(String::new, |name| format!(" --env {name}"));
            findings.push(Finding {
                severity: Severity::Fault,
                line: variable.line,
                path: format!("vars.{binding}"),
                problem: "everybody who can read this file can read this secret".to_owned(),
                remedy: format!(
                    "generate a new secret, and set it with `npx wrangler secret put \
                     {binding}{environment_flag}`; for local use, put it in .dev.vars"
                ),
            });
        }
    }
    let Some(required) = environment.own("secrets").filter(|s| s.value.get("required").is_some())
    else {
        return;
    };
    let listed = required.value.get("required").and_then(Value::as_array);
    let listed: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    for BindingReference { binding, .. } in references {
        let elsewhere = environment.variable(binding).is_some()
            || environment.declares("secrets_store_secrets", binding);
        if !elsewhere && !listed.contains(&binding.as_str()) {
            findings.push(Finding {
                severity: Severity::Fault,
                line: required.line,
                path: "secrets.required".to_owned(),
                problem: format!(
                    "the policy needs {binding}, but `wrangler dev` reads only the listed names \
                     from .dev.vars"
                ),
                remedy: format!("add \"{binding}\" to the list, or remove `secrets`"),
            });
        }
    }
}

/// Finds settings that would make the gate call itself if its origin is the zone. A request to the
/// zone reaches the origin only if the Worker runs on a route.
fn origin_zone(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let mut fault = |line, path: &str, problem: &str, remedy: &str| {
        findings.push(Finding {
            severity: Severity::Fault,
            line,
            path: path.to_owned(),
            problem: format!("origin = \"zone\": {problem}"),
            remedy: remedy.to_owned(),
        });
    };
    let routes = routes(environment);
    if routes.is_empty() {
        fault(
            policy::line(environment, "origin"),
            "POLICY.origin",
            "the gate must run on a route in front of the origin, and there are no `routes`",
            "write routes = [{ pattern = \"api.example.com/*\", zone_name = \"example.com\" }]",
        );
    }
    for route in &routes {
        if let Some((problem, remedy)) = uncovered(route, &routes) {
            fault(route.line, "routes", &problem, &remedy);
        }
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
    if !own.ends_with('*') {
        let problem = format!("requests with a query string do not match \"{own}\"");
        return Some((problem, format!("write \"{own}*\"")));
    }
    let (scheme, rest) = own.split_once("://")?;
    let other = if scheme == "https" { "http" } else { "https" };
    let mut patterns = routes.iter().filter_map(pattern);
    if patterns.any(|pattern| pattern == rest || pattern == format!("{other}://{rest}")) {
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

fn routes<'a>(environment: &Environment<'a>) -> Vec<Setting<'a>> {
    let mut routes = Vec::new();
    routes.extend(environment.inherited("route"));
    if let Some(list) = environment.inherited("routes")
        && let Some(entries) = list.value.as_array()
    {
        routes.extend(entries.iter().enumerate().map(|(index, value)| {
            let pointer = format!("{}/{index}", list.pointer);
            Setting { value, line: environment.file().line(&pointer), pointer }
        }));
    }
    routes
}

fn origin_echo(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    if matches!(environment.name(), None | Some("dev" | "development")) {
        return;
    }
    findings.push(Finding {
        severity: Severity::Warning,
        line: policy::line(environment, "origin"),
        path: "POLICY.origin".to_owned(),
        problem:
            "with \"echo\", the gate sends no request to an API; it responds with the request \
                  that it would have sent"
                .to_owned(),
        remedy: "write the origin's URL, for example origin = \"https://api.example.com\""
            .to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::super::ConfigFile;
    use super::*;

    /// Checks the findings of a wrangler.toml, as `environment: path`. Undeployable findings end
    /// with an exclamation mark, and warnings with a question mark.
    fn check_toml(text: &str, expected: &[&str]) {
        let config_file = ConfigFile::parse("wrangler.toml", text).unwrap();
        let mut found = Vec::new();
        for environment in Environment::select(&config_file, None).unwrap() {
            let raw = policy::raw(&environment).ok();
            for finding in check(&environment, raw.as_ref()) {
                let mark = match finding.severity {
                    Severity::Undeployable => "!",
                    Severity::Fault => "",
                    Severity::Warning => "?",
                };
                found.push(format!("{environment}: {}{mark}", finding.path));
            }
        }
        assert_eq!(found, expected, "in:\n{text}");
    }

    #[test]
    fn a_cache_in_front_of_the_gate_is_undeployable() {
        check_toml("[cache]\nenabled = false\n", &[]);
        check_toml(
            "[cache]\nenabled = true\n[env.a]\n[env.b.cache]\nenabled = false\n",
            &["top level: cache.enabled!", "env.a: cache.enabled!"],
        );
        check_toml(
            "[env.production]\ncache = { enabled = true }\n",
            &["env.production: cache.enabled!"],
        );
        check_toml(
            "[exports.default.cache]\nenabled = true\n",
            &["top level: exports.default.cache.enabled!"],
        );
        check_toml("[previews.cache]\nenabled = true\n", &["top level: previews.cache.enabled!"]);
    }

    #[test]
    fn static_files_in_front_of_the_gate_are_undeployable() {
        check_toml("[assets]\ndirectory = \"www\"\nrun_worker_first = true\n", &[]);
        for setting in ["", "run_worker_first = false", "run_worker_first = [\"/api/*\"]"] {
            let text = format!("[assets]\ndirectory = \"www\"\n{setting}\n");
            check_toml(&text, &["top level: assets.run_worker_first!"]);
        }
        check_toml(
            "[assets]\nrun_worker_first = true\n[env.a.assets]\ndirectory = \"x\"\n",
            &["env.a: assets.run_worker_first!"],
        );
    }

    #[test]
    fn a_deployed_console_is_reported() {
        let expected = &["top level: vars.CONSOLE?", "top level: vars.CONSOLE_MINT"];
        check_toml("[vars]\nCONSOLE = \"on\"\nCONSOLE_MINT = \"on\"\n", expected);
        check_toml("[vars]\nCONSOLE = \"off\"\nCONSOLE_MINT = \"off\"\n", &[]);
        let environment = "[env.production.vars]\nCONSOLE_MINT = \"on\"\n";
        check_toml(environment, &["env.production: vars.CONSOLE_MINT"]);
    }

    #[test]
    fn secrets_in_variables_are_faults() {
        let policy = "[vars.POLICY]\nissuers = [{ keys = { secret = [\"NEW\", \"OLD\"] } }, \
            { keys = { pem = \"PEM\" } }]\n";
        check_toml(&format!("[vars]\nPEM = \"x\"\n{policy}"), &[]);
        check_toml(&format!("[vars]\nOLD = \"x\"\n{policy}"), &["top level: vars.OLD"]);
        check_toml(
            "[vars.POLICY.forward.proof]\nsecret = \"HOP\"\n[vars]\nHOP = \"x\"\n",
            &["top level: vars.HOP"],
        );
        // Environments do not share variables.
        check_toml(&format!("[env.a.vars]\nOLD = \"x\"\n{policy}"), &[]);
    }

    #[test]
    fn an_incomplete_list_of_secrets_is_a_fault() {
        let policy = "[vars.POLICY]\nissuers = [{ keys = { secret = \"A\" } }, \
            { keys = { jwks = \"B\" } }]\n";
        check_toml(&format!("[secrets]\nrequired = [\"A\", \"B\", \"C\"]\n{policy}"), &[]);
        check_toml(
            &format!("secrets = {{ required = [\"A\"] }}\n{policy}"),
            &["top level: secrets.required"],
        );
        check_toml(
            &format!(
                "secrets = {{ required = [\"A\"] }}\nvars.B = \"x\"\n{}",
                policy.replace("[vars.POLICY]\n", "vars.POLICY.")
            ),
            &[],
        );
    }

    #[test]
    fn variables_over_the_size_limit_are_faults() {
        let text = |length: usize| format!("[vars]\nA = \"{}\"\n", "x".repeat(length));
        check_toml(&text(5120), &[]);
        check_toml(&text(5121), &["top level: A"]);
        let realm = "x".repeat(5200);
        check_toml(&format!("[env.a.vars.POLICY]\nrealm = \"{realm}\"\n"), &["env.a: POLICY"]);
    }

    #[test]
    fn toml_dates_are_faults() {
        check_toml(
            "compatibility_date = 2026-01-01\n[vars.POLICY]\nissuers = [{ since = 2026-01-01 }]\n",
            &["top level: POLICY.issuers[0].since"],
        );
        check_toml("[env.a.vars]\nB = 10:00:00\n", &["env.a: B"]);
    }

    #[test]
    fn settings_that_make_the_gate_call_itself_are_faults() {
        let zone = "vars.POLICY.origin = \"zone\"\n";
        let closed = "workers_dev = false\npreview_urls = false\n";
        let route = "routes = [{ pattern = \"a.example.com/*\", zone_name = \"example.com\" }]\n";
        check_toml(&format!("{zone}{closed}{route}"), &[]);
        check_toml(&format!("{zone}{closed}route = \"a.example.com/*\"\n"), &[]);
        check_toml(
            zone,
            &["top level: POLICY.origin", "top level: workers_dev", "top level: preview_urls"],
        );
        check_toml(&format!("{zone}{closed}routes = []\n"), &["top level: POLICY.origin"]);
        for (patterns, findings) in [
            ("'https://a.example.com/*'", 1),
            ("'http://a.example.com/*'", 1),
            ("'https://a.example.com/*', 'http://a.example.com/*'", 0),
            ("'https://a.example.com/*', 'a.example.com/*'", 0),
            ("'https://a.example.com/*', 'http://b.example.com/*'", 2),
            ("'a.example.com/api'", 1),
            ("'a.example.com/'", 1),
            ("{ pattern = 'a.example.com/api', zone_name = 'example.com' }", 1),
            ("'*a.example.com/api*'", 0),
        ] {
            let expected = vec!["top level: routes"; findings];
            check_toml(&format!("{zone}{closed}routes = [{patterns}]\n"), &expected);
        }
        check_toml(
            &format!(
                "{zone}{closed}routes = [{{ pattern = \"a.example.com\", custom_domain = true }}]\n"
            ),
            &["top level: routes"],
        );
        check_toml(
            &format!(
                "{zone}{closed}{route}compatibility_flags = [\"global_fetch_strictly_public\"]\n"
            ),
            &["top level: compatibility_flags"],
        );
        // Environments inherit these settings, but not the variables.
        check_toml(&format!("{closed}{route}[env.a]\n{zone}"), &[]);
        check_toml(
            &format!("{closed}{route}[env.a]\nworkers_dev = true\n{zone}"),
            &["env.a: workers_dev"],
        );
    }

    #[test]
    fn echo_as_the_origin_is_a_warning_in_production() {
        check_toml("vars.POLICY.origin = \"echo\"\n", &[]);
        check_toml("[env.dev]\nvars.POLICY.origin = \"echo\"\n", &[]);
        check_toml(
            "[env.production]\nvars.POLICY.origin = \"echo\"\n",
            &["env.production: POLICY.origin?"],
        );
    }

    #[test]
    fn a_policy_in_json_text_is_checked() {
        check_toml(
            "[vars]\nA = \"x\"\nPOLICY = '''{\"issuers\": [{\"keys\": {\"secret\": \"A\"}}]}'''\n",
            &["top level: vars.A"],
        );
    }
}
