//! The secrets for local use. `wrangler dev` reads them from `.dev.vars` or from `.env` files, and
//! this module chooses and reads the files as wrangler does.
//!
//! `cli/tests/dev-vars.json` has examples. Tests compare this module and wrangler with them.

use super::Environment;
use crate::system;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

mod dotenv;

/// Whether to read `.env` files if there is no `.dev.vars`. The default is `true`.
const LOAD_DOT_ENV: &str = "CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV";

/// Whether the variables of the process are secrets too if `.env` files are read. The default is
/// `false`.
const INCLUDE_PROCESS: &str = "CLOUDFLARE_INCLUDE_PROCESS_ENV";

/// The secrets for local use.
#[derive(Clone, Debug, Default)]
pub struct DevVars {
    /// The name of the file, for messages, or `None` if there is no file. If several `.env` files
    /// are read, this is the first one.
    pub file: Option<String>,
    /// The values by the names of their bindings.
    pub values: BTreeMap<String, String>,
}

impl DevVars {
    /// Reads the secrets that `wrangler dev` would give to the Worker in an environment, from the
    /// files beside the configuration:
    ///
    /// 1. `.dev.vars.NAME` of the environment, or else `.dev.vars`;
    /// 2. if there is neither, `.env`, `.env.local`, `.env.NAME` and `.env.NAME.local` together.
    ///
    /// If the configuration lists `secrets`, only the listed names and those of `vars` are read.
    ///
    /// # Errors
    ///
    /// If `.dev.vars` exists and cannot be read, or if a variable of the process that wrangler
    /// reads as `true` or `false` is neither.
    pub fn read(environment: &Environment<'_>) -> Result<Self> {
        let process = system::variables().into_iter().collect();
        // wrangler adds the `.env` files of the current directory to its own process first.
        let process = dotenv::load(Path::new(""), &dot_env_files(environment.name()), process)?;
        Self::read_with(environment, process)
    }

    /// Reads the secrets as a process with these variables does.
    ///
    /// # Errors
    ///
    /// As [`DevVars::read`].
    pub fn read_with(
        environment: &Environment<'_>,
        process: BTreeMap<String, String>,
    ) -> Result<Self> {
        let folder = environment.file().folder();
        let own = environment.name().map(|name| format!(".dev.vars.{name}"));
        for name in own.into_iter().chain([".dev.vars".to_owned()]) {
            let path = folder.join(&name);
            match system::read(&path) {
                Ok(bytes) => {
                    let values = dotenv::parse(&String::from_utf8_lossy(&bytes))?;
                    let values = values.into_iter().collect();
                    return Ok(Self { file: Some(name), values }.listed(environment));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be read", path.display()));
                }
            }
        }
        if !flag(&process, LOAD_DOT_ENV, true)? {
            return Ok(Self::default());
        }
        let includes_process =
            flag(&process, INCLUDE_PROCESS, false)? || environment.own("secrets").is_some();
        let process = if includes_process { process } else { BTreeMap::new() };
        let files = dot_env_files(environment.name());
        let file = files.iter().find(|name| system::is_file(&folder.join(name))).cloned();
        let values = dotenv::load(folder, &files, process)?;
        Ok(Self { file, values }.listed(environment))
    }

    /// Keeps only the values that the environment's `secrets` or `vars` name, if it has `secrets`.
    fn listed(mut self, environment: &Environment<'_>) -> Self {
        let Some(secrets) = environment.own("secrets") else { return self };
        let required = secrets.value.get("required").and_then(Value::as_array);
        let listed: BTreeSet<&str> =
            required.into_iter().flatten().filter_map(Value::as_str).collect();
        self.values.retain(|name, _| {
            listed.contains(name.as_str()) || environment.variable(name).is_some()
        });
        self
    }
}

/// The `.env` files of an environment. A later file overrides an earlier one.
fn dot_env_files(environment: Option<&str>) -> Vec<String> {
    let mut files = vec![".env".to_owned(), ".env.local".to_owned()];
    files.extend(environment.map(|name| format!(".env.{name}")));
    files.extend(environment.map(|name| format!(".env.{name}.local")));
    files
}

fn flag(process: &BTreeMap<String, String>, name: &str, default: bool) -> Result<bool> {
    match process.get(name).map(|value| value.to_ascii_lowercase()).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => bail!("the environment variable {name} must be \"true\" or \"false\""),
    }
}
