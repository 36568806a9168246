//! Importing JSON Web Keys and JWK Sets.

mod choice;
mod weak;

use crate::kit::{Held, b64, faults, keys, policy, rs_issuer, table, warnings, with};
use portcullis::alg::Algorithm;
use portcullis::json::Object;
use portcullis::keys::KeySet;
use portcullis::keys::jwk::{Provenance, import};
use portcullis::token::Header;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn object(value: &Value) -> Object {
    value.as_object().unwrap().clone()
}

/// Checks that an issuer with RS256 and ES256 skips each key for a reason that contains the words.
/// Empty words mean that the key must be imported. A valid key in the same set must always be
/// imported.
fn check(rows: impl IntoIterator<Item = (Value, &'static str)>) {
    let algorithms = [Algorithm::RS256, Algorithm::ES256];
    table(rows.into_iter().map(|(jwk, words)| ((jwk, words), true)), |(jwk, words)| {
        let good = with(keys::rsa_jwk(keys::ATTACKER_PRIVATE), json!({ "kid": "good" }));
        let set = object(&json!({ "keys": [good, jwk] }));
        let set = import(&set, &algorithms, Provenance::Operator).unwrap();
        match set.skipped() {
            [] => words.is_empty() && set.keys().len() == 2,
            [skipped] => {
                let reason = skipped.fault.to_string();
                let right = !words.is_empty() && reason.contains(words);
                assert!(right, "{jwk}: {reason}");
                set.keys().len() == 1 && skipped.index == 1
            }
            _ => false,
        }
    });
}

fn rsa() -> Value {
    keys::rsa_jwk(keys::RSA_PRIVATE)
}

/// The key of RFC 7515 appendix A.3.1, without its private member.
fn p256() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

#[test]
fn rfc7517_section_4_respects_the_parameters_of_keys() {
    check([
        (rsa(), ""),
        (with(rsa(), json!({ "use": "sig" })), ""),
        (with(rsa(), json!({ "use": "enc" })), "\"use\""),
        (with(rsa(), json!({ "use": "SIG" })), "\"use\""),
        (with(rsa(), json!({ "use": "" })), "\"use\""),
        (with(rsa(), json!({ "use": ["sig"] })), "\"use\""),
        (with(rsa(), json!({ "key_ops": ["verify"] })), ""),
        (with(rsa(), json!({ "key_ops": ["sign", "verify"] })), ""),
        (with(rsa(), json!({ "key_ops": ["sign"] })), "\"key_ops\""),
        (with(rsa(), json!({ "key_ops": ["encrypt", "wrapKey"] })), "\"key_ops\""),
        (with(rsa(), json!({ "key_ops": [] })), ""),
        (with(rsa(), json!({ "key_ops": "verify" })), "\"key_ops\""),
        (with(rsa(), json!({ "use": "sig", "key_ops": ["verify"] })), ""),
        (with(rsa(), json!({ "use": "enc", "key_ops": ["verify"] })), "\"use\""),
        (with(rsa(), json!({ "alg": "RS256" })), ""),
        (with(rsa(), json!({ "alg": "RS384" })), "\"alg\""),
        (with(rsa(), json!({ "alg": "PS256" })), "\"alg\""),
        (with(rsa(), json!({ "alg": "HS256" })), "\"alg\""),
        (with(rsa(), json!({ "alg": "rs256" })), "\"alg\""),
        (with(rsa(), json!({ "alg": "RSA-OAEP" })), "\"alg\""),
        (with(rsa(), json!({ "alg": "ES256" })), "none of the issuer's algorithms"),
        (with(rsa(), json!({ "alg": 256 })), "\"alg\""),
        (with(rsa(), json!({ "kid": "" })), ""),
        (with(rsa(), json!({ "kid": 1 })), "\"kid\""),
        (with(rsa(), json!({ "x5c": ["not looked at"], "x5t": 1, "exp": 1, "foo": {} })), ""),
    ]);
}

#[test]
fn rfc7517_section_4_1_skips_unsupported_kinds_of_keys() {
    check([
        (with(rsa(), json!({ "kty": "rsa" })), "\"kty\" is not supported"),
        (with(rsa(), json!({ "kty": "XYZ" })), "\"kty\" is not supported"),
        (with(rsa(), json!({ "kty": "" })), "\"kty\" is not supported"),
        (with(rsa(), json!({ "kty": null })), "\"kty\" is missing"),
        (with(rsa(), json!({ "kty": ["RSA"] })), "\"kty\" is not a string"),
        (with(rsa(), json!({ "kty": "EC" })), "\"crv\" is missing"),
        (with(rsa(), json!({ "kty": "oct" })), "\"k\" is missing"),
        (json!({}), "\"kty\" is missing"),
        (json!("RSA"), "not a JSON object"),
        (json!(null), "not a JSON object"),
        (json!([]), "not a JSON object"),
        // An issuer with asymmetric algorithms cannot use a shared secret.
        (keys::oct_jwk(keys::SECRET.as_bytes()), "none of the issuer's algorithms"),
    ]);
}

#[test]
fn attack_24_skips_private_keys() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        check([(with(rsa(), json!({ name: "AQAB" })), "private")]);
        for odd in [json!(1), json!({}), json!([1]), json!(false), json!("?")] {
            check([(with(rsa(), json!({ name: odd })), "private")]);
        }
    }
    check([(
        with(p256(), json!({ "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI" })),
        "private",
    )]);
}

/// Some libraries write all members that they know.
#[test]
fn private_members_that_are_null_or_empty_count_as_absent() {
    for empty in [json!(""), json!([]), Value::Null] {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
            let (mut rsa, mut p256) = (rsa(), p256());
            rsa[name] = empty.clone();
            p256[name] = empty.clone();
            check([(rsa, ""), (p256, "")]);
        }
    }
    let mut operations = rsa();
    operations["key_ops"] = Value::Null;
    check([(operations, ""), (with(rsa(), json!({ "key_ops": [] })), "")]);
}

#[test]
fn rfc7518_section_6_2_skips_points_off_the_curve() {
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    // The prime of the field.
    let prime = "_____wAAAAEAAAAAAAAAAAAAAAD_______________8";
    check([
        (p256(), ""),
        (with(p256(), json!({ "y": x })), "no point"),
        (with(p256(), json!({ "y": zero })), "no point"),
        (with(p256(), json!({ "x": zero, "y": zero })), "no point"),
        (with(p256(), json!({ "x": prime })), "no point"),
        (with(p256(), json!({ "x": "" })), "32 bytes long"),
        (with(p256(), json!({ "y": null })), "\"y\" is missing"),
        (with(p256(), json!({ "crv": "P-384" })), "48 bytes long"),
        (with(p256(), json!({ "crv": "p-256" })), "\"crv\""),
        (with(p256(), json!({ "crv": "secp256r1" })), "\"crv\""),
        (with(p256(), json!({ "crv": "Ed25519" })), "\"crv\""),
        (with(p256(), json!({ "crv": null })), "\"crv\" is missing"),
    ]);
    let longer = json!({ "x": b64([&[0], bytes_of(x).as_slice()].concat()) });
    check([(with(p256(), longer), "32 bytes long")]);
    let shorter = json!({ "x": b64(&bytes_of(x)[1..]) });
    check([(with(p256(), shorter), "32 bytes long")]);
}

fn bytes_of(text: &str) -> Vec<u8> {
    <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(text).unwrap()
}

#[test]
fn rfc7517_section_5_imports_only_sets_and_keys() {
    let rows = [
        (json!({ "keys": [rsa()] }), true),
        (rsa(), true),
        (json!({ "keys": [rsa(), {}, null, { "kty": "XYZ" }] }), true),
        (json!({ "keys": [rsa()], "kty": "oct", "more": 1 }), true),
        (json!({ "keys": [] }), false),
        (json!({ "keys": null }), false),
        (json!({ "keys": {} }), false),
        (json!({ "keys": rsa() }), false),
        (json!({ "keys": "[]" }), false),
        (json!({ "keys": [{}] }), false),
        (json!({ "Keys": [rsa()] }), false),
        (json!({}), false),
    ];
    table(rows, |set| import(&object(set), &[Algorithm::RS256], Provenance::Network).is_ok());
}

#[test]
fn attack_24_limits_the_size_of_a_set() {
    for (count, expected) in [(64, true), (65, false), (10_000, false)] {
        let set = object(&json!({ "keys": vec![keys::oct_jwk(keys::SECRET.as_bytes()); count] }));
        let imported = import(&set, &[Algorithm::HS256], Provenance::Operator);
        assert_eq!(imported.is_ok(), expected, "{count}");
    }
}

#[test]
fn attack_24_skips_fetched_secrets() {
    let set = json!({ "keys": [keys::oct_jwk(keys::SECRET.as_bytes())] });
    let imported = |provenance| import(&object(&set), &[Algorithm::HS256], provenance).is_ok();
    assert!(imported(Provenance::Operator));
    assert!(!imported(Provenance::Network));
    let mixed = json!({ "keys": [keys::oct_jwk(keys::SECRET.as_bytes()), rsa()] });
    let allowed = [Algorithm::RS256, Algorithm::HS256];
    let set = import(&object(&mixed), &allowed, Provenance::Network).unwrap();
    assert_eq!((set.keys().len(), set.skipped().len()), (1, 1));
    assert!(set.skipped()[0].fault.to_string().contains("shared secret"));
}

/// RFC 7518 section 6.4.1. The requirements on secrets do not depend on where they come from.
#[test]
fn checks_secrets_in_a_set_like_others() {
    let long = keys::SECRET.as_bytes();
    let rows = [
        (keys::oct_jwk(long), true),
        (keys::oct_jwk(&long[..32]), true),
        (keys::oct_jwk(&long[..31]), false),
        (keys::oct_jwk(b""), false),
        (keys::oct_jwk(&[0; 64]), false),
        (keys::oct_jwk(keys::RSA_SPKI.as_bytes()), false),
        (keys::oct_jwk(&keys::der(keys::RSA_SPKI)), false),
        (keys::oct_jwk(rsa().to_string().as_bytes()), false),
        (json!({ "kty": "oct" }), false),
        (json!({ "kty": "oct", "k": format!("{}=", b64(&long[..32])) }), false),
        (json!({ "kty": "oct", "k": 17 }), false),
    ];
    table(rows, |jwk| import(&object(jwk), &[Algorithm::HS256], Provenance::Operator).is_ok());
}

#[test]
fn attack_15_rejects_repeated_names_in_a_set() {
    let (n, e) = keys::modulus_and_exponent(keys::RSA_PRIVATE);
    let issuer = with(rs_issuer(), json!({ "keys": { "jwks": "JWKS" } }));
    let key = format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#);
    let other = keys::modulus_and_exponent(keys::ATTACKER_PRIVATE).0;
    let rows = [
        (format!(r#"{{"keys":[{key}]}}"#), true),
        (key.clone(), true),
        (format!(r#"{{"keys":[{key}],"keys":[]}}"#), false),
        (format!(r#"{{"keys":[],"keys":[{key}]}}"#), false),
        (format!(r#"{{"keys":[{{"kty":"RSA","n":"{other}","n":"{n}","e":"{e}"}}]}}"#), false),
        (
            format!(r#"{{"keys":[{{"kty":"RSA","n":"{n}","e":"{e}","kid":"a","\u006bid":"b"}}]}}"#),
            false,
        ),
        (format!(r#"{{"keys":[{key},{{"x":{{"y":1,"y":2}}}}]}}"#), false),
        (format!(r#"{{"keys":[{key}]}}x"#), false),
        (format!("\u{feff}{{\"keys\":[{key}]}}"), false),
        ("<html></html>".to_owned(), false),
        ("[]".to_owned(), false),
        ("null".to_owned(), false),
        (String::new(), false),
    ];
    table(rows, |text| {
        let held = Held::default().value("JWKS", text.as_str());
        let faults = faults(&policy(issuer.clone()), &held);
        assert!(faults.iter().all(|fault| fault.path == "issuers[0].keys.jwks"), "{faults:?}");
        faults.is_empty()
    });
}

#[test]
fn warns_of_skipped_keys() {
    let set = json!({ "keys": [{ "kty": "XYZ" }, rsa(), with(rsa(), json!({ "use": "enc" }))] });
    let raw = policy(with(rs_issuer(), json!({ "keys": { "jwks": set } })));
    assert_eq!(faults(&raw, &Held::default()), []);
    let warnings = warnings(&raw, &Held::default());
    let paths: Vec<_> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["issuers[0].keys.jwks.keys[0]", "issuers[0].keys.jwks.keys[2]"]);
    assert!(warnings[0].problem.contains("\"kty\" is not supported"));
    assert!(warnings[1].problem.contains("\"use\""));
}

/// The example of RFC 7638 section 3.1. A key without `kid` is named by its thumbprint.
#[test]
fn rfc7638_section_3_1_names_a_key_by_its_thumbprint() {
    let jwk = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ\
            ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q\
            vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6W\
            eZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
    });
    let names = |set: KeySet| set.keys()[0].name().to_owned();
    let imported =
        |jwk: &Value| import(&object(jwk), &[Algorithm::RS256], Provenance::Network).unwrap();
    assert_eq!(names(imported(&jwk)), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let named = with(jwk, json!({ "kid": "2011-04-29" }));
    assert_eq!(names(imported(&named)), "2011-04-29");
}

#[test]
fn rfc7517_reports_an_object_that_is_neither_a_key_nor_a_set() {
    let algorithms = [Algorithm::from_name("RS256").unwrap()];
    let neither = json!({ "kid": "a" });
    let fault = import(neither.as_object().unwrap(), &algorithms, Provenance::Operator);
    assert!(fault.unwrap_err().to_string().starts_with("it is neither a JWK Set"));
}

#[test]
fn tells_apart_no_matching_key_and_too_many() {
    let algorithms = [Algorithm::from_name("RS256").unwrap()];
    let set = |count: usize| {
        let set = json!({ "keys": vec![keys::rsa_jwk(keys::RSA_PRIVATE); count] });
        import(set.as_object().unwrap(), &algorithms, Provenance::Operator).unwrap()
    };
    let header = |name: &str| Header {
        algorithm: Algorithm::from_name(name).unwrap(),
        key_id: None,
        media_type: None,
        is_nested: false,
    };
    let none = set(1).pick(&header("PS256")).unwrap_err();
    assert_eq!(none.because(), "no key fits the header's kid and alg");
    let many = set(5).pick(&header("RS256")).unwrap_err();
    assert_eq!(many.because(), "more keys fit the header than are tried");
    assert_eq!(set(4).pick(&header("RS256")).unwrap().len(), 4);
}
