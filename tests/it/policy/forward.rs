//! The table `forward`.

use super::{changed, check};
use crate::kit::{Gate, Held, assert_faults, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn forward(forward: Value) -> Value {
    changed(json!({ "forward": forward }))
}

#[test]
fn rejects_invalid_names_of_headers_and_claims() {
    check([
        (
            forward(
                json!({ "claims": { "X-A": "/a", "X-B": "b", "x_c": "/c/0" }, "payload": "X-P" }),
            ),
            vec![],
        ),
        (
            forward(json!({ "claims": { "X A": "/a", "": "/a", "X-É": "/a", "X:": "/a" } })),
            vec![
                ("forward.claims.X A", "not a header name", "hyphens"),
                ("forward.claims.", "not a header name", "hyphens"),
                ("forward.claims.X-É", "not a header name", "hyphens"),
                ("forward.claims.X:", "not a header name", "hyphens"),
            ],
        ),
        (
            forward(json!({ "claims": { "X-A": "", "X-B": 1, "X-C": ["/c"], "X-D": null } })),
            vec![
                ("forward.claims.X-A", "not the name of a claim", "JSON Pointer"),
                ("forward.claims.X-B", "not the name of a claim", "JSON Pointer"),
                ("forward.claims.X-C", "not the name of a claim", "JSON Pointer"),
                ("forward.claims.X-D", "not the name of a claim", "JSON Pointer"),
            ],
        ),
        (
            forward(json!({ "claims": ["X-A"] })),
            vec![("forward.claims", "a list, not a table", "")],
        ),
        (forward(json!({ "payload": 1 })), vec![("forward.payload", "a number", "")]),
        (forward(json!("keep")), vec![("forward", "a string, not a table", "")]),
    ]);
}

/// Servers may treat the two spellings as the same header.
#[test]
fn attack_31_rejects_two_spellings_of_one_header() {
    check([
        (
            forward(json!({ "claims": { "X-A": "/a", "x_a": "/b" } })),
            vec![("forward.claims.x_a", "twice", "once")],
        ),
        (
            forward(json!({ "claims": { "X-A": "/a" }, "payload": "x-a" })),
            vec![("forward.payload", "twice", "once")],
        ),
        (forward(json!({ "claims": { "X-A": "/a", "X-AA": "/a" } })), vec![]),
    ]);
}

#[test]
fn keeps_or_strips_authorization() {
    for (word, strip) in [("keep", false), ("strip", true)] {
        let gate = Gate::new(&forward(json!({ "authorization": word })));
        assert_eq!(gate.policy.forwarding().strip_authorization, strip);
    }
    check([
        (
            forward(json!({ "authorization": "remove" })),
            vec![("forward.authorization", "\"remove\" is not an accepted value", "\"strip\"")],
        ),
        (
            forward(json!({ "authorization": false })),
            vec![("forward.authorization", "true or false, not a string", "")],
        ),
    ]);
}

#[test]
fn fixed_headers_come_from_bindings() {
    let check_one = |headers: Value, changes: Value, expected: &[(&str, &str)]| {
        let bindings = Held::usual()
            .value("KEY", "an API key")
            .value("LINE", "an API key\n")
            .value("SPACE", " a")
            .value("EMPTY", "")
            .value("ACCENT", "clé")
            .value("LONG", "x".repeat(8 * 1024 + 1))
            .value("TABLE", json!({}));
        let mut raw = forward(changes);
        raw["forward"]["headers"] = headers;
        assert_faults(&raw, &bindings, expected);
    };
    let strip = || json!({ "authorization": "strip" });
    let none: &[(&str, &str)] = &[];
    check_one(json!({ "X-Api-Key": "KEY" }), json!({}), none);
    check_one(json!({ "CF-Access-Client-Id": "KEY", "X-A": "KEY" }), json!({}), none);
    check_one(json!({ "Authorization": "KEY" }), strip(), none);
    let named = |name: &str| json!({ "X-A": name });
    let unsendable = [("forward.headers.X-A", "cannot be sent in a header")];
    for name in ["LINE", "SPACE", "EMPTY", "ACCENT", "LONG"] {
        check_one(named(name), json!({}), &unsendable);
    }
    check_one(named("NONE"), json!({}), &[("forward.headers.X-A", "there is no binding NONE")]);
    check_one(named("TABLE"), json!({}), &[("forward.headers.X-A", "is not a string")]);
    check_one(named(""), json!({}), &[("forward.headers.X-A", "not the name of a binding")]);
    check_one(json!({ "X-A": 1 }), json!({}), &[("forward.headers.X-A", "not the name of")]);
    check_one(json!([]), json!({}), &[("forward.headers", "a list, not a table")]);
    let meaning = "already has a meaning";
    for name in ["Authorization", "Host", "Cookie", "CF-Connecting-IP", "X-Forwarded-Host"] {
        let headers = json!({ name: "KEY" });
        check_one(headers, json!({}), &[(&format!("forward.headers.{name}"), meaning)]);
    }
    let twice = [("forward.headers.x_a", "in spellings that servers may not distinguish")];
    check_one(json!({ "x_a": "KEY" }), json!({ "claims": { "X-A": "/sub" } }), &twice);
}

#[test]
fn location_applies_to_an_origin_with_a_url() {
    let rewrites = |forward: Value, origin: &str| {
        let raw = with(changed(json!({ "forward": forward })), json!({ "origin": origin }));
        Gate::new(&raw).policy.forwarding().rewrites_location
    };
    assert!(rewrites(json!({}), "https://o.example"));
    assert!(rewrites(json!({ "location": "rewrite" }), "https://o.example"));
    assert!(!rewrites(json!({ "location": "keep" }), "https://o.example"));
    assert!(!rewrites(json!({}), "zone") && !rewrites(json!({}), "service:API"));
    let raw = with(forward(json!({ "location": "keep" })), json!({ "origin": "zone" }));
    check([(raw, vec![("forward.location", "only to an origin with a URL", "remove it")])]);
}
