//! RSASSA-PSS signatures. OpenSSL made them, and `keys/pss.json` contains them.

use crate::kit::{Gate, b64, keys, payload, policy, rs_issuer, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn gate(algorithm: &str) -> Gate {
    Gate::new(&policy(with(rs_issuer(), json!({ "algorithms": [algorithm] }))))
}

/// Returns the rows of the file: the algorithm, a description, whether the signature is valid, and
/// the signature.
fn rows() -> Vec<(String, String, bool, String)> {
    let rows: Vec<Value> = serde_json::from_str(include_str!("keys/pss.json")).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| {
            let good = row["good"].as_bool().unwrap();
            (text(row, "algorithm"), text(row, "what"), good, text(row, "signature"))
        })
        .collect()
}

fn token(algorithm: &str, signature: &str) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    format!("{}.{}.{signature}", b64(header), b64(payload(&[])))
}

/// RFC 7518 section 3.5: the digest and the mask use the same hash, and the salt has its length.
#[test]
fn attack_13_requires_one_hash_throughout_and_a_salt_of_its_length() {
    let gates = ["PS256", "PS384", "PS512", "RS256"].map(|name| (name, gate(name)));
    let rows = rows().into_iter().map(|row| {
        let expected = if row.2 { "200" } else { "401 bad_signature" };
        (row, expected)
    });
    table(rows, |(algorithm, _, _, signature)| {
        let (_, gate) = gates.iter().find(|(name, _)| name == algorithm).unwrap();
        gate.token(&token(algorithm, signature))
    });
}

#[test]
fn attack_13_rejects_a_signature_under_another_algorithm_name() {
    let names = ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
    for (algorithm, what, _, signature) in rows().into_iter().filter(|row| row.2) {
        for name in names.into_iter().filter(|name| *name != algorithm) {
            let verdict = gate(name).token(&token(&algorithm, &signature));
            assert_eq!(
                verdict, "401 algorithm_not_allowed",
                "{what}: the token names {algorithm}, the gate accepts {name}"
            );
            let verdict = gate(name).token(&token(name, &signature));
            assert_eq!(verdict, "401 bad_signature", "{what}: the token names {name}");
        }
    }
}

#[test]
fn attack_13_a_key_restricted_to_rs256_verifies_no_pss_token() {
    let key = with(keys::rsa_jwk(keys::RSA_PRIVATE), json!({ "alg": "RS256" }));
    let issuer = json!({
        "algorithms": ["PS256", "RS256"],
        "keys": { "jwks": { "keys": [key] } },
    });
    let gate = Gate::new(&policy(with(rs_issuer(), issuer)));
    for (algorithm, _, _, signature) in rows().into_iter().filter(|row| row.2) {
        let expected = match algorithm.as_str() {
            "RS256" => "200",
            "PS256" => "401 unknown_key",
            _ => "401 algorithm_not_allowed",
        };
        assert_eq!(gate.token(&token(&algorithm, &signature)), expected);
    }
}

#[test]
fn attack_13_rejects_altered_pss_signatures() {
    let gate = gate("PS256");
    let (_, _, _, good) = rows().into_iter().find(|row| row.0 == "PS256" && row.2).unwrap();
    let bytes = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(&good).unwrap();
    let verdict = |bytes: &[u8]| gate.token(&token("PS256", &b64(bytes)));
    assert_eq!(verdict(&bytes), "200");
    let others = [
        [b"\0".as_slice(), &bytes].concat(),
        [bytes.as_slice(), b"\0"].concat(),
        bytes[1..].to_vec(),
        bytes[..255].to_vec(),
        vec![0; 256],
        vec![0xff; 256],
        vec![0],
        bytes.iter().rev().copied().collect(),
    ];
    table(others.map(|bytes| (bytes, "401 bad_signature")), |bytes| verdict(bytes));
    for at in (0..256).step_by(17) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(verdict(&changed), "401 bad_signature", "{at}");
    }
}
