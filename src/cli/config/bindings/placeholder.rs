//! Stand-ins for values that are set elsewhere: of the right form, and no use for anything else.

use crate::alg::{Algorithm, Curve, Family, ParameterSet};
use crate::keys::pem;
use anyhow::{Context as _, Result, anyhow};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ml_dsa::{Keypair as _, MlDsa44, MlDsa65, MlDsa87, Seed};
use p256::elliptic_curve::point::AffineCoordinates as _;
use rsa::pkcs8::der::asn1::{AnyRef, BitStringRef};
use rsa::pkcs8::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use rsa::pkcs8::{Document, EncodePublicKey as _, LineEnding, ObjectIdentifier};
use rsa::{BoxedUint, PublicKey};
use serde_json::{Value, json};

use crate::cli::config::policy::{Purpose, Reference};

/// A value of the form that the policy wants at that place, for an issuer of these algorithms.
pub(super) fn for_reference(reference: &Reference, algorithms: &[Algorithm]) -> String {
    let algorithm = algorithms.iter().copied().find(|algorithm| !algorithm.is_symmetric());
    let algorithm = algorithm.unwrap_or(Algorithm::RS256);
    match reference.purpose {
        // 64 bytes in hexadecimal, and more than that in every other encoding.
        Purpose::Secret => "0123456789abcdef".repeat(8),
        Purpose::PublicKey if reference.pointer.ends_with("/jwks") => jwk(algorithm).to_string(),
        // A stand-in that cannot be made is a fault of the policy's like any other that is empty.
        Purpose::PublicKey => pem(algorithm).unwrap_or_default(),
    }
}

fn jwk(algorithm: Algorithm) -> Value {
    let b64 = Base64UrlUnpadded::encode_string;
    match algorithm.family() {
        Family::Ecdsa(curve, _) => {
            let point = point(curve);
            let (x, y) = point.split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": curve.name(), "x": b64(x), "y": b64(y) })
        }
        Family::Ed25519 => json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(&edwards()) }),
        Family::MlDsa(set) => {
            json!({ "kty": "AKP", "alg": algorithm.name(), "pub": b64(&lattice(set)) })
        }
        Family::RsaPkcs1(_) | Family::RsaPss(_) | Family::Hmac(_) => {
            json!({ "kty": "RSA", "n": b64(&modulus()), "e": b64(&EXPONENT) })
        }
    }
}

fn pem(algorithm: Algorithm) -> Result<String> {
    match algorithm.family() {
        Family::Ecdsa(curve, _) => {
            let name = name_in(pem::CURVES, curve)?;
            let parameters = AnyRef::from(&name);
            spki(pem::EC_PUBLIC_KEY, Some(parameters), &[&[4], point(curve).as_slice()].concat())
        }
        Family::Ed25519 => spki(pem::ED25519, None, &edwards()),
        Family::MlDsa(set) => spki(name_in(pem::PARAMETER_SETS, set)?, None, &lattice(set)),
        Family::RsaPkcs1(_) | Family::RsaPss(_) | Family::Hmac(_) => {
            let number = BoxedUint::from_be_slice_vartime;
            let key = PublicKey::new(number(&modulus()), number(&EXPONENT))?;
            key.to_public_key_pem(LineEnding::LF).map_err(|error| anyhow!(error))
        }
    }
}

fn spki(algorithm: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<String> {
    let key = BitStringRef::from_bytes(key).map_err(|error| anyhow!(error))?;
    let spki = SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifier { oid: algorithm, parameters },
        subject_public_key: key,
    };
    let document = Document::encode_msg(&spki).map_err(|error| anyhow!(error))?;
    document.to_pem("PUBLIC KEY", LineEnding::LF).map_err(|error| anyhow!(error))
}

fn name_in<T: PartialEq>(table: &[(ObjectIdentifier, T)], wanted: T) -> Result<ObjectIdentifier> {
    let row = table.iter().find(|row| row.1 == wanted);
    row.map(|row| row.0).context("a kind of key without a name")
}

/// The coordinates of the curve's generator, one after the other.
fn point(curve: Curve) -> Vec<u8> {
    macro_rules! generator {
        ($curve:ident) => {{
            let point = $curve::AffinePoint::GENERATOR;
            [point.x().to_vec(), point.y().to_vec()].concat()
        }};
    }
    match curve {
        Curve::P256 => generator!(p256),
        Curve::P384 => generator!(p384),
        Curve::P521 => generator!(p521),
        Curve::Secp256k1 => generator!(k256),
    }
}

fn edwards() -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(&[0; 32]).verifying_key().to_bytes()
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

/// 2^2048 - 1942289, a prime, and so without the small factors for which a key is refused. Nothing
/// is ever verified with it.
fn modulus() -> [u8; 256] {
    let mut modulus = [0xff; 256];
    modulus[253..].copy_from_slice(&[0xe2, 0x5c, 0xef]);
    modulus
}

#[cfg(test)]
mod tests {
    use crate::keys::jwk::{self, Provenance};

    use super::*;

    #[test]
    fn stand_ins_are_keys_of_their_algorithms() {
        for algorithm in Algorithm::ALL.iter().copied().filter(|one| !one.is_symmetric()) {
            let stand_in = |key: &str| {
                let reference = Reference {
                    pointer: format!("/issuers/0/keys/{key}"),
                    binding: "KEY".to_owned(),
                    purpose: Purpose::PublicKey,
                };
                for_reference(&reference, &[algorithm])
            };
            let keys = pem::import(&stand_in("pem"), &[algorithm]).unwrap();
            assert_eq!(keys.keys().len(), 1, "{algorithm}");
            let set = crate::json::parse_object(stand_in("jwks").as_bytes()).unwrap();
            let keys = jwk::import(&set, &[algorithm], Provenance::Operator).unwrap();
            assert_eq!(keys.keys().len(), 1, "{algorithm}");
        }
    }
}
