//! A token that is handed to a command: on standard input or in a file, never on the command line.

use anyhow::{Context as _, Result, bail};
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// The token from `-`, which is standard input, or from the file, without what is often copied along
/// with it; none where neither was given.
pub(crate) fn read(dash: Option<&str>, file: Option<&Path>) -> Result<Option<String>> {
    let mut text = String::new();
    match (dash, file) {
        (None, None) => return Ok(None),
        (Some(token), _) if token != "-" => {
            bail!(
                "whoever looks at this machine's processes sees a token on a command line: write - \
                 for it, and give it on standard input"
            )
        }
        (_, Some(file)) if file.as_os_str() != "-" => {
            text = fs::read_to_string(file)
                .with_context(|| format!("the token in {} cannot be read", file.display()))?;
        }
        _ => {
            let read = io::stdin().read_to_string(&mut text);
            read.context("the token cannot be read from standard input")?;
        }
    }
    let token = trimmed(&text);
    if token.is_empty() {
        bail!("there is no token in what was given");
    }
    Ok(Some(token.to_owned()))
}

fn trimmed(text: &str) -> &str {
    let text = text.trim().trim_matches(['"', '\'']);
    let text = text.strip_prefix("Authorization:").map_or(text, str::trim_start);
    text.strip_prefix("Bearer ").unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_out_of_what_was_copied_along() {
        for text in
            ["a.b.c", " a.b.c\n", "Bearer a.b.c", "Authorization: Bearer a.b.c", "\"a.b.c\""]
        {
            assert_eq!(trimmed(text), "a.b.c", "{text:?}");
        }
    }
}
