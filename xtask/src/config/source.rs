//! wrangler.toml as values that know the line they stand on.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A read wrangler.toml.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file's name, for messages.
    pub(crate) name: String,
    /// What it says. A date, which wrangler cannot handle, stands here as text.
    pub(crate) value: Value,
    lines: BTreeMap<String, usize>,
    dates: Vec<String>,
}

impl Source {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        if let Some(rival) = ["wrangler.json", "wrangler.jsonc"]
            .into_iter()
            .find(|rival| name == "wrangler.toml" && path.with_file_name(rival).exists())
        {
            bail!(
                "there is a {rival} beside wrangler.toml, and wrangler would read that one, \
                 unchecked: keep the configuration in wrangler.toml alone"
            );
        }
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::parse(&name, &text)
    }

    /// Reads the file's text.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            anyhow!("{name}:{line}: this is not TOML: {}", error.message())
        })?;
        let mut reader = Reader { text, lines: BTreeMap::new(), dates: Vec::new() };
        let value = reader.table(table.get_ref(), "")?;
        Ok(Self { name: name.to_owned(), value, lines: reader.lines, dates: reader.dates })
    }

    /// The line of the value that a JSON pointer names, or of the nearest one around it.
    pub(crate) fn line(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return Some(*line);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    /// The JSON pointers of all dates.
    pub(crate) fn dates(&self) -> &[String] {
        &self.dates
    }
}

struct Reader<'a> {
    text: &'a str,
    lines: BTreeMap<String, usize>,
    dates: Vec<String>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, pointer: &str) -> Result<Value> {
        let mut map = Map::new();
        for (key, value) in table {
            let inside = format!("{pointer}/{}", escape(key.get_ref()));
            self.lines.insert(inside.clone(), line_of(self.text, key.span().start));
            map.insert(key.get_ref().to_string(), self.value(value, &inside)?);
        }
        Ok(Value::Object(map))
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, pointer: &str) -> Result<Value> {
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Integer(integer) => {
                let digits = integer.as_str().replace('_', "");
                let number = i64::from_str_radix(&digits, integer.radix())
                    .map_err(|_| self.unusable(pointer, "this integer is too large"))?;
                Value::Number(number.into())
            }
            DeValue::Float(float) => {
                let number = float.as_str().replace('_', "").parse::<f64>().ok();
                let number = number.and_then(Number::from_f64);
                Value::Number(number.ok_or_else(|| {
                    self.unusable(pointer, "JSON, and so a variable, has no such number")
                })?)
            }
            DeValue::Datetime(date) => {
                self.dates.push(pointer.to_owned());
                Value::String(date.to_string())
            }
            DeValue::Array(array) => {
                let mut values = Vec::with_capacity(array.len());
                for (index, item) in array.iter().enumerate() {
                    let inside = format!("{pointer}/{index}");
                    self.lines.insert(inside.clone(), line_of(self.text, item.span().start));
                    values.push(self.value(item, &inside)?);
                }
                Value::Array(values)
            }
            DeValue::Table(table) => self.table(table, pointer)?,
        })
    }

    fn unusable(&self, pointer: &str, problem: &str) -> anyhow::Error {
        let line = self.lines.get(pointer).copied().unwrap_or(1);
        anyhow!("line {line}: {}: {problem}", dotted(pointer))
    }
}

/// A key as one step of a JSON pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// `/vars/POLICY/issuers/0/name` is `vars.POLICY.issuers[0].name`.
pub(crate) fn dotted(pointer: &str) -> String {
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
pub(crate) fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        pointer.push('/');
        pointer.push_str(&escape(step.trim_end_matches(']').trim_matches('"')));
    }
    pointer
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
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
        let source = Source::parse("wrangler.toml", TEXT).unwrap();
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
        let source = Source::parse("wrangler.toml", TEXT).unwrap();
        let second = &source.value["vars"]["POLICY"]["issuers"][1];
        assert_eq!(*second, serde_json::json!({ "leeway": 1000, "ratio": 0.5, "mask": 255 }));
        assert_eq!(source.dates(), ["/vars/POLICY/since"]);
    }

    #[test]
    fn what_is_not_toml_is_named_with_its_line() {
        let error = Source::parse("wrangler.toml", "a = 1\nb =\n").unwrap_err().to_string();
        assert!(error.starts_with("wrangler.toml:2: this is not TOML: "), "{error}");
        let error = Source::parse("wrangler.toml", "a = 1\nb = inf\n").unwrap_err().to_string();
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
