//! ECDSA signatures.

use crate::kit::{Gate, b64, hs_issuer, payload, policy, table, with};
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha384, Sha512};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BAD_SIGNATURE: &str = "401 bad_signature";

/// The order of P-256's group.
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[0x5e; 32]).unwrap()
}

fn jwk_p256() -> Value {
    let point = key().verifying_key().to_sec1_point(false);
    jwk("P-256", point.as_bytes())
}

fn jwk_p384() -> Value {
    let key = p384::ecdsa::SigningKey::from_slice(&[0x5e; 48]).unwrap();
    jwk("P-384", key.verifying_key().to_sec1_point(false).as_bytes())
}

/// Makes a JWK from a point in SEC 1's uncompressed form.
fn jwk(curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y) })
}

fn gate(algorithms: Value, keys: Value) -> Gate {
    let source = json!({ "algorithms": algorithms, "keys": { "jwks": { "keys": keys } } });
    Gate::new(&policy(with(hs_issuer(), source)))
}

fn input(algorithm: &str) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    format!("{}.{}", b64(header), b64(payload(&[])))
}

/// Checks the verdict on the base token with each signature, under a P-256 key.
fn check(rows: impl IntoIterator<Item = (Vec<u8>, &'static str)>) {
    let gate = gate(json!(["ES256"]), json!([jwk_p256()]));
    let input = input("ES256");
    table(rows, |signature| gate.token(&format!("{input}.{}", b64(signature))));
}

fn good() -> Signature {
    key().sign(input("ES256").as_bytes())
}

/// Decodes 64 hexadecimal digits.
fn number(digits: &str) -> Vec<u8> {
    (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Returns the order of the group plus `more`, which may be negative.
fn order_plus(more: i16) -> Vec<u8> {
    let mut bytes = number(ORDER);
    let last = i16::from(bytes[31]) + more;
    bytes[31] = u8::try_from(last).unwrap();
    bytes
}

fn small(value: u8) -> Vec<u8> {
    [vec![0; 31], vec![value]].concat()
}

fn sum(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut bytes: Vec<u8> = (0..32)
        .rev()
        .map(|at| {
            let sum = u16::from(one[at]) + u16::from(other[at]) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect();
    bytes.reverse();
    (carry == 0).then_some(bytes)
}

#[test]
fn attack_09_rejects_psychic_signatures() {
    let good = good().to_bytes();
    let (r, s) = good.split_at(32);
    let (zero, one, order) = (small(0), small(1), order_plus(0));
    let pair = |r: &[u8], s: &[u8]| ([r, s].concat(), BAD_SIGNATURE);
    check([
        pair(&zero, &zero),
        pair(&zero, &one),
        pair(&one, &zero),
        pair(&one, &one),
        pair(&order, &order),
        pair(&order, &zero),
        pair(&zero, &order),
        pair(&order, &one),
        pair(&one, &order),
        pair(&order_plus(-1), &order_plus(-1)),
        pair(&order_plus(1), &order_plus(1)),
        pair(&[0xff; 32], &[0xff; 32]),
        pair(r, &zero),
        pair(&zero, s),
        pair(r, &order),
        pair(&order, s),
        // Zero in DER: 30 06 02 01 00 02 01 00.
        (b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec(), BAD_SIGNATURE),
        (vec![0], BAD_SIGNATURE),
    ]);
    // r plus the order, and s plus the order, if the sum fits into 32 bytes.
    for (r, s) in [(sum(r, &order), Some(s.to_vec())), (Some(r.to_vec()), sum(s, &order))] {
        if let (Some(r), Some(s)) = (r, s) {
            check([pair(&r, &s)]);
        }
    }
}

#[test]
fn attack_10_rejects_other_encodings_of_a_signature() {
    let good = good();
    let bytes = good.to_bytes().to_vec();
    let (r, s) = bytes.split_at(32);
    let cut = |from: usize, to: usize| (bytes[from..to].to_vec(), BAD_SIGNATURE);
    check([
        (bytes.clone(), "200"),
        (good.to_der().as_bytes().to_vec(), BAD_SIGNATURE),
        cut(0, 63),
        cut(1, 64),
        cut(0, 32),
        ([bytes.as_slice(), b"\0"].concat(), BAD_SIGNATURE),
        ([b"\0".as_slice(), &bytes].concat(), BAD_SIGNATURE),
        ([b"\0".as_slice(), r, b"\0", s].concat(), BAD_SIGNATURE),
        ([&[0; 16], r, &[0; 16], s].concat(), BAD_SIGNATURE),
        ([s, r].concat(), BAD_SIGNATURE),
        ([bytes.as_slice(), &bytes].concat(), BAD_SIGNATURE),
        (bytes.iter().rev().copied().collect(), BAD_SIGNATURE),
        (b64(&bytes).into(), BAD_SIGNATURE),
    ]);
    check((0..512).map(|bit| {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        (changed, BAD_SIGNATURE)
    }));
}

/// RFC 7518 section 3.4 allows a high s. A token therefore has a second valid encoding, and its
/// bytes must not be used to identify it.
#[test]
fn attack_10_accepts_a_high_s() {
    let (r, s) = good().split_scalars();
    let other = Signature::from_scalars(r, -s).unwrap();
    assert_ne!(other, good());
    check([(good().to_bytes().to_vec(), "200"), (other.to_bytes().to_vec(), "200")]);
}

#[test]
fn rfc7518_section_3_4_rejects_the_hash_of_another_curve() {
    let prehashed = |hash: &[u8]| -> Vec<u8> {
        let signature: Signature = key().sign_prehash(hash).unwrap();
        signature.to_bytes().to_vec()
    };
    check([
        (prehashed(&Sha384::digest(input("ES256"))), BAD_SIGNATURE),
        (prehashed(&Sha512::digest(input("ES256"))), BAD_SIGNATURE),
        (prehashed(&[1; 32]), BAD_SIGNATURE),
    ]);
    let both = gate(json!(["ES256", "ES384"]), json!([jwk_p256(), jwk_p384()]));
    let p384: p384::ecdsa::Signature =
        p384::ecdsa::SigningKey::from_slice(&[0x5e; 48]).unwrap().sign(input("ES384").as_bytes());
    let rows = [
        (format!("{}.{}", input("ES256"), b64(good().to_bytes())), "200"),
        (format!("{}.{}", input("ES384"), b64(p384.to_bytes())), "200"),
        (format!("{}.{}", input("ES256"), b64(p384.to_bytes())), BAD_SIGNATURE),
        (format!("{}.{}", input("ES384"), b64(good().to_bytes())), BAD_SIGNATURE),
    ];
    table(rows, |token| both.token(token));
}

/// A key belongs to one curve, and `alg` cannot move it to another.
#[test]
fn attack_03_rejects_the_algorithm_of_another_curve() {
    let algorithms = json!(["ES256", "ES384"]);
    let message = input("ES384");
    // Signed with a P-256 key and either hash, under a header that says ES384.
    let sha384: Signature = key().sign_prehash(&Sha384::digest(&message)).unwrap();
    let sha256: Signature = key().sign(message.as_bytes());
    let gate_p256 = gate(algorithms.clone(), json!([jwk_p256()]));
    for signature in [sha384, sha256] {
        let token = format!("{message}.{}", b64(signature.to_bytes()));
        assert_eq!(gate_p256.token(&token), "401 unknown_key");
    }
    // An ES256 token, and a set with only a P-384 key.
    let gate_p384 = gate(algorithms, json!([jwk_p384()]));
    let token = format!("{}.{}", input("ES256"), b64(good().to_bytes()));
    assert_eq!(gate_p384.token(&token), "401 unknown_key");
}

#[test]
fn attack_03_a_key_that_fits_no_algorithm_of_the_issuer_is_a_fault() {
    let x25519 = json!({
        "kty": "OKP", "crv": "X25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let with_alg = |jwk: Value, algorithm: &str| with(jwk, json!({ "alg": algorithm }));
    let rows = [
        (("ES256", jwk_p384()), "none of the issuer's algorithms"),
        (("ES384", jwk_p256()), "none of the issuer's algorithms"),
        (("ES384", with_alg(jwk_p256(), "ES384")), "none of the issuer's algorithms"),
        (("ES256", with_alg(jwk_p256(), "ES384")), "\"alg\""),
        (("RS256", jwk_p256()), "none of the issuer's algorithms"),
        (("EdDSA", jwk_p256()), "none of the issuer's algorithms"),
        (("EdDSA", x25519), "\"crv\" is not"),
    ];
    for ((algorithm, jwk), words) in rows {
        let source = json!({ "algorithms": [algorithm], "keys": { "jwks": { "keys": [jwk] } } });
        let raw = policy(with(hs_issuer(), source));
        let faults = crate::kit::faults(&raw, &crate::kit::Held::usual());
        assert_eq!(faults.len(), 1, "{algorithm}: {faults:?}");
        assert!(faults[0].problem.contains(words), "{algorithm}: {faults:?}");
    }
}

/// The issuer allows RS256, ES256 and EdDSA, but has only an EC key or only an RSA key.
#[test]
fn attack_03_rejects_tokens_of_another_key_family() {
    use crate::kit::{Signer, keys};
    let rsa = keys::rsa_jwk(keys::RSA_PRIVATE);
    let algorithms = json!(["RS256", "ES256", "EdDSA"]);
    let only_ec = gate(algorithms.clone(), json!([jwk_p256()]));
    let only_rsa = gate(algorithms, json!([rsa]));
    let rs = Signer::rs256().signed(payload(&[]));
    let es = format!("{}.{}", input("ES256"), b64(good().to_bytes()));
    let relabeled = |name: &str, signature: &[u8]| format!("{}.{}", input(name), b64(signature));
    let rows = [
        ((&only_rsa, rs.clone()), "200"),
        ((&only_ec, es.clone()), "200"),
        ((&only_ec, rs), "401 unknown_key"),
        ((&only_rsa, es), "401 unknown_key"),
        ((&only_ec, relabeled("EdDSA", &good().to_bytes())), "401 unknown_key"),
        ((&only_rsa, relabeled("RS256", &good().to_bytes())), BAD_SIGNATURE),
        ((&only_ec, relabeled("ES256", &Signer::rs256().sign(input("ES256")))), BAD_SIGNATURE),
    ];
    table(rows, |(gate, token)| gate.token(token));
}

/// For P-521, r and s have 66 bytes each, and the first byte is 0 or 1.
#[cfg(feature = "es512")]
#[test]
fn attack_10_requires_132_bytes_for_p521() {
    let key = p521::ecdsa::SigningKey::from_slice(&[&[0], [0x5e; 65].as_slice()].concat()).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let gate = gate(json!(["ES512"]), json!([jwk("P-521", point.as_bytes())]));
    let mut narrow = 0;
    for number in 0..8 {
        let body = payload(&[("n", &number.to_string())]);
        let input = format!("{}.{}", b64(r#"{"alg":"ES512"}"#), b64(body));
        let signature: p521::ecdsa::Signature = key.sign(input.as_bytes());
        let bytes = signature.to_bytes();
        let (r, s) = bytes.split_at(66);
        let verdict = |signature: &[u8]| gate.token(&format!("{input}.{}", b64(signature)));
        assert_eq!(verdict(&bytes), "200");
        assert_eq!(verdict(&[&r[1..], &s[1..]].concat()), BAD_SIGNATURE);
        assert_eq!(verdict(&[b"\0", r, b"\0", s].concat()), BAD_SIGNATURE);
        assert_eq!(verdict(&bytes[..131]), BAD_SIGNATURE);
        assert_eq!(verdict(&bytes[1..]), BAD_SIGNATURE);
        narrow += u32::from(r[0] == 0 && s[0] == 0);
    }
    assert!(narrow > 0, "no signature fits into 65 + 65 bytes");
}

/// The crate for secp256k1 rejects a high s by itself, but RFC 8812 section 3.2 allows it.
#[cfg(feature = "es256k")]
#[test]
fn rfc8812_section_3_2_accepts_a_high_s_for_es256k() {
    let key = k256::ecdsa::SigningKey::from_slice(&[0x5e; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let on_k256 = gate(json!(["ES256K"]), json!([jwk("secp256k1", point.as_bytes())]));
    let good: k256::ecdsa::Signature = key.sign(input("ES256K").as_bytes());
    let (r, s) = good.split_scalars();
    let other = k256::ecdsa::Signature::from_scalars(r, -s).unwrap();
    let rows = [
        (good.to_bytes().to_vec(), "200"),
        (other.to_bytes().to_vec(), "200"),
        (vec![0; 64], BAD_SIGNATURE),
        (good.to_der().as_bytes().to_vec(), BAD_SIGNATURE),
        (good.to_bytes()[..63].to_vec(), BAD_SIGNATURE),
    ];
    table(rows, |signature| on_k256.token(&format!("{}.{}", input("ES256K"), b64(signature))));
    // The same coordinates as a point on P-256, which has the same width.
    let faults = crate::kit::faults(
        &policy(with(
            hs_issuer(),
            json!({
                "algorithms": ["ES256"],
                "keys": { "jwks": { "keys": [jwk("P-256", point.as_bytes())] } },
            }),
        )),
        &crate::kit::Held::usual(),
    );
    assert_eq!(faults.len(), 1);
}
