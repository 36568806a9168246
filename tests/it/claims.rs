//! Validation of a token's claims by the rules of its issuer.

mod names;
mod rules;
mod scopes;
mod time;

use crate::kit::{Gate, Signer, hs_issuer, payload, policy, raw_payload, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ADMITTED: &str = "200";
const INVALID: &str = "401 invalid_claim";
const MISSING: &str = "401 missing_claim";
const MALFORMED: &str = "401 malformed_token";

/// A gate for the base token, with some settings of its issuer changed.
fn gate(changes: Value) -> Gate {
    Gate::new(&policy(with(hs_issuer(), changes)))
}

/// Checks the verdict on the base token with the claim set to each raw JSON value. An empty text
/// removes the claim.
fn check<'r>(gate: &Gate, claim: &str, rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    table(rows, |raw| gate.token(&Signer::hs256().signed(payload(&[(claim, raw)]))));
}

/// A registered claim of the wrong type is rejected even if no rule reads it (CVE-2026-25537).
#[test]
fn rfc7519_section_4_1_rejects_registered_claims_of_the_wrong_type() {
    let gate = gate(json!({ "audience": "*", "expiry": "optional" }));
    for claim in ["sub", "jti", "client_id"] {
        check(
            &gate,
            claim,
            [
                (r#""x""#, ADMITTED),
                (r#""""#, ADMITTED),
                ("", ADMITTED),
                ("1", INVALID),
                ("null", INVALID),
                ("true", INVALID),
                (r#"["x"]"#, INVALID),
                (r#"{"x":1}"#, INVALID),
            ],
        );
    }
}

/// A token with `cnf` is bound to a key (RFC 7800) and is never accepted as a bearer token,
/// whatever value `cnf` has.
#[test]
fn attack_36_37_rejects_sender_constrained_tokens_sent_as_bearer_tokens() {
    check(
        &gate(json!({})),
        "cnf",
        [
            (r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#, INVALID),
            (r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#, INVALID),
            ("{}", INVALID),
            ("null", INVALID),
            (r#""""#, INVALID),
            ("false", INVALID),
        ],
    );
}

/// OpenID Connect Back-Channel Logout 1.0 section 2.4 defines logout tokens. The gate signs proofs
/// itself.
#[test]
fn rejects_logout_tokens_and_proofs_of_the_gate() {
    let gate = gate(json!({}));
    check(
        &gate,
        "events",
        [
            (r#"{"http://schemas.openid.net/event/backchannel-logout":{}}"#, "401 wrong_type"),
            (
                r#"{"http://schemas.openid.net/event/backchannel-logout":null,"x":1}"#,
                "401 wrong_type",
            ),
            (r#"{"https://example.com/event":{}}"#, ADMITTED),
            ("{}", ADMITTED),
            ("17", ADMITTED),
        ],
    );
    let proof = r#"{"alg":"HS256","typ":"portcullis-proof+jwt"}"#;
    assert_eq!(gate.token(&Signer::hs256().token(proof, payload(&[]))), "401 wrong_type");
}

#[test]
fn accepts_any_value_in_claims_that_no_rule_reads() {
    let gate = gate(json!({}));
    let rows = [
        r#""nonce":null,"azp":17,"acr":[],"amr":{},"sid":-0"#,
        r#""scope":17"#,
        r#""scp":{"a":1},"roles":null"#,
        r#""NBF":9999999999,"Exp":1"#,
        r#""":0,"\u0000":1"#,
        r#""n":9007199254740993"#,
        r#""__proto__":{"admin":true},"constructor":1"#,
    ];
    table(rows.map(|members| (members, ADMITTED)), |members| {
        gate.token(&Signer::hs256().signed(raw_payload(members)))
    });
}

#[test]
fn reports_the_first_failed_check_in_the_documented_order() {
    let gate = gate(json!({ "require": ["tenant"], "subject": "u" }));
    let wrong_type = r#"{"alg":"HS256","typ":"x+jwt"}"#;
    let right_type = r#"{"alg":"HS256"}"#;
    let everything =
        [("nbf", "null"), ("aud", r#""x""#), ("exp", "1"), ("sub", r#""v""#), ("tenant", "")];
    let token =
        |header: &str, from: usize| Signer::hs256().token(header, payload(&everything[from..]));
    let rows = [
        (token(wrong_type, 0), "401 wrong_type"),
        (token(right_type, 0), INVALID),
        (token(right_type, 1), "401 wrong_audience"),
        (token(right_type, 2), "401 expired"),
        (token(right_type, 3), INVALID),
        (token(right_type, 4), MISSING),
    ];
    table(rows, |token| gate.token(token));
}
