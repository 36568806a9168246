//! What the commands tell the person who runs them: on standard error, so that standard output
//! holds nothing but the result.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use serde_json::json;

/// One line about what is going on.
pub(crate) fn line(text: &str) {
    write(&format!("xtask: {text}\n"));
}

/// An error with everything that led to it, one cause a line.
pub(crate) fn error(error: &Error) {
    let mut text = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let prefix = if depth == 0 { "error" } else { "  because" };
        text.push_str(&format!("{prefix}: {cause}\n"));
    }
    write(&text);
}

/// Why a command could not do its work, on standard output as JSON if that is asked for; ends with 2.
pub(crate) fn could_not_run(error: &Error, as_json: bool) -> ExitCode {
    if as_json {
        result(&format!("{:#}", json!({ "error": format!("{error:#}") })));
    } else {
        self::error(error);
    }
    ExitCode::from(2)
}

/// Text as it is. In one piece, because standard error is not buffered and wrangler begins a new
/// line with whatever arrives from its build.
pub(crate) fn write(text: &str) {
    eprint!("{text}");
}

/// A line of the result, on standard output. Whoever reads it may have stopped reading, as `head` does.
pub(crate) fn result(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Says what is being done, does it, and says how long it took.
pub(crate) fn timed<T>(doing: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
    line(&format!("{doing} ..."));
    let started = Instant::now();
    let outcome = action();
    let verdict = if outcome.is_ok() { "done" } else { "failed" };
    line(&format!("{doing}: {verdict} after {}", duration(started.elapsed())));
    outcome
}

/// A duration as people write it: `0.3 s`, `42 s`, `2 min 7 s`.
pub(crate) fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", elapsed.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_naturally() {
        assert_eq!(duration(Duration::from_millis(340)), "0.3 s");
        assert_eq!(duration(Duration::from_secs(42)), "42 s");
        assert_eq!(duration(Duration::from_secs(127)), "2 min 7 s");
    }
}
