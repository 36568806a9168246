//! RSA signatures, and public keys used as HMAC secrets.

use crate::kit::{Gate, Held, Signer, b64, faults, keys, payload, policy, rs_issuer, table, with};
use rsa::Pkcs1v15Sign;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BAD_SIGNATURE: &str = "401 bad_signature";
const NOT_ALLOWED: &str = "401 algorithm_not_allowed";

const HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;

fn input() -> String {
    format!("{}.{}", b64(HEADER), b64(payload(&[])))
}

/// Checks the verdict on the base token with each signature.
fn check(rows: impl IntoIterator<Item = (Vec<u8>, &'static str)>) {
    let gate = Gate::rs();
    let input = input();
    table(rows, |signature| gate.token(&format!("{input}.{}", b64(signature))));
}

#[test]
fn rfc7518_section_3_3_verifies_each_hash_under_its_own_algorithm_only() {
    for bits in [256, 384, 512] {
        let issuer = with(rs_issuer(), json!({ "algorithms": [format!("RS{bits}")] }));
        let gate = Gate::new(&policy(issuer));
        let rows = [256, 384, 512].map(|other| {
            let expected = if other == bits { "200" } else { NOT_ALLOWED };
            (Signer::rsa(other, keys::RSA_PRIVATE).signed(payload(&[])), expected)
        });
        table(rows, |token| gate.token(token));
        let other = Signer::rsa(bits, keys::ATTACKER_PRIVATE).signed(payload(&[]));
        assert_eq!(gate.token(&other), BAD_SIGNATURE);
    }
}

/// Combines every form in which an operator may write the key with every form that an attacker may
/// use as a secret.
#[test]
fn attack_02_rejects_a_public_key_used_as_a_secret() {
    let jwk = keys::rsa_jwk(keys::RSA_PRIVATE);
    let named = with(jwk.clone(), json!({ "alg": "RS256", "kid": "k", "use": "sig" }));
    let set = json!({ "keys": [jwk] });
    let spki = keys::RSA_SPKI;
    let (n, _) = keys::modulus_and_exponent(keys::RSA_PRIVATE);
    let modulus = <base64ct::Base64UrlUnpadded as base64ct::Encoding>::decode_vec(&n).unwrap();
    let secrets: Vec<Vec<u8>> = vec![
        spki.into(),
        spki.trim_end().into(),
        format!("\n{spki}").into(),
        format!(" {spki}").into(),
        spki.replace('\n', "\r\n").into(),
        spki.replace('\n', "\\n").into(),
        spki.replace('\n', "").into(),
        keys::der(spki),
        keys::RSA_PKCS1.into(),
        keys::RSA_PKCS1.trim_end().into(),
        keys::der(keys::RSA_PKCS1),
        jwk.to_string().into(),
        named.to_string().into(),
        set.to_string().into(),
        n.clone().into(),
        modulus,
        keys::RSA_CERTIFICATE.into(),
        keys::der(keys::RSA_CERTIFICATE),
        b64(keys::der(keys::RSA_CERTIFICATE)).into(),
        b"".into(),
    ];
    let pems = [
        spki.to_owned(),
        format!("\n{spki}"),
        format!("  \t{spki}"),
        spki.trim_end().to_owned(),
        spki.replace('\n', "\\n"),
        keys::RSA_PKCS1.to_owned(),
        keys::RSA_CERTIFICATE.to_owned(),
    ];
    let pems = pems.map(|pem| (json!({ "pem": "PEM" }), Held::default().value("PEM", pem)));
    let sets = [set, json!({ "keys": [named] })]
        .map(|set| (json!({ "jwks": "JWKS" }), Held::default().value("JWKS", set)));
    for (source, held) in pems.into_iter().chain(sets) {
        let gate = Gate::bound(&policy(with(rs_issuer(), json!({ "keys": source }))), &held);
        assert_eq!(gate.token(&Signer::rs256().signed(payload(&[]))), "200");
        for secret in &secrets {
            for bits in [256, 384, 512] {
                let forger = Signer::hmac(bits, secret);
                assert_eq!(gate.token(&forger.signed(payload(&[]))), NOT_ALLOWED);
                assert_eq!(gate.token(&forger.token(HEADER, payload(&[]))), BAD_SIGNATURE);
            }
        }
    }
}

/// The header of a token must not choose between a secret and a public key (RFC 8725 section 3.1).
#[test]
fn attack_02_an_issuer_cannot_have_both_secrets_and_public_keys() {
    let problems = |algorithms: Value, source: Value| -> Vec<_> {
        let issuer = with(rs_issuer(), json!({ "algorithms": algorithms, "keys": source }));
        faults(&policy(issuer), &Held::usual()).into_iter().map(|fault| fault.problem).collect()
    };
    let mixed = problems(json!(["RS256", "HS256"]), json!({ "pem": "PEM" }));
    assert!(mixed.iter().any(|problem| problem.contains("symmetric and asymmetric")), "{mixed:?}");
    let as_secret = problems(json!(["HS256"]), json!({ "pem": "PEM" }));
    assert!(as_secret.iter().any(|problem| problem.contains("HMAC cannot use a public key")));
    let as_key = problems(json!(["RS256"]), json!({ "secret": "SECRET" }));
    assert!(as_key.iter().any(|problem| problem.contains("cannot use a shared secret")));
}

/// One issuer has a public key and the other a secret.
#[test]
fn attack_02_iss_selects_the_issuer_and_alg_must_be_one_of_its_algorithms() {
    let hs = with(crate::kit::hs_issuer(), json!({ "name": "j", "issuer": "https://j" }));
    let mut raw = policy(rs_issuer());
    raw["issuers"].as_array_mut().unwrap().push(hs);
    let gate = Gate::new(&raw);
    let i = payload(&[]);
    let j = payload(&[("iss", r#""https://j""#)]);
    let rows = [
        (Signer::rs256().signed(&i), "200"),
        (Signer::hs256().signed(&j), "200"),
        (Signer::hs256().signed(&i), NOT_ALLOWED),
        (Signer::rs256().signed(&j), NOT_ALLOWED),
        (Signer::hmac(256, keys::RSA_SPKI).signed(&i), NOT_ALLOWED),
        (Signer::hmac(256, keys::RSA_SPKI).signed(&j), BAD_SIGNATURE),
    ];
    table(rows, |token| gate.token(token));
}

/// Signs these bytes with the correct key, in place of the encoded digest that follows the padding
/// (RFC 8017 section 9.2).
fn signed_encoding(encoding: &[&[u8]]) -> Vec<u8> {
    let key = keys::private_key(keys::RSA_PRIVATE);
    key.sign(Pkcs1v15Sign::new_unprefixed(), &encoding.concat()).unwrap()
}

#[test]
fn attack_11_rejects_other_encodings_of_the_digest() {
    let hash = Sha256::digest(input());
    let long = Sha512::digest(input());
    // `openssl dgst -sha1` of the input.
    let sha1 = b"\xb6\xc5\xd4\xf3\xbd\x75\xe1\x87\x7b\xc5\x29\x7f\x7a\x39\x45\x71\xac\x06\xa0\xb9";
    const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    const SHA512: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
    const SHA1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
    check([
        // The correct encoding. It shows that each other row is rejected only for its defect.
        (
            signed_encoding(&[b"\x30\x31\x30\x0d\x06\x09", SHA256, b"\x05\x00\x04\x20", &hash]),
            "200",
        ),
        // Without the NULL parameter.
        (
            signed_encoding(&[b"\x30\x2f\x30\x0b\x06\x09", SHA256, b"\x04\x20", &hash]),
            BAD_SIGNATURE,
        ),
        // The identifier of another hash function, with its own digest or the SHA-256 digest.
        (
            signed_encoding(&[b"\x30\x21\x30\x09\x06\x05", SHA1, b"\x05\x00\x04\x14", sha1]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[b"\x30\x31\x30\x0d\x06\x09", SHA512, b"\x05\x00\x04\x20", &hash]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[b"\x30\x51\x30\x0d\x06\x09", SHA512, b"\x05\x00\x04\x40", &long]),
            BAD_SIGNATURE,
        ),
        // The hash alone.
        (signed_encoding(&[&hash]), BAD_SIGNATURE),
        (signed_encoding(&[b"\x04\x20", &hash]), BAD_SIGNATURE),
        // Extra bytes after the encoding, before the encoding, and in the parameters.
        (
            signed_encoding(&[
                b"\x30\x31\x30\x0d\x06\x09",
                SHA256,
                b"\x05\x00\x04\x20",
                &hash,
                b"\0",
            ]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[
                b"\x30\x31\x30\x0d\x06\x09",
                SHA256,
                b"\x05\x00\x04\x20",
                &hash,
                &[7; 100],
            ]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[b"\0\x30\x31\x30\x0d\x06\x09", SHA256, b"\x05\x00\x04\x20", &hash]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[
                b"\x30\x33\x30\x0f\x06\x09",
                SHA256,
                b"\x05\x02\xaa\xbb\x04\x20",
                &hash,
            ]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[
                b"\x30\x33\x30\x0f\x06\x09",
                SHA256,
                b"\x04\x02\xaa\xbb\x04\x20",
                &hash,
            ]),
            BAD_SIGNATURE,
        ),
        // BER lengths: the long form, and the indefinite form.
        (
            signed_encoding(&[b"\x30\x81\x31\x30\x0d\x06\x09", SHA256, b"\x05\x00\x04\x20", &hash]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[b"\x30\x32\x30\x81\x0d\x06\x09", SHA256, b"\x05\x00\x04\x20", &hash]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[b"\x30\x32\x30\x0d\x06\x09", SHA256, b"\x05\x00\x04\x81\x20", &hash]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[
                b"\x30\x82\x00\x31\x30\x0d\x06\x09",
                SHA256,
                b"\x05\x00\x04\x20",
                &hash,
            ]),
            BAD_SIGNATURE,
        ),
        (
            signed_encoding(&[
                b"\x30\x80\x30\x0d\x06\x09",
                SHA256,
                b"\x05\x00\x04\x20",
                &hash,
                b"\0\0",
            ]),
            BAD_SIGNATURE,
        ),
        // A second digest.
        (
            signed_encoding(&[
                b"\x30\x53\x30\x0d\x06\x09",
                SHA256,
                b"\x05\x00\x04\x20",
                &hash,
                b"\x04\x20",
                &hash,
            ]),
            BAD_SIGNATURE,
        ),
    ]);
}

/// Tries the signature with other lengths, the signature plus the modulus, the modulus minus the
/// signature, and trivial numbers such as 0, 1 and the modulus minus 1.
#[test]
fn attack_11_rejects_other_numbers_as_a_signature() {
    let good = Signer::rs256().sign(input());
    let modulus = modulus();
    let zero = vec![0; 256];
    let mut one = zero.clone();
    one[255] = 1;
    let mut less_one = modulus.clone();
    less_one[255] -= 1;
    check([
        (good.clone(), "200"),
        ([b"\0".as_slice(), &good].concat(), BAD_SIGNATURE),
        ([b"\0\0\0\0".as_slice(), &good].concat(), BAD_SIGNATURE),
        ([good.as_slice(), b"\0"].concat(), BAD_SIGNATURE),
        (good[1..].to_vec(), BAD_SIGNATURE),
        (good[..255].to_vec(), BAD_SIGNATURE),
        (sum(&good, &modulus), BAD_SIGNATURE),
        (difference(&modulus, &good), BAD_SIGNATURE),
        (zero, BAD_SIGNATURE),
        (vec![0], BAD_SIGNATURE),
        (one, BAD_SIGNATURE),
        (vec![1], BAD_SIGNATURE),
        (modulus.clone(), BAD_SIGNATURE),
        (less_one, BAD_SIGNATURE),
        (vec![0xff; 256], BAD_SIGNATURE),
        (vec![0xff; 512], BAD_SIGNATURE),
        (good.iter().rev().copied().collect(), BAD_SIGNATURE),
    ]);
}

/// A signature is as long as the modulus, even if its first byte is zero (RFC 8017 section 8.2.2
/// step 1).
#[test]
fn attack_11_a_leading_zero_is_part_of_the_signature() {
    let gate = Gate::rs();
    let signature = |number: u32| {
        let input = format!("{}.{}", b64(HEADER), b64(payload(&[("n", &number.to_string())])));
        let signature = Signer::rs256().sign(&input);
        (input, signature)
    };
    // 12 is the first number whose signature starts with a zero byte. Signing is deterministic.
    let (input, signature) = signature(12);
    assert_eq!(signature[0], 0);
    assert_eq!(gate.token(&format!("{input}.{}", b64(&signature))), "200");
    assert_eq!(gate.token(&format!("{input}.{}", b64(&signature[1..]))), BAD_SIGNATURE);
    // The sum is congruent to the signature and as long as the modulus.
    let sum = sum(&signature, &modulus());
    assert_eq!(sum.len(), 256);
    assert_eq!(gate.token(&format!("{input}.{}", b64(sum))), BAD_SIGNATURE);
}

/// Bleichenbacher's forgery of 2006: with the exponent 3, a verifier that ignores the bytes after
/// the digest accepts a cube root as a signature. The gate does not import keys with this exponent.
#[test]
fn attack_11_rejects_a_forged_cube_root_and_keys_with_exponent_3() {
    let jwk = json!({ "kty": "RSA", "n": keys::weak("small_exponent"), "e": "Aw" });
    let issuer = with(rs_issuer(), json!({ "keys": { "jwks": { "keys": [jwk] } } }));
    let faults = faults(&policy(issuer), &Held::usual());
    assert!(faults[0].problem.contains("exponent"), "{faults:?}");
    // The forgery does not verify under another key either.
    assert_eq!(Gate::rs().token(&keys::weak("small_exponent_forgery")), BAD_SIGNATURE);
}

fn modulus() -> Vec<u8> {
    use rsa::traits::PublicKeyParts as _;
    keys::private_key(keys::RSA_PRIVATE).n_bytes().to_vec()
}

fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut bytes: Vec<u8> = one
        .iter()
        .rev()
        .zip(other.iter().rev())
        .map(|(one, other)| {
            let sum = u16::from(*one) + u16::from(*other) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect();
    if carry > 0 {
        bytes.push(1);
    }
    bytes.reverse();
    bytes
}

fn difference(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut borrow = false;
    let mut bytes: Vec<u8> = larger
        .iter()
        .rev()
        .zip(smaller.iter().rev())
        .map(|(one, other)| {
            let (less, first) = one.overflowing_sub(*other);
            let (less, second) = less.overflowing_sub(u8::from(borrow));
            borrow = first || second;
            less
        })
        .collect();
    bytes.reverse();
    bytes
}
