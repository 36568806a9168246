//! The protected resource metadata (RFC 9728).

use crate::kit::{Call, Gate, Held, answered, assert_faults, hs_issuer, policy, table, with};
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

fn one(identifier: &str, changes: Value) -> Value {
    let servers = ["https://issuer.example/"];
    with(json!({ "identifier": identifier, "authorization_servers": servers }), changes)
}

fn several(resources: Value) -> Value {
    let mut raw = policy(hs_issuer());
    raw["resource"] = resources;
    raw["routes"] = json!([
        { "path": "/*" },
        { "path": "/docs", "access": "public" },
        { "path": "/mcp/admin", "scopes": ["admin"], "any_scope": ["a", "b"] },
    ]);
    raw
}

/// Each resource has a document and challenges of its own, so that a client asks the right
/// authorization server for a token with the right audience.
#[test]
fn rfc9728_section_3_several_resources_behind_one_gate() {
    let gate = Gate::new(&several(json!([
        one("https://api.example/mcp", json!({ "root": true })),
        one("https://api.example/mcp/files/", json!({})),
        one("https://other.example/rest", json!({})),
    ])));
    let well_known = "/.well-known/oauth-protected-resource";
    let metadata = |path: &str| {
        let answer = gate.own_response(&Call::get(&format!("{well_known}{path}")));
        answer.map(|answer| document(&answer)["resource"].as_str().unwrap().to_owned())
    };
    let rows = [
        ("/mcp", Some("https://api.example/mcp")),
        ("/mcp/files/", Some("https://api.example/mcp/files/")),
        ("/mcp/files", Some("https://api.example/mcp/files/")),
        ("/rest", Some("https://other.example/rest")),
        ("", Some("https://api.example/mcp")),
        ("/", Some("https://api.example/mcp")),
        ("/mcp/admin", None),
        ("/mcpx", None),
        ("x", None),
    ];
    table(rows.map(|(path, own)| (path, own.map(str::to_owned))), |path| metadata(path));
    let challenged = |path: &str| {
        let response = gate.response(&Call::get(path));
        let challenge = answered(&response, "WWW-Authenticate").unwrap();
        let (_, url) = challenge.split_once("resource_metadata=\"")?;
        Some(url.strip_suffix('"').unwrap().to_owned())
    };
    let api = |path: &str| Some(format!("https://api.example{well_known}{path}"));
    let rows = [
        ("/mcp", api("/mcp")),
        ("/mcp/", api("/mcp")),
        ("/mcp/tools", api("/mcp")),
        ("/mcp/filesystem", api("/mcp")),
        ("/mcp/files", api("/mcp/files/")),
        ("/mcp/files/a?b", api("/mcp/files/")),
        ("/rest/a", Some(format!("https://other.example{well_known}/rest"))),
        // A path of no resource.
        ("/mcpx", None),
        ("/", None),
    ];
    table(rows, |path| challenged(path));
}

#[test]
fn rejects_resources_that_the_gate_cannot_distinguish() {
    let check = |resources: Value, path: &str, problem: &str| {
        assert_faults(&several(resources), &Held::usual(), &[(path, problem)]);
    };
    let (a, b) = ("https://a.example/mcp", "https://b.example/mcp/");
    let two = json!([one(a, json!({})), one(b, json!({}))]);
    check(two, "resource[1].identifier", "another resource has the same path");
    let rooted = || json!({ "root": true });
    let two = json!([one(a, rooted()), one("https://a.example/x", rooted())]);
    check(two, "resource[1].root", "another resource has it");
    check(json!([one(a, json!({ "rot": true }))]), "resource[0].rot", "unknown key");
    check(json!([one("a", json!({}))]), "resource[0].identifier", "not a URL");
    check(json!([1]), "resource[0]", "a number");
    check(json!("x"), "resource", "a string");
}

/// RFC 6750 section 3 allows `scope` in every challenge. MCP clients ask for these scopes.
#[test]
fn rfc6750_section_3_a_401_names_the_scopes_of_the_route() {
    let gate = Gate::new(&several(json!([])));
    let challenge = |call: &Call| {
        let response = gate.response(call);
        answered(&response, "WWW-Authenticate").unwrap().to_owned()
    };
    let scope = "scope=\"admin a b\"";
    for call in [Call::get("/mcp/admin"), Call::get("/mcp/admin").bearer("x")] {
        assert!(challenge(&call).ends_with(scope), "{call:?}");
    }
    // A request with a malformed credential needs no other token, and other routes no scope.
    let twice = Call::get("/mcp/admin").bearer("a").bearer("b");
    for call in [twice, Call::get("/mcp"), Call::get("/mcp").bearer("x")] {
        assert!(!challenge(&call).contains("scope="), "{call:?}");
    }
}
