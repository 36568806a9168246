//! Functions to run other programs, in addition to those of `portcullis-cli`.

use anyhow::{Context, Result, bail};
use portcullis_cli::process::not_started;
pub(crate) use portcullis_cli::process::{capture, run, run_quietly, shown};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, iter};

/// Runs a command, shows its output to the user, and calls `see` with each line of its standard
/// output.
pub(crate) fn run_watched(command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, error))?;
    let output = child.stdout.take().context("the program's output cannot be read")?;
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("the program's output cannot be read")? > 0 {
        // The reader of our output may have closed it; the program continues.
        let _ = io::stdout().write_all(&line);
        see(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().context("cannot wait for the program")?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command and returns its standard output. Its standard error is shown to the user.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(command, error))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", shown(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something other than text", shown(command)))
}

/// Returns the path of a program on the PATH, or `None`. On Windows, npm is `npm.cmd`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &["exe", "cmd", "bat"] } else { &[""] };
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| {
            endings.iter().map(move |ending| folder.join(program).with_extension(ending))
        })
        .find(|candidate| candidate.is_file())
}

/// Returns the PATH with one folder in front.
pub(crate) fn path_with(first: &Path) -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(iter::once(first.to_path_buf()).chain(env::split_paths(&path)))
        .context("the path of the checkout contains a character that PATH cannot contain")
}
