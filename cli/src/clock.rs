//! The only module of the commands that reads the clock.

use crate::system;
use portcullis::time::UnixSeconds;
use std::time::SystemTime;

/// The current time, by this machine's clock.
pub(crate) fn now() -> SystemTime {
    system::now()
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
