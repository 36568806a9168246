//! Cross-origin resource sharing (WHATWG Fetch section 3.3).

use crate::kit::{Call, Gate, Signer, answered, hs_issuer, payload, policy, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const APP: &str = "https://app.example";

fn raw(cors: Value) -> Value {
    let mut raw = with(policy(hs_issuer()), json!({ "cors": cors }));
    raw["routes"] = json!([
        { "path": "/api/*" },
        { "path": "/read/*", "methods": ["GET"] },
        { "path": "/write", "methods": ["POST", "PATCH"] },
        { "path": "/write", "methods": ["DELETE"], "scopes": ["admin"] },
        { "path": "/names/{name}", "methods": ["PUT"], "encoded_slash": "allow" },
        { "path": "/public", "access": "public", "methods": ["OPTIONS", "GET"] },
    ]);
    raw
}

fn gate(cors: Value) -> Gate {
    Gate::new(&raw(cors))
}

fn usual() -> Gate {
    gate(json!({ "allow_origins": [APP, "https://other.example:8443"] }))
}

fn preflight(path: &str, origin: &str, method: &str) -> Call {
    let call = Call::new("OPTIONS", path).header("Origin", origin);
    call.header("Access-Control-Request-Method", method)
}

#[test]
fn responds_to_a_preflight_without_a_token() {
    let answer = usual().own_response(&preflight("/api/x", APP, "POST")).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let expected = [
        ("Vary", "Origin"),
        ("Access-Control-Allow-Origin", APP),
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ];
    assert_eq!(answer.headers, expected.map(|(name, value)| (name, value.to_owned())));
}

#[test]
fn allows_the_methods_of_the_routes() {
    let gate = usual();
    let rows = [
        (("/read/x", "GET"), "GET, HEAD"),
        (("/read/x", "DELETE"), "GET, HEAD"),
        (("/write", "POST"), "POST, PATCH, DELETE"),
        (("/names/a%2Fb", "PUT"), "PUT"),
        (("/public", "GET"), "OPTIONS, GET, HEAD"),
        (("/api", "PURGE"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, PURGE"),
        (("/api", "a b"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        (("/api", "X\r\nA: b"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ];
    table(rows, |(path, method)| {
        let answer = gate.own_response(&preflight(path, APP, method)).unwrap();
        assert_eq!(answer.status, 204);
        answered(&answer, "Access-Control-Allow-Methods").unwrap().to_owned()
    });
}

#[test]
fn allows_the_requested_headers_or_those_of_the_policy() {
    let allowed = |gate: &Gate, asked: &str| {
        let call = preflight("/api", APP, "GET").header("Access-Control-Request-Headers", asked);
        let answer = gate.own_response(&call).unwrap();
        answered(&answer, "Access-Control-Allow-Headers").unwrap().to_owned()
    };
    let long = "x-a,".repeat(300);
    let rows = [
        ("authorization", "authorization"),
        ("authorization,content-type,x-a", "authorization, content-type, x-a"),
        ("x-a, é, b c, x_b", "x-a, x_b"),
        ("", "Authorization, Content-Type"),
        (",", "Authorization, Content-Type"),
        (long.as_str(), "Authorization, Content-Type"),
    ];
    let gate_of_usual = usual();
    table(rows, |asked| allowed(&gate_of_usual, asked));
    let own = gate(json!({
        "allow_origins": [APP],
        "allow_headers": ["Authorization", "X-Mine"],
        "max_age": 600,
    }));
    assert_eq!(allowed(&own, "x-other"), "Authorization, X-Mine");
    let answer = own.own_response(&preflight("/api", APP, "GET")).unwrap();
    assert_eq!(answered(&answer, "Access-Control-Max-Age"), Some("600"));
}

#[test]
fn allows_nothing_to_other_pages() {
    let gate = usual();
    let strangers = [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://app.example:443",
        "https://app.example/",
        "http://app.example",
        "https://APP.example",
        "https://other.example",
        "null",
        "*",
        "",
        "https://app.example, https://app.example",
    ];
    for origin in strangers {
        let answer = gate.own_response(&preflight("/api", origin, "GET")).unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.headers, [("Vary", "Origin".to_owned())], "{origin}");
    }
}

#[test]
fn other_options_requests_are_ordinary_requests() {
    let gate = usual();
    let options = |path: &str| Call::new("OPTIONS", path);
    let token = Signer::hs256().signed(payload(&[]));
    let rows = [
        (options("/api"), "401 missing_token"),
        (options("/api").header("Origin", APP), "401 missing_token"),
        (options("/api").header("Access-Control-Request-Method", "GET"), "401 missing_token"),
        (options("/api").bearer(&token), "200"),
        (options("/read/x"), "405 method_not_allowed"),
        (options("/public"), "200"),
        (Call::get("/api").header("Origin", APP), "401 missing_token"),
    ];
    table(rows, |call| {
        assert!(gate.own_response(call).is_none());
        gate.verdict(call)
    });
    // Without `cors` in the policy, a preflight is an ordinary request too.
    let without = Gate::new(&with(raw(json!({})), json!({ "cors": null })));
    let call = preflight("/api", APP, "GET");
    assert!(without.own_response(&call).is_none());
    assert_eq!(without.verdict(&call), "401 missing_token");
    assert!(answered(&without.response(&call), "Vary").is_none());
}

#[test]
fn refuses_a_preflight_that_matches_no_route() {
    let gate = usual();
    let rows = [("/nowhere", 404), ("/api//x", 400), ("/api/a%2Fb", 400), ("/nowhere/a%2Fb", 400)];
    table(rows, |path| {
        let answer = gate.response(&preflight(path, APP, "GET"));
        assert_eq!(answered(&answer, "Access-Control-Allow-Origin"), Some(APP));
        answer.status
    });
}

#[test]
fn lets_an_allowed_page_read_refusals() {
    let gate = usual();
    for (call, status) in [
        (Call::get("/api"), 401),
        (Call::get("/api").bearer("x"), 401),
        (Call::get("/nowhere"), 404),
        (Call::new("PUT", "/read/x"), 405),
        (Call::get("/api//"), 400),
    ] {
        let answer = gate.response(&call.clone().header("Origin", APP));
        assert_eq!(answer.status, status);
        assert_eq!(answered(&answer, "Access-Control-Allow-Origin"), Some(APP));
        let exposed = answered(&answer, "Access-Control-Expose-Headers").unwrap();
        assert!(exposed.contains("WWW-Authenticate"));
        assert_eq!(answered(&answer, "Vary"), Some("Origin"));
        assert_eq!(answered(&answer, "Access-Control-Allow-Credentials"), None);
        for stranger in [call.clone(), call.header("Origin", "https://evil.example")] {
            let answer = gate.response(&stranger);
            assert_eq!(answered(&answer, "Access-Control-Allow-Origin"), None);
            assert_eq!(answered(&answer, "Access-Control-Expose-Headers"), None);
            assert_eq!(answered(&answer, "Vary"), Some("Origin"));
        }
    }
}

#[test]
fn allows_credentials_only_for_listed_origins() {
    let any = gate(json!({ "allow_origins": ["*"] }));
    for answer in [
        any.own_response(&preflight("/api", "null", "GET")).unwrap(),
        any.response(&Call::get("/api").header("Origin", "https://evil.example")),
    ] {
        assert_eq!(answered(&answer, "Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(answered(&answer, "Access-Control-Allow-Credentials"), None);
        assert_eq!(answered(&answer, "Vary"), None);
    }
    let cookies = json!({ "token": { "sources": [{ "cookie": "__Host-t" }] } });
    let by_cookie = Gate::new(&with(raw(json!({ "allow_origins": [APP] })), cookies));
    for (origin, shared) in [(APP, Some("true")), ("https://evil.example", None)] {
        for answer in [
            by_cookie.own_response(&preflight("/api", origin, "GET")).unwrap(),
            by_cookie.response(&Call::get("/api").header("Origin", origin)),
        ] {
            assert_eq!(answered(&answer, "Access-Control-Allow-Credentials"), shared);
        }
    }
    // Only an allowed page may send requests with the cookie.
    let token = Signer::hs256().signed(payload(&[]));
    let post = |origin: &str| {
        let call = Call::new("POST", "/api").header("Cookie", &format!("__Host-t={token}"));
        by_cookie.verdict(&call.header("Origin", origin).header("Sec-Fetch-Site", "cross-site"))
    };
    assert_eq!(post(APP), "200");
    assert_eq!(post("https://gate.example"), "200");
    assert_eq!(post("https://evil.example"), "403 cross_site");
}
