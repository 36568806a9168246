//! `cargo xtask ci`: everything that has to pass, the quick parts first.

use crate::build::{DEPLOYED_FEATURES, WORKER_RUSTFLAGS};
use crate::process::{self, Stop};
use crate::test::{self, EVERY_ALGORITHM, Suites};
use crate::tools::node::Packages;
use crate::tools::rust::WASM_TARGET;
use crate::workspace::Workspace;
use crate::{build, fuzz, say, soak, tools};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use portcullis_cli::check::{self, MissingBindings};
use portcullis_cli::config::Severity;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

mod source;

/// The limit for the size of the upload, compressed with gzip, in KiB.
const LARGEST_UPLOAD: f64 = 400.0;

/// The limit for the upload of a build with every algorithm, in KiB.
const LARGEST_UPLOAD_OF_ALL: f64 = 480.0;

/// The limit for the console's page and its module, compressed with gzip, in KiB.
const LARGEST_PAGE: f64 = 400.0;

/// The number of random cases of each kind in which the optimized kernels are compared with the
/// crates.
const KERNEL_CASES: u64 = 20_000;

/// The options. Without any, all parts run but `advisories`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// Run only these parts [default: all but advisories]
    #[arg(value_enum, value_name = "PART")]
    parts: Vec<Part>,
}

/// A part that can run alone, so that a CI service can run several at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting, lints, types, documentation, licenses, and the rules about dependencies
    Lints,
    /// What `cargo xtask test` runs, and the comparison of the kernels with the crates
    Tests,
    /// The sizes of what is deployed, and the template for a Worker in its own repository
    Builds,
    /// One minute of each fuzz target
    Fuzz,
    /// Known vulnerabilities of the dependencies, from a database on GitHub
    Advisories,
}

/// The parts that run if the user names none. `advisories` is not among them: not every network
/// reaches its database.
const DEFAULT_PARTS: [Part; 4] = [Part::Lints, Part::Tests, Part::Builds, Part::Fuzz];

/// Runs the parts, continues after a failure, and prints the outcome of each suite at the end.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut suites = Suites::default();
    let parts: &[Part] = if options.parts.is_empty() { &DEFAULT_PARTS } else { &options.parts };
    for part in parts {
        match part {
            Part::Lints => lints(&workspace, &mut suites)?,
            Part::Tests => tests(&workspace, &mut suites)?,
            Part::Builds => builds(&workspace, &mut suites)?,
            Part::Fuzz => {
                suites.run("fuzzing", || fuzz::smoke(&workspace));
            }
            Part::Advisories => {
                suites.run("advisories", || deny(&workspace, &["advisories"]));
            }
        }
    }
    Ok(suites.finish())
}

fn lints(workspace: &Workspace, suites: &mut Suites) -> Result<()> {
    let root = workspace.root();
    let features = DEPLOYED_FEATURES.join(",");
    tools::rust::ensure_wasm_target(workspace)?;
    suites.run("formatting", || cargo(root, &["fmt", "--all", "--check"], &[]));
    suites.run("line width", || source::line_width(workspace));
    suites.run("calls that bypass the gate", || source::no_bypass(workspace));
    suites.run("the core's dependencies", || dependencies(root, &features));
    suites.run("lints, native", || {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"], &[])
    });
    suites.run("lints, every algorithm", || {
        let arguments =
            ["clippy", "--all-targets", "--features", EVERY_ALGORITHM, "--", "-Dwarnings"];
        cargo(root, &arguments, &[])
    });
    suites.run("lints, Worker", || lints_for_wasm(root, "portcullis", &features, WORKER_RUSTFLAGS));
    suites.run("lints, browser", || {
        lints_for_wasm(root, "portcullis-console", "mldsa", build::page::RUSTFLAGS)
    });
    suites.run("lints, the commands in Node", || {
        lints_for_wasm(root, "portcullis-cli", "doctor", build::page::RUSTFLAGS)
    });
    suites.run("a Worker without relaxed SIMD", || without_relaxed_simd(root, &features));
    suites.run("documentation", || documentation(root, &features));
    // Not `advisories`, which is a part of its own.
    suites.run("licenses, sources, bans", || deny(workspace, &["bans", "licenses", "sources"]));
    suites.run("the shipped wrangler.toml", || shipped_configuration(workspace));
    suites.run("formatting and types, JavaScript", || javascript(workspace));
    Ok(())
}

fn tests(workspace: &Workspace, suites: &mut Suites) -> Result<()> {
    suites.run("the kernels against the crates", || {
        soak::compare(workspace, soak::Build::AsDeployed, KERNEL_CASES, None)
    });
    test::all(workspace, suites)
}

fn builds(workspace: &Workspace, suites: &mut Suites) -> Result<()> {
    suites.run("the upload's size", || {
        let options = build::Options::default();
        upload_size(workspace, &options, build::DEPLOYED_FOLDER, LARGEST_UPLOAD)
    });
    suites.run("the size of the console's page", || {
        let packages = tools::packages(workspace)?;
        build::page::page(workspace, &packages, &build::Options::default(), &Stop::default())?;
        page_size(workspace, &packages)
    });
    suites.run("the upload's size, every algorithm", || {
        let options = build::Options::with(EVERY_ALGORITHM);
        let folder = "target/worker-of-every-algorithm";
        upload_size(workspace, &options, folder, LARGEST_UPLOAD_OF_ALL)
    });
    suites.run("the template for a Worker in its own repository", || test::template(workspace));
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let variables = variables.iter().copied();
    process::run(Command::new("cargo").args(arguments).envs(variables).current_dir(root))
}

fn lints_for_wasm(root: &Path, package: &str, features: &str, rustflags: &str) -> Result<()> {
    let arguments = ["clippy", "--package", package, "--target", WASM_TARGET];
    let arguments = [&arguments[..], &["--features", features, "--", "-Dwarnings"]].concat();
    cargo(root, &arguments, &[("CARGO_ENCODED_RUSTFLAGS", rustflags)])
}

/// Checks that a build without relaxed SIMD fails, and that the flags set by xtask override a
/// `RUSTFLAGS` variable. Such a variable replaces the flags of `.cargo/config.toml`, and the
/// kernels would silently be slow.
fn without_relaxed_simd(root: &Path, features: &str) -> Result<()> {
    let check = || {
        let mut command = Command::new("cargo");
        command
            .args(["check", "--quiet", "--target", WASM_TARGET, "--features", features])
            .current_dir(root)
            .env("RUSTFLAGS", "");
        command
    };
    process::run(check().env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS))?;
    let output = check().env_remove("CARGO_ENCODED_RUSTFLAGS").output();
    let output = output.context("cargo could not be started")?;
    let written = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !written.contains("the Worker is built with -Ctarget-feature") {
        bail!("with an empty RUSTFLAGS, the build must fail for lack of relaxed SIMD: {written}");
    }
    Ok(())
}

fn documentation(root: &Path, features: &str) -> Result<()> {
    cargo(root, &["doc", "--no-deps", "--workspace"], &[("RUSTDOCFLAGS", "-Dwarnings")])?;
    // rustdoc compiles the code again, with flags from a variable of its own.
    let rustdocflags = format!("-Dwarnings {WORKER_RUSTFLAGS}");
    let flags =
        [("RUSTDOCFLAGS", rustdocflags.as_str()), ("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS)];
    cargo(root, &["doc", "--no-deps", "--target", WASM_TARGET, "--features", features], &flags)
}

fn deny(workspace: &Workspace, checks: &[&str]) -> Result<()> {
    let [cargo_deny] = tools::cargo::ensure(workspace, [&tools::cargo::CARGO_DENY])?;
    process::run(
        Command::new(cargo_deny)
            .args(["--workspace", "check", "--hide-inclusion-graph"])
            .args(checks)
            .current_dir(workspace.root()),
    )
}

/// Checks that the core depends on no platform, and that neither the core nor the Worker uses
/// random numbers.
fn dependencies(root: &Path, features: &str) -> Result<()> {
    let none: [&str; 0] = [];
    absent(root, &none, &["worker", "wasm-bindgen"])?;
    absent(root, &["--target", WASM_TARGET], &["worker", "wasm-bindgen", "getrandom"])?;
    absent(root, &["--target", WASM_TARGET, "--features", features], &["getrandom"])
}

fn absent(root: &Path, options: &[&str], unwanted: &[&str]) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(["tree", "--package", "portcullis", "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}"])
        .args(options)
        .current_dir(root);
    let tree = process::read(&mut command)?;
    let packages = || tree.lines().filter_map(|line| line.split(' ').next());
    if !packages().any(|package| package == "portcullis") {
        bail!("`{}` does not list the crate itself", process::shown(&command));
    }
    let found: Vec<&str> = packages().filter(|package| unwanted.contains(package)).collect();
    if !found.is_empty() {
        bail!("`{}` lists {}, which is not allowed", process::shown(&command), found.join(", "));
    }
    Ok(())
}

/// Checks that the demo policy has no fault. Its secrets are generated on the user's machine, so
/// missing bindings are only warnings.
fn shipped_configuration(workspace: &Workspace) -> Result<()> {
    let reports = check::examine(&workspace.path("wrangler.toml"), None, MissingBindings::Warn)?;
    check::print_findings(&reports);
    match check::worst(&reports) {
        None | Some(Severity::Warning) => Ok(()),
        Some(_) => bail!("wrangler.toml has faults"),
    }
}

/// Checks the format and the types of all JavaScript. `src/edge` is a project of its own, because
/// the Workers runtime has other types than Node.
fn javascript(workspace: &Workspace) -> Result<()> {
    let packages = tools::packages(workspace)?;
    let run = |program: &str, arguments: &[&str]| {
        let mut command = packages.command(program)?;
        process::run(command.args(arguments).current_dir(workspace.root()))
    };
    run("prettier", &["--check", "**/*.{js,mjs}"])?;
    run("tsc", &[])?;
    run("tsc", &["--project", "src/edge"])
}

/// Builds the Worker, and checks the size of the upload that wrangler reports.
fn upload_size(
    workspace: &Workspace,
    options: &build::Options,
    folder: &str,
    largest: f64,
) -> Result<()> {
    let (packages, script) = build::worker(workspace, options, folder)?;
    let config = upload_config(workspace, &script)?;
    let mut command = packages.wrangler()?;
    command
        .args(["deploy", "--dry-run", "--outdir", "target/upload", "--config"])
        .arg(config)
        .current_dir(workspace.root());
    let printed = process::read(&mut command)?;
    let Some(kibibytes) = compressed(&printed) else {
        bail!("`{}` did not print the size of the upload:\n{printed}", process::shown(&command));
    };
    say::line(&format!("the upload is {kibibytes} KiB compressed; the limit is {largest} KiB"));
    if kibibytes >= largest {
        bail!("the upload is too large");
    }
    Ok(())
}

/// Writes a configuration with the top-level settings of the shipped one, but with this script and
/// without a build command, which would build something else.
fn upload_config(workspace: &Workspace, script: &Path) -> Result<PathBuf> {
    let shipped = fs::read_to_string(workspace.path("wrangler.toml"))?;
    let settings = shipped.lines().take_while(|line| !line.starts_with('['));
    let settings: Vec<_> = settings.filter(|line| !line.starts_with("main")).collect();
    let file = workspace.path("target/upload.toml");
    fs::write(&file, format!("main = '{}'\n{}\n", script.display(), settings.join("\n")))?;
    Ok(file)
}

/// Checks the sum of the sizes of the console's files, each compressed with gzip.
fn page_size(workspace: &Workspace, packages: &Packages) -> Result<()> {
    const SUM: &str = "const fs = require('fs'), zlib = require('zlib'); let sum = 0; \
        for (const name of fs.readdirSync('.')) \
            sum += zlib.gzipSync(fs.readFileSync(name)).length; \
        console.log(sum)";
    let mut command = packages.command("node")?;
    command.args(["--eval", SUM]).current_dir(workspace.path(build::page::FOLDER));
    let bytes: f64 = process::read(&mut command)?.trim().parse().context("no number of bytes")?;
    let kibibytes = bytes / 1024.0;
    say::line(&format!(
        "the page is {kibibytes:.1} KiB compressed; the limit is {LARGEST_PAGE} KiB"
    ));
    if kibibytes >= LARGEST_PAGE {
        bail!("the page is too large");
    }
    Ok(())
}

/// Returns the last number of `Total Upload: 433.40 KiB / gzip: 150.57 KiB`, in KiB.
fn compressed(printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.contains("Total Upload:"))?;
    let (number, unit) = line.split_once("gzip:")?.1.trim().split_once(' ')?;
    let number: f64 = number.parse().ok()?;
    match unit.split_whitespace().next()? {
        "B" => Some(number / 1024.0),
        "KiB" => Some(number),
        "MiB" => Some(number * 1024.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_compressed_size_from_wranglers_output() {
        let line = |text: &str| compressed(&format!("wrangler\nTotal Upload: {text}\nmore\n"));
        assert_eq!(line("433.40 KiB / gzip: 150.57 KiB"), Some(150.57));
        assert_eq!(line("3 MiB / gzip: 1.5 MiB"), Some(1536.0));
        assert_eq!(line("3 MiB"), None);
        assert_eq!(compressed(""), None);
    }
}
