//! wrangler's configuration as the gate's deployment: its environments, what holds in each, and what in
//! them would undo the gate.

pub mod bindings;
pub mod build;
pub(crate) mod deployment;
pub mod dev_vars;
pub mod environment;
pub mod file;
pub mod finding;
mod json;
pub mod policy;
pub mod routes;
mod toml;

use anyhow::{Context as _, Result, bail};
use std::env;
use std::path::{Path, PathBuf};

pub use self::environment::Environment;
pub use self::file::ConfigFile;
pub use self::finding::{Finding, Severity};

/// The names that wrangler looks for, the one that it prefers first.
pub(crate) const NAMES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// The file that was named, else the one that wrangler would find: upwards from the current folder, by
/// one name after the other.
///
/// # Errors
///
/// Where there is none.
pub fn locate(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(file) = named {
        return Ok(file.to_path_buf());
    }
    let here = env::current_dir().context("the current folder cannot be read")?;
    let found = NAMES.iter().find_map(|name| {
        here.ancestors().map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
    });
    match found {
        Some(file) => Ok(file),
        None => bail!(
            "there is no {}, neither here nor in a folder above: name it with --config FILE",
            NAMES.join(", ")
        ),
    }
}
