//! Output of the commands. Messages go to standard error, so that standard output contains only the
//! result.

use anyhow::Error;
use serde_json::json;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Prints an error and its causes, one per line.
pub fn error(error: &Error) {
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let prefix = if depth == 0 { "error" } else { "  caused by" };
        text.push_str(&format!("{prefix}: {cause}\n"));
    }
    write(&text);
}

/// Prints why a command could not run, and returns exit code 2. The error is JSON on standard
/// output if `as_json` is set.
#[must_use]
pub fn could_not_run(error: &Error, as_json: bool) -> ExitCode {
    if as_json {
        json(&json!({ "error": format!("{error:#}") }));
    } else {
        self::error(error);
    }
    ExitCode::from(2)
}

/// Prints a note on standard error.
pub(crate) fn note(text: &str) {
    write(&format!("note: {text}\n"));
}

/// Prints text unchanged on standard error. Writes it in one call, because standard error is not
/// buffered and wrangler starts a new line for each write of its build command.
pub fn write(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Prints a line of the result on standard output. Ignores errors, because the reader may have
/// closed the pipe, as `head` does.
pub fn result(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints the result as JSON on standard output.
pub(crate) fn json(value: &serde_json::Value) {
    let _ = writeln!(io::stdout(), "{value:#}");
}
