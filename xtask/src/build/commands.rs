//! Builds the commands as WebAssembly for Node.

use super::{Build, Entry, small};
use crate::build::page::RUSTFLAGS;
use crate::process::Stop;
use crate::tools::bindings::Purpose;
use crate::tools::node::Packages;
use crate::workspace::Workspace;
use anyhow::Result;
use std::path::PathBuf;

/// The name of the script without its extension.
pub(crate) const NAME: &str = "commands";

/// The options for esbuild. The script is not minified: it is small, and people may read it.
const BUNDLING: [&str; 6] = [
    "--bundle",
    "--format=esm",
    "--platform=node",
    "--target=node22",
    "--log-level=warning",
    // wasm-bindgen names a script twice if two of its functions have the same name in Rust.
    "--log-override:duplicate-object-key=silent",
];

/// Builds the commands unless they are up to date, and returns the folder with the script and the
/// module.
pub(crate) fn commands(workspace: &Workspace, packages: &Packages) -> Result<PathBuf> {
    let folder = workspace.path("target").join("commands");
    let build = Build {
        workspace,
        title: "the commands for Node".to_owned(),
        package: "portcullis-cli",
        arguments: small(),
        rustflags: RUSTFLAGS,
        purpose: Purpose::Web,
        name: NAME,
        entry: Some(Entry { file: "cli/src/entry.js", imports: &[], bundling: &BUNDLING }),
        further_inputs: &["cli/Cargo.toml", "cli/src"],
        folder: folder.clone(),
    };
    if let Some(outdated) = build.outdated()? {
        outdated.compile(&Stop::default())?.finish(packages)?;
    }
    Ok(folder)
}
