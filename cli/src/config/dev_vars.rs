//! `.dev.vars`, from which wrangler reads the secrets for local use. It is a dotenv file, and this
//! module parses it as wrangler does.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The secrets for local use.
#[derive(Clone, Debug, Default)]
pub struct DevVars {
    /// The name of the file, for messages, or `None` if there is no file.
    pub file: Option<String>,
    /// The values by the names of their bindings.
    pub values: BTreeMap<String, String>,
}

impl DevVars {
    /// Reads the file that `wrangler dev` would read: the environment's own file if there is one,
    /// or else `.dev.vars`.
    ///
    /// # Errors
    ///
    /// If the file exists and cannot be read.
    pub fn read(folder: &Path, environment: Option<&str>) -> Result<Self> {
        let own = environment.map(|name| format!(".dev.vars.{name}"));
        for name in own.into_iter().chain([".dev.vars".to_owned()]) {
            let path = folder.join(&name);
            match fs::read_to_string(&path) {
                Ok(text) => return Ok(Self { file: Some(name), values: parse(&text) }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("{} cannot be read", path.display()));
                }
            }
        }
        Ok(Self::default())
    }
}

/// Parses a dotenv file. Like wrangler, ignores lines that are not assignments.
fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut values = BTreeMap::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let line = rest.lines().next().unwrap_or_default();
        let Some((name, unquoted)) = assignment(line) else {
            rest = after_line(rest);
            continue;
        };
        // A quoted value may continue on the next lines.
        let before = line.len().saturating_sub(unquoted.len());
        let value = rest.get(before..).unwrap_or_default();
        if let Some((value, behind)) = quoted(value) {
            values.insert(name.to_owned(), value);
            rest = after_line(behind);
        } else {
            let value = unquoted.split('#').next().unwrap_or_default();
            values.insert(name.to_owned(), value.trim().to_owned());
            rest = after_line(rest);
        }
    }
    values
}

/// Returns the name that a line assigns, and the rest of the line from the value on.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))?;
    let (name, rest) = line.split_at(end);
    let value = match rest.strip_prefix(": ") {
        Some(value) => value,
        None => rest.trim_start().strip_prefix('=')?,
    };
    (!name.is_empty()).then_some((name, value.trim_start()))
}

/// Returns the quoted value at the start of the text, and the text after its closing quote. Returns
/// `None` if its last line contains anything but a comment after the quote. Only double quotes
/// allow the escapes `\n` and `\r`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut characters = text.chars();
    let quote = characters.next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let inside = characters.as_str();
    let mut escaped = false;
    let end = inside.find(|c| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    let (value, behind) = inside.split_at_checked(end)?;
    let behind = behind.strip_prefix(quote)?;
    let trailing = behind.lines().next().unwrap_or_default().trim();
    if !(trailing.is_empty() || trailing.starts_with('#')) {
        return None;
    }
    let value = if quote == '"' {
        value.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        value.to_owned()
    };
    Some((value, behind))
}

fn after_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, next)| next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(parse(text), expected, "{text:?}");
    }

    /// The expected values come from the dotenv package that wrangler uses.
    #[test]
    fn dotenv_files_are_parsed_as_wrangler_parses_them() {
        check("", &[]);
        check("# a comment\n\nA=1\r\nB = two words  # said\n", &[("A", "1"), ("B", "two words")]);
        check("export A=1\nB: 2\n", &[("A", "1"), ("B", "2")]);
        check("A='one # two'\nB=\"x\" # y\n", &[("A", "one # two"), ("B", "x")]);
        check("A=\"one\\ntwo\"\nB='one\\ntwo'\n", &[("A", "one\ntwo"), ("B", "one\\ntwo")]);
        check("KEY=\"-----\nabc\n-----\"\nB=2", &[("KEY", "-----\nabc\n-----"), ("B", "2")]);
        check("A=\nB=''\nnothing\n=x\n", &[("A", ""), ("B", "")]);
        check("A=it's\nB=2\n", &[("A", "it's"), ("B", "2")]);
        check("A=a=b==\n", &[("A", "a=b==")]);
    }
}
