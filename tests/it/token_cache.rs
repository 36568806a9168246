//! The token cache: what the gate checks again at every use of a cached token, and which tokens it
//! must not take from the cache.

use crate::kit::{
    Call, Gate, Held, NOW, Signer, hs_issuer, keys, payload, policy, rs_issuer, with,
};
use portcullis::alg::Algorithm;
use portcullis::budget;
use portcullis::issuer_id::IssuerId;
use portcullis::keys::cache::Dated;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::revocation::{Entry, Standing, Subject};
use portcullis::time::{Seconds, UnixSeconds};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns the verdict on a token this many seconds after [`NOW`], and whether the token came from
/// the cache.
fn ask_at(gate: &Gate, path: &str, token: &str, seconds: i64) -> (String, bool) {
    let at = UnixSeconds::new(NOW + seconds);
    let (trace, verdict) = gate.trace(&Call::get(path).bearer(token), at);
    let verdict = match verdict {
        Ok(_) => "200".to_owned(),
        Err(refusal) => refusal.code().to_string(),
    };
    (verdict, trace.is_cached)
}

fn ask(gate: &Gate, token: &str) -> (String, bool) {
    ask_at(gate, "/", token, 0)
}

/// Uses a token for the first time. The gate verifies it and usually does not cache it.
fn use_once(gate: &Gate, token: &str) {
    assert_eq!(ask(gate, token), verdict("200", false));
}

fn verdict(code: &str, is_cached: bool) -> (String, bool) {
    (code.to_owned(), is_cached)
}

#[test]
fn caches_a_token_at_its_second_use() {
    let gate = Gate::hs();
    let token = Signer::hs256().signed(payload(&[]));
    use_once(&gate, &token);
    assert_eq!(ask(&gate, &token), verdict("200", false));
    assert_eq!(ask(&gate, &token), verdict("200", true));
    let call = Call::get("/").bearer(&token);
    let (trace, _) = gate.trace(&call, UnixSeconds::new(NOW));
    let algorithm = trace.algorithm.map(Algorithm::name);
    assert_eq!(
        (trace.issuer, algorithm, trace.key.as_deref()),
        (Some("i"), Some("HS256"), Some("secret"))
    );
}

#[test]
fn forwards_the_same_headers_with_and_without_the_cache() {
    let forward = json!({ "claims": { "X-Sub": "/sub" }, "payload": "X-Payload" });
    let gate = Gate::new(&with(policy(hs_issuer()), json!({ "forward": forward })));
    let call = Call::get("/").bearer(&Signer::hs256().signed(payload(&[])));
    let [first, second, third] = [(); 3].map(|()| gate.ask(&call).unwrap());
    assert_eq!(first.set, second.set);
    assert_eq!(first.set, third.set);
    assert_eq!(third.header("X-Sub"), Some("u"));
}

#[test]
fn attack_35_does_not_confuse_similar_tokens() {
    let gate = Gate::hs();
    let token = Signer::hs256().signed(payload(&[]));
    use_once(&gate, &token);
    assert_eq!(ask(&gate, &token).0, "200");
    // A change of any single character makes a different token.
    for (index, old) in token.char_indices() {
        let new = if old == 'A' { "B" } else { "A" };
        let mut changed = token.clone();
        changed.replace_range(index..=index, new);
        let (code, is_cached) = ask(&gate, &changed);
        assert!(code != "200" && !is_cached, "{index}: {code}");
    }
    let (start, end) = token.split_at(token.len() / 2);
    for part in [start, end, &format!("{token}A"), &format!("A{token}"), &format!("{token}=")] {
        assert_ne!(ask(&gate, part).0, "200");
    }
    assert_eq!(ask(&gate, &token), verdict("200", true));
}

#[test]
fn attack_35_checks_the_times_of_a_cached_token_at_every_use() {
    let issuer = with(hs_issuer(), json!({ "leeway": 10, "max_age": 1000 }));
    let gate = Gate::new(&policy(issuer));
    let claims = [("exp", "1800000100"), ("nbf", "1800000000"), ("iat", "1800000000")];
    let token = Signer::hs256().signed(payload(&claims));
    use_once(&gate, &token);
    assert_eq!(ask_at(&gate, "/", &token, 0), verdict("200", false));
    assert_eq!(ask_at(&gate, "/", &token, 109), verdict("200", true));
    assert_eq!(ask_at(&gate, "/", &token, 110), verdict("expired", true));
    // If the clock is set back, the token is not valid yet.
    assert_eq!(ask_at(&gate, "/", &token, -11), verdict("not_yet_valid", true));
    assert_eq!(ask_at(&gate, "/", &token, 0), verdict("200", true));

    let lasting = [("exp", "1900000000"), ("iat", "1800000000")];
    let token = Signer::hs256().signed(payload(&lasting));
    use_once(&gate, &token);
    assert_eq!(ask_at(&gate, "/", &token, 0).0, "200");
    assert_eq!(ask_at(&gate, "/", &token, 1010), verdict("too_old", true));
}

#[test]
fn attack_35_rejects_a_cached_token_once_it_is_revoked() {
    let raw = with(policy(hs_issuer()), json!({ "revocation": { "kv": "REVOKED" } }));
    let mut gate = Gate::bound(&raw, &Held::usual().namespace("REVOKED"));
    let token = Signer::hs256().signed(payload(&[("jti", "\"j\"")]));
    let entries = || {
        [(Subject::Kid, "secret"), (Subject::Jti, "j"), (Subject::Sub, "u")]
            .map(|(subject, value)| Entry::new(subject, "i", value))
    };
    for entry in entries() {
        gate.memory.revocations.remember(entry, Standing::Good, UnixSeconds::new(NOW));
    }
    use_once(&gate, &token);
    assert_eq!(ask(&gate, &token), verdict("200", false));
    assert_eq!(ask(&gate, &token), verdict("200", true));
    let [_, jti, _] = entries();
    gate.memory.revocations.remember(jti, Standing::Revoked, UnixSeconds::new(NOW));
    assert_eq!(ask(&gate, &token), verdict("revoked", true));
}

#[test]
fn attack_35_applies_the_rules_of_the_route_to_a_cached_token() {
    let routes = json!([
        { "path": "/*" },
        { "path": "/admin/*", "scopes": ["admin"] },
        { "path": "/other/*", "issuers": ["other"] },
        { "path": "/again/*", "max_auth_age": 60 },
    ]);
    let other = with(
        hs_issuer(),
        json!({ "name": "other", "issuer": "https://other", "keys": { "secret": "OTHER_SECRET" } }),
    );
    let raw =
        with(policy(hs_issuer()), json!({ "routes": routes, "issuers": [hs_issuer(), other] }));
    let gate = Gate::new(&raw);
    let token =
        Signer::hs256().signed(payload(&[("scope", "\"read\""), ("auth_time", "1800000000")]));
    use_once(&gate, &token);
    assert_eq!(ask(&gate, &token), verdict("200", false));
    assert_eq!(ask_at(&gate, "/admin/a", &token, 0), verdict("insufficient_scope", true));
    assert_eq!(ask_at(&gate, "/other/a", &token, 0), verdict("unknown_issuer", true));
    assert_eq!(ask_at(&gate, "/again/a", &token, 0), verdict("200", true));
    let step_up = verdict("insufficient_user_authentication", true);
    assert_eq!(ask_at(&gate, "/again/a", &token, 3600), step_up);
}

#[test]
fn does_not_cache_rejected_tokens() {
    let gate = Gate::hs();
    for token in [
        Signer::hmac(256, keys::OTHER_SECRET).signed(payload(&[])),
        Signer::hs256().signed(payload(&[("exp", "1")])),
        Signer::hs256().signed(payload(&[("aud", "\"other\"")])),
        "not a token".to_owned(),
    ] {
        for _ in 0..3 {
            let (code, is_cached) = ask(&gate, &token);
            assert!(code != "200" && !is_cached, "{token}");
        }
    }
}

/// Returns a fetched key set that contains the test key with this `kid`.
fn set(kid: &str, fetched: i64) -> Dated<portcullis::keys::KeySet> {
    let mut jwk = keys::rsa_jwk(keys::RSA_PRIVATE);
    jwk["kid"] = Value::from(kid);
    let algorithms = [Algorithm::from_name("RS256").unwrap()];
    let set = json!({ "keys": [jwk] });
    Dated {
        value: jwk::import(set.as_object().unwrap(), &algorithms, Provenance::Network).unwrap(),
        fetched: UnixSeconds::new(NOW + fetched),
        fresh_for: Seconds::new(600),
    }
}

#[test]
fn attack_35_rejects_a_cached_token_once_its_key_is_gone() {
    let keys = json!({ "jwks_uri": "https://i/jwks" });
    let mut gate = Gate::new(&policy(with(rs_issuer(), json!({ "keys": keys }))));
    let token = Signer::rs256().token(r#"{"alg":"RS256","kid":"old"}"#, payload(&[]));
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set("old", 0));
    use_once(&gate, &token);
    assert_eq!(ask_at(&gate, "/", &token, 0), verdict("200", false));
    assert_eq!(ask_at(&gate, "/", &token, 599), verdict("200", true));
    // A stale key set is still used, but the gate requests a refresh.
    let call = Call::get("/").bearer(&token);
    let (evaluated, outcome) = gate.evaluate(&call, UnixSeconds::new(NOW + 600));
    assert!(outcome.is_ok() && evaluated.trace.is_cached && evaluated.refresh.is_some());
    // After a fetch that returns the same key, the token is verified and cached again.
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set("old", 600));
    assert_eq!(ask_at(&gate, "/", &token, 600), verdict("200", false));
    assert_eq!(ask_at(&gate, "/", &token, 600), verdict("200", true));
    // After a fetch that does not return the key, the token is rejected.
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set("new", 700));
    assert_eq!(ask_at(&gate, "/", &token, 700), verdict("unknown_key", false));
    // A key set that is too old is not used, not even for cached tokens.
    let other =
        Signer::rs256().token(r#"{"alg":"RS256","kid":"new"}"#, payload(&[("exp", "1900000000")]));
    for _ in 0..2 {
        assert_eq!(ask_at(&gate, "/", &other, 700), verdict("200", false));
    }
    let gone = 700 + 600 + 24 * 60 * 60;
    assert_eq!(ask_at(&gate, "/", &other, gone - 1), verdict("200", true));
    assert_eq!(ask_at(&gate, "/", &other, gone), verdict("keys_unavailable", false));
}

fn numbered(signer: &Signer, id: usize) -> String {
    signer.signed(payload(&[("jti", &format!("\"{id}\""))]))
}

/// Uses a token twice, after which it is cached. A false positive of the cache's filter may cache
/// it at the first use, so the second use may be served from the cache.
fn use_twice(gate: &Gate, token: &str) {
    assert_eq!(ask(gate, token), verdict("200", false));
    assert_eq!(ask(gate, token).0, "200");
}

#[test]
fn bounds_the_cache_and_keeps_tokens_that_are_used_often() {
    let gate = Gate::hs();
    let signer = Signer::hs256();
    let favorite = numbered(&signer, usize::MAX);
    use_twice(&gate, &favorite);
    for id in 0..2 * budget::TOKENS_KEPT + 1 {
        use_twice(&gate, &numbered(&signer, id));
        if id % 1000 == 0 {
            assert_eq!(ask(&gate, &favorite), verdict("200", true), "{id}");
        }
    }
    assert_eq!(ask(&gate, &numbered(&signer, 0)), verdict("200", false));
    assert_eq!(ask(&gate, &numbered(&signer, 2 * budget::TOKENS_KEPT)), verdict("200", true));
}

#[test]
fn tokens_that_are_used_once_evict_nothing() {
    let gate = Gate::hs();
    let signer = Signer::hs256();
    let favorite = numbered(&signer, usize::MAX);
    use_twice(&gate, &favorite);
    let flood = 3 * budget::TOKENS_KEPT;
    for id in 0..flood {
        use_once(&gate, &numbered(&signer, id));
    }
    assert_eq!(ask(&gate, &favorite), verdict("200", true));
    let held = format!("{:?}", gate.memory.identities);
    let young: usize = held.split(&[' ', ','][..]).nth(3).unwrap().parse().unwrap();
    assert!(held.contains("old: 0") && young < flood / 20, "{held}");
    // The filter still remembers the first use of the last token, so its second use caches it.
    assert_eq!(ask(&gate, &numbered(&signer, flood - 1)), verdict("200", false));
    assert_eq!(ask(&gate, &numbered(&signer, flood - 1)), verdict("200", true));
}

#[test]
fn bounds_the_cache_by_the_size_of_its_tokens() {
    let gate = Gate::hs();
    let signer = Signer::hs256();
    let filler = format!("\"{}\"", "x".repeat(8 * 1024));
    let token =
        |id: usize| signer.signed(payload(&[("jti", &format!("\"{id}\"")), ("filler", &filler)]));
    // Both generations together have room for fewer tokens than this.
    let count = 2 * budget::TOKEN_BYTES_KEPT / (4 * 8 * 1024);
    assert!(count < budget::TOKENS_KEPT);
    for id in 0..count {
        use_twice(&gate, &token(id));
    }
    assert_eq!(ask(&gate, &token(0)), verdict("200", false));
    assert_eq!(ask(&gate, &token(count - 1)), verdict("200", true));
}
