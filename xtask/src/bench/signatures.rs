//! `cargo xtask bench signatures`: `benches/signatures`, built as the Worker is and run by the Node
//! of the npm packages, whose V8 is that of the Workers runtime.

use crate::build::{self, WORKER_RUSTFLAGS};
use crate::tools::rust::WASM_TARGET;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// The example in Cargo.toml, and so the names of what is made of it.
const NAME: &str = "signatures";

/// Every algorithm that there is.
const FEATURES: &str = "es256k,es512,kernels,mldsa";

pub(super) fn run() -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let tools = tools::prepare(&workspace)?;
    say::timed("building the signature checks", || build(&workspace, &tools))?;
    process::run(
        tools
            .node
            .command("node")?
            // The Workers runtime has V8 check each access to memory in the code, and so is it
            // timed.
            .arg("--disable-wasm-trap-handler")
            .arg(workspace.path("benches/signatures/bench.mjs"))
            .arg(output(&workspace).join(NAME).with_extension("js"))
            .arg(workspace.path("benches/results/signatures.md")),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn build(workspace: &Workspace, tools: &Tools) -> Result<()> {
    process::run(
        Command::new("cargo")
            .args(["build", "--release", "--target", WASM_TARGET])
            .args(["--features", FEATURES, "--example", NAME])
            .current_dir(workspace.root())
            .env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS),
    )?;
    let compiled = workspace.path("target").join(WASM_TARGET).join("release/examples").join(NAME);
    process::run(
        Command::new(&tools.wasm_bindgen)
            .args(["--target", "nodejs", "--no-typescript", "--out-dir"])
            .arg(output(workspace))
            .arg(compiled.with_extension("wasm")),
    )?;
    build::optimise(workspace, tools, &output(workspace).join(format!("{NAME}_bg.wasm")))
}

fn output(workspace: &Workspace) -> std::path::PathBuf {
    workspace.path("target").join("bench").join(NAME)
}
