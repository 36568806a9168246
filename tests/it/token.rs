//! The header and the format of a token.

mod attacks;
mod size;

use crate::kit::{Call, Gate, HEADER, Signer, now, payload, table};
use portcullis::token::Unverified;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ADMITTED: &str = "200";
const MALFORMED: &str = "401 malformed_token";
const NOT_ALLOWED: &str = "401 algorithm_not_allowed";
const CRITICAL: &str = "401 unsupported_critical";
const BAD_SIGNATURE: &str = "401 bad_signature";
const UNKNOWN_KEY: &str = "401 unknown_key";

/// Checks the verdict on the base payload with each header. The signatures are valid.
fn check_headers<'r>(rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let gate = Gate::hs();
    table(rows, |header| gate.token(&Signer::hs256().token(header, payload(&[]))));
}

/// Checks the verdict on each payload. The signatures are valid.
fn check_payloads<P: AsRef<[u8]> + std::fmt::Debug>(
    rows: impl IntoIterator<Item = (P, &'static str)>,
) {
    let gate = Gate::hs();
    table(rows, |payload| gate.token(&Signer::hs256().token(HEADER, payload)));
}

/// The token and the key are those of RFC 7515 appendix A.1.
#[test]
fn rfc7515_appendix_a_1_accepts_the_hs256_example_until_it_expires() {
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEz\
        MDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p\
        1r_wW1gFWFOEjXk";
    let raw = crate::kit::policy(serde_json::json!({
        "name": "joe",
        "issuer": "joe",
        "audience": "*",
        "algorithms": ["HS256"],
        "leeway": 0,
        "keys": { "jwks": { "keys": [{
            "kty": "oct",
            "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        }] } },
    }));
    let gate = Gate::new(&raw);
    let call = Call::get("/").bearer(TOKEN);
    let at = |seconds| gate.trace(&call, portcullis::time::UnixSeconds::new(seconds)).1;
    assert!(at(1_300_819_379).is_ok());
    assert_eq!(at(1_300_819_380).unwrap_err().code().as_str(), "expired");
    assert_eq!(gate.token(TOKEN), "401 expired");
}

#[test]
fn rfc7515_section_4_1_1_alg_is_compared_exactly() {
    check_headers([
        (r#"{"alg":"HS256"}"#, ADMITTED),
        (r#"{"alg":"\u0048S256"}"#, ADMITTED),
        (r#"{"alg":"hs256"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS256 "}"#, NOT_ALLOWED),
        (r#"{"alg":" HS256"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS2566"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS256\u0000"}"#, NOT_ALLOWED),
        (r#"{"alg":"ＨＳ２５６"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS384"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS512"}"#, NOT_ALLOWED),
        (r#"{"alg":"RS256"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS1"}"#, NOT_ALLOWED),
        (r#"{"alg":"HS256/64"}"#, NOT_ALLOWED),
        (r#"{"alg":"dir"}"#, NOT_ALLOWED),
        (r#"{"alg":256}"#, MALFORMED),
        (r#"{"alg":true}"#, MALFORMED),
        (r#"{"alg":{"alg":"HS256"}}"#, MALFORMED),
        (r#"{"Alg":"HS256"}"#, MALFORMED),
        (r#"{"typ":"JWT"}"#, MALFORMED),
        ("{}", MALFORMED),
    ]);
}

#[test]
fn rfc7515_section_4_1_unknown_header_members_are_ignored() {
    check_headers([
        (r#"{"alg":"HS256","x":[1,{"y":null}]}"#, ADMITTED),
        (r#"{"alg":"HS256","enc":"A128GCM","zip":"DEF","epk":{},"p2c":1e308}"#, ADMITTED),
        (r#"{"alg":"HS256","x5t":17,"x5t#S256":null}"#, ADMITTED),
        (" \r\n{ \"alg\" : \"HS256\" }\t", ADMITTED),
    ]);
}

#[test]
fn rfc7515_section_5_2_the_header_must_be_one_strict_json_object() {
    let rows = [
        "[]",
        r#""HS256""#,
        "null",
        "1",
        r#"[{"alg":"HS256"}]"#,
        r#"{"alg":"HS256"}x"#,
        "{\"alg\":\"HS256\"}\0",
        "\u{feff}{\"alg\":\"HS256\"}",
        r#"{"alg":"HS256",}"#,
        r#"{"alg":"HS256"}{"alg":"HS256"}"#,
        r#"{"alg":"HS256","x":01}"#,
        r#"{"alg":"HS256","x":1e400}"#,
        r#"{"alg":"HS256","x":"\ud800"}"#,
        r#"{'alg':'HS256'}"#,
        r#"{"alg":"HS256"/**/}"#,
    ];
    check_headers(rows.map(|header| (header, MALFORMED)));
    let gate = Gate::hs();
    let token = Signer::hs256().token(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}", payload(&[]));
    assert_eq!(gate.token(&token), MALFORMED);
    for depth in [31, 32, 200, 2_000] {
        let header = format!(r#"{{"alg":"HS256","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let expected = if depth < 32 { ADMITTED } else { MALFORMED };
        assert_eq!(gate.token(&Signer::hs256().token(header, payload(&[]))), expected, "{depth}");
    }
}

#[test]
fn rfc7519_section_7_2_the_payload_must_be_one_strict_json_object() {
    let rows = ["[]", r#""x""#, "1", "null", "true", "Zm9v", r#"[{"iss":"https://i"}]"#];
    check_payloads(rows.map(|payload| (payload, MALFORMED)));
    check_payloads([("{}", "401 missing_claim")]);
    check_payloads([(payload(&[]), ADMITTED), (format!(" \r\n\t{} ", payload(&[])), ADMITTED)]);
}

/// Without a rule for `iss`, the gate does not read the payload before it has verified the
/// signature.
#[test]
fn rfc7519_section_7_2_checks_the_payload_even_if_no_claim_is_required() {
    let issuer = serde_json::json!({ "issuer": "*", "audience": "*", "expiry": "optional" });
    let gate = Gate::new(&crate::kit::policy(crate::kit::with(crate::kit::hs_issuer(), issuer)));
    let rows = [
        ("{}", ADMITTED),
        ("[]", MALFORMED),
        ("null", MALFORMED),
        ("plain text", MALFORMED),
        (r#"{"a":1,"a":2}"#, MALFORMED),
    ];
    table(rows, |payload| gate.token(&Signer::hs256().token(HEADER, payload)));
    // With an invalid signature, all of them are rejected for the signature.
    table(rows.map(|(payload, _)| (payload, BAD_SIGNATURE)), |payload| {
        let attacker = Signer::hmac(256, crate::kit::keys::OTHER_SECRET);
        gate.token(&attacker.token(HEADER, payload))
    });
}

#[test]
fn reports_an_invalid_signature_before_any_claim() {
    let gate = Gate::hs();
    let attacker = Signer::hmac(256, crate::kit::keys::OTHER_SECRET);
    let rows = [
        payload(&[("exp", "1")]),
        payload(&[("aud", r#""elsewhere""#)]),
        payload(&[("nbf", "9999999999")]),
        payload(&[("exp", "null")]),
        payload(&[("exp", "")]),
        payload(&[("cnf", "{}")]),
    ];
    table(rows.map(|payload| (payload, BAD_SIGNATURE)), |payload| {
        gate.token(&attacker.signed(payload))
    });
}

#[test]
fn parses_the_header_and_the_issuer_hint_of_an_unverified_token() {
    let token = Signer::hs256().token(
        r#"{"alg":"HS256","kid":"k","typ":"Application/AT+JWT","cty":"JWT"}"#,
        payload(&[("sub", r#""somebody""#)]),
    );
    let unverified = Unverified::parse(&token).unwrap();
    assert_eq!(unverified.header().algorithm.name(), "HS256");
    assert_eq!(unverified.header().key_id.as_deref(), Some("k"));
    assert_eq!(unverified.header().media_type.as_deref(), Some("at+jwt"));
    assert!(unverified.header().is_nested);
    assert_eq!(unverified.issuer_hint(), Some("https://i".to_owned()));
}

#[test]
fn the_trace_names_the_issuer_the_algorithm_the_key_and_the_route() {
    let gate = Gate::hs();
    let call = Call::get("/").bearer(&Signer::hs256().signed(payload(&[])));
    let (trace, sent) = gate.trace(&call, now());
    assert!(sent.is_ok());
    assert_eq!(trace.issuer, Some("i"));
    assert_eq!(trace.algorithm.map(|algorithm| algorithm.name()), Some("HS256"));
    assert_eq!(trace.key.as_deref(), Some("secret"));
    assert_eq!(trace.route.unwrap().pattern().as_str(), "/*");
}
