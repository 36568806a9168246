//! Which keys of a set are tried for a token.

use crate::kit::{
    Call, Gate, Signer, hs_issuer, keys, now, payload, policy, rs_issuer, table, with,
};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const UNKNOWN_KEY: &str = "401 unknown_key";
const BAD_SIGNATURE: &str = "401 bad_signature";

/// A gate whose issuer has these shared secrets, each with a `kid` (or none) and the secret's name.
fn gate(set: &[(Option<&str>, &str)]) -> Gate {
    let set: Vec<_> = set
        .iter()
        .map(|(kid, secret)| with(keys::oct_jwk(&secret_of(secret)), json!({ "kid": kid })))
        .collect();
    Gate::new(&policy(with(hs_issuer(), json!({ "keys": { "jwks": { "keys": set } } }))))
}

fn secret_of(name: &str) -> Vec<u8> {
    format!("{name}{}", keys::SECRET).into()
}

/// Checks the verdicts on tokens with this `kid` (or none) that are signed with the named secret.
fn check(set: &[(Option<&str>, &str)], rows: &[((Option<&str>, &str), &str)]) {
    let gate = gate(set);
    table(rows.iter().copied(), |(kid, secret)| gate.token(&token(*kid, secret)));
}

fn token(kid: Option<&str>, secret: &str) -> String {
    let header = with(json!({ "alg": "HS256" }), json!({ "kid": kid }));
    Signer::hmac(256, secret_of(secret)).token(header.to_string(), payload(&[]))
}

#[test]
fn a_kid_selects_the_keys_with_that_name() {
    check(
        &[(Some("a"), "A"), (Some("b"), "B")],
        &[
            ((Some("a"), "A"), "200"),
            ((Some("b"), "B"), "200"),
            ((Some("a"), "B"), BAD_SIGNATURE),
            ((Some("b"), "A"), BAD_SIGNATURE),
            ((Some("c"), "A"), UNKNOWN_KEY),
            ((Some("A"), "A"), UNKNOWN_KEY),
            ((Some(""), "A"), UNKNOWN_KEY),
        ],
    );
}

#[test]
fn attack_24_tries_both_of_two_keys_with_one_name() {
    check(
        &[(Some("a"), "A"), (Some("a"), "B"), (Some("c"), "C")],
        &[((Some("a"), "A"), "200"), ((Some("a"), "B"), "200"), ((Some("a"), "C"), BAD_SIGNATURE)],
    );
}

#[test]
fn attack_24_tries_up_to_four_keys_without_a_kid() {
    let keys = [(Some("a"), "A"), (Some("b"), "B"), (Some("c"), "C"), (Some("d"), "D")];
    check(&keys[..1], &[((None, "A"), "200"), ((None, "B"), BAD_SIGNATURE)]);
    let all = ["A", "B", "C", "D"].map(|secret| ((None, secret), "200"));
    check(&keys, &all);
    // If more keys match than may be tried, none is tried.
    let five = [keys.as_slice(), &[(Some("e"), "E")]].concat();
    check(&five, &all.map(|(token, _)| (token, UNKNOWN_KEY)));
    check(&five, &[((Some("e"), "E"), "200")]);
}

#[test]
fn attack_24_tries_no_key_if_more_than_four_have_the_name() {
    let five = ["A", "B", "C", "D", "E"].map(|secret| (Some("a"), secret));
    check(&five[..4], &[((Some("a"), "D"), "200")]);
    check(&five, &[((Some("a"), "A"), UNKNOWN_KEY), ((Some("a"), "E"), UNKNOWN_KEY)]);
}

#[test]
fn a_key_without_a_name_matches_every_kid() {
    check(
        &[(None, "N"), (Some("a"), "A")],
        &[
            ((Some("a"), "A"), "200"),
            ((Some("a"), "N"), "200"),
            ((Some("z"), "N"), "200"),
            ((Some("z"), "A"), BAD_SIGNATURE),
            ((None, "N"), "200"),
            ((None, "A"), "200"),
        ],
    );
}

#[test]
fn attack_24_a_key_verifies_only_its_own_alg() {
    let key = |algorithm: &str, secret: &str| {
        with(keys::oct_jwk(&secret_of(secret)), json!({ "alg": algorithm }))
    };
    let set = json!([key("HS256", "A"), key("HS512", "B")]);
    let algorithms = json!(["HS256", "HS384", "HS512"]);
    let keys = json!({ "jwks": { "keys": set } });
    let issuer = with(hs_issuer(), json!({ "algorithms": algorithms, "keys": keys }));
    let gate = Gate::new(&policy(issuer));
    let rows = [
        ((256, "A"), "200"),
        ((512, "B"), "200"),
        ((512, "A"), BAD_SIGNATURE),
        ((256, "B"), BAD_SIGNATURE),
        ((384, "A"), UNKNOWN_KEY),
        ((384, "B"), UNKNOWN_KEY),
    ];
    table(rows, |(bits, secret)| {
        gate.token(&Signer::hmac(*bits, secret_of(secret)).signed(payload(&[])))
    });
}

#[test]
fn attack_24_uses_the_valid_keys_of_a_set() {
    let good = with(keys::rsa_jwk(keys::RSA_PRIVATE), json!({ "kid": "k" }));
    let broken: [Value; 8] = [
        json!({ "kty": "XYZ", "kid": "k" }),
        with(good.clone(), json!({ "use": "enc" })),
        with(good.clone(), json!({ "key_ops": ["sign"] })),
        with(good.clone(), json!({ "d": "AQAB" })),
        with(good.clone(), json!({ "alg": "RS512" })),
        with(good.clone(), json!({ "e": "Aw" })),
        keys::oct_jwk(keys::SECRET.as_bytes()),
        Value::Null,
    ];
    let token = Signer::rs256().token(r#"{"alg":"RS256","kid":"k"}"#, payload(&[]));
    for at in 0..=broken.len() {
        let mut set = broken.to_vec();
        set.insert(at, good.clone());
        let keys = json!({ "jwks": { "keys": set } });
        let gate = Gate::new(&policy(with(rs_issuer(), json!({ "keys": keys }))));
        assert_eq!(gate.token(&token), "200", "{at}");
    }
}

/// Logs contain the name of the key, never the `kid` of the token.
#[test]
fn the_trace_names_the_key_that_verified_the_signature() {
    let gate = gate(&[(None, "N"), (Some("a"), "A")]);
    let named = |kid: Option<&str>, secret: &str| {
        let call = Call::get("/").bearer(&token(kid, secret));
        gate.trace(&call, now()).0.key
    };
    assert_eq!(named(Some("a"), "A").as_deref(), Some("a"));
    assert_eq!(named(None, "A").as_deref(), Some("a"));
    assert_eq!(named(Some("a"), "N").as_deref(), Some("secret"));
    assert_eq!(named(Some("injected\r\n"), "N").as_deref(), Some("secret"));
    assert_eq!(named(Some("a"), "X"), None);
    let gate = Gate::rs();
    let call = Call::get("/").bearer(&Signer::rs256().signed(payload(&[])));
    let name = gate.trace(&call, now()).0.key.unwrap();
    assert_eq!(name.len(), 43, "the thumbprint of a key without a name");
}
