//! A short run of each fuzz target, as part of `cargo xtask ci`, where there is a nightly toolchain.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{process, say, tools};

/// The targets, by their names in `fuzz/Cargo.toml`.
const TARGETS: [&str; 5] = ["token", "jwks", "pem", "policy", "gate"];

/// How long each runs.
const SECONDS: u32 = 60;

/// Runs every target from its seeds; a crash is a failure, and its input is left in
/// `fuzz/artifacts`.
pub(crate) fn smoke(workspace: &Workspace) -> Result<()> {
    if process::run_quietly(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]))
        .is_err()
    {
        say::line("skipped: fuzzing needs a nightly toolchain (rustup toolchain install nightly)");
        return Ok(());
    }
    let [cargo_fuzz] = {
        let _lock = tools::lock(workspace)?;
        tools::cargo::ensure(workspace, [&tools::cargo::CARGO_FUZZ])?
    };
    let folder = workspace.path("fuzz");
    for target in TARGETS {
        let corpus = folder.join("corpus").join(target);
        fs::create_dir_all(&corpus)
            .with_context(|| format!("{} cannot be created", corpus.display()))?;
        say::timed(&format!("fuzzing {target} for {SECONDS} s"), || {
            process::run(
                Command::new("rustup")
                    .args(["run", "nightly"])
                    .arg(&cargo_fuzz)
                    // All of it is safe Rust, which a sanitizer would only slow down.
                    .args(["run", "--sanitizer", "none", "--fuzz-dir", ".", target])
                    .args([format!("corpus/{target}"), format!("seeds/{target}")])
                    .args(["--", "-dict=seeds/dictionary", "-max_len=4096", "-print_final_stats=1"])
                    .args([format!("-max_total_time={SECONDS}"), "-verbosity=0".to_owned()])
                    .current_dir(&folder)
                    // Both name the toolchain that runs this command.
                    .env_remove("CARGO")
                    .env_remove("RUSTUP_TOOLCHAIN"),
            )
        })?;
    }
    Ok(())
}
