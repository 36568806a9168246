//! The table `introspection` of an issuer.

use super::check;
use crate::kit::{Held, assert_faults, hs_issuer, policy, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn endpoint() -> Value {
    json!({
        "endpoint": "https://i/introspect", "client_id": "c", "client_secret": "CLIENT_SECRET",
    })
}

/// A policy whose only issuer has no keys.
fn opaque(changes: Value) -> Value {
    let none = json!({ "keys": null, "algorithms": null });
    policy(with(with(hs_issuer(), none), changes))
}

fn introspection(changes: Value) -> Value {
    opaque(json!({ "introspection": with(endpoint(), changes) }))
}

const AT: &str = "issuers[0].introspection";

#[test]
fn an_issuer_with_introspection_needs_no_keys_and_no_algorithms() {
    check([
        (introspection(json!({})), vec![]),
        (policy(with(hs_issuer(), json!({ "introspection": endpoint() }))), vec![]),
        (
            opaque(json!({ "introspection": endpoint(), "keys": { "secret": "SECRET" } })),
            vec![("issuers[0].algorithms", "missing", "")],
        ),
        (
            opaque(json!({})),
            vec![("issuers[0].algorithms", "missing", ""), ("issuers[0].keys", "missing", "")],
        ),
    ]);
}

#[test]
fn keys_that_apply_only_to_jwts_need_keys() {
    let rows = [
        ("algorithms", json!(["HS256"])),
        ("types", json!(["at+jwt"])),
        ("profile", json!("rfc9068")),
        ("stale_if_error", json!(60)),
    ];
    for (key, value) in rows {
        let raw = opaque(json!({ "introspection": endpoint(), key: value }));
        let path = format!("issuers[0].{key}");
        check([(raw, vec![(path.as_str(), "the issuer has no keys", "add keys")])]);
    }
    let signed = format!("{AT}.signed");
    check([(
        introspection(json!({ "signed": true })),
        vec![(signed.as_str(), "verified with the issuer's keys", "add keys")],
    )]);
}

#[test]
fn requires_endpoint_client_id_and_secret() {
    check([
        (
            opaque(json!({ "introspection": {} })),
            vec![
                ("issuers[0].introspection.endpoint", "missing", "discovery = true"),
                ("issuers[0].introspection.client_id", "missing", "client ID"),
                ("issuers[0].introspection.client_secret", "missing", "BINDING"),
            ],
        ),
        (opaque(json!({ "introspection": true })), vec![(AT, "not a table", "")]),
        (
            introspection(json!({ "endpoint": "https://i/a", "discovery": true })),
            vec![("issuers[0].introspection.endpoint", "exclude each other", "")],
        ),
        (
            introspection(json!({ "secret": "CLIENT_SECRET" })),
            vec![("issuers[0].introspection.secret", "unknown key", "client_secret")],
        ),
    ]);
}

#[test]
fn rejects_endpoints_that_are_no_urls_or_that_others_could_read() {
    for (url, problem) in [
        ("", "not a URL"),
        ("/introspect", "not a URL"),
        ("http://i/introspect", "http"),
        ("https://u:p@i/introspect", "user information"),
        ("https://i/introspect#x", "fragment"),
    ] {
        let path = format!("{AT}.endpoint");
        check([(
            introspection(json!({ "endpoint": url })),
            vec![(path.as_str(), problem, "introspection endpoint")],
        )]);
    }
    for url in ["https://i/introspect?x=y", "http://127.0.0.1:1/introspect"] {
        check([(introspection(json!({ "endpoint": url })), vec![])]);
    }
}

#[test]
fn discovery_needs_one_issuer_that_is_a_url() {
    let discovered = |issuer: Value| {
        let introspection = with(endpoint(), json!({ "endpoint": null, "discovery": true }));
        opaque(json!({ "introspection": introspection, "issuer": issuer }))
    };
    check([
        (discovered(json!("https://i")), vec![]),
        (
            discovered(json!(["https://i", "https://j"])),
            vec![("issuers[0].issuer", "several are listed", "endpoint = ")],
        ),
        (discovered(json!("*")), vec![("issuers[0].issuer", "any is accepted", "endpoint = ")]),
        (
            introspection(json!({ "endpoint": null, "discovery": false })),
            vec![("issuers[0].introspection.discovery", "must be true", "")],
        ),
    ]);
}

#[test]
fn rejects_client_secrets_that_cannot_be_right() {
    let path = format!("{AT}.client_secret");
    for (text, problem) in
        [("", "is empty"), ("s3cret\n", "white space"), (" s3cret", "white space")]
    {
        let bindings = Held::usual().value("CLIENT_SECRET", text);
        assert_faults(&introspection(json!({})), &bindings, &[(path.as_str(), problem)]);
    }
    check([
        (
            introspection(json!({ "client_secret": "ABSENT" })),
            vec![(path.as_str(), "no binding ABSENT", "wrangler secret put ABSENT")],
        ),
        (
            introspection(json!({ "client_secret": 1 })),
            vec![(path.as_str(), "not the name of a binding", "")],
        ),
    ]);
}

#[test]
fn rejects_private_keys_that_cannot_be_right() {
    let path = format!("{AT}.private_key");
    let raw = introspection(json!({ "client_secret": null, "private_key": "KEY" }));
    for (text, problem) in [
        ("", "KEY: "),
        ("s3cret", "KEY: "),
        (crate::kit::keys::RSA_PRIVATE, "neither an Ed25519 key (EdDSA) nor a key on P-256"),
        (crate::kit::keys::ED25519_SPKI, "KEY: "),
    ] {
        let bindings = Held::usual().value("KEY", text);
        assert_faults(&raw, &bindings, &[(path.as_str(), problem)]);
    }
    for key in [crate::kit::keys::ED25519_PRIVATE, crate::kit::keys::P256_PRIVATE] {
        assert_faults(&raw, &Held::usual().value("KEY", key), &[]);
    }
    let secret = format!("{AT}.client_secret");
    let auth = format!("{AT}.auth");
    check([
        (raw.clone(), vec![(path.as_str(), "no binding KEY", "")]),
        (
            introspection(json!({ "private_key": "KEY" })),
            vec![(secret.as_str(), "exclude each other", "private_key = ")],
        ),
        (
            introspection(json!({ "client_secret": null, "private_key": "X", "auth": "post" })),
            vec![(auth.as_str(), "how a secret is sent", ""), (path.as_str(), "no binding X", "")],
        ),
    ]);
}

#[test]
fn rejects_values_out_of_range() {
    let at = |key: &str| format!("{AT}.{key}");
    let rows = [
        ("cache", json!(-1), "accepted range"),
        ("cache", json!(3601), "accepted range"),
        ("cache", json!("60"), "accepted range"),
        ("tokens", json!("jwt"), "not an accepted value"),
        ("auth", json!("bearer"), "not an accepted value"),
        ("signed", json!("yes"), "not true or false"),
        ("client_id", json!(""), "not a client ID"),
        ("client_id", json!("a\nb"), "not a client ID"),
        ("client_id", json!("ü"), "not a client ID"),
    ];
    for (key, value, problem) in rows {
        let path = at(key);
        check([(introspection(json!({ key: value })), vec![(path.as_str(), problem, "")])]);
    }
    for (key, value) in [("cache", json!(0)), ("cache", json!(3600)), ("auth", json!("post"))] {
        check([(introspection(json!({ key: value })), vec![])]);
    }
}

/// An opaque token does not say who issued it.
#[test]
fn a_route_admits_at_most_one_introspecting_issuer() {
    let second = with(
        hs_issuer(),
        json!({ "name": "j", "issuer": "https://j",
        "keys": null, "algorithms": null, "introspection": endpoint() }),
    );
    let mut raw = introspection(json!({}));
    raw["issuers"].as_array_mut().unwrap().push(second);
    let problem = "several issuers that introspect tokens (i, j)";
    check([(raw.clone(), vec![("routes[0].issuers", problem, "only one of them")])]);
    raw["routes"] = json!([
        { "path": "/*", "issuers": ["i"] },
        { "path": "/j", "issuers": ["j"] },
        { "path": "/public", "access": "public" },
    ]);
    check([(raw.clone(), vec![])]);
    raw["routes"][1]["issuers"] = json!(["j", "i"]);
    check([(raw, vec![("routes[1].issuers", problem, "")])]);
}

#[test]
fn rfc9701_section_8_1_signed_responses_cannot_be_accepted_as_access_tokens() {
    let raw = policy(with(hs_issuer(), json!({ "types": ["token-introspection+jwt"] })));
    check([(raw, vec![("issuers[0].types", "never access tokens", "remove it")])]);
}
