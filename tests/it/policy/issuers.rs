//! The list `issuers`.

use super::check;
use crate::kit::{Held, hs_issuer, policy, rs_issuer, warnings, with};
use portcullis::alg::Algorithm;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns a policy whose only issuer is that of the base token, with some keys changed.
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
fn requires_name_issuer_audience_algorithms_and_keys() {
    let mut empty = policy(hs_issuer());
    empty["issuers"] = json!([{}]);
    check([
        (
            empty,
            vec![
                ("issuers[0].name", "missing", "a short name"),
                ("issuers[0].issuer", "missing", "\"*\" to accept any"),
                ("issuers[0].audience", "missing", "\"*\" to accept any"),
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
            vec![("issuers[0].issuer", "\"*\" accepts every value", "remove it")],
        ),
        (
            one(json!({ "audience": ["*", "api"] })),
            vec![("issuers[0].audience", "\"*\" accepts every value", "remove it")],
        ),
        (one(json!({ "audience": { "api": 1 } })), vec![("issuers[0].audience", "a table", "")]),
        (one(json!({ "audience": [""] })), vec![("issuers[0].audience[0]", "an empty string", "")]),
    ]);
}

/// In a key of the revocation store, a name is followed by `:` and a value of the token.
#[test]
fn rejects_names_that_make_revocation_keys_ambiguous() {
    let name = |name: &str| one(json!({ "name": name }));
    let is_not_accepted = |text: &str| {
        (name(text), vec![("issuers[0].name", "is not an accepted name", "1 to 64 letters")])
    };
    let long = "n".repeat(65);
    check(["a:b", ":", "a b", "a/b", "é", "a\n", &long].map(is_not_accepted));
    check([(name(""), vec![("issuers[0].name", "", "1 to 64 letters")])]);
    let accepted = ["a", "A.b_c-9", &long[1..]];
    check(accepted.map(|text| (name(text), vec![])));
}

#[test]
fn warns_of_any_issuer_and_any_audience() {
    let raw = one(json!({ "issuer": "*", "audience": "*" }));
    check([(raw.clone(), vec![])]);
    let places: Vec<_> =
        warnings(&raw, &Held::usual()).into_iter().map(|warning| warning.path).collect();
    assert_eq!(places, ["issuers[0].issuer", "issuers[0].audience"]);
}

#[test]
fn rejects_unknown_algorithms() {
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
fn rfc8725_section_3_1_does_not_combine_secrets_and_public_keys() {
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
                ("issuers[0].keys.secret", "cannot use a shared secret", "HS256"),
                ("issuers[0].keys.secret", "none of the issuer's algorithms", ""),
            ],
        ),
        (
            one(json!({ "keys": { "pem": "PEM" } })),
            vec![
                ("issuers[0].keys.pem", "HMAC cannot use a public key", "RS256"),
                ("issuers[0].keys.pem", "none of the issuer's algorithms", ""),
            ],
        ),
    ]);
}

#[test]
fn requires_exactly_one_source_of_keys() {
    let of = |keys: Value| one(json!({ "keys": keys }));
    check([
        (
            of(json!({})),
            vec![("issuers[0].keys", "there is no source of keys", "pem = \"BINDING\"")],
        ),
        (of(json!("SECRET")), vec![("issuers[0].keys", "a string, not a table", "")]),
        (
            of(json!({ "secret": "SECRET", "pem": "PEM", "jwks": "JWKS" })),
            vec![("issuers[0].keys", "there are 3 sources of keys, but only one is possible", "")],
        ),
        (of(json!({ "secret": 1 })), vec![("issuers[0].keys.secret", "a number, not a list", "")]),
        (of(json!({ "secret": [] })), vec![("issuers[0].keys.secret", "an empty list", "")]),
        (
            of(json!({ "secret": "SECRET", "encoding": "base32" })),
            vec![("issuers[0].keys.encoding", "\"base32\" is not an accepted value", "\"hex\"")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "pem": "PEM", "encoding": "hex" } }))),
            vec![("issuers[0].keys.encoding", "only secrets have an encoding", "remove it")],
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
            vec![("issuers[0].keys.jwks", "is JSON, but not an object", "")],
        ),
        (
            policy(with(rs_issuer(), json!({ "keys": { "pem": "SECRET" } }))),
            vec![("issuers[0].keys.pem", "no PEM block", "")],
        ),
    ]);
}

#[test]
fn rejects_values_of_the_wrong_type_or_range() {
    let place = |key| ["issuers[0].", key].concat();
    for (key, value, problem) in [
        ("leeway", json!(301), "not a whole number of seconds"),
        ("leeway", json!(-1), "not a whole number of seconds"),
        ("leeway", json!("60"), "not a whole number of seconds"),
        ("leeway", json!(0.5), "not a whole number of seconds"),
        ("leeway", json!(null), "not a whole number of seconds"),
        ("max_age", json!(0), "not a whole number of seconds"),
        ("max_age", json!(31_536_001), "not a whole number of seconds"),
        ("expiry", json!("none"), "\"none\" is not an accepted value"),
        ("expiry", json!(false), "true or false, not a string"),
        ("types", json!("JWT"), "a string, not a list"),
        ("types", json!(["portcullis-proof+jwt"]), "the type of the gate's hop proofs"),
        (
            "types",
            json!(["JWT", "application/Portcullis-Proof+JWT"]),
            "the type of the gate's hop proofs",
        ),
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
fn rejects_two_issuers_with_the_same_name_or_iss() {
    let name = ("issuers[1].name", "issuers[0] has the same name", "a different name");
    let iss = ("issuers[1].issuer", "issuers[0] accepts the same iss with HS256", "merge the two");
    check([
        (two(json!({})), vec![]),
        (two(json!({ "name": "i" })), vec![name]),
        (two(json!({ "issuer": "https://i" })), vec![iss]),
        (two(json!({ "issuer": ["https://j", "https://i"] })), vec![iss]),
        (two(json!({ "issuer": "https://i", "name": "i" })), vec![name, iss]),
        (two(json!({ "issuer": "https://i/" })), vec![]),
        // Their algorithms distinguish them.
        (two(json!({ "issuer": "https://i", "algorithms": ["HS512"] })), vec![]),
        (two(json!({ "issuer": "https://i", "algorithms": ["HS512", "HS256"] })), vec![iss]),
        // At most one issuer may accept any `iss`.
        (two(json!({ "issuer": "*" })), vec![]),
    ]);
    let mut both = two(json!({ "issuer": "*" }));
    both["issuers"][0]["issuer"] = json!("*");
    check([(both, vec![iss])]);
}

#[test]
fn attack_20_rejects_invalid_templates_and_tenants() {
    let tenants =
        |issuer: Value, tenants: Value| one(json!({ "issuer": issuer, "tenants": tenants }));
    check([
        (tenants(json!("https://l/{tid}/v2"), json!(["a", "b-c.d_e"])), vec![]),
        (
            tenants(json!("https://l/{tid}/v2"), json!(["a/../b", "a?", "a#", "a b", "{x}", "é"])),
            vec![
                ("issuers[0].tenants[0]", "not a tenant ID", "letters, digits"),
                ("issuers[0].tenants[1]", "not a tenant ID", ""),
                ("issuers[0].tenants[2]", "not a tenant ID", ""),
                ("issuers[0].tenants[3]", "not a tenant ID", ""),
                ("issuers[0].tenants[4]", "not a tenant ID", ""),
                ("issuers[0].tenants[5]", "not a tenant ID", ""),
            ],
        ),
        (
            tenants(json!("https://l/{tid}/v2"), json!(null)),
            vec![("issuers[0].issuer", "no tenants are listed", "tenants = ")],
        ),
        (
            tenants(json!("https://l/v2"), json!(["a"])),
            vec![("issuers[0].tenants", "contains no placeholder", "{tid}")],
        ),
        (
            tenants(json!("*"), json!(["a"])),
            vec![("issuers[0].tenants", "contains no placeholder", "")],
        ),
        (
            tenants(json!("https://l/{}/v2"), json!(["a"])),
            vec![("issuers[0].issuer", "a single placeholder", "one {claim}")],
        ),
        (
            tenants(json!("https://l/{a}/{b}"), json!(["a"])),
            vec![("issuers[0].issuer", "a single placeholder", "")],
        ),
        (
            tenants(json!("https://l/{a"), json!(["a"])),
            vec![("issuers[0].issuer", "a single placeholder", "")],
        ),
        (
            tenants(json!("https://l/a}"), json!(["a"])),
            vec![("issuers[0].issuer", "a single placeholder", "")],
        ),
        (
            tenants(json!(["https://l/{a}", "https://i"]), json!(["a"])),
            vec![("issuers[0].issuer", "a single placeholder", "")],
        ),
        (
            tenants(json!("https://l/{tid}"), json!([])),
            vec![("issuers[0].tenants", "an empty list", "")],
        ),
    ]);
}

#[test]
fn rejects_invalid_claim_rules() {
    check([
        (one(json!({ "claims": [{ "path": "x", "equals": 1 }] })), vec![]),
        (
            one(json!({ "claims": [{ "path": "x", "equals": [1] }, { "equal": 1 }, {}] })),
            vec![
                ("issuers[0].claims[0]", "not a string, number or boolean", "one_of"),
                ("issuers[0].claims[1].equal", "unknown key", "did you mean equals?"),
                ("issuers[0].claims[1].path", "missing", "a claim's name"),
                ("issuers[0].claims[1]", "exactly one condition", "one of equals"),
                ("issuers[0].claims[2].path", "missing", "a claim's name"),
                ("issuers[0].claims[2]", "exactly one condition", "one of equals"),
            ],
        ),
        (one(json!({ "claims": "x" })), vec![("issuers[0].claims", "a string, not a list", "")]),
    ]);
}

/// An operator may write a secret into the wrong key of the policy by mistake.
#[test]
fn faults_do_not_contain_misplaced_secrets() {
    const MISPLACED_SECRET: &str = "correct-horse-battery-staple-correct-horse-battery-staple";
    let policies = [
        set("keys", json!({ "secret": 1, "jwks": MISPLACED_SECRET })),
        set("audience", json!({ MISPLACED_SECRET: MISPLACED_SECRET })),
        set("leeway", json!(MISPLACED_SECRET)),
        set("max_age", json!(MISPLACED_SECRET)),
        set("types", json!(MISPLACED_SECRET)),
    ];
    for raw in policies {
        for fault in crate::kit::faults(&raw, &Held::usual()) {
            assert!(!fault.to_string().contains(MISPLACED_SECRET), "{fault}");
        }
    }
}
