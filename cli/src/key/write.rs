//! Writes private keys as PKCS#8 (RFC 5958), which OpenSSL reads, or as JWKs.

use super::Key;
use super::public::{Public, name_in};
use anyhow::{Result, anyhow};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::alg::{Algorithm, ParameterSet};
use portcullis::keys::pem;
use rsa::pkcs8::der::asn1::{AnyRef, BitStringRef, ContextSpecific, OctetStringRef};
use rsa::pkcs8::der::{self, Encode as _, Tag, TagMode, TagNumber};
use rsa::pkcs8::spki::AlgorithmIdentifierRef;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding, PrivateKeyInfoRef, SecretDocument};
use rsa::traits::PrivateKeyParts as _;
use serde_json::{Map, Value, json};

impl Key {
    /// The private key in PEM.
    pub(crate) fn to_pem(&self) -> Result<String> {
        let document = match self {
            Self::Rsa(key) => key.to_pkcs8_der().map_err(|error| anyhow!(error))?,
            _ => self.to_pkcs8().map_err(|error| anyhow!(error))??,
        };
        let text =
            document.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|error| anyhow!(error))?;
        Ok(text.as_str().to_owned())
    }

    /// The members of the key as a private JWK.
    pub(crate) fn private_jwk(&self, algorithm: Algorithm) -> Map<String, Value> {
        let b64 = Base64UrlUnpadded::encode_string;
        let mut members = self.public().jwk(algorithm);
        let mut add = |name: &str, bytes: &[u8]| {
            members.insert(name.to_owned(), json!(b64(bytes)));
        };
        match self {
            Self::Rsa(key) => {
                let plain = |number: &rsa::BoxedUint| {
                    let bytes = number.to_be_bytes();
                    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                    bytes.get(zeros..).unwrap_or_default().to_vec()
                };
                add("d", &plain(key.d()));
                if let [p, q] = key.primes() {
                    add("p", &plain(p));
                    add("q", &plain(q));
                }
                if let (Some(dp), Some(dq)) = (key.dp(), key.dq()) {
                    add("dp", &plain(dp));
                    add("dq", &plain(dq));
                }
                if let Some(qi) = key.crt_coefficient() {
                    add("qi", &plain(&qi));
                }
            }
            Self::Ed25519(key) => add("d", key.as_bytes()),
            Self::MlDsa44(_) | Self::MlDsa65(_) | Self::MlDsa87(_) => add("priv", &self.secret()),
            Self::P256(_) | Self::P384(_) | Self::P521(_) | Self::Secp256k1(_) => {
                add("d", &self.secret());
            }
        }
        members
    }

    /// The scalar or the seed. Empty for RSA.
    fn secret(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => Vec::new(),
            Self::P256(key) => key.to_bytes().to_vec(),
            Self::P384(key) => key.to_bytes().to_vec(),
            Self::P521(key) => key.to_bytes().to_vec(),
            Self::Secp256k1(key) => key.to_bytes().to_vec(),
            Self::Ed25519(key) => key.to_bytes().to_vec(),
            Self::MlDsa44(key) => key.as_seed().to_vec(),
            Self::MlDsa65(key) => key.as_seed().to_vec(),
            Self::MlDsa87(key) => key.as_seed().to_vec(),
        }
    }

    /// The key in version 1 of PKCS#8, without the public key, because OpenSSL reads no other
    /// version.
    fn to_pkcs8(&self) -> der::Result<Result<SecretDocument>> {
        let secret = self.secret();
        let octets = OctetStringRef::new(&secret)?;
        let public = self.public();
        let curve;
        let (oid, parameters, key) = match &public {
            Public::Ec { curve: named, point } => {
                curve = match name_in(pem::CURVES, *named) {
                    Ok(name) => name,
                    Err(error) => return Ok(Err(error)),
                };
                let key = ec_private_key(octets, point)?;
                (pem::EC_PUBLIC_KEY, Some(AnyRef::from(&curve)), key)
            }
            Public::Lattice { set, .. } => {
                let oid = match lattice_name(*set) {
                    Ok(name) => name,
                    Err(error) => return Ok(Err(error)),
                };
                // Only the seed, without the expanded key (RFC 9881 section 6).
                let seed = ContextSpecific {
                    tag_number: TagNumber(0),
                    tag_mode: TagMode::Implicit,
                    value: octets,
                };
                (oid, None, seed.to_der()?)
            }
            Public::Edwards(_) | Public::Rsa { .. } => (pem::ED25519, None, octets.to_der()?),
        };
        let algorithm = AlgorithmIdentifierRef { oid, parameters };
        let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&key)?);
        SecretDocument::encode_msg(&info).map(Ok)
    }
}

fn lattice_name(set: ParameterSet) -> Result<rsa::pkcs8::ObjectIdentifier> {
    name_in(pem::PARAMETER_SETS, set)
}

/// `ECPrivateKey` (RFC 5915 section 3), with the public point.
fn ec_private_key(scalar: &OctetStringRef, point: &[u8]) -> der::Result<Vec<u8>> {
    let public = ContextSpecific {
        tag_number: TagNumber(1),
        tag_mode: TagMode::Explicit,
        value: BitStringRef::from_bytes(point)?,
    };
    let contents = [1_u8.to_der()?, scalar.to_der()?, public.to_der()?].concat();
    AnyRef::new(Tag::Sequence, &contents)?.to_der()
}
