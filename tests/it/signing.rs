//! The gate's own private keys, and what they sign.

use crate::kit::{keys, table};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::alg::Algorithm;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::signature;
use portcullis::signing::SigningKey;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// RFC 8037 appendix A.1.
fn rfc8037() -> Value {
    json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    })
}

/// RFC 7515 appendix A.3.1.
fn rfc7515() -> Value {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    })
}

fn key(text: impl ToString) -> SigningKey {
    SigningKey::from_text(&text.to_string()).unwrap()
}

fn changed(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name).unwrap();
    jwk
}

/// Signs with the key, and verifies with the gate and only the public JWK.
fn check_round_trip(key: &SigningKey) {
    let claims = json!({ "sub": "u", "n": [1, { "a": "ü" }] });
    let token = key.sign("at+jwt", claims.as_object().unwrap().clone());
    let (message, signed) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let decoded = |segment| Base64UrlUnpadded::decode_vec(segment).unwrap();
    let parsed = |segment| serde_json::from_slice::<Value>(&decoded(segment)).unwrap();
    let expected = json!({ "alg": key.algorithm().name(), "kid": key.id(), "typ": "at+jwt" });
    assert_eq!(parsed(header), expected);
    assert_eq!(parsed(payload), claims);
    let public = serde_json::from_str::<Value>(&key.public_jwk()).unwrap();
    let public = public.as_object().unwrap();
    assert!(!public.contains_key("d"));
    assert_eq!(public["kid"], key.id());
    let imported = jwk::import(public, &[key.algorithm()], Provenance::Network).unwrap();
    let public = &imported.keys()[0];
    assert_eq!(public.material().thumbprint().as_deref(), Some(key.id()));
    let algorithm = key.algorithm();
    assert!(signature::is_valid(algorithm, public, message.as_bytes(), &decoded(signed)));
    assert!(!signature::is_valid(algorithm, public, b"other", &decoded(signed)));
}

#[test]
fn rfc8037_appendix_a_names_an_ed25519_key_by_its_thumbprint() {
    let key = key(rfc8037());
    assert_eq!(key.algorithm(), Algorithm::EdDSA);
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let public = without(changed(rfc8037(), "kid", json!(key.id())), "d");
    let public = changed(changed(public, "alg", json!("EdDSA")), "use", json!("sig"));
    assert_eq!(serde_json::from_str::<Value>(&key.public_jwk()).unwrap(), public);
}

#[test]
fn reads_pkcs8_and_jwks_and_signs_with_them() {
    for (text, algorithm) in [
        (rfc8037().to_string(), Algorithm::EdDSA),
        (rfc7515().to_string(), Algorithm::ES256),
        (without(rfc7515(), "x").to_string(), Algorithm::ES256),
        (changed(rfc7515(), "alg", json!("ES256")).to_string(), Algorithm::ES256),
        (keys::ED25519_PRIVATE.to_owned(), Algorithm::EdDSA),
        (keys::ED25519_PRIVATE.replace('\n', "\\n"), Algorithm::EdDSA),
        (keys::P256_PRIVATE.to_owned(), Algorithm::ES256),
        (keys::P256_PRIVATE.replace('\n', " "), Algorithm::ES256),
    ] {
        let key = key(&text);
        assert_eq!(key.algorithm(), algorithm, "{text}");
        check_round_trip(&key);
    }
}

#[test]
fn rfc6979_signs_the_same_message_the_same_way() {
    for jwk in [rfc8037(), rfc7515()] {
        let sign = || key(&jwk).sign("at+jwt", serde_json::Map::new());
        assert_eq!(sign(), sign());
    }
}

#[test]
fn attack_23_rejects_what_is_no_key_to_sign_with() {
    let zeros = "A".repeat(43);
    let rows = [
        ("", "it contains no PEM block (-----BEGIN …)"),
        ("a shared secret of 32 bytes and more", "it contains no PEM block (-----BEGIN …)"),
        ("{", "it is JSON that ends too early"),
        (r#"{"kty":"oct","k":"AAAA"}"#, "it is a shared secret"),
        (r#"{"keys":[]}"#, "it is a JWK Set, not a single JWK"),
        (r#"{"kty":"RSA"}"#, "it is neither an Ed25519 key (EdDSA) nor a key on P-256 (ES256)"),
        (keys::RSA_PRIVATE, "it is neither an Ed25519 key (EdDSA) nor a key on P-256 (ES256)"),
        (keys::P384_PRIVATE, "it is neither an Ed25519 key (EdDSA) nor a key on P-256 (ES256)"),
        (keys::P256_SPKI, "it is not a private key"),
        (
            keys::P256_PRIVATE_SEC1,
            "it is not in PKCS #8 (convert it with openssl pkcs8 -topk8 -nocrypt)",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            "it is encrypted (decrypt it with openssl pkey)",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "the PRIVATE KEY block does not contain a private key",
        ),
    ];
    let both = [keys::P256_PRIVATE, keys::ED25519_PRIVATE].concat();
    let rows = rows.map(|(text, problem)| (text.to_owned(), problem.to_owned()));
    let jwks = [
        (without(rfc8037(), "d"), "it has no private key (\"d\")"),
        (changed(rfc8037(), "d", json!("a b")), "\"d\" is not unpadded base64url"),
        (changed(rfc8037(), "d", json!("AAEC")), "an Ed25519 private key has 32 bytes"),
        (changed(rfc8037(), "d", json!(zeros)), "the private key is a single byte, repeated"),
        (changed(rfc7515(), "d", json!(zeros)), "the private key is a single byte, repeated"),
        (
            changed(rfc7515(), "d", json!("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE")),
            "it is not a valid private key on P-256",
        ),
        (
            changed(rfc7515(), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
            "its public members do not belong to its private key",
        ),
        (
            changed(rfc8037(), "x", json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")),
            "its public members do not belong to its private key",
        ),
        (changed(rfc7515(), "alg", json!("ES384")), "its \"alg\" is not ES256"),
        (changed(rfc8037(), "alg", json!("Ed25519")), "its \"alg\" is not EdDSA"),
        (changed(rfc8037(), "use", json!("enc")), "its \"use\" is not \"sig\""),
    ];
    let jwks = jwks.map(|(jwk, problem)| (jwk.to_string(), problem.to_owned()));
    let several = (both, "it contains more than one private key".to_owned());
    table(rows.into_iter().chain(jwks).chain([several]), |text| {
        SigningKey::from_text(text).unwrap_err().to_string()
    });
}

#[test]
fn debug_output_contains_no_private_key() {
    let shown = format!("{:?}", key(rfc8037()));
    let id = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(shown, format!("SigningKey {{ id: \"{id}\", algorithm: EdDSA, .. }}"));
}
