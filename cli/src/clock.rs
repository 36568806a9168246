//! The only module of the commands that reads the clock.

use portcullis::time::UnixSeconds;
use std::time::SystemTime;

/// The current time, by this machine's clock.
pub(crate) fn now() -> SystemTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "the commands pass the time to the gate's functions as an argument"
    )]
    SystemTime::now()
}

/// The current time in Unix seconds.
pub(crate) fn unix_now() -> UnixSeconds {
    unix(now())
}

/// Converts a time to Unix seconds. Times before 1970 become 0.
pub(crate) fn unix(time: SystemTime) -> UnixSeconds {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
