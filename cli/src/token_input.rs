//! Reads a token from standard input or from a file. Commands do not take tokens as arguments,
//! because other users of the machine can see those.

use crate::system;
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// Reads the token from standard input if `dash` is `-`, or else from the file. Removes quotes, the
/// header name and the scheme, which are often copied together with a token. Returns `None` if
/// neither `dash` nor `file` is set.
pub(crate) fn read(dash: Option<&str>, file: Option<&Path>) -> Result<Option<String>> {
    let text = match (dash, file) {
        (None, None) => return Ok(None),
        (Some(token), _) if token != "-" => {
            bail!(
                "other users of this machine can see the arguments of a command: write - instead \
                 of the token, and pass the token on standard input"
            )
        }
        (_, Some(file)) if file.as_os_str() != "-" => system::read_text(file)
            .with_context(|| format!("the token in {} cannot be read", file.display()))?,
        _ => system::read_input_text().context("the token cannot be read from standard input")?,
    };
    let token = trimmed(&text);
    if token.is_empty() {
        bail!("there is no token in the input");
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
    fn quotes_header_name_and_scheme_are_removed() {
        for text in
            ["a.b.c", " a.b.c\n", "Bearer a.b.c", "Authorization: Bearer a.b.c", "\"a.b.c\""]
        {
            assert_eq!(trimmed(text), "a.b.c", "{text:?}");
        }
    }
}
