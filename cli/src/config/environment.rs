//! One environment of wrangler's configuration, and the location of its settings.

use super::ConfigFile;
use super::file::escape;
use anyhow::{Result, bail};
use serde_json::Value;
use std::fmt;

/// The top level of the configuration, or one `[env.NAME]`.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    file: &'a ConfigFile,
    name: Option<&'a str>,
}

/// A value in the configuration, with its location.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The value.
    pub value: &'a Value,
    /// Its line in the file.
    pub line: Option<usize>,
    /// Its JSON pointer in the file.
    pub pointer: String,
}

impl<'a> Environment<'a> {
    /// Returns the top level and every named environment, or only the environment of the given
    /// name.
    ///
    /// # Errors
    ///
    /// If there is no environment of that name.
    pub fn select(file: &'a ConfigFile, only: Option<&'a str>) -> Result<Vec<Self>> {
        let named = file.value.get("env").and_then(Value::as_object);
        let names = || named.into_iter().flat_map(|environments| environments.keys());
        match only {
            // For wrangler, the empty name is the top level.
            Some("") => Ok(vec![Self { file, name: None }]),
            Some(name) if names().any(|known| known == name) => {
                Ok(vec![Self { file, name: Some(name) }])
            }
            Some(name) => {
                let known: Vec<&str> = names().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                bail!("{} has no environment {name}; its environments: {known}", file.name)
            }
            None => {
                let top = Self { file, name: None };
                Ok([top]
                    .into_iter()
                    .chain(names().map(|name| Self { file, name: Some(name) }))
                    .collect())
            }
        }
    }

    /// The environment's name, or `None` for the top level.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// The file that the environment is in.
    pub fn file(&self) -> &'a ConfigFile {
        self.file
    }

    /// The JSON pointer of the environment's table.
    fn base(&self) -> String {
        self.name.map_or_else(String::new, |name| format!("/env/{}", escape(name)))
    }

    fn at(&self, pointer: String) -> Option<Setting<'a>> {
        let value = self.file.value.pointer(&pointer)?;
        Some(Setting { value, line: self.file.line(&pointer), pointer })
    }

    /// Returns a setting that environments do not inherit, such as `vars`, `secrets` or a binding.
    /// Like wrangler, takes `null` as absent.
    pub fn own(&self, key: &str) -> Option<Setting<'a>> {
        let setting = self.at(format!("{}/{}", self.base(), escape(key)));
        setting.filter(|setting| !setting.value.is_null())
    }

    /// Returns a setting that environments inherit from the top level, such as `routes`,
    /// `workers_dev`, `assets` or `cache`.
    pub fn inherited(&self, key: &str) -> Option<Setting<'a>> {
        let top = Self { file: self.file, name: None };
        self.own(key).or_else(|| top.own(key))
    }

    /// Returns a variable.
    pub fn variable(&self, name: &str) -> Option<Setting<'a>> {
        self.at(format!("{}/vars/{}", self.base(), escape(name)))
    }

    /// The line of the environment's table, for findings about missing settings.
    pub fn line(&self) -> Option<usize> {
        self.file.line(&self.base())
    }

    /// The line of a value below `vars`, or of the nearest value that contains it.
    pub fn variable_line(&self, pointer: &str) -> Option<usize> {
        self.file.line(&format!("{}/vars{pointer}", self.base()))
    }

    /// The JSON pointers of TOML dates, relative to `vars`.
    pub fn dates(&self) -> impl Iterator<Item = &'a str> {
        let base = format!("{}/vars", self.base());
        self.file.dates().iter().filter_map(move |date| date.strip_prefix(base.as_str()))
    }

    /// Whether a list of bindings such as `services` declares a binding of that name.
    pub fn declares(&self, kind: &str, binding: &str) -> bool {
        self.own(kind).and_then(|list| list.value.as_array()).is_some_and(|list| {
            // Rate limiters have the member `name` instead of `binding`.
            let name = |entry: &Value| {
                let name = entry.get("binding").or_else(|| entry.get("name"));
                name.and_then(Value::as_str) == Some(binding)
            };
            list.iter().any(name)
        })
    }
}

impl<'a> Environment<'a> {
    /// Returns the binding of a namespace of Durable Objects.
    pub fn durable_object(&self, binding: &str) -> Option<Setting<'a>> {
        let bindings = self.own("durable_objects")?;
        let is_named = |entry: &Value| entry.get("name").and_then(Value::as_str) == Some(binding);
        let index = bindings.value.get("bindings")?.as_array()?.iter().position(is_named)?;
        self.at(format!("{}/bindings/{index}", bindings.pointer))
    }
}

impl fmt::Display for Environment<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            None => formatter.write_str("top level"),
            Some(name) => write!(formatter, "env.{name}"),
        }
    }
}
