//! Compiles an environment's policy with the bindings that are available on this machine.

use super::build;
use super::dev_vars::DevVars;
use super::file::pointer;
use super::policy;
use super::{Environment, Finding, Severity};
use anyhow::{Result, anyhow, bail};
use portcullis::alg::Algorithm;
use portcullis::issuer_id::IssuerId;
use portcullis::policy::{BindingReference, Bindings, Compilation, Fault, Policy, Purpose};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

mod placeholder;

/// How to report a binding that the policy names and that is not available on this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MissingBindings {
    /// As a fault, because the gate is going to run on this machine.
    Fault,
    /// As a fault at the top level, which runs on this machine. As a warning in named environments,
    /// which run on Cloudflare and may have the binding there.
    FaultAtTopLevel,
    /// As a warning, because nothing is going to run on this machine.
    Warn,
}

/// A compiled policy, with its findings.
#[derive(Debug)]
pub struct Compiled {
    /// The policy's faults and warnings.
    pub findings: Vec<Finding>,
    /// The policy, or `None` if it has faults.
    pub policy: Option<Policy>,
    /// The issuers whose keys are placeholders, because their bindings are not on this machine.
    pub placeholder_issuers: Vec<IssuerId>,
    /// Whether a key of the signed identity is a placeholder.
    pub has_placeholder_identity: bool,
}

/// Compiles the policy with the gate's own compiler. Uses placeholders for missing bindings.
pub fn compile(
    environment: &Environment<'_>,
    raw_policy: &Value,
    dev_vars: &DevVars,
    missing: MissingBindings,
) -> Compiled {
    compile_by(Policy::compile, environment, raw_policy, dev_vars, missing)
}

/// Compiles the policy with one of the gate's own compilers, [`Policy::compile`] or
/// [`Policy::compile_to_authenticate`]. Uses placeholders for missing bindings.
pub(crate) fn compile_by(
    compiler: fn(&Value, &dyn Bindings) -> Compilation,
    environment: &Environment<'_>,
    raw_policy: &Value,
    dev_vars: &DevVars,
    missing: MissingBindings,
) -> Compiled {
    let references = Policy::binding_references(raw_policy);
    let placeholders = RefCell::default();
    let local = Local { environment, dev_vars, raw_policy, references: &references, placeholders };
    let Compilation { outcome, warnings } = compiler(raw_policy, &local);

    // Faults of a placeholder are not faults of the policy.
    let placeholders = local.placeholders.into_inner();
    let is_about_placeholder = |fault: &Fault| {
        let at = pointer(&fault.path);
        references.iter().any(|reference| {
            reference.purpose == Purpose::PublicKey
                && placeholders.contains(&reference.binding)
                && at.starts_with(&reference.pointer)
        })
    };
    let mut findings: Vec<Finding> = references
        .iter()
        .filter(|reference| placeholders.contains(&reference.binding))
        .map(|reference| missing_binding(environment, dev_vars, reference, missing))
        .collect();
    let (faults, policy) = match outcome {
        Ok(policy) => (Vec::new(), Some(policy)),
        Err(faults) => (faults, None),
    };
    let found = |severity| {
        move |fault: Fault| Finding {
            severity,
            line: policy::line(environment, &fault.path),
            path: policy_path(&fault.path),
            problem: fault.problem,
            remedy: fault.remedy,
        }
    };
    findings.extend(
        faults.into_iter().filter(|f| !is_about_placeholder(f)).map(found(Severity::Fault)),
    );
    findings.extend(
        warnings.into_iter().filter(|f| !is_about_placeholder(f)).map(found(Severity::Warning)),
    );
    let warnings = policy.as_ref().map(Policy::route_warnings).unwrap_or_default();
    findings.extend(warnings.into_iter().map(found(Severity::Warning)));
    let lacking = missing_algorithms(environment, raw_policy);
    let policy = policy.filter(|_| lacking.is_empty());
    findings.extend(lacking);
    let missing = || references.iter().filter(|one| placeholders.contains(&one.binding));
    let placeholder_issuers = missing().filter_map(|reference| reference.issuer).collect();
    let has_placeholder_identity = missing().any(|one| one.purpose == Purpose::PrivateKey);
    Compiled { findings, policy, placeholder_issuers, has_placeholder_identity }
}

/// Returns the policy as it is written, and compiled. Uses placeholders for missing bindings.
///
/// # Errors
///
/// If there is no policy, or if it has faults. The message lists them.
pub(crate) fn compiled(
    environment: &Environment<'_>,
    dev_vars: &DevVars,
) -> Result<(Value, Policy)> {
    let located = |finding: &Finding| {
        finding.located(&environment.file().name, environment.name()).to_string()
    };
    let raw = policy::raw(environment).map_err(|finding| anyhow!(located(&finding)))?;
    let compiled = compile(environment, &raw, dev_vars, MissingBindings::Warn);
    let faults = compiled.findings.iter().filter(|one| one.severity != Severity::Warning);
    match compiled.policy {
        Some(policy) => Ok((raw, policy)),
        None => {
            bail!("the policy has faults:\n{}", faults.map(located).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Returns the value of a binding on this machine. Secrets for local use override variables.
pub(crate) fn local(
    environment: &Environment<'_>,
    dev_vars: &DevVars,
    binding: &str,
) -> Option<Value> {
    let secret = dev_vars.values.get(binding).map(|secret| Value::String(secret.clone()));
    secret.or_else(|| environment.variable(binding).map(|variable| variable.value.clone()))
}

/// Finds algorithms that the policy lists and that the deployed build does not have. The build of
/// this program has all algorithms, so its compiler does not find them.
fn missing_algorithms(environment: &Environment<'_>, raw_policy: &Value) -> Vec<Finding> {
    let built = build::Options::of(environment);
    let issuers = raw_policy.get("issuers").and_then(Value::as_array);
    let mut findings = Vec::new();
    for (issuer, raw) in issuers.into_iter().flatten().enumerate() {
        for (index, name) in listed_algorithms(raw).into_iter().enumerate() {
            let Some(feature) = Algorithm::feature(name).filter(|feature| !built.has(feature))
            else {
                continue;
            };
            let path = format!("issuers[{issuer}].algorithms[{index}]");
            findings.push(Finding {
                severity: Severity::Fault,
                line: policy::line(environment, &path),
                path: policy_path(&path),
                problem: format!("the deployed build does not have the algorithm {name}"),
                remedy: format!(
                    "add --features {feature} to the build command: [build] command = \"cargo \
                     xtask build --features {feature}\""
                ),
            });
        }
    }
    findings
}

/// Converts a path in the policy to a path in `vars`.
pub fn policy_path(path: &str) -> String {
    if path.is_empty() {
        policy::VARIABLE.to_owned()
    } else {
        format!("{}.{path}", policy::VARIABLE)
    }
}

fn missing_binding(
    environment: &Environment<'_>,
    dev_vars: &DevVars,
    reference: &BindingReference,
    missing: MissingBindings,
) -> Finding {
    let binding = &reference.binding;
    let needed = match missing {
        MissingBindings::Fault => true,
        MissingBindings::FaultAtTopLevel => environment.name().is_none(),
        MissingBindings::Warn => false,
    };
    let (severity, problem, remedy) = if needed {
        let file = dev_vars.file.as_deref().unwrap_or(".dev.vars");
        let remedy = match dev_vars.file {
            Some(_) => format!("add the line {binding}=... to {file}"),
            None => format!("create {file} with the line {binding}=..."),
        };
        (Severity::Fault, format!("there is no {binding} in {file}"), remedy)
    } else {
        let flag = environment.name().map_or_else(String::new, |name| format!(" --env {name}"));
        let remedy =
            format!("set it with `npx wrangler secret put {binding}{flag}` if it is not set");
        (Severity::Warning, format!("{binding} is not on this machine and was not checked"), remedy)
    };
    let path = super::file::dotted(&reference.pointer);
    Finding {
        severity,
        line: policy::line(environment, &path),
        path: policy_path(&path),
        problem,
        remedy,
    }
}

/// The bindings of an environment on this machine, with placeholders for the missing ones, so that
/// the rest of the policy can be checked.
struct Local<'a> {
    environment: &'a Environment<'a>,
    dev_vars: &'a DevVars,
    raw_policy: &'a Value,
    references: &'a [BindingReference],
    placeholders: RefCell<BTreeSet<String>>,
}

impl Local<'_> {
    /// The algorithms of a reference's issuer.
    fn algorithms(&self, reference: &BindingReference) -> Vec<Algorithm> {
        let raw = reference.issuer.and_then(|id| self.raw_policy.get("issuers")?.get(id.index()));
        let listed = raw.map(listed_algorithms).unwrap_or_default();
        listed.into_iter().filter_map(Algorithm::from_name).collect()
    }
}

/// The algorithms of an issuer's table, which are a list or a single name.
fn listed_algorithms(issuer: &Value) -> Vec<&str> {
    let listed = match issuer.get("algorithms") {
        Some(Value::Array(names)) => names.as_slice(),
        Some(name) => std::slice::from_ref(name),
        None => &[],
    };
    listed.iter().map(|name| name.as_str().unwrap_or_default()).collect()
}

impl Bindings for Local<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        if let Some(value) = local(self.environment, self.dev_vars, name) {
            return Some(value);
        }
        let reference = self.references.iter().find(|reference| reference.binding == name)?;
        self.placeholders.borrow_mut().insert(name.to_owned());
        Some(Value::String(placeholder::for_reference(reference, &self.algorithms(reference))))
    }

    fn is_service(&self, name: &str) -> bool {
        self.environment.declares("services", name)
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        self.environment.declares("kv_namespaces", name)
    }

    fn is_rate_limiter(&self, name: &str) -> bool {
        self.environment.declares("ratelimits", name)
    }

    fn is_durable_object(&self, name: &str) -> bool {
        self.environment.durable_object(name).is_some()
    }

    fn is_analytics_dataset(&self, name: &str) -> bool {
        self.environment.declares("analytics_engine_datasets", name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ConfigFile;
    use super::super::routes::{RouteDescription, cells};
    use super::*;

    const POLICY: &str = "
        [[vars.POLICY.issuers]]
        name = 'a'
        issuer = 'https://a.example/'
        audience = 'api'
        algorithms = ['HS512']
        keys = { secret = ['NEW', 'OLD'] }
        [[vars.POLICY.issuers]]
        name = 'b'
        issuer = 'https://b.example/'
        audience = 'api'
        algorithms = ['RS256']
        keys = { pem = 'PEM' }
        [[vars.POLICY.issuers]]
        name = 'c'
        issuer = 'https://c.example/'
        audience = 'api'
        algorithms = ['RS256']
        keys = { jwks = 'JWKS' }
        [[vars.POLICY.routes]]
        path = '/*'
        issuers = ['a', 'b']
        scopes = ['read']
        [[vars.POLICY.routes]]
        path = '/public/{name}'
        access = 'public'
    ";

    fn check(
        text: &str,
        secrets: &[(&str, &str)],
        missing: MissingBindings,
        expected: &[&str],
    ) -> bool {
        let config_file = ConfigFile::parse("wrangler.toml", text).unwrap();
        let environments = Environment::select(&config_file, None).unwrap();
        let environment = environments.last().unwrap();
        let values = secrets.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let dev_vars = DevVars { file: Some(".dev.vars".to_owned()), values };
        let raw = policy::raw(environment).unwrap();
        let compiled = compile(environment, &raw, &dev_vars, missing);
        let found: Vec<String> = compiled
            .findings
            .iter()
            .map(|finding| {
                let mark = if finding.severity == Severity::Warning { "?" } else { "" };
                format!("{}{mark}", finding.path)
            })
            .collect();
        assert_eq!(found, expected);
        compiled.policy.is_some()
    }

    #[test]
    fn algorithms_that_the_deployed_build_lacks_are_faults() {
        let issuer = |name: &str, algorithm: &str| {
            format!(
                "[[vars.POLICY.issuers]]
                name = '{name}'
                issuer = 'https://{name}.example/'
                audience = 'api'
                algorithms = ['{algorithm}']
                keys = {{ pem = 'PEM_{name}' }}\n"
            )
        };
        let policy = format!(
            "vars.POLICY.origin = 'echo'
            vars.POLICY.routes = [{{ path = '/*' }}]
            {}{}",
            issuer("a", "ES512"),
            issuer("b", "ML-DSA-44"),
        );
        let with = |command: &str| format!("build.command = '{command}'\n{policy}");
        let missing = |index| format!("POLICY.issuers[{index}].algorithms[0]");
        let warned = ["POLICY.issuers[0].keys.pem?", "POLICY.issuers[1].keys.pem?"];
        let found = |command: &str, expected: &[&str], routes: bool| {
            let expected: Vec<&str> = warned.iter().chain(expected).copied().collect();
            assert_eq!(
                check(&with(command), &[], MissingBindings::Warn, &expected),
                routes,
                "{command}"
            );
        };
        found("cargo xtask build", &[&missing(0)], false);
        found("cargo xtask build --without mldsa", &[&missing(0), &missing(1)], false);
        found("cargo xtask build --without mldsa --features es512", &[&missing(1)], false);
        found("cargo xtask build --features es512", &[], true);
    }

    #[test]
    fn missing_bindings_are_reported_and_hide_no_other_faults() {
        let top = format!("vars.POLICY.origin = 'echo'\n{POLICY}");
        let secret = "0123456789abcdef".repeat(4);
        let all = [
            "POLICY.issuers[0].keys.secret[0]",
            "POLICY.issuers[0].keys.secret[1]",
            "POLICY.issuers[1].keys.pem",
            "POLICY.issuers[2].keys.jwks",
        ];
        assert!(check(&top, &[], MissingBindings::FaultAtTopLevel, &all));
        assert!(check(
            &top,
            &[],
            MissingBindings::Warn,
            &all.map(|path| format!("{path}?")).each_ref().map(String::as_str)
        ));
        assert!(check(
            &top,
            &[("NEW", &secret), ("OLD", &secret)],
            MissingBindings::Fault,
            &all[2..]
        ));
        // Values that are available are checked.
        let short = [("NEW", "short"), ("OLD", secret.as_str())];
        let found = [
            "POLICY.issuers[1].keys.pem",
            "POLICY.issuers[2].keys.jwks",
            "POLICY.issuers[0].keys.secret",
        ];
        assert!(!check(&top, &short, MissingBindings::Fault, &found));

        let production = format!("vars.POLICY.origin = 'echo'\n{POLICY}")
            .replace("vars.POLICY", "env.production.vars.POLICY");
        let warned = all.map(|path| format!("{path}?"));
        let warned = warned.each_ref().map(String::as_str);
        assert!(check(&production, &[], MissingBindings::FaultAtTopLevel, &warned));
        assert!(check(&production, &[], MissingBindings::Fault, &all));
    }

    #[test]
    fn routes_are_listed_in_the_order_in_which_they_are_tried() {
        let text = format!("vars.POLICY.origin = 'echo'\n{POLICY}");
        let config_file = ConfigFile::parse("wrangler.toml", &text).unwrap();
        let environments = Environment::select(&config_file, None).unwrap();
        let raw = policy::raw(&environments[0]).unwrap();
        let compiled = compile(&environments[0], &raw, &DevVars::default(), MissingBindings::Warn);
        let policy = compiled.policy.unwrap();
        let routes = RouteDescription::all(&policy);
        let rows: Vec<[String; 5]> = routes.iter().map(cells).collect();
        assert_eq!(rows[0], ["/public/{name}", "all", "public", "-", "-"]);
        assert_eq!(rows[1], ["/*", "all", "required", "a, b", "scope read"]);
    }
}
