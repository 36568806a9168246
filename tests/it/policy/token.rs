//! The table `token`.

use super::{changed, check};
use crate::kit::{Gate, Held, warnings};
use portcullis::extract::TokenSource;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn sources(sources: Value) -> Value {
    changed(json!({ "token": { "sources": sources } }))
}

const PLACE: &str = "token.sources[0]";

#[test]
fn requires_a_list_of_sources() {
    let gate = Gate::new(&sources(json!([
        "authorization",
        { "cookie": "__Host-token" },
        { "header": "Cf-Access-Jwt-Assertion" },
        { "query": "access_token" },
        "websocket-protocol",
    ])));
    assert_eq!(
        gate.policy.sources(),
        [
            TokenSource::Authorization,
            TokenSource::Cookie("__Host-token".to_owned()),
            TokenSource::Header("Cf-Access-Jwt-Assertion".to_owned()),
            TokenSource::Query("access_token".to_owned()),
            TokenSource::WebSocketProtocol,
        ]
    );
    for default in [json!({ "token": {} }), json!({})] {
        assert_eq!(Gate::new(&changed(default)).policy.sources(), [TokenSource::Authorization]);
    }
    check([
        (sources(json!([])), vec![("token.sources", "not a list", "\"authorization\"")]),
        (sources(json!("authorization")), vec![("token.sources", "not a list", "{ cookie = ")]),
        (sources(json!(["Authorization"])), vec![(PLACE, "not a source", "\"authorization\"")]),
        (sources(json!([17])), vec![(PLACE, "not a source", "\"websocket-protocol\"")]),
        (sources(json!([["authorization"]])), vec![(PLACE, "not a source", "")]),
        (sources(json!([{}])), vec![(PLACE, "exactly one place", "{ query = ")]),
        (
            sources(json!([{ "cookie": "__Host-a", "query": "b" }])),
            vec![(PLACE, "exactly one place", "{ query = ")],
        ),
        (
            sources(json!([{ "cooky": "__Host-a" }])),
            vec![
                ("token.sources[0].cooky", "unknown key", "did you mean cookie?"),
                (PLACE, "exactly one place", "{ query = "),
            ],
        ),
        (
            sources(json!(["authorization", { "query": "a" }, "authorization", { "query": "a" }])),
            vec![
                ("token.sources[2]", "listed twice", "remove one"),
                ("token.sources[3]", "listed twice", "remove one"),
            ],
        ),
        (changed(json!({ "token": "authorization" })), vec![("token", "a string", "a table")]),
    ]);
}

#[test]
fn rejects_invalid_names_of_cookies_headers_and_parameters() {
    let header = |name: &str| sources(json!([{ "header": name }]));
    for name in ["", "a b", "a=b", "a;b", "é"] {
        check([(
            sources(json!([{ "cookie": name }])),
            vec![("token.sources[0].cookie", "not a cookie name", "__Host-token")],
        )]);
    }
    for name in ["", "a b", "a&b", "a=b", "a+b", "a%20b"] {
        check([(
            sources(json!([{ "query": name }])),
            vec![("token.sources[0].query", "not the name of a query parameter", "letters")],
        )]);
    }
    check([
        (header("X A"), vec![("token.sources[0].header", "not a header name", "letters")]),
        (
            header("Authorization"),
            vec![(
                "token.sources[0].header",
                "not a header that contains only a token",
                "\"authorization\"",
            )],
        ),
        (
            header("cookie"),
            vec![(
                "token.sources[0].header",
                "not a header that contains only a token",
                "{ cookie = ",
            )],
        ),
        (
            header("Sec-WebSocket-Protocol"),
            vec![(
                "token.sources[0].header",
                "not a header that contains only a token",
                "\"websocket-protocol\"",
            )],
        ),
        (
            header("host"),
            vec![(
                "token.sources[0].header",
                "not a header that contains only a token",
                "contains nothing else",
            )],
        ),
        (
            sources(json!([{ "header": 1 }])),
            vec![("token.sources[0].header", "a number, not a string", "")],
        ),
    ]);
}

#[test]
fn rejects_schemes_and_subprotocols_that_carry_no_bearer_token() {
    let check_one = |source: Value, path: &str, problem: &str, remedy: &str| {
        let path = format!("token.sources[0].{path}");
        check([(sources(json!([source])), vec![(path.as_str(), problem, remedy)])]);
    };
    for name in ["", "a b", "JWT ", "Bearer=", "é"] {
        check_one(json!({ "scheme": name }), "scheme", "not the name of a scheme", "JWT");
    }
    check_one(json!({ "scheme": "bearer" }), "scheme", "usual scheme", "\"authorization\"");
    for name in ["Basic", "DPoP", "dpop", "Negotiate", "Signature"] {
        check_one(json!({ "scheme": name }), "scheme", "not bearer tokens", "JWT");
    }
    for prefix in ["", "a b", "a,", "a/b", "é"] {
        check_one(json!({ "subprotocol": prefix }), "subprotocol", "not the beginning", "k8s.io");
    }
    check_one(json!({ "bearer_cookie": "a b" }), "bearer_cookie", "not a cookie name", "__Host-");
    let twice = json!([
        { "scheme": "JWT" }, { "scheme": "jwt" }, { "cookie": "__Host-t" },
        { "bearer_cookie": "__Host-t" }, { "header": "X-T" }, { "header": "x-t" },
    ]);
    let listed = |index: &'static str| (index, "listed twice", "remove one");
    check([(
        sources(twice),
        vec![listed("token.sources[1]"), listed("token.sources[3]"), listed("token.sources[5]")],
    )]);
}

/// The gate removes this header from every incoming request.
#[test]
fn attack_31_rejects_a_header_that_the_gate_sets_as_a_source() {
    for name in ["X-Token", "x_token", "X-Payload"] {
        let mut raw = sources(json!([{ "header": name }]));
        raw["forward"] = json!({ "claims": { "X-Token": "/sub" }, "payload": "X-Payload" });
        check([(raw, vec![("token.sources[0].header", "the gate sets", "another header")])]);
    }
}

#[test]
fn warns_of_cookies_without_prefix_and_of_query_parameters() {
    let warned = |source: Value| -> Vec<String> {
        let found = warnings(&sources(json!([source])), &Held::usual());
        found.into_iter().map(|warning| warning.path).collect()
    };
    assert_eq!(warned(json!({ "cookie": "token" })), ["token.sources[0].cookie"]);
    assert_eq!(warned(json!({ "cookie": "__Secure-token" })), ["token.sources[0].cookie"]);
    assert_eq!(warned(json!({ "query": "access_token" })), ["token.sources[0].query"]);
    for quiet in [json!({ "cookie": "__Host-token" }), json!({ "header": "X-Token" })] {
        assert!(warned(quiet).is_empty());
    }
}
