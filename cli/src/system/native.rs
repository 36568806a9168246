//! The system as the standard library presents it.

#![expect(clippy::disallowed_methods, reason = "this module is the one that uses the system")]

use super::{Ended, Match};
#[cfg(feature = "doctor")]
use super::{Fetch, Fetched};
use anyhow::{Context as _, Result};
use regress::Regex;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
#[cfg(feature = "doctor")]
use std::time::Duration;
use std::time::SystemTime;
use std::{env, fs, path};

/// Reads a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

/// Returns a file that describes the keys of policies, by its name in the npm package.
pub(crate) fn description(name: &str) -> io::Result<Cow<'static, str>> {
    match name {
        "policy.schema.json" => Ok(include_str!("../../../policy.schema.json").into()),
        "policy-test.schema.json" => Ok(include_str!("../../../policy-test.schema.json").into()),
        "wrangler.schema.json" => Ok(include_str!("../../../wrangler.schema.json").into()),
        "policy.d.ts" => Ok(include_str!("../../../policy.d.ts").into()),
        _ => Err(ErrorKind::NotFound.into()),
    }
}

/// Whether there is a file at the path.
pub(crate) fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Whether there is a file or a folder at the path.
pub(crate) fn exists(path: &Path) -> bool {
    path.exists()
}

/// Writes a new file, which only its owner may read if it is secret.
///
/// # Errors
///
/// If the file exists or cannot be written.
pub(crate) fn create_new(path: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    options.open(path)?.write_all(text.as_bytes())
}

/// Writes a file, or replaces it.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

/// Creates a folder and those above it, unless they exist.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Returns the absolute path, without reading it.
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    path::absolute(path)
}

/// Returns the current folder.
pub(crate) fn current_folder() -> io::Result<PathBuf> {
    env::current_dir()
}

/// Returns the variables of the process.
pub(crate) fn variables() -> Vec<(String, String)> {
    let lossy = |text: OsString| text.to_string_lossy().into_owned();
    env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect()
}

/// Reads standard input to its end.
pub(crate) fn read_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a person can answer questions: standard input and standard error are a terminal.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Reads a line of standard input, with its line break.
pub(crate) fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// Writes to standard output, without colors unless it is a terminal. Ignores errors, because the
/// reader may have closed the pipe, as `head` does.
pub(crate) fn print(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

/// Writes to standard error, without colors unless it is a terminal.
pub(crate) fn print_error(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// The width of the terminal in columns, if clap does not find it out itself.
pub(crate) const fn terminal_width() -> Option<usize> {
    None
}

/// The current time, by this machine's clock.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Returns the matches of one of JavaScript's regular expressions.
///
/// # Errors
///
/// If the expression is invalid.
pub(crate) fn matches(pattern: &str, flags: &str, text: &str) -> Result<Vec<Match>> {
    let found = regex(pattern, flags)?;
    let groups = |found: regress::Match| {
        found.groups().map(|range| Some(text.get(range?)?.to_owned())).collect()
    };
    Ok(found.find_iter(text).map(|found| Match(groups(found))).collect())
}

/// Replaces the matches of one of JavaScript's regular expressions. `$1` in the replacement is the
/// first group.
///
/// # Errors
///
/// If the expression is invalid.
pub(crate) fn replace_all(
    pattern: &str,
    flags: &str,
    text: &str,
    replacement: &str,
) -> Result<String> {
    Ok(regex(pattern, flags)?.replace_all(text, replacement))
}

fn regex(pattern: &str, flags: &str) -> Result<Regex> {
    Regex::with_flags(pattern, flags).context("the regular expression is invalid")
}

/// Runs a program.
pub(super) fn run(command: &mut Command, is_captured: bool) -> io::Result<Ended> {
    let (status, output) = if is_captured {
        let output = command.stdin(Stdio::null()).output()?;
        let mut written = String::from_utf8_lossy(&output.stdout).into_owned();
        written.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status, written)
    } else {
        (command.status()?, String::new())
    };
    Ok(Ended { is_success: status.success(), status: status.to_string(), output })
}

/// Fetches a document.
///
/// # Errors
///
/// Why there was no response, or why it ended early.
#[cfg(feature = "doctor")]
pub(crate) fn fetch(fetch: &Fetch<'_>) -> Result<Fetched, String> {
    let config = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(fetch.seconds.into())))
        // Some providers reject requests without a User-Agent.
        .user_agent("portcullis");
    // URLs with plain HTTP are on this machine, which needs no proxy.
    let config = if fetch.url.starts_with("http:") { config.proxy(None) } else { config };
    let agent = config.build().new_agent();
    let response = match fetch.post {
        None => agent.get(fetch.url).header("accept", fetch.accept).call(),
        Some(form) => {
            let headers = form.headers.iter();
            let post = headers
                .fold(agent.post(fetch.url), |post, (name, value)| post.header(*name, value));
            post.send(&form.body)
        }
    };
    let mut response = response.map_err(|error| error.to_string())?;
    let received = now();
    let headers = response.headers().iter();
    let headers = headers
        .filter_map(|(name, line)| Some((name.as_str().to_owned(), line.to_str().ok()?.to_owned())))
        .collect();
    let mut body = Vec::new();
    let reader = response.body_mut().with_config().limit(u64::MAX).reader();
    reader
        .take(u64::try_from(fetch.bytes).unwrap_or(u64::MAX))
        .read_to_end(&mut body)
        .map_err(|error| format!("the response ended early: {error}"))?;
    Ok(Fetched { status: response.status().as_u16(), headers, received, body })
}
