//! Functions to run other programs, in addition to those of `portcullis-cli`.

use anyhow::{Context, Result, bail};
use portcullis_cli::process::not_started;
pub(crate) use portcullis_cli::process::{capture, run, run_quietly, shown};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, fmt, iter, thread};

/// The interval between checks of whether a command has ended or has to be stopped.
pub(crate) const TICK: Duration = Duration::from_millis(100);

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

/// Tells the steps that run at the same time to end, because one of them failed or because the
/// command ends.
#[derive(Debug, Default)]
pub(crate) struct Stop(AtomicBool);

impl Stop {
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The error of a command that was ended because of [`Stop`].
#[derive(Debug)]
pub(crate) struct Stopped(String);

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` was stopped", self.0)
    }
}

impl std::error::Error for Stopped {}

/// Runs a command and lets it write to the terminal. Ends the command if `stop` is requested.
pub(crate) fn run_until(command: &mut Command, stop: &Stop) -> Result<()> {
    let mut child =
        command.stdin(Stdio::null()).spawn().map_err(|error| not_started(command, error))?;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the program")? {
            if !status.success() {
                bail!("`{}` failed ({status})", shown(command));
            }
            return Ok(());
        }
        if stop.is_requested() {
            child.kill().and_then(|()| child.wait()).context("the program cannot be ended")?;
            return Err(Stopped(shown(command)).into());
        }
        thread::sleep(TICK);
    }
}

/// Runs two steps at the same time. If one fails, the other is stopped, and the error is that of
/// the step that failed first.
pub(crate) fn together<A: Send, B>(
    stop: &Stop,
    first: impl FnOnce() -> Result<A> + Send,
    second: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    let failed = Mutex::new(None);
    let note = |error| {
        stop.request();
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get_or_insert(error);
    };
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| first().map_err(note).ok());
        let second = second().map_err(note).ok();
        (first.join(), second)
    });
    match (first, second, failed.into_inner().unwrap_or_else(PoisonError::into_inner)) {
        (Ok(Some(first)), Some(second), None) => Ok((first, second)),
        (_, _, Some(error)) => Err(error),
        _ => bail!("a step panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_the_results_of_both_steps() {
        let stop = Stop::default();
        assert_eq!(together(&stop, || Ok(1), || Ok("two")).unwrap(), (1, "two"));
        assert!(!stop.is_requested());
    }

    /// A step that lasts longer than a test may, unless it is stopped.
    #[cfg(unix)]
    fn endless(stop: &Stop) -> Result<()> {
        run_until(Command::new("sleep").arg("600"), stop)
    }

    #[cfg(unix)]
    #[test]
    fn stops_the_other_step_after_a_failure_and_returns_that_failure() {
        for failing_is_first in [true, false] {
            let stop = Stop::default();
            let fail = || -> Result<()> { bail!("no network") };
            let outcome = if failing_is_first {
                together(&stop, fail, || endless(&stop))
            } else {
                together(&stop, || endless(&stop), fail)
            };
            assert_eq!(outcome.unwrap_err().to_string(), "no network");
        }
    }

    #[test]
    fn reports_a_command_that_fails_or_is_missing() {
        let run = |name: &str| run_until(&mut Command::new(name), &Stop::default());
        let missing = run("no-such-program").unwrap_err().to_string();
        assert_eq!(missing, "`no-such-program` is not installed or not on the PATH");
        let mut unknown = Command::new("cargo");
        unknown.arg("--no-such-option").stderr(Stdio::null());
        let failed = run_until(&mut unknown, &Stop::default()).unwrap_err();
        assert!(failed.to_string().starts_with("`cargo --no-such-option` failed"), "{failed}");
    }
}
