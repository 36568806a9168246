//! Public keys, in the forms that a policy accepts.

use anyhow::{Context as _, Result, anyhow};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::alg::{Algorithm, Curve, ParameterSet};
use portcullis::keys::jwk::{self, Provenance};
use portcullis::keys::pem;
use rsa::pkcs8::der::asn1::{AnyRef, BitStringRef};
use rsa::pkcs8::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};
use rsa::pkcs8::{Document, EncodePublicKey as _, LineEnding, ObjectIdentifier};
use rsa::{BoxedUint, PublicKey};
use serde_json::{Map, Value, json};

/// A public key.
pub(crate) enum Public {
    /// RSA, both numbers big-endian.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
    /// ECDSA.
    Ec {
        /// The curve.
        curve: Curve,
        /// The point, uncompressed (SEC 1 section 2.3.3): 4, x, y.
        point: Vec<u8>,
    },
    /// Ed25519.
    Edwards([u8; 32]),
    /// ML-DSA.
    Lattice {
        /// The parameter set.
        set: ParameterSet,
        /// The encoded key.
        key: Vec<u8>,
    },
}

impl Public {
    /// The key in PEM, as `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
    pub(crate) fn pem(&self) -> Result<String> {
        match self {
            Self::Rsa { modulus, exponent } => {
                let number = BoxedUint::from_be_slice_vartime;
                let key = PublicKey::new(number(modulus), number(exponent))?;
                key.to_public_key_pem(LineEnding::LF).map_err(|error| anyhow!(error))
            }
            Self::Ec { curve, point } => {
                let name = name_in(pem::CURVES, *curve)?;
                spki(pem::EC_PUBLIC_KEY, Some(AnyRef::from(&name)), point)
            }
            Self::Edwards(key) => spki(pem::ED25519, None, key),
            Self::Lattice { set, key } => spki(name_in(pem::PARAMETER_SETS, *set)?, None, key),
        }
    }

    /// The members of the key as a JWK (RFC 7518 section 6, RFC 8037, RFC 9964), and its `alg`.
    pub(crate) fn jwk(&self, algorithm: Algorithm) -> Map<String, Value> {
        let b64 = Base64UrlUnpadded::encode_string;
        let members = match self {
            Self::Rsa { modulus, exponent } => {
                json!({ "kty": "RSA", "n": b64(modulus), "e": b64(exponent) })
            }
            Self::Ec { curve, point } => {
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) =
                    coordinates.split_at_checked(curve.coordinate_bytes()).unwrap_or_default();
                json!({ "kty": "EC", "crv": curve.name(), "x": b64(x), "y": b64(y) })
            }
            Self::Edwards(key) => json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key) }),
            Self::Lattice { key, .. } => json!({ "kty": "AKP", "pub": b64(key) }),
        };
        let mut members = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        members.insert("alg".to_owned(), json!(algorithm.name()));
        members
    }

    /// The key's thumbprint (RFC 7638), as the gate computes it.
    ///
    /// # Errors
    ///
    /// If the gate does not accept the key.
    pub(crate) fn thumbprint(&self, algorithm: Algorithm) -> Result<String> {
        let set = jwk::import(&self.jwk(algorithm), &[algorithm], Provenance::Operator)
            .map_err(|fault| anyhow!("the gate does not accept this key: {fault}"))?;
        let key = set.keys().first().context("the gate does not accept this key")?;
        key.material().thumbprint().context("the key has no thumbprint")
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

/// The object identifier of a curve or a parameter set.
pub(super) fn name_in<T: PartialEq>(
    table: &[(ObjectIdentifier, T)],
    wanted: T,
) -> Result<ObjectIdentifier> {
    let row = table.iter().find(|row| row.1 == wanted);
    row.map(|row| row.0).context("this kind of key has no object identifier")
}
