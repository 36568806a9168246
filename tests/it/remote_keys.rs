//! Keys that an issuer publishes: its metadata, and the policy's settings for fetching keys.

use crate::kit::{self, Held, assert_faults, hs_issuer, policy, with};
use portcullis::keys::remote::{JWKS_URI, metadata_urls, url_in_metadata};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rfc8414_3_1_and_oidc_discovery_4_builds_the_metadata_urls() {
    let rows = [
        (
            "https://i.example",
            "https://i.example/.well-known/openid-configuration \
             https://i.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://i.example/",
            "https://i.example/.well-known/openid-configuration \
             https://i.example/.well-known/oauth-authorization-server",
        ),
        (
            "https://I.example:8443/realms/one",
            "https://i.example:8443/realms/one/.well-known/openid-configuration \
             https://i.example:8443/.well-known/oauth-authorization-server/realms/one",
        ),
        (
            "https://i.example/one/",
            "https://i.example/one/.well-known/openid-configuration \
             https://i.example/.well-known/oauth-authorization-server/one",
        ),
    ];
    kit::table(rows, |issuer| metadata_urls(issuer).unwrap().join(" "));
    for issuer in
        ["", "i.example", "http://i.example", "https://i.example?x", "https://i.example/#x"]
    {
        assert!(metadata_urls(issuer).is_err(), "{issuer}");
    }
}

#[test]
fn rfc8414_3_3_metadata_must_name_the_same_issuer_byte_for_byte() {
    const ISSUER: &str = "https://i.example/";
    let good = json!({ "issuer": ISSUER, "jwks_uri": "https://keys.example/jwks" });
    let ask = |metadata: &Value| url_in_metadata(metadata.to_string().as_bytes(), ISSUER, JWKS_URI);
    assert_eq!(ask(&good).unwrap(), "https://keys.example/jwks");
    let rows = [
        (json!({ "issuer": "https://i.example" }), "is not exactly the policy's issuer"),
        (json!({ "issuer": "https://I.example/" }), "is not exactly the policy's issuer"),
        (json!({ "issuer": "https://i.example/x" }), "is not exactly the policy's issuer"),
        (json!({ "issuer": ["https://i.example/"] }), "no \"issuer\""),
        (json!({ "issuer": null }), "no \"issuer\""),
        (json!({ "jwks_uri": null }), "no \"jwks_uri\""),
        (json!({ "jwks_uri": ["https://keys.example/jwks"] }), "no \"jwks_uri\""),
        (json!({ "jwks_uri": "/jwks" }), "not a URL"),
        (json!({ "jwks_uri": "http://keys.example/jwks" }), "http"),
        (json!({ "jwks_uri": "http://127.0.0.1/jwks" }), "not https"),
        (json!({ "jwks_uri": "file:///etc/passwd" }), "host"),
        (json!({ "jwks_uri": "https://user@keys.example/jwks" }), "user information"),
    ];
    for (changes, problem) in rows {
        let fault = ask(&with(good.clone(), changes.clone())).unwrap_err().to_string();
        assert!(fault.contains(problem), "{changes}: {fault}");
    }
    for text in ["", "[]", "<html>", r#"{"issuer":"https://i.example/","issuer":"https://x"}"#] {
        assert!(url_in_metadata(text.as_bytes(), ISSUER, JWKS_URI).is_err(), "{text}");
    }
}

#[test]
fn metadata_from_localhost_may_name_keys_on_localhost() {
    let metadata = json!({ "issuer": "http://localhost:1", "jwks_uri": "http://127.0.0.1:2/jwks" });
    let found = url_in_metadata(metadata.to_string().as_bytes(), "http://localhost:1", JWKS_URI);
    assert_eq!(found.unwrap(), "http://127.0.0.1:2/jwks");
}

/// Checks the faults of a policy whose issuer has these changes: the path of each fault, and some
/// words of its problem.
fn check(changes: Value, expected: &[(&str, &str)]) {
    let issuer = with(
        with(hs_issuer(), json!({ "algorithms": ["RS256"], "issuer": "https://i.example" })),
        changes,
    );
    let bindings = Held::usual().service("KEYS");
    assert_faults(&policy(issuer), &bindings, expected);
}

#[test]
fn accepts_valid_settings_for_published_keys() {
    let jwks_uri = || json!({ "jwks_uri": "https://keys.example/jwks?tenant=1" });
    check(json!({ "keys": jwks_uri() }), &[]);
    check(json!({ "keys": { "jwks_uri": "http://localhost:8080/jwks" } }), &[]);
    check(json!({ "keys": with(jwks_uri(), json!({ "service": "KEYS" })) }), &[]);
    check(json!({ "keys": { "discovery": true } }), &[]);
    check(json!({ "keys": { "discovery": true }, "stale_if_error": 0 }), &[]);
    check(json!({ "keys": { "discovery": true }, "stale_if_error": 604_800 }), &[]);
}

#[test]
fn rejects_invalid_settings_for_published_keys() {
    let issuer = "issuers[0].issuer";
    let jwks_uri = "issuers[0].keys.jwks_uri";
    let rows = [
        (json!({ "keys": { "jwks_uri": "http://keys.example/jwks" } }), jwks_uri, "http"),
        (json!({ "keys": { "jwks_uri": "keys.example/jwks" } }), jwks_uri, "not a URL"),
        (json!({ "keys": { "jwks_uri": "https://keys.example/jwks#x" } }), jwks_uri, "fragment"),
        (
            json!({ "keys": { "jwks_uri": "https://u:p@keys.example/" } }),
            jwks_uri,
            "user information",
        ),
        (
            json!({ "keys": { "jwks_uri": "https://keys.example/a b" } }),
            jwks_uri,
            "percent-encoded",
        ),
        (json!({ "keys": { "jwks_uri": 1 } }), jwks_uri, "a number"),
        (json!({ "keys": { "discovery": false } }), "issuers[0].keys.discovery", "must be true"),
        (json!({ "keys": { "discovery": "yes" } }), "issuers[0].keys.discovery", "must be true"),
        (
            json!({ "keys": { "discovery": true }, "issuer": ["https://a", "https://b"] }),
            issuer,
            "several",
        ),
        (json!({ "keys": { "discovery": true }, "issuer": "*" }), issuer, "any is accepted"),
        (json!({ "keys": { "discovery": true }, "issuer": "i" }), issuer, "not a URL"),
        (json!({ "keys": { "discovery": true }, "issuer": "https://i?x" }), issuer, "query"),
        (
            json!({ "keys": { "discovery": true }, "issuer": "https://i/{tid}", "tenants": ["t"] }),
            issuer,
            "template",
        ),
        (
            json!({ "keys": { "discovery": true, "service": "NONE" } }),
            "issuers[0].keys.service",
            "no service binding NONE",
        ),
        (
            json!({ "keys": { "discovery": true }, "stale_if_error": 604_801 }),
            "issuers[0].stale_if_error",
            "not a whole number of seconds",
        ),
        (
            json!({ "keys": { "discovery": true }, "algorithms": ["HS256"] }),
            "issuers[0].keys.discovery",
            "everybody would know",
        ),
        (
            json!({ "keys": { "discovery": true, "jwks_uri": "https://keys.example" } }),
            "issuers[0].keys",
            "2 sources",
        ),
        (
            json!({ "keys": { "pem": "PEM", "service": "KEYS" } }),
            "issuers[0].keys.service",
            "the gate fetches",
        ),
        (
            json!({ "keys": { "pem": "PEM" }, "stale_if_error": 60 }),
            "issuers[0].stale_if_error",
            "the gate fetches",
        ),
    ];
    for (changes, path, problem) in rows {
        check(changes, &[(path, problem)]);
    }
}
