//! What isolates share through the Cache API, which every Worker of the zone can write to.

use crate::kit::{Held, NOW, assert_faults, hs_issuer, keys, policy, rs_issuer, warnings, with};
use portcullis::keys::cache::{Dated, FRESH_AT_MOST};
use portcullis::keys::remote::{Location, RemoteKeys};
use portcullis::keys::shared::{EntryKind, SharedCache, url};
use portcullis::policy::Policy;
use portcullis::time::{Seconds, UnixSeconds};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECRET: &str = "what only the gate has, and no other Worker of the zone";
const DOCUMENT: &str = r#"{"keys":[]}"#;

fn remote(url: &str) -> RemoteKeys {
    RemoteKeys {
        location: Location::JwksUri(url.to_owned()),
        service: None,
        stale_if_error: Seconds::new(0),
    }
}

fn raw(changes: Value) -> Value {
    let keys = json!({ "jwks_uri": "https://issuer.example/jwks" });
    let issuer = with(rs_issuer(), json!({ "keys": keys }));
    with(with(policy(issuer), json!({ "key_cache": { "secret": "CACHE_SECRET" } })), changes)
}

fn held(secret: &str) -> Held {
    Held::usual().value("CACHE_SECRET", secret)
}

/// Calls `check` with the cache of a policy that uses this secret.
fn with_cache<T>(secret: &str, check: impl FnOnce(&SharedCache) -> T) -> T {
    let policy = Policy::compile(&raw(json!({})), &held(secret)).outcome.unwrap();
    check(policy.key_cache().unwrap())
}

fn document(fetched: i64, fresh_for: u32) -> Dated<Vec<u8>> {
    Dated {
        value: DOCUMENT.into(),
        fetched: UnixSeconds::new(fetched),
        fresh_for: Seconds::new(fresh_for),
    }
}

const HERE: &str = "https://issuer.example/jwks";

fn sealed(secret: &str, location: &str, document: &Dated<Vec<u8>>) -> String {
    with_cache(secret, |cache| cache.seal_set(&remote(location), document, None).unwrap())
}

/// Opens an entry of the issuer's keys, and returns when it was fetched and how long it is fresh.
fn opened(text: &str) -> Option<(i64, u32)> {
    with_cache(SECRET, |cache| {
        let set = cache.open_set(&remote(HERE), text, UnixSeconds::new(NOW))?;
        assert_eq!(set.document.value, DOCUMENT.as_bytes());
        Some((set.document.fetched.get(), set.document.fresh_for.get()))
    })
}

#[test]
fn an_entry_can_be_read_by_every_isolate_with_the_secret() {
    assert_eq!(opened(&sealed(SECRET, HERE, &document(NOW - 5, 600))), Some((NOW - 5, 600)));
    let found = Dated {
        value: "https://issuer.example/found".to_owned(),
        fetched: UnixSeconds::new(NOW),
        fresh_for: Seconds::new(300),
    };
    with_cache(SECRET, |cache| {
        let text = cache.seal_set(&remote(HERE), &document(NOW, 600), Some(&found)).unwrap();
        let set = cache.open_set(&remote(HERE), &text, UnixSeconds::new(NOW)).unwrap();
        assert_eq!(set.jwks_uri.unwrap().value, found.value);
        let failure = cache.seal_failure(&remote(HERE), UnixSeconds::new(NOW - 1));
        let began = cache.open_failure(&remote(HERE), &failure, UnixSeconds::new(NOW));
        assert_eq!(began, Some(UnixSeconds::new(NOW - 1)));
    });
}

#[test]
fn attack_38_ignores_entries_that_another_worker_has_planted() {
    let good = sealed(SECRET, HERE, &document(NOW, 600));
    let (tag, entry) = good.split_once('\n').unwrap();
    let rows = [
        // An entry as the gate wrote it before it authenticated them.
        entry.to_owned(),
        format!("\n{entry}"),
        format!("{}\n{entry}", "A".repeat(43)),
        format!("{tag}=\n{entry}"),
        format!("{tag}\n{entry} "),
        format!("{tag}\n{}", entry.replace("600", "601")),
        format!("{tag}\n{}", entry.replace("[]", "[1]")),
        sealed("another secret, which the attacker has chosen", HERE, &document(NOW, 600)),
        // The secret itself is not the key: a token that is signed with it is no entry.
        String::new(),
        "\n".to_owned(),
    ];
    for text in rows {
        assert_eq!(opened(&text), None, "{text}");
    }
    // A set with an authentic tag cannot be moved to another issuer, and is not a failure.
    assert_eq!(opened(&sealed(SECRET, "https://other.example/jwks", &document(NOW, 600))), None);
    with_cache(SECRET, |cache| {
        let (here, now) = (remote(HERE), UnixSeconds::new(NOW));
        assert!(cache.open_failure(&here, &good, now).is_none());
        assert!(cache.open_set(&here, &cache.seal_failure(&here, now), now).is_none());
        let through_a_service = RemoteKeys { service: Some("KEYS".to_owned()), ..remote(HERE) };
        assert!(cache.open_set(&through_a_service, &good, now).is_none());
    });
}

#[test]
fn limits_how_long_an_entry_claims_to_be_fresh() {
    let most = FRESH_AT_MOST.get();
    assert_eq!(opened(&sealed(SECRET, HERE, &document(NOW, u32::MAX))), Some((NOW, most)));
    // By a clock that is slightly ahead, and by one that is wrong.
    assert_eq!(opened(&sealed(SECRET, HERE, &document(NOW + 60, 600))), Some((NOW, 600)));
    assert_eq!(opened(&sealed(SECRET, HERE, &document(NOW + 61, 600))), None);
    assert_eq!(opened(&sealed(SECRET, HERE, &document(i64::MAX, 600))), None);
}

#[test]
fn a_set_and_a_failure_have_separate_entries() {
    let urls = [
        url(&remote(HERE), EntryKind::Set),
        url(&remote(HERE), EntryKind::Failure),
        url(&remote("https://other.example/jwks"), EntryKind::Set),
    ];
    assert!(urls.iter().all(|url| url.starts_with("https://portcullis.invalid/keys/")));
    assert!(urls[0] != urls[1] && urls[0] != urls[2]);
}

#[test]
fn without_key_cache_isolates_share_nothing() {
    let raw = raw(json!({ "key_cache": null }));
    let policy = Policy::compile(&raw, &held(SECRET)).outcome.unwrap();
    assert!(policy.key_cache().is_none());
}

/// Checks the faults of a policy: the path of each, and some words of its problem.
fn check(raw: &Value, expected: &[(&str, &str)]) {
    let held = held(SECRET).value("SHORT", "a short secret").value("SAME", keys::SECRET);
    assert_faults(raw, &held, expected);
}

#[test]
fn rejects_a_weak_or_shared_secret() {
    let secret = "key_cache.secret";
    let with_secret = |name: &str| raw(json!({ "key_cache": { "secret": name } }));
    check(&raw(json!({})), &[]);
    check(&raw(json!({ "key_cache": {} })), &[(secret, "missing")]);
    check(&with_secret("NONE"), &[(secret, "there is no binding NONE")]);
    check(&with_secret("SHORT"), &[(secret, "needs at least 32")]);
    let encoded = json!({ "key_cache": { "secret": "CACHE_SECRET", "encoding": "hex" } });
    check(&raw(encoded), &[(secret, "not valid hex")]);
    // The issuer knows its signing secret, and the API knows the secret of the proof. With either
    // of them, they could plant keys.
    let problem = "the policy uses the same secret for something else";
    let mut two = with_secret("SAME");
    let symmetric = with(hs_issuer(), json!({ "name": "two", "issuer": "https://two" }));
    two["issuers"].as_array_mut().unwrap().push(symmetric);
    check(&two, &[(secret, problem)]);
    let forward = json!({ "proof": { "secret": "CACHE_SECRET" } });
    check(&raw(json!({ "forward": forward })), &[(secret, problem)]);
    let held_keys = with(policy(hs_issuer()), json!({ "key_cache": { "secret": "CACHE_SECRET" } }));
    check(&held_keys, &[]);
    let warnings = warnings(&held_keys, &held(SECRET));
    assert!(warnings[0].problem.contains("nothing to share"), "{warnings:?}");
}
