//! Paths: canonical paths are accepted, all others are refused.

mod whatwg;

use crate::kit::{Call, Gate, Signer, payload, table, with};
use portcullis::path::{CanonicalPath, split_url};
use serde_json::json;
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A gate with public and protected routes.
fn gate() -> Gate {
    Gate::new(&json!({
        "origin": "https://origin.example",
        "issuers": [crate::kit::hs_issuer()],
        "routes": [
            { "path": "/admin/*", "scopes": ["admin"] },
            { "path": "/public/*", "access": "public" },
            { "path": "/read", "methods": ["GET"] },
        ],
    }))
}

/// Checks the verdict on a request for each path without a token.
fn check<'r>(rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let gate = gate();
    table(rows, |path| gate.verdict(&Call::get(path)));
}

const AMBIGUOUS: &str = "400 ambiguous_path";
const GUARDED: &str = "401 missing_token";
const PUBLIC: &str = "200";
const NOWHERE: &str = "404 no_route";

#[test]
fn attack_29_refuses_dot_segments() {
    check([
        ("/./admin", AMBIGUOUS),
        ("/admin/.", AMBIGUOUS),
        ("/public/../admin", AMBIGUOUS),
        ("/public/..", AMBIGUOUS),
        ("/public/%2e%2e/admin", AMBIGUOUS),
        ("/public/%2E%2E/admin", AMBIGUOUS),
        ("/public/.%2e/admin", AMBIGUOUS),
        ("/public/%2e./admin", AMBIGUOUS),
        ("/public/%2e/admin", AMBIGUOUS),
        ("/admin/%2e%2e/public", AMBIGUOUS),
        ("/admin/../public/x", AMBIGUOUS),
        ("/public/..;/admin", AMBIGUOUS),
        ("/..;/admin", AMBIGUOUS),
        ("/public/.;/../admin", AMBIGUOUS),
        ("/public/..\\admin", AMBIGUOUS),
        ("/public/..%5cadmin", AMBIGUOUS),
        ("/public/..%2fadmin", AMBIGUOUS),
        ("/public/..%c0%afadmin", AMBIGUOUS),
        ("/public/.\t./admin", AMBIGUOUS),
        ("/public/.\n./admin", AMBIGUOUS),
        // Three dots are an ordinary name.
        ("/public/...", PUBLIC),
        ("/public/..x", PUBLIC),
    ]);
}

#[test]
fn attack_29_refuses_empty_segments() {
    check([
        ("//admin", AMBIGUOUS),
        ("///admin", AMBIGUOUS),
        ("/public//admin", AMBIGUOUS),
        ("/admin//", AMBIGUOUS),
        ("//", AMBIGUOUS),
        ("//evil.example/public/x", AMBIGUOUS),
        ("/admin/", GUARDED),
        ("/admin", GUARDED),
        ("/public/", PUBLIC),
    ]);
}

#[test]
fn attack_29_refuses_ambiguous_encodings() {
    check([
        ("/%61dmin", AMBIGUOUS),
        ("/adm%69n", AMBIGUOUS),
        ("/admin%2F", AMBIGUOUS),
        ("/admin%2fx", AMBIGUOUS),
        ("/public%2fadmin", AMBIGUOUS),
        ("/admin%00", AMBIGUOUS),
        ("/admin%0a", AMBIGUOUS),
        ("/admin%7f", AMBIGUOUS),
        ("/admin%c2%85", AMBIGUOUS),
        ("/admin%5c", AMBIGUOUS),
        ("/admin%3bx", AMBIGUOUS),
        ("/public/%252e%252e/admin", AMBIGUOUS),
        ("/public/%25%32%65", AMBIGUOUS),
        ("/public/%2561", AMBIGUOUS),
        ("/public/%", AMBIGUOUS),
        ("/public/%2", AMBIGUOUS),
        ("/public/%zz", AMBIGUOUS),
        ("/public/%u0061", AMBIGUOUS),
        ("/public/%ff", AMBIGUOUS),
        ("/public/%c0%ae", AMBIGUOUS),
        ("/public/%ed%a0%80", AMBIGUOUS),
        ("/public/%2d", AMBIGUOUS),
        ("/public/%7E", AMBIGUOUS),
        ("/public/caf%C3%A9", PUBLIC),
        ("/public/a%20b", PUBLIC),
        ("/public/100%25", PUBLIC),
    ]);
}

#[test]
fn attack_29_refuses_bytes_that_must_be_encoded() {
    check([
        ("/admin\\", AMBIGUOUS),
        ("\\admin", AMBIGUOUS),
        ("/public\\admin", AMBIGUOUS),
        ("/admin;x", AMBIGUOUS),
        ("/admin;x=1/y", AMBIGUOUS),
        ("/admin#", AMBIGUOUS),
        ("/admin#/public/x", AMBIGUOUS),
        ("/public#/../admin", AMBIGUOUS),
        ("#", AMBIGUOUS),
        ("/public/a b", AMBIGUOUS),
        ("/public/\u{a0}", AMBIGUOUS),
        ("/public/é", AMBIGUOUS),
        ("/public/\0", AMBIGUOUS),
        ("/public/\t", AMBIGUOUS),
        ("/public/\r\n", AMBIGUOUS),
        ("/public/\u{7f}", AMBIGUOUS),
        ("/public/\"", AMBIGUOUS),
        ("/public/<", AMBIGUOUS),
        ("/public/^", AMBIGUOUS),
        ("/public/`", AMBIGUOUS),
        ("/public/{", AMBIGUOUS),
        // Browsers send these three unencoded.
        ("/public/a[0]|b", PUBLIC),
        ("/public/!$&'()*+,=:@-._~", PUBLIC),
    ]);
}

#[test]
fn attack_29_matches_case_exactly_and_ignores_the_query() {
    check([
        ("/ADMIN", NOWHERE),
        ("/Public/x", NOWHERE),
        ("/adminx", NOWHERE),
        ("/", NOWHERE),
        ("", NOWHERE),
        ("?/public/x", NOWHERE),
        ("/admin?", GUARDED),
        ("/admin?/../public/x", GUARDED),
        ("/admin?x=/public/", GUARDED),
        ("/admin/public/x", GUARDED),
        ("/public/admin", PUBLIC),
        ("/public?/../admin", PUBLIC),
    ]);
}

#[test]
fn attack_29_refuses_targets_that_are_not_paths() {
    let rows = [
        ("*", AMBIGUOUS),
        ("", NOWHERE),
        ("/public/x", PUBLIC),
        ("public/x", NOWHERE),
        ("gate.example", NOWHERE),
        ("gate.example:443", NOWHERE),
        ("https://gate.example", NOWHERE),
        ("https://gate.example*", NOWHERE),
        ("https://gate.example/*", NOWHERE),
        // The path decides, even if a target in absolute form names another host.
        ("http://evil.example/admin", GUARDED),
        ("https://gate.example/https://gate.example/public/x", AMBIGUOUS),
        ("https://user:password@gate.example/admin", GUARDED),
        ("https://gate.example/public/x@evil.example/admin", PUBLIC),
    ];
    let gate = gate();
    // Without a token, only a path under /public/ passes, regardless of the rest of the URL.
    table(rows.map(|(url, expected)| (url, expected == PUBLIC)), |url| {
        let call = Call { method: "GET".to_owned(), url: (*url).to_owned(), headers: Vec::new() };
        gate.verdict(&call) == PUBLIC
    });
}

#[test]
fn attack_29_matches_methods_exactly() {
    let gate = gate();
    let token = Signer::hs256().signed(payload(&[]));
    let rows = [
        ("GET", "200"),
        ("HEAD", "200"),
        ("get", "405 method_not_allowed"),
        ("Get", "405 method_not_allowed"),
        ("POST", "405 method_not_allowed"),
        ("OPTIONS", "405 method_not_allowed"),
        ("GET ", "405 method_not_allowed"),
        ("", "405 method_not_allowed"),
    ];
    table(rows, |method| gate.verdict(&Call::new(method, "/read").bearer(&token)));
    let rows = [("OPTIONS", GUARDED), ("HEAD", GUARDED), ("trace", GUARDED), ("PURGE", GUARDED)];
    table(rows, |method| gate.verdict(&Call::new(method, "/admin")));
}

#[test]
fn attack_29_ignores_headers_that_name_another_path() {
    let names = [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Uri",
        "X-Forwarded-Path",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "Forwarded",
        "X-Forwarded-Host",
    ];
    let gate = gate();
    let judged = |name: &str, value: &str| {
        let guarded = gate.verdict(&Call::get("/admin").header(name, value));
        let method = gate.verdict(&Call::new("POST", "/read").header(name, value));
        (guarded, method)
    };
    for value in ["/public/x", "GET", "https://gate.example/public/x", "path=/public/x"] {
        let expected = (GUARDED.to_owned(), "405 method_not_allowed".to_owned());
        table(names.map(|name| (name, expected.clone())), |name| judged(name, value));
    }
}

#[test]
fn forwards_the_path_and_query_unchanged() {
    let gate = gate();
    let rows = [
        ("/public/x", "https://origin.example/public/x"),
        ("/public/x?", "https://origin.example/public/x?"),
        ("/public/x?a=b&c=%2e%2e/", "https://origin.example/public/x?a=b&c=%2e%2e/"),
        ("/public/?x=//y", "https://origin.example/public/?x=//y"),
        ("/public", "https://origin.example/public"),
    ];
    table(rows, |path| gate.ask(&Call::get(path)).unwrap().url);
}

#[test]
fn splits_urls_without_changing_them() {
    let rows = [
        ("https://h/p?q", ("https", "h", "/p", "?q")),
        ("https://h:8080", ("https", "h:8080", "", "")),
        ("https://h?q", ("https", "h", "", "?q")),
        ("https://h/p??", ("https", "h", "/p", "??")),
        ("https://h/p?q#f", ("https", "h", "/p", "?q#f")),
        ("https://h#f", ("https", "h", "#f", "")),
        ("https://h\\p", ("https", "h", "\\p", "")),
        ("https://u:p@h/", ("https", "u:p@h", "/", "")),
        ("https://h/a://b", ("https", "h", "/a://b", "")),
        ("", ("", "", "", "")),
    ];
    table(rows, |url| {
        let parts = split_url(url);
        (parts.scheme, parts.authority, parts.path, parts.query)
    });
}

/// Checks a path if the gate accepts it: WHATWG serialization does not change the path, its
/// segments are decoded, and they contain nothing that a server might split or resolve. Adds the
/// accepted path to the map.
fn check_accepted(path: &str, accepted: &mut BTreeMap<Vec<String>, String>) {
    let Ok(canonical) = CanonicalPath::parse(path) else { return };
    assert_eq!(canonical.as_str(), path);
    assert_eq!(whatwg::serialized(path), path);
    let segments: Vec<_> = canonical.segments().iter().map(|one| one.to_string()).collect();
    assert_eq!(segments, whatwg::decoded_segments(path), "{path}");
    for segment in &segments {
        assert!(!segment.is_empty() && segment != "." && segment != "..", "{path}");
        assert!(!segment.contains(['/', '\\', ';']), "{path}");
        assert!(!segment.contains(char::is_control), "{path}");
    }
    accepted.insert(segments, path.to_owned());
}

#[test]
fn every_short_path_is_refused_or_unambiguous() {
    const ALPHABET: &[u8; 9] = b"/.%2eF\\;a";
    let mut accepted = BTreeMap::new();
    for length in 0..=5 {
        for number in 0..ALPHABET.len().pow(length) {
            let mut path = "/".to_owned();
            let mut left = number;
            for _ in 0..length {
                path.push(char::from(ALPHABET[left % ALPHABET.len()]));
                left /= ALPHABET.len();
            }
            check_accepted(&path, &mut accepted);
        }
    }
    assert!(accepted.len() > 1_000, "{}", accepted.len());
}

#[test]
fn every_escape_is_refused_or_unambiguous() {
    let mut accepted = BTreeMap::new();
    for first in 0..=255_u8 {
        for letters in [format!("%{first:02X}"), format!("%{first:02x}")] {
            check_accepted(&format!("/a{letters}"), &mut accepted);
            check_accepted(&format!("/{letters}"), &mut accepted);
            for second in 0..=255_u8 {
                check_accepted(&format!("/{letters}%{second:02X}"), &mut accepted);
            }
        }
    }
    assert!(accepted.len() > 1_000, "{}", accepted.len());
}

#[test]
fn random_paths_are_refused_or_unambiguous() {
    const PIECES: [&str; 24] = [
        "/", "/", "/", ".", "..", "%2e", "%2E", "%2f", "%5C", "%25", "%C3%A9", "%c3%a9", "%ff",
        "%", "\\", ";", "a", "B", "~", "!", "'", "é", "\t", "%20",
    ];
    let mut random = fastrand::Rng::with_seed(0x9a7);
    let mut accepted = BTreeMap::new();
    for _ in 0..100_000 {
        let mut path = "/".to_owned();
        for _ in 0..random.usize(..8) {
            path.push_str(PIECES[random.usize(..PIECES.len())]);
        }
        check_accepted(&path, &mut accepted);
        let _ = CanonicalPath::parse(path.get(1..).unwrap());
    }
    assert!(accepted.len() > 300, "{}", accepted.len());
}

#[test]
fn attack_29_encoded_slashes_are_refused_unless_the_route_allows_them() {
    let gate = Gate::new(&json!({
        "origin": "https://origin.example",
        "issuers": [crate::kit::hs_issuer()],
        "routes": [
            { "path": "/things/{name}", "access": "public", "encoded_slash": "allow" },
            { "path": "/files/*", "access": "public", "methods": ["GET"],
              "encoded_slash": "allow" },
            { "path": "/files/*", "access": "public", "methods": ["PUT"] },
            { "path": "/plain/*", "access": "public", "encoded_slash": "refuse" },
            { "path": "/admin/*" },
        ],
    }));
    let rows = [
        ("/things/a%2Fb", PUBLIC),
        ("/things/a%2fb", PUBLIC),
        ("/things/a%2F%2Fb", PUBLIC),
        ("/things/https:%2F%2Fx.example%2Fy", PUBLIC),
        ("/things/a%2Fb%2Fc%20d", PUBLIC),
        ("/things/a%2F...", PUBLIC),
        ("/files/a/b%2Fc/d", PUBLIC),
        // An encoded slash does not separate segments when the pattern is matched.
        ("/things/a/b", NOWHERE),
        ("/things%2Fa", AMBIGUOUS),
        ("/things/a%2Fb/c", AMBIGUOUS),
        ("/admin%2Fx", AMBIGUOUS),
        ("/admin/x%2Fy", AMBIGUOUS),
        ("/plain/a%2Fb", AMBIGUOUS),
        ("/nowhere/a%2Fb", AMBIGUOUS),
        // These paths are refused because a server that decodes the slash would resolve another
        // path.
        ("/things/..%2Fadmin", AMBIGUOUS),
        ("/things/a%2F..%2F..%2Fadmin", AMBIGUOUS),
        ("/things/a%2F..", AMBIGUOUS),
        ("/things/a%2F.", AMBIGUOUS),
        ("/things/.%2Fa", AMBIGUOUS),
        ("/things/%2Fadmin", AMBIGUOUS),
        ("/things/%2F", AMBIGUOUS),
        ("/things/a%2F", AMBIGUOUS),
        ("/files/..%2f..%2fadmin", AMBIGUOUS),
        ("/things/a%2F%2e%2e", AMBIGUOUS),
        ("/things/a%252Fb", AMBIGUOUS),
        ("/things/a%2F%5Cb", AMBIGUOUS),
        ("/things/a%2Fb%3Bc", AMBIGUOUS),
        ("/things/a%2Fb;c", AMBIGUOUS),
    ];
    table(rows, |path| gate.verdict(&Call::get(path)));
    assert_eq!(gate.verdict(&Call::new("PUT", "/files/a%2Fb")), AMBIGUOUS);
    assert_eq!(gate.verdict(&Call::new("DELETE", "/files/a%2Fb")), AMBIGUOUS);
    // The path and the query are forwarded unchanged.
    let sent = gate.ask(&Call::get("/things/a%2fb%2Fc?d=%2f")).unwrap();
    assert_eq!(sent.url, "https://origin.example/things/a%2fb%2Fc?d=%2f");
}

/// Tomcat, Jetty and Spring drop path parameters before they match a path. Others do not.
#[test]
fn attack_29_path_parameters_are_refused_unless_the_route_allows_them_and_is_the_same_without() {
    let allow = |path: &str, access: &str| {
        let allowed = json!({ "access": access, "path_parameters": "allow" });
        with(allowed, json!({ "path": path }))
    };
    let gate = Gate::new(&json!({
        "origin": "https://origin.example",
        "issuers": [crate::kit::hs_issuer()],
        "routes": [
            allow("/things/{name}", "public"),
            allow("/things/secret", "required"),
            allow("/maps/*", "public"),
            { "path": "/maps/admin/*", "path_parameters": "allow" },
            { "path": "/plain/*", "access": "public" },
            { "path": "/ops/{id}", "access": "public", "path_parameters": "allow" },
            { "path": "/ops/{id}:cancel", "path_parameters": "allow" },
        ],
    }));
    let rows = [
        ("/things/a;v=1", PUBLIC),
        ("/things/a;v=1;w=2,3", PUBLIC),
        ("/things/a;", PUBLIC),
        ("/maps/a;x/b;y", PUBLIC),
        // A server that drops the parameters would reach another route.
        ("/things/secret;v=1", AMBIGUOUS),
        ("/maps/admin;x/users", AMBIGUOUS),
        ("/maps/admin;x", AMBIGUOUS),
        ("/ops/1:cancel;x", AMBIGUOUS),
        ("/ops/1;x:cancel", AMBIGUOUS),
        // Or another path.
        ("/maps/..;/things/secret", AMBIGUOUS),
        ("/maps/.;/x", AMBIGUOUS),
        ("/maps/;x", AMBIGUOUS),
        ("/;x/things/a", AMBIGUOUS),
        ("/maps/a%3Bx", AMBIGUOUS),
        ("/plain/a;x", AMBIGUOUS),
        ("/nowhere;x", AMBIGUOUS),
        ("/things;x/a", AMBIGUOUS),
    ];
    table(rows, |path| gate.verdict(&Call::get(path)));
    let sent = gate.ask(&Call::get("/things/a;v=1?b;c")).unwrap();
    assert_eq!(sent.url, "https://origin.example/things/a;v=1?b;c");
}

/// APIs by Google's design guide have verbs after a colon (AIP-136).
#[test]
fn a_verb_after_a_segment_has_a_route_of_its_own() {
    let gate = Gate::new(&json!({
        "origin": "https://origin.example",
        "issuers": [crate::kit::hs_issuer()],
        "routes": [
            { "path": "/v1/ops/{id}", "access": "public" },
            { "path": "/v1/ops/{id}:cancel" },
            { "path": "/v1/ops/{id}:cancel/log", "access": "public" },
            { "path": "/v1/ops/all:cancel", "access": "public" },
        ],
    }));
    let rows = [
        ("/v1/ops/1", PUBLIC),
        ("/v1/ops/1:cancel", GUARDED),
        ("/v1/ops/1:cancel/", GUARDED),
        ("/v1/ops/a:b:cancel", GUARDED),
        ("/v1/ops/1:cancel/log", PUBLIC),
        ("/v1/ops/all:cancel", PUBLIC),
        ("/v1/ops/1:cancelled", PUBLIC),
        ("/v1/ops/1:Cancel", PUBLIC),
        ("/v1/ops/:cancel", PUBLIC),
        ("/v1/ops/1/log", NOWHERE),
        // A server that looks for the verb before it decodes the path would not find it.
        ("/v1/ops/1%3Acancel", AMBIGUOUS),
        ("/v1/ops/1%3acancel", AMBIGUOUS),
        ("/v1/ops/a%3Ab:cancel", AMBIGUOUS),
        ("/v1/ops/1%3Aother", PUBLIC),
    ];
    table(rows, |path| gate.verdict(&Call::get(path)));
}
