//! The Rust toolchain and its WebAssembly target.

use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// What the Worker is compiled for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Nobody gets here without cargo, but a cargo from elsewhere than rustup may lack the target.
pub(crate) fn check() -> Result<()> {
    if process::on_path("rustup").is_none() && !has_wasm_target(Path::new("."))? {
        bail!(
            "the Rust target {WASM_TARGET} is missing, and there is no rustup on the PATH to add \
             it with: install Rust through rustup (https://rustup.rs), or add the target with \
             whatever this Rust came from"
        );
    }
    Ok(())
}

/// Adds the WebAssembly target to the pinned toolchain if it is not there.
///
/// `rust-toolchain.toml` names it too, but rustup does not act on that where automatic
/// installation is switched off.
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
