//! `cargo xtask soak`: compares the verification kernels with RustCrypto's crates on any number of
//! random cases.

use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result};
use clap::Args;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// The number of cases after which the command reports its progress.
const CASES_PER_ROUND: u64 = 10_000;

/// The options. Without any, the command checks a million cases of each kind.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Random cases of each kind
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    cases: u64,
    /// Seed of the random numbers [default: random]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// How the kernels are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// Optimized.
    AsDeployed,
    /// Optimized, and panicking at an overflow or at a limb out of its bounds.
    Checked,
}

/// Compares in rounds and stops at the first difference.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let first_seed = match options.seed {
        Some(seed) => seed,
        None => getrandom::u64().context("the system provides no random numbers")?,
    };
    let started = Instant::now();
    let mut done = 0;
    for round in 0.. {
        let cases = CASES_PER_ROUND.min(options.cases.saturating_sub(done));
        if cases == 0 {
            break;
        }
        let seed = first_seed.wrapping_add(round);
        compare(&workspace, Build::Checked, cases, Some(seed)).with_context(|| {
            format!("`cargo xtask soak --cases {cases} --seed {seed}` repeats it")
        })?;
        done += cases;
        say::line(&format!(
            "{done} of {} cases of each kind agree, after {}",
            options.cases,
            say::duration(started.elapsed())
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the tests of the kernels with that many random cases of each kind.
pub(crate) fn compare(
    workspace: &Workspace,
    build: Build,
    cases: u64,
    seed: Option<u64>,
) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(["test", "--quiet", "--release", "--package", "portcullis-kernels"])
        .args(["--features", "es512"])
        .current_dir(workspace.root())
        .env("KERNEL_CASES", cases.to_string())
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(build));
    if let Some(seed) = seed {
        command.env("KERNEL_SEED", seed.to_string());
    }
    process::run(&mut command)
}

/// Enables the fused multiply-add that the RSA kernel needs. Not every x86-64 processor has it, so
/// the compiler uses it only if told to.
fn rustflags(build: Build) -> String {
    let mut flags = Vec::new();
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("fma") {
        flags.push("-Ctarget-feature=+fma");
    }
    if build == Build::Checked {
        flags.extend(["-Cdebug-assertions=on", "-Coverflow-checks=on"]);
    }
    flags.join("\x1f")
}
