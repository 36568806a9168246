//! Against a real server on this machine: one test for each thing that the doctor reports.

use super::Options;
use super::command::examine_checkout;
use super::examination::{Question, examine};
use super::report::Report;
use super::verdict::{TokenRequest, Verdict};
use crate::clock;
use crate::config::Severity;
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

/// A policy of one issuer.
fn policy(issuer: &str, algorithms: &[&str], keys: &Value) -> Policy {
    let raw = json!({
        "origin": "echo",
        "issuers": [{
            "name": "a", "issuer": issuer, "audience": "api", "algorithms": algorithms, "keys": keys,
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

/// All that is wrong, as `place: problem -> remedy`, warnings with a question mark.
fn findings(report: &Report) -> Vec<String> {
    let finding = |one: &super::report::IssuerFinding| {
        let mark = if one.severity == Severity::Warning { "?" } else { "" };
        format!("{}{mark}: {} -> {}", one.path, one.problem, one.remedy)
    };
    report.findings().map(finding).collect()
}

/// Each of the reported findings has all the pieces of its row, and there are no others.
fn check(report: &Report, expected: &[&[&str]]) {
    let found = findings(report);
    let fit = found.len() == expected.len()
        && found.iter().zip(expected).all(|(one, pieces)| pieces.iter().all(|p| one.contains(p)));
    assert!(fit, "found {found:#?}\nexpected {expected:#?}");
}

/// Examines an issuer whose key set is this answer.
fn examine_set(algorithms: &[&str], answer: Response) -> Report {
    let server = Server::start(|_| vec![("/keys", answer)]);
    let keys = json!({ "jwks_uri": format!("{}/keys", server.url) });
    examine(&policy(&server.url, algorithms, &keys), None, now())
}

/// Examines an issuer whose key set has these keys.
fn examine_keys(algorithms: &[&str], keys: &[Value]) -> Report {
    examine_set(algorithms, Response::json(&json!({ "keys": keys })))
}

/// Examines an issuer whose metadata is this, made for the server's URL; its keys are sound.
fn examine_metadata(metadata: impl FnOnce(&str) -> Vec<(&'static str, Response)>) -> Report {
    let server = Server::start(|url| {
        let mut answers = metadata(url);
        answers.push(("/keys", Response::json(&json!({ "keys": [rsa("r")] }))));
        answers
    });
    examine(&policy(&server.url, &["RS256"], &json!({ "discovery": true })), None, now())
}

fn metadata(issuer: &str, jwks_uri: &str) -> Response {
    Response::json(&json!({ "issuer": issuer, "jwks_uri": jwks_uri }))
}

const OIDC: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

#[test]
fn nothing_is_said_of_what_is_well() {
    let report = examine_metadata(|url| vec![(OIDC, metadata(url, &format!("{url}/keys")))]);
    check(&report, &[]);
    assert!(report.is_well());
    let issuer = &report.issuers[0];
    assert_eq!(issuer.keys, ["r (RSA, 2048 bits): RS256"]);
    assert!(
        issuer.facts.iter().any(|fact| fact == "the JWK Set is kept for 1 h, as its server says")
    );
}

#[test]
fn rfc8414_section_3_metadata_at_the_other_place() {
    let report = examine_metadata(|url| vec![(OAUTH, metadata(url, &format!("{url}/keys")))]);
    check(&report, &[]);
    assert_eq!(report.issuers[0].keys.len(), 1);
}

#[test]
fn no_metadata_at_all() {
    let report = examine_metadata(|_| Vec::new());
    assert!(!report.is_well());
    check(&report, &[&["issuers[0].issuer: the issuer has no metadata, neither at", OIDC, OAUTH]]);
}

#[test]
fn metadata_of_an_issuer_with_a_slash_at_its_end() {
    let report =
        examine_metadata(|url| vec![(OIDC, metadata(&format!("{url}/"), &format!("{url}/keys")))]);
    check(
        &report,
        &[&[
            "issuers[0].issuer: ",
            "/\", and the policy's is \"http",
            "slash at the end",
            "write issuer = \"http",
        ]],
    );
}

#[test]
fn metadata_of_another_issuer() {
    let other = "https://other.example";
    let report = examine_metadata(|url| vec![(OIDC, metadata(other, &format!("{url}/keys")))]);
    check(
        &report,
        &[&["is of the issuer \"https://other.example\", and the policy's is \"http://127"]],
    );
    assert!(!findings(&report)[0].contains("slash"));
}

#[test]
fn metadata_without_the_keys_place_or_with_one_in_clear() {
    let report = examine_metadata(|url| vec![(OIDC, Response::json(&json!({ "issuer": url })))]);
    check(&report, &[&["issuers[0].keys: ", "the metadata has no \"jwks_uri\""]]);
    let clear = "http://keys.example/jwks";
    let report = examine_metadata(|url| vec![(OIDC, metadata(url, clear))]);
    check(&report, &[&["it is http, and what it carries could be read and changed"]]);
}

#[test]
fn metadata_that_differs_from_a_policy_with_a_key_set() {
    let server = Server::start(|url| {
        vec![
            (OIDC, metadata(&format!("{url}/"), &format!("{url}/newer"))),
            ("/keys", Response::json(&json!({ "keys": [rsa("r")] }))),
        ]
    });
    let keys = json!({ "jwks_uri": format!("{}/keys", server.url) });
    let report = examine(&policy(&server.url, &["RS256"], &keys), None, now());
    check(
        &report,
        &[
            &["issuers[0].issuer?: ", "calls the issuer", "slash at the end", "write issuer = "],
            &["issuers[0].keys?: ", "/newer", "write keys = { jwks_uri = "],
        ],
    );
}

#[test]
fn keys_for_other_algorithms() {
    check(
        &examine_keys(&["RS256"], &[p256("p"), ed25519("e")]),
        &[&["no key of the JWK Set can be used", "its keys can do ES256, EdDSA, Ed25519"]],
    );
    check(
        &examine_keys(&["ES256"], &[p256("p"), p384("q")]),
        &[&["keys[1] (q) is not used: a key that serves none", "list its algorithm, of ES384"]],
    );
    check(
        &examine_keys(&["RS256", "ES384"], &[rsa("r")]),
        &[&["keys?: the policy lists ES384, and no key of the set serves it", "leave ES384 out"]],
    );
}

#[test]
fn keys_of_kinds_that_the_gate_does_not_know() {
    let ed448 = json!({ "kty": "OKP", "crv": "Ed448", "x": "AAAA", "kid": "e" });
    check(
        &examine_keys(&["RS256"], &[rsa("r"), ed448]),
        &[&["keys?: keys[1] (e) is not used: \"crv\" is not \"Ed25519\""]],
    );
}

#[test]
fn keys_that_are_weak_or_broken() {
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
fn keys_that_nobody_should_see() {
    let mut private = p256("p");
    private["d"] = json!("AAAA");
    check(
        &examine_keys(&["ES256"], &[p256("q"), private]),
        &[&["keys: keys[1] (p) is a private key, which everybody can fetch", "replace it at once"]],
    );
    let secret = json!({ "kty": "oct", "k": "AAAA", "kid": "s" });
    check(
        &examine_keys(&["ES256"], &[p256("q"), secret]),
        &[&["keys: keys[1] (s) is a shared secret, which everybody can fetch"]],
    );
}

#[test]
fn keys_for_encryption_are_a_fact_and_no_fault() {
    let mut encryption = rsa("enc");
    encryption["use"] = json!("enc");
    let report = examine_keys(&["RS256"], &[rsa("r"), encryption]);
    check(&report, &[]);
    assert!(
        report.issuers[0]
            .facts
            .contains(&"keys[1] (enc) is for encryption, and not used".to_owned())
    );
}

#[test]
fn keys_that_share_a_name_or_have_none() {
    check(
        &examine_keys(&["RS256", "ES256"], &[rsa("x"), p256("x")]),
        &[&["keys?: keys[0] and keys[1] have the same kid x: all are tried"]],
    );
    let nameless = || {
        let mut key = p256("");
        key.as_object_mut().unwrap().remove("kid");
        key
    };
    check(
        &examine_keys(&["ES256"], &[p256("p"), nameless()]),
        &[&["keys?: keys[1] has no kid beside others"]],
    );
    check(&examine_keys(&["ES256"], &[nameless()]), &[]);
    let five = [nameless(), nameless(), nameless(), nameless(), nameless()];
    let found = findings(&examine_keys(&["ES256"], &five));
    let said = "keys: 5 keys without a kid serve ES256, and at most 4 are tried";
    assert!(found.iter().any(|one| one.contains(said)), "{found:#?}");
}

#[test]
fn how_long_a_set_is_kept() {
    let with = |header: Option<&str>| {
        let mut answer = Response::json(&json!({ "keys": [rsa("r")] }));
        answer.set("cache-control", header);
        examine_set(&["RS256"], answer)
    };
    assert!(with(None).is_well(), "a warning is no problem");
    check(&with(None), &[&["keys?: the JWK Set has no Cache-Control: it is kept for 10 min"]]);
    check(
        &with(Some("max-age=60")),
        &[&["keys?: ", "max-age=60, and is kept for 5 min, the least"]],
    );
    check(&with(Some("no-store")), &[&["keys?: ", "no-store, and is kept for 5 min, the least"]]);
    check(
        &with(Some("max-age=864000")),
        &[&["keys?: ", "max-age=864000, and is kept for 24 h, the most"]],
    );
    check(&with(Some("public, max-age=900")), &[]);
}

#[test]
fn clocks_that_differ() {
    let ahead = |seconds: u64| {
        let date = clock::now() + Duration::from_secs(seconds);
        let mut answer = Response::json(&json!({ "keys": [rsa("r")] }));
        answer.set("date", Some(&httpdate::fmt_http_date(date)));
        examine_set(&["RS256"], answer)
    };
    check(&ahead(0), &[]);
    check(&ahead(30), &[&["keys?: by its Date header, the clock of", "s ahead of this machine's"]]);
    check(&ahead(3600), &[&["keys: by its Date header, the clock of", "leeway allows"]]);
}

#[test]
fn redirects_are_not_followed() {
    let mut answer = Response::status(302);
    answer.set("location", Some("/elsewhere"));
    check(
        &examine_set(&["RS256"], answer),
        &[&[
            "keys: ",
            "/keys answered 302, a redirect to /elsewhere",
            "write the URL that they lead to",
        ]],
    );
}

#[test]
fn answers_that_are_no_key_set() {
    check(
        &examine_set(&["RS256"], Response::status(500)),
        &[&["/keys answered 500 instead of 200"]],
    );
    check(
        &examine_set(&["RS256"], Response::status(404)),
        &[&["/keys answered 404 instead of 200"]],
    );
    check(
        &examine_set(&["RS256"], Response::text("<!doctype html><p>Sign in")),
        &[&["is not a JSON object without repeated names, but a web page"]],
    );
    check(
        &examine_set(&["RS256"], Response::text(r#"{"keys":[],"keys":[]}"#)),
        &[&["is not a JSON object without repeated names ->"]],
    );
    check(&examine_keys(&["RS256"], &[]), &[&["the JWK Set is empty"]]);
    let padded = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(256 * 1024));
    check(&examine_set(&["RS256"], Response::text(&padded)), &[&["has more than 256 KiB"]]);
}

#[test]
fn too_many_keys() {
    let keys: Vec<Value> = (0..65).map(|index| p256(&format!("k{index}"))).collect();
    check(&examine_keys(&["ES256"], &keys), &[&["the JWK Set holds 65 keys, and 64 are the most"]]);
}

#[test]
fn nobody_answers() {
    // The near end of a connection: a port on which nobody can listen meanwhile.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let held = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let url = format!("http://{}", held.local_addr().unwrap());
    let keys = json!({ "jwks_uri": format!("{url}/keys") });
    let report = examine(&policy(&url, &["RS256"], &keys), None, now());
    check(&report, &[&["keys: the JWK Set at http://127.0.0.1:", "could not be fetched: "]]);
}

#[test]
fn a_service_binding_is_not_here() {
    let server = Server::start(|_| vec![("/keys", Response::json(&json!({ "keys": [rsa("r")] })))]);
    let keys = json!({ "jwks_uri": format!("{}/keys", server.url), "service": "IDENTITY" });
    let report = examine(&policy(&server.url, &["RS256"], &keys), None, now());
    check(&report, &[]);
    assert!(report.issuers[0].facts[0].contains("service binding IDENTITY"));
}

/// From a wrangler.toml on disk: the findings stand at their lines, and secrets come from `.dev.vars`.
#[test]
fn a_checkout_is_examined() {
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
    let options = Options { config: Some(config), ..Options::default() };
    let (findings, report) = examine_checkout(&options).unwrap();
    let found: Vec<_> = findings.iter().map(|one| (one.line, one.path.as_str())).collect();
    assert_eq!(found, [(Some(12), "POLICY.issuers[1].issuer")]);
    let report = report.unwrap();
    assert_eq!(report.issuers[0].keys, ["secret (a shared secret): HS256"]);
    assert!(report.issuers[1].keys.is_empty());

    // With a policy that cannot run nothing is fetched.
    let config = folder.write("wrangler.toml", &text.replace("'/*'", "'no-slash'"));
    let options = Options { config: Some(config), ..Options::default() };
    let (findings, report) = examine_checkout(&options).unwrap();
    assert_eq!(findings.len(), 1);
    assert!(report.is_none());

    let nowhere = Options { config: Some("nowhere.toml".into()), ..Options::default() };
    assert!(examine_checkout(&nowhere).is_err());
}

/// A folder of its own, which goes with it.
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
