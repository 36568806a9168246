//! `check`: finds all faults of the configuration and of its policy, and shows the routes as they
//! take effect.

use crate::config::bindings;
use crate::config::dev_vars::DevVars;
use crate::config::routes::{self, RouteDescription};
use crate::config::{
    self, ConfigFile, Environment, Finding, Selection, Severity, deployment, policy,
};
use crate::outcome::Outcome;
use crate::output;
use anyhow::Result;
use clap::Args;
use portcullis::policy::{Policy, Preset};
use serde_json::{Value, json};
use std::fmt::Display;
use std::path::{Path, PathBuf};

mod given;

pub use crate::config::bindings::MissingBindings;

/// Unlike the other commands, this one takes all environments by default.
const ENV_HELP: &str =
    "Check only this environment; \"\" is the top level [default: all environments]";

/// Compiles the policy of every environment with the gate's own compiler and the secrets in
/// .dev.vars.
#[derive(Args, Clone, Debug, Default)]
#[command(mut_arg("env", |env| env.help(ENV_HELP)))]
#[command(after_help = "\
Examples:
  portcullis check                      faults, warnings and routes of every environment
  portcullis check --env production     of one environment
  portcullis check --json | jq .ok      true or false, for scripts
  portcullis check --policy policy.json a policy in the Worker's code

Exit codes: 0 there is no fault, but there may be warnings; 1 there are faults; 2 the configuration
could not be read.")]
pub struct Options {
    /// The configuration and its environment.
    #[command(flatten)]
    pub selection: Selection,
    /// Check the policy in this JSON file, which the Worker's code gives to `createGate`, instead
    /// of those in the configuration; its bindings are those of the environment, by default of the
    /// top level
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print the findings and the routes as JSON
    #[arg(long)]
    json: bool,
}

/// The findings of one environment.
#[derive(Debug)]
pub struct Report {
    file: String,
    environment: Option<String>,
    /// What the routes are of, for display.
    title: String,
    findings: Vec<Finding>,
    presets: Vec<Preset>,
    policy: Option<Policy>,
}

impl Report {
    /// The routes, or `None` if the policy has faults.
    pub fn routes(&self) -> Option<Vec<RouteDescription<'_>>> {
        self.policy.as_ref().map(RouteDescription::all)
    }

    fn located(&self) -> impl Iterator<Item = impl Display> {
        let environment = self.environment.as_deref();
        self.findings.iter().map(move |finding| finding.located(&self.file, environment))
    }
}

/// Checks the configuration and prints the findings.
pub fn run(options: &Options) -> Outcome {
    let Selection { env, config } = &options.selection;
    let reports = match &options.policy {
        Some(file) => given::examine(file, &options.selection).map(|report| vec![report]),
        None => config::locate(config.as_deref())
            .and_then(|file| examine(&file, env.as_deref(), MissingBindings::FaultAtTopLevel)),
    };
    match reports {
        Ok(reports) => {
            if options.json {
                output::json(&to_json(&reports));
            } else {
                print(&reports);
            }
            let clean = worst(&reports).is_none_or(|severity| severity == Severity::Warning);
            Outcome::of(clean)
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// Checks every environment of a configuration, or only one.
///
/// # Errors
///
/// If a file cannot be read or has no such environment.
pub fn examine(file: &Path, only: Option<&str>, missing: MissingBindings) -> Result<Vec<Report>> {
    let config_file = ConfigFile::read(file)?;
    let mut reports = Vec::new();
    for environment in Environment::select(&config_file, only)? {
        let dev_vars = DevVars::read(&environment)?;
        reports.push(report(&environment, &dev_vars, missing));
    }
    Ok(reports)
}

fn report(environment: &Environment<'_>, dev_vars: &DevVars, missing: MissingBindings) -> Report {
    let mut policy = None;
    let mut presets = Vec::new();
    let mut findings;
    match policy::raw(environment) {
        Ok(raw) => {
            presets = Policy::presets(&raw);
            findings = deployment::check(environment, Some(&raw));
            // A script that only calls `authenticate` needs no origin.
            let missing_origin =
                Policy::missing_origin(&raw).filter(|_| deployment::is_own_script(environment));
            let compiler = match missing_origin {
                Some(_) => Policy::compile_to_authenticate,
                None => Policy::compile,
            };
            let compiled = bindings::compile_by(compiler, environment, &raw, dev_vars, missing);
            findings.extend(compiled.findings);
            findings.extend(missing_origin.map(|fault| {
                Finding {
                    severity: Severity::Warning,
                    line: policy::line(environment, ""),
                    path: bindings::policy_path(&fault.path),
                    problem: "without it, the gate can authenticate requests, but not forward them"
                        .to_owned(),
                    remedy: fault.remedy,
                }
            }));
            policy = compiled.policy;
        }
        Err(fault) => {
            findings = deployment::check(environment, None);
            findings.push(fault);
        }
    }
    findings.extend(check_candidate(environment, dev_vars));
    // Sorted by severity first, so that faults are not hidden among warnings.
    findings.sort_by_key(|finding| (finding.severity, finding.line));
    Report {
        file: environment.file().name.clone(),
        environment: environment.name().map(str::to_owned),
        title: environment.to_string(),
        findings,
        presets,
        policy,
    }
}

/// Checks the candidate policy, which runs in shadow mode. All its findings are warnings, because
/// it cannot refuse a request.
fn check_candidate(environment: &Environment<'_>, dev_vars: &DevVars) -> Vec<Finding> {
    let Some(variable) = environment.variable(policy::CANDIDATE) else { return Vec::new() };
    let raw = match policy::parse(variable.value) {
        Ok(raw) => raw,
        Err(problem) => {
            return vec![Finding {
                severity: Severity::Warning,
                line: variable.line,
                path: policy::CANDIDATE.to_owned(),
                problem: format!("{problem}, so the candidate policy is not used"),
                remedy: policy::REMEDY.to_owned(),
            }];
        }
    };
    let compiled = bindings::compile(environment, &raw, dev_vars, MissingBindings::Warn);
    let found = compiled.findings.into_iter().map(|finding| Finding {
        severity: Severity::Warning,
        line: variable.line,
        path: finding.path.replacen(policy::VARIABLE, policy::CANDIDATE, 1),
        ..finding
    });
    found.collect()
}

/// Returns the highest severity of all findings, or `None` if there are none.
pub fn worst(reports: &[Report]) -> Option<Severity> {
    reports.iter().flat_map(|report| &report.findings).map(|finding| finding.severity).min()
}

/// Prints the findings on standard error.
pub fn print_findings(reports: &[Report]) {
    for report in reports {
        for finding in report.located() {
            output::write(&format!("{finding:#}\n"));
        }
    }
}

fn print(reports: &[Report]) {
    for report in reports {
        for finding in report.located() {
            output::result(&format!("{finding:#}"));
        }
    }
    for report in reports {
        let title = &report.title;
        for preset in &report.presets {
            output::result(&expanded(title, preset));
        }
        match report.routes() {
            Some(routes) => output::result(&table(title, &routes)),
            None => output::result(&format!(
                "{title}: no routes; the gate refuses every request with 500 misconfigured"
            )),
        }
    }
    let count = |wanted: fn(Severity) -> bool| {
        let findings = reports.iter().flat_map(|report| &report.findings);
        findings.filter(|finding| wanted(finding.severity)).count()
    };
    let faults = count(|severity| severity != Severity::Warning);
    let warnings = count(|severity| severity == Severity::Warning);
    output::result(&format!("{}, {}", plural(faults, "fault"), plural(warnings, "warning")));
}

fn plural(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// The issuer that a preset expands to, in TOML.
fn expanded(title: &str, preset: &Preset) -> String {
    let mut text = format!("{title}: {} from the preset {}:\n", preset.path, preset.name);
    for (key, value) in preset.issuer.as_object().into_iter().flatten() {
        text.push_str(&format!("  {key} = {}\n", toml(value)));
    }
    text
}

/// Formats a value as TOML on one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        // The JSON form of these values is valid TOML.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// A table of the routes, in the order in which they are tried.
fn table(title: &str, routes: &[RouteDescription<'_>]) -> String {
    let header = ["route", "methods", "access", "issuers", "requires"].map(str::to_owned);
    let rows: Vec<[String; 5]> =
        std::iter::once(header).chain(routes.iter().map(routes::cells)).collect();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or(0)).collect();
    let mut table = format!("{title}:\n");
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        table.push_str(&format!("  {}\n", cells.join("  ").trim_end()));
    }
    table
}

fn to_json(reports: &[Report]) -> Value {
    let environments: Vec<Value> = reports
        .iter()
        .map(|report| {
            json!({
                "environment": report.environment,
                "findings": report.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
                "presets": report.presets.iter().map(|preset| json!({
                    "path": preset.path,
                    "preset": preset.name,
                    "issuer": preset.issuer,
                })).collect::<Vec<_>>(),
                "routes": report.routes().map(|routes| {
                    routes.iter().map(routes::to_json).collect::<Vec<_>>()
                }),
            })
        })
        .collect();
    json!({
        "ok": worst(reports).is_none_or(|severity| severity == Severity::Warning),
        "environments": environments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expanded_preset_is_the_issuers_table_in_toml() {
        let raw = json!({ "issuers": [
            { "name": "by hand" },
            { "preset": "cognito", "region": "eu-west-1", "pool": "eu-west-1_A", "client_id": "c" },
        ] });
        let presets = Policy::presets(&raw);
        let text = expanded("top level", &presets[0]);
        let (title, keys) = text.split_once('\n').unwrap();
        assert_eq!(title, "top level: issuers[1] from the preset cognito:");
        let config_file =
            ConfigFile::parse("wrangler.toml", &format!("[vars.POLICY]\n{keys}")).unwrap();
        let environments = Environment::select(&config_file, None).unwrap();
        assert_eq!(policy::raw(&environments[0]).unwrap(), presets[0].issuer);
    }

    /// `docs/presets.md` has an example for each preset.
    #[test]
    fn the_documented_presets_compile_without_findings() {
        const DOCUMENT: &str = include_str!("../../docs/presets.md");
        const AROUND: &str =
            "vars.POLICY.origin = 'echo'\nvars.POLICY.routes = [{ path = '/*' }]\n";
        let examples = DOCUMENT.split("```toml\n").skip(1);
        let mut dev_vars = DevVars::default();
        let secret = ("INTROSPECTION_SECRET".to_owned(), "a-client-secret".to_owned());
        dev_vars.values.extend([secret]);
        let mut presets = Vec::new();
        for example in examples.filter_map(|rest| rest.split("```").next()) {
            let text = format!("{AROUND}{example}");
            let config_file = ConfigFile::parse("wrangler.toml", &text).unwrap();
            let environments = Environment::select(&config_file, None).unwrap();
            let raw = policy::raw(&environments[0]).unwrap();
            let compiled =
                bindings::compile(&environments[0], &raw, &dev_vars, MissingBindings::Warn);
            assert!(compiled.findings.is_empty(), "{example}{:?}", compiled.findings);
            presets.extend(Policy::presets(&raw).into_iter().map(|preset| preset.name));
        }
        let all = ["auth0", "cloudflare-access", "cognito", "entra", "firebase"]
            .into_iter()
            .chain(["google", "keycloak", "okta", "supabase", "zitadel"]);
        // Some have a second example, with introspection.
        presets.dedup();
        assert_eq!(presets, all.collect::<Vec<_>>());
    }

    /// The Worker answers every request with 500 if it cannot parse the text.
    #[test]
    fn a_policy_in_a_string_is_parsed_as_strictly_as_by_the_worker() {
        let problem = |text: &str| {
            let toml = format!("vars.POLICY = '{text}'\n");
            let config_file = ConfigFile::parse("wrangler.toml", &toml).unwrap();
            let environments = Environment::select(&config_file, None).unwrap();
            policy::raw(&environments[0]).map_err(|finding| finding.problem)
        };
        let routes = r#""routes":[{"path":"/*","access":"public"}]"#;
        assert!(problem(&format!(r#"{{"origin":"echo",{routes}}}"#)).is_ok());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        let rows = [
            (r#"{"origin":"echo","origin":"zone"}"#, "a name twice"),
            (r#"{"origin":"echo","\u006frigin":"zone"}"#, "a name twice"),
            (&deep, "nested too deeply"),
            ("{ not JSON", "line 1"),
            (r#"{"origin":"echo"} x"#, "line 1"),
        ];
        for (text, words) in rows {
            let problem = problem(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn findings_of_the_candidate_policy_are_warnings() {
        const SETTINGS: &str = "main = 'build/index.js'\n\
            compatibility_date = '2026-10-01'\npreview_urls = false\n";
        const POLICY: &str = "vars.POLICY.origin = 'echo'\n\
            vars.POLICY.routes = [{ path = '/*', access = 'public' }]\n";
        let check = |candidate: &str, expected: &[&str]| {
            let text = format!("{SETTINGS}{POLICY}{candidate}");
            let config_file = ConfigFile::parse("wrangler.toml", &text).unwrap();
            let environments = Environment::select(&config_file, None).unwrap();
            let report =
                report(&environments[0], &DevVars::default(), MissingBindings::FaultAtTopLevel);
            let found: Vec<_> = report.findings.iter().map(|one| one.path.as_str()).collect();
            assert_eq!(found, expected, "{candidate}");
            assert!(report.findings.iter().all(|one| one.severity == Severity::Warning));
            assert_eq!(report.routes().map(|routes| routes.len()), Some(1));
        };
        check("", &[]);
        let candidate = POLICY.replace("POLICY", "POLICY_CANDIDATE");
        check(&candidate, &[]);
        check(
            &format!("{candidate}vars.POLICY_CANDIDATE.orgin = 1\n"),
            &["POLICY_CANDIDATE.orgin"],
        );
        check("vars.POLICY_CANDIDATE = '{ not JSON'\n", &["POLICY_CANDIDATE"]);
        check("vars.POLICY_CANDIDATE = '{\"a\":1,\"a\":1}'\n", &["POLICY_CANDIDATE"]);
        check(
            "vars.POLICY_CANDIDATE = '{}'\n",
            &["POLICY_CANDIDATE.origin", "POLICY_CANDIDATE.routes"],
        );
    }
}
