//! Messages to the user. They go to standard error, so that standard output contains only results.

use crate::process::Stopped;
use anyhow::Result;
pub(crate) use portcullis_cli::output::{error, result, write};
use std::time::{Duration, Instant};

/// Prints one line about what the command is doing.
pub(crate) fn line(text: &str) {
    write(&format!("xtask: {text}\n"));
}

/// Runs an action, and prints a line before and after it, with the time that it took.
pub(crate) fn timed<T>(doing: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
    line(&format!("{doing} ..."));
    let started = Instant::now();
    let outcome = action();
    let verdict = match &outcome {
        Ok(_) => "done",
        Err(error) if error.is::<Stopped>() => "stopped",
        Err(_) => "failed",
    };
    line(&format!("{doing}: {verdict} after {}", duration(started.elapsed())));
    outcome
}

/// Formats a duration: `0.3 s`, `42 s`, `2 min 7 s`.
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
    fn formats_durations() {
        assert_eq!(duration(Duration::from_millis(340)), "0.3 s");
        assert_eq!(duration(Duration::from_secs(42)), "42 s");
        assert_eq!(duration(Duration::from_secs(127)), "2 min 7 s");
    }
}
