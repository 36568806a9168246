//! Signed tokens: RFC 7515 appendix A, RFC 7519 sections 3.1 and 6.1, RFC 7520 section 4, RFC 7797,
//! RFC 8037 appendix A, and ML-DSA for JOSE.

use super::Example;
use crate::kit::{Call, Gate, table};
use portcullis::refusal::Code;
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// When the examples' `exp` passes.
const EXPIRY: i64 = 1_300_819_380;

/// What the gate says of a token in the folder's `refused.json`.
fn refused(gate: &Gate, name: &str) -> String {
    let table: Value = serde_json::from_str(include_str!("refused.json")).unwrap();
    gate.token(table[name].as_str().unwrap())
}

/// Claims: the whole gate, before and after they expire, and for another issuer.
fn check_claims(name: &str, issuer: &str) {
    let example = Example::rfc(name);
    example.check_signature();
    assert_eq!(example.verdict_at(issuer, EXPIRY - 1), Ok(()));
    assert_eq!(example.verdict_at(issuer, EXPIRY), Err(Code::Expired));
    assert_eq!(example.verdict_at("joey", EXPIRY - 1), Err(Code::UnknownIssuer));
}

/// A text: well signed, and still no token that the gate takes.
fn check_text(name: &str) {
    let example = Example::rfc(name);
    example.check_signature();
    assert_eq!(example.verdict_at("*", EXPIRY), Err(Code::MalformedToken));
}

#[test]
fn rfc7515_appendix_a_2_rs256() {
    check_claims("RFC 7515 A.2", "joe");
}

#[test]
fn rfc7515_appendix_a_3_es256() {
    check_claims("RFC 7515 A.3", "joe");
}

#[cfg(feature = "es512")]
#[test]
fn rfc7515_appendix_a_4_es512() {
    check_text("RFC 7515 A.4");
}

/// The same example is that of RFC 7519 section 6.1.
#[test]
fn rfc7515_appendix_a_5_unsecured() {
    const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
        Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    for name in ["RFC 7515 A.2", "RFC 7515 A.3", "RFC 7797 4.1"] {
        let gate = Example::rfc(name).gate("joe");
        assert_eq!(gate.token(TOKEN), "401 malformed_token");
        // With the signature of the same claims that is good under another header.
        let signed = Example::rfc("RFC 7515 A.3").token;
        let signature = signed.rsplit('.').next().unwrap();
        assert_eq!(gate.token(&format!("{TOKEN}{signature}")), "401 algorithm_not_allowed");
    }
}

/// Neither JSON serialization is a JWT (RFC 7519 section 1).
#[test]
fn rfc7515_appendix_a_6_and_a_7_json_serializations() {
    let gate = Example::rfc("RFC 7515 A.3").gate("joe");
    for name in ["RFC 7515 A.6", "RFC 7515 A.7"] {
        assert_eq!(refused(&gate, name), "400 malformed_authorization", "{name}");
    }
}

#[test]
fn rfc7515_appendix_e_unknown_critical_header() {
    let gate = Example::rfc("RFC 7797 4.1").gate("joe");
    assert_eq!(refused(&gate, "RFC 7515 E"), "401 malformed_token");
    let example: Value = serde_json::from_str(include_str!("refused.json")).unwrap();
    let with_signature = format!("{}AA", example["RFC 7515 E"].as_str().unwrap());
    assert_eq!(gate.token(&with_signature), "401 unsupported_critical");
}

#[test]
fn rfc7520_section_4_1_rsa_v1_5() {
    check_text("RFC 7520 4.1");
}

#[test]
fn rfc7520_section_4_2_rsa_pss() {
    check_text("RFC 7520 4.2");
}

#[cfg(feature = "es512")]
#[test]
fn rfc7520_section_4_3_ecdsa() {
    check_text("RFC 7520 4.3");
}

#[test]
fn rfc7520_section_4_4_hmac() {
    check_text("RFC 7520 4.4");
}

/// There is nothing between the dots to be signed.
#[test]
fn rfc7520_section_4_5_detached_content() {
    let gate = Example::rfc("RFC 7520 4.4").gate("*");
    assert_eq!(refused(&gate, "RFC 7520 4.5"), "401 malformed_token");
}

#[test]
fn rfc7520_section_6_signature_within_encryption() {
    check_claims("RFC 7520 6", "hobbiton.example");
    let gate = Example::rfc("RFC 7520 6").gate("hobbiton.example");
    assert_eq!(refused(&gate, "RFC 7520 6, encrypted"), "401 malformed_token");
}

#[test]
fn rfc7797_section_4_unencoded_payloads() {
    check_text("RFC 7797 4.1");
    let gate = Example::rfc("RFC 7797 4.1").gate("*");
    let rows = [
        ("RFC 7797 4.2", "401 malformed_token"),
        ("RFC 7797 4.2, hello", "401 unsupported_critical"),
    ];
    table(rows, |name| refused(&gate, name));
}

#[test]
fn rfc8037_appendix_a_4_and_a_5() {
    check_text("RFC 8037 A.4");
}

/// RFC 9864 section 2.2: the polymorphic name and the other are two, for one and the same
/// signature.
#[test]
fn rfc9864_section_2_2_the_example_under_the_other_name() {
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
fn mldsa_jose_appendix_a() {
    let examples = Example::all(include_str!("mldsa.json"));
    assert_eq!(examples.len(), 3);
    for (name, example) in &examples {
        example.check_signature();
        assert_eq!(example.verdict_at("*", EXPIRY), Err(Code::MalformedToken), "{name}");
        // The examples' keys are named by their thumbprints.
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

/// An algorithm of the table that this build does not have is one that it does not know.
#[test]
fn algorithms_that_are_not_compiled_in() {
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
