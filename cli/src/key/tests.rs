use super::*;
use crate::mint::compose;
use crate::mint::signer::Signer;
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use portcullis::gate::{Decision, Evaluation, Memory};
use portcullis::policy::{Bindings, Policy};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};

/// Bindings that all hold this public key.
struct PublicKey(String);

impl Bindings for PublicKey {
    fn value(&self, _: &str) -> Option<Value> {
        Some(Value::String(self.0.clone()))
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

/// Returns the algorithm under which the gate admits a token with this public key, or why the gate
/// refuses it.
fn admitted(token: &str, source: &str, public: &str, algorithm: Algorithm) -> String {
    let raw = json!({
        "origin": "echo",
        "issuers": [{
            "name": "a", "issuer": "https://a.example/", "audience": "api",
            "algorithms": [algorithm.name()], "keys": { source: "KEY" },
        }],
        "routes": [{ "path": "/*" }],
    });
    let policy = Policy::compile(&raw, &PublicKey(public.to_owned())).outcome.unwrap();
    let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
    let request = Request { method: "GET", url: "https://gate.example/", headers: &headers };
    let mut evaluation = Evaluation::new(&policy, request);
    match evaluation.run(&Memory::new(&policy), UnixSeconds::new(1000)).unwrap() {
        Decision::Forward(_) => evaluation.trace().algorithm.unwrap().name().to_owned(),
        Decision::Refuse(refusal) => refusal.because().to_owned(),
        Decision::Respond(response) => panic!("the gate responds itself: {response:?}"),
    }
}

fn mint(key: Key, algorithm: Option<Algorithm>) -> (String, Algorithm) {
    let signer = Signer::key(algorithm, key).unwrap();
    let claims = json!({ "iss": "https://a.example/", "aud": "api", "exp": 2000 });
    let token = compose(&signer, None, "JWT", claims.as_object().unwrap().clone()).unwrap();
    (token, signer.algorithm())
}

/// Checks which algorithms a key fits, that the first is the default, and that the gate admits the
/// tokens of all of them.
fn check(private: &[&str], public: &str, expected: &[&str]) {
    for pem in private {
        let key = || Key::from_pem(pem).unwrap();
        let fitting: Vec<Algorithm> =
            Algorithm::ALL.iter().copied().filter(|algorithm| key().fits(*algorithm)).collect();
        let names: Vec<&str> = fitting.iter().map(|algorithm| algorithm.name()).collect();
        assert_eq!(names, expected);
        assert_eq!(mint(key(), None).1.name(), expected[0]);
        for algorithm in fitting {
            let (token, _) = mint(key(), Some(algorithm));
            assert_eq!(admitted(&token, "pem", public, algorithm), algorithm.name());
        }
    }
}

#[test]
fn the_gate_admits_tokens_signed_with_openssl_keys() {
    check(
        &[include_str!("pem/rsa.pem"), include_str!("pem/rsa.pkcs1.pem")],
        include_str!("pem/rsa.public.pem"),
        &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    );
    check(
        &[
            include_str!("pem/p256.pem"),
            include_str!("pem/p256.sec1.pem"),
            include_str!("pem/p256.ecparam.pem"),
        ],
        include_str!("pem/p256.public.pem"),
        &["ES256"],
    );
    check(
        &[include_str!("pem/p384.pem"), include_str!("pem/p384.sec1.pem")],
        include_str!("pem/p384.public.pem"),
        &["ES384"],
    );
    check(
        &[include_str!("pem/p521.pem"), include_str!("pem/p521.sec1.pem")],
        include_str!("pem/p521.public.pem"),
        &["ES512"],
    );
    check(
        &[include_str!("pem/secp256k1.pem"), include_str!("pem/secp256k1.sec1.pem")],
        include_str!("pem/secp256k1.public.pem"),
        &["ES256K"],
    );
    check(
        &[include_str!("pem/ed25519.pem")],
        include_str!("pem/ed25519.public.pem"),
        &["EdDSA", "Ed25519"],
    );
}

/// One value in DER (X.690 section 8.1).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match (high, low) {
        (0, 0..128) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], length.as_slice(), content].concat()
}

/// A key of RFC 9881 appendix C.1, whose seed counts upwards. Contains an expanded key of this many
/// bytes if the number is not zero.
fn lattice_pem(parameter_set: u8, expanded: usize) -> String {
    let seed: Vec<u8> = (0..32).collect();
    let private = match expanded {
        0 => der(0x80, &seed),
        bytes => der(0x30, &[der(0x04, &seed), der(0x04, &vec![0; bytes])].concat()),
    };
    let name = der(0x06, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, parameter_set]);
    let info = [der(0x02, &[0]), der(0x30, &name), der(0x04, &private)].concat();
    let der = der(0x30, &info);
    let base64 = Base64::encode_string(&der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[test]
fn the_gate_admits_tokens_signed_with_ml_dsa_keys() {
    assert!(lattice_pem(0x11, 0).contains("MDQCAQAwCwYJYIZIAWUDBAMRBCKAIAABAgME"), "RFC 9881");
    for (parameter_set, expanded) in
        [(0x11, 0), (0x12, 0), (0x13, 0), (0x11, 2560), (0x12, 4032), (0x13, 4896)]
    {
        let key = Key::from_pem(&lattice_pem(parameter_set, expanded)).unwrap();
        let public = match &key {
            Key::MlDsa44(key) => key.verifying_key().encode().to_vec(),
            Key::MlDsa65(key) => key.verifying_key().encode().to_vec(),
            Key::MlDsa87(key) => key.verifying_key().encode().to_vec(),
            other => panic!("{}", other.kind()),
        };
        let (token, algorithm) = mint(key, None);
        let public = Base64UrlUnpadded::encode_string(&public);
        let jwk = json!({ "kty": "AKP", "alg": algorithm.name(), "pub": public });
        assert_eq!(admitted(&token, "jwks", &jwk.to_string(), algorithm), algorithm.name());
    }
}

#[test]
fn unusable_keys_are_rejected_with_a_reason() {
    let cases = [
        (
            include_str!("pem/rsa.public.pem"),
            "it is a public key, and signing needs the private key",
        ),
        (
            include_str!("pem/rsa.encrypted.pem"),
            "it is encrypted: decrypt it first, with `openssl pkey -in FILE -out OTHER`",
        ),
        (
            include_str!("pem/rsa.encrypted.pkcs1.pem"),
            "it is encrypted: decrypt it first, with `openssl pkey -in FILE -out OTHER`",
        ),
        (
            include_str!("pem/rsa1024.pem"),
            "the RSA modulus has 1024 bits, and 2048 to 8192 are accepted",
        ),
        (
            include_str!("pem/p192.pem"),
            "tokens cannot be signed with a key on this curve (1.2.840.10045.3.1.1)",
        ),
        (
            include_str!("pem/p256.explicit.pem"),
            "it has explicit curve parameters instead of a name: convert it with `openssl ec -in \
             FILE -param_enc named_curve`",
        ),
        (
            include_str!("pem/ed448.pem"),
            "tokens cannot be signed with a key of this kind (1.3.101.113)",
        ),
        ("", "it is not a PEM file, because it has no line -----BEGIN ...-----"),
        (
            "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
            "it is not valid PKCS#8",
        ),
    ];
    for (pem, expected) in cases {
        let outcome = Key::from_pem(pem).map(|key| key.kind());
        assert_eq!(outcome.map_err(|error| error.to_string()), Err(expected.to_owned()));
    }
}

#[test]
fn rejects_an_algorithm_that_the_key_does_not_fit() {
    let refused = |pem, algorithm| {
        let signer = Signer::key(Some(algorithm), Key::from_pem(pem).unwrap());
        signer.err().map(|error| error.to_string())
    };
    assert_eq!(
        refused(include_str!("pem/p256.pem"), Algorithm::ES384).as_deref(),
        Some("a key on P-256 cannot sign with ES384, only with ES256")
    );
    assert_eq!(
        refused(include_str!("pem/ed25519.pem"), Algorithm::RS256).as_deref(),
        Some("an Ed25519 key cannot sign with RS256, only with EdDSA, Ed25519")
    );
    let secret = Signer::secret(Some(Algorithm::RS256), vec![7; 64]);
    assert_eq!(
        secret.err().map(|error| error.to_string()).as_deref(),
        Some(
            "a secret cannot sign with RS256, only with HS256, HS384, HS512; name a private key \
             with --key FILE"
        )
    );
}
