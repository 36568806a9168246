//! `cargo xtask bench gateways`: compares the deployed build with jose, Hono and pass-through
//! Workers in one workerd process.

use crate::build::{self, DEPLOYED_FOLDER, WORKER_RUSTFLAGS};
use crate::tools::cargo::{self, WASM_BINDGEN, WORKER_BUILD};
use crate::tools::node::Packages;
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The options. Without any, the command measures everything and writes the results to a file.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// Only these algorithms, separated by commas: HS256, RS256, ES256, EdDSA. The results are
    /// printed, not written to a file
    #[arg(long, value_name = "ALGORITHMS")]
    algorithms: Option<String>,
    /// Only these mixes, separated by commas: cold, warm, hot. The results are printed, not
    /// written to a file
    #[arg(long, value_name = "MIXES")]
    mixes: Option<String>,
    /// Only gateways in front of an origin, or only APIs that are Workers themselves. The results
    /// are printed, not written to a file
    #[arg(long, value_name = "KIND", value_parser = ["gateways", "apis"])]
    kind: Option<String>,
}

pub(super) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let (packages, _) = build::worker(&workspace, &build::Options::default(), DEPLOYED_FOLDER)?;
    say::timed("building the pass-through in Rust", || build_pass_through(&workspace, &packages))?;
    let mut command = packages.command("node")?;
    command
        .arg(workspace.path("benches/gateways/bench.mjs"))
        .args([workspace.path(DEPLOYED_FOLDER), output(&workspace).join("pass-through")])
        .args([output(&workspace).join("scripts"), workspace.path("benches/results")])
        .current_dir(workspace.root());
    let given = [
        ("--algorithms", &options.algorithms),
        ("--mixes", &options.mixes),
        ("--kind", &options.kind),
    ];
    for (name, value) in given {
        command.args(value.iter().flat_map(|value| [name, value]));
    }
    process::run(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the Rust pass-through, a package of its own, with worker-build and the gate's wasm-opt.
fn build_pass_through(workspace: &Workspace, packages: &Packages) -> Result<()> {
    let [worker_build, wasm_bindgen] = cargo::ensure(workspace, [&WORKER_BUILD, &WASM_BINDGEN])?;
    let built = output(workspace).join("pass-through");
    let mut command = Command::new(worker_build);
    command
        .args(["--release", "--out-dir", "../../../target/bench/pass-through"])
        .current_dir(workspace.path("benches/gateways/pass-through"))
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS)
        .env("CARGO_TARGET_DIR", output(workspace).join("target"))
        .env("WASM_BINDGEN_BIN", wasm_bindgen)
        .env("ESBUILD_BIN", packages.program("esbuild"));
    packages.put_on_path(&mut command)?;
    process::run(&mut command)?;
    build::optimize(workspace, packages, &built.join("index_bg.wasm"))
}

fn output(workspace: &Workspace) -> PathBuf {
    workspace.path("target").join("bench")
}
