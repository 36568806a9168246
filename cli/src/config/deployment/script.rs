//! Finds deployments of something other than the gate's build, or on a runtime that is too old for
//! the gate.

use super::super::build;
use super::super::file::resolved;
use super::super::{ConfigFile, Environment, Finding, NAMES, Severity};
use crate::system;
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// The oldest compatibility date with which the gate works. Since this date, `fetch` accepts
/// `cache: "no-store"`, with which the gate sends protected requests; before, it throws. Earlier
/// dates also ignore the port in an origin's URL (before 2024-09-02), and parse URLs differently
/// from the gate (before 2024-06-03 and 2022-10-31). See
/// <https://developers.cloudflare.com/workers/configuration/compatibility-flags/>.
const OLDEST_DATE: &str = "2024-11-11";

/// Compatibility flags that turn off what the gate relies on, or that lead around the gate.
const HARMFUL_FLAGS: [(&str, &str); 5] = [
    ("cache_option_disabled", "the runtime would reject every request that the gate forwards"),
    ("ignore_custom_ports", "requests would go to another port than that of the origin's URL"),
    ("fetch_legacy_url", "the runtime would parse URLs differently from the gate"),
    ("url_original", "the runtime would parse URLs differently from the gate"),
    ("connect_pass_through", "the runtime would pass TCP connections on without the gate"),
];

/// The scripts that builds of the gate write, below any folder. The second is that of earlier
/// versions of worker-build.
const OUTPUTS: [&str; 2] = ["build/index.js", "build/worker/shim.mjs"];

/// Checks what is deployed, and with which runtime.
pub(super) fn check(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    redirect(environment, findings);
    pages(environment, findings);
    main(environment, findings);
    compatibility_date(environment, findings);
    compatibility_flags(environment, findings);
}

/// Finds a file that makes `wrangler deploy` read another configuration.
fn redirect(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let file = environment.file();
    if environment.name().is_some() || !NAMES.contains(&file.name.as_str()) {
        return;
    }
    if let Some(target) = file.redirect() {
        let target = target.display();
        findings.push(Finding {
            severity: Severity::Warning,
            line: None,
            path: "main".to_owned(),
            problem: format!(
                "because of .wrangler/deploy/config.json, `wrangler deploy` reads {target} instead \
                 of this file"
            ),
            remedy: format!("check that file with --config {target}, or delete .wrangler/deploy"),
        });
    }
}

/// Finds a Pages project. Cloudflare Pages serves files and functions, and never runs the gate.
fn pages(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    if let Some(output) = environment.own("pages_build_output_dir") {
        findings.push(Finding {
            severity: Severity::Undeployable,
            line: output.line,
            path: "pages_build_output_dir".to_owned(),
            problem: "Cloudflare Pages would serve these files without running the gate".to_owned(),
            remedy: "remove the key, and deploy the gate as a Worker".to_owned(),
        });
    }
}

/// Finds an entry that is not the gate's build.
fn main(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    const REMEDY: &str = "write main = \"build/index.js\", which the build writes";
    let command = build::command(environment);
    let Some(main) = environment.inherited("main") else {
        let (severity, problem) = if environment.inherited("assets").is_some() {
            (Severity::Undeployable, "wrangler would deploy only the static files")
        } else {
            (Severity::Warning, "wrangler deploys the script that its command line names")
        };
        findings.push(Finding {
            severity,
            line: environment.line(),
            path: "main".to_owned(),
            problem: format!("without `main`, {problem}"),
            remedy: REMEDY.to_owned(),
        });
        return;
    };
    let Some(written) = main.value.as_str() else { return };
    let entry = resolved(&environment.file().folder().join(written));
    let (severity, problem, remedy) = if build::is_checkout_build(command) {
        let expected = checkout(environment.file()).map(|root| root.join(OUTPUTS[0]));
        let is_built = match &expected {
            Some(expected) => entry == *expected,
            None => entry.ends_with(OUTPUTS[0]),
        };
        if is_built {
            return;
        }
        let remedy = expected.map_or_else(
            || REMEDY.to_owned(),
            |expected| format!("write the path of {}", expected.display()),
        );
        (Severity::Undeployable, "wrangler would deploy this script instead of the gate", remedy)
    } else if OUTPUTS.iter().any(|output| entry.ends_with(output))
        || command.and_then(out_dir).is_some_and(|folder| entry.ends_with(folder.join("index.js")))
        || is_package(&entry)
    {
        return;
    } else {
        let problem = "this is not where a build of the gate is written, so wrangler may deploy \
                       another script";
        (Severity::Warning, problem, format!("{REMEDY}, unless this script imports the gate"))
    };
    findings.push(Finding {
        severity,
        line: main.line,
        path: "main".to_owned(),
        problem: problem.to_owned(),
        remedy,
    });
}

/// Whether `main` is a script of the operator's own, which may import the gate as a library.
pub(crate) fn is_own(environment: &Environment<'_>) -> bool {
    let mut findings = Vec::new();
    main(environment, &mut findings);
    environment.inherited("main").is_some()
        && findings.iter().any(|finding| finding.severity == Severity::Warning)
}

/// The folder that a build command names for its output.
fn out_dir(command: &str) -> Option<PathBuf> {
    let mut words = command.split_whitespace();
    let named = words.find_map(|word| word.strip_prefix("--out-dir"))?;
    let folder = named.strip_prefix('=').or_else(|| words.next())?;
    Some(resolved(Path::new(folder)))
}

/// Whether the entry is in an installed package of the gate.
fn is_package(entry: &Path) -> bool {
    let mut components = entry.components().map(Component::as_os_str);
    components.any(|one| one == "node_modules")
        && components.any(|one| one.to_string_lossy().starts_with("portcullis"))
}

/// The checkout that the file is in, or else the one that the build command would find. `None` if
/// there is none.
fn checkout(file: &ConfigFile) -> Option<PathBuf> {
    let above = |folder: &Path| {
        let mut folders = folder.ancestors();
        folders
            .find(|folder| system::is_file(&folder.join("xtask/Cargo.toml")))
            .map(Path::to_path_buf)
    };
    if file.folder().as_os_str().is_empty() {
        return None;
    }
    above(file.folder()).or_else(|| above(&system::current_folder().ok()?))
}

fn compatibility_date(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let date = environment.inherited("compatibility_date");
    let is_toml_date =
        date.as_ref().is_some_and(|date| environment.file().dates().contains(&date.pointer));
    let written = date.as_ref().and_then(|date| date.value.as_str());
    let (severity, problem, remedy) = match written {
        _ if is_toml_date => (
            Severity::Fault,
            "this is a TOML date, which wrangler rejects".to_owned(),
            "put the date in quotes".to_owned(),
        ),
        Some(written) if is_date(written) && written >= OLDEST_DATE => return,
        Some(written) if is_date(written) => (
            Severity::Fault,
            format!(
                "the gate does not work on the runtime of this date: before {OLDEST_DATE}, it \
                 rejects the requests that the gate forwards, and before 2024-09-02 it ignores the \
                 port of the origin's URL"
            ),
            format!("write compatibility_date = \"{OLDEST_DATE}\" or a later date"),
        ),
        None if date.is_none() => (
            Severity::Warning,
            "wrangler deploys with the date of its command line, which is not checked".to_owned(),
            format!("write compatibility_date = \"{OLDEST_DATE}\" or a later date"),
        ),
        Some(_) | None => (
            Severity::Fault,
            "this is not a date".to_owned(),
            format!("write compatibility_date = \"{OLDEST_DATE}\" or a later date"),
        ),
    };
    findings.push(Finding {
        severity,
        line: date.map_or(environment.line(), |date| date.line),
        path: "compatibility_date".to_owned(),
        problem,
        remedy,
    });
}

/// Whether the text has the form `YYYY-MM-DD`. Dates in this form sort as texts.
fn is_date(text: &str) -> bool {
    let shape = |byte: u8| if byte.is_ascii_digit() { '0' } else { char::from(byte) };
    text.bytes().map(shape).collect::<String>() == "0000-00-00"
}

fn compatibility_flags(environment: &Environment<'_>, findings: &mut Vec<Finding>) {
    let Some(flags) = environment.inherited("compatibility_flags") else { return };
    let listed = flags.value.as_array().into_iter().flatten().filter_map(Value::as_str);
    for flag in listed {
        if let Some((_, problem)) = HARMFUL_FLAGS.iter().find(|(harmful, _)| *harmful == flag) {
            findings.push(Finding {
                severity: Severity::Fault,
                line: flags.line,
                path: "compatibility_flags".to_owned(),
                problem: format!("with {flag}, {problem}"),
                remedy: "remove the flag".to_owned(),
            });
        }
    }
}
