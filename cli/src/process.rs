//! Runs other programs.

use super::output;
use anyhow::{Result, anyhow, bail};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::iter;
use std::path::Path;
use std::process::{Command, Stdio};

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
    let status = command.status().map_err(|error| not_started(command, error))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command and returns its output. Prints the output only if the command fails.
///
/// # Errors
///
/// If the command cannot be started or fails.
pub fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| not_started(command, error))?;
    let mut written = String::from_utf8_lossy(&output.stdout).into_owned();
    written.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        output::write(&written);
        bail!("`{}` failed ({})", shown(command), output.status);
    }
    Ok(written)
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
        anyhow!("`{}` is not installed or not on the PATH", name(command))
    } else {
        anyhow!(error).context(format!("`{}` could not be started", shown(command)))
    }
}
