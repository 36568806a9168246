//! Cross-origin resource sharing (WHATWG Fetch section 3.3).

use crate::kit::{
    Call, Gate, Held, Signer, answered, assert_faults, faults, hs_issuer, payload, policy, table,
    with,
};
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

/// Which web origins a gate with this list allows.
fn allowed(list: Value, rows: &[(&str, bool)]) {
    let gate = gate(json!({ "allow_origins": list }));
    table(rows.iter().copied(), |origin| {
        let answer = gate.own_response(&preflight("/api", origin, "GET")).unwrap();
        let shown = answered(&answer, "Access-Control-Allow-Origin");
        assert!(shown.is_none_or(|shown| shown == *origin), "{shown:?}");
        assert_eq!(answered(&answer, "Vary"), Some("Origin"));
        shown.is_some()
    });
}

#[test]
fn a_wildcard_stands_for_exactly_one_label() {
    allowed(
        json!(["https://*.pages.example", "https://*.dev.example:8443"]),
        &[
            ("https://a.pages.example", true),
            ("https://feature-7.pages.example", true),
            ("https://a.dev.example:8443", true),
            ("https://pages.example", false),
            ("https://.pages.example", false),
            ("https://a.b.pages.example", false),
            ("https://evil-pages.example", false),
            ("https://evil.example/.pages.example", false),
            ("https://evil.example#.pages.example", false),
            ("https://user@.pages.example", false),
            ("https://a.pages.example.evil.example", false),
            ("https://a.pages.example:8443", false),
            ("https://a.dev.example", false),
            ("https://A.pages.example", false),
            ("https://a.PAGES.example", false),
            ("http://a.pages.example", false),
            ("https://*.pages.example", false),
            ("https://a.pages.example.", false),
            ("https://é.pages.example", false),
            ("null", false),
            ("", false),
        ],
    );
}

#[test]
fn application_shells_and_extensions_have_origins() {
    let shells = ["capacitor://localhost", "tauri://localhost", "chrome-extension://abcdefgh"];
    allowed(
        json!(shells),
        &[
            ("capacitor://localhost", true),
            ("tauri://localhost", true),
            ("chrome-extension://abcdefgh", true),
            ("capacitor://localhost.evil.example", false),
            ("ionic://localhost", false),
            ("chrome-extension://abcdefghi", false),
            ("https://localhost", false),
        ],
    );
}

#[test]
fn rejects_origins_that_would_allow_other_peoples_pages() {
    let check = |origin: &str, problem: &str| {
        let raw = raw(json!({ "allow_origins": [origin] }));
        assert_faults(&raw, &Held::usual(), &[("cors.allow_origins[0]", problem)]);
    };
    check("https://*.com", "top-level domain");
    check("https://*.localhost", "top-level domain");
    check("https://*.pages.dev", "anyone can have a site");
    check("https://*.vercel.app", "anyone can have a site");
    check("https://*.pages.dev:8443", "anyone can have a site");
    check("https://*", "first label");
    check("http://*.app.example", "first label");
    check("https://app.*.example", "first label");
    check("https://*.*.example", "first label");
    check("https://*app.example", "first label");
    check("https://a-*.app.example", "first label");
    check("https://*.App.example", "lower case");
    check("https://*.app.example/", "no path");
    check("https://*.app.example:443", "default port");
    check("capacitor://", "a scheme and a host");
    check("capacitor://localhost/", "a scheme and a host");
    check("Capacitor://localhost", "a scheme and a host");
    check("file://", "no origin of their own");
    check("data://x", "no origin of their own");
    check("javascript://x", "no origin of their own");
    let project = json!({ "allow_origins": ["https://*.my-project.pages.dev"] });
    assert!(faults(&raw(project), &Held::usual()).is_empty());
}

#[test]
fn allow_credentials_adds_the_header_for_listed_origins() {
    let cors = |origin: &str| json!({ "allow_origins": [origin], "allow_credentials": true });
    let with_credentials = gate(cors(APP));
    for (origin, shared) in [(APP, Some("true")), ("https://evil.example", None)] {
        let answer = with_credentials.own_response(&preflight("/api", origin, "GET")).unwrap();
        assert_eq!(answered(&answer, "Access-Control-Allow-Credentials"), shared);
    }
    let found = faults(&raw(cors("*")), &Held::usual());
    assert!(found.len() == 1 && found[0].problem.contains("together with credentials"));
}

#[test]
fn adds_headers_to_the_apis_responses_if_the_policy_says_so() {
    let headers = |cors: Value, origin: Option<&str>, by_api: bool| {
        let gate = gate(with(json!({ "allow_origins": [APP] }), cors));
        let headers = gate.policy.cors().unwrap().response_headers(origin, by_api);
        let lines = headers.iter().map(|(name, value)| format!("{name}: {value}"));
        lines.collect::<Vec<_>>().join("; ")
    };
    let on = || json!({ "responses": true });
    let shared = format!("Vary: Origin; Access-Control-Allow-Origin: {APP}");
    assert_eq!(headers(json!({}), Some(APP), false), "");
    assert_eq!(headers(on(), Some(APP), false), shared);
    assert_eq!(headers(on(), Some(APP), true), "");
    assert_eq!(headers(on(), Some("https://evil.example"), false), "Vary: Origin");
    assert_eq!(headers(on(), None, false), "Vary: Origin");
    let more = json!({ "responses": true, "expose_headers": ["ETag", "Link"] });
    let exposed = format!("{shared}; Access-Control-Expose-Headers: ETag, Link");
    assert_eq!(headers(more.clone(), Some(APP), false), exposed);
    assert_eq!(headers(more, Some("null"), false), "Vary: Origin");
    let any = json!({ "responses": true, "allow_origins": ["*"] });
    assert_eq!(headers(any, Some("null"), false), "Access-Control-Allow-Origin: *");
    let alone = raw(json!({ "allow_origins": [APP], "expose_headers": ["ETag"] }));
    let found = faults(&alone, &Held::usual());
    assert!(found.len() == 1 && found[0].path == "cors.expose_headers", "{found:?}");
}
