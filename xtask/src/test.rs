//! `cargo xtask test`: every test.

use crate::build::WORKER_RUSTFLAGS;
use crate::tools::cargo::{self, WASM_BINDGEN, WORKER_BUILD};
use crate::tools::node::Packages;
use crate::tools::rust::WASM_TARGET;
use crate::workspace::Workspace;
use crate::{build, package, process, say, tools};
use anyhow::{Error, Result};
use clap::Args;
use std::process::{Command, ExitCode};
use std::time::Instant;
use std::{fmt, fs};

/// The cargo features of the optional algorithms, and of the kernels.
pub(crate) const EVERY_ALGORITHM: &str = "kernels,mldsa,es512,es256k";

/// No options: the command runs every test.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {}

/// Runs every suite, continues after a failure, and prints the outcome of each at the end.
pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut suites = Suites::default();
    all(&workspace, &mut suites)?;
    Ok(suites.finish())
}

/// Runs all test suites. The end-to-end tests need the build, so they are left out if it fails.
pub(crate) fn all(workspace: &Workspace, suites: &mut Suites) -> Result<()> {
    tools::check(workspace)?;
    let packages = tools::packages(workspace)?;
    suites.run("native tests of the workspace, every algorithm and the kernels", || {
        native(workspace, &["--workspace", "--features", EVERY_ALGORITHM])
    });
    suites.run("native tests, no cargo features", || native(workspace, &["--test", "it"]));
    suites.run("the same tests in WebAssembly", || wasm(workspace, &packages));
    let built = suites.run("the build of the Worker and of the console's page", || {
        build::everything(workspace, &build::Options::default()).map(drop)
    });
    if built {
        suites.run("end-to-end tests", || end_to_end(workspace, &packages));
        suites.run("the npm package", || npm_package(workspace, &packages));
    }
    Ok(())
}

fn native(workspace: &Workspace, options: &[&str]) -> Result<()> {
    rust_tests(Command::new("cargo").args(["test", "--no-fail-fast"]).args(options), workspace)
}

/// Runs `cargo test`, and collects the names of the tests that failed from its output.
fn rust_tests(command: &mut Command, workspace: &Workspace) -> Result<()> {
    let mut failed = Vec::new();
    let outcome = process::run_watched(command.current_dir(workspace.root()), |line| {
        failed.extend(failed_rust_test(line));
    });
    outcome.map_err(|error| Failed::error(error, failed))
}

/// Returns the name in `test name ... FAILED`. The WebAssembly runner prints `FAIL`.
fn failed_rust_test(line: &str) -> Option<String> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    outcome.starts_with("FAIL").then(|| name.to_owned())
}

/// Runs the tests of the core, the kernels and the console as WebAssembly, with the pointer width
/// and the instructions that the Worker has.
fn wasm(workspace: &Workspace, packages: &Packages) -> Result<()> {
    let [wasm_bindgen] = cargo::ensure(workspace, [&WASM_BINDGEN])?;
    let runner = wasm_bindgen.with_file_name(cargo::file_name("wasm-bindgen-test-runner"));
    let mut command = Command::new("cargo");
    command
        .args(["test", "--target", WASM_TARGET, "--no-fail-fast"])
        .args(["--package", "portcullis", "--package", "portcullis-console"])
        .args(["--package", "portcullis-kernels", "--features", EVERY_ALGORITHM])
        .args(["--test", "it", "--test", "page"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS);
    packages.put_on_path(&mut command)?;
    rust_tests(&mut command, workspace)
}

fn end_to_end(workspace: &Workspace, packages: &Packages) -> Result<()> {
    node_tests(workspace, packages, "tests/e2e/**/*.test.mjs")
}

/// Builds the npm package, runs the tests of the commands with its script, and uses it as its users
/// do.
fn npm_package(workspace: &Workspace, packages: &Packages) -> Result<()> {
    let package = package::build(workspace)?;
    let mut command = Command::new("cargo");
    command
        .args(["test", "--no-fail-fast", "--package", "portcullis-cli", "--test", "cli"])
        .env("PORTCULLIS_SCRIPT", package.folder.join("cli.js"));
    packages.put_on_path(&mut command)?;
    rust_tests(&mut command, workspace)?;
    node_tests(workspace, packages, "tests/package/*.test.mjs")
}

/// Builds `templates/worker` as its users do, which takes minutes, and tests it.
pub(crate) fn template(workspace: &Workspace) -> Result<()> {
    tools::check(workspace)?;
    let packages = tools::packages(workspace)?;
    cargo::ensure(workspace, [&WORKER_BUILD, &WASM_BINDGEN])?;
    node_tests(workspace, &packages, "tests/template/*.test.mjs")
}

/// Runs tests with the test runner of the Node in the npm packages. A second reporter writes the
/// names of the failed tests to a file.
fn node_tests(workspace: &Workspace, packages: &Packages, files: &str) -> Result<()> {
    let names = workspace.path("target").join("failed-end-to-end-tests");
    let mut command = Command::new("node");
    packages.put_on_path(&mut command)?;
    command
        .args(["--test", "--test-concurrency=2"])
        .args(["--test-reporter=spec", "--test-reporter-destination=stdout"])
        .arg("--test-reporter=./tests/e2e/harness/failures.mjs")
        .arg(format!("--test-reporter-destination={}", names.display()))
        .arg(files)
        .env("WRANGLER_SEND_METRICS", "false")
        .current_dir(workspace.root());
    process::run(&mut command).map_err(|error| {
        let written = fs::read_to_string(&names).unwrap_or_default();
        Failed::error(error, written.lines().map(str::to_owned).collect())
    })
}

/// An error of a test command, with the names of the tests that failed.
#[derive(Debug)]
struct Failed {
    because: Error,
    tests: Vec<String>,
}

impl Failed {
    fn error(because: Error, tests: Vec<String>) -> Error {
        Error::new(Self { because, tests })
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.because)?;
        self.tests.iter().try_for_each(|test| write!(formatter, "\n    {test}"))
    }
}

impl std::error::Error for Failed {}

/// The reason why a suite did not run. As an error, it makes the suite skipped instead of failed.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl fmt::Display for Skipped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Skipped {}

/// Runs suites one after the other, and records the outcome of each.
#[derive(Debug, Default)]
pub(crate) struct Suites {
    outcomes: Vec<Outcome>,
}

#[derive(Debug)]
struct Outcome {
    name: String,
    time: String,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Passed,
    /// The suite did not run, for this reason.
    Skipped(String),
    /// The suite failed, for this reason, with the names of failed tests on lines of their own.
    Failed(String),
}

impl Suites {
    /// Runs a suite. A failure is printed at once, and again at the end. Returns whether it passed.
    pub(crate) fn run(&mut self, name: &str, action: impl FnOnce() -> Result<()>) -> bool {
        say::line(&format!("{name} ..."));
        let started = Instant::now();
        let verdict = match action() {
            Ok(()) => Verdict::Passed,
            Err(error) if error.is::<Skipped>() => Verdict::Skipped(error.to_string()),
            Err(error) => {
                say::error(&error);
                Verdict::Failed(format!("{error:#}"))
            }
        };
        let passed = matches!(verdict, Verdict::Passed);
        let time = say::duration(started.elapsed());
        self.outcomes.push(Outcome { name: name.to_owned(), time, verdict });
        passed
    }

    /// Prints the outcome of every suite, the failures last. Returns failure if a suite failed.
    pub(crate) fn finish(self) -> ExitCode {
        let mut failures = Vec::new();
        for Outcome { name, time, verdict } in self.outcomes {
            match verdict {
                Verdict::Passed => say::line(&format!("passed  {name} ({time})")),
                Verdict::Skipped(reason) => say::line(&format!("skipped {name}: {reason}")),
                Verdict::Failed(problem) => {
                    failures.push(format!("FAILED  {name} ({time}): {problem}"));
                }
            }
        }
        failures.iter().for_each(|failure| say::line(failure));
        if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_names_of_failed_tests() {
        let named = |line| failed_rust_test(line);
        assert_eq!(named("test path::dots ... FAILED").as_deref(), Some("path::dots"));
        assert_eq!(named("test it::path::dots ... FAIL").as_deref(), Some("it::path::dots"));
        let doctest = "test src/token.rs - token::Unverified (line 18) - compile fail ... FAILED";
        let name = "src/token.rs - token::Unverified (line 18) - compile fail";
        assert_eq!(named(doctest).as_deref(), Some(name));
        assert_eq!(named("test path::dots ... ok"), None);
        assert_eq!(named("test result: FAILED. 1 passed; 1 failed"), None);

        let error = Failed::error(anyhow::anyhow!("`cargo test` failed"), vec!["a".to_owned()]);
        assert_eq!(format!("{error:#}"), "`cargo test` failed\n    a");
    }
}
