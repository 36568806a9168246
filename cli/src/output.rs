//! Output of the commands. Messages go to standard error, so that standard output contains only the
//! result.

use crate::outcome::Outcome;
use crate::system;
use anyhow::Error;
use serde_json::json;

/// Prints an error and its causes, one per line.
pub fn error(error: &Error) {
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let prefix = if depth == 0 { "error" } else { "  caused by" };
        text.push_str(&format!("{prefix}: {cause}\n"));
    }
    write(&text);
}

/// Prints why a command could not run, and returns [`Outcome::CouldNotRun`]. The error is JSON on
/// standard output if `as_json` is set.
#[must_use]
pub fn could_not_run(error: &Error, as_json: bool) -> Outcome {
    if as_json {
        json(&json!({ "error": format!("{error:#}") }));
    } else {
        self::error(error);
    }
    Outcome::CouldNotRun
}

/// Prints a note on standard error.
pub(crate) fn note(text: &str) {
    write(&format!("note: {text}\n"));
}

/// Prints text unchanged on standard error. Writes it in one call, because standard error is not
/// buffered and wrangler starts a new line for each write of its build command.
pub fn write(text: &str) {
    system::print_error(text);
}

/// Prints a line of the result on standard output.
pub fn result(text: &str) {
    system::print(&format!("{text}\n"));
}

/// Prints the result as JSON on standard output.
pub(crate) fn json(value: &serde_json::Value) {
    system::print(&format!("{value:#}\n"));
}
