//! ML-DSA (FIPS 204; ML-DSA for JOSE and COSE): keys of `kty` AKP, their PEM, and signatures.

use super::{ADMITTED, BAD_SIGNATURE, Pair, UNKNOWN_KEY, check_keys, gate, pem};
use crate::kit::{b64, payload, table, with};
use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PAIRS: [Pair; 3] = [Pair::MlDsa44, Pair::MlDsa65, Pair::MlDsa87];

#[test]
fn mldsa_jose_rejects_malformed_and_changed_signatures() {
    for pair in PAIRS {
        let gate = gate(&[pair.algorithm()], &[pair.jwk()]);
        let input = format!("{}.{}", b64(pair.header()), b64(payload(&[])));
        let good = pair.sign(&input);
        let mut rows = vec![
            (good.clone(), ADMITTED),
            // The context string is part of the signed message (FIPS 204 section 5.2). JOSE uses
            // the empty context.
            (pair.sign_in_context(input.as_bytes(), b"JWT"), BAD_SIGNATURE),
            (pair.sign(&input[1..]), BAD_SIGNATURE),
            (good[..good.len() - 1].to_vec(), BAD_SIGNATURE),
            (good[1..].to_vec(), BAD_SIGNATURE),
            ([&good[..], b"\0"].concat(), BAD_SIGNATURE),
            ([b"\0", &good[..]].concat(), BAD_SIGNATURE),
            (vec![0; good.len()], BAD_SIGNATURE),
            (vec![0xff; good.len()], BAD_SIGNATURE),
            (vec![0], BAD_SIGNATURE),
        ];
        for at in (0..good.len()).step_by(97).chain([good.len() - 1]) {
            let mut changed = good.clone();
            changed[at] ^= 1;
            rows.push((changed, BAD_SIGNATURE));
        }
        table(rows, |signature| gate.token(&format!("{input}.{}", b64(signature))));
    }
}

#[test]
fn mldsa_jose_skips_keys_that_do_not_match_their_algorithm() {
    for pair in PAIRS {
        let jwk = pair.jwk();
        let set = |changes: Value| with(jwk.clone(), changes);
        let public = pair.public();
        const LENGTH: &str = "its length does not match its parameter set";
        let mut null = jwk.clone();
        null["priv"] = Value::Null;
        let mut rows = vec![
            (jwk.clone(), ""),
            (set(json!({ "use": "sig", "key_ops": ["verify"], "kid": "k" })), ""),
            (set(json!({ "alg": null })), "\"alg\" is missing"),
            (set(json!({ "alg": 44 })), "\"alg\" is not a string"),
            (set(json!({ "alg": "ML-DSA" })), "\"alg\""),
            (set(json!({ "alg": "RS256" })), "\"alg\" is not an algorithm for AKP keys"),
            (set(json!({ "kty": "OKP" })), "\"crv\" is missing"),
            (set(json!({ "kty": "MLWE" })), "\"kty\" is not supported"),
            (set(json!({ "pub": null })), "\"pub\" is missing"),
            (set(json!({ "pub": "" })), LENGTH),
            (set(json!({ "pub": b64(&public[1..]) })), LENGTH),
            (set(json!({ "pub": b64([&public[..], b"\0"].concat()) })), LENGTH),
            (set(json!({ "pub": format!("{}=", b64(&public)) })), "base64url"),
            (set(json!({ "priv": b64([0x5e; 32]) })), "a private key"),
            (null, ""),
            (set(json!({ "use": "enc" })), "\"use\""),
        ];
        for other in PAIRS.into_iter().filter(|other| *other != pair) {
            rows.push((set(json!({ "pub": b64(other.public()) })), LENGTH));
            rows.push((other.jwk(), "\"alg\""));
        }
        check_keys(pair, rows);
    }
}

#[test]
fn attack_03_rejects_tokens_of_another_parameter_set() {
    let algorithms = PAIRS.map(Pair::algorithm);
    for held in PAIRS {
        let gate = gate(&algorithms, &[held.jwk()]);
        for other in PAIRS.into_iter().filter(|other| *other != held) {
            assert_eq!(gate.token(&other.signed(payload(&[]))), UNKNOWN_KEY);
            assert_eq!(gate.token(&other.token(held.header(), payload(&[]))), BAD_SIGNATURE);
        }
    }
}

/// Encodes a DER value.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
    let head = if length < 0x80 { vec![tag, low] } else { vec![tag, 0x82, high, low] };
    [head, content.to_vec()].concat()
}

/// Encodes an SPKI (RFC 9881 section 4): the algorithm's OID and parameters, and the key.
fn spki(pair: Pair, public: &[u8], parameters: &[u8]) -> Vec<u8> {
    let last = match pair {
        Pair::MlDsa44 => 0x11,
        Pair::MlDsa65 => 0x12,
        _ => 0x13,
    };
    let name = der(6, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, last]);
    let algorithm = der(0x30, &[&name[..], parameters].concat());
    let key = der(3, &[b"\0", public].concat());
    der(0x30, &[algorithm, key].concat())
}

#[test]
fn rfc9881_section_4_imports_spki_and_certificates() {
    for pair in PAIRS {
        let good = spki(pair, &pair.public(), b"");
        assert!(pem::admits(pair, &pem::spki(&good)));
        // A certificate (RFC 5280 section 4.1) with empty values in the fields that are not read.
        let empty = der(0x30, b"");
        let to_be_signed = [
            der(0xa0, &der(2, b"\x02")),
            der(2, b"\x01"),
            empty.clone(),
            empty.clone(),
            empty.clone(),
            empty.clone(),
            good.clone(),
        ];
        let parts = [der(0x30, &to_be_signed.concat()), empty, der(3, b"\0\0")];
        let certificate = Base64::encode_string(&der(0x30, &parts.concat()));
        let text =
            format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
        assert!(pem::admits(pair, &text));
        let short = spki(pair, &pair.public()[1..], b"");
        assert!(pem::fault(pair.algorithm(), &pem::spki(&short)).contains("length"));
        let other = PAIRS.into_iter().find(|other| *other != pair).unwrap();
        assert!(pem::fault(other.algorithm(), &pem::spki(&good)).contains("none of the issuer's"));
        let odd = spki(other, &pair.public(), b"");
        assert!(pem::fault(other.algorithm(), &pem::spki(&odd)).contains("length"));
    }
}
