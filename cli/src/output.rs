//! What the commands tell the person who runs them: on standard error, so that standard output
//! holds nothing but the result.

use anyhow::Error;
use serde_json::json;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// An error with everything that led to it, one cause a line.
pub fn error(error: &Error) {
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let prefix = if depth == 0 { "error" } else { "  because" };
        text.push_str(&format!("{prefix}: {cause}\n"));
    }
    write(&text);
}

/// Why a command could not do its work, on standard output as JSON if that is asked for; ends with 2.
#[must_use]
pub fn could_not_run(error: &Error, as_json: bool) -> ExitCode {
    if as_json {
        json(&json!({ "error": format!("{error:#}") }));
    } else {
        self::error(error);
    }
    ExitCode::from(2)
}

/// One line beside the result.
pub(crate) fn note(text: &str) {
    write(&format!("note: {text}\n"));
}

/// Text as it is. In one piece, because standard error is not buffered and wrangler begins a new
/// line with whatever arrives from its build.
pub fn write(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// A line of the result, on standard output. Whoever reads it may have stopped reading, as `head` does.
pub fn result(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// The result for a machine, on standard output.
pub(crate) fn json(value: &serde_json::Value) {
    let _ = writeln!(io::stdout(), "{value:#}");
}
