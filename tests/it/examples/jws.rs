//! Signed tokens: RFC 7515 appendix A, RFC 7519 sections 3.1 and 6.1, RFC 7520 section 4, RFC 7797,
//! RFC 8037 appendix A, and ML-DSA for JOSE.

use super::Example;
use crate::kit::{Call, Gate, table};
use portcullis::refusal::Code;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The `exp` of the examples.
const EXPIRY: i64 = 1_300_819_380;

/// Returns the gate's verdict on a token in `refused.json`.
fn refused(gate: &Gate, name: &str) -> String {
    let table: Value = serde_json::from_str(include_str!("refused.json")).unwrap();
    gate.token(table[name].as_str().unwrap())
}

/// Checks an example whose payload is a claims set: the signature, and the verdicts of the whole
/// gate before and after the token expires and for another issuer.
fn check_claims(name: &str, issuer: &str) {
    let example = Example::rfc(name);
    example.check_signature();
    assert_eq!(example.verdict_at(issuer, EXPIRY - 1), Ok(()));
    assert_eq!(example.verdict_at(issuer, EXPIRY), Err(Code::Expired));
    assert_eq!(example.verdict_at("joey", EXPIRY - 1), Err(Code::UnknownIssuer));
}

/// Checks an example whose payload is text: the signature verifies, but the gate rejects the token.
fn check_text(name: &str) {
    let example = Example::rfc(name);
    example.check_signature();
    assert_eq!(example.verdict_at("*", EXPIRY), Err(Code::MalformedToken));
}

#[test]
fn rfc7515_appendix_a_2_verifies_rs256() {
    check_claims("RFC 7515 A.2", "joe");
}

#[test]
fn rfc7515_appendix_a_3_verifies_es256() {
    check_claims("RFC 7515 A.3", "joe");
}

#[cfg(feature = "es512")]
#[test]
fn rfc7515_appendix_a_4_verifies_es512() {
    check_text("RFC 7515 A.4");
}

/// RFC 7519 section 6.1 has the same example.
#[test]
fn rfc7515_appendix_a_5_rejects_unsecured_tokens() {
    const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
        Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    for name in ["RFC 7515 A.2", "RFC 7515 A.3", "RFC 7797 4.1"] {
        let gate = Example::rfc(name).gate("joe");
        assert_eq!(gate.token(TOKEN), "401 malformed_token");
        // With a signature that is valid for the same claims under another header.
        let signed = Example::rfc("RFC 7515 A.3").token;
        let signature = signed.rsplit('.').next().unwrap();
        assert_eq!(gate.token(&format!("{TOKEN}{signature}")), "401 algorithm_not_allowed");
    }
}

/// Neither JSON serialization is a JWT (RFC 7519 section 1).
#[test]
fn rfc7515_appendix_a_6_and_a_7_rejects_json_serializations() {
    let gate = Example::rfc("RFC 7515 A.3").gate("joe");
    for name in ["RFC 7515 A.6", "RFC 7515 A.7"] {
        assert_eq!(refused(&gate, name), "400 malformed_authorization", "{name}");
    }
}

#[test]
fn rfc7515_appendix_e_rejects_an_unknown_critical_header() {
    let gate = Example::rfc("RFC 7797 4.1").gate("joe");
    assert_eq!(refused(&gate, "RFC 7515 E"), "401 malformed_token");
    let example: Value = serde_json::from_str(include_str!("refused.json")).unwrap();
    let with_signature = format!("{}AA", example["RFC 7515 E"].as_str().unwrap());
    assert_eq!(gate.token(&with_signature), "401 unsupported_critical");
}

#[test]
fn rfc7520_section_4_1_verifies_rsa_v1_5() {
    check_text("RFC 7520 4.1");
}

#[test]
fn rfc7520_section_4_2_verifies_rsa_pss() {
    check_text("RFC 7520 4.2");
}

#[cfg(feature = "es512")]
#[test]
fn rfc7520_section_4_3_verifies_ecdsa() {
    check_text("RFC 7520 4.3");
}

#[test]
fn rfc7520_section_4_4_verifies_hmac() {
    check_text("RFC 7520 4.4");
}

/// The payload segment of a token with detached content is empty.
#[test]
fn rfc7520_section_4_5_rejects_detached_content() {
    let gate = Example::rfc("RFC 7520 4.4").gate("*");
    assert_eq!(refused(&gate, "RFC 7520 4.5"), "401 malformed_token");
}

#[test]
fn rfc7520_section_6_accepts_the_signed_but_not_the_encrypted_token() {
    check_claims("RFC 7520 6", "hobbiton.example");
    let gate = Example::rfc("RFC 7520 6").gate("hobbiton.example");
    assert_eq!(refused(&gate, "RFC 7520 6, encrypted"), "401 malformed_token");
}

#[test]
fn rfc7797_section_4_rejects_unencoded_payloads() {
    check_text("RFC 7797 4.1");
    let gate = Example::rfc("RFC 7797 4.1").gate("*");
    let rows = [
        ("RFC 7797 4.2", "401 malformed_token"),
        ("RFC 7797 4.2, hello", "401 unsupported_critical"),
    ];
    table(rows, |name| refused(&gate, name));
}

#[test]
fn rfc8037_appendix_a_4_and_a_5_verifies_ed25519() {
    check_text("RFC 8037 A.4");
}

/// `EdDSA` and `Ed25519` are separate algorithms, although their signatures are made alike.
#[test]
fn rfc9864_section_2_2_rejects_the_example_under_the_other_name() {
    let mut example = Example::rfc("RFC 8037 A.4");
    example.algorithm = "Ed25519".to_owned();
    let gate = example.gate("*");
    assert_eq!(gate.token(&example.token), "401 algorithm_not_allowed");
    let fully_specified = example.token.replace("eyJhbGciOiJFZERTQSJ9", "eyJhbGciOiJFZDI1NTE5In0");
    assert_ne!(fully_specified, example.token);
    assert_eq!(gate.token(&fully_specified), "401 bad_signature");
}

#[cfg(feature = "mldsa")]
#[test]
fn mldsa_jose_appendix_a_verifies_the_examples() {
    let examples = Example::all(include_str!("mldsa.json"));
    assert_eq!(examples.len(), 3);
    for (name, example) in &examples {
        example.check_signature();
        assert_eq!(example.verdict_at("*", EXPIRY), Err(Code::MalformedToken), "{name}");
        // In the examples, the `kid` is the key's thumbprint.
        let keys = example.keys(&[example.algorithm().unwrap()]).unwrap();
        let thumbprint = keys.keys()[0].material().thumbprint().unwrap();
        assert_eq!(example.jwk["kid"], thumbprint.as_str(), "{name}");
    }
    for (_, example) in &examples {
        for (_, other) in examples.iter().filter(|(_, other)| other.token != example.token) {
            let verdict = example.gate("*").token(&other.token);
            assert_eq!(verdict, "401 algorithm_not_allowed");
        }
    }
}

/// An algorithm that is not compiled in is rejected in the same way as an unknown algorithm.
#[test]
fn rejects_algorithms_that_are_not_compiled_in() {
    let gate = Example::rfc("RFC 7515 A.3").gate("joe");
    let rows: [(&str, &str); 2] = [("RFC 7515 A.4", "es512"), ("RFC 7520 4.3", "es512")];
    for (name, feature) in rows {
        let example = Example::rfc(name);
        assert_eq!(gate.token(&example.token), "401 algorithm_not_allowed");
        if example.algorithm().is_none() {
            let missing = portcullis::alg::Algorithm::missing_feature(&example.algorithm);
            assert_eq!(missing, Some(feature));
        }
    }
    let call = Call::get("/").bearer(&Example::rfc("RFC 7515 A.4").token);
    assert_eq!(gate.response(&call).status, 401);
}
