//! Public keys as JWKs.

use crate::key::Key;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../key/pem/", $name, ".pem"))
    };
}

/// The private key of [`rsa`].
pub(super) fn private_rsa() -> Key {
    Key::from_pem(pem!("rsa")).unwrap()
}

/// The private key of [`p256`].
pub(super) fn private_p256() -> Key {
    Key::from_pem(pem!("p256")).unwrap()
}

fn b64(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(super) fn rsa(kid: &str) -> Value {
    let Key::Rsa(key) = private_rsa() else { panic!("not RSA") };
    json!({ "kty": "RSA", "kid": kid, "n": b64(&key.n_bytes()), "e": b64(&key.e_bytes()) })
}

pub(super) fn rsa1024(kid: &str) -> Value {
    use rsa::pkcs8::DecodePrivateKey as _;
    let key = rsa::PrivateKey::from_pkcs8_pem(pem!("rsa1024")).unwrap();
    json!({ "kty": "RSA", "kid": kid, "n": b64(&key.n_bytes()), "e": b64(&key.e_bytes()) })
}

/// A point as SEC 1 writes it, uncompressed.
fn ec(kid: &str, curve: &str, point: &[u8]) -> Value {
    let (x, y) = point[1..].split_at(point.len() / 2);
    json!({ "kty": "EC", "kid": kid, "crv": curve, "x": b64(x), "y": b64(y) })
}

pub(super) fn p256(kid: &str) -> Value {
    let Key::P256(key) = private_p256() else { panic!("not on P-256") };
    ec(kid, "P-256", key.verifying_key().to_sec1_point(false).as_bytes())
}

pub(super) fn p384(kid: &str) -> Value {
    let Ok(Key::P384(key)) = Key::from_pem(pem!("p384")) else { panic!("not on P-384") };
    ec(kid, "P-384", key.verifying_key().to_sec1_point(false).as_bytes())
}

pub(super) fn ed25519(kid: &str) -> Value {
    let Ok(Key::Ed25519(key)) = Key::from_pem(pem!("ed25519")) else { panic!("not Ed25519") };
    json!({ "kty": "OKP", "kid": kid, "crv": "Ed25519", "x": b64(key.verifying_key().as_bytes()) })
}
