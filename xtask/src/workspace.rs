//! Where the checkout is, and where in it things lie.

use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};

/// The checkout that the command works on.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the checkout: from cargo, which says where this crate is, else upwards from the
    /// current directory.
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
            None => bail!("this is no checkout of Portcullis: run `cargo xtask` inside one"),
        }
    }

    /// The checkout's top folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where the pinned command line tools are installed.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("target").join("tools")
    }

    /// What `npm ci` installed that can be run.
    pub(crate) fn node_binaries(&self) -> PathBuf {
        self.root.join("node_modules").join(".bin")
    }
}

fn is_root(folder: &Path) -> bool {
    folder.join("xtask").join("Cargo.toml").is_file() && folder.join("wrangler.toml").is_file()
}
