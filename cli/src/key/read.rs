//! Reads private keys from PEM and from JWKs.

use super::Key;
use anyhow::{Context as _, Result, anyhow, bail};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use ml_dsa::Seed;
use portcullis::alg::{Curve, ParameterSet};
use portcullis::json::{self, Object};
use portcullis::keys::{RsaKey, pem};
use rsa::BoxedUint;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::der::asn1::{AnyRef, ContextSpecific, OctetStringRef};
use rsa::pkcs8::der::{self, Decode as _, Reader as _, SliceReader, TagNumber};
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use rsa::traits::PublicKeyParts as _;
use serde_json::Value;

impl Key {
    /// Reads a private key, in PEM or as a JWK (RFC 7517).
    pub(crate) fn read(text: &str) -> Result<Self> {
        if text.trim_start().starts_with('{') { Self::from_jwk(text) } else { Self::from_pem(text) }
    }

    fn from_jwk(text: &str) -> Result<Self> {
        let jwk =
            json::parse_object(text.trim().as_bytes()).map_err(|reason| anyhow!("it {reason}"))?;
        let name = |member: &str| jwk.get(member).and_then(Value::as_str).unwrap_or_default();
        match name("kty") {
            "EC" => {
                let curve = Curve::ALL.iter().copied().find(|curve| curve.name() == name("crv"));
                scalar(curve.context("its crv is not supported")?, &bytes(&jwk, "d")?)
            }
            "OKP" if name("crv") == "Ed25519" => {
                let seed = bytes(&jwk, "d")?;
                let seed = seed.as_slice().try_into().context("its d is not a seed of 32 bytes")?;
                Ok(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)))
            }
            "AKP" => {
                let set = match name("alg") {
                    "ML-DSA-44" => ParameterSet::MlDsa44,
                    "ML-DSA-65" => ParameterSet::MlDsa65,
                    "ML-DSA-87" => ParameterSet::MlDsa87,
                    _ => bail!("its alg is not supported"),
                };
                expanded(set, &bytes(&jwk, "priv")?)
            }
            "RSA" => {
                let number = |member| {
                    bytes(&jwk, member).map(|bytes| BoxedUint::from_be_slice_vartime(&bytes))
                };
                let primes = vec![number("p")?, number("q")?];
                let [n, e, d] = [number("n")?, number("e")?, number("d")?];
                checked(rsa::PrivateKey::from_components(n, e, d, primes))
            }
            "oct" => bail!("it is a shared secret: put it in .dev.vars"),
            _ => bail!("its kty is not supported"),
        }
    }

    /// Reads a private key in PEM: PKCS#8 (RFC 5958), SEC 1 (RFC 5915), or PKCS#1 (RFC 8017).
    pub(crate) fn from_pem(text: &str) -> Result<Self> {
        let (label, block) = block(text)?;
        if block.contains("ENCRYPTED") {
            bail!("it is encrypted: decrypt it first, with `openssl pkey -in FILE -out OTHER`");
        }
        match label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {}
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => {
                bail!("it is a public key, and signing needs the private key")
            }
            other => {
                bail!(
                    "it contains \"{other}\", and a private key starts with -----BEGIN PRIVATE \
                     KEY-----"
                )
            }
        }
        let (_, document) = SecretDocument::from_pem(block)
            .map_err(|error| anyhow!("its PEM is invalid: {error}"))?;
        let der = document.as_bytes();
        match label {
            "RSA PRIVATE KEY" => rsa(der),
            "EC PRIVATE KEY" => elliptic(der, None),
            _ => pkcs8(der),
        }
    }
}

fn bytes(jwk: &Object, member: &str) -> Result<Vec<u8>> {
    let text = jwk.get(member).and_then(Value::as_str);
    let text =
        text.with_context(|| format!("it has no {member}, and signing needs the private key"))?;
    Base64UrlUnpadded::decode_vec(text).map_err(|_| anyhow!("its {member} is not base64url"))
}

/// Returns the label and the text of the first private key, or else of the first block. `openssl
/// ecparam
/// -genkey` writes a block with the curve before the key.
fn block(text: &str) -> Result<(&str, &str)> {
    const BEGIN: &str = "-----BEGIN ";
    let blocks: Vec<(&str, &str)> = text
        .match_indices(BEGIN)
        .filter_map(|(start, _)| {
            let rest = text.get(start..)?;
            let (label, _) = rest.strip_prefix(BEGIN)?.split_once("-----")?;
            let end = format!("-----END {label}-----");
            Some((label, rest.get(..rest.find(&end)?.saturating_add(end.len()))?))
        })
        .collect();
    let private = blocks.iter().find(|(label, _)| label.ends_with("PRIVATE KEY"));
    private
        .or(blocks.first())
        .copied()
        .context("it is not a PEM file, because it has no line -----BEGIN ...-----")
}

fn pkcs8(der: &[u8]) -> Result<Key> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| anyhow!("it is not valid PKCS#8"))?;
    let parameter = || info.algorithm.parameters.and_then(|name| name.decode_as().ok());
    let key = info.private_key.as_bytes();
    match info.algorithm.oid {
        pem::RSA_ENCRYPTION => rsa(key),
        pem::EC_PUBLIC_KEY => elliptic(key, parameter()),
        pem::ED25519 => ed25519(key),
        name => match pem::named(pem::PARAMETER_SETS, name) {
            Some(set) => lattice(set, key),
            None => bail!("tokens cannot be signed with a key of this kind ({name})"),
        },
    }
}

/// Reads `RSAPrivateKey` (RFC 8017 appendix A.1.2). Rejects keys that the gate does not accept.
fn rsa(der: &[u8]) -> Result<Key> {
    checked(rsa::PrivateKey::from_pkcs1_der(der))
}

fn checked<E: std::error::Error + Send + Sync + 'static>(
    key: Result<rsa::PrivateKey, E>,
) -> Result<Key> {
    let key = key.context("it is not a valid RSA key")?;
    RsaKey::new(&key.n_bytes(), &key.e_bytes()).map_err(|fault| anyhow!("{fault}"))?;
    Ok(Key::Rsa(Box::new(key)))
}

/// Reads `ECPrivateKey` (RFC 5915 section 3). In PKCS#8, the algorithm identifier names the curve.
fn elliptic(der: &[u8], curve: Option<ObjectIdentifier>) -> Result<Key> {
    let (number, named) = ec_private_key(der).map_err(|_| anyhow!("it is not a valid EC key"))?;
    let name = curve.or(named).context(
        "it has explicit curve parameters instead of a name: convert it with `openssl ec -in FILE \
         -param_enc named_curve`",
    )?;
    let curve = pem::named(pem::CURVES, name)
        .with_context(|| format!("tokens cannot be signed with a key on this curve ({name})"))?;
    scalar(curve, number)
}

fn scalar(curve: Curve, scalar: &[u8]) -> Result<Key> {
    let key = match curve {
        Curve::P256 => p256::ecdsa::SigningKey::from_slice(scalar).map(Key::P256),
        Curve::P384 => p384::ecdsa::SigningKey::from_slice(scalar).map(Key::P384),
        Curve::P521 => p521::ecdsa::SigningKey::from_slice(scalar).map(Key::P521),
        Curve::Secp256k1 => k256::ecdsa::SigningKey::from_slice(scalar).map(Key::Secp256k1),
    };
    key.map_err(|_| anyhow!("it is not a valid key on {}", curve.name()))
}

fn ec_private_key(der: &[u8]) -> der::Result<(&[u8], Option<ObjectIdentifier>)> {
    const PARAMETERS: TagNumber = TagNumber(0);
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|key| {
        u8::decode(key)?; // version
        let scalar = <&OctetStringRef>::decode(key)?.as_bytes();
        let parameters = ContextSpecific::<AnyRef<'_>>::decode_explicit(key, PARAMETERS)?;
        let curve = parameters.and_then(|parameters| parameters.value.decode_as().ok());
        key.drain(key.remaining_len())?;
        der::Result::Ok((scalar, curve))
    })
}

/// Reads `CurvePrivateKey` (RFC 8410 section 7).
fn ed25519(der: &[u8]) -> Result<Key> {
    let seed =
        <&OctetStringRef>::from_der(der).ok().and_then(|seed| seed.as_bytes().try_into().ok());
    let seed = seed.context("it is not a valid Ed25519 key")?;
    Ok(Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)))
}

/// Reads the seed, alone or with the expanded key (RFC 9881 section 6). Rejects an expanded key
/// without its seed.
fn lattice(set: ParameterSet, der: &[u8]) -> Result<Key> {
    expanded(set, lattice_seed(der).unwrap_or_default())
}

fn expanded(set: ParameterSet, seed: &[u8]) -> Result<Key> {
    let seed = Seed::try_from(seed).ok().context("it is not a valid ML-DSA key, or has no seed")?;
    Ok(match set {
        ParameterSet::MlDsa44 => Key::MlDsa44(Box::new(ml_dsa::SigningKey::from_seed(&seed))),
        ParameterSet::MlDsa65 => Key::MlDsa65(Box::new(ml_dsa::SigningKey::from_seed(&seed))),
        ParameterSet::MlDsa87 => Key::MlDsa87(Box::new(ml_dsa::SigningKey::from_seed(&seed))),
    })
}

fn lattice_seed(der: &[u8]) -> der::Result<&[u8]> {
    const SEED: TagNumber = TagNumber(0);
    let mut reader = SliceReader::new(der)?;
    if let Some(seed) = ContextSpecific::<&OctetStringRef>::decode_implicit(&mut reader, SEED)? {
        return Ok(seed.value.as_bytes());
    }
    reader.sequence(|both| {
        let seed = <&OctetStringRef>::decode(both)?.as_bytes();
        both.drain(both.remaining_len())?;
        der::Result::Ok(seed)
    })
}
