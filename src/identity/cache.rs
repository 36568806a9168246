//! Identities that were established, so that a token which is used again need not be verified
//! again.
//!
//! The cache holds what cannot change: the claims, and the key under which the signature verified.
//! What can change is checked at every use: whether the key is still one of the issuer's, `exp`,
//! `nbf` and `iat`, revocation, and the route's rules. A token is found by its whole text, so no
//! two tokens are ever confused.

use super::Identity;
use crate::budget;
use portcullis_text::is_equal;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;

/// The established identities of an isolate, by their tokens.
///
/// The first use of a token sets one Bloom-filter bit; the second caches the token (a doorkeeper:
/// Einziger, Friedman and Manes, "TinyLFU", 2017, section 3.4.2). So a flood of tokens that are
/// used once evicts almost nothing, and each of them costs the same and never a search.
///
/// The cache has two generations. What is new or used again goes into the younger one. When that is
/// full, by entries or by bytes, it becomes the older one, and the previous older one is dropped.
/// So tokens in frequent use stay, and memory is bounded by two generations.
#[derive(Default)]
pub struct IdentityCache(RefCell<Generations>);

#[derive(Default)]
struct Generations {
    /// Whether an identity that the gate signs is kept with each entry.
    signs: bool,
    young: Identities,
    /// The approximate size of the younger generation's texts and claims.
    bytes: usize,
    old: Identities,
    doorkeeper: Doorkeeper,
}

/// Which tokens were verified recently: a Bloom filter with one bit for each token, chosen by its
/// index. It is cleared when [`budget::TOKENS_REMEMBERED`] tokens have set their bits.
/// One token in thirty meets a bit that another has set, and is cached at its first use.
#[derive(Default)]
struct Doorkeeper {
    bits: Vec<u64>,
    count: usize,
}

impl Doorkeeper {
    /// A prime, so that every byte of the index influences the remainder. The bytes are base64url
    /// letters, whose bits are not evenly distributed.
    const BITS: u128 = (1 << 17) - 1;
    const WORDS: usize = (1 << 17) / 64;

    /// Whether a token with this index was verified recently. Records that it was.
    fn has_seen(&mut self, index: u128) -> bool {
        if self.count >= budget::TOKENS_REMEMBERED {
            self.bits.clear();
            self.count = 0;
        }
        self.bits.resize(Self::WORDS, 0);
        let index = usize::try_from(index % Self::BITS).unwrap_or_default();
        let Some(word) = self.bits.get_mut(index / 64) else { return false };
        let bit = 1 << (index % 64);
        let has_seen = *word & bit != 0;
        *word |= bit;
        self.count = self.count.saturating_add(usize::from(!has_seen));
        has_seen
    }
}

/// Cached identities by the indexes of their tokens. Of two tokens with the same index, the later
/// one stays.
type Identities = HashMap<u128, Entry>;

/// The index of a token. For a JWS, the last 16 bytes of the text, which its signature makes as
/// good as random. Opaque tokens may be shorter, or all end alike, so the whole text counts.
fn index_of(text: &str) -> u128 {
    match text.as_bytes().last_chunk() {
        Some(end) if text.starts_with("ey") => u128::from_le_bytes(*end),
        _ => {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            hasher.finish().into()
        }
    }
}

struct Entry {
    text: Box<str>,
    identity: Rc<Identity>,
}

impl Entry {
    fn new(token: &str, identity: &Rc<Identity>) -> Self {
        Self { text: token.into(), identity: Rc::clone(identity) }
    }

    /// Whether it belongs to exactly this token.
    fn is_of(&self, text: &str) -> bool {
        is_equal(&self.text, text)
    }
}

impl IdentityCache {
    /// An empty cache. `signs` says whether the gate signs identities for the API, which are kept
    /// with the cached ones.
    #[must_use]
    pub fn new(signs: bool) -> Self {
        Self(RefCell::new(Generations { signs, ..Generations::default() }))
    }

    /// Returns the identity of exactly this token, or `None` if it is not cached.
    #[must_use]
    pub fn get(&self, token: &str) -> Option<Rc<Identity>> {
        let index = index_of(token);
        let mut generations = self.0.borrow_mut();
        if let Some(entry) = generations.young.get(&index).filter(|entry| entry.is_of(token)) {
            return Some(Rc::clone(&entry.identity));
        }
        generations.old.get(&index).filter(|entry| entry.is_of(token))?;
        let entry = generations.old.remove(&index)?;
        let identity = Rc::clone(&entry.identity);
        generations.put(index, entry);
        Some(identity)
    }

    /// Caches the identity of a token, unless this is its first use. If the gate signs identities
    /// for the API, it caches every token, because signing again takes longer than evicting.
    pub fn insert(&self, token: &str, identity: &Rc<Identity>) {
        let index = index_of(token);
        let mut generations = self.0.borrow_mut();
        if generations.signs || generations.doorkeeper.has_seen(index) {
            generations.put(index, Entry::new(token, identity));
        }
    }

    /// Caches the identity of a token at its first use, because the request that waits for it reads
    /// it from here.
    pub(crate) fn keep(&self, token: &str, identity: &Rc<Identity>) {
        self.0.borrow_mut().put(index_of(token), Entry::new(token, identity));
    }

    /// Removes the identity of a token that is no longer active.
    pub(crate) fn remove(&self, token: &str) {
        let index = index_of(token);
        let mut generations = self.0.borrow_mut();
        let Generations { young, old, .. } = &mut *generations;
        for generation in [young, old] {
            if generation.get(&index).is_some_and(|entry| entry.is_of(token)) {
                generation.remove(&index);
            }
        }
    }
}

impl Generations {
    fn put(&mut self, index: u128, entry: Entry) {
        // Parsed claims take about three times the size of their text, and a signed identity at
        // most about twice. The text of an opaque token does not contain them.
        let factor = if self.signs { 6 } else { 4 };
        let text = entry.text.len().max(entry.identity.payload_segment().len());
        let bytes = text.saturating_mul(factor);
        let is_full = self.young.len() >= budget::TOKENS_KEPT
            || self.bytes.saturating_add(bytes) > budget::TOKEN_BYTES_KEPT;
        if is_full {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.young.insert(index, entry);
    }
}

impl fmt::Debug for IdentityCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generations = self.0.borrow();
        formatter
            .debug_struct("IdentityCache")
            .field("young", &generations.young.len())
            .field("old", &generations.old.len())
            .finish()
    }
}
