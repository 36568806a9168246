//! `check`: everything that is wrong with the configuration and the policy in it, and the routes as they
//! take effect.

use crate::config::bindings;
use crate::config::dev_vars::DevVars;
use crate::config::routes::{self, RouteDescription};
use crate::config::{self, ConfigFile, Environment, Finding, Severity, deployment, policy};
use crate::output;
use anyhow::Result;
use clap::Args;
use portcullis::policy::{Policy, Preset};
use serde_json::{Value, json};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use crate::config::bindings::MissingBindings;

/// Compiles the policy of every environment with the gate's own compiler, with the secrets in .dev.vars.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis check                      every environment: faults, warnings, routes
  portcullis check --env production     one of them
  portcullis check --json | jq .ok      true or false, for a script

Exit codes: 0 the gate can run, perhaps with warnings; 1 there are faults; 2 the file could not be read.")]
pub struct Options {
    /// Only this environment; "" is the top level [default: all]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The configuration [default: looked for upwards]; its secrets are in the .dev.vars beside it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the findings and the routes as JSON
    #[arg(long)]
    json: bool,
}

/// What was found in one environment.
#[derive(Debug)]
pub struct Report {
    file: String,
    environment: Option<String>,
    findings: Vec<Finding>,
    presets: Vec<Preset>,
    routes: Option<Vec<RouteDescription>>,
}

impl Report {
    /// The routes, if the policy compiles.
    pub fn routes(&self) -> Option<&[RouteDescription]> {
        self.routes.as_deref()
    }

    fn located(&self) -> impl Iterator<Item = impl Display> {
        let environment = self.environment.as_deref();
        self.findings.iter().map(move |finding| finding.located(&self.file, environment))
    }
}

/// Reads, checks, prints.
pub fn run(options: &Options) -> ExitCode {
    let reports = config::locate(options.config.as_deref())
        .and_then(|file| examine(&file, options.env.as_deref(), MissingBindings::FaultAtTopLevel));
    match reports {
        Ok(reports) => {
            if options.json {
                output::json(&to_json(&reports));
            } else {
                print(&reports);
            }
            let clean = worst(&reports).is_none_or(|severity| severity == Severity::Warning);
            if clean { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// Checks every environment of a configuration, or one of them.
///
/// # Errors
///
/// Where a file cannot be read, or has no such environment.
pub fn examine(file: &Path, only: Option<&str>, missing: MissingBindings) -> Result<Vec<Report>> {
    let source = ConfigFile::read(file)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut reports = Vec::new();
    for environment in Environment::select(&source, only)? {
        let dev_vars = DevVars::read(folder, environment.name())?;
        reports.push(report(&environment, &dev_vars, missing));
    }
    Ok(reports)
}

fn report(environment: &Environment<'_>, dev_vars: &DevVars, missing: MissingBindings) -> Report {
    let mut routes = None;
    let mut presets = Vec::new();
    let mut findings;
    match policy::raw(environment) {
        Ok(raw) => {
            presets = Policy::presets(&raw);
            findings = deployment::check(environment, Some(&raw));
            let compiled = bindings::compile(environment, &raw, dev_vars, missing);
            findings.extend(compiled.findings);
            routes = compiled.policy.as_ref().map(RouteDescription::all);
        }
        Err(fault) => {
            findings = deployment::check(environment, None);
            findings.push(fault);
        }
    }
    findings.extend(check_candidate(environment, dev_vars));
    // By severity and not by line, so that what matters most is not lost among the rest.
    findings.sort_by_key(|finding| (finding.severity, finding.line));
    Report {
        file: environment.file().name.clone(),
        environment: environment.name().map(str::to_owned),
        findings,
        presets,
        routes,
    }
}

/// What is wrong with the policy that is tried out beside the enforced one. It stops nothing, so that
/// all of it is warned of.
fn check_candidate(environment: &Environment<'_>, dev_vars: &DevVars) -> Vec<Finding> {
    let Some(variable) = environment.variable(policy::CANDIDATE) else { return Vec::new() };
    let raw = match variable.value {
        Value::String(text) => serde_json::from_str(text).ok(),
        table => Some(table.clone()),
    };
    let Some(raw) = raw else {
        return vec![Finding {
            severity: Severity::Warning,
            line: variable.line,
            path: policy::CANDIDATE.to_owned(),
            problem: "this text is not JSON, so that no candidate is judged by".to_owned(),
            remedy: "write the policy as a table, or as one JSON object in a string".to_owned(),
        }];
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

/// The worst that was found anywhere.
pub fn worst(reports: &[Report]) -> Option<Severity> {
    reports.iter().flat_map(|report| &report.findings).map(|finding| finding.severity).min()
}

/// Prints on standard error what was found, and nothing if that is nothing.
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
        let title = report
            .environment
            .as_ref()
            .map_or_else(|| "top level".to_owned(), |name| format!("env.{name}"));
        for preset in &report.presets {
            output::result(&expanded(&title, preset));
        }
        match &report.routes {
            Some(routes) => output::result(&table(&title, routes)),
            None => output::result(&format!(
                "{title}: no routes, every request is refused with 500 misconfigured"
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

/// An issuer that a preset stands for, as it could be written in its place.
fn expanded(title: &str, preset: &Preset) -> String {
    let mut text = format!("{title}: {} by the preset {}:\n", preset.path, preset.name);
    for (key, value) in preset.issuer.as_object().into_iter().flatten() {
        text.push_str(&format!("  {key} = {}\n", toml(value)));
    }
    text
}

/// A value as it stands in a TOML document on one line.
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
        // What JSON writes of these is TOML too.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// The routes in the order in which they are tried.
fn table(title: &str, routes: &[RouteDescription]) -> String {
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
                "routes": report.routes.as_ref().map(|routes| {
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
    fn what_a_preset_writes_out_could_stand_in_its_place() {
        let raw = json!({ "issuers": [
            { "name": "by hand" },
            { "preset": "cognito", "region": "eu-west-1", "pool": "eu-west-1_A", "client_id": "c" },
        ] });
        let presets = Policy::presets(&raw);
        let text = expanded("top level", &presets[0]);
        let (title, keys) = text.split_once('\n').unwrap();
        assert_eq!(title, "top level: issuers[1] by the preset cognito:");
        let source = ConfigFile::parse("wrangler.toml", &format!("[vars.POLICY]\n{keys}")).unwrap();
        let environments = Environment::select(&source, None).unwrap();
        assert_eq!(policy::raw(&environments[0]).unwrap(), presets[0].issuer);
    }

    /// The document's examples are policies without a fault or a warning, one for each preset.
    #[test]
    fn the_examples_of_presets() {
        const DOCUMENT: &str = include_str!("../../docs/presets.md");
        const AROUND: &str =
            "vars.POLICY.origin = 'echo'\nvars.POLICY.routes = [{ path = '/*' }]\n";
        let examples = DOCUMENT.split("```toml\n").skip(1);
        let mut presets = Vec::new();
        for example in examples.filter_map(|rest| rest.split("```").next()) {
            let text = format!("{AROUND}{example}");
            let source = ConfigFile::parse("wrangler.toml", &text).unwrap();
            let environments = Environment::select(&source, None).unwrap();
            let raw = policy::raw(&environments[0]).unwrap();
            let compiled = bindings::compile(
                &environments[0],
                &raw,
                &DevVars::default(),
                MissingBindings::Warn,
            );
            assert!(compiled.findings.is_empty(), "{example}{:?}", compiled.findings);
            presets.extend(Policy::presets(&raw).into_iter().map(|preset| preset.name));
        }
        let all = ["auth0", "cloudflare-access", "cognito", "entra", "firebase"]
            .into_iter()
            .chain(["google", "keycloak", "okta", "supabase"]);
        assert_eq!(presets, all.collect::<Vec<_>>());
    }

    #[test]
    fn a_candidate_is_warned_of_and_stops_nothing() {
        const POLICY: &str = "vars.POLICY.origin = 'echo'\nvars.POLICY.routes = [{ path = '/*', access = 'public' }]\n";
        let check = |candidate: &str, expected: &[&str]| {
            let source =
                ConfigFile::parse("wrangler.toml", &format!("{POLICY}{candidate}")).unwrap();
            let environments = Environment::select(&source, None).unwrap();
            let report =
                report(&environments[0], &DevVars::default(), MissingBindings::FaultAtTopLevel);
            let found: Vec<_> = report.findings.iter().map(|one| one.path.as_str()).collect();
            assert_eq!(found, expected, "{candidate}");
            assert!(report.findings.iter().all(|one| one.severity == Severity::Warning));
            assert_eq!(report.routes.map(|routes| routes.len()), Some(1));
        };
        check("", &[]);
        let candidate = POLICY.replace("POLICY", "POLICY_CANDIDATE");
        check(&candidate, &[]);
        check(
            &format!("{candidate}vars.POLICY_CANDIDATE.orgin = 1\n"),
            &["POLICY_CANDIDATE.orgin"],
        );
        check("vars.POLICY_CANDIDATE = '{ not JSON'\n", &["POLICY_CANDIDATE"]);
        check(
            "vars.POLICY_CANDIDATE = '{}'\n",
            &["POLICY_CANDIDATE.origin", "POLICY_CANDIDATE.routes"],
        );
    }
}
