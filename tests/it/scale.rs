//! Simulates the load on an identity provider, and compares it with the tables in `docs/scale.md`.
//!
//! The key caches are the gate's own, and in [`introspection`] the whole gate is. This file stands
//! in for `src/edge/keys.rs`, which uses them, and simulates every second. Isolates share nothing,
//! except for the Cache API within a location.

mod introspection;

use crate::kit::keys;
use portcullis::alg::Algorithm;
use portcullis::keys::KeySet;
use portcullis::keys::cache::{
    AskedKey, Dated, FRESH_BY_DEFAULT, KeyCache, STALE_IF_ERROR, Supply,
};
use portcullis::keys::jwk::{self, Provenance};
use portcullis::time::UnixSeconds;
use portcullis::token::Header;
use serde_json::{Value, json};

/// Locations do not affect each other. Therefore one in ten is simulated, and its counts are
/// multiplied by ten.
const LOCATIONS: usize = 300;
const SIMULATED_LOCATIONS: usize = 30;
const ISOLATES: usize = 10;
const HOUR: i64 = 3600;

/// The seconds between two requests of the customer of an isolate. In a flood, each isolate also
/// has an attacker who sends requests at the same rate.
const REQUEST_EVERY: i64 = 10;

/// Each location starts within this many seconds after the beginning of the simulation.
const STARTS_WITHIN: i64 = 600;

/// The duration of a fetch in seconds. Meanwhile, the other isolates of the location do not know
/// about the fetch.
const FETCH_TAKES: i64 = 1;

const DOCUMENT: &str = include_str!("../../docs/scale.md");

/// What happens in the second hour, which is counted. The first hour only fills the caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hour {
    Quiet,
    /// A new key replaces the old key after twenty minutes.
    Rotation,
    /// The same, but the provider publishes the new key one minute before.
    AnnouncedRotation,
    /// The provider does not respond.
    Outage,
    /// Every isolate gets tokens with made-up `kid`s.
    Flood,
}

/// The counts of one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    fetches: usize,
    in_worst_minute: usize,
    /// The number of valid tokens that were rejected.
    rejected: usize,
}

/// What the isolates of a location share through the Cache API.
#[derive(Default)]
struct Shared {
    set: Option<Dated<&'static [u32]>>,
    failure: Option<UnixSeconds>,
}

struct Isolate {
    cache: KeyCache,
    /// The key for which a fetch is in progress, and the time at which the fetch ends.
    fetching: Option<(AskedKey, i64)>,
    made_up_kids: u32,
}

struct Fleet {
    hour: Hour,
    with_cache_api: bool,
    now: i64,
    fetches: Vec<usize>,
    rejected: usize,
}

impl Fleet {
    fn counted(&self) -> bool {
        self.now >= HOUR
    }

    /// Returns the number of the key with which the provider signs.
    fn key(&self) -> u32 {
        let rotates = matches!(self.hour, Hour::Rotation | Hour::AnnouncedRotation);
        u32::from(rotates && self.now >= HOUR + 20 * 60)
    }

    /// Returns the numbers of the keys that the provider publishes.
    fn published(&self) -> &'static [u32] {
        match (self.hour, self.now - HOUR) {
            (Hour::AnnouncedRotation, 1140..) => &[0, 1],
            (Hour::Rotation, 1200..) => &[1],
            _ => &[0],
        }
    }

    fn is_down(&self) -> bool {
        self.hour == Hour::Outage && self.counted()
    }

    fn time(&self) -> UnixSeconds {
        UnixSeconds::new(self.now)
    }

    /// Handles a request. Returns whether it is admitted, at once or after a fetch.
    fn request(&mut self, isolate: &mut Isolate, shared: &mut Shared, kid: &str) -> bool {
        let asked = asked(kid);
        let (admitted, wants_fetch) = match isolate.cache.supply(&asked, self.time()) {
            Supply::Have(set) => (set.pick(&header(kid)).is_ok(), false),
            Supply::HaveAndRefresh(set) => (set.pick(&header(kid)).is_ok(), true),
            // The request waits for the fetch, which returns a good set unless the provider is
            // down.
            Supply::Fetch => (!self.is_down(), true),
            Supply::Unavailable(_) => (false, false),
        };
        if wants_fetch && isolate.cache.take_lease(self.time()) {
            self.attempt(isolate, shared, asked);
        }
        admitted
    }

    fn attempt(&mut self, isolate: &mut Isolate, shared: &Shared, asked: AskedKey) {
        let now = self.time();
        if self.with_cache_api {
            if let Some(found) = &shared.set {
                isolate.cache.succeeded(set(found));
            }
            if let (true, Some(began)) = (isolate.cache.is_due(&asked, now), shared.failure) {
                isolate.cache.failed(began);
            }
        }
        if isolate.cache.is_due(&asked, now) {
            self.fetches[usize::try_from(self.now / 60).unwrap()] += 1;
            isolate.fetching = Some((asked, self.now + FETCH_TAKES));
        } else {
            isolate.cache.settle(&asked, now);
            isolate.cache.return_lease();
        }
    }

    fn end_of_fetch(&mut self, isolate: &mut Isolate, shared: &mut Shared) {
        let Some((asked, _)) = isolate.fetching.take_if(|(_, ends)| *ends <= self.now) else {
            return;
        };
        let began = UnixSeconds::new(self.now - FETCH_TAKES);
        if self.is_down() {
            isolate.cache.failed(began);
            shared.failure = Some(began);
        } else {
            let found =
                Dated { value: self.published(), fetched: began, fresh_for: FRESH_BY_DEFAULT };
            isolate.cache.succeeded(set(&found));
            shared.set = Some(found);
        }
        isolate.cache.settle(&asked, self.time());
        isolate.cache.return_lease();
    }
}

/// Simulates two hours of one provider and counts the second.
fn count(hour: Hour, with_cache_api: bool) -> Count {
    let minutes = usize::try_from(2 * HOUR / 60).unwrap();
    let mut fleet = Fleet { hour, with_cache_api, now: 0, fetches: vec![0; minutes], rejected: 0 };
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..SIMULATED_LOCATIONS {
        location(&mut fleet, &mut random);
    }
    let counted = &fleet.fetches[minutes / 2..];
    let factor = LOCATIONS / SIMULATED_LOCATIONS;
    Count {
        fetches: counted.iter().sum::<usize>() * factor,
        in_worst_minute: counted.iter().copied().max().unwrap() * factor,
        rejected: fleet.rejected * factor,
    }
}

fn location(fleet: &mut Fleet, random: &mut fastrand::Rng) {
    let mut shared = Shared::default();
    let mut isolates: Vec<_> = (0..ISOLATES)
        .map(|_| {
            let cache = KeyCache::new(STALE_IF_ERROR);
            let isolate = Isolate { cache, fetching: None, made_up_kids: 0 };
            (isolate, random.i64(0..REQUEST_EVERY), random.i64(0..REQUEST_EVERY))
        })
        .collect();
    // Locations start at different times, so that their fetches do not coincide.
    for now in random.i64(0..STARTS_WITHIN)..2 * HOUR {
        fleet.now = now;
        for (isolate, customer, attacker) in &mut isolates {
            fleet.end_of_fetch(isolate, &mut shared);
            if now % REQUEST_EVERY == *customer {
                let kid = format!("key-{}", fleet.key());
                let admitted = fleet.request(isolate, &mut shared, &kid);
                fleet.rejected += usize::from(fleet.counted() && !admitted);
            }
            if fleet.hour == Hour::Flood && fleet.counted() && now % REQUEST_EVERY == *attacker {
                isolate.made_up_kids += 1;
                let kid = format!("stranger-{}", isolate.made_up_kids);
                fleet.request(isolate, &mut shared, &kid);
            }
        }
    }
}

fn header(kid: &str) -> Header {
    Header {
        algorithm: Algorithm::from_name("HS256").unwrap(),
        key_id: Some(kid.to_owned()),
        media_type: None,
        is_nested: false,
    }
}

fn asked(kid: &str) -> AskedKey {
    AskedKey::of(&header(kid))
}

/// Returns the key set that the provider published. The caches work the same for every kind of key,
/// and secrets are quick to import.
fn set(found: &Dated<&[u32]>) -> Dated<KeySet> {
    let jwk = |number: &u32| {
        let mut jwk = keys::oct_jwk(keys::SECRET.as_bytes());
        jwk["kid"] = Value::from(format!("key-{number}"));
        jwk
    };
    let jwks = json!({ "keys": found.value.iter().map(jwk).collect::<Vec<_>>() });
    let algorithms = [Algorithm::from_name("HS256").unwrap()];
    Dated {
        value: jwk::import(jwks.as_object().unwrap(), &algorithms, Provenance::Operator).unwrap(),
        fetched: found.fetched,
        fresh_for: found.fresh_for,
    }
}

/// Simulates an hour with and without the Cache API, and compares the counts with the hour's row in
/// the document.
fn check(hour: Hour, row: &str) {
    let [with, without] = [true, false].map(|with_cache_api| count(hour, with_cache_api));
    let rejected = with.rejected.max(without.rejected);
    let cells =
        [with.fetches, with.in_worst_minute, without.fetches, without.in_worst_minute, rejected];
    let expected = format!("| {row} | {} |", cells.map(grouped).join(" | "));
    let written: Vec<_> =
        DOCUMENT.lines().filter(|line| line.starts_with(&format!("| {row} |"))).collect();
    assert_eq!(written, [expected]);
}

/// Formats `1234567` as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[test]
fn the_document_states_the_load_of_a_quiet_hour() {
    check(Hour::Quiet, "a quiet hour");
}

#[test]
fn the_document_states_the_load_of_an_hour_with_a_rotation() {
    check(Hour::Rotation, "a rotation");
}

#[test]
fn the_document_states_the_load_of_an_hour_with_an_announced_rotation() {
    check(Hour::AnnouncedRotation, "a rotation announced a minute before");
}

#[test]
fn the_document_states_the_load_of_an_hour_of_outage() {
    check(Hour::Outage, "an outage");
}

#[test]
fn attack_25_the_document_states_the_load_of_an_hour_of_made_up_kids() {
    check(Hour::Flood, "a flood of made-up `kid`s");
}
