//! Revocation: the entries that are read for a token, what they mean, and what a logout token
//! writes.

use crate::kit::{self, Call, Gate, Held, NOW, Signer, faults, hs_issuer, payload, policy, with};
use portcullis::gate::{LogoutEvaluation, Need};
use portcullis::refusal::Refusal;
use portcullis::revocation::{Entry, Logout, Standing, Subject};
use portcullis::time::{Seconds, UnixSeconds};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn raw(revocation: Value) -> Value {
    with(policy(hs_issuer()), json!({ "revocation": revocation }))
}

fn gate(revocation: Value) -> Gate {
    Gate::bound(&raw(revocation), &Held::usual().namespace("REVOKED"))
}

fn usual() -> Value {
    json!({ "kv": "REVOKED" })
}

/// Evaluates a token as the edge does: reads the needed entries from a store with these entries,
/// then evaluates again. The value `"?"` stands for an entry that cannot be read. Returns the
/// verdict and the keys that were read.
fn ask(gate: &mut Gate, token: &str, store: &[(&str, &str)], at: i64) -> (String, Vec<String>) {
    let at = UnixSeconds::new(NOW + at);
    let call = Call::get("/").bearer(token);
    let needs = gate.evaluate(&call, at).0.needs;
    let wanted: Vec<_> = needs
        .into_iter()
        .next()
        .into_iter()
        .flat_map(|need| match need {
            Need::Revocations(entries) => entries,
            need @ (Need::Keys(_) | Need::Introspection(_) | Need::Replay(_)) => {
                panic!("not needed: {need:?}")
            }
        })
        .collect();
    let asked = wanted.iter().map(|entry| entry.key.clone()).collect();
    for entry in wanted {
        let stored = store.iter().find(|(key, _)| *key == entry.key).map(|(_, text)| *text);
        let standing = match stored {
            Some("?") => Standing::Unknown,
            stored => entry.meaning(stored),
        };
        gate.memory.revocations.remember(entry, standing, at);
    }
    let verdict = match gate.trace(&call, at).1 {
        Ok(_) => "200".to_owned(),
        Err(refusal) => format!("{} {}", refusal.code().status(), refusal.code()),
    };
    (verdict, asked)
}

/// Checks the verdict on a token with these claims, given a store with these entries.
fn check(claims: &[(&str, &str)], store: &[(&str, &str)], expected: &str) {
    let token = Signer::hs256().signed(payload(claims));
    let (verdict, _) = ask(&mut gate(usual()), &token, store, 0);
    assert_eq!(verdict, expected, "{claims:?} {store:?}");
}

#[test]
fn an_entry_revokes_only_the_tokens_that_it_names() {
    const ALL: [(&str, &str); 3] = [("jti", "\"j\""), ("sid", "\"s\""), ("iat", "1800000000")];
    check(&ALL, &[], "200");
    check(&ALL, &[("jti:i:j", "")], "401 revoked");
    check(&ALL, &[("sid:i:s", "1")], "401 revoked");
    check(&ALL, &[("kid:i:secret", "1")], "401 revoked");
    check(&ALL, &[("jti:other:j", "1"), ("jti:i:J", "1"), ("sid:i:", "1")], "200");
}

#[test]
fn a_sub_entry_revokes_tokens_issued_up_to_its_time() {
    let issued = |time: &'static str| [("iat", time)];
    check(&issued("1799999999"), &[("sub:i:u", "1799999999")], "401 revoked");
    check(&issued("1799999999"), &[("sub:i:u", "1799999998")], "200");
    check(&issued("1799999999.5"), &[("sub:i:u", "1799999999")], "200");
    check(&issued("1799999999"), &[("sub:i:u", " 1800000000\n")], "401 revoked");
    check(&issued(""), &[("sub:i:u", "1")], "401 revoked");
    // A value that is not a time revokes all of the user's tokens.
    for text in ["", "now", "2026-01-01", "1e9", "-"] {
        check(&issued("1799999999"), &[("sub:i:u", text)], "401 revoked");
    }
}

#[test]
fn refuses_a_sid_that_is_not_a_string() {
    check(&[("sid", "7")], &[], "401 invalid_claim");
    check(&[("sid", "null")], &[], "401 invalid_claim");
}

#[test]
fn reads_all_entries_at_once_and_each_only_once() {
    let mut gate = gate(usual());
    let token = Signer::hs256().signed(payload(&[("jti", "\"j\""), ("sid", "\"s\"")]));
    let (verdict, asked) = ask(&mut gate, &token, &[], 0);
    assert_eq!(verdict, "200");
    assert_eq!(asked, ["kid:i:secret", "jti:i:j", "sub:i:u", "sid:i:s"]);
    let (verdict, asked) = ask(&mut gate, &token, &[], 30);
    assert_eq!((verdict.as_str(), asked.len()), ("200", 0));
    // Another token only needs the entries that have not been read yet.
    let other = Signer::hs256().signed(payload(&[("jti", "\"k\""), ("sid", "\"s\"")]));
    assert_eq!(ask(&mut gate, &other, &[], 30).1, ["jti:i:k"]);
}

#[test]
fn a_revocation_is_noticed_within_max_staleness() {
    let token = Signer::hs256().signed(payload(&[("jti", "\"j\"")]));
    let store = [("jti:i:j", "1")];
    for (max_staleness, remembered) in [(30, 1), (60, 30), (3600, 3570)] {
        let mut gate = gate(with(usual(), json!({ "max_staleness": max_staleness })));
        assert_eq!(ask(&mut gate, &token, &[], 0).0, "200");
        assert_eq!(ask(&mut gate, &token, &store, remembered).0, "200");
        assert_eq!(ask(&mut gate, &token, &store, remembered + 1).0, "401 revoked");
    }
}

#[test]
fn on_error_decides_the_verdict_while_the_store_cannot_be_read() {
    let token = Signer::hs256().signed(payload(&[("jti", "\"j\"")]));
    let down = [("jti:i:j", "?"), ("sub:i:u", "?"), ("kid:i:secret", "?")];
    let mut refusing = gate(usual());
    assert_eq!(ask(&mut refusing, &token, &down, 0).0, "503 revocation_unavailable");
    // The store is read again only after a pause.
    assert_eq!(
        ask(&mut refusing, &token, &[], 5),
        ("503 revocation_unavailable".to_owned(), vec![])
    );
    assert_eq!(ask(&mut refusing, &token, &[], 6).0, "200");

    let mut allowing = gate(with(usual(), json!({ "on_error": "allow" })));
    assert_eq!(ask(&mut allowing, &token, &down, 0).0, "200");
    // An entry that could be read still revokes the token.
    let partly = [("jti:i:j", "1"), ("sub:i:u", "?"), ("kid:i:secret", "?")];
    assert_eq!(ask(&mut allowing, &token, &partly, 6).0, "401 revoked");
    // `allow` does not admit a token whose entries were never requested from the store.
    let untried = gate(with(usual(), json!({ "on_error": "allow" })));
    assert_eq!(untried.verdict(&Call::get("/").bearer(&token)), "503 revocation_unavailable");
}

#[test]
fn an_invalid_token_causes_no_lookup() {
    let gate = gate(usual());
    for token in [
        Signer::hmac(256, kit::keys::OTHER_SECRET).signed(payload(&[])),
        Signer::hs256().signed(payload(&[("exp", "1")])),
    ] {
        let (evaluated, verdict) = gate.evaluate(&Call::get("/").bearer(&token), kit::now());
        assert!(verdict.is_err() && evaluated.needs.is_empty());
    }
}

#[test]
fn hashes_values_that_would_make_a_key_longer_than_512_bytes() {
    let long = "x".repeat(512 - "jti:i:".len());
    assert_eq!(Entry::new(Subject::Jti, "i", &long).key, format!("jti:i:{long}"));
    let longer = Entry::new(Subject::Jti, "i", &format!("{long}x")).key;
    assert_eq!(longer.len(), "jti:i:".len() + 43);
    assert_ne!(longer, Entry::new(Subject::Jti, "i", &format!("{long}y")).key);
}

#[test]
fn remembers_a_bounded_number_of_entries() {
    let mut gate = gate(usual());
    let entry = |index: usize| Entry::new(Subject::Jti, "i", &index.to_string());
    let count = 10 * portcullis::budget::REVOCATIONS;
    for index in 0..count {
        gate.memory.revocations.remember(entry(index), Standing::Good, kit::now());
    }
    let standing =
        |index| gate.memory.revocations.standing(&entry(index), Seconds::new(30), kit::now());
    let held = (0..count).filter(|index| standing(*index).is_some()).count();
    assert!(
        (portcullis::budget::REVOCATIONS..=2 * portcullis::budget::REVOCATIONS).contains(&held)
    );
    assert!(standing(count - 1).is_some());
}

#[test]
fn rejects_invalid_revocation_settings() {
    let rows = [
        (json!({}), "revocation.kv", "missing"),
        (json!({ "kv": "NONE" }), "revocation.kv", "no KV namespace binding NONE"),
        (with(usual(), json!({ "max_staleness": 29 })), "revocation.max_staleness", "seconds"),
        (
            with(usual(), json!({ "on_error": "ignore" })),
            "revocation.on_error",
            "not an accepted value",
        ),
        (with(usual(), json!({ "logout_path": "logout" })), "revocation.logout_path", "path"),
        (with(usual(), json!({ "logout_path": "/a/../b" })), "revocation.logout_path", "path"),
        (with(usual(), json!({ "logout_path": "/a?b" })), "revocation.logout_path", "path"),
        (
            with(usual(), json!({ "logout_audience": "a" })),
            "revocation.logout_audience",
            "logout_path",
        ),
        (
            with(usual(), json!({ "expiration_ttl": 60 })),
            "revocation.expiration_ttl",
            "logout_path",
        ),
        (
            with(usual(), json!({ "logout_path": "/logout", "expiration_ttl": 59 })),
            "revocation.expiration_ttl",
            "seconds",
        ),
    ];
    for (revocation, path, problem) in rows {
        let faults = faults(&raw(revocation.clone()), &Held::usual().namespace("REVOKED"));
        let reported =
            faults.len() == 1 && faults[0].path == path && faults[0].problem.contains(problem);
        assert!(reported, "{revocation}: {faults:#?}");
    }
}

const EVENT: &str = r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#;

/// Returns the entries that a logout token writes, or the code of the refusal.
fn logout(header: &str, changes: &[(&str, &str)]) -> String {
    match checked_logout(header, changes) {
        Ok(logout) => {
            let value = |entry| logout.value_for(entry, None).unwrap();
            let revokes = logout.revokes.iter().map(|one| format!("{}={}", one.key, value(one)));
            [logout.used.key.clone()].into_iter().chain(revokes).collect::<Vec<_>>().join(" ")
        }
        Err(refusal) => refusal.code().to_string(),
    }
}

fn checked_logout(header: &str, changes: &[(&str, &str)]) -> Result<Logout, Refusal> {
    let gate =
        gate(with(usual(), json!({ "logout_path": "/logout", "logout_audience": "client" })));
    let revocation = gate.policy.revocation().unwrap();
    let endpoint = revocation.logout.as_ref().unwrap();
    let mut claims = vec![
        ("aud", "\"client\""),
        ("iat", "1800000000"),
        ("jti", "\"l\""),
        ("sid", "\"s\""),
        ("events", EVENT),
    ];
    claims.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    claims.extend(changes);
    let token = Signer::hs256().token(header, payload(&claims));
    let mut evaluation = LogoutEvaluation::new(&gate.policy, endpoint, &token);
    evaluation.run(&gate.memory, kit::now()).unwrap()
}

#[test]
fn a_logout_token_that_is_sent_again_moves_no_cut_off() {
    let header = r#"{"alg":"HS256","typ":"logout+jwt"}"#;
    let logout = checked_logout(header, &[("iat", "1799999700")]).unwrap();
    let [user, session] = logout.revokes.as_slice() else { panic!("{:?}", logout.revokes) };
    let value = |entry, stored| logout.value_for(entry, stored);
    let cut_off = Some("1799999700".to_owned());
    assert_eq!(value(user, None), cut_off);
    assert_eq!(value(user, Some("1799999699")), cut_off);
    // The same token again, after a later logout, and after an operator has revoked everything.
    for stored in ["1799999700", "1799999999", "all"] {
        assert_eq!(value(user, Some(stored)), None, "{stored}");
    }
    assert_eq!(value(session, None), cut_off);
    assert_eq!(value(session, Some("1")), None);
}

#[test]
fn oidc_backchannel_logout_2_6_checks_the_claims_of_a_logout_token() {
    const HEADER: &str = r#"{"alg":"HS256","typ":"logout+jwt"}"#;
    const BOTH: &str = "jti:i:l sub:i:u=1800000000 sid:i:s=1800000000";
    let rows = [
        (vec![], BOTH),
        (vec![("sid", "")], "jti:i:l sub:i:u=1800000000"),
        (vec![("sub", "")], "jti:i:l sid:i:s=1800000000"),
        (vec![("sub", ""), ("sid", "")], "missing_claim"),
        (vec![("sub", "1")], "invalid_claim"),
        (vec![("jti", "")], "missing_claim"),
        (vec![("iat", "")], "missing_claim"),
        (vec![("iat", "1799999000")], "too_old"),
        (vec![("iat", "1800001000")], "not_yet_valid"),
        (vec![("exp", "")], "missing_claim"),
        (vec![("exp", "1799999999")], "expired"),
        (vec![("aud", "\"api\"")], "wrong_audience"),
        (vec![("iss", "\"https://other\"")], "unknown_issuer"),
        (vec![("nonce", "\"n\"")], "invalid_claim"),
        (vec![("events", "")], "invalid_claim"),
        (vec![("events", "{}")], "invalid_claim"),
        (
            vec![("events", "\"http://schemas.openid.net/event/backchannel-logout\"")],
            "invalid_claim",
        ),
    ];
    kit::table(rows, |changes| logout(HEADER, changes));
    assert_eq!(logout(r#"{"alg":"HS256"}"#, &[]), BOTH);
    assert_eq!(logout(r#"{"alg":"HS256","typ":"at+jwt"}"#, &[]), "wrong_type");
}

#[test]
fn a_logout_token_is_not_an_access_token_and_vice_versa() {
    let access = Signer::hs256().signed(payload(&[("events", EVENT)]));
    assert_eq!(gate(usual()).token(&access), "401 wrong_type");
    assert_eq!(logout(r#"{"alg":"HS256","typ":"JWT"}"#, &[("events", "")]), "invalid_claim");
}
