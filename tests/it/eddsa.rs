//! Ed25519 signatures, under both algorithm names, `EdDSA` and `Ed25519`.

use crate::kit::{Gate, Held, b64, faults, hs_issuer, payload, policy, table, with};
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BAD_SIGNATURE: &str = "401 bad_signature";

/// The key pair of RFC 8037 appendix A.1.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// The group's order, little-endian (RFC 8032 section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Returns encodings of points of small order, and encodings of a y-coordinate that is not below
/// the field's prime ("Taming the many EdDSAs", Chalkias et al. 2020, table 1).
pub(crate) fn odd_points() -> Vec<[u8; 32]> {
    let whole = |first: u8, last: u8, rest: u8| {
        let mut bytes = [rest; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    };
    let digits = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ];
    let mut points = vec![
        whole(0, 0, 0),
        whole(0, 0x80, 0),
        whole(1, 0, 0),
        whole(1, 0x80, 0),
        whole(0xec, 0x7f, 0xff),
        whole(0xec, 0xff, 0xff),
        whole(0xed, 0x7f, 0xff),
        whole(0xed, 0xff, 0xff),
        whole(0xee, 0x7f, 0xff),
        whole(0xee, 0xff, 0xff),
        whole(0xff, 0x7f, 0xff),
        whole(0xff, 0xff, 0xff),
    ];
    for digits in digits {
        let mut bytes: [u8; 32] =
            std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap());
        points.push(bytes);
        bytes[31] ^= 0x80;
        points.push(bytes);
    }
    points
}

fn signing_key() -> ed25519_dalek::SigningKey {
    let seed = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(SEED).unwrap();
    ed25519_dalek::SigningKey::from_bytes(&seed.try_into().unwrap())
}

fn jwk(x: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": x })
}

fn raw(algorithms: Value, key: Value) -> Value {
    let source = json!({ "algorithms": algorithms, "keys": { "jwks": { "keys": [key] } } });
    policy(with(hs_issuer(), source))
}

fn input(algorithm: &str) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    format!("{}.{}", b64(header), b64(payload(&[])))
}

fn good() -> [u8; 64] {
    signing_key().sign(input("EdDSA").as_bytes()).to_bytes()
}

/// Checks the verdict on the base token with each signature.
fn check(rows: impl IntoIterator<Item = (Vec<u8>, &'static str)>) {
    let public = b64(signing_key().verifying_key().as_bytes());
    let gate = Gate::new(&raw(json!(["EdDSA"]), jwk(&public)));
    let input = input("EdDSA");
    table(rows, |signature| gate.token(&format!("{input}.{}", b64(signature))));
}

/// Appendices A.4 and A.5: the example's signature verifies under the example's key.
#[test]
fn rfc8037_appendix_a_verifies_the_example() {
    use portcullis::alg::Algorithm;
    use portcullis::keys::jwk::{Provenance, import};
    use portcullis::signature::is_valid;
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let signature =
        <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(signature).unwrap();
    let public = b64(signing_key().verifying_key().as_bytes());
    assert_eq!(public, PUBLIC);
    let set = json!({ "keys": [jwk(&public)] });
    let set = import(set.as_object().unwrap(), &[Algorithm::EdDSA], Provenance::Network).unwrap();
    assert!(is_valid(Algorithm::EdDSA, &set.keys()[0], message.as_bytes(), &signature));
    assert!(!is_valid(Algorithm::Ed25519, &set.keys()[0], message.as_bytes(), &signature));
    // The thumbprint of RFC 8037 appendix A.3.
    assert_eq!(set.keys()[0].name(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn attack_14_rejects_malformed_and_changed_signatures() {
    let good = good();
    let (r, s) = good.split_at(32);
    let mut beyond = good;
    let mut carry = 0;
    for (byte, more) in beyond[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        carry = sum >> 8;
        *byte = sum.to_le_bytes()[0];
    }
    check([
        (good.to_vec(), "200"),
        // S + L satisfies the verification equation as S does.
        (beyond.to_vec(), BAD_SIGNATURE),
        (vec![0; 64], BAD_SIGNATURE),
        (vec![0xff; 64], BAD_SIGNATURE),
        (good[..63].to_vec(), BAD_SIGNATURE),
        (good[1..].to_vec(), BAD_SIGNATURE),
        ([good.as_slice(), b"\0"].concat(), BAD_SIGNATURE),
        ([b"\0".as_slice(), &good].concat(), BAD_SIGNATURE),
        ([s, r].concat(), BAD_SIGNATURE),
        ([r, &[0; 32]].concat(), BAD_SIGNATURE),
        ([r, &ORDER].concat(), BAD_SIGNATURE),
        ([&[0; 32], s].concat(), BAD_SIGNATURE),
    ]);
    for point in odd_points() {
        for scalar in [s, &[0; 32], &ORDER] {
            check([([point.as_slice(), scalar].concat(), BAD_SIGNATURE)]);
        }
    }
    check((0..512).map(|bit| {
        let mut changed = good;
        changed[bit / 8] ^= 1 << (bit % 8);
        (changed.to_vec(), BAD_SIGNATURE)
    }));
}

/// For a key of small order, anyone can make signatures that verify.
#[test]
fn attack_14_rejects_weak_and_malformed_keys() {
    let public = signing_key().verifying_key().to_bytes();
    let lengths = [public[..31].to_vec(), [public.as_slice(), b"\0"].concat(), Vec::new()];
    let odd = odd_points().into_iter().map(|point| point.to_vec()).chain(lengths);
    for bytes in odd {
        let faults = faults(&raw(json!(["EdDSA"]), jwk(&b64(&bytes))), &Held::usual());
        assert_eq!(faults.len(), 1, "{bytes:02x?} was accepted as a key");
    }
    let other_curves = ["X25519", "Ed448", "X448", "ed25519", "P-256", ""];
    for curve in other_curves {
        let key = with(jwk(&b64(public)), json!({ "crv": curve }));
        assert_eq!(faults(&raw(json!(["EdDSA"]), key), &Held::usual()).len(), 1, "{curve}");
    }
    let private = with(jwk(&b64(public)), json!({ "d": SEED }));
    assert_eq!(faults(&raw(json!(["EdDSA"]), private), &Held::usual()).len(), 1);
}

/// The policy decides which of the two names are allowed.
#[test]
fn rfc9864_section_2_2_eddsa_and_ed25519_are_separate_algorithms() {
    let public = b64(signing_key().verifying_key().as_bytes());
    let token = |name: &str| {
        let signature = signing_key().sign(input(name).as_bytes());
        format!("{}.{}", input(name), b64(signature.to_bytes()))
    };
    let rows = [
        ((json!(["EdDSA"]), "EdDSA"), "200"),
        ((json!(["Ed25519"]), "Ed25519"), "200"),
        ((json!(["EdDSA", "Ed25519"]), "EdDSA"), "200"),
        ((json!(["EdDSA", "Ed25519"]), "Ed25519"), "200"),
        ((json!(["EdDSA"]), "Ed25519"), "401 algorithm_not_allowed"),
        ((json!(["Ed25519"]), "EdDSA"), "401 algorithm_not_allowed"),
        ((json!(["EdDSA"]), "Ed448"), "401 algorithm_not_allowed"),
    ];
    table(rows, |(algorithms, name)| {
        Gate::new(&raw(algorithms.clone(), jwk(&public))).token(&token(name))
    });
    let named = with(jwk(&public), json!({ "alg": "EdDSA" }));
    let gate = Gate::new(&raw(json!(["EdDSA", "Ed25519"]), named));
    assert_eq!(gate.token(&token("EdDSA")), "200");
    assert_eq!(gate.token(&token("Ed25519")), "401 unknown_key");
}
