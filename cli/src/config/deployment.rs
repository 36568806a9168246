//! Finds settings outside the policy that would bypass or break the gate.

use super::file::dotted;
use super::policy;
use super::{Environment, Finding, Severity};
use portcullis::policy::{BindingReference, Policy, Purpose, REPLAY_CLASS};
use serde_json::Value;

mod addresses;
mod script;
#[cfg(test)]
mod tests;

pub(crate) use script::is_own as is_own_script;

/// The largest size of a variable on Cloudflare, in bytes.
const LARGEST_VARIABLE: usize = 5 * 1024;

/// Returns the findings of an environment, except for those of the policy itself.
pub(crate) fn check(environment: &Environment<'_>, raw_policy: Option<&Value>) -> Vec<Finding> {
    let mut findings = Vec::new();
    script::check(environment, &mut findings);
    bypasses(environment, &mut findings);
    variables(environment, &mut findings);
    console(environment, &mut findings);
    let origin = raw_policy.and_then(|raw| raw.get("origin")?.as_str());
    addresses::check(environment, origin == Some("zone"), &mut findings);
    if let Some(raw_policy) = raw_policy {
        let references = Policy::binding_references(raw_policy);
        secrets(environment, &references, &mut findings);
        replay(environment, raw_policy, &mut findings);
        if origin == Some("echo") {
            origin_echo(environment, &mut findings);
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
        references.iter().filter(|reference| reference.purpose != Purpose::PublicKey)
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

/// Finds a class of Durable Objects for proofs that no migration creates. The compiler reports a
/// missing binding.
fn replay(environment: &Environment<'_>, raw_policy: &Value, findings: &mut Vec<Finding>) {
    let named = raw_policy.pointer("/dpop/replay/durable_object").and_then(Value::as_str);
    let Some(binding) = named.and_then(|name| environment.durable_object(name)) else { return };
    // Another Worker creates its own classes.
    if binding.value.get("script_name").is_some() {
        return;
    }
    let text = |name: &str| binding.value.get(name).and_then(Value::as_str).unwrap_or_default();
    let class = text("class_name");
    let mut fault = |line, path: &str, problem: String, remedy: String| {
        let (severity, path) = (Severity::Fault, path.to_owned());
        findings.push(Finding { severity, line, path, problem, remedy });
    };
    if class != REPLAY_CLASS && !is_own_script(environment) {
        let problem = format!("the Worker exports no class \"{class}\"");
        let remedy = format!("write class_name = \"{REPLAY_CLASS}\"");
        return fault(binding.line, "durable_objects.bindings", problem, remedy);
    }
    let migrations = environment.inherited("migrations");
    let steps = migrations.as_ref().and_then(|migrations| migrations.value.as_array());
    let mut lists = steps.into_iter().flatten().filter_map(|step| step.get("new_sqlite_classes"));
    let is_class = |name: &Value| name.as_str() == Some(class);
    if !lists.any(|list| list.as_array().is_some_and(|list| list.iter().any(is_class))) {
        let line = migrations.map_or(binding.line, |migrations| migrations.line);
        let problem = format!("no migration creates the class {class} with SQLite storage");
        let remedy = format!(
            "add [[migrations]] with a tag of its own, such as tag = \"v1\", and \
             new_sqlite_classes = [\"{class}\"]"
        );
        fault(line, "migrations", problem, remedy);
    }
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
