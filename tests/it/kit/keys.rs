//! Fixed keys for tests, made with openssl.

use base64ct::{Base64, Encoding as _};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use serde_json::{Value, json};

/// 64 bytes, which is long enough for every HMAC algorithm.
pub(crate) const SECRET: &str = "the-gates-own-shared-secret-of-sixty-four-bytes-0123456789abcdef";

/// The secret of an attacker.
pub(crate) const OTHER_SECRET: &str =
    "an-attackers-very-own-secret-of-sixty-four-bytes-0123456789abcde";

/// The gate's secret at an introspection endpoint.
pub(crate) const CLIENT_SECRET: &str = "s3cret: 100% + ü";

pub(crate) const RSA_PRIVATE: &str = include_str!("../keys/rsa2048.pem");
pub(crate) const RSA_SPKI: &str = include_str!("../keys/rsa2048.spki.pem");
pub(crate) const RSA_PKCS1: &str = include_str!("../keys/rsa2048.pkcs1.pem");
pub(crate) const RSA_CERTIFICATE: &str = include_str!("../keys/rsa2048.cert.pem");
pub(crate) const ATTACKER_PRIVATE: &str = include_str!("../keys/attacker.pem");
pub(crate) const ATTACKER_SPKI: &str = include_str!("../keys/attacker.spki.pem");
pub(crate) const ATTACKER_CERTIFICATE: &str = include_str!("../keys/attacker.cert.pem");
pub(crate) const RSA_1024_SPKI: &str = include_str!("../keys/rsa1024.spki.pem");
pub(crate) const P256_SPKI: &str = include_str!("../keys/p256.spki.pem");
pub(crate) const ED25519_SPKI: &str = include_str!("../keys/ed25519.spki.pem");
pub(crate) const P256_PRIVATE: &str = include_str!("../keys/p256-private.pem");
/// The same key, as `openssl ecparam -genkey` writes it.
pub(crate) const P256_PRIVATE_SEC1: &str = include_str!("../keys/p256-private.sec1.pem");
pub(crate) const P384_PRIVATE: &str = include_str!("../keys/p384-private.pem");
pub(crate) const ED25519_PRIVATE: &str = include_str!("../keys/ed25519-private.pem");
pub(crate) const X25519_SPKI: &str = include_str!("../keys/x25519.spki.pem");

/// Returns an entry of `weak.json`, which has weak moduli and a token forged for one of them.
pub(crate) fn weak(name: &str) -> String {
    let table: Value = serde_json::from_str(include_str!("../keys/weak.json")).unwrap();
    table[name].as_str().unwrap().to_owned()
}

/// Decodes the base64 lines of a PEM block.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Base64::decode_vec(&base64).unwrap()
}

pub(crate) fn private_key(pem: &str) -> rsa::PrivateKey {
    rsa::PrivateKey::from_pkcs1_pem(pem).unwrap()
}

/// Returns the modulus and the exponent of a key in base64url.
pub(crate) fn modulus_and_exponent(private: &str) -> (String, String) {
    use rsa::traits::PublicKeyParts as _;
    let key = private_key(private);
    (super::b64(key.n_bytes()), super::b64(key.e_bytes()))
}

/// Returns a public JWK with only the members that RFC 7518 section 6.3.1 requires.
pub(crate) fn rsa_jwk(private: &str) -> Value {
    let (n, e) = modulus_and_exponent(private);
    json!({ "kty": "RSA", "n": n, "e": e })
}

pub(crate) fn oct_jwk(secret: &[u8]) -> Value {
    json!({ "kty": "oct", "k": super::b64(secret) })
}
