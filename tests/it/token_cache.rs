//! Tokens that were verified before: what is judged again, and what is never taken for them.

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

/// The verdict on a token at so many seconds past the beginning, and whether it came from the
/// cache.
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

/// Has a token verified for the first time, of which nothing is kept.
fn introduce(gate: &Gate, token: &str) {
    assert_eq!(ask(gate, token), verdict("200", false));
}

fn verdict(code: &str, is_cached: bool) -> (String, bool) {
    (code.to_owned(), is_cached)
}

#[test]
fn a_token_is_kept_when_it_comes_again() {
    let gate = Gate::hs();
    let token = Signer::hs256().signed(payload(&[]));
    introduce(&gate, &token);
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
fn what_is_sent_is_the_same_either_way() {
    let forward = json!({ "claims": { "X-Sub": "/sub" }, "payload": "X-Payload" });
    let gate = Gate::new(&with(policy(hs_issuer()), json!({ "forward": forward })));
    let call = Call::get("/").bearer(&Signer::hs256().signed(payload(&[])));
    let [first, second, third] = [(); 3].map(|()| gate.ask(&call).unwrap());
    assert_eq!(first.set, second.set);
    assert_eq!(first.set, third.set);
    assert_eq!(third.header("X-Sub"), Some("u"));
}

#[test]
fn attack_35_tokens_that_begin_or_end_alike() {
    let gate = Gate::hs();
    let token = Signer::hs256().signed(payload(&[]));
    introduce(&gate, &token);
    assert_eq!(ask(&gate, &token).0, "200");
    // Every change of one character, wherever it stands, makes another token.
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
fn attack_35_expiry_passes() {
    let issuer = with(hs_issuer(), json!({ "leeway": 10, "max_age": 1000 }));
    let gate = Gate::new(&policy(issuer));
    let claims = [("exp", "1800000100"), ("nbf", "1800000000"), ("iat", "1800000000")];
    let token = Signer::hs256().signed(payload(&claims));
    introduce(&gate, &token);
    assert_eq!(ask_at(&gate, "/", &token, 0), verdict("200", false));
    assert_eq!(ask_at(&gate, "/", &token, 109), verdict("200", true));
    assert_eq!(ask_at(&gate, "/", &token, 110), verdict("expired", true));
    // A clock that is set back finds it too young again.
    assert_eq!(ask_at(&gate, "/", &token, -11), verdict("not_yet_valid", true));
    assert_eq!(ask_at(&gate, "/", &token, 0), verdict("200", true));

    let lasting = [("exp", "1900000000"), ("iat", "1800000000")];
    let token = Signer::hs256().signed(payload(&lasting));
    introduce(&gate, &token);
    assert_eq!(ask_at(&gate, "/", &token, 0).0, "200");
    assert_eq!(ask_at(&gate, "/", &token, 1010), verdict("too_old", true));
}

#[test]
fn attack_35_revoked() {
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
    introduce(&gate, &token);
    assert_eq!(ask(&gate, &token), verdict("200", false));
    assert_eq!(ask(&gate, &token), verdict("200", true));
    let [_, jti, _] = entries();
    gate.memory.revocations.remember(jti, Standing::Revoked, UnixSeconds::new(NOW));
    assert_eq!(ask(&gate, &token), verdict("revoked", true));
}

#[test]
fn attack_35_another_route() {
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
    introduce(&gate, &token);
    assert_eq!(ask(&gate, &token), verdict("200", false));
    assert_eq!(ask_at(&gate, "/admin/a", &token, 0), verdict("insufficient_scope", true));
    assert_eq!(ask_at(&gate, "/other/a", &token, 0), verdict("unknown_issuer", true));
    assert_eq!(ask_at(&gate, "/again/a", &token, 0), verdict("200", true));
    let step_up = verdict("insufficient_user_authentication", true);
    assert_eq!(ask_at(&gate, "/again/a", &token, 3600), step_up);
}

#[test]
fn what_is_refused_is_not_kept() {
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

/// A fetched set with the gate's key under that `kid`.
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
fn attack_35_the_key_is_rotated_out() {
    let keys = json!({ "jwks_uri": "https://i/jwks" });
    let mut gate = Gate::new(&policy(with(rs_issuer(), json!({ "keys": keys }))));
    let token = Signer::rs256().token(r#"{"alg":"RS256","kid":"old"}"#, payload(&[]));
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set("old", 0));
    introduce(&gate, &token);
    assert_eq!(ask_at(&gate, "/", &token, 0), verdict("200", false));
    assert_eq!(ask_at(&gate, "/", &token, 599), verdict("200", true));
    // Past its freshness the set still vouches, and is to be fetched again.
    let call = Call::get("/").bearer(&token);
    let (evaluated, outcome) = gate.evaluate(&call, UnixSeconds::new(NOW + 600));
    assert!(outcome.is_ok() && evaluated.trace.is_cached && evaluated.refresh.is_some());
    // A new set with the same key: verified once more, then recalled again.
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set("old", 600));
    assert_eq!(ask_at(&gate, "/", &token, 600), verdict("200", false));
    assert_eq!(ask_at(&gate, "/", &token, 600), verdict("200", true));
    // A new set without it.
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set("new", 700));
    assert_eq!(ask_at(&gate, "/", &token, 700), verdict("unknown_key", false));
    // A set that is too old to be used vouches for nothing.
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

/// Has a token verified twice, after which it is kept. Now and then it is kept at once.
fn keep(gate: &Gate, token: &str) {
    assert_eq!(ask(gate, token), verdict("200", false));
    assert_eq!(ask(gate, token).0, "200");
}

#[test]
fn memory_is_bounded_and_what_is_used_often_stays() {
    let gate = Gate::hs();
    let signer = Signer::hs256();
    let favourite = numbered(&signer, usize::MAX);
    keep(&gate, &favourite);
    for id in 0..2 * budget::TOKENS_KEPT + 1 {
        keep(&gate, &numbered(&signer, id));
        if id % 1000 == 0 {
            assert_eq!(ask(&gate, &favourite), verdict("200", true), "{id}");
        }
    }
    assert_eq!(ask(&gate, &numbered(&signer, 0)), verdict("200", false));
    assert_eq!(ask(&gate, &numbered(&signer, 2 * budget::TOKENS_KEPT)), verdict("200", true));
}

#[test]
fn a_flood_of_tokens_that_are_used_once_moves_nothing_out() {
    let gate = Gate::hs();
    let signer = Signer::hs256();
    let favourite = numbered(&signer, usize::MAX);
    keep(&gate, &favourite);
    let flood = 3 * budget::TOKENS_KEPT;
    for id in 0..flood {
        introduce(&gate, &numbered(&signer, id));
    }
    assert_eq!(ask(&gate, &favourite), verdict("200", true));
    let held = format!("{:?}", gate.memory.identities);
    let young: usize = held.split(&[' ', ','][..]).nth(3).unwrap().parse().unwrap();
    assert!(held.contains("old: 0") && young < flood / 20, "{held}");
    // The first of them have been forgotten, and the last not: it is kept now.
    assert_eq!(ask(&gate, &numbered(&signer, flood - 1)), verdict("200", false));
    assert_eq!(ask(&gate, &numbered(&signer, flood - 1)), verdict("200", true));
}

#[test]
fn large_tokens_are_bounded_by_their_bytes() {
    let gate = Gate::hs();
    let signer = Signer::hs256();
    let filler = format!("\"{}\"", "x".repeat(8 * 1024));
    let token =
        |id: usize| signer.signed(payload(&[("jti", &format!("\"{id}\"")), ("filler", &filler)]));
    // Room for fewer than this in both generations together.
    let count = 2 * budget::TOKEN_BYTES_KEPT / (4 * 8 * 1024);
    assert!(count < budget::TOKENS_KEPT);
    for id in 0..count {
        keep(&gate, &token(id));
    }
    assert_eq!(ask(&gate, &token(0)), verdict("200", false));
    assert_eq!(ask(&gate, &token(count - 1)), verdict("200", true));
}
