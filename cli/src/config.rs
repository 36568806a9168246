//! The gate's deployment in wrangler's configuration: the environments, their settings and
//! policies, and the settings that would bypass the gate.

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

/// The file names that wrangler looks for, in order of preference.
pub(crate) const NAMES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// Returns the file that the user named, or else the file that wrangler would use: it searches the
/// current directory and the directories above for each name in turn.
///
/// # Errors
///
/// If there is no such file.
pub fn locate(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(file) = named {
        return Ok(file.to_path_buf());
    }
    let here = env::current_dir().context("the current directory cannot be determined")?;
    let found = NAMES.iter().find_map(|name| {
        here.ancestors().map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
    });
    match found {
        Some(file) => Ok(file),
        None => bail!(
            "there is no {} in this directory or in a directory above: name the file with --config \
             FILE",
            NAMES.join(" or ")
        ),
    }
}
