//! The keys that issuers publish, as one isolate caches them: a state machine that asks for fetches
//! and performs none.
//!
//! A failed fetch makes a key set stale but never evicts it. Time is an argument. A recorded time
//! in the future means that the clock was set back, and is ignored: it makes nothing fresh and
//! delays nothing.

use super::{Key, KeySet};
use crate::alg::Algorithm;
use crate::budget;
use crate::issuer_id::IssuerId;
use crate::refusal::{Code, Refusal};
use crate::time::{Seconds, UnixSeconds};
use crate::token::Header;
use std::collections::VecDeque;
use std::fmt;

/// The shortest time for which a fetched set is fresh. Without this minimum, the keys of a provider
/// that forbids caching would be fetched for every request.
pub const FRESH_AT_LEAST: Seconds = Seconds::new(5 * 60);

/// The longest time for which a fetched set is fresh. A key that the provider has withdrawn must
/// not be trusted for longer.
pub const FRESH_AT_MOST: Seconds = Seconds::new(24 * 60 * 60);

/// How long a set is fresh if its provider does not say.
pub const FRESH_BY_DEFAULT: Seconds = Seconds::new(10 * 60);

/// How long a stale set may be used while its provider cannot be reached, unless the policy says
/// otherwise (`stale_if_error`, a term of RFC 5861).
pub const STALE_IF_ERROR: Seconds = Seconds::new(24 * 60 * 60);

/// The shortest time between two attempts, successful or not. It bounds the fetches that tokens
/// with made-up `kid`s cause.
pub const COOLDOWN: Seconds = Seconds::new(30);

/// How long one request has the right to fetch. It is longer than [`FETCH_TIMEOUT`], so it expires
/// only if that request has died.
pub const LEASE: Seconds = Seconds::new(6);

/// How long a fetch may take, including the body.
pub const FETCH_TIMEOUT: Seconds = Seconds::new(5);

/// How long a key that was not found is not fetched again. It is short, because a provider may
/// publish a key a little after its first use.
pub const ABSENT_FOR: Seconds = Seconds::new(5 * 60);

/// How long a fetched document is fresh (RFC 9111 section 5.2.2.1): its `max-age`, limited to
/// [`FRESH_AT_LEAST`] and [`FRESH_AT_MOST`], or the minimum if it must not be stored.
#[must_use]
pub fn freshness(cache_control: Option<&str>) -> Seconds {
    let directives = cache_control.unwrap_or_default().split(',').map(str::trim);
    let mut fresh_for = FRESH_BY_DEFAULT;
    for directive in directives {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return FRESH_AT_LEAST;
        }
        if name.eq_ignore_ascii_case("max-age") {
            let digits = value.trim_matches('"');
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // A number that overflows counts as the largest one (RFC 9111 section 1.2.2).
            let seconds = digits.parse().unwrap_or(if is_number { u32::MAX } else { 0 });
            fresh_for = Seconds::new(seconds);
        }
    }
    fresh_for.clamp(FRESH_AT_LEAST, FRESH_AT_MOST)
}

/// A fetched value, and how long it is fresh.
#[derive(Clone, Debug)]
pub struct Dated<T> {
    /// The value.
    pub value: T,
    /// When the fetch began.
    pub fetched: UnixSeconds,
    /// How long it is fresh from then on.
    pub fresh_for: Seconds,
}

impl<T> Dated<T> {
    /// Whether it is still fresh.
    #[must_use]
    pub fn is_fresh(&self, now: UnixSeconds) -> bool {
        is_within(self.fetched, self.fresh_for, now)
    }

    /// Whether it may still be used if nothing newer can be fetched: until `grace` after it became
    /// stale.
    #[must_use]
    pub fn is_usable(&self, grace: Seconds, now: UnixSeconds) -> bool {
        now < self.fetched.plus(self.fresh_for.plus(grace))
    }
}

/// Whether `now` is within the span that begins at `start`. Returns `false` for a start in the
/// future.
pub(crate) fn is_within(start: UnixSeconds, span: Seconds, now: UnixSeconds) -> bool {
    start <= now && now < start.plus(span)
}

/// The key that a token names.
#[derive(Clone, PartialEq, Eq)]
pub struct AskedKey {
    /// The token's `kid`. An attacker may have chosen it.
    id: Option<String>,
    algorithm: Algorithm,
}

/// Prints no `kid`, because it may be any text of an attacker.
impl fmt::Debug for AskedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AskedKey")
            .field("has_id", &self.id.is_some())
            .field("algorithm", &self.algorithm)
            .finish()
    }
}

impl AskedKey {
    /// The key that a token with this header names.
    #[must_use]
    pub fn of(header: &Header) -> Self {
        Self { id: header.key_id.clone(), algorithm: header.algorithm }
    }

    /// Asks for any key that serves this algorithm.
    #[must_use]
    pub const fn any(algorithm: Algorithm) -> Self {
        Self { id: None, algorithm }
    }

    fn is_in(&self, set: &KeySet) -> bool {
        set.keys().iter().any(|key| key.fits(self.id.as_deref(), self.algorithm))
    }
}

/// What a [`KeyCache`] can offer for a token.
#[derive(Debug)]
pub enum Supply<'c> {
    /// A set to pick from. If it lacks the key that the token names, a fetch would not help.
    Have(&'c KeySet),
    /// Like [`Supply::Have`], but the set is stale: fetch in the background.
    HaveAndRefresh(&'c KeySet),
    /// No suitable set: fetch, or wait for the fetch in progress, and ask again.
    Fetch,
    /// No suitable set, and the last attempt was so recent that the next one must wait for this
    /// long.
    Unavailable(Seconds),
}

/// An attempt to fetch, and its outcome.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    began: UnixSeconds,
    succeeded: bool,
}

/// The keys of one issuer, and the state of the attempts to fetch them.
#[derive(Debug)]
pub struct KeyCache {
    stale_if_error: Seconds,
    held: Option<Dated<KeySet>>,
    /// The URL of the keys, if it has to be discovered.
    jwks_uri: Option<Dated<String>>,
    last: Option<Attempt>,
    lease: Option<UnixSeconds>,
    absent: VecDeque<(AskedKey, UnixSeconds)>,
    /// The number of sets so far. A signature that verified under an earlier set no longer counts.
    version: u64,
}

impl KeyCache {
    /// An empty cache. It keeps a stale set for `stale_if_error` if nothing newer can be fetched.
    #[must_use]
    pub const fn new(stale_if_error: Seconds) -> Self {
        Self {
            stale_if_error,
            held: None,
            jwks_uri: None,
            last: None,
            lease: None,
            absent: VecDeque::new(),
            version: 0,
        }
    }

    /// What the cache can offer for a token that names this key.
    #[must_use]
    pub fn supply(&self, asked: &AskedKey, now: UnixSeconds) -> Supply<'_> {
        let is_leased = self.is_leased(now);
        let is_due = self.is_due(asked, now);
        match self.usable(now) {
            Some(held) if asked.is_in(&held.value) && is_due && !is_leased => {
                Supply::HaveAndRefresh(&held.value)
            }
            Some(held) if asked.is_in(&held.value) => Supply::Have(&held.value),
            _ if is_due || is_leased => Supply::Fetch,
            Some(held) if self.has_succeeded() => Supply::Have(&held.value),
            _ => Supply::Unavailable(self.pause(now).unwrap_or(COOLDOWN)),
        }
    }

    /// Whether a token that names this key requires a fetch, even if one is in progress.
    #[must_use]
    pub fn is_due(&self, asked: &AskedKey, now: UnixSeconds) -> bool {
        self.pause(now).is_none()
            && match self.usable(now) {
                Some(held) if asked.is_in(&held.value) => !held.is_fresh(now),
                Some(_) => !(self.has_succeeded() && self.is_absent(asked, now)),
                None => true,
            }
    }

    fn has_succeeded(&self) -> bool {
        self.last.is_some_and(|last| last.succeeded)
    }

    /// Gives one request the right to fetch. Returns `false` if another request has it.
    pub fn take_lease(&mut self, now: UnixSeconds) -> bool {
        if self.is_leased(now) {
            return false;
        }
        self.forget_the_future(now);
        self.lease = Some(now);
        true
    }

    /// Moves times that are later than `now` to just before it: the clock has been set back. With
    /// them, the cache would neither store the set that is fetched next nor count the attempt, and
    /// every request would fetch again. The age of what the cache holds is unknown, so it is stale.
    fn forget_the_future(&mut self, now: UnixSeconds) {
        let before = UnixSeconds::new(now.get().saturating_sub(1));
        let forget = |fetched: &mut UnixSeconds, fresh_for: &mut Seconds| {
            if *fetched > now {
                (*fetched, *fresh_for) = (before, Seconds::new(0));
            }
        };
        if let Some(held) = &mut self.held {
            forget(&mut held.fetched, &mut held.fresh_for);
        }
        if let Some(found) = &mut self.jwks_uri {
            forget(&mut found.fetched, &mut found.fresh_for);
        }
        if let Some(last) = self.last.as_mut().filter(|last| last.began > now) {
            last.began = before;
        }
    }

    /// Whether a fetch is in progress.
    #[must_use]
    pub fn is_leased(&self, now: UnixSeconds) -> bool {
        self.lease.is_some_and(|taken| is_within(taken, LEASE, now))
    }

    /// Returns the lease.
    pub const fn return_lease(&mut self) {
        self.lease = None;
    }

    /// Stores a fetched set, unless the cache holds a newer one.
    pub fn succeeded(&mut self, set: Dated<KeySet>) {
        if self.held.as_ref().is_some_and(|held| held.fetched > set.fetched) {
            return;
        }
        self.note(Attempt { began: set.fetched, succeeded: true });
        self.held = Some(set);
        self.version = self.version.saturating_add(1);
        self.absent.clear();
    }

    /// Records that a fetch which began then has failed.
    pub fn failed(&mut self, began: UnixSeconds) {
        self.note(Attempt { began, succeeded: false });
    }

    fn note(&mut self, attempt: Attempt) {
        if self.last.is_none_or(|last| last.began <= attempt.began) {
            self.last = Some(attempt);
        }
    }

    /// Remembers a key that the set lacks, so that it does not cause another fetch soon.
    pub fn settle(&mut self, asked: &AskedKey, now: UnixSeconds) {
        let Some(held) = &self.held else { return };
        if asked.is_in(&held.value) || self.is_absent(asked, now) {
            return;
        }
        if self.absent.len() >= budget::ABSENT_KEYS {
            self.absent.pop_front();
        }
        self.absent.push_back((asked.clone(), now));
    }

    fn is_absent(&self, asked: &AskedKey, now: UnixSeconds) -> bool {
        let mut absent = self.absent.iter();
        absent.any(|(absent, since)| absent == asked && is_within(*since, ABSENT_FOR, now))
    }

    /// How long the next attempt must wait, or `None` if it need not wait.
    fn pause(&self, now: UnixSeconds) -> Option<Seconds> {
        let last = self.last.filter(|last| is_within(last.began, COOLDOWN, now))?;
        Some(last.began.plus(COOLDOWN).since(now))
    }

    fn usable(&self, now: UnixSeconds) -> Option<&Dated<KeySet>> {
        self.held.as_ref().filter(|held| held.is_usable(self.stale_if_error, now))
    }

    /// The set in the cache, even if it is too old to be used.
    #[must_use]
    pub const fn held(&self) -> Option<&Dated<KeySet>> {
        self.held.as_ref()
    }

    /// The discovered URL of the keys while it is fresh, or with `even_stale` until it is too old
    /// to be used.
    #[must_use]
    pub fn jwks_uri(&self, even_stale: bool, now: UnixSeconds) -> Option<&str> {
        let found = self.jwks_uri.as_ref()?;
        let good = if even_stale {
            found.is_usable(self.stale_if_error, now)
        } else {
            found.is_fresh(now)
        };
        good.then_some(found.value.as_str())
    }

    /// The discovered URL of the keys, even if it is too old to be used.
    #[must_use]
    pub const fn found(&self) -> Option<&Dated<String>> {
        self.jwks_uri.as_ref()
    }

    /// Stores a discovered URL, unless it is no newer than the one in the cache: another isolate
    /// may still share an old one.
    pub fn discovered(&mut self, jwks_uri: Dated<String>) {
        if self.jwks_uri.as_ref().is_none_or(|known| known.fetched < jwks_uri.fetched) {
            self.jwks_uri = Some(jwks_uri);
        }
    }

    /// The keys could not be fetched from the discovered URL: the next attempt discovers it again.
    pub fn forget_jwks_uri(&mut self) {
        if let Some(found) = &mut self.jwks_uri {
            found.fresh_for = Seconds::new(0);
        }
    }
}

/// A request to fetch an issuer's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// The issuer.
    pub issuer: IssuerId,
    /// The key that the token names.
    pub asked: AskedKey,
}

impl KeyRequest {
    /// The refusal that applies if the keys are not fetched: `keys_unavailable`.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        unavailable("the issuer's keys have not been fetched yet", Seconds::new(1))
    }
}

/// The result of picking keys from a fetched set.
#[derive(Debug)]
pub enum Picked<'k> {
    /// The keys to try, at least one and at most [`budget::KEYS_TRIED`].
    Keys(Vec<&'k Key>),
    /// The keys have to be fetched first.
    Needed(KeyRequest),
}

fn unavailable(because: &'static str, pause: Seconds) -> Refusal {
    Refusal::new(Code::KeysUnavailable, because).retrying_after(pause)
}

/// The key caches of a policy's issuers, by the issuers' IDs.
#[derive(Debug, Default)]
pub struct KeyCaches(Vec<KeyCache>);

impl KeyCaches {
    /// Empty caches, one for each issuer in the order of the policy. `stale_if_error` says how long
    /// each of them keeps a set past its freshness.
    #[must_use]
    pub fn new(stale_if_error: impl Iterator<Item = Seconds>) -> Self {
        Self(stale_if_error.map(KeyCache::new).collect())
    }

    /// The cache of an issuer.
    #[must_use]
    pub fn get(&self, issuer: IssuerId) -> Option<&KeyCache> {
        self.0.get(issuer.index())
    }

    /// The cache of an issuer, to record what was fetched.
    pub fn get_mut(&mut self, issuer: IssuerId) -> Option<&mut KeyCache> {
        self.0.get_mut(issuer.index())
    }

    /// The version of an issuer's key set: a different number for each fetched set, and 0 for an
    /// issuer whose keys are not fetched.
    #[must_use]
    pub fn version(&self, issuer: IssuerId) -> u64 {
        self.get(issuer).map_or(0, |cache| cache.version)
    }

    /// Whether a signature that verified under a key of this version of the set still counts: the
    /// version is the current one, and it may still be used. Sets `refresh` if the set should be
    /// fetched again in the background.
    pub(crate) fn is_current(
        &self,
        issuer: IssuerId,
        version: u64,
        asked: &AskedKey,
        now: UnixSeconds,
        refresh: &mut Option<KeyRequest>,
    ) -> bool {
        let Some(cache) = self.get(issuer).filter(|cache| cache.version == version) else {
            return false;
        };
        match cache.supply(asked, now) {
            Supply::Have(_) => true,
            Supply::HaveAndRefresh(_) => {
                *refresh = Some(KeyRequest { issuer, asked: asked.clone() });
                true
            }
            Supply::Fetch | Supply::Unavailable(_) => false,
        }
    }

    /// Picks the keys under which a token with this header may verify, as [`KeySet::pick`] does,
    /// from the set that is held for the issuer. Sets `refresh` if the set should be fetched again
    /// in the background.
    ///
    /// # Errors
    ///
    /// `unknown_key` as [`KeySet::pick`] says, once a fetch would not help; `keys_unavailable` if
    /// the last attempt to fetch failed too recently to try again.
    pub(crate) fn pick<'c>(
        &'c self,
        issuer: IssuerId,
        header: &Header,
        now: UnixSeconds,
        refresh: &mut Option<KeyRequest>,
    ) -> Result<Picked<'c>, Refusal> {
        let asked = AskedKey::of(header);
        match self.get(issuer).map_or(Supply::Fetch, |cache| cache.supply(&asked, now)) {
            Supply::Have(set) => set.pick(header).map(Picked::Keys),
            Supply::HaveAndRefresh(set) => {
                *refresh = Some(KeyRequest { issuer, asked });
                set.pick(header).map(Picked::Keys)
            }
            Supply::Fetch => Ok(Picked::Needed(KeyRequest { issuer, asked })),
            Supply::Unavailable(pause) => {
                Err(unavailable("the issuer's keys could not be fetched", pause))
            }
        }
    }
}
