//! Finds the checkout and the folders in it.

use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// The checkout on which the command works.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the checkout: the folder above this crate if cargo names the crate's folder, else the
    /// current directory or the nearest one above it that is a checkout.
    pub(crate) fn find() -> Result<Self> {
        if let Some(manifest) = env::var_os("CARGO_MANIFEST_DIR")
            && let Some(root) = Path::new(&manifest).parent()
            && is_root(root)
        {
            return Ok(Self { root: root.to_path_buf() });
        }
        let here = env::current_dir().context("the current directory cannot be read")?;
        match here.ancestors().find(|folder| is_root(folder)) {
            Some(root) => Ok(Self { root: root.to_path_buf() }),
            None => bail!("not a checkout of Portcullis: run `cargo xtask` inside one"),
        }
    }

    /// The top folder of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns a path inside the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder of the pinned command-line tools.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("target").join("tools")
    }

    /// The folder of the programs that `npm ci` installed.
    pub(crate) fn node_binaries(&self) -> PathBuf {
        self.root.join("node_modules").join(".bin")
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("xtask").join("Cargo.toml").is_file() && folder.join("wrangler.toml").is_file()
}
