//! The configuration file: its values and their lines.

use super::NAMES;
use crate::system;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// A parsed configuration file.
#[derive(Debug)]
pub struct ConfigFile {
    /// The file's name, for messages.
    pub name: String,
    path: PathBuf,
    /// The content. TOML dates, which wrangler cannot handle, are text.
    pub value: Value,
    lines: BTreeMap<String, usize>,
    dates: Vec<String>,
}

impl ConfigFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or parsed, or if wrangler would read another file in the same
    /// directory instead.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let preferred = NAMES.into_iter().take_while(|preferred| *preferred != name);
        if NAMES.contains(&name.as_str())
            && let Some(rival) =
                preferred.into_iter().find(|one| system::exists(&path.with_file_name(one)))
        {
            bail!(
                "there is a {rival} beside {name}, and wrangler would read {rival}: keep only one \
                 of the two files"
            );
        }
        let text = system::read_text(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let absolute =
            system::absolute(path).with_context(|| format!("{} is not a path", path.display()))?;
        Ok(Self { path: absolute, ..Self::parse(&name, &text)? })
    }

    /// Parses the text of a file: JSON with comments if its name ends with `.json` or `.jsonc`, or
    /// else TOML.
    ///
    /// # Errors
    ///
    /// The first syntax error, with its line.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        // Like wrangler, ignores a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let extension = Path::new(name).extension().and_then(OsStr::to_str);
        if matches!(extension, Some("json" | "jsonc")) {
            super::json::parse(name, text)
        } else {
            super::toml::parse(name, text)
        }
    }

    pub(super) fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self {
            name,
            path: PathBuf::new(),
            value: Value::Null,
            lines: BTreeMap::new(),
            dates: Vec::new(),
        }
    }

    /// The absolute path of the file. Empty if the text did not come from a file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of the file. Paths in the file are relative to it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The configuration that `wrangler deploy` reads instead of this one, because a build tool
    /// wrote `.wrangler/deploy/config.json`
    /// (<https://developers.cloudflare.com/workers/wrangler/configuration/#generated-wrangler-configuration>).
    #[must_use]
    pub fn redirect(&self) -> Option<PathBuf> {
        if self.path.as_os_str().is_empty() {
            return None;
        }
        let folder = self.folder().join(".wrangler").join("deploy");
        let text = system::read_text(&folder.join("config.json")).ok()?;
        let redirect = Self::parse("config.json", &text).ok()?;
        Some(resolved(&folder.join(redirect.value.get("configPath")?.as_str()?)))
    }

    pub(super) fn note_line(&mut self, pointer: &str, line: usize) {
        self.lines.insert(pointer.to_owned(), line);
    }

    pub(super) fn note_date(&mut self, pointer: &str) {
        self.dates.push(pointer.to_owned());
    }

    /// Returns the line of a value by its JSON pointer, or of the nearest value that contains it.
    #[must_use]
    pub fn line(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return Some(*line);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }

    /// The JSON pointers of all TOML dates.
    pub fn dates(&self) -> &[String] {
        &self.dates
    }
}

/// The path without `.` and `..`.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(resolved.pop()),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                resolved.push(component);
            }
        }
    }
    resolved
}

/// Escapes a key for a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Converts a JSON pointer such as `/vars/POLICY/issuers/0/name` to the path
/// `vars.POLICY.issuers[0].name`.
pub fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if step.parse::<usize>().is_ok() {
            path.push_str(&format!("[{step}]"));
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    path
}

/// Converts a path such as `issuers[0].name` to the JSON pointer `/issuers/0/name`. The reverse of
/// [`dotted`].
pub fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        pointer.push('/');
        pointer.push_str(&escape(step.trim_end_matches(']').trim_matches('"')));
    }
    pointer
}

/// Returns the line of an offset in a text, counted from one.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
name = \"gate\"

[vars.POLICY]
since = 2026-01-01

[[vars.POLICY.issuers]]
name = \"a\"
keys = { secret = \"A\" }

[[vars.POLICY.issuers]]
leeway = 1_000
ratio = 0.5
mask = 0xff
";

    #[test]
    fn values_have_lines() {
        let config_file = ConfigFile::parse("wrangler.toml", TEXT).unwrap();
        assert_eq!(config_file.line("/name"), Some(1));
        assert_eq!(config_file.line("/vars/POLICY/issuers/0/name"), Some(7));
        assert_eq!(config_file.line("/vars/POLICY/issuers/0/keys/secret"), Some(8));
        assert_eq!(config_file.line("/vars/POLICY/issuers/1/leeway"), Some(11));
        // A missing value has the line of the nearest value that would contain it.
        assert_eq!(config_file.line("/vars/POLICY/issuers/0/keys/secret/0"), Some(8));
        assert_eq!(config_file.line("/vars/POLICY/issuers/1/nothing"), Some(10));
        assert_eq!(config_file.line("/nothing"), None);
    }

    #[test]
    fn toml_values_become_json_values() {
        let config_file = ConfigFile::parse("wrangler.toml", TEXT).unwrap();
        let second = &config_file.value["vars"]["POLICY"]["issuers"][1];
        assert_eq!(*second, serde_json::json!({ "leeway": 1000, "ratio": 0.5, "mask": 255 }));
        assert_eq!(config_file.dates(), ["/vars/POLICY/since"]);
    }

    #[test]
    fn invalid_toml_is_reported_with_its_line() {
        let error = ConfigFile::parse("wrangler.toml", "a = 1\nb =\n").unwrap_err().to_string();
        assert!(error.starts_with("wrangler.toml:2: this is not TOML: "), "{error}");
        let error = ConfigFile::parse("wrangler.toml", "a = 1\nb = inf\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "line 2: b: JSON has no such number, so a variable cannot have this value"
        );
    }

    #[test]
    fn paths_convert_to_pointers_and_back() {
        for (path, expected) in [
            ("issuers[0].keys.secret", "/issuers/0/keys/secret"),
            ("issuers[12].audience[1]", "/issuers/12/audience/1"),
            ("forward.claims.X-Auth-Subject", "/forward/claims/X-Auth-Subject"),
            ("origin", "/origin"),
        ] {
            assert_eq!(pointer(path), expected);
            assert_eq!(dotted(expected), path);
        }
    }
}
