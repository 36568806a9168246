//! The cache of published keys in one isolate, tested in simulated time.

use crate::kit::{self, Call, Gate, Held, NOW, Signer, keys, policy, respond, with};
use portcullis::alg::Algorithm;
use portcullis::budget;
use portcullis::gate::Need;
use portcullis::issuer_id::IssuerId;
use portcullis::keys::KeySet;
use portcullis::keys::cache::{AskedKey, Dated, KeyCache, STALE_IF_ERROR, Supply, freshness};
use portcullis::keys::jwk::{self, Provenance};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::token::Header;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// An event, and the expected reaction of the cache.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sets the clock to this many seconds after the start. The clock may go back.
    At(i64),
    /// A token names the key with this `kid`.
    Ask(Option<&'static str>, Says),
    /// A request asks for the right to fetch, and gets it or not.
    Lease(bool),
    /// A fetch that began now returned keys with these `kid`s, fresh for this many seconds.
    Succeed(&'static [&'static str], u32),
    /// A fetch that began now failed.
    Fail,
    /// The request that fetched because of this `kid` is done.
    Settle(&'static str),
}

/// A [`Supply`] that says whether the set has the key, instead of containing the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Known,
    KnownButStale,
    Unknown,
    Fetch,
    Unavailable(u32),
}

use Says::{Fetch, Known, KnownButStale, Unavailable, Unknown};
use Step::{Ask, At, Fail, Lease, Settle, Succeed};

fn at(seconds: i64) -> UnixSeconds {
    UnixSeconds::new(NOW + seconds)
}

fn header(kid: Option<&str>, algorithm: Algorithm) -> Header {
    Header { algorithm, key_id: kid.map(str::to_owned), media_type: None, is_nested: false }
}

fn asked(kid: Option<&str>) -> AskedKey {
    AskedKey::of(&header(kid, Algorithm::from_name("RS256").unwrap()))
}

fn set(kids: &[&str]) -> KeySet {
    let jwks: Vec<_> = kids
        .iter()
        .map(|kid| {
            let mut jwk = keys::rsa_jwk(keys::RSA_PRIVATE);
            jwk["kid"] = Value::from(*kid);
            jwk
        })
        .collect();
    let set = json!({ "keys": jwks });
    let algorithms = [Algorithm::from_name("RS256").unwrap()];
    jwk::import(set.as_object().unwrap(), &algorithms, Provenance::Network).unwrap()
}

fn dated(kids: &[&str], fresh_for: u32, fetched: UnixSeconds) -> Dated<KeySet> {
    Dated { value: set(kids), fetched, fresh_for: Seconds::new(fresh_for) }
}

fn says(cache: &KeyCache, kid: Option<&str>, now: UnixSeconds) -> Says {
    let header = header(kid, Algorithm::from_name("RS256").unwrap());
    match cache.supply(&AskedKey::of(&header), now) {
        Supply::Have(set) if set.pick(&header).is_ok() => Known,
        Supply::Have(_) => Unknown,
        Supply::HaveAndRefresh(_) => KnownButStale,
        Supply::Fetch => Fetch,
        Supply::Unavailable(pause) => Unavailable(pause.get()),
    }
}

/// Runs the steps on an empty cache, and checks each reaction.
fn check(story: &[Step]) {
    let mut cache = KeyCache::new(STALE_IF_ERROR);
    let mut now = at(0);
    for (index, step) in story.iter().enumerate() {
        match *step {
            At(seconds) => now = at(seconds),
            Ask(kid, expected) => {
                assert_eq!(says(&cache, kid, now), expected, "step {index}: {step:?}");
            }
            Lease(expected) => assert_eq!(cache.take_lease(now), expected, "step {index}"),
            Succeed(kids, fresh_for) => {
                cache.succeeded(dated(kids, fresh_for, now));
                cache.return_lease();
            }
            Fail => {
                cache.failed(now);
                cache.return_lease();
            }
            Settle(kid) => cache.settle(&asked(Some(kid)), now),
        }
    }
}

#[test]
fn the_first_request_fetches_and_the_others_wait_for_it() {
    check(&[
        Ask(Some("a"), Fetch),
        Lease(true),
        Ask(Some("a"), Fetch),
        Lease(false),
        Succeed(&["a"], 600),
        Ask(Some("a"), Known),
        Ask(None, Known),
        Ask(Some("b"), Unknown),
    ]);
}

#[test]
fn a_fresh_set_is_not_fetched_again() {
    check(&[Lease(true), Succeed(&["a"], 600), At(599), Ask(Some("a"), Known)]);
}

#[test]
fn a_stale_set_stays_in_use_while_one_request_refreshes_it() {
    check(&[
        Lease(true),
        Succeed(&["a"], 600),
        At(600),
        Ask(Some("a"), KnownButStale),
        Lease(true),
        Ask(Some("a"), Known),
        Succeed(&["a", "b"], 600),
        Ask(Some("a"), Known),
        Ask(Some("b"), Known),
        At(1199),
        Ask(Some("a"), Known),
        At(1200),
        Ask(Some("a"), KnownButStale),
    ]);
}

#[test]
fn a_stale_set_stays_in_use_for_a_day_if_refreshes_fail() {
    check(&[
        Lease(true),
        Succeed(&["a"], 600),
        At(600),
        Lease(true),
        Fail,
        Ask(Some("a"), Known),
        At(629),
        Ask(Some("a"), Known),
        At(630),
        Ask(Some("a"), KnownButStale),
        Lease(true),
        Fail,
        At(HOUR),
        Ask(Some("a"), KnownButStale),
        At(600 + 24 * HOUR - 1),
        Ask(Some("a"), KnownButStale),
        At(600 + 24 * HOUR),
        Ask(Some("a"), Fetch),
        Fail,
        Ask(Some("a"), Unavailable(30)),
        Lease(true),
        Succeed(&["a"], 600),
        Ask(Some("a"), Known),
    ]);
}

#[test]
fn without_a_set_keys_are_unavailable_from_a_failed_fetch_to_the_next_attempt() {
    check(&[
        Lease(true),
        Fail,
        Ask(Some("a"), Unavailable(30)),
        At(29),
        Ask(Some("a"), Unavailable(1)),
        At(30),
        Ask(Some("a"), Fetch),
        Lease(true),
        Succeed(&["a"], 600),
        Ask(Some("a"), Known),
    ]);
}

#[test]
fn the_first_token_under_a_new_key_causes_a_fetch() {
    check(&[
        Lease(true),
        Succeed(&["old"], 86_400),
        At(31),
        Ask(Some("new"), Fetch),
        Lease(true),
        Ask(Some("old"), Known),
        Ask(Some("new"), Fetch),
        Succeed(&["old", "new"], 86_400),
        Ask(Some("new"), Known),
        Ask(Some("old"), Known),
    ]);
}

#[test]
fn a_withdrawn_key_is_unknown_after_the_next_fetch() {
    check(&[
        Lease(true),
        Succeed(&["old"], 600),
        At(700),
        Succeed(&["new"], 600),
        Ask(Some("old"), Unknown),
    ]);
}

#[test]
fn attack_25_unknown_kids_cause_at_most_one_fetch_per_cooldown() {
    check(&[
        Lease(true),
        Succeed(&["a"], 86_400),
        At(29),
        Ask(Some("x1"), Unknown),
        Ask(Some("x2"), Unknown),
        At(30),
        Ask(Some("x3"), Fetch),
        Lease(true),
        Succeed(&["a"], 86_400),
        Settle("x3"),
        Ask(Some("x3"), Unknown),
        Ask(Some("x4"), Unknown),
        At(60),
        Ask(Some("x3"), Unknown),
        Ask(Some("x4"), Fetch),
    ]);
}

#[test]
fn attack_25_unknown_kids_are_unavailable_while_the_provider_is_down() {
    check(&[
        Lease(true),
        Succeed(&["a"], 86_400),
        At(30),
        Ask(Some("x"), Fetch),
        Lease(true),
        Fail,
        Settle("x"),
        Ask(Some("x"), Unavailable(30)),
        Ask(Some("a"), Known),
        At(59),
        Ask(Some("y"), Unavailable(1)),
        At(60),
        // The failed fetch did not show that x does not exist.
        Ask(Some("x"), Fetch),
    ]);
}

#[test]
fn an_unknown_kid_causes_another_fetch_after_five_minutes() {
    check(&[
        Lease(true),
        Succeed(&["a"], 86_400),
        Settle("x"),
        At(299),
        Ask(Some("x"), Unknown),
        At(300),
        Ask(Some("x"), Fetch),
    ]);
}

#[test]
fn unknown_kids_are_forgotten_at_each_successful_fetch() {
    check(&[
        Lease(true),
        Succeed(&["a"], 86_400),
        Settle("x"),
        At(40),
        Succeed(&["a"], 86_400),
        At(70),
        Ask(Some("x"), Fetch),
    ]);
}

#[test]
fn a_known_key_is_never_remembered_as_absent() {
    check(&[
        Lease(true),
        Succeed(&["a"], 600),
        Settle("a"),
        Ask(Some("a"), Known),
        At(700),
        Ask(Some("a"), KnownButStale),
    ]);
}

#[test]
fn the_memory_of_unknown_kids_is_bounded() {
    let mut cache = KeyCache::new(STALE_IF_ERROR);
    cache.succeeded(dated(&["a"], 86_400, at(0)));
    for index in 0..10 * budget::ABSENT_KEYS {
        cache.settle(&asked(Some(&format!("x{index}"))), at(0));
    }
    let remembered = (0..10 * budget::ABSENT_KEYS)
        .filter(|index| says(&cache, Some(&format!("x{index}")), at(31)) == Unknown)
        .count();
    assert_eq!(remembered, budget::ABSENT_KEYS);
}

#[test]
fn a_lease_that_is_not_returned_expires() {
    check(&[
        Lease(true),
        At(5),
        Lease(false),
        Ask(Some("a"), Fetch),
        At(6),
        Lease(true),
        Succeed(&["a"], 600),
        Ask(Some("a"), Known),
    ]);
}

#[test]
fn a_clock_set_back_makes_keys_stale_and_does_not_delay_fetches() {
    check(&[
        Lease(true),
        Succeed(&["a"], 600),
        At(-HOUR),
        Ask(Some("a"), KnownButStale),
        Ask(Some("b"), Fetch),
        Lease(true),
        At(-2 * HOUR),
        Lease(true),
    ]);
    check(&[Lease(true), Fail, At(-HOUR), Ask(Some("a"), Fetch)]);
}

#[test]
fn attack_25_a_clock_set_back_does_not_make_every_request_fetch() {
    check(&[
        Lease(true),
        Succeed(&["a"], 600),
        At(-HOUR),
        Lease(true),
        Succeed(&["a"], 600),
        Ask(Some("a"), Known),
        Ask(Some("b"), Unknown),
    ]);
    check(&[
        Lease(true),
        Succeed(&["a"], 600),
        At(-HOUR),
        Lease(true),
        Fail,
        Ask(Some("a"), Known),
        Ask(Some("b"), Unavailable(30)),
    ]);
}

#[test]
fn an_older_set_never_replaces_a_newer_one() {
    check(&[
        At(100),
        Lease(true),
        Succeed(&["new"], 600),
        At(50),
        Succeed(&["old"], 600),
        At(101),
        Ask(Some("new"), Known),
        Ask(Some("old"), Unknown),
    ]);
}

#[test]
fn a_kid_under_another_algorithm_is_another_key() {
    let mut cache = KeyCache::new(STALE_IF_ERROR);
    cache.succeeded(dated(&["a"], 86_400, at(0)));
    let other = AskedKey::of(&header(Some("a"), Algorithm::from_name("ES256").unwrap()));
    assert!(matches!(cache.supply(&other, at(31)), Supply::Fetch));
}

#[test]
fn a_policy_may_forbid_stale_keys() {
    let mut cache = KeyCache::new(Seconds::new(0));
    cache.succeeded(dated(&["a"], 600, at(0)));
    assert_eq!(says(&cache, Some("a"), at(599)), Known);
    assert_eq!(says(&cache, Some("a"), at(600)), Fetch);
}

#[test]
fn rfc9111_5_2_2_1_limits_max_age_to_a_range() {
    let rows = [
        (None, 600),
        (Some(""), 600),
        (Some("public"), 600),
        (Some("max-age=600"), 600),
        (Some("public, max-age=3600, must-revalidate"), 3600),
        (Some("Max-Age=\"7200\""), 7200),
        (Some("max-age=0"), 300),
        (Some("max-age=299"), 300),
        (Some("max-age=86401"), 86_400),
        (Some("max-age=99999999999999999999"), 86_400),
        (Some("max-age=-1"), 300),
        (Some("max-age=soon"), 300),
        (Some("max-age"), 300),
        (Some("no-store"), 300),
        (Some("no-cache, max-age=3600"), 300),
        (Some("s-maxage=3600"), 600),
    ];
    kit::table(rows, |header| freshness(*header).get());
}

#[test]
fn random_sequences_of_events_keep_the_invariants() {
    let mut random = fastrand::Rng::with_seed(25);
    for _ in 0..200 {
        let grace = [0, 600, 86_400][random.usize(0..3)];
        let mut cache = KeyCache::new(Seconds::new(grace));
        let mut now = 0;
        // When the newest set may no longer be used, and when the last attempt began.
        let (mut good_until, mut last_attempt) = (i64::MIN, i64::MIN);
        let mut succeeded = false;
        for _ in 0..300 {
            now += [0, 1, 7, 31, 301, 4000][random.usize(0..6)];
            let kid = ["a", "b", "c"][random.usize(0..3)];
            let says = says(&cache, Some(kid), at(now));
            let is_good = now < good_until;
            match says {
                Known | KnownButStale => assert!(is_good && kid == "a"),
                Unknown => assert!(is_good && kid != "a" && succeeded),
                Unavailable(pause) => {
                    assert!((1..=30).contains(&pause));
                    assert!(!(succeeded || is_good && kid == "a"));
                }
                Fetch => assert!(!(is_good && kid == "a")),
            }
            if matches!(says, Fetch | KnownButStale) {
                assert!(now - last_attempt.max(-1000) >= 30, "two attempts in one cooldown");
                assert!(cache.take_lease(at(now)));
                succeeded = random.bool();
                last_attempt = now;
                if succeeded {
                    let fresh_for = [300, 600, 86_400][random.usize(0..3)];
                    cache.succeeded(dated(&["a"], fresh_for, at(now)));
                    good_until = now + i64::from(fresh_for) + i64::from(grace);
                } else {
                    cache.failed(at(now));
                }
                cache.settle(&asked(Some(kid)), at(now));
                cache.return_lease();
            }
        }
    }
}

const ONE: IssuerId = IssuerId::new(0);

/// A gate with two issuers that publish their keys and one issuer with a secret.
fn gate() -> Gate {
    let issuer = |name: &str, keys: Value| {
        json!({ "name": name, "issuer": format!("https://{name}.example"), "audience": "api",
                "algorithms": ["RS256"], "keys": keys })
    };
    let one = issuer("one", json!({ "jwks_uri": "https://one.example/jwks" }));
    let two = issuer("two", json!({ "discovery": true }));
    let gate = with(policy(one.clone()), json!({ "issuers": [one, two, kit::hs_issuer()] }));
    Gate::bound(&gate, &Held::usual())
}

fn call(issuer: &str, kid: &str) -> Call {
    let header = json!({ "alg": "RS256", "kid": kid });
    let payload = json!({ "iss": issuer, "aud": "api", "sub": "u", "exp": NOW + HOUR });
    Call::get("/").bearer(&Signer::rs256().token(header.to_string(), payload.to_string()))
}

#[test]
fn without_keys_the_verdict_is_503_and_the_keys_are_requested() {
    let mut gate = gate();
    let (evaluated, verdict) = gate.evaluate(&call("https://one.example", "a"), at(0));
    let refusal = verdict.unwrap_err();
    assert_eq!((refusal.code().as_str(), refusal.code().status()), ("keys_unavailable", 503));
    let answer = respond(gate.policy.error_responses(), &refusal, None);
    assert!(answer.headers.iter().any(|(name, value)| *name == "Retry-After" && value == "1"));
    assert!(answer.headers.iter().all(|(name, _)| *name != "WWW-Authenticate"));
    // The evaluation does not request the same keys forever if nobody fetches them.
    assert_eq!(evaluated.needs.len(), 4);
    for need in evaluated.needs {
        assert!(matches!(need, Need::Keys(request) if request.issuer == ONE));
    }
    assert_eq!(evaluated.refresh, None);

    gate.memory.keys.get_mut(ONE).unwrap().succeeded(dated(&["a"], 600, at(0)));
    let (evaluated, verdict) = gate.evaluate(&call("https://one.example", "a"), at(0));
    assert!(verdict.is_ok() && evaluated.needs.is_empty());
    assert_eq!((evaluated.trace.key.as_deref(), evaluated.refresh), (Some("a"), None));

    let (evaluated, verdict) = gate.evaluate(&call("https://one.example", "a"), at(600));
    assert!(verdict.is_ok() && evaluated.needs.is_empty());
    assert_eq!(evaluated.refresh.unwrap().issuer, ONE);
}

#[test]
fn an_outage_of_one_issuer_does_not_affect_the_others() {
    let mut gate = gate();
    gate.memory.keys.get_mut(ONE).unwrap().failed(at(0));
    gate.memory.keys.get_mut(IssuerId::new(1)).unwrap().succeeded(dated(&["a"], 600, at(0)));
    assert_eq!(gate.verdict(&call("https://one.example", "a")), "503 keys_unavailable");
    assert_eq!(gate.verdict(&call("https://two.example", "a")), "200");
    assert_eq!(gate.token(&Signer::hs256().signed(kit::payload(&[]))), "200");
}

#[test]
fn attack_25_an_unknown_issuer_causes_no_fetch() {
    let gate = gate();
    for issuer in ["https://three.example", "https://one.example/", "https://one.example.evil", ""]
    {
        let (evaluated, verdict) = gate.evaluate(&call(issuer, "a"), at(0));
        assert_eq!(verdict.unwrap_err().code().as_str(), "unknown_issuer");
        assert!(evaluated.needs.is_empty() && evaluated.refresh.is_none());
    }
}

#[test]
fn attack_24_rejects_shared_secrets_in_a_fetched_set() {
    let set = json!({ "keys": [keys::oct_jwk(keys::SECRET.as_bytes())] });
    let algorithms = [Algorithm::from_name("HS256").unwrap()];
    assert!(jwk::import(set.as_object().unwrap(), &algorithms, Provenance::Network).is_err());
}

#[test]
fn a_discovered_jwks_uri_is_cached_and_stays_in_use_while_discovery_fails() {
    let place = |path: &str, began: i64| Dated {
        value: format!("https://keys.example/{path}"),
        fetched: at(began),
        fresh_for: Seconds::new(600),
    };
    let mut cache = KeyCache::new(Seconds::new(3600));
    assert_eq!(cache.jwks_uri(true, at(0)), None);
    cache.discovered(place("old", 0));
    assert_eq!(cache.jwks_uri(false, at(599)), Some("https://keys.example/old"));
    assert_eq!(cache.jwks_uri(false, at(600)), None);
    assert_eq!(cache.jwks_uri(true, at(4199)), Some("https://keys.example/old"));
    assert_eq!(cache.jwks_uri(true, at(4200)), None);

    // A forgotten URL is no longer fresh, even if another isolate shares the same URL again.
    cache.forget_jwks_uri();
    cache.discovered(place("old", 0));
    assert_eq!(cache.jwks_uri(false, at(1)), None);
    assert_eq!(cache.jwks_uri(true, at(1)), Some("https://keys.example/old"));
    cache.discovered(place("new", 40));
    assert_eq!(cache.jwks_uri(false, at(41)), Some("https://keys.example/new"));
    cache.discovered(place("old", 0));
    assert_eq!(cache.jwks_uri(false, at(41)), Some("https://keys.example/new"));
}

#[test]
fn each_issuer_has_its_own_cache() {
    let gate = gate();
    let caches = &gate.memory.keys;
    assert!(caches.get(IssuerId::new(2)).is_some() && caches.get(IssuerId::new(3)).is_none());
}
