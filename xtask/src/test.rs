//! `cargo xtask test`: every test.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use crate::build::WORKER_RUSTFLAGS;
use crate::tools::rust::WASM_TARGET;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;
use crate::{build, process, say};

/// The cargo features of the algorithms that are not in every build.
pub(crate) const EVERY_ALGORITHM: &str = "mldsa,es512,es256k";

/// Takes no options: it runs everything.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {}

/// Runs every suite, also after one has failed, and says which passed.
pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut suites = Suites::default();
    all(&workspace, &mut suites)?;
    Ok(suites.finish())
}

/// All tests; a further kind of test gets its line here. Returns the tools if there is a Worker to
/// do more with.
pub(crate) fn all(workspace: &Workspace, suites: &mut Suites) -> Result<Option<Tools>> {
    let tools = tools::prepare(workspace)?;
    // xtask wants every algorithm, and cargo gives all packages of one command the same features.
    suites.run("native tests, every algorithm", || native(workspace, &["--workspace"]));
    suites.run("native tests, no cargo features", || native(workspace, &["--test", "it"]));
    suites.run("the same tests in WebAssembly", || wasm(workspace, &tools));
    let built = suites.run("the Worker's build", || {
        let options = build::Options::default();
        build::worker(workspace, &tools, &options, build::DEPLOYED_FOLDER).map(drop)
    });
    if built {
        suites.run("end-to-end tests", || end_to_end(workspace, &tools));
    }
    Ok(built.then_some(tools))
}

fn native(workspace: &Workspace, options: &[&str]) -> Result<()> {
    process::run(Command::new("cargo").arg("test").args(options).current_dir(workspace.root()))
}

/// The core's tests again, as the Worker runs it: 32-bit, with the instructions of the runtime. And
/// what a browser calls.
fn wasm(workspace: &Workspace, tools: &Tools) -> Result<()> {
    let features = format!("{EVERY_ALGORITHM},web");
    let mut command = Command::new("cargo");
    command
        .args(["test", "--target", WASM_TARGET, "--features", &features, "--test", "it"])
        .current_dir(workspace.root())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &tools.wasm_test_runner)
        .env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS);
    tools.node.put_on_path(&mut command)?;
    process::run(&mut command)
}

/// The script in package.json, with the Node that the packages bring.
fn end_to_end(workspace: &Workspace, tools: &Tools) -> Result<()> {
    process::run(
        tools
            .node
            .npm()?
            .args(["run", "--silent", "test"])
            .env("WRANGLER_SEND_METRICS", "false")
            .current_dir(workspace.root()),
    )
}

/// Runs one thing after the other, and remembers how each went.
#[derive(Debug, Default)]
pub(crate) struct Suites {
    outcomes: Vec<(String, bool, String)>,
}

impl Suites {
    /// Runs one. Its failure is printed at once and held until the end.
    pub(crate) fn run(&mut self, name: &str, action: impl FnOnce() -> Result<()>) -> bool {
        say::line(&format!("{name} ..."));
        let started = Instant::now();
        let outcome = action();
        if let Err(error) = &outcome {
            say::error(error);
        }
        self.outcomes.push((name.to_owned(), outcome.is_ok(), say::duration(started.elapsed())));
        outcome.is_ok()
    }

    /// Says how everything went, and makes that the exit code.
    pub(crate) fn finish(self) -> ExitCode {
        for (name, passed, time) in &self.outcomes {
            let verdict = if *passed { "passed" } else { "FAILED" };
            say::line(&format!("{verdict}  {name} ({time})"));
        }
        if self.outcomes.iter().all(|(_, passed, _)| *passed) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
