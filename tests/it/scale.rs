//! What a provider has to bear of a gate that runs everywhere: the numbers of `docs/scale.md`.
//!
//! The caches are the gate's own; this file plays the part of `src/edge/keys.rs` around them,
//! second by second: isolates that know nothing of each other, save, within a location, for a Cache
//! API.

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

/// Of the locations every tenth is played, and counts for ten: none knows of another.
const LOCATIONS: usize = 300;
const OF_WHICH_PLAYED: usize = 30;
const ISOLATES: usize = 10;
const HOUR: i64 = 3600;

/// Each isolate has a request by a customer so often, and in a flood one by an attacker.
const REQUEST_EVERY: i64 = 10;

/// A location has its first request within so many seconds of the first of all.
const WAKES_WITHIN: i64 = 600;

/// A fetch takes this long, in which the other isolates of a location do not know of it.
const FETCH_TAKES: i64 = 1;

const DOCUMENT: &str = include_str!("../../docs/scale.md");

/// What goes on in the hour that is counted, which is the second; the first warms up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hour {
    Quiet,
    /// A key takes the place of another after twenty minutes.
    Rotation,
    /// The same, and it stands beside the other for a minute before.
    AnnouncedRotation,
    /// Nothing answers.
    Outage,
    /// Every isolate is asked for keys that do not exist.
    Flood,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    fetches: usize,
    in_worst_minute: usize,
    /// Customers whose good token was not let through.
    turned_away: usize,
}

/// What the isolates of a location tell each other.
#[derive(Default)]
struct Shared {
    set: Option<Dated<&'static [u32]>>,
    failure: Option<UnixSeconds>,
}

struct Isolate {
    cache: KeyCache,
    /// The key asked for, and the end of the fetch that is under way.
    fetching: Option<(AskedKey, i64)>,
    strangers: u32,
}

struct Fleet {
    hour: Hour,
    with_cache_api: bool,
    now: i64,
    fetches: Vec<usize>,
    turned_away: usize,
}

impl Fleet {
    fn counted(&self) -> bool {
        self.now >= HOUR
    }

    /// The key by which the provider signs.
    fn key(&self) -> u32 {
        let rotates = matches!(self.hour, Hour::Rotation | Hour::AnnouncedRotation);
        u32::from(rotates && self.now >= HOUR + 20 * 60)
    }

    /// The keys that it publishes.
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

    /// A request: whether it is let through, now or once a fetch has ended.
    fn request(&mut self, isolate: &mut Isolate, shared: &mut Shared, kid: &str) -> bool {
        let asked = asked(kid);
        let (admitted, wants_fetch) = match isolate.cache.supply(&asked, self.time()) {
            Supply::Have(set) => (set.pick(&header(kid)).is_ok(), false),
            Supply::HaveAndRefresh(set) => (set.pick(&header(kid)).is_ok(), true),
            // It waits, and is judged by what comes: by a good set, unless the provider is down.
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

/// Two hours of one provider, of which the second is counted.
fn count(hour: Hour, with_cache_api: bool) -> Count {
    let minutes = usize::try_from(2 * HOUR / 60).unwrap();
    let mut fleet =
        Fleet { hour, with_cache_api, now: 0, fetches: vec![0; minutes], turned_away: 0 };
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..OF_WHICH_PLAYED {
        location(&mut fleet, &mut random);
    }
    let counted = &fleet.fetches[minutes / 2..];
    let each_stands_for = LOCATIONS / OF_WHICH_PLAYED;
    Count {
        fetches: counted.iter().sum::<usize>() * each_stands_for,
        in_worst_minute: counted.iter().copied().max().unwrap() * each_stands_for,
        turned_away: fleet.turned_away * each_stands_for,
    }
}

fn location(fleet: &mut Fleet, random: &mut fastrand::Rng) {
    let mut shared = Shared::default();
    let mut isolates: Vec<_> = (0..ISOLATES)
        .map(|_| {
            let cache = KeyCache::new(STALE_IF_ERROR);
            let isolate = Isolate { cache, fetching: None, strangers: 0 };
            (isolate, random.i64(0..REQUEST_EVERY), random.i64(0..REQUEST_EVERY))
        })
        .collect();
    // They do not all wake up in the same minute.
    for now in random.i64(0..WAKES_WITHIN)..2 * HOUR {
        fleet.now = now;
        for (isolate, customer, attacker) in &mut isolates {
            fleet.end_of_fetch(isolate, &mut shared);
            if now % REQUEST_EVERY == *customer {
                let kid = format!("key-{}", fleet.key());
                let admitted = fleet.request(isolate, &mut shared, &kid);
                fleet.turned_away += usize::from(fleet.counted() && !admitted);
            }
            if fleet.hour == Hour::Flood && fleet.counted() && now % REQUEST_EVERY == *attacker {
                isolate.strangers += 1;
                let kid = format!("stranger-{}", isolate.strangers);
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

/// The set that the provider had. What kind of keys it holds is of no interest to a cache; these
/// are quick to import.
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

/// Plays an hour with and without the Cache API, and compares it with its row of the document.
fn check(hour: Hour, row: &str) {
    let [with, without] = [true, false].map(|with_cache_api| count(hour, with_cache_api));
    let turned_away = with.turned_away.max(without.turned_away);
    let cells =
        [with.fetches, with.in_worst_minute, without.fetches, without.in_worst_minute, turned_away];
    let expected = format!("| {row} | {} |", cells.map(grouped).join(" | "));
    let written: Vec<_> =
        DOCUMENT.lines().filter(|line| line.starts_with(&format!("| {row} |"))).collect();
    assert_eq!(written, [expected]);
}

/// `1234567` as `1,234,567`.
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
fn a_quiet_hour() {
    check(Hour::Quiet, "a quiet hour");
}

#[test]
fn an_hour_with_a_rotation() {
    check(Hour::Rotation, "a rotation");
}

#[test]
fn an_hour_with_an_announced_rotation() {
    check(Hour::AnnouncedRotation, "a rotation announced a minute before");
}

#[test]
fn an_hour_of_outage() {
    check(Hour::Outage, "an outage");
}

#[test]
fn attack_25_an_hour_of_made_up_kids() {
    check(Hour::Flood, "a flood of made-up `kid`s");
}
