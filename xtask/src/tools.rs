//! Finds or installs what the commands need in addition to a Rust toolchain and Node. It is
//! installed into the checkout, in pinned versions, if it is missing.

use crate::say;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};

pub(crate) mod bindings;
pub(crate) mod cargo;
pub(crate) mod node;
pub(crate) mod rust;

/// Fails for what the user has to install, before any step that takes minutes. Adds the WebAssembly
/// target if it is missing.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    rust::check()?;
    node::check(workspace)?;
    rust::ensure_wasm_target(workspace)
}

/// Finds or installs the npm packages.
pub(crate) fn packages(workspace: &Workspace) -> Result<node::Packages> {
    let _lock = lock(workspace)?;
    node::check(workspace)?;
    node::ensure_packages(workspace)
}

/// Locks the folder of the tools, so that two commands do not install them at the same time. The
/// lock lasts until the file is dropped.
fn lock(workspace: &Workspace) -> Result<File> {
    lock_for(workspace, ".lock", "installs tools")
}

/// Locks a file in the folder of the tools for what this command does to the checkout. The lock
/// lasts until the file is dropped.
pub(crate) fn lock_for(workspace: &Workspace, name: &str, does: &str) -> Result<File> {
    let folder = workspace.tools();
    fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    let path = folder.join(name);
    let file =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            say::line(&format!("waiting for another `cargo xtask` that {does}"));
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
        }
    }
    file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(file)
}
