//! Tokens that were verified, so that one which is used again need not be verified again.
//!
//! What is kept is what cannot change: the payload, and whose key bore it out. Whatever can change is judged
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
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::rc::Rc;

/// The verified tokens of an isolate.
///
/// Two generations: what is new, or used again, goes into the younger; when that is full, by entries or by
/// bytes, it becomes the older, and the older is let go. So what is used often stays, a flood of tokens that
/// are used once costs each of them the same and never a search, and memory has a bound: two generations.
#[derive(Default)]
pub struct TokenCache(RefCell<Generations>);

#[derive(Default)]
struct Generations {
    young: Tokens,
    /// What the texts and claims of the younger take, roughly.
    bytes: usize,
    old: Tokens,
}

/// By all of their text.
type Tokens = HashMap<Box<str>, Rc<Token>, BySignature>;

/// Hashes the end of a text: a token's signature is as good as random there, and hashing all of it takes as
/// long as the rest of a look-up. Texts are still compared whole.
#[derive(Default)]
struct BySignature(RandomState);

impl BuildHasher for BySignature {
    type Hasher = EndHasher;

    fn build_hasher(&self) -> EndHasher {
        EndHasher(self.0.build_hasher())
    }
}

struct EndHasher(DefaultHasher);

/// How much of a text is hashed: 12 bytes of the signature, and none is shorter.
const END_BYTES: usize = 16;

impl Hasher for EndHasher {
    fn write(&mut self, bytes: &[u8]) {
        let end = bytes.last_chunk::<END_BYTES>();
        self.0.write(end.map_or(bytes, <[u8; END_BYTES]>::as_slice));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
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
        let mut generations = self.0.borrow_mut();
        if let Some(token) = generations.young.get(text) {
            return Some(Rc::clone(token));
        }
        let (text, token) = generations.old.remove_entry(text)?;
        generations.put(text, Rc::clone(&token));
        Some(token)
    }

    /// Keeps a token whose claims have just been established.
    pub fn keep(&self, text: &str, claims: &Claims<'_>, source: Provenance) {
        let established = Rc::new(claims.established.to_keep());
        self.0.borrow_mut().put(text.into(), Rc::new(Token { established, source }));
    }
}

impl Generations {
    fn put(&mut self, text: Box<str>, token: Rc<Token>) {
        // Claims as parsed take some three times their text.
        let bytes = text.len().saturating_mul(4);
        let is_full = self.young.len() >= budget::TOKENS_KEPT
            || self.bytes.saturating_add(bytes) > budget::TOKEN_BYTES_KEPT;
        if is_full {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.young.insert(text, token);
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
