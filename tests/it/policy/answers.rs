//! The tables `cors` and `resource`.

use super::{changed, check};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn cors(cors: Value) -> Value {
    changed(json!({ "cors": cors }))
}

fn resource(changes: Value) -> Value {
    let table = json!({
        "identifier": "https://api.example",
        "authorization_servers": ["https://issuer.example/"],
    });
    changed(json!({ "resource": crate::kit::with(table, changes) }))
}

#[test]
fn accepts_origins_only_as_browsers_write_them() {
    let place = "cors.allow_origins[0]";
    let good = ["https://app.example", "https://app.example:8443", "http://localhost:3000", "*"];
    for origin in good {
        check([(cors(json!({ "allow_origins": [origin] })), vec![])]);
    }
    let rows = [
        ("https://app.example/", "no path and no final slash"),
        ("https://app.example/x", "no path and no final slash"),
        ("https://app.example?x", "no path and no final slash"),
        ("https://App.example", "lower case"),
        ("https://app.example:443", "the scheme's default port"),
        ("http://localhost:80", "the scheme's default port"),
        ("http://app.example", "others could read and change"),
        ("app.example", "not a URL"),
        ("https://*app.example", "first label"),
        ("https://", "its host"),
        ("null", "sandboxed"),
        ("https://user@app.example", "user information"),
    ];
    for (origin, problem) in rows {
        let raw = cors(json!({ "allow_origins": [origin] }));
        check([(raw, vec![(place, problem, "https://app.example.com")])]);
    }
    check([
        (cors(json!({})), vec![("cors.allow_origins", "missing", "https://app.example.com")]),
        (
            cors(json!({ "allow_origins": ["https://a.example", "*"] })),
            vec![("cors.allow_origins[1]", "the other origins have no effect", "")],
        ),
        (
            cors(json!({ "allow_origins": ["*"], "max_age": -1, "allow_headers": ["A:", "B"] })),
            vec![
                ("cors.allow_headers[0]", "not a header name", "Authorization"),
                ("cors.max_age", "not a whole number of seconds", "86400"),
            ],
        ),
    ]);
}

#[test]
fn rejects_any_origin_with_a_cookie_source() {
    let mut raw = cors(json!({ "allow_origins": ["*"] }));
    raw["token"] = json!({ "sources": [{ "cookie": "__Host-t" }] });
    check([(raw, vec![("cors.allow_origins[0]", "every page on the web", "write an origin")])]);
}

#[test]
fn rejects_invalid_resources_and_authorization_servers() {
    let identifier = |text: &str| resource(json!({ "identifier": text }));
    for good in ["https://api.example", "https://api.example/", "https://api.example/v1/x"] {
        check([(identifier(good), vec![])]);
    }
    let rows = [
        ("api.example", "not a URL"),
        ("http://api.example", "others could read and change"),
        ("https://API.example", "lower case"),
        ("https://api.example?x=y", "a query"),
        ("https://api.example/#x", "a query, a fragment"),
        ("https://api.example//x", "a path that the gate refuses"),
        ("https://api.example/a b", "percent-encoded"),
        ("https://api.example/\"", "a path that the gate refuses"),
    ];
    for (text, problem) in rows {
        let remedy = "https://example.com/api";
        check([(identifier(text), vec![("resource.identifier", problem, remedy)])]);
    }
    check([
        (
            resource(json!({ "identifier": null, "authorization_servers": null })),
            vec![
                ("resource.identifier", "missing", "https://api.example.com"),
                ("resource.authorization_servers", "missing", "tenant.example.com"),
            ],
        ),
        (
            resource(json!({ "authorization_servers": ["https://i/", "issuer", "https://i?x"] })),
            vec![
                ("resource.authorization_servers[1]", "not a URL", "tenant.example.com"),
                ("resource.authorization_servers[2]", "a query", "tenant.example.com"),
            ],
        ),
        (
            resource(json!({ "scopes_supported": ["a b"] })),
            vec![("resource.scopes_supported[0]", "not a single valid scope", "visible ASCII")],
        ),
        (
            resource(json!({ "scope_supported": ["a"] })),
            vec![("resource.scope_supported", "unknown key", "did you mean scopes_supported?")],
        ),
    ]);
}
