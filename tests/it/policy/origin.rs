//! The key `origin`.

use super::{changed, check};
use crate::kit::{Call, Gate, Held, Signer, payload, table, with};
use portcullis::outgoing::Origin;
use portcullis::policy::Policy;
use portcullis::server::Server;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn accepts_valid_origins() {
    let url = |text: &str| Origin::Url(Server::parse(text).unwrap());
    let rows = [
        ("echo", Origin::Echo),
        ("zone", Origin::Zone),
        ("service:API", Origin::Service("API".to_owned())),
        ("https://o.example", url("https://o.example")),
        ("https://o.example/", url("https://o.example")),
        ("https://O.EXAMPLE", url("https://o.example")),
        ("https://o.example:8443", url("https://o.example:8443")),
        ("https://192.0.2.1", url("https://192.0.2.1")),
        ("https://[2001:db8::1]:8443", url("https://[2001:db8::1]:8443")),
        ("https://o.example/base/v1", url("https://o.example/base/v1")),
        ("https://o.example/base/v1/", url("https://o.example/base/v1")),
        ("https://o.example/Base/%C3%A9", url("https://o.example/Base/%C3%A9")),
        ("http://localhost", url("http://localhost")),
        ("http://localhost:3000/", url("http://localhost:3000")),
        ("http://api.localhost:3000", url("http://api.localhost:3000")),
        ("http://127.0.0.1:3000", url("http://127.0.0.1:3000")),
        ("http://127.1.2.3", url("http://127.1.2.3")),
        ("http://[::1]:3000", url("http://[::1]:3000")),
    ];
    table(rows, |text| {
        Gate::new(&changed(json!({ "origin": text }))).policy.forwarding().origin.clone()
    });
}

#[test]
fn rejects_invalid_origins() {
    let rows = [
        ("", "not a URL"),
        ("api.example.com", "not a URL"),
        ("//api.example.com", "not a URL"),
        ("https:/o.example", "not a URL"),
        ("https:o.example", "not a URL"),
        ("Echo", "not a URL"),
        ("service", "not a URL"),
        ("zone ", "not a URL"),
        ("https://", "host"),
        ("https:///path", "host"),
        ("https://o.example//", "path"),
        ("https://o.example/a//", "path"),
        ("https://o.example//a", "path"),
        ("https://o.example/a/../b", "path"),
        ("https://o.example/./a", "path"),
        ("https://o.example/a%2Fb", "path"),
        ("https://o.example/%2e%2e/b", "path"),
        ("https://o.example/a;b", "path"),
        ("https://o.example/a b", "percent-encoded"),
        ("https://o.example/api?x", "query"),
        ("https://o.example\\api", "host"),
        ("https://o.example?x", "query"),
        ("https://o.example/?x", "query"),
        ("https://o.example#x", "query or fragment"),
        ("https://user@o.example", "user information"),
        ("https://user:password@o.example", "user information"),
        ("https://o.example:0", "port"),
        ("https://o.example:65536", "port"),
        ("https://o.example:http", "port"),
        ("https://o.example:", "port"),
        ("https://o.example:-1", "port"),
        ("https://o.example:+1", "port"),
        ("https://o example", "host"),
        ("https://o.example ", "host"),
        (" https://o.example", "scheme"),
        ("https://é.example", "host"),
        ("https://o..example", "host"),
        ("https://.example", "host"),
        ("https://[2001:db8::1", "host"),
        ("https://[::g]", "host"),
        ("https://2001:db8::1", ""),
        ("https://%6f.example", "host"),
        // URL parsers treat a host whose last label is a number as an IPv4 address, and fail on
        // these.
        ("https://192.0.2.999", "host"),
        ("https://1.2.3.4.5", "host"),
        ("https://example.0x", "host"),
        ("https://o.example\n", "host"),
        ("http://o.example", "others could read"),
        ("http://localhost.example", "others could read"),
        ("http://128.0.0.1", "others could read"),
        ("http://0.0.0.0", "others could read"),
        ("http://[::2]", "others could read"),
        ("HTTPS://o.example", "scheme"),
        ("ftp://o.example", "scheme"),
        ("wss://o.example", "scheme"),
        ("javascript://o.example", "scheme"),
        ("service:", "no service binding"),
        ("service:api", "no service binding api"),
        ("service:SECRET", "no service binding SECRET"),
    ];
    for (text, problem) in rows {
        check([(changed(json!({ "origin": text })), vec![("origin", problem, "")])]);
    }
}

#[test]
fn rejects_origins_that_are_not_strings() {
    for (value, problem) in [
        (json!(1), "a number, not a string"),
        (json!([]), "a list, not a string"),
        (json!({ "url": "https://o.example" }), "a table, not a string"),
        (json!(true), "true or false, not a string"),
    ] {
        let mut raw: Value = changed(json!({}));
        raw["origin"] = value;
        check([(raw, vec![("origin", problem, "write a string")])]);
    }
    check([(changed(json!({ "origin": null })), vec![("origin", "missing", "service:BINDING")])]);
}

#[test]
fn a_policy_without_an_origin_authenticates_and_does_not_forward() {
    let raw = changed(json!({ "origin": null }));
    check([(raw.clone(), vec![("origin", "missing", "only `authenticate` needs no origin")])]);
    let policy = Policy::compile_to_authenticate(&raw, &Held::usual()).outcome.unwrap();
    assert_eq!(policy.forwarding().origin, Origin::Absent);
    let gate = Gate::of(policy);
    let token = Signer::hs256().signed(payload(&[("sub", r#""user-1""#)]));
    let call = Call::get("/api/a").bearer(&token);
    let outgoing = gate.outgoing(&call);
    assert_eq!(outgoing.admitted().claims().unwrap().at("sub"), Some(&json!("user-1")));
    assert_eq!(outgoing.set, []);

    // The other faults are still faults.
    let raw = with(raw, json!({ "routes": [], "forward": { "proof": { "secret": "PROOF" } } }));
    let bindings = Held::usual().value("PROOF", "the secret of the proofs, of 32 bytes or more");
    let faults = Policy::compile_to_authenticate(&raw, &bindings).outcome.unwrap_err();
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["routes", "forward.proof"]);
}
