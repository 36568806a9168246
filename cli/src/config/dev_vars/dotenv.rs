//! The syntax of dotenv files, and how their values refer to other values.
//!
//! wrangler reads these files with the npm packages dotenv 16.3.1 and dotenv-expand 12.0.2. Their
//! results in unusual cases follow from their regular expressions, so this module has the same
//! expressions.

use crate::system;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// An assignment. The flag `m` applies.
const LINE: &str = concat!(
    r"(?:^|^)\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)",
    r#"(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?"#,
    r"\s*(?:#.*)?(?:$|$)",
);

/// A value in quotes. The flag `m` applies.
const QUOTED: &str = r#"^(['"`])([\s\S]*)\1$"#;

/// What JavaScript's `trim` removes.
const SPACE: &str = r"^\s+|\s+$";

/// A reference to another value: `$NAME`, `${NAME}`, `${NAME:-default}` or `${NAME:+other}`.
const REFERENCE: &str = r"(?<!\\)\$\{([^{}]+)\}|(?<!\\)\$([A-Za-z_][A-Za-z0-9_]*)";

/// What separates a name from its default.
const OPERATOR: &str = r":\+|\+|:-|-";

/// How many references of one value are replaced. The values of a file cannot refer to each other
/// in a circle, but variables of the process can, and wrangler would then not end.
const MOST_REFERENCES: usize = 1000;

/// Parses a file, and returns its values in the order of their names' first appearance.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut values = Vec::new();
    for found in system::matches(LINE, "m", &text)? {
        let name = found.group(1).unwrap_or_default();
        let written = found.group(2).unwrap_or_default();
        let written = system::replace_all(SPACE, "", written, "")?;
        let mut value = system::replace_all(QUOTED, "m", &written, "$2")?;
        if written.starts_with('"') {
            value = value.replace("\\n", "\n").replace("\\r", "\r");
        }
        set(&mut values, name, value);
    }
    Ok(values)
}

fn set(values: &mut Vec<(String, String)>, name: &str, value: String) {
    match values.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value,
        None => values.push((name.to_owned(), value)),
    }
}

/// Reads files of a folder, of which later ones override earlier ones, and adds their values to
/// those of the process. Values of the process have precedence. Ignores files that cannot be read.
pub(super) fn load(
    folder: &Path,
    files: &[String],
    mut process: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let mut written = Vec::new();
    for file in files {
        let Ok(bytes) = system::read(&folder.join(file)) else { continue };
        for (name, value) in parse(&String::from_utf8_lossy(&bytes))? {
            set(&mut written, &name, value);
        }
    }
    let mut earlier = BTreeMap::new();
    for (name, value) in written {
        let value = match process.get(&name) {
            Some(own) if !own.is_empty() && *own != value => own.clone(),
            Some(_) | None => expand(&value, &process, &earlier)?,
        };
        earlier.insert(name, value.replace("\\$", "$"));
    }
    process.extend(earlier);
    Ok(process)
}

/// Replaces the references of a value to variables of the process and to earlier values.
fn expand(
    value: &str,
    process: &BTreeMap<String, String>,
    earlier: &BTreeMap<String, String>,
) -> Result<String> {
    let mut result = value.to_owned();
    let mut seen = BTreeSet::new();
    for _ in 0..MOST_REFERENCES {
        let references = system::matches(REFERENCE, "", &result)?;
        let Some(found) = references.first() else { break };
        seen.insert(result.clone());
        let template = found.group(0).unwrap_or_default();
        let expression = found.group(1).or(found.group(2)).unwrap_or_default();
        let operators = system::matches(OPERATOR, "", expression)?;
        let operator = operators.first().and_then(|operator| operator.group(0));
        // The package splits at `null` if there is no operator, which JavaScript takes as text.
        let (name, default) =
            expression.split_once(operator.unwrap_or("null")).unwrap_or((expression, ""));
        let known = process.get(name).or_else(|| earlier.get(name)).filter(|one| !one.is_empty());
        let replacement = match (operator, known) {
            (Some(":+" | "+"), Some(_)) => default,
            (Some(":+" | "+"), None) => "",
            (_, Some(known)) if !seen.contains(known) => known,
            (_, Some(_) | None) => default,
        };
        let next = replace_first(&result, template, replacement);
        let is_final = earlier.get(name) == Some(&next);
        result = next;
        if is_final {
            break;
        }
    }
    Ok(result)
}

/// Replaces the first occurrence of a text as JavaScript's `replace` does, which gives a meaning to
/// `$$`, `$&`, `` $` `` and `$'` in the replacement.
fn replace_first(text: &str, template: &str, replacement: &str) -> String {
    let Some((before, after)) = text.split_once(template) else { return text.to_owned() };
    let mut replaced = before.to_owned();
    let mut rest = replacement;
    while let Some((plain, special)) = rest.split_once('$') {
        replaced.push_str(plain);
        let mut characters = special.chars();
        let meaning = match characters.next() {
            Some('$') => "$",
            Some('&') => template,
            Some('`') => before,
            Some('\'') => after,
            Some(_) | None => {
                replaced.push('$');
                rest = special;
                continue;
            }
        };
        replaced.push_str(meaning);
        rest = characters.as_str();
    }
    replaced.push_str(rest);
    replaced.push_str(after);
    replaced
}
