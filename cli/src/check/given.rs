//! Checking a policy that a Worker's code gives to `createGate`.

use super::Report;
use crate::config::bindings::{self, MissingBindings};
use crate::config::dev_vars::DevVars;
use crate::config::file::pointer;
use crate::config::{ConfigFile, Finding, Selection, Severity, above, policy};
use crate::system;
use anyhow::{Context as _, Result, bail};
use portcullis::budget::GIVEN_POLICY_BYTES;
use portcullis::policy::Policy;
use serde_json::Value;
use std::path::Path;

/// Checks the policy in a JSON file, with the bindings of an environment. Without a configuration,
/// there are none.
///
/// # Errors
///
/// If a file cannot be read, the policy's file is not JSON, or there is no such environment.
pub(super) fn examine(file: &Path, selection: &Selection) -> Result<Report> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    if file.extension().is_none_or(|extension| extension != "json") {
        bail!(
            "{name} is not a .json file: write the policy to policy.json, and import it with \
             `import policy from \"./policy.json\" with {{ type: \"json\" }}`"
        );
    }
    let text =
        system::read_text(file).with_context(|| format!("{} cannot be read", file.display()))?;
    // Without lines, the text is not strict JSON, which is a finding below.
    let lines = ConfigFile::parse(&name, &text).ok();
    let config = match (&selection.config, above(&system::current_folder()?)) {
        (None, None) => ConfigFile::parse("wrangler.jsonc", "{}")?,
        (Some(_), _) | (None, Some(_)) => selection.read()?,
    };
    let environment = selection.environment(&config)?;
    let fault = |problem: String, remedy: &str| Finding {
        severity: Severity::Fault,
        line: None,
        path: policy::VARIABLE.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let mut report = Report {
        file: name.clone(),
        environment: environment.name().map(str::to_owned),
        title: name,
        findings: Vec::new(),
        presets: Vec::new(),
        policy: None,
    };
    match policy::parse(&Value::String(text)) {
        Ok(raw) => {
            let bytes = raw.to_string().len();
            if bytes > GIVEN_POLICY_BYTES {
                let problem = format!("it has {bytes} bytes, and 256 KiB are the limit");
                report.findings.push(fault(problem, "merge routes, or make several gates"));
            }
            let dev_vars = DevVars::read(&environment)?;
            let compiled = bindings::compile_by(
                Policy::compile_to_authenticate,
                &environment,
                &raw,
                &dev_vars,
                MissingBindings::FaultAtTopLevel,
            );
            report.presets = Policy::presets(&raw);
            report.policy = compiled.policy.filter(|_| report.findings.is_empty());
            report.findings.extend(compiled.findings);
        }
        Err(problem) => report.findings.push(fault(problem, "write one JSON object")),
    }
    for finding in &mut report.findings {
        let path = finding.path.strip_prefix(policy::VARIABLE).unwrap_or(&finding.path);
        let path = path.strip_prefix('.').unwrap_or(path).to_owned();
        finding.line = lines.as_ref().and_then(|lines| lines.line(&pointer(&path)));
        finding.path = if path.is_empty() { "the policy".to_owned() } else { path };
    }
    report.findings.sort_by_key(|finding| (finding.severity, finding.line));
    Ok(report)
}
