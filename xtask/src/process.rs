//! Running other programs.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, iter};

use anyhow::{Context, Result, anyhow, bail};

/// The program's name for messages: without its folder.
fn name(command: &Command) -> String {
    Path::new(command.get_program())
        .file_name()
        .unwrap_or_else(|| command.get_program())
        .to_string_lossy()
        .into_owned()
}

/// The command as one would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy).map(|argument| {
        if argument.contains(char::is_whitespace) {
            format!("\"{argument}\"")
        } else {
            argument.into_owned()
        }
    });
    iter::once(name(command)).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Runs a command in view of the user. Anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, error))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

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

/// Runs a command out of sight and returns all that it wrote; shows that if it fails.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| not_started(command, error))?;
    let mut written = String::from_utf8_lossy(&output.stdout).into_owned();
    written.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        eprint!("{written}");
        bail!("`{}` failed ({})", shown(command), output.status);
    }
    Ok(written)
}

/// Runs a command out of sight and shows what it wrote only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    capture(command).map(drop)
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

fn not_started(command: &Command, error: io::Error) -> anyhow::Error {
    if error.kind() == ErrorKind::NotFound {
        anyhow!("`{}` is not installed, or not on the PATH", name(command))
    } else {
        anyhow!(error).context(format!("`{}` could not be started", shown(command)))
    }
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
