//! The KV namespace of the revocation store, and the arguments of wrangler that change it.

use super::Options;
use super::change::Change;
use crate::config::Environment;
use crate::system;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A KV namespace, on this machine or on Cloudflare.
#[derive(Clone, Debug)]
pub(super) struct Store {
    config: PathBuf,
    environment: String,
    binding: String,
    location: Location,
    /// Whether there is a separate namespace for previews. wrangler then needs `--preview`.
    has_preview: bool,
}

#[derive(Clone, Debug)]
enum Location {
    /// On this machine, in wrangler's default directory or in another one.
    Local(Option<PathBuf>),
    Remote,
}

impl Store {
    /// Returns the namespace with this binding in an environment.
    pub(super) fn new(
        options: &Options,
        environment: &Environment<'_>,
        config: &Path,
        binding: &str,
    ) -> Result<Self> {
        let absolute = |path: &Path| {
            system::absolute(path).with_context(|| format!("{} is not a path", path.display()))
        };
        let location = if options.remote {
            Location::Remote
        } else {
            Location::Local(options.persist_to.as_deref().map(absolute).transpose()?)
        };
        let namespaces = environment.own("kv_namespaces");
        let namespaces = namespaces.as_ref().and_then(|list| list.value.as_array());
        let has = |entry: &Value, key: &str| entry.get(key).is_some_and(Value::is_string);
        let has_preview = namespaces.into_iter().flatten().any(|entry| {
            entry.get("binding").and_then(Value::as_str) == Some(binding)
                && has(entry, "id")
                && has(entry, "preview_id")
        });
        Ok(Self {
            config: absolute(config)?,
            environment: environment.name().unwrap_or_default().to_owned(),
            binding: binding.to_owned(),
            location,
            has_preview,
        })
    }

    /// Whether the namespace is on Cloudflare.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.location, Location::Remote)
    }

    /// Returns the arguments of wrangler for a change.
    pub(super) fn arguments(&self, change: &Change) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["kv", "key"].map(OsString::from).to_vec();
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(OsString::from));
        match change {
            Change::Put { key, text, expires_in } => {
                add(&["put", key, text, "--ttl", &expires_in.to_string()]);
            }
            Change::Delete { key } => add(&["delete", key]),
        }
        add(&["--binding", &self.binding, "--env", &self.environment]);
        if self.has_preview {
            // `wrangler dev` reads the namespace for previews.
            add(&["--preview", if self.is_remote() { "false" } else { "true" }]);
        }
        match &self.location {
            Location::Remote => add(&["--remote"]),
            Location::Local(folder) => {
                add(&["--local"]);
                if let Some(folder) = folder {
                    arguments.extend([OsString::from("--persist-to"), folder.into()]);
                }
            }
        }
        arguments.extend([OsString::from("--config"), self.config.clone().into()]);
        arguments
    }
}

impl fmt::Display for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binding, .. } = self;
        match &self.location {
            Location::Remote => write!(formatter, "{binding} on Cloudflare"),
            Location::Local(None) => write!(formatter, "{binding} on this machine"),
            Location::Local(Some(folder)) => {
                write!(formatter, "{binding} on this machine, in {}", folder.display())
            }
        }
    }
}
