//! `test`: judges the cases of a test file with the gate's own code. Nothing is sent.

use crate::config::bindings::{self, MissingBindings};
use crate::config::dev_vars::DevVars;
use crate::config::{ConfigFile, Environment, Finding, Selection, Severity, policy};
use crate::outcome::Outcome;
use crate::{output, system};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use std::path::{Path, PathBuf};

mod case;
mod coverage;
mod file;
mod judge;
mod report;
mod stand_in;

use coverage::Coverage;
use file::TestFile;
use judge::Judge;
use report::{CaseReport, Report};

/// The names of test files that are looked for beside the configuration.
const NAMES: [&str; 2] = ["policy.test.toml", "policy.test.json"];

/// Tokens are signed with stand-in keys, which take the place of the issuers' keys. Everything else
/// is the policy's, and is judged by the gate's own code. Nothing is sent or fetched.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis test                          the cases in policy.test.toml or policy.test.json
  portcullis test --coverage 100           fails if anything of the policy is not exercised
  portcullis test --junit results.xml      for the page of a CI service

Exit codes: 0 all cases passed; 1 a case failed, or the coverage is too low; 2 the tests could not
run, for example because the file or the policy has faults.")]
pub struct Options {
    /// The test files [default: policy.test.toml or policy.test.json beside the configuration]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Fail if less than this share of the policy is covered, in percent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage: Option<u8>,
    /// Also write the results to this file, as JUnit XML; a file that exists is replaced
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The configuration and its environment.
    #[command(flatten)]
    selection: Selection,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the cases, prints the results, and returns the exit code.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    let report = test(options).and_then(|report| {
        if let Some(path) = &options.junit {
            system::write(path, &report.junit())
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(report)
    });
    match report {
        Ok(report) => {
            if options.json {
                output::json(&report.to_json());
            } else {
                output::result(&report.text());
            }
            Outcome::of(report.is_ok())
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

fn test(options: &Options) -> Result<Report> {
    let config_file = options.selection.read()?;
    let environment = &options.selection.environment(&config_file)?;
    let files = read(options, &config_file)?;
    let raw = policy::raw(environment).map_err(|finding| {
        faults("the policy has faults", &config_file, environment, &[finding])
    })?;
    let dev_vars = DevVars::read(environment)?;
    // Only the secrets of issuers are replaced; other missing bindings become placeholders.
    let compiled = bindings::compile(environment, &raw, &dev_vars, MissingBindings::Warn);
    let Some(policy) = compiled.policy else {
        let found = compiled.findings.into_iter();
        let found: Vec<_> = found.filter(|one| one.severity != Severity::Warning).collect();
        return Err(faults("the policy has faults", &config_file, environment, &found));
    };
    let judge = Judge::new(environment, policy, &raw, dev_vars)?;
    let mut coverage = Coverage::of(judge.policy());
    let mut cases = Vec::new();
    for file in files {
        for case in file.cases {
            let judged = judge.judge(&case)?;
            let report = CaseReport::new(&file.name, case, judged);
            if report.is_ok() {
                coverage.note(report.judged());
            }
            cases.push(report);
        }
    }
    Ok(Report { cases, coverage, wanted: options.coverage })
}

/// Reads the test files. All their faults are one error.
fn read(options: &Options, config_file: &ConfigFile) -> Result<Vec<TestFile>> {
    let paths = if options.files.is_empty() {
        let found = NAMES.into_iter().map(|name| config_file.folder().join(name));
        let found: Vec<_> = found.filter(|path| system::is_file(path)).collect();
        if found.is_empty() {
            bail!(
                "there is no {} beside {}: write one (docs/policy-tests.md shows how), or name the \
                 test file",
                NAMES.join(" or "),
                config_file.name
            );
        }
        found
    } else {
        options.files.clone()
    };
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match read_file(&path)? {
            Ok(file) => files.push(file),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        bail!("the tests have faults:\n{}", problems.join("\n"));
    }
    Ok(files)
}

/// Reads a test file. Returns its faults, with their lines, if it has any.
fn read_file(path: &Path) -> Result<Result<TestFile, Vec<String>>> {
    let text =
        system::read_text(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let parsed = ConfigFile::parse(&shown, &text)?;
    Ok(file::read(&parsed)
        .map_err(|found| found.iter().map(|one| one.located(&shown, None).to_string()).collect()))
}

fn faults(
    what: &str,
    file: &ConfigFile,
    environment: &Environment<'_>,
    findings: &[Finding],
) -> anyhow::Error {
    let lines = findings.iter().map(|one| one.located(&file.name, environment.name()).to_string());
    anyhow::anyhow!("{what}:\n{}", lines.collect::<Vec<_>>().join("\n"))
}
