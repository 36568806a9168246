//! Issuers that are none, and issuers that are two.

use super::check;
use crate::kit::{Held, hs_issuer, policy, rs_issuer, warnings, with};
use portcullis::alg::Algorithm;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The base token's issuer, with one key that is of the wrong sort or missing.
fn one(changes: Value) -> Value {
    policy(with(hs_issuer(), changes))
}

fn set(key: &str, value: Value) -> Value {
    let mut raw = policy(hs_issuer());
    raw["issuers"][0][key] = value;
    raw
}

fn two(changes: Value) -> Value {
    let mut raw = policy(hs_issuer());
    let other = json!({ "name": "j", "issuer": "https://j" });
    raw["issuers"].as_array_mut().unwrap().push(with(with(hs_issuer(), other), changes));
    raw
}

#[test]
fn what_an_issuer_must_say() {
    let mut empty = policy(hs_issuer());
    empty["issuers"] = json!([{}]);
    check([
        (
            empty,
            vec![
                ("issuers[0].name", "missing", "a short name"),
                ("issuers[0].issuer", "missing", "\"*\" to waive it"),
                ("issuers[0].audience", "missing", "\"*\" to waive it"),
                ("issuers[0].algorithms", "missing", "[\"RS256\"]"),
                ("issuers[0].keys", "missing", "keys = { secret = \"BINDING\" }"),
            ],
        ),
        (one(json!({ "issuer": "" })), vec![("issuers[0].issuer", "", "a string or a list")]),
        (one(json!({ "issuer": [] })), vec![("issuers[0].issuer", "an empty list", "")]),
        (
            one(json!({ "issuer": ["https://i", 1] })),
            vec![("issuers[0].issuer[1]", "not a string", "")],
        ),
        (
            one(json!({ "issuer": ["https://i", "*"] })),
            vec![("issuers[0].issuer", "\"*\" beside", "alone")],
        ),
        (
            one(json!({ "audience": ["*", "api"] })),
            vec![("issuers[0].audience", "\"*\" beside", "alone")],
        ),
        (one(json!({ "audience": { "api": 1 } })), vec![("issuers[0].audience", "a table", "")]),
        (one(json!({ "audience": [""] })), vec![("issuers[0].audience[0]", "something in it", "")]),
    ]);
}

#[test]
fn waiving_a_name_is_worth_a_warning() {
    let raw = one(json!({ "issuer": "*", "audience": "*" }));
    check([(raw.clone(), vec![])]);
    let places: Vec<_> =
        warnings(&raw, &Held::usual()).into_iter().map(|warning| warning.path).collect();
    assert_eq!(places, ["issuers[0].issuer", "issuers[0].audience"]);
}

#[test]
fn algorithms() {
    let of = |algorithms: Value| one(json!({ "algorithms": algorithms }));
    let place = "issuers[0].algorithms[0]";
    for name in ["none", "None", "", "hs256", "HS1", "RS1", "RSA-OAEP", "A128KW", "dir", "ES256 "] {
        let problem = if name.is_empty() { "not a string" } else { "is not an algorithm" };
        check([(of(json!([name])), vec![(place, problem, "")])]);
    }
    check([
        (of(json!([])), vec![("issuers[0].algorithms", "an empty list", "")]),
        (of(json!("HS256")), vec![("issuers[0].algorithms", "a string, not a list", "")]),
        (of(json!([256])), vec![(place, "not a string", "")]),
        (of(json!(["HS256", "HS256"])), vec![]),
        (of(json!(["HS512", "HS256", "HS384"])), vec![]),
    ]);
    for name in ["ES512", "ES256K", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        if let Some(feature) = Algorithm::missing_feature(name) {
            let raw = policy(with(rs_issuer(), json!({ "algorithms": ["RS256", name] })));
            check([(raw, vec![("issuers[0].algorithms[1]", name, feature)])]);
        }
    }
}

#[test]
fn rfc8725_section_3_1_one_side_of_the_line() {
    let mixed = "symmetric and asymmetric algorithms";
    check([
        (
            policy(with(rs_issuer(), json!({ "algorithms": ["RS256", "HS256"] }))),
            vec![("issuers[0].algorithms", mixed, "two issuers")],
        ),
        (
            one(json!({ "algorithms": ["HS256", "ES256"] })),
            vec![("issuers[0].algorithms", mixed, "two issuers")],
        ),
        (
            one(json!({ "algorithms": ["RS256"] })),
            vec![
                ("issuers[0].keys.secret", "a shared secret for algorithms", "HS256"),
                ("issuers[0].keys.secret", "none of the issuer's algorithms", ""),
            ],
        ),
        (
            one(json!({ "keys": { "pem": "PEM" } })),
            vec![
                ("issuers[0].keys.pem", "a public key for HMAC", "RS256"),
                ("issuers[0].keys.pem", "none of the issuer's algorithms", ""),
            ],
        ),
    ]);
}

#[test]
fn sources_of_keys() {
    let of = |keys: Value| one(json!({ "keys": keys }));
    check([
        (of(json!({})), vec![("issuers[0].keys", "no source of keys", "pem = \"BINDING\"")]),
        (of(json!("SECRET")), vec![("issuers[0].keys", "a string, not a table", "")]),
        (
            of(json!({ "secret": "SECRET", "pem": "PEM", "jwks": "JWKS" })),
            vec![("issuers[0].keys", "3 sources of keys, and only one can count", "")],
        ),
        (of(json!({ "secret": 1 })), vec![("issuers[0].keys.secret", "a number, not a list", "")]),
        (of(json!({ "secret": [] })), vec![("issuers[0].keys.secret", "an empty list", "")]),
        (
            of(json!({ "secret": "SECRET", "encoding": "base32" })),
            vec![("issuers[0].keys.encoding", "\"base32\" is not a choice", "\"hex\"")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "pem": "PEM", "encoding": "hex" } }))),
            vec![("issuers[0].keys.encoding", "only a secret has an encoding", "leave it out")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "pem": "NOWHERE" } }))),
            vec![("issuers[0].keys.pem", "there is no binding NOWHERE", "secret put NOWHERE")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "jwks": "NOWHERE" } }))),
            vec![("issuers[0].keys.jwks", "there is no binding NOWHERE", "")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "jwks": 17 } }))),
            vec![("issuers[0].keys.jwks", "not a JSON object", "")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "pem": "SECRET" } }))),
            vec![("issuers[0].keys.pem", "no PEM block", "")],
        ),
    ]);
}

#[test]
fn numbers_and_choices() {
    let place = |key| ["issuers[0].", key].concat();
    for (key, value, problem) in [
        ("leeway", json!(301), "not a number of seconds"),
        ("leeway", json!(-1), "not a number of seconds"),
        ("leeway", json!("60"), "not a number of seconds"),
        ("leeway", json!(0.5), "not a number of seconds"),
        ("leeway", json!(null), "not a number of seconds"),
        ("max_age", json!(0), "not a number of seconds"),
        ("max_age", json!(31_536_001), "not a number of seconds"),
        ("expiry", json!("none"), "\"none\" is not a choice"),
        ("expiry", json!(false), "true or false, not a string"),
        ("types", json!("JWT"), "a string, not a list"),
        ("types", json!(["portcullis-proof+jwt"]), "the gate's own proof"),
        ("types", json!(["JWT", "application/Portcullis-Proof+JWT"]), "the gate's own proof"),
        ("require", json!("sub"), "a string, not a list"),
        ("subject", json!([]), "an empty list"),
        ("scopes_claim", json!(["scope"]), "a list, not a string"),
        ("roles_claim", json!(1), "a number, not a string"),
        ("name", json!(["i"]), "a list, not a string"),
    ] {
        check([(set(key, value), vec![(place(key).as_str(), problem, "")])]);
    }
}

#[test]
fn two_issuers_that_are_one() {
    let name = ("issuers[1].name", "issuers[0] has the same name", "a name of its own");
    let iss = ("issuers[1].issuer", "issuers[0] claims the same iss", "one issuer of both");
    check([
        (two(json!({})), vec![]),
        (two(json!({ "name": "i" })), vec![name]),
        (two(json!({ "issuer": "https://i" })), vec![iss]),
        (two(json!({ "issuer": ["https://j", "https://i"] })), vec![iss]),
        (two(json!({ "issuer": "https://i", "name": "i" })), vec![name, iss]),
        (two(json!({ "issuer": "https://i/" })), vec![]),
        // At most one may be anybody's.
        (two(json!({ "issuer": "*" })), vec![]),
    ]);
    let mut both = two(json!({ "issuer": "*" }));
    both["issuers"][0]["issuer"] = json!("*");
    check([(both, vec![iss])]);
}

#[test]
fn attack_20_templates() {
    let tenants =
        |issuer: Value, tenants: Value| one(json!({ "issuer": issuer, "tenants": tenants }));
    check([
        (tenants(json!("https://l/{tid}/v2"), json!(["a", "b-c.d_e"])), vec![]),
        (
            tenants(json!("https://l/{tid}/v2"), json!(["a/../b", "a?", "a#", "a b", "{x}", "é"])),
            vec![
                ("issuers[0].tenants[0]", "not the identifier", "letters, digits"),
                ("issuers[0].tenants[1]", "not the identifier", ""),
                ("issuers[0].tenants[2]", "not the identifier", ""),
                ("issuers[0].tenants[3]", "not the identifier", ""),
                ("issuers[0].tenants[4]", "not the identifier", ""),
                ("issuers[0].tenants[5]", "not the identifier", ""),
            ],
        ),
        (
            tenants(json!("https://l/{tid}/v2"), json!(null)),
            vec![("issuers[0].issuer", "no tenants are named", "tenants = ")],
        ),
        (
            tenants(json!("https://l/v2"), json!(["a"])),
            vec![("issuers[0].tenants", "names no place", "{tid}")],
        ),
        (tenants(json!("*"), json!(["a"])), vec![("issuers[0].tenants", "names no place", "")]),
        (
            tenants(json!("https://l/{}/v2"), json!(["a"])),
            vec![("issuers[0].issuer", "one place", "one {claim}")],
        ),
        (
            tenants(json!("https://l/{a}/{b}"), json!(["a"])),
            vec![("issuers[0].issuer", "one place", "")],
        ),
        (
            tenants(json!("https://l/{a"), json!(["a"])),
            vec![("issuers[0].issuer", "one place", "")],
        ),
        (
            tenants(json!("https://l/a}"), json!(["a"])),
            vec![("issuers[0].issuer", "one place", "")],
        ),
        (
            tenants(json!(["https://l/{a}", "https://i"]), json!(["a"])),
            vec![("issuers[0].issuer", "one place", "")],
        ),
        (
            tenants(json!("https://l/{tid}"), json!([])),
            vec![("issuers[0].tenants", "an empty list", "")],
        ),
    ]);
}

#[test]
fn rules_for_claims() {
    check([
        (one(json!({ "claims": [{ "path": "x", "equals": 1 }] })), vec![]),
        (
            one(json!({ "claims": [{ "path": "x", "equals": [1] }, { "equal": 1 }, {}] })),
            vec![
                ("issuers[0].claims[0]", "not a string, number or boolean", "one_of"),
                ("issuers[0].claims[1].equal", "unknown key", "did you mean equals?"),
                ("issuers[0].claims[1].path", "missing", "a claim's name"),
                ("issuers[0].claims[1]", "one condition", "one of them"),
                ("issuers[0].claims[2].path", "missing", "a claim's name"),
                ("issuers[0].claims[2]", "one condition", "one of them"),
            ],
        ),
        (one(json!({ "claims": "x" })), vec![("issuers[0].claims", "a string, not a list", "")]),
    ]);
}

/// Operators write tokens, keys and secrets in the wrong place; a fault must not repeat them.
#[test]
fn a_fault_repeats_no_value_of_a_secret() {
    const SLIP: &str = "correct-horse-battery-staple-correct-horse-battery-staple";
    let slips = [
        set("keys", json!({ "secret": 1, "jwks": SLIP })),
        set("audience", json!({ SLIP: SLIP })),
        set("leeway", json!(SLIP)),
        set("max_age", json!(SLIP)),
        set("types", json!(SLIP)),
    ];
    for raw in slips {
        for fault in crate::kit::faults(&raw, &Held::usual()) {
            assert!(!fault.to_string().contains(SLIP), "{fault}");
        }
    }
}
