//! Importing public keys in PEM (RFC 7468): SPKI, PKCS #1, and X.509 certificates. Also private
//! keys that the gate signs with: PKCS #8.
//!
//! Variables, dashboards and shells often change the text: they remove line breaks, write `\n`
//! instead, or add white space. The importer accepts all of these, because none of them changes the
//! key.

#[cfg(feature = "mldsa")]
use super::LatticeKey;
use super::{EcKey, EdwardsKey, KeyFault, KeySet, Material, RsaKey};
#[cfg(feature = "mldsa")]
use crate::alg::ParameterSet;
use crate::alg::{Algorithm, Curve};
use base64ct::{Base64, Encoding as _};
use rsa::pkcs1;
use rsa::pkcs8::ObjectIdentifier;
use rsa::pkcs8::der::asn1::{AnyRef, UintRef};
use rsa::pkcs8::der::{self, Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use rsa::pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

/// `rsaEncryption` (RFC 8017 appendix C).
pub const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480 section 2.1.1); its parameter names the curve.
pub const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `id-Ed25519` (RFC 8410 section 3).
pub const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The curves by object identifier (RFC 5480 section 2.1.1.1, SEC 2 appendix A).
pub const CURVES: &[(ObjectIdentifier, Curve)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), Curve::P256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    #[cfg(feature = "es512")]
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
    #[cfg(feature = "es256k")]
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), Curve::Secp256k1),
];

/// The parameter sets of ML-DSA by object identifier (RFC 9881 section 2).
#[cfg(feature = "mldsa")]
pub const PARAMETER_SETS: &[(ObjectIdentifier, ParameterSet)] = &[
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"), ParameterSet::MlDsa44),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"), ParameterSet::MlDsa65),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"), ParameterSet::MlDsa87),
];

/// Returns the value for an object identifier in one of the tables above.
#[must_use]
pub fn named<T: Copy>(table: &[(ObjectIdentifier, T)], name: ObjectIdentifier) -> Option<T> {
    table.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// Imports every block of a PEM text. Each key may verify those of the `allowed` algorithms that
/// suit it.
///
/// Of a certificate, only the public key is used. The operator trusts the certificate by
/// configuring it, so its dates and its issuer are not checked.
///
/// # Errors
///
/// [`KeyFault`] if the text contains no block, a private key, or any block that is not a usable
/// public key. Unlike keys of a JWK Set, no block is skipped, because the operator wrote each of
/// them.
pub fn import(text: &str, allowed: &[Algorithm]) -> Result<KeySet, KeyFault> {
    let mut keys = Vec::new();
    for block in blocks(text)? {
        let material = public_key(&block.label, &block.der)?;
        keys.push(super::Key::new(material, None, allowed)?);
    }
    Ok(KeySet::new(keys, Vec::new()))
}

/// Whether the bytes are a public key and so not a shared secret: PEM, a JWK or JWK Set, or DER,
/// with or without base64.
pub(super) fn is_public_key(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    holds_a_block(&text)
        || crate::json::parse_object(bytes)
            .is_ok_and(|object| object.contains_key("kty") || object.contains_key("keys"))
        || is_public_key_in_der(bytes)
        || decode_base64(&text).is_some_and(|der| is_public_key_in_der(&der))
}

/// Whether [`import`] would find a block in the text.
pub(super) fn holds_a_block(text: &str) -> bool {
    unbent(text).contains(BEGIN)
}

/// Replaces `\n` and `\r` that are written as two characters.
fn unbent(text: &str) -> String {
    text.replace("\\r", "").replace("\\n", "\n")
}

fn is_public_key_in_der(bytes: &[u8]) -> bool {
    let labels = ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"];
    labels.iter().any(|label| public_key_parts(label, bytes).is_ok())
}

/// Decodes base64 and ignores white space in it.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Base64::decode_vec(&compact).ok()
}

/// The beginning of every block (RFC 7468 section 2).
const BEGIN: &str = "-----BEGIN ";

struct Block {
    label: String,
    der: Vec<u8>,
}

fn blocks(text: &str) -> Result<Vec<Block>, KeyFault> {
    let text = unbent(text);
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (label, after) = after
            .split_once("-----")
            .ok_or_else(|| KeyFault::new("a PEM block has an incomplete BEGIN line"))?;
        let (body, after) = after
            .split_once(&format!("-----END {label}-----"))
            .ok_or_else(|| KeyFault::new("a PEM block has no END line"))?;
        let der = decode_base64(body)
            .ok_or_else(|| KeyFault::new("the content of a PEM block is not base64"))?;
        blocks.push(Block { label: label.to_owned(), der });
        rest = after;
    }
    if blocks.is_empty() {
        return Err(KeyFault::new("it contains no PEM block (-----BEGIN …)"));
    }
    Ok(blocks)
}

fn public_key(label: &str, der: &[u8]) -> Result<Material, KeyFault> {
    if label.ends_with("PRIVATE KEY") {
        return Err(KeyFault::new(
            "it is a private key, but the gate needs only the public key (openssl pkey -pubout)",
        ));
    }
    let parts = public_key_parts(label, der)
        .map_err(|_| KeyFault::new(format!("the {label} block does not contain a public key")))?;
    match parts.algorithm {
        RSA_ENCRYPTION => {
            let rsa = pkcs1::RsaPublicKey::<UintRef<'_>>::from_der(parts.key).map_err(|_| {
                KeyFault::new(format!("the {label} block does not contain an RSA key"))
            })?;
            RsaKey::new(rsa.modulus.as_bytes(), rsa.public_exponent.as_bytes()).map(Material::Rsa)
        }
        EC_PUBLIC_KEY => {
            let curve = parts.parameter.and_then(|name| named(CURVES, name)).ok_or_else(|| {
                KeyFault::new(format!(
                    "the {label} block contains a key on a curve that this build does not support"
                ))
            })?;
            EcKey::from_sec1(curve, parts.key).map(Material::Ec)
        }
        ED25519 => EdwardsKey::new(parts.key).map(Material::Edwards),
        #[cfg(feature = "mldsa")]
        name if let Some(set) = named(PARAMETER_SETS, name) => {
            LatticeKey::new(set, parts.key).map(|key| Material::Lattice(Box::new(key)))
        }
        _ => Err(KeyFault::new(format!(
            "the {label} block contains a kind of key that this build does not support"
        ))),
    }
}

/// A private key, as its PEM block contains it.
pub(crate) enum PrivateKeyParts {
    /// The scalar of a key on P-256, big-endian.
    P256(Vec<u8>),
    /// The seed (RFC 8032 section 5.1.5).
    Ed25519(Vec<u8>),
    /// A key of another kind.
    Other,
}

/// Reads the private key of a PEM text: PKCS #8 (RFC 5958).
///
/// # Errors
///
/// [`KeyFault`] if the text contains no private key, several, an encrypted one, or one that is
/// malformed or in another format.
pub(crate) fn private_key(text: &str) -> Result<PrivateKeyParts, KeyFault> {
    let mut blocks = blocks(text)?;
    blocks.retain(|block| block.label.ends_with("PRIVATE KEY"));
    let [Block { label, der }] = blocks.as_slice() else {
        return Err(KeyFault::new(match blocks.len() {
            0 => "it is not a private key",
            _ => "it contains more than one private key",
        }));
    };
    match label.as_str() {
        "PRIVATE KEY" => pkcs8(der)
            .map_err(|_| KeyFault::new("the PRIVATE KEY block does not contain a private key")),
        "RSA PRIVATE KEY" => Ok(PrivateKeyParts::Other),
        "ENCRYPTED PRIVATE KEY" => {
            Err(KeyFault::new("it is encrypted (decrypt it with openssl pkey)"))
        }
        _ => Err(KeyFault::new(
            "it is not in PKCS #8 (convert it with openssl pkcs8 -topk8 -nocrypt)",
        )),
    }
}

/// Reads `OneAsymmetricKey` (RFC 5958 section 2), and in it `ECPrivateKey` (RFC 5915 section 3) or
/// `CurvePrivateKey` (RFC 8410 section 7).
fn pkcs8(der: &[u8]) -> der::Result<PrivateKeyParts> {
    let mut reader = SliceReader::new(der)?;
    let (algorithm, key) = first_members(&mut reader, |members| {
        Ok((AlgorithmIdentifierRef::decode(members)?, octets(members)?))
    })?;
    let parameter = || algorithm.parameters.and_then(|name| name.decode_as().ok());
    let mut inner = SliceReader::new(key)?;
    Ok(match algorithm.oid {
        EC_PUBLIC_KEY if parameter().and_then(|name| named(CURVES, name)) == Some(Curve::P256) => {
            PrivateKeyParts::P256(first_members(&mut inner, octets)?.to_vec())
        }
        ED25519 => PrivateKeyParts::Ed25519(octets(&mut inner)?.to_vec()),
        _ => PrivateKeyParts::Other,
    })
}

/// Reads the first members of a sequence, after its version. Ignores the optional members that
/// follow.
fn first_members<'d, T>(
    reader: &mut SliceReader<'d>,
    read: impl FnOnce(&mut SliceReader<'d>) -> der::Result<T>,
) -> der::Result<T> {
    reader.sequence(|members| {
        AnyRef::decode(members)?;
        let first = read(members)?;
        members.drain(members.remaining_len())?;
        der::Result::Ok(first)
    })
}

/// Reads an octet string.
fn octets<'d>(reader: &mut SliceReader<'d>) -> der::Result<&'d [u8]> {
    let any = AnyRef::decode(reader)?;
    any.tag().assert_eq(Tag::OctetString)?;
    Ok(any.value())
}

/// A public key in DER, and its algorithm.
struct PublicKeyParts<'a> {
    algorithm: ObjectIdentifier,
    /// The algorithm's parameter, if that is an object identifier too.
    parameter: Option<ObjectIdentifier>,
    key: &'a [u8],
}

fn public_key_parts<'a>(label: &str, bytes: &'a [u8]) -> der::Result<PublicKeyParts<'a>> {
    let spki = match label {
        "RSA PUBLIC KEY" => {
            pkcs1::RsaPublicKey::<UintRef<'_>>::from_der(bytes)?;
            return Ok(PublicKeyParts { algorithm: RSA_ENCRYPTION, parameter: None, key: bytes });
        }
        "CERTIFICATE" => subject_public_key_info(bytes)?,
        _ => SubjectPublicKeyInfoRef::from_der(bytes)?,
    };
    let key =
        spki.subject_public_key.as_bytes().ok_or(der::ErrorKind::Value { tag: Tag::BitString })?;
    let parameter = spki.algorithm.parameters.and_then(|name| name.decode_as().ok());
    Ok(PublicKeyParts { algorithm: spki.algorithm.oid, parameter, key })
}

/// Reads a certificate's `subjectPublicKeyInfo` (RFC 5280 section 4.1).
fn subject_public_key_info(bytes: &[u8]) -> der::Result<SubjectPublicKeyInfoRef<'_>> {
    let mut reader = SliceReader::new(bytes)?;
    let spki = reader.sequence(|certificate| {
        let spki = certificate.sequence(|tbs| {
            if Tag::peek(tbs)?.is_context_specific() {
                AnyRef::decode(tbs)?; // version
            }
            for _ in ["serialNumber", "signature", "issuer", "validity", "subject"] {
                AnyRef::decode(tbs)?;
            }
            let spki = SubjectPublicKeyInfoRef::decode(tbs)?;
            tbs.drain(tbs.remaining_len())?;
            der::Result::Ok(spki)
        })?;
        certificate.drain(certificate.remaining_len())?;
        der::Result::Ok(spki)
    })?;
    reader.finish()?;
    Ok(spki)
}
