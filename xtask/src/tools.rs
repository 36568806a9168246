//! Finds or installs the tools that the commands need in addition to a Rust toolchain and Node.
//! They are installed into the checkout, in pinned versions, if they are missing.

use crate::say;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

pub(crate) mod cargo;
pub(crate) mod node;
pub(crate) mod rust;

/// The tools that build and run the Worker.
#[derive(Debug)]
pub(crate) struct Tools {
    /// Compiles the Worker, and runs wasm-bindgen and esbuild.
    pub(crate) worker_build: PathBuf,
    /// Generates the JavaScript that calls the WebAssembly module.
    pub(crate) wasm_bindgen: PathBuf,
    /// Runs tests that were compiled to WebAssembly.
    pub(crate) wasm_test_runner: PathBuf,
    /// The npm packages: wrangler, the Workers runtime, esbuild, wasm-opt, and the Node that they
    /// need.
    pub(crate) node: node::Packages,
}

/// Finds or installs all tools.
pub(crate) fn prepare(workspace: &Workspace) -> Result<Tools> {
    let _lock = lock(workspace)?;
    // Fails for what the user has to install, before any step that takes minutes.
    rust::check()?;
    node::check(workspace)?;
    rust::ensure_wasm_target(workspace)?;
    let node = node::ensure_packages(workspace)?;
    let [worker_build, wasm_bindgen] =
        cargo::ensure(workspace, [&cargo::WORKER_BUILD, &cargo::WASM_BINDGEN])?;
    let wasm_test_runner =
        wasm_bindgen.with_file_name(cargo::file_name("wasm-bindgen-test-runner"));
    Ok(Tools { worker_build, wasm_bindgen, wasm_test_runner, node })
}

/// Finds or installs only the npm packages, for commands that build nothing.
pub(crate) fn packages(workspace: &Workspace) -> Result<node::Packages> {
    let _lock = lock(workspace)?;
    node::check(workspace)?;
    node::ensure_packages(workspace)
}

/// Locks the folder of the tools, so that two commands do not install them at the same time. The
/// lock lasts until the file is dropped.
pub(crate) fn lock(workspace: &Workspace) -> Result<File> {
    let folder = workspace.tools();
    fs::create_dir_all(&folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    let path = folder.join(".lock");
    let file =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            say::line("waiting for another `cargo xtask` that installs tools");
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
        }
    }
    file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(file)
}
