//! The options that name a configuration file and one of its environments.

use super::{ConfigFile, Environment, locate};
use anyhow::{Context as _, Result};
use clap::Args;
use std::path::PathBuf;

/// Names a configuration file and one of its environments.
#[derive(Args, Clone, Debug, Default)]
pub struct Selection {
    /// Use the policy of this environment [default: the top level]
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// The configuration file [default: the nearest one]; secrets are read from .dev.vars or .env
    /// beside it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Selection {
    /// Reads the named configuration, or else the nearest one.
    ///
    /// # Errors
    ///
    /// If there is none, or if it cannot be read.
    pub fn read(&self) -> Result<ConfigFile> {
        ConfigFile::read(&locate(self.config.as_deref())?)
    }

    /// Returns the named environment, or else the top level.
    ///
    /// # Errors
    ///
    /// If there is no environment of that name.
    pub fn environment<'a>(&'a self, file: &'a ConfigFile) -> Result<Environment<'a>> {
        let name = self.env.as_deref().unwrap_or_default();
        let selected = Environment::select(file, Some(name))?;
        selected.first().copied().context("no environment was selected")
    }
}
