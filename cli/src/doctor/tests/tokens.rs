//! Tests of the verdicts on tokens.

use super::keys::{private_p256, private_rsa};
use super::*;
use crate::key::Key;
use crate::mint::compose;
use crate::mint::signer::Signer;
use portcullis::alg::Algorithm;
use portcullis::issuer_id::IssuerId;

/// Valid claims, with changes.
fn claims(issuer: &str, changes: &Value) -> Value {
    let now = now().get();
    let mut claims = json!({
        "iss": issuer, "aud": "api", "sub": "user", "iat": now, "exp": now.saturating_add(600),
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn signed(key: Key, algorithm: Algorithm, kid: &str, claims: &Value) -> String {
    let signer = Signer::key(Some(algorithm), key).unwrap();
    compose(&signer, Some(kid), "JWT", claims.as_object().unwrap().clone()).unwrap()
}

/// The verdicts on a token on the two routes, for an issuer with one RSA key `r`.
fn judged(token: impl FnOnce(&str) -> String) -> Vec<Verdict> {
    let server = Server::start(|_| vec![("/keys", Response::json(&json!({ "keys": [rsa("r")] })))]);
    judged_at(&server.url, &token(&server.url), &[])
}

fn judged_at(url: &str, token: &str, placeholder_issuers: &[IssuerId]) -> Vec<Verdict> {
    let keys = json!({ "jwks_uri": format!("{url}/keys") });
    let request = |method: &str, path: &str| TokenRequest {
        shown: path.to_owned(),
        method: method.to_owned(),
        url: format!("https://gate.invalid{path}"),
        proof: None,
    };
    let requests = [request("GET", "/api/a"), request("POST", "/admin/a")];
    let token_check = TokenCheck { token, requests: &requests, placeholder_issuers };
    let report = examine(&policy(url, &["RS256"], &keys), Some(&token_check), &[], now());
    report.token.unwrap().0
}

fn rs256(changes: Value) -> impl FnOnce(&str) -> String {
    move |url| signed(private_rsa(), Algorithm::RS256, "r", &claims(url, &changes))
}

/// Checks that the token is refused with this code, and that the remedy contains these texts.
fn check(token: impl FnOnce(&str) -> String, code: &str, pieces: &[&str]) {
    let verdicts = judged(token);
    let refusal = verdicts[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.code, code);
    for piece in pieces {
        assert!(refusal.remedy.contains(piece), "{piece} in {}", refusal.remedy);
    }
    assert!(!refusal.remedy.contains("user"), "a claim is quoted: {}", refusal.remedy);
}

#[test]
fn a_valid_token_passes_on_routes_whose_scopes_it_has() {
    let verdicts = judged(rs256(json!({})));
    assert_eq!(verdicts[0].refusal, None);
    assert_eq!((verdicts[0].issuer.as_deref(), verdicts[0].key.as_deref()), (Some("a"), Some("r")));
    let refusal = verdicts[1].refusal.as_ref().unwrap();
    assert_eq!((refusal.code, refusal.status), ("insufficient_scope", 403));
    assert_eq!(refusal.remedy, "ask the provider for a token with the scope admin");

    let verdicts = judged(rs256(json!({ "scope": "admin" })));
    assert!(verdicts.iter().all(|verdict| verdict.refusal.is_none()));
}

#[test]
fn refusals_have_remedies() {
    let now = now().get();
    check(
        rs256(json!({ "aud": "other" })),
        "wrong_audience",
        &["the token's aud is \"other\", and the policy's audience is \"api\""],
    );
    check(rs256(json!({ "exp": now - 1000 })), "expired", &["it expired 1", "s ago"]);
    check(rs256(json!({ "nbf": now + 1000 })), "not_yet_valid", &["s in the future", "leeway"]);
    check(
        |url| rs256(json!({ "iss": format!("{url}/") }))(url),
        "unknown_issuer",
        &["/\", and the policy has \"http://127.0.0.1:", "a slash at the end"],
    );
    check(
        |url| signed(private_rsa(), Algorithm::RS256, "other", &claims(url, &json!({}))),
        "unknown_key",
        &["the token's kid is \"other\", and none of the issuer's keys has it"],
    );
    check(
        |url| signed(private_p256(), Algorithm::ES256, "r", &claims(url, &json!({}))),
        "algorithm_not_allowed",
        &["the token's alg is \"ES256\", and the policy lists RS256"],
    );
    check(
        |url| {
            let token = rs256(json!({}))(url);
            let (signed, _) = token.rsplit_once('.').unwrap();
            let other = rs256(json!({ "jti": "x" }))(url);
            format!("{signed}.{}", other.rsplit_once('.').unwrap().1)
        },
        "bad_signature",
        &["check that the token is from this provider"],
    );
    check(|_| "opaque".to_owned(), "malformed_token", &["an opaque or encrypted token"]);
    check(|_| "a b".to_owned(), "malformed_authorization", &["send a token: three segments"]);
}

#[test]
fn a_token_is_not_judged_without_the_issuers_keys() {
    let server = Server::start(|_| Vec::new());
    let verdicts = judged_at(&server.url, &rs256(json!({}))(&server.url), &[]);
    assert_eq!(verdicts[0].refusal.as_ref().unwrap().code, "keys_unavailable");

    let server = Server::start(|_| vec![("/keys", Response::json(&json!({ "keys": [rsa("r")] })))]);
    let verdicts = judged_at(&server.url, &rs256(json!({}))(&server.url), &[IssuerId::new(0)]);
    let refusal = verdicts[0].refusal.as_ref().unwrap();
    assert_eq!(refusal.because, "the issuer's keys are in a binding that is not on this machine");
}

#[test]
fn the_token_is_sent_in_the_first_token_source_of_the_policy() {
    let server = Server::start(|_| vec![("/keys", Response::json(&json!({ "keys": [rsa("r")] })))]);
    let sources = json!([
        "authorization",
        { "cookie": "__Host-token" },
        { "header": "X-Token" },
        { "query": "access_token" },
        "websocket-protocol",
        { "scheme": "JWT" },
        { "bearer_cookie": "__Host-token" },
        { "subprotocol": "token." },
    ]);
    for source in sources.as_array().unwrap() {
        let raw = json!({
            "origin": "echo",
            "issuers": [{
                "name": "a", "issuer": server.url, "audience": "api", "algorithms": ["RS256"],
                "keys": { "jwks_uri": format!("{}/keys", server.url) },
            }],
            "routes": [{ "path": "/*", "methods": ["POST"] }],
            "token": { "sources": [source] },
        });
        let policy = Policy::compile(&raw, &NoBindings).outcome.unwrap();
        let token = rs256(json!({}))(&server.url);
        let request = TokenRequest {
            shown: "/".to_owned(),
            method: "POST".to_owned(),
            url: "https://gate.invalid/".to_owned(),
            proof: None,
        };
        let token_check =
            TokenCheck { token: &token, requests: &[request], placeholder_issuers: &[] };
        let report = examine(&policy, Some(&token_check), &[], now());
        assert_eq!(report.token.unwrap().0[0].refusal, None, "{source}");
    }
}

/// The verdict on a token with changed claims, for a policy with changed members and one route.
fn verdict(changes: Value, more: &Value) -> Verdict {
    let server = Server::start(|_| vec![("/keys", Response::json(&json!({ "keys": [rsa("r")] })))]);
    let mut raw = json!({
        "origin": "echo",
        "issuers": [{
            "name": "a", "issuer": server.url, "audience": "api", "algorithms": ["RS256"],
            "keys": { "jwks_uri": format!("{}/keys", server.url) },
        }],
        "routes": [{ "path": "/*" }],
    });
    raw.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let policy = Policy::compile(&raw, &NoBindings).outcome.unwrap();
    let token = rs256(changes)(&server.url);
    let request = TokenRequest {
        shown: "/".to_owned(),
        method: "GET".to_owned(),
        url: "https://gate.invalid/".to_owned(),
        proof: None,
    };
    let token_check = TokenCheck { token: &token, requests: &[request], placeholder_issuers: &[] };
    let report = examine(&policy, Some(&token_check), &[], now());
    report.token.unwrap().0.remove(0)
}

#[test]
fn report_mode_lets_refused_requests_pass() {
    let report = json!({ "routes": [{ "path": "/*", "mode": "report" }] });
    let verdict = verdict(json!({ "aud": "other" }), &report);
    assert!(verdict.is_admitted() && verdict.is_only_reported);
    assert_eq!(verdict.refusal.unwrap().code, "wrong_audience");
}

#[test]
fn verdicts_say_that_the_revocation_store_was_not_read() {
    let revocation = json!({ "revocation": { "kv": "REVOKED" } });
    let admitted = verdict(json!({ "jti": "one" }), &revocation);
    assert_eq!(admitted.refusal, None);
    assert!(admitted.is_revocation_unknown);
    let refused = verdict(json!({ "jti": "one", "exp": 1 }), &revocation);
    assert_eq!(refused.refusal.unwrap().code, "expired");
}
