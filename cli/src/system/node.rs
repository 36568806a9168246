//! The system as Node presents it. `node.js` has the other half.

use super::{Ended, Match};
#[cfg(feature = "doctor")]
use super::{Fetch, Fetched};
use anyhow::{Result, anyhow};
use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

#[wasm_bindgen(module = "/src/system/node.js")]
extern "C" {
    /// What every function throws.
    type Failure;

    #[wasm_bindgen(method, getter)]
    fn code(this: &Failure) -> Option<String>;

    #[wasm_bindgen(method, getter)]
    fn message(this: &Failure) -> String;

    #[wasm_bindgen(catch, js_name = read)]
    fn read_file(path: &str) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(catch, js_name = readBesideScript)]
    fn read_beside_script(name: &str) -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(js_name = isFile)]
    fn is_regular_file(path: &str) -> bool;

    #[wasm_bindgen(js_name = exists)]
    fn path_exists(path: &str) -> bool;

    #[wasm_bindgen(catch, js_name = createNew)]
    fn create_new_file(path: &str, text: &str, is_secret: bool) -> Result<(), JsValue>;

    #[wasm_bindgen(catch, js_name = write)]
    fn write_file(path: &str, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(js_name = matches)]
    fn matches_as_json(pattern: &str, flags: &str, text: &str) -> String;

    #[wasm_bindgen(js_name = replaceAll)]
    fn replace_matches(pattern: &str, flags: &str, text: &str, replacement: &str) -> String;

    #[wasm_bindgen(catch, js_name = createFolder)]
    fn create_folders(path: &str) -> Result<(), JsValue>;

    fn resolve(path: &str) -> String;

    /// The names and the values in turn.
    #[wasm_bindgen(js_name = variables)]
    fn names_and_values() -> Vec<String>;

    #[wasm_bindgen(catch, js_name = readInput)]
    fn read_standard_input() -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(js_name = isInteractive)]
    fn is_terminal() -> bool;

    #[wasm_bindgen(catch, js_name = readLine)]
    fn read_line_of_input() -> Result<Vec<u8>, JsValue>;

    #[wasm_bindgen(js_name = print)]
    fn write_to(descriptor: u8, text: &str);

    #[wasm_bindgen(js_name = hasColors)]
    fn has_colors(descriptor: u8) -> bool;

    fn columns() -> Option<u32>;

    #[wasm_bindgen(js_name = now)]
    fn milliseconds() -> f64;

    #[wasm_bindgen(catch)]
    fn spawn(program: &str, words: Vec<String>, is_captured: bool) -> Result<Spawned, JsValue>;

    /// A program that has ended.
    type Spawned;

    #[wasm_bindgen(method, getter, js_name = isSuccess)]
    fn is_success(this: &Spawned) -> bool;

    #[wasm_bindgen(method, getter)]
    fn status(this: &Spawned) -> String;

    #[wasm_bindgen(method, getter)]
    fn output(this: &Spawned) -> String;

    #[cfg(feature = "doctor")]
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch_document(
        url: &str,
        accept: &str,
        seconds: u32,
        bytes: usize,
        headers: Vec<String>,
        form: Option<String>,
    ) -> Result<Answer, JsValue>;

    /// The response to a fetch.
    #[cfg(feature = "doctor")]
    type Answer;

    #[cfg(feature = "doctor")]
    #[wasm_bindgen(method, getter)]
    fn status(this: &Answer) -> u16;

    /// The names and the values in turn.
    #[cfg(feature = "doctor")]
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Answer) -> Vec<String>;

    /// In milliseconds since 1970.
    #[cfg(feature = "doctor")]
    #[wasm_bindgen(method, getter)]
    fn received(this: &Answer) -> f64;

    #[cfg(feature = "doctor")]
    #[wasm_bindgen(method, getter)]
    fn body(this: &Answer) -> Vec<u8>;
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    read_file(&text(path)).map_err(error)
}

/// Returns a file that describes the keys of policies. The npm package has these files beside the
/// script, so the module need not contain them.
pub(crate) fn description(name: &str) -> io::Result<Cow<'static, str>> {
    let bytes = read_beside_script(name).map_err(error)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::from(ErrorKind::InvalidData))?;
    Ok(Cow::Owned(text))
}

/// Whether there is a file at the path.
pub(crate) fn is_file(path: &Path) -> bool {
    is_regular_file(&text(path))
}

/// Whether there is a file or a folder at the path.
pub(crate) fn exists(path: &Path) -> bool {
    path_exists(&text(path))
}

/// Writes a new file, which only its owner may read if it is secret.
pub(crate) fn create_new(path: &Path, contents: &str, is_secret: bool) -> io::Result<()> {
    create_new_file(&text(path), contents, is_secret).map_err(error)
}

/// Writes a file, or replaces it.
pub(crate) fn write(path: &Path, contents: &str) -> io::Result<()> {
    write_file(&text(path), contents).map_err(error)
}

/// Creates a folder and those above it, unless they exist.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    create_folders(&text(path)).map_err(error)
}

/// Returns the absolute path, without reading it.
pub(crate) fn absolute(path: &Path) -> io::Result<PathBuf> {
    Ok(PathBuf::from(resolve(&text(path))))
}

/// Returns the current folder.
pub(crate) fn current_folder() -> io::Result<PathBuf> {
    absolute(Path::new("."))
}

/// Returns the variables of the process.
pub(crate) fn variables() -> Vec<(String, String)> {
    pairs(names_and_values())
}

/// Reads standard input to its end.
pub(crate) fn read_input() -> io::Result<Vec<u8>> {
    read_standard_input().map_err(error)
}

/// Whether a person can answer questions: standard input and standard error are a terminal.
pub(crate) fn is_interactive() -> bool {
    is_terminal()
}

/// Reads a line of standard input, with its line break.
pub(crate) fn read_line() -> io::Result<String> {
    super::text(read_line_of_input().map_err(error)?)
}

/// Writes to standard output, without colors unless it is a terminal.
pub(crate) fn print(text: &str) {
    write_with_colors(1, text);
}

/// Writes to standard error, without colors unless it is a terminal.
pub(crate) fn print_error(text: &str) {
    write_with_colors(2, text);
}

fn write_with_colors(descriptor: u8, text: &str) {
    if has_colors(descriptor) {
        write_to(descriptor, text);
    } else {
        write_to(descriptor, &anstream::adapter::strip_str(text).to_string());
    }
}

/// The width of the terminal in columns, which clap cannot find out itself.
pub(crate) fn terminal_width() -> Option<usize> {
    usize::try_from(columns()?).ok()
}

/// The current time, by this machine's clock.
pub(crate) fn now() -> SystemTime {
    time(milliseconds())
}

/// Returns the matches of one of JavaScript's regular expressions.
pub(crate) fn matches(pattern: &str, flags: &str, text: &str) -> Result<Vec<Match>> {
    let found = serde_json::from_str(&matches_as_json(pattern, flags, text));
    let found: Vec<Vec<Option<String>>> =
        found.map_err(|error| anyhow!("the matches cannot be read: {error}"))?;
    Ok(found.into_iter().map(Match).collect())
}

/// Replaces the matches of one of JavaScript's regular expressions.
pub(crate) fn replace_all(
    pattern: &str,
    flags: &str,
    text: &str,
    replacement: &str,
) -> Result<String> {
    Ok(replace_matches(pattern, flags, text, replacement))
}

/// Runs a program.
pub(super) fn run(command: &mut Command, is_captured: bool) -> io::Result<Ended> {
    let program = command.get_program().to_string_lossy().into_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let spawned = spawn(&program, words, is_captured).map_err(error)?;
    Ok(Ended {
        is_success: spawned.is_success(),
        status: Spawned::status(&spawned),
        output: spawned.output(),
    })
}

/// Fetches a document.
///
/// # Errors
///
/// Why there was no response, or why it ended early.
#[cfg(feature = "doctor")]
pub(crate) fn fetch(fetch: &Fetch<'_>) -> Result<Fetched, String> {
    let Fetch { url, accept, seconds, bytes, post } = *fetch;
    let headers = post.iter().flat_map(|form| &form.headers);
    let headers = headers.flat_map(|(name, value)| [(*name).to_owned(), value.clone()]).collect();
    let form = post.map(|form| form.body.clone());
    let answer = fetch_document(url, accept, seconds, bytes, headers, form)
        .map_err(|thrown| thrown.unchecked_into::<Failure>().message())?;
    Ok(Fetched {
        status: Answer::status(&answer),
        headers: pairs(answer.headers()),
        received: time(answer.received()),
        body: answer.body(),
    })
}

/// Prints the message of a panic, which would otherwise be lost.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| print_error(&format!("{panic}\n"))));
}

/// Converts names and values in turn to pairs.
fn pairs(texts: Vec<String>) -> Vec<(String, String)> {
    let mut texts = texts.into_iter();
    let mut pairs = Vec::new();
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        pairs.push((name, value));
    }
    pairs
}

/// Converts milliseconds since 1970.
fn time(milliseconds: f64) -> SystemTime {
    let since = Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn text(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

fn error(thrown: JsValue) -> io::Error {
    let failure: Failure = thrown.unchecked_into();
    let kind = match failure.code().as_deref() {
        Some("EEXIST") => ErrorKind::AlreadyExists,
        Some("ENOENT") => ErrorKind::NotFound,
        Some("ENOTDIR") => ErrorKind::NotADirectory,
        Some("EISDIR") => ErrorKind::IsADirectory,
        Some("EACCES" | "EPERM") => ErrorKind::PermissionDenied,
        _ => ErrorKind::Other,
    };
    io::Error::new(kind, failure.message())
}
