//! The entries of the store that an isolate remembers.

use super::{Entry, PAUSE, Standing};
use crate::budget;
use crate::time::{Seconds, UnixSeconds};
use std::collections::HashMap;

/// The newest entries of the store: at least [`budget::REVOCATIONS`], and at most twice as many.
///
/// There are two generations. New entries go into the younger one. When that is full, it becomes
/// the older one, and the previous older one is dropped. So even in a flood of new tokens, each of
/// them costs the same and never a search.
#[derive(Debug, Default)]
pub struct Revocations {
    young: HashMap<String, Remembered>,
    old: HashMap<String, Remembered>,
}

#[derive(Clone, Copy, Debug)]
struct Remembered {
    standing: Standing,
    read: UnixSeconds,
}

impl Revocations {
    /// Returns what this entry says, if it was read within this time.
    #[must_use]
    pub fn standing(&self, entry: &Entry, within: Seconds, now: UnixSeconds) -> Option<Standing> {
        let found = self.young.get(&entry.key).or_else(|| self.old.get(&entry.key))?;
        let within = if found.standing == Standing::Unknown { PAUSE } else { within };
        (found.read <= now && now <= found.read.plus(within)).then_some(found.standing)
    }

    /// Remembers an entry that was read.
    pub fn remember(&mut self, entry: Entry, standing: Standing, read: UnixSeconds) {
        if self.young.len() >= budget::REVOCATIONS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(entry.key, Remembered { standing, read });
    }
}
