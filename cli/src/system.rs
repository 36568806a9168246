//! The system under the commands: files, standard streams, variables, other programs and the clock.
//!
//! The native program uses the standard library. In the npm package, the commands are compiled to
//! WebAssembly, and Node does the same. Every other module uses this one, so both behave alike.

#[cfg(feature = "doctor")]
use portcullis::introspection::HttpRequest;
use std::io;
use std::path::Path;
use std::process::Command;
#[cfg(feature = "doctor")]
use std::time::SystemTime;

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod node;

#[cfg(not(target_arch = "wasm32"))]
use native as platform;
#[cfg(target_arch = "wasm32")]
use node as platform;

#[cfg(feature = "doctor")]
pub(crate) use platform::fetch;
#[cfg(target_arch = "wasm32")]
pub(crate) use platform::report_panics;
pub(crate) use platform::{
    absolute, create_folder, create_new, current_folder, description, exists, is_file,
    is_interactive, matches, now, print, print_error, read, read_input, read_line, replace_all,
    terminal_width, variables, write,
};

/// A document to fetch without following redirects.
#[cfg(feature = "doctor")]
pub(crate) struct Fetch<'f> {
    /// The URL of the document.
    pub(crate) url: &'f str,
    /// The value of the header `Accept`.
    pub(crate) accept: &'static str,
    /// How long the fetch may take, in seconds.
    pub(crate) seconds: u32,
    /// How much of the body is read at most, in bytes.
    pub(crate) bytes: usize,
    /// The form to send by POST, with its headers, instead of a GET.
    pub(crate) post: Option<&'f HttpRequest>,
}

/// The response to a fetch.
#[cfg(feature = "doctor")]
pub(crate) struct Fetched {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers, with lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    /// The time when the headers arrived, by this machine's clock.
    pub(crate) received: SystemTime,
    /// The body, up to the limit.
    pub(crate) body: Vec<u8>,
}

/// A match of a regular expression: the whole of it, and its groups. A group that takes no part is
/// `None`.
pub(crate) struct Match(Vec<Option<String>>);

impl Match {
    /// The text of a group, or of the whole match for 0.
    pub(crate) fn group(&self, index: usize) -> Option<&str> {
        self.0.get(index)?.as_deref()
    }
}

/// How a program ended.
pub(crate) struct Ended {
    /// Whether it succeeded.
    pub(crate) is_success: bool,
    /// The exit status, for messages.
    pub(crate) status: String,
    /// What it wrote, if that was captured: standard output, then standard error.
    pub(crate) output: String,
}

/// Reads a file that contains UTF-8.
///
/// # Errors
///
/// If the file cannot be read, or contains anything else.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    text(read(path)?)
}

/// Reads standard input, which must be UTF-8, to its end.
///
/// # Errors
///
/// If it cannot be read, or contains anything else.
pub(crate) fn read_input_text() -> io::Result<String> {
    text(read_input()?)
}

/// Runs a program and lets it use the terminal.
///
/// # Errors
///
/// If it cannot be started.
pub(crate) fn run(command: &mut Command) -> io::Result<Ended> {
    platform::run(command, false)
}

/// Runs a program without input, and captures its output.
///
/// # Errors
///
/// If it cannot be started.
pub(crate) fn capture(command: &mut Command) -> io::Result<Ended> {
    platform::run(command, true)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the text is not UTF-8"))
}
