//! What an isolate remembers of the store.

use super::{Entry, PAUSE, Standing};
use crate::budget;
use crate::time::{Seconds, UnixSeconds};
use std::collections::HashMap;

/// Answers of the store, the newest [`budget::REVOCATIONS`] to twice as many of them.
///
/// Two generations: what is new goes into the younger; when that is full it becomes the older, and the
/// older is let go. So a flood of new tokens costs each of them the same, and never a search.
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
    /// How a token stands by this entry, if that was read within this time.
    #[must_use]
    pub fn standing(&self, entry: &Entry, within: Seconds, now: UnixSeconds) -> Option<Standing> {
        let found = self.young.get(&entry.key).or_else(|| self.old.get(&entry.key))?;
        let within = if found.standing == Standing::Unknown { PAUSE } else { within };
        (found.read <= now && now <= found.read.plus(within)).then_some(found.standing)
    }

    /// Remembers what was read.
    pub fn remember(&mut self, entry: Entry, standing: Standing, read: UnixSeconds) {
        if self.young.len() >= budget::REVOCATIONS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(entry.key, Remembered { standing, read });
    }
}
