//! The Rust toolchain and its WebAssembly target.

use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// The target for which the Worker is compiled.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Fails if the WebAssembly target is missing and there is no rustup to add it. cargo is always
/// there, but may come from elsewhere than rustup.
pub(crate) fn check() -> Result<()> {
    if process::on_path("rustup").is_none() && !has_wasm_target(Path::new("."))? {
        bail!(
            "the Rust target {WASM_TARGET} is missing, and there is no rustup on the PATH to add \
             it: install Rust with rustup (https://rustup.rs), or install the target from where \
             this Rust came from"
        );
    }
    Ok(())
}

/// Adds the WebAssembly target to the pinned toolchain if it is missing.
///
/// `rust-toolchain.toml` names the target too, but rustup ignores that if automatic installation is
/// disabled.
pub(crate) fn ensure_wasm_target(workspace: &Workspace) -> Result<()> {
    if has_wasm_target(workspace.root())? {
        return Ok(());
    }
    say::timed(&format!("adding the Rust target {WASM_TARGET}"), || {
        process::run_quietly(
            Command::new("rustup")
                .args(["target", "add", WASM_TARGET])
                .current_dir(workspace.root()),
        )
    })
}

fn has_wasm_target(folder: &Path) -> Result<bool> {
    let printed = process::read(
        Command::new("rustc")
            .args(["--print", "target-libdir", "--target", WASM_TARGET])
            .current_dir(folder),
    )?;
    Ok(Path::new(printed.trim()).is_dir())
}
