//! `cargo xtask bench signatures`: builds `benches/signatures` with the same steps as the Worker,
//! and runs it in the Node of the npm packages, which has the V8 of the Workers runtime.

use crate::build::{self, WORKER_RUSTFLAGS};
use crate::process::{self, Stop};
use crate::tools::bindings::{Generator, Purpose};
use crate::tools::node::Packages;
use crate::tools::rust::WASM_TARGET;
use crate::workspace::Workspace;
use crate::{say, tools};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// The name of the example in Cargo.toml, and so of the files built from it.
const NAME: &str = "signatures";

/// All algorithms.
const FEATURES: &str = "es256k,es512,kernels,mldsa";

pub(super) fn run() -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    tools::check(&workspace)?;
    let packages = tools::packages(&workspace)?;
    say::timed("building the signature checks", || build(&workspace, &packages))?;
    process::run(
        packages
            .command("node")?
            // In the Workers runtime, V8 checks every memory access in code instead of with a trap
            // handler.
            .arg("--disable-wasm-trap-handler")
            .arg(workspace.path("benches/signatures/bench.mjs"))
            .arg(output(&workspace).join(NAME).with_extension("js"))
            .arg(workspace.path("benches/results/signatures.md")),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn build(workspace: &Workspace, packages: &Packages) -> Result<()> {
    process::run(
        Command::new("cargo")
            .args(["build", "--release", "--target", WASM_TARGET])
            .args(["--features", FEATURES, "--example", NAME])
            .current_dir(workspace.root())
            .env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS),
    )?;
    let compiled = workspace.path("target").join(WASM_TARGET).join("release/examples").join(NAME);
    Generator::prepare(workspace, &Stop::default())?.generate(
        Purpose::Node,
        &compiled.with_extension("wasm"),
        NAME,
        &output(workspace),
    )?;
    build::optimize(workspace, packages, &output(workspace).join(format!("{NAME}_bg.wasm")))
}

fn output(workspace: &Workspace) -> std::path::PathBuf {
    workspace.path("target").join("bench").join(NAME)
}
