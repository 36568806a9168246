//! The list of steps in a verdict: the step that each refusal fails, and the states of the steps
//! before and after it.

use crate::judge::{ask, good, question, withheld};
use crate::kit::keys::{ATTACKER_PRIVATE, OTHER_SECRET, RSA_PRIVATE, RSA_SPKI, rsa_jwk};
use crate::kit::{Signer, payload, policy, rs_issuer, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NAMES: [&str; 15] = [
    "path",
    "found",
    "parsed",
    "key",
    "signature",
    "introspection",
    "type",
    "issuer",
    "audience",
    "time",
    "claims",
    "possession",
    "revocation",
    "route",
    "forward",
];

/// Returns the states of the steps, one letter each: `p` for passed, `f` for failed, `s` for
/// skipped, `.` for not reached, and `?` for unknown.
pub(super) fn states(verdict: &Value) -> String {
    let steps = verdict["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES);
    let letter = |step: &Value| {
        let is_explained = |name: &str| step[name].is_string();
        let (letter, explained) = match step["state"].as_str().unwrap() {
            "passed" => ('p', false),
            "failed" => ('f', true),
            "not_reached" => ('.', false),
            "unknown" => ('?', true),
            "skipped" => ('s', false),
            other => panic!("{other}"),
        };
        assert_eq!(is_explained("because"), explained, "{step}");
        assert_eq!(is_explained("remedy"), explained, "{step}");
        assert_eq!(is_explained("code"), letter == 'f', "{step}");
        letter
    };
    steps.iter().map(letter).collect()
}

fn of_token(token: &str) -> String {
    states(&ask(&question(token)))
}

fn signed(changes: &[(&str, &str)]) -> String {
    Signer::hs256().signed(payload(changes))
}

fn headed(header: &str) -> String {
    Signer::hs256().token(header, payload(&[]))
}

#[test]
fn each_refusal_fails_its_step() {
    let forged = Signer::hmac(256, OTHER_SECRET).signed(payload(&[]));
    let not_json = Signer::hs256().token(r#"{"alg":"HS256"}"#, "no JSON");
    let rows = [
        (good(), "pppppspppppsspp"),
        ("(".to_owned(), "pf............."),
        ("abc".to_owned(), "ppf............"),
        ("a.b.c".to_owned(), "ppf............"),
        ("a.b.c.d.e".to_owned(), "ppf............"),
        (headed(r#"{"alg":"none"}"#), "ppf............"),
        (headed(r#"{"alg":"HS256","crit":["b64"]}"#), "ppf............"),
        (headed(r#"{"alg":"HS512"}"#), "pppf..........."),
        (headed(r#"{"alg":"RS256"}"#), "pppf..........."),
        (forged, "ppppf.........."),
        (headed(r#"{"alg":"HS256","typ":"logout+jwt"}"#), "pppppsf........"),
        (not_json, "pppppsf........"),
        (signed(&[("exp", "\"1\"")]), "pppppsf........"),
        (signed(&[("cnf", "{}")]), "pppppsf........"),
        (signed(&[("iss", "\"https://other\"")]), "pppppspf......."),
        (signed(&[("iss", "")]), "pppppspf......."),
        (signed(&[("aud", "\"other\"")]), "pppppsppf......"),
        (signed(&[("exp", "1")]), "pppppspppf....."),
        (signed(&[("exp", "")]), "pppppspppf....."),
        (signed(&[("nbf", "1900000000")]), "pppppspppf....."),
    ];
    table(rows, |token| of_token(token));
}

#[test]
fn rules_of_issuers_and_routes_fail_their_steps() {
    let issuer = |changes: Value| {
        let mut question = question(&good());
        let issuer = question["policy"]["issuers"][0].take();
        question["policy"]["issuers"][0] = with(issuer, changes);
        question
    };
    let route = |changes: Value, token: &str| {
        let mut question = question(token);
        let route = with(json!({ "path": "/api/*" }), changes);
        question["policy"]["routes"] = json!([route]);
        question
    };
    let wide = signed(&[("scope", "\"a  b\"")]);
    let long = format!("\"{}\"", "x".repeat(9000));
    let mut forwarded = question(&signed(&[("sub", &long)]));
    forwarded["policy"]["forward"] = json!({ "claims": { "X-Subject": "/sub" } });
    let rows = [
        (issuer(json!({ "require": ["tenant"] })), "pppppsppppf...."),
        (issuer(json!({ "subject": "somebody else" })), "pppppsppppf...."),
        (issuer(json!({ "max_age": 60 })), "pppppspppf....."),
        (issuer(json!({ "claims": [{ "path": "/a", "equals": 1 }] })), "pppppsppppf...."),
        (route(json!({ "scopes": ["admin"] }), &good()), "pppppspppppssf."),
        (route(json!({ "scopes": ["admin"] }), &wide), "pppppspppppssf."),
        (route(json!({ "roles": ["admin"] }), &good()), "pppppspppppssf."),
        (route(json!({ "acr": ["high"] }), &good()), "pppppspppppssf."),
        (route(json!({ "access": "public" }), &good()), "psssssssssssssp"),
        (route(json!({ "access": "public" }), "("), "psssssssssssssp"),
        (route(json!({ "methods": ["POST"] }), &good()), "f.............."),
        (route(json!({ "path": "/other" }), &good()), "f.............."),
        (forwarded, "pppppspppppsspf"),
    ];
    table(rows, |question| states(&ask(question)));
}

#[test]
fn a_request_without_a_token_fails_or_skips_the_token_steps() {
    let mut question = with(question(""), json!({ "headers": [] }));
    assert_eq!(states(&ask(&question)), "pf.............");
    question["policy"]["routes"] = json!([{ "path": "/*", "access": "optional" }]);
    let verdict = ask(&question);
    assert_eq!(
        (states(&verdict).as_str(), &verdict["verdict"]),
        ("psssssssssssssp", &json!("admitted"))
    );
}

#[test]
fn the_path_is_checked_first() {
    let rows = [
        ("/api/../x", "f.............."),
        ("/api/%2e", "f.............."),
        ("/api", "pppppspppppsspp"),
    ];
    table(rows, |path| {
        let url = format!("https://gate.example{path}");
        states(&ask(&with(question(&good()), json!({ "url": url }))))
    });
}

#[test]
fn steps_that_only_the_worker_can_judge_are_unknown() {
    assert_eq!(states(&ask(&withheld(&good()))), "pppp?..........");

    let mut published = question(&Signer::rs256().signed(payload(&[])));
    published["policy"] = policy(rs_issuer());
    let name = published["policy"]["issuers"][0]["name"].as_str().unwrap().to_owned();
    published["policy"]["issuers"][0]["keys"] = json!({ "jwks_uri": "https://i/keys" });
    assert_eq!(states(&ask(&published)), "ppp?...........");
    published["keys"] = json!({ &name: { "jwks": { "keys": [rsa_jwk(ATTACKER_PRIVATE)] } } });
    assert_eq!(states(&ask(&published)), "ppppf..........");
    published["keys"] = json!({ &name: { "jwks": { "keys": [rsa_jwk(RSA_PRIVATE)] } } });
    assert_eq!(states(&ask(&published)), "pppppspppppsspp");
    published["keys"] = json!({ &name: { "jwks": { "keys": [] } } });
    assert_eq!(states(&ask(&published)), "ppp?...........");

    let mut revoked = question(&good());
    revoked["policy"]["revocation"] = json!({ "kv": "REVOKED" });
    let verdict = ask(&revoked);
    assert_eq!(
        (states(&verdict).as_str(), &verdict["verdict"]),
        ("pppppsppppps?pp", &json!("unknown"))
    );
    revoked["policy"]["routes"] = json!([{ "path": "/*", "scopes": ["admin"] }]);
    assert_eq!(states(&ask(&revoked)), "pppppsppppps?f.");
}

#[test]
fn possession_fails_without_a_proof_and_is_unknown_without_a_certificate() {
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let of = |member: &str| {
        let cnf = format!("{{\"{member}\":\"{THUMBPRINT}\"}}");
        let mut question = question(&signed(&[("cnf", &cnf)]));
        question["policy"]["issuers"][0]["sender_constrained"] = json!("accepted");
        ask(&question)
    };
    let bearer = of("jkt");
    assert_eq!(states(&bearer), "pppppspppppf...");
    assert_eq!(bearer["refusal"]["code"], "missing_proof");
    assert_eq!(states(&of("x5t#S256")), "pppppsppppp?...");
    assert_eq!(states(&of("kid")), "pppppspppppf...");
}

#[test]
fn the_workers_public_keys_replace_a_missing_binding() {
    let mut bound = question(&Signer::rs256().signed(payload(&[])));
    bound["policy"] = policy(rs_issuer());
    let name = bound["policy"]["issuers"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(ask(&bound)["faults"][0]["path"], "issuers[0].keys.pem");
    bound["keys"] = json!({ &name: { "jwks": { "keys": [rsa_jwk(RSA_PRIVATE)] } } });
    assert_eq!(states(&ask(&bound)), "pppppspppppsspp");
    // A pasted value takes precedence.
    bound["keys"] = json!({ &name: { "jwks": { "keys": [rsa_jwk(ATTACKER_PRIVATE)] } } });
    bound["bindings"] = json!({ "PEM": RSA_SPKI });
    assert_eq!(states(&ask(&bound)), "pppppspppppsspp");
}

#[test]
fn a_withheld_set_of_secrets_makes_the_key_step_unknown() {
    let mut question = withheld(&good());
    question["policy"]["issuers"][0]["keys"] = json!({ "jwks": "SECRET" });
    assert_eq!(states(&ask(&question)), "ppp?...........");
}

#[test]
fn report_mode_admits_the_request() {
    let mut question = question(&signed(&[("exp", "1")]));
    question["policy"]["routes"] = json!([{ "path": "/*", "mode": "report" }]);
    let verdict = ask(&question);
    assert_eq!(
        (states(&verdict).as_str(), &verdict["verdict"]),
        ("pppppspppf.....", &json!("admitted"))
    );
    assert_eq!(verdict["reported"]["code"], "expired");
    assert_eq!(verdict["outgoing"]["url"], "https://origin.example/api/items");
}

#[test]
fn the_gate_responds_to_preflights_itself() {
    let mut question = with(question("x"), json!({ "method": "OPTIONS" }));
    question["policy"]["cors"] = json!({ "allow_origins": ["https://app.example"] });
    question["headers"] =
        json!([["Origin", "https://app.example"], ["Access-Control-Request-Method", "GET"],]);
    let verdict = ask(&question);
    assert_eq!(
        (states(&verdict).as_str(), &verdict["verdict"]),
        ("sssssssssssssss", &json!("answered"))
    );
    assert_eq!(verdict["answer"]["status"], 204);
}
