//! The one place of the commands that reads a clock.

use portcullis::time::UnixSeconds;
use std::time::SystemTime;

/// Now, by this machine.
pub(crate) fn now() -> SystemTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "time enters here; what judges gets it as an argument"
    )]
    SystemTime::now()
}

/// The same as JSON Web Tokens count it.
pub(crate) fn unix_now() -> UnixSeconds {
    unix(now())
}

/// A moment as JSON Web Tokens count it; one before 1970 is 1970.
pub(crate) fn unix(time: SystemTime) -> UnixSeconds {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixSeconds::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
