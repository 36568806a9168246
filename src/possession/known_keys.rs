//! The keys of proofs, imported once.

use super::Thumbprint;
use crate::budget;
use crate::keys::Key;
use std::rc::Rc;

/// The keys whose proofs were valid, with their thumbprints: at most [`budget::PROOF_KEYS`] in each
/// of two generations. When the younger generation is full, the older one is dropped. A key enters
/// only with a valid proof for a valid token, so nobody else can displace it.
///
/// A search compares a thousand thumbprints at most, which takes far less time than a signature
/// check.
#[derive(Default)]
pub(super) struct KnownKeys {
    young: Vec<(Thumbprint, Rc<Key>)>,
    old: Vec<(Thumbprint, Rc<Key>)>,
}

impl KnownKeys {
    pub(super) fn get(&self, thumbprint: &Thumbprint) -> Option<Rc<Key>> {
        let mut keys = self.young.iter().chain(&self.old);
        keys.find(|(known, _)| known == thumbprint).map(|(_, key)| Rc::clone(key))
    }

    /// Keeps a key that was just used.
    pub(super) fn keep(&mut self, thumbprint: Thumbprint, key: &Rc<Key>) {
        if self.young.iter().any(|(known, _)| *known == thumbprint) {
            return;
        }
        if self.young.len() >= budget::PROOF_KEYS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.push((thumbprint, Rc::clone(key)));
    }

    pub(super) const fn len(&self) -> usize {
        self.young.len().saturating_add(self.old.len())
    }
}
