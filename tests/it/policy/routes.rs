//! The list `routes`.

use super::{changed, check};
use crate::kit::{Held, faults, table};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn routes(routes: Value) -> Value {
    changed(json!({ "routes": routes }))
}

fn one(changes: Value) -> Value {
    routes(json!([crate::kit::with(json!({ "path": "/*" }), changes)]))
}

#[test]
fn requires_a_list_of_tables() {
    check([
        (routes(json!([])), vec![("routes", "has no route", "path = \"/*\"")]),
        (routes(json!({})), vec![("routes", "a table, not a list", "[[vars.POLICY.routes]]")]),
        (routes(json!("/*")), vec![("routes", "a string, not a list", "")]),
        (routes(json!(["/*"])), vec![("routes[0]", "a string, not a table", "write a table")]),
        (
            routes(json!([{ "path": "/a" }, null, 17])),
            vec![("routes[1]", "null", ""), ("routes[2]", "a number", "")],
        ),
    ]);
}

#[test]
fn rejects_invalid_patterns() {
    let rows = [
        ("", "slash"),
        ("api", "slash"),
        ("*", "slash"),
        ("/api*", "whole segments"),
        ("/*/x", "whole segments"),
        ("/a{b}", "whole segments"),
        ("/{}", "not a name"),
        ("/{a-b}", "not a name"),
        ("//", "an empty segment"),
        ("/a//b", "an empty segment"),
        ("/./a", "no accepted path"),
        ("/a/..", "no accepted path"),
        ("/a;b", "no accepted path"),
        ("/a\\b", "no accepted path"),
        ("/a%20b", "without percent encoding"),
        ("/a\nb", "no accepted path"),
    ];
    for (path, problem) in rows {
        check([(
            one(json!({ "path": path })),
            vec![("routes[0].path", problem, "literal segments")],
        )]);
    }
    check([
        (routes(json!([{}])), vec![("routes[0].path", "missing", "/api/*")]),
        (one(json!({ "path": 1 })), vec![("routes[0].path", "a number", "")]),
    ]);
}

#[test]
fn rejects_two_routes_that_match_the_same_requests() {
    let is_duplicate = |one: Value, other: Value| {
        let faults = faults(&routes(json!([one, other])), &Held::usual());
        assert!(faults.len() < 2, "{faults:?}");
        faults
            .first()
            .map(|fault| {
                assert_eq!(fault.path, "routes[1].path");
                assert!(
                    fault.problem.contains("routes[0].path matches the same requests"),
                    "{fault}"
                );
                assert!(fault.remedy.contains("different paths, or methods"), "{fault}");
            })
            .is_some()
    };
    let path = |path: &str| json!({ "path": path });
    let get = |path: &str, methods: Value| json!({ "path": path, "methods": methods });
    let rows = [
        ((path("/a"), path("/a")), true),
        ((path("/a"), path("/a/")), true),
        ((path("/*"), path("/*")), true),
        ((path("/{x}"), path("/{y}")), true),
        ((path("/a/{x}/*"), path("/a/{y}/*")), true),
        ((get("/a", json!(["GET"])), path("/a")), true),
        ((get("/a", json!(["GET"])), get("/a", json!(["GET", "POST"]))), true),
        ((get("/a", json!(["GET"])), get("/a", json!(["HEAD"]))), true),
        ((get("/a", json!(["HEAD"])), get("/a", json!(["GET"]))), true),
        ((get("/a", json!(["GET"])), get("/a", json!(["POST"]))), false),
        ((path("/a"), path("/b")), false),
        ((path("/a"), path("/A")), false),
        ((path("/a"), path("/{x}")), false),
        ((path("/a"), path("/a/*")), false),
        ((path("/{x}"), path("/*")), false),
        ((path("/{x}/b"), path("/a/{y}")), false),
    ];
    table(rows, |(one, other)| is_duplicate(one.clone(), other.clone()));
}

#[test]
fn reports_every_duplicate_route() {
    let raw =
        routes(json!([{ "path": "/a" }, { "path": "/a/" }, { "path": "/b" }, { "path": "/a" }]));
    check([(
        raw,
        vec![
            ("routes[1].path", "routes[0].path matches the same requests", ""),
            ("routes[3].path", "routes[0].path matches the same requests", ""),
        ],
    )]);
}

#[test]
fn rejects_token_requirements_on_public_routes() {
    let raw = one(json!({
        "access": "public",
        "issuers": ["i"],
        "scopes": ["a"],
        "any_scope": ["a"],
        "roles": ["a"],
        "any_role": ["a"],
        "claims": [{ "path": "/a", "equals": 1 }],
        "acr": ["a"],
        "max_auth_age": 1,
        "mode": "report",
    }));
    let keys = [
        "issuers",
        "scopes",
        "any_scope",
        "roles",
        "any_role",
        "claims",
        "acr",
        "max_auth_age",
        "mode",
    ];
    let places = keys.map(|key| format!("routes[0].{key}"));
    let expected = places
        .iter()
        .map(|place| {
            (
                place.as_str(),
                "the gate does not look at tokens on public routes",
                "access = \"required\"",
            )
        })
        .collect();
    check([(raw, expected)]);
}

#[test]
fn rejects_invalid_methods_access_and_other_settings() {
    check([
        (one(json!({ "methods": ["GET", "POST", "M-SEARCH"] })), vec![]),
        (
            one(json!({ "methods": ["get", "Post"] })),
            vec![
                ("routes[0].methods[0]", "get is not", "write \"GET\""),
                ("routes[0].methods[1]", "Post is not", "write \"POST\""),
            ],
        ),
        (one(json!({ "methods": "GET" })), vec![("routes[0].methods", "a string, not a list", "")]),
        (one(json!({ "methods": [] })), vec![("routes[0].methods", "an empty list", "")]),
        (one(json!({ "methods": [""] })), vec![("routes[0].methods[0]", "not a string", "")]),
        (one(json!({ "methods": [1] })), vec![("routes[0].methods[0]", "not a string", "")]),
        (
            one(json!({ "access": "Public" })),
            vec![("routes[0].access", "not an accepted value", "\"public\"")],
        ),
        (one(json!({ "access": true })), vec![("routes[0].access", "true or false", "")]),
        (one(json!({ "acr": ["urn:a:2", "b"], "max_auth_age": 300 })), vec![]),
        (
            one(json!({ "acr": ["a b", "c", "\""], "max_auth_age": 0 })),
            vec![
                ("routes[0].acr[0]", "not a single value", "without spaces"),
                ("routes[0].acr[2]", "not a single value", "without spaces"),
                ("routes[0].max_auth_age", "not a whole number of seconds", "from 1"),
            ],
        ),
        (one(json!({ "acr": "a" })), vec![("routes[0].acr", "a string, not a list", "")]),
        (one(json!({ "mode": "enforce" })), vec![]),
        (
            one(json!({ "mode": "log" })),
            vec![("routes[0].mode", "\"log\" is not an accepted value", "\"report\"")],
        ),
        (one(json!({ "encoded_slash": "refuse" })), vec![]),
        (
            one(json!({ "encoded_slash": "keep" })),
            vec![("routes[0].encoded_slash", "\"keep\" is not an accepted value", "\"allow\"")],
        ),
        (one(json!({ "encoded_slash": true })), vec![("routes[0].encoded_slash", "true or", "")]),
        (one(json!({ "cache": "origin" })), vec![]),
        (one(json!({ "cache": "no-store" })), vec![]),
        (
            one(json!({ "cache": "public" })),
            vec![("routes[0].cache", "\"public\" is not an accepted value", "\"origin\"")],
        ),
        (one(json!({ "cache": 60 })), vec![("routes[0].cache", "a number", "")]),
    ]);
}

#[test]
fn rejects_unknown_issuers() {
    check([
        (one(json!({ "issuers": ["i"] })), vec![]),
        (
            one(json!({ "issuers": ["j", "i", "https://i"] })),
            vec![
                ("routes[0].issuers[0]", "no issuer is named j", "named i"),
                ("routes[0].issuers[2]", "no issuer is named https://i", "named i"),
            ],
        ),
        (one(json!({ "issuers": [] })), vec![("routes[0].issuers", "an empty list", "")]),
        (one(json!({ "issuers": "i" })), vec![("routes[0].issuers", "a string, not a list", "")]),
    ]);
}

#[test]
fn rejects_invalid_scopes_roles_and_claim_rules() {
    check([
        (
            one(json!({ "scopes": ["a b", "a", "é"], "any_scope": ["\""] })),
            vec![
                ("routes[0].scopes[0]", "not a single valid scope", ""),
                ("routes[0].scopes[2]", "not a single valid scope", ""),
                ("routes[0].any_scope[0]", "not a single valid scope", ""),
            ],
        ),
        (
            one(json!({ "roles": "admin", "any_role": [1] })),
            vec![
                ("routes[0].roles", "a string, not a list", ""),
                ("routes[0].any_role[0]", "not a string", ""),
            ],
        ),
        (
            one(json!({ "claims": [
                { "path": "/a" },
                { "path": "/a", "equals": 1, "contains": 1 },
                { "path": "/a", "equals": [1] },
                { "path": "/a", "contains": {} },
                { "equals": 1 },
                "x",
            ] })),
            vec![("routes[0].claims[5]", "a string, not a table", "")],
        ),
        (
            one(json!({ "claims": [
                { "path": "/a" },
                { "path": "/a", "equals": 1, "contains": 1 },
                { "path": "/a", "equals": [1] },
                { "path": "/a", "contains": {} },
                { "equals": 1 },
                { "path": "/a", "one_of": [1, "b", false] },
                { "path": "/a", "one_of": 1 },
                { "path": "/a", "one_of": [] },
                { "path": "/a", "one_of": [1, [2]] },
                { "path": "/a", "one_of": [1], "equals": 1 },
            ] })),
            vec![
                ("routes[0].claims[0]", "exactly one condition", "equals"),
                ("routes[0].claims[1]", "exactly one condition", "one of equals"),
                ("routes[0].claims[2]", "not a string, number or boolean", ""),
                ("routes[0].claims[3]", "not a string, number or boolean", ""),
                ("routes[0].claims[4].path", "missing", "JSON Pointer"),
                ("routes[0].claims[6].one_of", "not a list", "equals = "),
                ("routes[0].claims[7].one_of", "not a list, or an empty list", ""),
                ("routes[0].claims[8]", "not a string, number or boolean", ""),
                ("routes[0].claims[9]", "exactly one condition", "one of equals"),
            ],
        ),
        (one(json!({ "claims": {} })), vec![("routes[0].claims", "a table, not a list", "")]),
    ]);
}
