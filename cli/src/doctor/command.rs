//! Runs the examination with the options of the command line, and prints its report.

use super::Options;
use super::examination::{TokenCheck, examine};
use super::identity;
use super::report::{IssuerReport, Report};
use super::verdict::TokenRequest;
use crate::config::bindings::{self, MissingBindings};
use crate::config::dev_vars::DevVars;
use crate::config::routes::{RouteDescription, sample_path};
use crate::config::{ConfigFile, Environment, Finding, Severity, policy};
use crate::outcome::Outcome;
use crate::{clock, output, system, token_input};
use anyhow::{Context as _, Result};
use portcullis::issuer_id::IssuerId;
use portcullis::policy::Policy;
use portcullis_console::functions;
use serde_json::{Value, json};
use std::path::Path;

/// Paths are below this URL.
const BASE: &str = "https://gate.invalid";

/// Examines the issuers and the token, prints the findings, and returns the exit code.
pub(super) fn run(options: &Options) -> Outcome {
    let examined = options.selection.read().and_then(|config_file| {
        let (findings, report) = examine_checkout(options, &config_file)?;
        Ok((config_file.name, findings, report))
    });
    match examined {
        Ok((file, findings, report)) => {
            let is_ok = report.as_ref().is_some_and(Report::is_ok)
                && findings.iter().all(|finding| finding.severity == Severity::Warning);
            if options.json {
                output::json(&to_json(options, is_ok, &findings, report.as_ref()));
            } else {
                print(options, &file, &findings, report.as_ref());
            }
            Outcome::of(is_ok)
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// Returns the findings, the most severe first, and the report, or `None` if the policy has faults.
pub(super) fn examine_checkout(
    options: &Options,
    config_file: &ConfigFile,
) -> Result<(Vec<Finding>, Option<Report>)> {
    let environment = &options.selection.environment(config_file)?;
    let token = token_input::read(options.token.as_deref(), options.token_file.as_deref())?;
    let proof = options.proof.as_deref().map(read_proof).transpose()?;
    let raw = match policy::raw(environment) {
        Ok(raw) => raw,
        Err(finding) => return Ok((vec![finding], None)),
    };
    let dev_vars = DevVars::read(environment)?;
    let compiled = bindings::compile(environment, &raw, &dev_vars, MissingBindings::Warn);
    let mut findings = compiled.findings;
    let without_client = without_client(environment, &raw, &dev_vars);
    let report = compiled.policy.map(|policy| {
        let requests = match &proof {
            Some(proof) => vec![proof.clone()],
            None => requests(options, &policy),
        };
        let placeholder_issuers = compiled.placeholder_issuers.as_slice();
        let check = token.as_ref().map(|token| TokenCheck {
            token,
            requests: &requests,
            placeholder_issuers,
        });
        let mut report = examine(&policy, check.as_ref(), &without_client, clock::unix_now());
        for id in placeholder_issuers {
            if let Some(issuer) = report.issuers.get_mut(id.index()) {
                // The keys that were examined are placeholders.
                issuer.keys.clear();
                issuer.has_placeholder_keys = true;
            }
        }
        let signed = policy.forwarding().headers.identity.as_ref();
        report.identity =
            signed.map(|signed| identity::examine(signed, compiled.has_placeholder_identity));
        report
    });
    findings.extend(report.iter().flat_map(Report::findings).map(|finding| Finding {
        severity: finding.severity,
        line: policy::line(environment, &finding.path),
        path: bindings::policy_path(&finding.path),
        problem: finding.problem.clone(),
        remedy: finding.remedy.clone(),
    }));
    findings.sort_by_key(|finding| (finding.severity, finding.line));
    Ok((findings, report))
}

/// The issuers for which the client's secret or key is not on this machine.
fn without_client(environment: &Environment<'_>, raw: &Value, dev_vars: &DevVars) -> Vec<IssuerId> {
    let references = Policy::binding_references(raw).into_iter();
    let missing = references
        .filter(|reference| bindings::local(environment, dev_vars, &reference.binding).is_none());
    missing
        .filter_map(|reference| {
            let (index, rest) = reference.pointer.strip_prefix("/issuers/")?.split_once('/')?;
            let is_client = rest.starts_with("introspection/");
            is_client.then(|| index.parse().ok().map(IssuerId::new)).flatten()
        })
        .collect()
}

/// Returns the request that a proof says it is for, with the proof.
fn read_proof(file: &Path) -> Result<TokenRequest> {
    let text = system::read_text(file)
        .with_context(|| format!("the proof in {} cannot be read", file.display()))?;
    let text = text.trim();
    let proof = text.strip_prefix("DPoP:").map_or(text, str::trim).to_owned();
    let inspected = functions::inspect(&format!("DPoP: {proof}"));
    let claim = |name: &str| {
        let claim = inspected.pointer(&format!("/proof/claims/{name}")).and_then(Value::as_str);
        claim.map(str::to_owned).with_context(|| {
            format!("{} contains no DPoP proof with the claim {name}", file.display())
        })
    };
    let (method, url) = (claim("htm")?, claim("htu")?);
    Ok(TokenRequest { shown: format!("{method} {url}"), method, url, proof: Some(proof) })
}

/// Returns the request that the options describe, or else one request for each route that admits
/// tokens.
fn requests(options: &Options, policy: &Policy) -> Vec<TokenRequest> {
    if let Some(path) = &options.path {
        let method = options.method.clone();
        return vec![TokenRequest {
            shown: format!("{method} {path}"),
            method,
            url: format!("{BASE}{path}"),
            proof: None,
        }];
    }
    let rows = RouteDescription::all(policy).into_iter().filter(|row| row.access != "public");
    rows.map(|row| {
        let method = row.methods.first().map_or("GET", String::as_str).to_owned();
        let shown = match row.methods.as_slice() {
            [] => row.pattern.to_owned(),
            methods => format!("{} {}", methods.join("|"), row.pattern),
        };
        TokenRequest { shown, method, url: format!("{BASE}{}", sample_path(&row)), proof: None }
    })
    .collect()
}

fn print(options: &Options, file: &str, findings: &[Finding], report: Option<&Report>) {
    for finding in findings {
        output::result(&format!("{:#}", finding.located(file, environment(options))));
    }
    let Some(report) = report else {
        output::result("nothing was fetched, because the policy has faults");
        return;
    };
    for issuer in report.issuers.iter().chain(&report.identity) {
        if issuer.only_introspects {
            output::result(&format!("{}: no keys, because it only introspects", issuer.name));
        } else {
            output::result(&format!("{}: keys from {}", issuer.name, issuer.source));
        }
        for line in issuer.facts.iter().chain(&issuer.keys) {
            output::result(&format!("  {line}"));
        }
        if issuer.has_placeholder_keys {
            output::result("  these keys are not on this machine");
        } else if issuer.keys.is_empty() && !issuer.only_introspects {
            output::result("  no usable key");
        }
    }
    if let Some(token) = &report.token {
        token.lines().iter().for_each(|line| output::result(line));
    }
}

fn to_json(options: &Options, is_ok: bool, findings: &[Finding], report: Option<&Report>) -> Value {
    json!({
        "ok": is_ok,
        "environment": environment(options),
        "findings": findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        "issuers": report.map(|report| {
            report.issuers.iter().map(IssuerReport::to_json).collect::<Vec<_>>()
        }),
        "identity": report.and_then(|report| Some(report.identity.as_ref()?.to_json())),
        "token": report.and_then(|report| Some(report.token.as_ref()?.to_json())),
    })
}

/// The environment's name, or `None` for the top level.
fn environment(options: &Options) -> Option<&str> {
    options.selection.env.as_deref().filter(|name| !name.is_empty())
}
