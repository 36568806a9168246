//! Tests against an HTTP server on this machine, one for each kind of finding.

#![expect(clippy::disallowed_methods, reason = "the tests use the system themselves")]

use super::Options;
use super::command::examine_checkout;
use super::examination::{TokenCheck, examine};
use super::report::Report;
use super::verdict::{TokenRequest, Verdict};
use crate::clock;
use crate::config::Severity;
use crate::config::{Finding, Selection};
use portcullis::policy::{Bindings, Policy};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

mod keys;
mod server;
mod tokens;

use keys::{ed25519, p256, p384, rsa, rsa1024};
use server::{Response, Server};

struct NoBindings;

impl Bindings for NoBindings {
    fn value(&self, _: &str) -> Option<Value> {
        None
    }

    fn is_service(&self, name: &str) -> bool {
        name == "IDENTITY"
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        name == "REVOKED"
    }
}

/// A policy with one issuer.
fn policy(issuer: &str, algorithms: &[&str], keys: &Value) -> Policy {
    let raw = json!({
        "origin": "echo",
        "issuers": [{
            "name": "a", "issuer": issuer, "audience": "api",
            "algorithms": algorithms, "keys": keys,
        }],
        "routes": [
            { "path": "/api/*" },
            { "path": "/admin/*", "scopes": ["admin"], "methods": ["POST"] },
        ],
    });
    Policy::compile(&raw, &NoBindings).outcome.unwrap()
}

fn now() -> portcullis::time::UnixSeconds {
    clock::unix_now()
}

/// The findings, as `path: problem -> remedy`. Paths of warnings end with a question mark.
fn findings(report: &Report) -> Vec<String> {
    let finding = |one: &super::report::IssuerFinding| {
        let mark = if one.severity == Severity::Warning { "?" } else { "" };
        format!("{}{mark}: {} -> {}", one.path, one.problem, one.remedy)
    };
    report.findings().map(finding).collect()
}

/// Checks that there is one finding per row, which contains all texts of the row.
fn check(report: &Report, expected: &[&[&str]]) {
    let found = findings(report);
    let fit = found.len() == expected.len()
        && found.iter().zip(expected).all(|(one, pieces)| pieces.iter().all(|p| one.contains(p)));
    assert!(fit, "found {found:#?}\nexpected {expected:#?}");
}

/// Examines an issuer whose key set is this response.
fn examine_set(algorithms: &[&str], response: Response) -> Report {
    let server = Server::start(|_| vec![("/keys", response)]);
    let keys = json!({ "jwks_uri": format!("{}/keys", server.url) });
    examine(&policy(&server.url, algorithms, &keys), None, &[], now())
}

/// Examines an issuer whose key set has these keys.
fn examine_keys(algorithms: &[&str], keys: &[Value]) -> Report {
    examine_set(algorithms, Response::json(&json!({ "keys": keys })))
}

/// Examines an issuer with this metadata, which is made for the server's URL, and with a valid key.
fn examine_metadata(metadata: impl FnOnce(&str) -> Vec<(&'static str, Response)>) -> Report {
    let server = Server::start(|url| {
        let mut responses = metadata(url);
        responses.push(("/keys", Response::json(&json!({ "keys": [rsa("r")] }))));
        responses
    });
    examine(&policy(&server.url, &["RS256"], &json!({ "discovery": true })), None, &[], now())
}

fn metadata(issuer: &str, jwks_uri: &str) -> Response {
    Response::json(&json!({ "issuer": issuer, "jwks_uri": jwks_uri }))
}

const OIDC: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

#[test]
fn a_sound_issuer_has_no_findings() {
    let report = examine_metadata(|url| vec![(OIDC, metadata(url, &format!("{url}/keys")))]);
    check(&report, &[]);
    assert!(report.is_ok());
    let issuer = &report.issuers[0];
    assert_eq!(issuer.keys, ["r (RSA, 2048 bits): RS256"]);
    assert!(
        issuer
            .facts
            .iter()
            .any(|fact| fact == "the gate caches the JWK Set for 1 h, as its server requests")
    );
}

#[test]
fn rfc8414_section_3_oauth_metadata_is_found() {
    let report = examine_metadata(|url| vec![(OAUTH, metadata(url, &format!("{url}/keys")))]);
    check(&report, &[]);
    assert_eq!(report.issuers[0].keys.len(), 1);
}

#[test]
fn missing_metadata_is_a_fault() {
    let report = examine_metadata(|_| Vec::new());
    assert!(!report.is_ok());
    check(
        &report,
        &[&["issuers[0].issuer: the issuer publishes no metadata, neither at", OIDC, OAUTH]],
    );
}

#[test]
fn metadata_whose_issuer_ends_with_a_slash_is_a_fault() {
    let report =
        examine_metadata(|url| vec![(OIDC, metadata(&format!("{url}/"), &format!("{url}/keys")))]);
    check(
        &report,
        &[&[
            "issuers[0].issuer: ",
            "/\", and the policy names \"http",
            "only one ends with a slash",
            "write issuer = \"http",
        ]],
    );
}

#[test]
fn metadata_of_another_issuer_is_a_fault() {
    let other = "https://other.example";
    let report = examine_metadata(|url| vec![(OIDC, metadata(other, &format!("{url}/keys")))]);
    check(
        &report,
        &[&["names the issuer \"https://other.example\", and the policy names \"http://127"]],
    );
    assert!(!findings(&report)[0].contains("slash"));
}

#[test]
fn metadata_without_a_jwks_uri_or_with_plain_http_is_a_fault() {
    let report = examine_metadata(|url| vec![(OIDC, Response::json(&json!({ "issuer": url })))]);
    check(&report, &[&["issuers[0].keys: ", "the metadata has no \"jwks_uri\""]]);
    let clear = "http://keys.example/jwks";
    let report = examine_metadata(|url| vec![(OIDC, metadata(url, clear))]);
    check(&report, &[&["it is http, which others could read and change"]]);
}

#[test]
fn metadata_that_differs_from_a_policy_with_a_jwks_uri_is_a_warning() {
    let server = Server::start(|url| {
        vec![
            (OIDC, metadata(&format!("{url}/"), &format!("{url}/newer"))),
            ("/keys", Response::json(&json!({ "keys": [rsa("r")] }))),
        ]
    });
    let keys = json!({ "jwks_uri": format!("{}/keys", server.url) });
    let report = examine(&policy(&server.url, &["RS256"], &keys), None, &[], now());
    check(
        &report,
        &[
            &[
                "issuers[0].issuer?: ",
                "names the issuer",
                "only one ends with a slash",
                "write issuer = ",
            ],
            &["issuers[0].keys?: ", "/newer", "write keys = { jwks_uri = "],
        ],
    );
}

#[test]
fn keys_for_algorithms_that_the_policy_does_not_list_are_reported() {
    check(
        &examine_keys(&["RS256"], &[p256("p"), ed25519("e")]),
        &[&["no key in the JWK Set can be used", "the keys support ES256, EdDSA, Ed25519"]],
    );
    check(
        &examine_keys(&["ES256"], &[p256("p"), p384("q")]),
        &[&[
            "keys[1] (q) is not used: a key that serves none",
            "add its algorithm to algorithms: ES384",
        ]],
    );
    check(
        &examine_keys(&["RS256", "ES384"], &[rsa("r")]),
        &[&["keys?: the policy lists ES384, and the set has no key for it", "remove ES384 from"]],
    );
}

#[test]
fn keys_of_unsupported_kinds_are_warnings() {
    let ed448 = json!({ "kty": "OKP", "crv": "Ed448", "x": "AAAA", "kid": "e" });
    check(
        &examine_keys(&["RS256"], &[rsa("r"), ed448]),
        &[&["keys?: keys[1] (e) is not used: \"crv\" is not \"Ed25519\""]],
    );
}

#[test]
fn weak_and_invalid_keys_are_faults() {
    check(
        &examine_keys(&["RS256"], &[rsa("r"), rsa1024("weak")]),
        &[&["keys: keys[1] (weak) is not used: the RSA modulus has 1024 bits", "replace it"]],
    );
    let mut broken = p256("broken");
    broken["x"] = broken["y"].clone();
    check(
        &examine_keys(&["ES256"], &[p256("p"), broken]),
        &[&["keys: keys[1] (broken) is not used: it is no point on P-256"]],
    );
}

#[test]
fn published_private_keys_and_secrets_are_faults() {
    let mut private = p256("p");
    private["d"] = json!("AAAA");
    check(
        &examine_keys(&["ES256"], &[p256("q"), private]),
        &[&[
            "keys: keys[1] (p) is a private key; everybody can fetch it",
            "replace it immediately",
        ]],
    );
    let secret = json!({ "kty": "oct", "k": "AAAA", "kid": "s" });
    check(
        &examine_keys(&["ES256"], &[p256("q"), secret]),
        &[&["keys: keys[1] (s) is a shared secret; everybody can fetch it"]],
    );
}

#[test]
fn keys_for_encryption_are_mentioned_without_a_finding() {
    let mut encryption = rsa("enc");
    encryption["use"] = json!("enc");
    let report = examine_keys(&["RS256"], &[rsa("r"), encryption]);
    check(&report, &[]);
    assert!(
        report.issuers[0]
            .facts
            .contains(&"keys[1] (enc) is not used, because it is for encryption".to_owned())
    );
}

#[test]
fn keys_that_share_a_kid_or_have_none_are_reported() {
    check(
        &examine_keys(&["RS256", "ES256"], &[rsa("x"), p256("x")]),
        &[&["keys?: keys[0] and keys[1] have the same kid x, so the gate tries all of them"]],
    );
    let nameless = || {
        let mut key = p256("");
        key.as_object_mut().unwrap().remove("kid");
        key
    };
    check(
        &examine_keys(&["ES256"], &[p256("p"), nameless()]),
        &[&["keys?: keys[1] has no kid, so the gate may try it"]],
    );
    check(&examine_keys(&["ES256"], &[nameless()]), &[]);
    let five = [nameless(), nameless(), nameless(), nameless(), nameless()];
    let found = findings(&examine_keys(&["ES256"], &five));
    let said = "keys: 5 keys for ES256 have no kid, and the gate tries at most 4";
    assert!(found.iter().any(|one| one.contains(said)), "{found:#?}");
}

#[test]
fn unusual_cache_durations_are_warnings() {
    let with = |header: Option<&str>| {
        let mut response = Response::json(&json!({ "keys": [rsa("r")] }));
        response.set("cache-control", header);
        examine_set(&["RS256"], response)
    };
    assert!(with(None).is_ok(), "a warning is not a fault");
    check(
        &with(None),
        &[&["keys?: the JWK Set has no Cache-Control header; the gate caches it for 10 min"]],
    );
    check(
        &with(Some("max-age=60")),
        &[&["keys?: ", "max-age=60; the gate caches it for 5 min, its minimum"]],
    );
    check(
        &with(Some("no-store")),
        &[&["keys?: ", "no-store; the gate caches it for 5 min, its minimum"]],
    );
    check(
        &with(Some("max-age=864000")),
        &[&["keys?: ", "max-age=864000; the gate caches it for 24 h, its maximum"]],
    );
    check(&with(Some("public, max-age=900")), &[]);
}

#[test]
fn clock_differences_are_reported() {
    let ahead = |seconds: u64| {
        let date = clock::now() + Duration::from_secs(seconds);
        let mut response = Response::json(&json!({ "keys": [rsa("r")] }));
        response.set("date", Some(&httpdate::fmt_http_date(date)));
        examine_set(&["RS256"], response)
    };
    check(&ahead(0), &[]);
    check(
        &ahead(30),
        &[&["keys?: according to its Date header, the clock of", "s ahead of this machine's"]],
    );
    check(&ahead(3600), &[&["keys: according to its Date header, the clock of", "leeway allows"]]);
}

#[test]
fn redirects_are_not_followed() {
    let mut response = Response::status(302);
    response.set("location", Some("/elsewhere"));
    check(
        &examine_set(&["RS256"], response),
        &[&[
            "keys: ",
            "/keys responded with 302, a redirect to /elsewhere",
            "write the URL to which it redirects",
        ]],
    );
}

#[test]
fn responses_that_are_not_key_sets_are_faults() {
    check(
        &examine_set(&["RS256"], Response::status(500)),
        &[&["/keys responded with 500 instead of 200"]],
    );
    check(
        &examine_set(&["RS256"], Response::status(404)),
        &[&["/keys responded with 404 instead of 200"]],
    );
    check(
        &examine_set(&["RS256"], Response::text("<!doctype html><p>Sign in")),
        &[&["/keys is HTML or XML, not JSON"]],
    );
    check(
        &examine_set(&["RS256"], Response::text(r#"{"keys":[],"keys":[]}"#)),
        &[&["is JSON in which an object has a name twice ->"]],
    );
    check(&examine_keys(&["RS256"], &[]), &[&["the JWK Set is empty"]]);
    let padded = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(256 * 1024));
    check(&examine_set(&["RS256"], Response::text(&padded)), &[&["is larger than 256 KiB"]]);
}

#[test]
fn a_set_with_too_many_keys_is_a_fault() {
    let keys: Vec<Value> = (0..65).map(|index| p256(&format!("k{index}"))).collect();
    check(
        &examine_keys(&["ES256"], &keys),
        &[&["the JWK Set contains 65 keys, but at most 64 are possible"]],
    );
}

#[test]
fn a_failed_connection_is_a_fault() {
    // The local port of an open connection, on which no server can listen.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let held = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let url = format!("http://{}", held.local_addr().unwrap());
    let keys = json!({ "jwks_uri": format!("{url}/keys") });
    let report = examine(&policy(&url, &["RS256"], &keys), None, &[], now());
    check(&report, &[&["keys: the JWK Set at http://127.0.0.1:", "could not be fetched: "]]);
}

#[test]
fn a_service_binding_is_replaced_by_the_network() {
    let server = Server::start(|_| vec![("/keys", Response::json(&json!({ "keys": [rsa("r")] })))]);
    let keys = json!({ "jwks_uri": format!("{}/keys", server.url), "service": "IDENTITY" });
    let report = examine(&policy(&server.url, &["RS256"], &keys), None, &[], now());
    check(&report, &[]);
    assert!(report.issuers[0].facts[0].contains("service binding IDENTITY"));
}

#[test]
fn findings_have_lines_and_secrets_come_from_dev_vars() {
    let server = Server::start(|url| {
        vec![
            (OIDC, metadata(&format!("{url}/"), &format!("{url}/keys"))),
            ("/keys", Response::json(&json!({ "keys": [rsa("r")] }))),
        ]
    });
    let folder = Folder::new();
    let text = format!(
        "[vars.POLICY]
origin = 'echo'
routes = [{{ path = '/*' }}]
[[vars.POLICY.issuers]]
name = 'held'
issuer = 'https://held.example/'
audience = 'api'
algorithms = ['HS256']
keys = {{ secret = 'SECRET' }}
[[vars.POLICY.issuers]]
name = 'fetched'
issuer = '{}'
audience = 'api'
algorithms = ['RS256']
keys = {{ discovery = true }}
",
        server.url
    );
    let config = folder.write("wrangler.toml", &text);
    folder.write(".dev.vars", &format!("SECRET={}\n", "0123456789abcdef".repeat(4)));
    let (findings, report) = examined(config).unwrap();
    let found: Vec<_> = findings.iter().map(|one| (one.line, one.path.as_str())).collect();
    assert_eq!(found, [(Some(12), "POLICY.issuers[1].issuer")]);
    let report = report.unwrap();
    assert_eq!(report.issuers[0].keys, ["secret (a shared secret): HS256"]);
    assert!(report.issuers[1].keys.is_empty());

    // If the policy has faults, nothing is fetched.
    let config = folder.write("wrangler.toml", &text.replace("'/*'", "'no-slash'"));
    let (findings, report) = examined(config).unwrap();
    assert_eq!(findings.len(), 1);
    assert!(report.is_none());

    assert!(examined("nowhere.toml".into()).is_err());
}

/// The bindings of an issuer that introspects.
struct Client;

impl Bindings for Client {
    fn value(&self, name: &str) -> Option<Value> {
        (name == "CLIENT_SECRET").then(|| json!("a-client-secret-c1a1"))
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

/// Examines an issuer whose introspection endpoint gives this response to every token, and judges
/// an opaque token.
fn examine_introspection(response: Response, without_client: bool) -> Report {
    let server = Server::start(|url| {
        let metadata = json!({
            "issuer": url, "introspection_endpoint": format!("{url}/introspect"),
        });
        vec![(OIDC, Response::json(&metadata)), ("/introspect", response)]
    });
    let raw = json!({
        "origin": "echo",
        "issuers": [{
            "name": "a", "issuer": "https://a.example", "audience": "api",
            "introspection": {
                "endpoint": format!("{}/introspect", server.url), "client_id": "gate",
                "client_secret": "CLIENT_SECRET",
            },
        }],
        "routes": [{ "path": "/api/*" }],
    });
    let policy = Policy::compile(&raw, &Client).outcome.unwrap();
    let requests = [TokenRequest {
        shown: "/api/*".to_owned(),
        method: "GET".to_owned(),
        url: "https://gate.invalid/api/x".to_owned(),
        proof: None,
    }];
    let check = TokenCheck { token: "opaque-c1a1", requests: &requests, placeholder_issuers: &[] };
    let ids: Vec<_> = policy.issuers().iter().map(|issuer| issuer.id()).collect();
    let without = if without_client { ids.as_slice() } else { &[] };
    let report = examine(&policy, Some(&check), without, now());
    let shown = format!("{:?} {:?}", findings(&report), report.token);
    assert!(!shown.contains("c1a1"), "{shown}");
    report
}

fn introspection(body: &Value) -> Response {
    let mut response = Response::json(body);
    response.set("content-type", Some("application/json"));
    response
}

#[test]
fn introspects_a_token_and_tests_the_clients_credentials() {
    let exp = now().get() + 60;
    let active = json!({ "active": true, "iss": "https://a.example", "aud": "api", "exp": exp });
    let report = examine_introspection(introspection(&active), false);
    check(&report, &[]);
    assert!(report.is_ok());
    let facts = report.issuers[0].facts.join("\n");
    assert!(facts.contains("the endpoint accepts the credentials of gate"), "{facts}");
    let lines = report.token.unwrap().lines();
    assert_eq!(lines, ["/api/*: the token passes (issuer a, introspected)"]);

    let report = examine_introspection(introspection(&json!({ "active": false })), false);
    check(&report, &[]);
    let lines = report.token.unwrap().lines().join("\n");
    assert!(lines.contains("401, inactive_token"), "{lines}");
}

#[test]
fn reports_an_introspection_endpoint_that_does_not_answer() {
    let rejected = examine_introspection(Response::status(401), false);
    check(&rejected, &[&["issuers[0].introspection", "answered 401", "client_id"]]);
    let lines = rejected.token.unwrap().lines().join("\n");
    assert!(lines.contains("503, introspection_unavailable"), "{lines}");
    let page = examine_introspection(Response::text("<html>"), false);
    check(&page, &[&["issuers[0].introspection", "not application/json", "endpoint"]]);
}

#[test]
fn calls_no_endpoint_without_the_clients_secret() {
    let report = examine_introspection(Response::status(500), true);
    check(&report, &[]);
    assert_eq!(report.issuers[0].facts, ["the client's secret or key is not on this machine"]);
    let lines = report.token.unwrap().lines().join("\n");
    assert!(lines.contains("add the binding to .dev.vars"), "{lines}");
}

fn examined(config: PathBuf) -> anyhow::Result<(Vec<Finding>, Option<Report>)> {
    let selection = Selection { env: None, config: Some(config) };
    let options = Options { selection, ..Options::default() };
    examine_checkout(&options, &options.selection.read()?)
}

/// A temporary directory, which is deleted when the value is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let mut name = [0_u8; 8];
        getrandom::fill(&mut name).unwrap();
        let folder = env::temp_dir().join(format!("doctor-{:016x}", u64::from_ne_bytes(name)));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
