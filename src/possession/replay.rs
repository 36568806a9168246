//! Whether a proof has been used before (RFC 9449 section 11.1).

use super::Thumbprint;
use super::dpop::Proof;
use crate::budget;
use crate::refusal::{Code, Refusal};
use crate::signature::sha256;
use crate::time::{Seconds, UnixSeconds};

/// Where the use of proofs is recorded. Made by the policy's compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayStore {
    /// In the memory of each isolate: a proof can be used once in each.
    Isolate,
    /// In the Durable Object of the proof's key, in the namespace with this binding: a proof can be
    /// used once.
    DurableObject(String),
}

/// How often a proof has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofUse {
    /// This is its first use.
    First,
    /// It was used before.
    Repeated,
    /// This cannot be told.
    Unknown,
}

/// A valid proof whose use the Durable Object of its key has to record. It contains nothing that
/// would let anyone use the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayCheck {
    /// The binding of the namespace.
    pub binding: String,
    /// The name of the object: the thumbprint of the key, base64url.
    pub object: String,
    /// What distinguishes the proof from others of the key, as hexadecimal digits.
    pub proof: String,
    /// The last second in which the proof is valid.
    pub expires: UnixSeconds,
}

impl ReplayCheck {
    pub(super) fn of(proof: &Proof, binding: &str, max_age: Seconds) -> Self {
        Self {
            binding: binding.to_owned(),
            object: proof.key.to_string(),
            proof: format!("{:032x}", hash(&proof.id)),
            expires: proof.issued.plus(max_age),
        }
    }
}

/// The proofs that an isolate remembers: [`budget::PROOFS`] of [`budget::PROOF_OWNERS`] keys.
///
/// Each proof is remembered for as long as it is valid. If one has to be forgotten earlier, no
/// proof of its key that is as old is accepted any more, so that no proof is ever accepted twice.
/// The key with the most proofs loses its older half, so a client that sends many proofs does not
/// affect others.
#[derive(Debug, Default)]
pub(super) struct UsedProofs {
    /// Sorted by thumbprint.
    keys: Vec<(Thumbprint, OfKey)>,
    count: usize,
    /// No proof of an unknown key that was issued by then is accepted.
    forgotten: Option<UnixSeconds>,
}

/// The proofs of one key.
#[derive(Debug, Default)]
struct OfKey {
    /// When each was issued, and the hash of its `jti`. Sorted. New ones mostly belong to the end.
    used: Vec<(UnixSeconds, u128)>,
    /// No proof that was issued by then is accepted.
    forgotten: Option<UnixSeconds>,
}

impl OfKey {
    /// Forgets the oldest proofs.
    fn forget(&mut self, count: usize) {
        let newest = self.used.drain(..count).next_back().map(|(issued, _)| issued);
        self.forgotten = self.forgotten.max(newest);
    }

    fn newest(&self) -> Option<UnixSeconds> {
        self.used.last().map(|(issued, _)| *issued).max(self.forgotten)
    }
}

impl UsedProofs {
    /// Records a proof, which is valid for `max_age` from when it was issued.
    #[inline(never)]
    pub(super) fn record(&mut self, proof: &Proof, max_age: Seconds, now: UnixSeconds) -> ProofUse {
        // Proofs that were issued before this have expired.
        let oldest = now.minus(max_age);
        let mut index = self.index_of(&proof.key);
        if index.is_err() {
            if self.forgotten >= Some(proof.issued) {
                return ProofUse::Unknown;
            }
            if self.keys.len() >= budget::PROOF_OWNERS {
                self.forget_keys(oldest);
                index = self.index_of(&proof.key);
            }
        }
        let index = index.unwrap_or_else(|index| {
            self.keys.insert(index, (proof.key, OfKey::default()));
            index
        });
        let Some((_, of_key)) = self.keys.get_mut(index) else { return ProofUse::Unknown };
        let expired = of_key.used.partition_point(|(issued, _)| *issued < oldest);
        // Not one by one, because the others have to be moved.
        if expired > of_key.used.len() / 2 {
            of_key.forget(expired);
            self.count = self.count.saturating_sub(expired);
        }
        if of_key.forgotten >= Some(proof.issued) {
            return ProofUse::Unknown;
        }
        let used = (proof.issued, hash(&proof.id));
        match of_key.used.binary_search(&used) {
            Ok(_) => return ProofUse::Repeated,
            Err(index) => of_key.used.insert(index, used),
        }
        self.count = self.count.saturating_add(1);
        if self.count > budget::PROOFS {
            self.halve_largest();
        }
        ProofUse::First
    }

    fn index_of(&self, key: &Thumbprint) -> Result<usize, usize> {
        self.keys.binary_search_by(|(known, _)| known.cmp(key))
    }

    /// Forgets the keys without a current proof, or else the key whose newest proof is the oldest.
    #[cold]
    #[inline(never)]
    fn forget_keys(&mut self, oldest: UnixSeconds) {
        let newest = self.keys.iter().filter_map(|(_, of_key)| of_key.newest()).min();
        let until = newest.max(Some(oldest.minus(Seconds::new(1))));
        self.keys.retain(|(_, of_key)| of_key.newest() > until);
        self.forgotten = self.forgotten.max(until);
        self.count = self.keys.iter().map(|(_, of_key)| of_key.used.len()).sum();
    }

    #[cold]
    #[inline(never)]
    fn halve_largest(&mut self) {
        let largest = self.keys.iter_mut().max_by_key(|(_, of_key)| of_key.used.len());
        if let Some((_, of_key)) = largest {
            let half = of_key.used.len().div_ceil(2);
            of_key.forget(half);
            self.count = self.count.saturating_sub(half);
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }
}

/// Half of the SHA-256 hash of a `jti`. Two with the same hash would count as one proof.
fn hash(id: &str) -> u128 {
    let hash = sha256(id.as_bytes());
    hash.first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}

/// The refusal of a proof that was used before.
#[cold]
pub(super) const fn repeated() -> Refusal {
    Refusal::new(Code::ProofReplayed, "the proof was used before")
}

/// The refusal of a proof that may have been used before.
#[cold]
pub(super) const fn forgotten() -> Refusal {
    let because = "the proof is older than the proofs that the isolate still remembers";
    Refusal::new(Code::ProofReplayed, because)
}

/// The refusal that applies if the Durable Object has not answered.
pub(crate) fn unavailable() -> Refusal {
    const PAUSE: Seconds = Seconds::new(5);
    Refusal::new(Code::ReplayUnavailable, "the Durable Object for proofs has not answered")
        .retrying_after(PAUSE)
}
