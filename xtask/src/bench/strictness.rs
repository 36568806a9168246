//! `cargo xtask bench strictness`: judges a corpus of tokens with Portcullis and with other
//! libraries, and compares their verdicts with the standard's.

use crate::tools::node::Packages;
use crate::workspace::Workspace;
use crate::{process, say, tools};
use anyhow::Result;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The name of the package in `benches/strictness/native`, and so of its program.
const PROGRAM: &str = "portcullis-strictness";

pub(super) fn run() -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    tools::check(&workspace)?;
    let packages = tools::packages(&workspace)?;
    say::timed("building the program that judges with the crates", || build(&workspace))?;
    judge(&workspace, &packages)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the program that judges with Portcullis and with the other crates. It is a workspace of
/// its own, so that their dependencies are not in the lock of the gate.
fn build(workspace: &Workspace) -> Result<()> {
    process::run(
        Command::new("cargo")
            .args(["build", "--quiet", "--locked"])
            .current_dir(workspace.path("benches/strictness/native"))
            .env("CARGO_TARGET_DIR", target(workspace)),
    )
}

fn judge(workspace: &Workspace, packages: &Packages) -> Result<()> {
    let program = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    process::run(
        packages
            .command("node")?
            .arg(workspace.path("benches/strictness/bench.mjs"))
            .arg(target(workspace).join("debug").join(program))
            .arg(workspace.path("target/bench/strictness"))
            .arg(workspace.path("benches/results/strictness.md"))
            .current_dir(workspace.root()),
    )
}

fn target(workspace: &Workspace) -> PathBuf {
    workspace.path("target/bench/strictness/target")
}
