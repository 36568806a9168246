//! Runs other programs.

use super::{output, system};
use anyhow::{Result, anyhow, bail};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::iter;
use std::path::Path;
use std::process::Command;

/// The program's name without its directory, for messages.
fn name(command: &Command) -> String {
    Path::new(command.get_program())
        .file_name()
        .unwrap_or_else(|| command.get_program())
        .to_string_lossy()
        .into_owned()
}

/// The command line, for messages.
#[must_use]
pub fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy).map(|argument| {
        if argument.contains(char::is_whitespace) {
            format!("\"{argument}\"")
        } else {
            argument.into_owned()
        }
    });
    iter::once(name(command)).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Runs a command and lets it write to the terminal.
///
/// # Errors
///
/// If the command cannot be started or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let ended = system::run(command).map_err(|error| not_started(command, error))?;
    if !ended.is_success {
        bail!("`{}` failed ({})", shown(command), ended.status);
    }
    Ok(())
}

/// Runs a command and returns its output. Prints the output only if the command fails.
///
/// # Errors
///
/// If the command cannot be started or fails.
pub fn capture(command: &mut Command) -> Result<String> {
    let ended = system::capture(command).map_err(|error| not_started(command, error))?;
    if !ended.is_success {
        output::write(&ended.output);
        bail!("`{}` failed ({})", shown(command), ended.status);
    }
    Ok(ended.output)
}

/// Runs a command and prints its output only if the command fails.
///
/// # Errors
///
/// If the command cannot be started or fails.
pub fn run_quietly(command: &mut Command) -> Result<()> {
    capture(command).map(drop)
}

/// The error for a command that could not be started.
#[must_use]
pub fn not_started(command: &Command, error: io::Error) -> anyhow::Error {
    if error.kind() == ErrorKind::NotFound {
        let install = match name(command).as_str() {
            "wrangler" => ": run `npm install --save-dev wrangler`",
            _ => "",
        };
        anyhow!("`{}` is not installed or not on the PATH{install}", name(command))
    } else {
        anyhow!(error).context(format!("`{}` could not be started", shown(command)))
    }
}
