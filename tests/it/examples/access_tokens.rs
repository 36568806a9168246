//! RFC 9068: JWTs for OAuth 2.0 access tokens, under `profile = "rfc9068"`.

use crate::kit::{Call, Gate, Held, Signer, faults, payload, policy, rs_issuer, table, with};
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MISSING: &str = "missing_claim";
const INVALID: &str = "invalid_claim";
const WRONG_TYPE: &str = "wrong_type";

/// The header of the example in section 3.
const HEADER: &str = r#"{"typ":"at+JWT","alg":"RS256","kid":"RjEwOwOA"}"#;

/// The claims of the example in section 3.
const CLAIMS: [(&str, &str); 8] = [
    ("iss", r#""https://authorization-server.example.com/""#),
    ("sub", r#""5ba552d67""#),
    ("aud", r#""https://rs.example.com/""#),
    ("exp", "1639528912"),
    ("iat", "1618354090"),
    ("jti", r#""dbe39bf3a3ba4238a513f51d6e1691c4""#),
    ("client_id", r#""s6BhdRkqt3""#),
    ("scope", r#""openid profile reademail""#),
];

fn issuer() -> Value {
    with(
        rs_issuer(),
        json!({
            "issuer": "https://authorization-server.example.com/",
            "audience": "https://rs.example.com/",
            "profile": "rfc9068",
        }),
    )
}

/// Returns the verdict on the example with this header and with some claims changed.
fn verdict(issuer: Value, header: &str, changes: &[(&str, &str)]) -> String {
    let gate = Gate::new(&policy(issuer));
    let token = Signer::rs256().token(header, payload(&[&CLAIMS[..], changes].concat()));
    let call = Call::get("/").bearer(&token);
    match gate.trace(&call, UnixSeconds::new(1_618_354_090)).1 {
        Ok(_) => "200".to_owned(),
        Err(refusal) => refusal.code().as_str().to_owned(),
    }
}

fn check(rows: &[(&'static str, &'static str, &'static str)]) {
    let rows = rows.iter().map(|(name, raw, expected)| ((name, raw), *expected));
    table(rows, |(name, raw)| verdict(issuer(), HEADER, &[(name, raw)]));
}

#[test]
fn rfc9068_section_3_accepts_the_example() {
    assert_eq!(verdict(issuer(), HEADER, &[]), "200");
}

/// The type excludes ID tokens and other tokens of the same issuer. Section 2.1 also forbids
/// `none`.
#[test]
fn rfc9068_section_2_1_requires_the_type_of_access_tokens() {
    let rows = [
        (r#"{"typ":"at+jwt","alg":"RS256"}"#, "200"),
        (r#"{"typ":"application/at+jwt","alg":"RS256"}"#, "200"),
        (r#"{"typ":"APPLICATION/AT+JWT","alg":"RS256"}"#, "200"),
        (r#"{"typ":"JWT","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":"application/jwt","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":"at","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":"at+jwt ","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":"id+jwt","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":"token-introspection+jwt","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":"","alg":"RS256"}"#, WRONG_TYPE),
        (r#"{"typ":null,"alg":"RS256"}"#, "malformed_token"),
        (r#"{"typ":"at+jwt","alg":"none"}"#, "algorithm_not_allowed"),
    ];
    table(rows, |header| verdict(issuer(), header, &[]));
}

#[test]
fn rfc9068_section_2_2_rejects_tokens_without_a_required_claim() {
    check(&[
        ("iss", "", MISSING),
        ("exp", "", MISSING),
        ("aud", "", "wrong_audience"),
        ("sub", "", MISSING),
        ("client_id", "", MISSING),
        ("iat", "", MISSING),
        ("jti", "", MISSING),
        ("scope", "", "200"),
    ]);
}

/// A claim of the wrong type is invalid, not missing.
#[test]
fn rfc9068_section_2_2_rejects_claims_of_the_wrong_type() {
    for name in ["iss", "sub", "client_id", "jti"] {
        let rows = ["null", "1", "true", "[]", "{}", r#"["s6BhdRkqt3"]"#];
        table(rows.map(|raw| (raw, INVALID)), |raw| verdict(issuer(), HEADER, &[(name, raw)]));
    }
    for name in ["exp", "iat", "nbf", "auth_time"] {
        let rows = ["null", r#""1639528912""#, "true", "[]", "{}", r#""""#];
        table(rows.map(|raw| (raw, INVALID)), |raw| verdict(issuer(), HEADER, &[(name, raw)]));
    }
}

#[test]
fn rfc9068_section_4_validates_issuer_audience_times_and_signature() {
    check(&[
        ("iss", r#""https://authorization-server.example.com""#, "unknown_issuer"),
        ("iss", r#""https://Authorization-Server.example.com/""#, "unknown_issuer"),
        ("aud", r#""https://rs.example.com""#, "wrong_audience"),
        ("aud", r#""s6BhdRkqt3""#, "wrong_audience"),
        ("aud", r#"["https://a.example/","https://rs.example.com/"]"#, "200"),
        ("aud", "[]", "wrong_audience"),
        ("exp", "1618354090", "expired"),
        ("exp", "1618354091", "200"),
        ("iat", "1618354091", "not_yet_valid"),
        ("nbf", "1618354091", "not_yet_valid"),
    ]);
    let attacker = Signer::rsa(256, crate::kit::keys::ATTACKER_PRIVATE);
    let gate = Gate::new(&policy(issuer()));
    assert_eq!(gate.token(&attacker.token(HEADER, payload(&CLAIMS))), "401 bad_signature");
}

#[test]
fn other_settings_add_to_the_profile_but_cannot_weaken_it() {
    let required = |more: Value| with(issuer(), json!({ "require": more }));
    assert_eq!(verdict(required(json!(["scope"])), HEADER, &[]), "200");
    assert_eq!(verdict(required(json!(["acr"])), HEADER, &[]), MISSING);
    assert_eq!(verdict(required(json!(["scope"])), HEADER, &[("jti", "")]), MISSING);
    let aged = with(issuer(), json!({ "max_age": 60 }));
    assert_eq!(verdict(aged.clone(), HEADER, &[]), "200");
    assert_eq!(verdict(aged, HEADER, &[("iat", "1618354030")]), "too_old");
    // `audience = "*"` accepts any audience, but the profile still requires `aud`.
    let waived = with(issuer(), json!({ "audience": "*", "issuer": "*" }));
    assert_eq!(verdict(waived.clone(), HEADER, &[("aud", r#""x""#)]), "200");
    assert_eq!(verdict(waived.clone(), HEADER, &[("aud", "")]), MISSING);
    assert_eq!(verdict(waived, HEADER, &[("iss", "")]), MISSING);
    for (key, value) in [("types", json!(["jwt"])), ("expiry", json!("optional"))] {
        let faults = faults(&policy(with(issuer(), json!({ key: value }))), &Held::usual());
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].path, format!("issuers[0].{key}"));
    }
    for value in [json!("RFC9068"), json!("oidc"), json!(""), json!(["rfc9068"]), json!(true)] {
        let faults = faults(&policy(with(issuer(), json!({ "profile": value }))), &Held::usual());
        assert_eq!(faults[0].path, "issuers[0].profile", "{faults:?}");
    }
}
