//! The configuration as values that know the line they stand on.

use super::NAMES;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// A read configuration.
#[derive(Debug)]
pub struct ConfigFile {
    /// The file's name, for messages.
    pub name: String,
    /// What it says. A date of TOML's, which wrangler cannot handle, stands here as text.
    pub value: Value,
    lines: BTreeMap<String, usize>,
    dates: Vec<String>,
}

impl ConfigFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, is not of the form that its name says, or where wrangler would read
    /// another one in the same folder instead.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let preferred = NAMES.into_iter().take_while(|preferred| *preferred != name);
        if NAMES.contains(&name.as_str())
            && let Some(rival) = preferred.into_iter().find(|one| path.with_file_name(one).exists())
        {
            bail!(
                "there is a {rival} beside {name}, and wrangler would read that one, unchecked: keep \
                 the configuration in one of them alone"
            );
        }
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&name, &text)
    }

    /// Reads the file's text, by the form that its name says: JSON with comments for `.json` and
    /// `.jsonc`, else TOML.
    ///
    /// # Errors
    ///
    /// What stands in the way, with its line.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let extension = Path::new(name).extension().and_then(OsStr::to_str);
        if matches!(extension, Some("json" | "jsonc")) {
            super::json::parse(name, text)
        } else {
            super::toml::parse(name, text)
        }
    }

    pub(super) fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, value: Value::Null, lines: BTreeMap::new(), dates: Vec::new() }
    }

    pub(super) fn note_line(&mut self, pointer: &str, line: usize) {
        self.lines.insert(pointer.to_owned(), line);
    }

    pub(super) fn note_date(&mut self, pointer: &str) {
        self.dates.push(pointer.to_owned());
    }

    /// The line of the value that a JSON pointer names, or of the nearest one around it.
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

    /// The JSON pointers of all dates.
    pub fn dates(&self) -> &[String] {
        &self.dates
    }
}

/// A key as one step of a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// `/vars/POLICY/issuers/0/name` is `vars.POLICY.issuers[0].name`.
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

/// `issuers[0].name` is `/issuers/0/name`. The reverse of [`dotted`].
pub fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        pointer.push('/');
        pointer.push_str(&escape(step.trim_end_matches(']').trim_matches('"')));
    }
    pointer
}

/// The line, counted from one, of a place in a text.
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
    fn values_know_their_lines() {
        let source = ConfigFile::parse("wrangler.toml", TEXT).unwrap();
        assert_eq!(source.line("/name"), Some(1));
        assert_eq!(source.line("/vars/POLICY/issuers/0/name"), Some(7));
        assert_eq!(source.line("/vars/POLICY/issuers/0/keys/secret"), Some(8));
        assert_eq!(source.line("/vars/POLICY/issuers/1/leeway"), Some(11));
        // What is not there has the line of what is around it.
        assert_eq!(source.line("/vars/POLICY/issuers/0/keys/secret/0"), Some(8));
        assert_eq!(source.line("/vars/POLICY/issuers/1/nothing"), Some(10));
        assert_eq!(source.line("/nothing"), None);
    }

    #[test]
    fn values_are_those_of_json() {
        let source = ConfigFile::parse("wrangler.toml", TEXT).unwrap();
        let second = &source.value["vars"]["POLICY"]["issuers"][1];
        assert_eq!(*second, serde_json::json!({ "leeway": 1000, "ratio": 0.5, "mask": 255 }));
        assert_eq!(source.dates(), ["/vars/POLICY/since"]);
    }

    #[test]
    fn what_is_not_toml_is_named_with_its_line() {
        let error = ConfigFile::parse("wrangler.toml", "a = 1\nb =\n").unwrap_err().to_string();
        assert!(error.starts_with("wrangler.toml:2: this is not TOML: "), "{error}");
        let error = ConfigFile::parse("wrangler.toml", "a = 1\nb = inf\n").unwrap_err().to_string();
        assert_eq!(error, "line 2: b: JSON, and so a variable, has no such number");
    }

    #[test]
    fn paths_and_pointers_are_two_spellings() {
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
