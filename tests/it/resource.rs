//! The protected resource metadata (RFC 9728).

use crate::kit::{Call, Gate, answered, hs_issuer, policy, table, with};
use portcullis::response::OwnResponse;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gate(identifier: &str, changes: Value) -> Gate {
    let mut raw = policy(hs_issuer());
    raw["resource"] = json!({
        "identifier": identifier,
        "authorization_servers": ["https://issuer.example/", "https://other.example/tenant"],
        "scopes_supported": ["read", "write"],
    });
    Gate::new(&with(raw, changes))
}

fn document(answer: &OwnResponse) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

#[test]
fn rfc9728_section_3_1_inserts_the_well_known_path_before_the_identifiers_path() {
    let rows = [
        ("https://api.example", "/.well-known/oauth-protected-resource"),
        ("https://api.example/", "/.well-known/oauth-protected-resource"),
        ("https://api.example/v1", "/.well-known/oauth-protected-resource/v1"),
        ("https://api.example/v1/a", "/.well-known/oauth-protected-resource/v1/a"),
        ("https://api.example/v1/", "/.well-known/oauth-protected-resource/v1/"),
    ];
    for (identifier, path) in rows {
        let gate = gate(identifier, json!({}));
        let answer = gate.own_response(&Call::get(path)).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(document(&answer)["resource"], identifier);
        let url = format!("https://api.example{path}");
        let challenge = format!("Bearer realm=\"api\", resource_metadata=\"{url}\"");
        let refused = gate.response(&Call::get("/x"));
        assert_eq!(answered(&refused, "WWW-Authenticate"), Some(challenge.as_str()));
    }
}

#[test]
fn rfc9728_section_3_2_serves_the_document() {
    let gate = gate("https://api.example/v1", json!({}));
    let path = "/.well-known/oauth-protected-resource/v1";
    for call in [Call::get(path), Call::new("HEAD", path), Call::get(&format!("{path}/?x=y"))] {
        let answer = gate.own_response(&call).unwrap();
        assert_eq!(answer.status, 200);
        let expected = json!({
            "resource": "https://api.example/v1",
            "authorization_servers": ["https://issuer.example/", "https://other.example/tenant"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["read", "write"],
        });
        assert_eq!(document(&answer), expected);
        assert_eq!(answered(&answer, "Content-Type"), Some("application/json"));
        assert_eq!(answered(&answer, "Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(answered(&answer, "WWW-Authenticate"), None);
    }
}

#[test]
fn lists_the_bearer_methods_that_the_rfc_defines() {
    let sources = json!({ "token": { "sources": [{ "cookie": "__Host-t" }, { "query": "t" }] } });
    let gate = gate("https://api.example", sources);
    let answer = gate.own_response(&Call::get("/.well-known/oauth-protected-resource")).unwrap();
    assert_eq!(document(&answer)["bearer_methods_supported"], json!(["query"]));
}

#[test]
fn refuses_other_methods_and_ignores_other_paths() {
    let gate = gate("https://api.example/v1", json!({}));
    let path = "/.well-known/oauth-protected-resource/v1";
    let options = gate.own_response(&Call::new("OPTIONS", path)).unwrap();
    assert_eq!(options.status, 204);
    assert_eq!(answered(&options, "Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(answered(&options, "Access-Control-Allow-Methods"), Some("GET, HEAD"));
    for method in ["POST", "DELETE", "get"] {
        let answer = gate.response(&Call::new(method, path));
        assert_eq!(answer.status, 405);
        assert_eq!(answered(&answer, "Allow"), Some("GET, HEAD, OPTIONS"));
    }
    let elsewhere = [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/v1/x",
        "/.well-known/oauth-protected-resource/V1",
        "/.well-known//oauth-protected-resource/v1",
        "/x/.well-known/oauth-protected-resource/v1",
    ];
    table(elsewhere.map(|path| (path, true)), |path| gate.own_response(&Call::get(path)).is_none());
}

#[test]
fn rfc9728_section_5_1_every_challenge_contains_the_url() {
    let gate = gate("https://api.example", json!({}));
    let url = "https://api.example/.well-known/oauth-protected-resource";
    for call in [
        Call::get("/"),
        Call::get("/").bearer("x"),
        Call::get("/").bearer("a").bearer("b"),
        Call::get("/").header("Host", "evil.example"),
    ] {
        let answer = gate.response(&call);
        let challenge = answered(&answer, "WWW-Authenticate").unwrap();
        assert!(challenge.ends_with(&format!("resource_metadata=\"{url}\"")), "{challenge}");
    }
    assert_eq!(answered(&gate.response(&Call::get("//")), "WWW-Authenticate"), None);
}
