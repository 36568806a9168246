//! RFC 7638 thumbprints.

use portcullis::possession::Thumbprint;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn of(jwk: &Value) -> Option<String> {
    Thumbprint::of_jwk(jwk.as_object().unwrap()).map(|thumbprint| thumbprint.to_string())
}

#[test]
fn rfc7638_section_3_1_example() {
    let jwk = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_\
              BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_\
              FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI\
              4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    });
    assert_eq!(of(&jwk).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn rfc8037_appendix_a_3_example() {
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    assert_eq!(of(&jwk).unwrap(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn rfc9449_section_6_1_example() {
    let jwk = json!({
        "kty": "EC", "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    });
    assert_eq!(of(&jwk).unwrap(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

#[test]
fn rfc7638_section_3_keys_without_a_required_member_have_no_thumbprint() {
    for jwk in [
        json!({}),
        json!({ "kty": "oct", "k": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": 1 }),
        json!({ "kty": "OKP", "x": "AAAA" }),
        json!({ "kty": "RSA", "n": "AAAA" }),
        json!({ "kty": 1 }),
    ] {
        assert_eq!(of(&jwk), None, "{jwk}");
    }
}

#[test]
fn thumbprints_are_read_from_their_canonical_form_only() {
    let text = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    assert_eq!(Thumbprint::parse(text).unwrap().to_string(), text);
    for bad in ["", "0ZcO", &format!("{text}="), &text.replace('-', "+"), &format!("{text}AA")] {
        assert_eq!(Thumbprint::parse(bad), None, "{bad}");
    }
    // The last character has two bits that must be zero.
    assert_eq!(Thumbprint::parse(&text.replace("A4I", "A4J")), None);
    let hex = "d1970e08e45935 8cbe0d6a6aab7d2367224".replace(' ', "");
    assert_eq!(Thumbprint::from_hex(&hex), None);
    assert_eq!(Thumbprint::from_hex(&"zz".repeat(32)), None);
    assert!(Thumbprint::from_hex(&"aB".repeat(32)).is_some());
    assert_eq!(Thumbprint::from_hex(&"ab".repeat(33)), None);
    assert_eq!(Thumbprint::from_hex(&format!("{}a", "ab".repeat(32))), None);
}
