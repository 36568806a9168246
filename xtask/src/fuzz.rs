//! Runs each fuzz target for a minute, as part of `cargo xtask ci`, if a nightly toolchain is
//! installed.

use crate::test::Skipped;
use crate::workspace::Workspace;
use crate::{process, say, tools};
use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

/// The names of the targets in `fuzz/Cargo.toml`.
const TARGETS: [&str; 7] = ["token", "jwks", "pem", "policy", "proof", "gate", "meaning"];

/// How long each target runs, in seconds.
const SECONDS: u32 = 60;

/// Runs every target, starting with its seeds. Fails on a crash; its input is in `fuzz/artifacts`.
pub(crate) fn smoke(workspace: &Workspace) -> Result<()> {
    if process::run_quietly(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]))
        .is_err()
    {
        let reason = "it needs a nightly toolchain (rustup toolchain install nightly)";
        return Err(Skipped(reason.to_owned()).into());
    }
    let [cargo_fuzz] = tools::cargo::ensure(workspace, [&tools::cargo::CARGO_FUZZ])?;
    let folder = workspace.path("fuzz");
    for target in TARGETS {
        let corpus = folder.join("corpus").join(target);
        fs::create_dir_all(&corpus)
            .with_context(|| format!("{} cannot be created", corpus.display()))?;
        // The output is shown only after a crash.
        let written = say::timed(&format!("fuzzing {target} for {SECONDS} s"), || {
            process::capture(
                Command::new("rustup")
                    .args(["run", "nightly"])
                    .arg(&cargo_fuzz)
                    // All code is safe Rust, which a sanitizer would only slow down.
                    .args(["run", "--sanitizer", "none", "--fuzz-dir", ".", target])
                    .args([format!("corpus/{target}"), format!("seeds/{target}")])
                    .args(["--", "-dict=seeds/dictionary", "-max_len=4096", "-print_final_stats=1"])
                    .args([format!("-max_total_time={SECONDS}"), "-verbosity=0".to_owned()])
                    .current_dir(&folder)
                    // Both would select the toolchain that runs this command.
                    .env_remove("CARGO")
                    .env_remove("RUSTUP_TOOLCHAIN"),
            )
        })?;
        say::line(&format!("fuzzing {target}: {}", statistics(&written)?));
    }
    Ok(())
}

/// Returns a summary of libFuzzer's final statistics, lines like
/// `stat::number_of_executed_units: 123`.
fn statistics(written: &str) -> Result<String> {
    let number = |name: &str| -> Result<u64> {
        let value = written.lines().find_map(|line| {
            line.trim().strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':')
        });
        let value = value.with_context(|| format!("libFuzzer did not print {name}"))?;
        value.trim().parse().with_context(|| format!("libFuzzer's {name} is not a number"))
    };
    let units = number("number_of_executed_units")?;
    Ok(format!("{units} inputs, {} a second, no crash", number("average_exec_per_sec")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_statistics_among_other_output() {
        let written = "INFO: seed corpus: files: 12\n###### Recommended dictionary. ######\n\
            stat::number_of_executed_units: 164222\nstat::average_exec_per_sec:     2692\n\
            stat::new_units_added:          3\n";
        assert_eq!(statistics(written).unwrap(), "164222 inputs, 2692 a second, no crash");
        assert!(statistics("INFO: nothing\n").is_err());
    }
}
