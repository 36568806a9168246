//! Everything that the commands need beyond a Rust toolchain and Node: found, or installed into
//! the checkout at pinned versions. What is there already is left alone.

use crate::say;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

pub(crate) mod cargo;
pub(crate) mod node;
pub(crate) mod rust;

/// What it takes to build the Worker and to run it.
#[derive(Debug)]
pub(crate) struct Tools {
    /// Drives the build: compiles, binds, optimises, bundles.
    pub(crate) worker_build: PathBuf,
    /// Writes the JavaScript around the WebAssembly module.
    pub(crate) wasm_bindgen: PathBuf,
    /// Runs a test binary that was compiled to WebAssembly.
    pub(crate) wasm_test_runner: PathBuf,
    /// The npm packages: wrangler, the Workers runtime, esbuild, wasm-opt, a fitting Node.
    pub(crate) node: node::Packages,
}

/// Finds or installs everything.
pub(crate) fn prepare(workspace: &Workspace) -> Result<Tools> {
    let _lock = lock(workspace)?;
    // What can be missing on the machine is asked for before anything that takes minutes.
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

/// Finds or installs the npm packages alone, for what needs no build.
pub(crate) fn packages(workspace: &Workspace) -> Result<node::Packages> {
    let _lock = lock(workspace)?;
    node::check(workspace)?;
    node::ensure_packages(workspace)
}

/// Held while something is being installed, so that two commands do not install it twice.
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
            say::line("waiting for another `cargo xtask` that is installing tools");
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("{} cannot be locked", path.display()));
        }
    }
    file.lock().with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(file)
}
