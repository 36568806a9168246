//! What an isolate remembers about introspection: the calls in progress, the tokens that were
//! rejected, and what limits further calls.
//!
//! The identities of active tokens are in [`crate::identity::IdentityCache`].

use super::response::{Answer, Judging};
use super::{
    Endpoint, Failure, IntrospectionRequest, PAUSE, Response, Standing, Unjudged, unavailable,
};
use crate::budget;
use crate::identity::IdentityCache;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::keys::KeyCaches;
use crate::keys::cache::{Dated, LEASE, is_within};
use crate::refusal::Refusal;
use crate::time::{Seconds, UnixSeconds};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::fmt;

/// How long a rejected token is remembered at most. It is short, because a token may be used before
/// every server of its provider knows it.
const REJECTED_FOR: Seconds = Seconds::new(60);

/// A token's ID: half of its SHA-256 digest. Nobody can make a token with the ID of another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(u128);

impl TokenId {
    /// Returns the ID of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let digest = Sha256::digest(token.as_bytes());
        Self(digest.first_chunk().map_or(0, |half| u128::from_le_bytes(*half)))
    }

    fn index(self) -> usize {
        usize::try_from(self.0 & 0xffff_ffff).unwrap_or(0) % budget::TOKENS_REJECTED
    }
}

/// What an isolate remembers about introspection.
#[derive(Default)]
pub struct Introspections(RefCell<State>);

#[derive(Default)]
struct State {
    /// The number of answers so far. A request may use every answer that came after it, even one
    /// that is not cached: it has waited for that answer.
    answers: u64,
    /// By the issuers' IDs.
    issuers: Vec<OfIssuer>,
}

#[derive(Default)]
struct OfIssuer {
    /// The discovered URL of the endpoint.
    endpoint: Option<Dated<String>>,
    leases: Vec<Leased>,
    new: Lane,
    seen: Lane,
    /// The tokens that were rejected, each at the index that its ID determines. Of two tokens with
    /// the same index, the later one stays.
    rejected: Vec<Option<Rejected>>,
}

/// A call in progress.
struct Leased {
    id: TokenId,
    standing: Standing,
    since: UnixSeconds,
}

/// The calls for tokens of one standing. Tokens that were active before have a lane of their own,
/// so that a flood of made-up tokens does not use up their calls, and so that a made-up token that
/// makes the endpoint fail does not keep them from being introspected.
#[derive(Default)]
struct Lane {
    /// The second in which calls were last made, and their number in it.
    second: Option<UnixSeconds>,
    calls: usize,
    /// When the last call failed, and how many have failed in a row.
    failed: Option<(UnixSeconds, u32)>,
}

impl Lane {
    /// How long the next call must wait because of calls that failed: 1, 2, 4, 8, 16, then 30
    /// seconds.
    fn pause(&self, now: UnixSeconds) -> Option<Seconds> {
        let (at, in_a_row) = self.failed?;
        let doublings = in_a_row.saturating_sub(1).min(5);
        let span = Seconds::new(1_u32.checked_shl(doublings).map_or(30, |span| span.min(30)));
        is_within(at, span, now).then(|| at.plus(span).since(now))
    }

    fn is_full(&self, now: UnixSeconds) -> bool {
        self.second == Some(now) && self.calls >= budget::INTROSPECTIONS_PER_SECOND
    }

    fn count(&mut self, now: UnixSeconds) {
        self.calls = if self.second == Some(now) { self.calls.saturating_add(1) } else { 1 };
        self.second = Some(now);
    }

    /// Records that a call which began at `asked` has failed at `now`. Calls that were in progress
    /// at the same time count once.
    fn fail(&mut self, asked: UnixSeconds, now: UnixSeconds) {
        match self.failed {
            Some((at, _)) if asked <= at && at <= now => {}
            Some((_, in_a_row)) => self.failed = Some((now, in_a_row.saturating_add(1))),
            None => self.failed = Some((now, 1)),
        }
    }
}

/// A token that was rejected.
#[derive(Clone)]
pub(crate) struct Rejected {
    id: TokenId,
    pub(crate) refusal: Refusal,
    /// Whether the endpoint says that the token is active.
    pub(crate) is_active: bool,
    asked: UnixSeconds,
    number: u64,
}

/// What the memory can offer for a token.
pub(crate) enum Supply {
    /// The token was rejected.
    Rejected(Rejected),
    /// The endpoint has to be asked, or is being asked.
    Ask,
}

/// The outcome of an attempt to take the right to ask about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// The caller asks.
    Taken,
    /// Another request asks about the same token.
    Elsewhere,
    /// Another request is fetching the issuer's metadata, which this one needs as well.
    Later,
    /// A limit does not allow the call now.
    Refused,
}

impl OfIssuer {
    fn lane(&mut self, standing: Standing) -> &mut Lane {
        match standing {
            Standing::New => &mut self.new,
            Standing::Seen => &mut self.seen,
        }
    }

    fn forget_expired(&mut self, now: UnixSeconds) {
        self.leases.retain(|lease| is_within(lease.since, LEASE, now));
    }

    fn is_leased(&self, id: TokenId) -> bool {
        self.leases.iter().any(|lease| lease.id == id)
    }

    /// Whether a limit forbids a call for a token of this standing, and for how long.
    #[cold]
    #[inline(never)]
    fn limit(&mut self, standing: Standing, now: UnixSeconds) -> Option<Refusal> {
        let in_flight = self.leases.iter().filter(|lease| lease.standing == standing).count();
        let lane = self.lane(standing);
        if let Some(pause) = lane.pause(now) {
            return Some(unavailable("the introspection endpoint has failed", pause));
        }
        (lane.is_full(now) || in_flight >= budget::INTROSPECTIONS_IN_FLIGHT)
            .then(|| unavailable("the gate's limit for calls of the introspection endpoint", PAUSE))
    }

    /// Remembers that a token was rejected, or with `None`, forgets it.
    fn remember(&mut self, id: TokenId, rejected: Option<Rejected>) {
        if self.rejected.is_empty() {
            self.rejected.resize_with(budget::TOKENS_REJECTED, || None);
        }
        if let Some(place) = self.rejected.get_mut(id.index()) {
            *place = rejected;
        }
    }

    fn rejected(&self, id: TokenId) -> Option<&Rejected> {
        self.rejected.get(id.index())?.as_ref().filter(|rejected| rejected.id == id)
    }
}

impl Introspections {
    /// Empty memory for this number of issuers.
    #[must_use]
    pub fn new(issuers: usize) -> Self {
        let issuers = std::iter::repeat_with(OfIssuer::default).take(issuers).collect();
        Self(RefCell::new(State { answers: 0, issuers }))
    }

    /// The number of answers so far.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.0.borrow().answers
    }

    fn with<T>(&self, issuer: IssuerId, action: impl FnOnce(&mut OfIssuer) -> T) -> Option<T> {
        self.0.borrow_mut().issuers.get_mut(issuer.index()).map(action)
    }

    /// What the memory can offer for a token that was not established. `cache` says how long an
    /// answer may be reused.
    ///
    /// # Errors
    ///
    /// `introspection_unavailable` if a limit does not allow a call now.
    #[cold]
    #[inline(never)]
    pub(crate) fn supply(
        &self,
        request: &IntrospectionRequest,
        cache: Seconds,
        now: UnixSeconds,
    ) -> Result<Supply, Refusal> {
        let offered = self.with(request.issuer, |issuer| {
            let known = issuer.rejected(request.id);
            let is_current = |known: &&Rejected| {
                known.number > request.arrived
                    || is_within(known.asked, cache.min(REJECTED_FOR), now)
            };
            if let Some(known) = known.filter(is_current) {
                return Ok(Supply::Rejected(known.clone()));
            }
            issuer.forget_expired(now);
            if issuer.is_leased(request.id) {
                return Ok(Supply::Ask);
            }
            issuer.limit(request.standing, now).map_or(Ok(Supply::Ask), Err)
        });
        offered.unwrap_or(Ok(Supply::Ask))
    }

    /// Takes the right to ask about a token, which ends with the answer, the failure, or after
    /// [`LEASE`].
    #[cold]
    #[inline(never)]
    pub fn take_lease(
        &self,
        request: &IntrospectionRequest,
        endpoint: &Endpoint,
        now: UnixSeconds,
    ) -> Lease {
        let taken = self.with(request.issuer, |issuer| {
            issuer.forget_expired(now);
            if issuer.is_leased(request.id) {
                return Lease::Elsewhere;
            }
            let is_known = issuer.endpoint.as_ref().is_some_and(|known| known.is_fresh(now));
            if matches!(endpoint, Endpoint::Discovery(_)) && !is_known && !issuer.leases.is_empty()
            {
                return Lease::Later;
            }
            if issuer.limit(request.standing, now).is_some() {
                return Lease::Refused;
            }
            issuer.lane(request.standing).count(now);
            let (id, standing) = (request.id, request.standing);
            issuer.leases.push(Leased { id, standing, since: now });
            Lease::Taken
        });
        taken.unwrap_or(Lease::Refused)
    }

    /// Whether a request asks about this token.
    #[must_use]
    pub fn is_leased(&self, request: &IntrospectionRequest, now: UnixSeconds) -> bool {
        let is_leased = self.with(request.issuer, |issuer| {
            issuer.forget_expired(now);
            issuer.is_leased(request.id)
        });
        is_leased == Some(true)
    }

    /// The discovered URL of an issuer's endpoint while it is fresh, or with `even_stale` at any
    /// age.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn endpoint(&self, issuer: IssuerId, even_stale: bool, now: UnixSeconds) -> Option<String> {
        let endpoint = self.with(issuer, |issuer| {
            let known = issuer.endpoint.as_ref()?;
            (even_stale || known.is_fresh(now)).then(|| known.value.clone())
        });
        endpoint.flatten()
    }

    /// Remembers the discovered URL of an issuer's endpoint.
    pub fn discovered(&self, issuer: IssuerId, endpoint: Dated<String>) {
        self.with(issuer, |issuer| issuer.endpoint = Some(endpoint));
    }

    /// Judges the response to a call that began at `asked`, remembers what it says, and returns
    /// the lease.
    ///
    /// # Errors
    ///
    /// [`Unjudged`] if the response is no answer. The lease is not returned then.
    #[cold]
    #[inline(never)]
    pub(crate) fn answered(
        &self,
        issuer: &Issuer,
        request: &IntrospectionRequest,
        response: &Response,
        memory: (&KeyCaches, &IdentityCache),
        (asked, now): (UnixSeconds, UnixSeconds),
    ) -> Result<(), Unjudged> {
        let Some(introspection) = issuer.introspection() else { return Ok(()) };
        let (keys, identities) = memory;
        let number = self.answers().saturating_add(1);
        let judging = Judging { issuer, introspection, request, keys, asked, now, number };
        let answer = judging.judge(response)?;
        self.0.borrow_mut().answers = number;
        self.with(issuer.id(), |issuer| {
            issuer.leases.retain(|lease| lease.id != request.id);
            (issuer.new.failed, issuer.seen.failed) = (None, None);
            let id = request.id;
            match answer {
                Answer::Active(identity) => {
                    issuer.remember(id, None);
                    identities.keep(&request.token, &identity);
                }
                Answer::Rejected { refusal, is_active } => {
                    identities.remove(&request.token);
                    let rejected = Rejected { id, refusal, is_active, asked, number };
                    issuer.remember(id, Some(rejected));
                }
            }
        });
        Ok(())
    }

    /// Records that a call which began at `asked` has failed at `now`, and returns the lease. A
    /// failure with a token that was active before also holds up new tokens, but not the other way
    /// round.
    #[cold]
    #[inline(never)]
    pub fn failed(&self, request: &IntrospectionRequest, asked: UnixSeconds, now: UnixSeconds) {
        self.with(request.issuer, |issuer| {
            issuer.leases.retain(|lease| lease.id != request.id);
            issuer.new.fail(asked, now);
            if request.standing == Standing::Seen {
                issuer.seen.fail(asked, now);
            }
            // The next call discovers it again.
            if let Some(endpoint) = &mut issuer.endpoint {
                endpoint.fresh_for = Seconds::new(0);
            }
        });
    }
}

/// Prints numbers only.
impl fmt::Debug for Introspections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.borrow();
        let count = |of: fn(&OfIssuer) -> usize| state.issuers.iter().map(of).sum::<usize>();
        formatter
            .debug_struct("Introspections")
            .field("answers", &state.answers)
            .field("in_flight", &count(|issuer| issuer.leases.len()))
            .field("rejected", &count(|issuer| issuer.rejected.iter().flatten().count()))
            .finish()
    }
}

/// The failure of a call that took too long.
#[must_use]
pub fn timed_out() -> Failure {
    Failure::new(
        "there was no complete response within 5 seconds",
        "the provider is slow or cannot be reached: see its status page and logs",
    )
}
