//! Placeholders for bindings that are not on this machine. They have the right form, so that the
//! rest of the policy can be checked, and are used for nothing else.

use crate::key::public::Public;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ml_dsa::{Keypair as _, MlDsa44, MlDsa65, MlDsa87, Seed};
use p256::elliptic_curve::point::AffineCoordinates as _;
use portcullis::alg::{Algorithm, Curve, Family, ParameterSet};
use portcullis::policy::{BindingReference, Purpose};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Returns a placeholder for a binding of an issuer with these algorithms.
pub(super) fn for_reference(reference: &BindingReference, algorithms: &[Algorithm]) -> String {
    // It decodes to at least 64 bytes in every encoding that a policy can name.
    let secret = || "0123456789abcdef".repeat(8);
    let is_shared = algorithms.iter().any(|algorithm| algorithm.is_symmetric());
    let algorithm = algorithms.first().copied().filter(|_| !is_shared);
    let algorithm = algorithm.unwrap_or(Algorithm::RS256);
    match reference.purpose {
        Purpose::Secret => secret(),
        Purpose::PublicKey if is_shared && reference.pointer.ends_with("/jwks") => {
            shared_key_set(secret().as_bytes())
        }
        Purpose::PublicKey if reference.pointer.ends_with("/jwks") => {
            Value::Object(key(algorithm).jwk(algorithm)).to_string()
        }
        // A list of keys must not contain the same key twice.
        Purpose::PrivateKey => private_key(&reference.binding),
        // If no placeholder can be made, the empty text becomes a fault of the policy.
        Purpose::PublicKey => key(algorithm).pem().unwrap_or_default(),
    }
}

/// Returns a private key that differs from the placeholders for other bindings.
fn private_key(binding: &str) -> String {
    let seed = Base64UrlUnpadded::encode_string(&Sha256::digest(binding));
    json!({ "kty": "OKP", "crv": "Ed25519", "d": seed }).to_string()
}

/// Returns a JWK Set with one shared secret (RFC 7518 section 6.4).
fn shared_key_set(secret: &[u8]) -> String {
    let key = Base64UrlUnpadded::encode_string(secret);
    json!({ "keys": [{ "kty": "oct", "k": key }] }).to_string()
}

/// Returns a public key for the algorithm.
fn key(algorithm: Algorithm) -> Public {
    match algorithm.family() {
        Family::Ecdsa(curve, _) => Public::Ec { curve, point: generator(curve) },
        Family::Ed25519 => Public::Edwards(
            ed25519_dalek::SigningKey::from_bytes(&[0; 32]).verifying_key().to_bytes(),
        ),
        Family::MlDsa(set) => Public::Lattice { set, key: lattice(set) },
        Family::RsaPkcs1(_) | Family::RsaPss(_) | Family::Hmac(_) => {
            Public::Rsa { modulus: modulus().to_vec(), exponent: EXPONENT.to_vec() }
        }
    }
}

/// The curve's generator, uncompressed.
fn generator(curve: Curve) -> Vec<u8> {
    macro_rules! generator {
        ($curve:ident) => {{
            let point = $curve::AffinePoint::GENERATOR;
            [&[4], point.x().as_slice(), point.y().as_slice()].concat()
        }};
    }
    match curve {
        Curve::P256 => generator!(p256),
        Curve::P384 => generator!(p384),
        Curve::P521 => generator!(p521),
        Curve::Secp256k1 => generator!(k256),
    }
}

fn lattice(set: ParameterSet) -> Vec<u8> {
    let seed = Seed::default();
    let of = |encoded: &[u8]| encoded.to_vec();
    match set {
        ParameterSet::MlDsa44 => {
            of(&ml_dsa::SigningKey::<MlDsa44>::from_seed(&seed).verifying_key().encode())
        }
        ParameterSet::MlDsa65 => {
            of(&ml_dsa::SigningKey::<MlDsa65>::from_seed(&seed).verifying_key().encode())
        }
        ParameterSet::MlDsa87 => {
            of(&ml_dsa::SigningKey::<MlDsa87>::from_seed(&seed).verifying_key().encode())
        }
    }
}

/// 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// 2^2048 - 1942289. It is prime, because keys with small factors are rejected. No token is
/// verified with it.
fn modulus() -> [u8; 256] {
    let mut modulus = [0xff; 256];
    modulus[253..].copy_from_slice(&[0xe2, 0x5c, 0xef]);
    modulus
}

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis::keys::jwk::{self, Provenance};
    use portcullis::keys::pem;

    #[test]
    fn placeholders_can_be_imported_for_every_algorithm() {
        for algorithm in Algorithm::ALL.iter().copied() {
            let placeholder = |key: &str| {
                let reference = BindingReference {
                    pointer: format!("/issuers/0/keys/{key}"),
                    binding: "KEY".to_owned(),
                    purpose: Purpose::PublicKey,
                    issuer: None,
                };
                for_reference(&reference, &[algorithm])
            };
            if !algorithm.is_symmetric() {
                let keys = pem::import(&placeholder("pem"), &[algorithm]).unwrap();
                assert_eq!(keys.keys().len(), 1, "{algorithm}");
            }
            let set = portcullis::json::parse_object(placeholder("jwks").as_bytes()).unwrap();
            let keys = jwk::import(&set, &[algorithm], Provenance::Operator).unwrap();
            assert_eq!(keys.keys().len(), 1, "{algorithm}");
        }
    }
}
