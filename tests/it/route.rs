//! How the gate selects the route of a request.

use crate::kit::{
    Call, Gate, Held, Signer, answered, faults, hs_issuer, now, payload, policy, table,
};
use portcullis::route::Pattern;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gate(routes: Value) -> Gate {
    Gate::new(&json!({
        "origin": "echo",
        "issuers": [hs_issuer()],
        "routes": routes,
    }))
}

/// Checks which pattern is selected for each path. Rotates the list of routes, because the order in
/// the policy must not matter.
fn check(patterns: &[&str], rows: &[(&str, &str)]) {
    for turn in 0..patterns.len() {
        let mut order = patterns.to_vec();
        order.rotate_left(turn);
        let routes = order.iter().map(|path| json!({ "path": path, "access": "public" })).collect();
        let gate = gate(Value::Array(routes));
        table(rows.iter().copied(), |path| {
            let (trace, sent) = gate.trace(&Call::get(path), now());
            match (trace.route, sent) {
                (Some(route), Ok(_)) => route.pattern().as_str().to_owned(),
                (_, sent) => sent.unwrap_err().code().to_string(),
            }
        });
    }
}

#[test]
fn a_literal_segment_precedes_a_name_and_a_name_precedes_a_wildcard() {
    check(
        &["/*", "/{a}", "/admin", "/admin/*", "/{a}/users", "/admin/{id}", "/admin/users"],
        &[
            ("/", "/*"),
            ("/admin", "/admin"),
            ("/other", "/{a}"),
            ("/admin/users", "/admin/users"),
            ("/admin/17", "/admin/{id}"),
            ("/admin/17/x", "/admin/*"),
            ("/other/users", "/{a}/users"),
            ("/other/things", "/*"),
            ("/a/b/c/d", "/*"),
        ],
    );
}

#[test]
fn segments_are_compared_from_the_left() {
    check(
        &["/a/{x}/c", "/{x}/b/c", "/a/*", "/{x}/b/*"],
        &[
            ("/a/b/c", "/a/{x}/c"),
            ("/a/b/d", "/a/*"),
            ("/z/b/c", "/{x}/b/c"),
            ("/z/b/d", "/{x}/b/*"),
            ("/z/y/c", "no_route"),
        ],
    );
}

#[test]
fn an_exact_pattern_precedes_a_wildcard() {
    check(
        &["/a", "/a/*", "/*"],
        &[("/a", "/a"), ("/a/", "/a"), ("/a/b", "/a/*"), ("/b", "/*"), ("/", "/*")],
    );
    // `*` matches zero segments too.
    check(&["/a/*"], &[("/a", "/a/*"), ("/a/", "/a/*"), ("/", "no_route"), ("/ab", "no_route")]);
    check(&["/"], &[("/", "/"), ("", "/"), ("/a", "no_route")]);
    check(&["/{x}"], &[("/", "no_route"), ("/a", "/{x}"), ("/a/b", "no_route")]);
}

#[test]
fn patterns_match_whole_segments_and_not_prefixes() {
    check(
        &["/api/*", "/"],
        &[("/api", "/api/*"), ("/apix", "no_route"), ("/api-internal/x", "no_route")],
    );
}

#[test]
fn a_trailing_slash_makes_no_difference() {
    check(&["/a/"], &[("/a", "/a/"), ("/a/", "/a/")]);
    check(&["/a"], &[("/a", "/a"), ("/a/", "/a")]);
}

#[test]
fn literals_match_decoded_segments() {
    check(
        &["/café", "/a b", "/{x}"],
        &[
            ("/caf%C3%A9", "/café"),
            ("/caf%c3%a9", "/café"),
            ("/a%20b", "/a b"),
            ("/CAF%C3%89", "/{x}"),
        ],
    );
}

#[test]
fn the_path_selects_the_pattern_before_the_method_is_checked() {
    let gate = gate(json!([
        { "path": "/*", "access": "public" },
        { "path": "/items", "methods": ["GET"], "access": "public" },
        { "path": "/items", "methods": ["POST", "PUT"] },
    ]));
    let rows = [
        (("GET", "/items"), "200"),
        (("HEAD", "/items"), "200"),
        (("POST", "/items"), "401 missing_token"),
        (("PUT", "/items/"), "401 missing_token"),
        // The request must not fall through to the wider pattern, which is public.
        (("DELETE", "/items"), "405 method_not_allowed"),
        (("post", "/items"), "405 method_not_allowed"),
        (("DELETE", "/other"), "200"),
    ];
    table(rows, |(method, path)| gate.verdict(&Call::new(method, path)));
    let answer = gate.response(&Call::new("DELETE", "/items"));
    let allow = answer.headers.iter().find(|(name, _)| *name == "Allow");
    assert_eq!(allow.unwrap().1, "GET, HEAD, POST, PUT");
}

/// RFC 9110 section 9.3.2. A route that accepts only HEAD does not accept GET.
#[test]
fn rfc9110_section_9_a_route_that_accepts_get_accepts_head() {
    let gate = gate(json!([{ "path": "/a", "methods": ["GET"], "access": "public" },
                           { "path": "/b", "methods": ["HEAD"], "access": "public" }]));
    let rows = [
        (("HEAD", "/a"), "200"),
        (("HEAD", "/b"), "200"),
        (("GET", "/b"), "405 method_not_allowed"),
    ];
    table(rows, |(method, path)| gate.verdict(&Call::new(method, path)));
}

#[test]
fn a_route_accepts_only_its_listed_issuers() {
    let other = crate::kit::with(
        hs_issuer(),
        json!({ "name": "j", "issuer": "https://j", "keys": { "secret": "OTHER_SECRET" } }),
    );
    let gate = Gate::new(&json!({
        "origin": "echo",
        "issuers": [hs_issuer(), other],
        "routes": [
            { "path": "/i", "issuers": ["i"] },
            { "path": "/j", "issuers": ["j"] },
            { "path": "/both" },
        ],
    }));
    let i = Signer::hs256().signed(payload(&[]));
    let j = Signer::hmac(256, crate::kit::keys::OTHER_SECRET)
        .signed(payload(&[("iss", r#""https://j""#)]));
    let rows = [
        (("/i", &i), "200"),
        (("/i", &j), "401 unknown_issuer"),
        (("/j", &i), "401 unknown_issuer"),
        (("/j", &j), "200"),
        (("/both", &i), "200"),
        (("/both", &j), "200"),
    ];
    table(rows, |(path, token)| gate.verdict(&Call::get(path).bearer(token)));
}

#[test]
fn rejects_patterns_that_can_never_match() {
    let rows = [
        ("/a/{b}/*", true),
        ("/", true),
        ("/*", true),
        ("/a:b", true),
        ("", false),
        ("a", false),
        ("*", false),
        ("/a*", false),
        ("/*/a", false),
        ("/a/**", false),
        ("//", false),
        ("//*", false),
        ("/a//b", false),
        ("/a//", false),
        ("/./a", false),
        ("/a/..", false),
        ("/{}", false),
        ("/{a b}", false),
        ("/{a}b", false),
        ("/a{b}", false),
        ("/{a", false),
        ("/caf%C3%A9", false),
        ("/a;b", false),
        ("/a\\b", false),
        ("/a\0", false),
    ];
    table(rows, |text| Pattern::parse(text).is_ok());
}

#[test]
fn trace_reaches_no_origin() {
    let mut raw = policy(hs_issuer());
    raw["routes"] = json!([{ "path": "/*", "access": "public" }]);
    let refusal = Gate::new(&raw).ask(&Call::new("TRACE", "/a")).unwrap_err();
    assert_eq!(refusal.code().as_str(), "method_not_allowed");
    let response = Gate::new(&raw).response(&Call::new("TRACE", "/a"));
    let allow = answered(&response, "Allow").unwrap();
    assert_eq!(allow, "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    raw["routes"][0]["methods"] = json!(["GET", "TRACE"]);
    let faults = faults(&raw, &Held::usual());
    assert!(faults.len() == 1 && faults[0].path == "routes[0].methods[1]", "{faults:?}");
}
