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
pub mod selection;
mod toml;

use crate::system;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

pub use self::environment::Environment;
pub use self::file::ConfigFile;
pub use self::finding::{Finding, Severity};
pub use self::selection::Selection;

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
    let here = system::current_folder().context("the current directory cannot be determined")?;
    match above(&here) {
        Some(file) => Ok(file),
        None => bail!(
            "there is no {} in this directory or in a directory above: name the file with --config \
             FILE",
            NAMES.join(" or ")
        ),
    }
}

/// Returns the file that wrangler would use in a folder: it searches the folder and the folders
/// above for each name in turn.
#[must_use]
pub fn above(folder: &Path) -> Option<PathBuf> {
    let candidates = |name| {
        folder.ancestors().map(move |above| above.join(name)).find(|file| system::is_file(file))
    };
    NAMES.into_iter().find_map(candidates)
}

/// Returns the file that wrangler would use of those in a folder.
#[must_use]
pub fn in_folder(folder: &Path) -> Option<PathBuf> {
    NAMES.into_iter().map(|name| folder.join(name)).find(|file| system::is_file(file))
}
