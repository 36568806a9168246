//! What the gate discloses about a policy to the console's page: public keys, and of secrets only
//! the names of their bindings.

use crate::kit::keys::{OTHER_SECRET, RSA_PRIVATE, RSA_SPKI, SECRET, oct_jwk, rsa_jwk};
use crate::kit::{Gate, Held, b64, hs_issuer, now, policy, rs_issuer, table, with};
use portcullis::alg::Algorithm;
use portcullis::disclosure;
use portcullis::issuer_id::IssuerId;
use portcullis::json::text::ObjectText;
use portcullis::keys::cache::Dated;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::keys::pem;
use portcullis::time::Seconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn tell(raw: &Value, gate: &Gate) -> Value {
    let mut told = ObjectText::new();
    disclosure::tell(&mut told, raw.clone(), &gate.policy, &gate.memory.keys);
    let text = told.finish();
    for secret in [SECRET, OTHER_SECRET] {
        assert!(!text.contains(secret) && !text.contains(&b64(secret)), "{text}");
    }
    serde_json::from_str(&text).unwrap()
}

fn of_keys(issuer: Value, keys: Value) -> Value {
    let raw = policy(with(issuer, json!({ "keys": keys })));
    let bindings =
        Held::usual().value("SECRETS", json!({ "keys": [oct_jwk(SECRET.as_bytes())] })).value(
            "MIXED",
            json!({ "keys": [rsa_jwk(RSA_PRIVATE), oct_jwk(SECRET.as_bytes())] }).to_string(),
        );
    tell(&raw, &Gate::bound(&raw, &bindings))
}

#[test]
fn discloses_only_the_names_of_secrets() {
    let rows = [
        (json!({ "secret": "SECRET" }), json!(["SECRET"])),
        (json!({ "secret": ["SECRET", "OTHER_SECRET"] }), json!(["SECRET", "OTHER_SECRET"])),
        (json!({ "jwks": "SECRETS" }), json!(["SECRETS"])),
        (
            json!({ "jwks": { "keys": [oct_jwk(SECRET.as_bytes())] } }),
            json!(["issuers[0].keys.jwks"]),
        ),
        (json!({ "jwks": oct_jwk(SECRET.as_bytes()) }), json!(["issuers[0].keys.jwks"])),
    ];
    table(rows, |keys| {
        let told = of_keys(hs_issuer(), keys.clone());
        assert_eq!(told["keys"], json!({}));
        told["secrets"].clone()
    });
}

#[test]
fn discloses_the_name_of_the_proof_secret() {
    let forward = json!({ "proof": { "secret": "OTHER_SECRET" } });
    let raw = with(policy(hs_issuer()), json!({ "forward": forward }));
    assert_eq!(tell(&raw, &Gate::new(&raw))["secrets"], json!(["SECRET", "OTHER_SECRET"]));
}

#[test]
fn discloses_public_keys_as_imported() {
    let expected = with(rsa_jwk(RSA_PRIVATE), json!({ "alg": "RS256" }));
    let private = with(rsa_jwk(RSA_PRIVATE), json!({ "d": b64(SECRET), "kid": "private" }));
    let noted = with(rsa_jwk(RSA_PRIVATE), json!({ "note": SECRET }));
    let oct = oct_jwk(SECRET.as_bytes());
    let rows = [
        (json!({ "pem": "PEM" }), 0),
        (json!({ "jwks": "MIXED" }), 1),
        (json!({ "jwks": { "keys": [noted, private, oct] } }), 2),
    ];
    for (keys, skipped) in rows {
        let told = of_keys(rs_issuer(), keys.clone());
        let of_issuer = &told["keys"]["i"];
        assert_eq!(of_issuer["jwks"]["keys"], json!([expected]), "{keys}");
        assert_eq!(of_issuer["skipped"].as_array().unwrap().len(), skipped, "{keys}");
        assert_eq!(told["secrets"], json!([]));
        if keys["jwks"].is_object() {
            assert_eq!(told["policy"]["issuers"][0]["keys"]["jwks"]["keys"], json!([expected]));
        }
    }
}

#[test]
fn discloses_fetched_keys_and_when_they_were_fetched() {
    let raw = policy(with(rs_issuer(), json!({ "keys": { "jwks_uri": "https://i/keys" } })));
    let mut gate = Gate::new(&raw);
    assert_eq!(tell(&raw, &gate)["keys"], json!({}));
    let set = json!({ "keys": [rsa_jwk(RSA_PRIVATE), { "kty": "oct", "k": b64(SECRET) }] });
    let set = set.as_object().unwrap();
    let value = jwk::import(set, &[Algorithm::RS256], Provenance::Network).unwrap();
    let cache = gate.memory.keys.get_mut(IssuerId::new(0)).unwrap();
    cache.succeeded(Dated { value, fetched: now(), fresh_for: Seconds::new(600) });
    let told = tell(&raw, &gate)["keys"]["i"].take();
    assert_eq!((&told["fetched"], &told["fresh_for"]), (&json!(now().get()), &json!(600)));
    assert_eq!(
        told["skipped"],
        json!([{ "index": 1, "why": "it is a shared secret, which must not be published" }])
    );
}

#[test]
fn a_public_jwk_imports_as_the_same_key() {
    for algorithms in [&[Algorithm::RS256][..], &[Algorithm::RS256, Algorithm::PS256]] {
        let keys = pem::import(RSA_SPKI, algorithms).unwrap();
        let key = &keys.keys()[0];
        let told: Value = serde_json::from_str(&key.to_public_jwk().unwrap()).unwrap();
        let again =
            jwk::import(told.as_object().unwrap(), algorithms, Provenance::Operator).unwrap();
        assert_eq!(again.keys()[0].algorithms(), key.algorithms());
        assert_eq!(again.keys()[0].material().thumbprint(), key.material().thumbprint());
    }
}
