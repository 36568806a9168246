//! The keys of proofs, imported once.

use super::Thumbprint;
use crate::budget;
use crate::keys::Key;
use std::collections::HashMap;
use std::rc::Rc;

/// The keys whose proofs were valid, by their thumbprints: at most [`budget::PROOF_KEYS`] in each
/// of two generations, of which the older one is dropped when the younger one is full. A key enters
/// only with a valid proof for a valid token, so nobody else can displace it.
#[derive(Default)]
pub(super) struct KnownKeys {
    young: HashMap<Thumbprint, Rc<Key>>,
    old: HashMap<Thumbprint, Rc<Key>>,
}

impl KnownKeys {
    pub(super) fn get(&self, thumbprint: &Thumbprint) -> Option<Rc<Key>> {
        self.young.get(thumbprint).or_else(|| self.old.get(thumbprint)).map(Rc::clone)
    }

    /// Keeps a key that was just used.
    pub(super) fn keep(&mut self, thumbprint: Thumbprint, key: &Rc<Key>) {
        if self.young.contains_key(&thumbprint) {
            return;
        }
        if self.young.len() >= budget::PROOF_KEYS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(thumbprint, Rc::clone(key));
    }

    pub(super) fn len(&self) -> usize {
        self.young.len().saturating_add(self.old.len())
    }
}
