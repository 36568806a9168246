//! Running other programs, besides what the library knows of that.

use anyhow::{Context, Result, bail};
use portcullis_cli::process::not_started;
pub(crate) use portcullis_cli::process::{capture, run, run_quietly, shown};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, iter};

/// Runs a command in view of the user, and hands on what it writes on standard output line by line.
pub(crate) fn run_watched(command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, error))?;
    let output = child.stdout.take().context("a program has no output to read")?;
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("a program's output cannot be read")? > 0 {
        // Whoever reads ours may have stopped reading; the program goes on all the same.
        let _ = io::stdout().write_all(&line);
        see(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child.wait().context("a program cannot be waited for")?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// What a command writes on standard output; its standard error goes to the user.
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

/// A program that lies on the PATH, if one does. Windows hides npm behind `npm.cmd`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &["exe", "cmd", "bat"] } else { &[""] };
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| {
            endings.iter().map(move |ending| folder.join(program).with_extension(ending))
        })
        .find(|candidate| candidate.is_file())
}

/// The PATH with one folder put first.
pub(crate) fn path_with(first: &Path) -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths(iter::once(first.to_path_buf()).chain(env::split_paths(&path)))
        .context("the checkout's path holds a character that a PATH cannot")
}
