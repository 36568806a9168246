//! Tokens that were verified, so that one which is used again need not be verified again.
//!
//! What is kept is what cannot change: the claims, and whose key bore them out. Whatever can change is judged
//! again at every use: whether the key is still among its issuer's, `exp`, `nbf` and `iat`, revocation, and
//! the route's own rules. A token is found by all of its text, so that no two are ever taken for each other.

use super::{Claims, Established};
use crate::alg::Algorithm;
use crate::budget;
use crate::keys::cache::AskedKey;
use crate::policy::Issuer;
use crate::refusal::Refusal;
use crate::time::UnixSeconds;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// The verified tokens of an isolate.
///
/// A token is kept when it is verified for the second time: of one that is used once, nothing stays but a bit
/// (a doorkeeper: Einziger, Friedman and Manes, "TinyLFU", 2017, section 3.4.2). So a flood of tokens that are used once
/// moves next to nothing out, and costs each of them the same and never a search.
///
/// What is kept is in two generations: what is new, or used again, goes into the younger; when that is full, by
/// entries or by bytes, it becomes the older, and the older is let go. So what is used often stays, and memory has a
/// bound: two generations.
#[derive(Default)]
pub struct TokenCache(RefCell<Generations>);

#[derive(Default)]
struct Generations {
    young: Tokens,
    /// What the texts and claims of the younger take, roughly.
    bytes: usize,
    old: Tokens,
    doorkeeper: Doorkeeper,
}

/// Which tokens were verified lately, by the end of their text: a Bloom filter with one bit a token, which begins anew
/// when it has taken in [`budget::TOKENS_REMEMBERED`]. One token in thirty is taken for one that was, and kept at once.
#[derive(Default)]
struct Doorkeeper {
    bits: Vec<u64>,
    taken_in: usize,
}

impl Doorkeeper {
    /// A prime, so that all of an end has a say: its bytes are letters, and their bits not evenly distributed.
    const PLACES: u128 = (1 << 17) - 1;
    const WORDS: usize = (1 << 17) / 64;

    /// Whether a token that ends so was verified lately; from now on, it was.
    fn has_seen(&mut self, end: u128) -> bool {
        if self.taken_in >= budget::TOKENS_REMEMBERED {
            self.bits.clear();
            self.taken_in = 0;
        }
        self.bits.resize(Self::WORDS, 0);
        let place = usize::try_from(end % Self::PLACES).unwrap_or_default();
        let Some(word) = self.bits.get_mut(place / 64) else { return false };
        let bit = 1 << (place % 64);
        let has_seen = *word & bit != 0;
        *word |= bit;
        self.taken_in = self.taken_in.saturating_add(usize::from(!has_seen));
        has_seen
    }
}

/// By the end of their text: a token's signature is as good as random there. Of two that end alike, the later stays.
type Tokens = HashMap<u128, Kept>;

/// The end of a text; no token is shorter.
fn end_of(text: &str) -> Option<u128> {
    text.as_bytes().last_chunk().map(|end| u128::from_le_bytes(*end))
}

struct Kept {
    text: Box<str>,
    token: Rc<Token>,
}

impl Kept {
    /// Whether it is the token of exactly this text. `==` compares byte by byte in WebAssembly, which takes longer than
    /// the rest of a look-up.
    fn is_of(&self, text: &str) -> bool {
        let (ours, our_rest) = self.text.as_bytes().as_chunks::<16>();
        let (theirs, their_rest) = text.as_bytes().as_chunks::<16>();
        let number = |chunk: &[u8; 16]| u128::from_le_bytes(*chunk);
        ours.len() == theirs.len()
            && ours.iter().map(number).eq(theirs.iter().map(number))
            && our_rest == their_rest
    }
}

/// A token that was verified.
pub struct Token {
    established: Rc<Established>,
    pub(crate) source: Provenance,
}

/// Whose token it is, and what bore it out.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The issuer's place in its policy.
    pub issuer: usize,
    /// The token's algorithm.
    pub algorithm: Algorithm,
    /// What the key that bore it out is called in logs.
    pub key: String,
    /// The key that it asks for.
    pub asked: AskedKey,
    /// The set that its key was in, by [`crate::keys::KeyCaches::version`].
    pub version: u64,
}

impl Token {
    /// Its claims, if it is still the time for it.
    ///
    /// # Errors
    ///
    /// `expired`, `not_yet_valid`, `too_old`, by the rules of the issuer that it was established by.
    pub fn claims<'g>(&self, issuer: &'g Issuer, now: UnixSeconds) -> Result<Claims<'g>, Refusal> {
        Claims::again(Rc::clone(&self.established), issuer.rules(), now)
    }
}

impl TokenCache {
    /// The token of exactly this text, if it is held.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Rc<Token>> {
        let end = end_of(text)?;
        let mut generations = self.0.borrow_mut();
        if let Some(kept) = generations.young.get(&end).filter(|kept| kept.is_of(text)) {
            return Some(Rc::clone(&kept.token));
        }
        generations.old.get(&end).filter(|kept| kept.is_of(text))?;
        let kept = generations.old.remove(&end)?;
        let token = Rc::clone(&kept.token);
        generations.put(end, kept);
        Some(token)
    }

    /// Keeps a token whose claims have just been established, if it is not the first time.
    pub fn keep(&self, text: &str, claims: &Claims<'_>, source: Provenance) {
        let Some(end) = end_of(text) else { return };
        if !self.0.borrow_mut().doorkeeper.has_seen(end) {
            return;
        }
        let established = Rc::clone(&claims.established);
        let kept = Kept { text: text.into(), token: Rc::new(Token { established, source }) };
        self.0.borrow_mut().put(end, kept);
    }
}

impl Generations {
    fn put(&mut self, end: u128, kept: Kept) {
        // Claims as parsed take some three times their text.
        let bytes = kept.text.len().saturating_mul(4);
        let is_full = self.young.len() >= budget::TOKENS_KEPT
            || self.bytes.saturating_add(bytes) > budget::TOKEN_BYTES_KEPT;
        if is_full {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.young.insert(end, kept);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generations = self.0.borrow();
        formatter
            .debug_struct("TokenCache")
            .field("young", &generations.young.len())
            .field("old", &generations.old.len())
            .finish()
    }
}
