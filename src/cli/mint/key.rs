//! Private keys to sign tokens with, from PEM.

use crate::alg::{Algorithm, Curve, Family, Hash, ParameterSet};
use crate::keys::{RsaKey, pem};
use anyhow::{Context, Result, anyhow, bail};
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, Seed};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::der::asn1::{AnyRef, ContextSpecific, OctetStringRef};
use rsa::pkcs8::der::{self, Decode as _, Reader as _, SliceReader, TagNumber};
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, Pss};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

#[cfg(test)]
mod tests;

/// A private key, of the kind that a family of algorithms takes.
pub(crate) enum Key {
    /// RSA.
    Rsa(Box<rsa::PrivateKey>),
    /// ECDSA on P-256.
    P256(p256::ecdsa::SigningKey),
    /// ECDSA on P-384.
    P384(p384::ecdsa::SigningKey),
    /// ECDSA on P-521.
    P521(p521::ecdsa::SigningKey),
    /// ECDSA on secp256k1.
    Secp256k1(k256::ecdsa::SigningKey),
    /// Ed25519.
    Ed25519(ed25519_dalek::SigningKey),
    /// ML-DSA-44.
    MlDsa44(Box<ml_dsa::SigningKey<MlDsa44>>),
    /// ML-DSA-65.
    MlDsa65(Box<ml_dsa::SigningKey<MlDsa65>>),
    /// ML-DSA-87.
    MlDsa87(Box<ml_dsa::SigningKey<MlDsa87>>),
}

impl Key {
    /// Reads a private key in PEM: PKCS#8 (RFC 5958), SEC 1 (RFC 5915), or PKCS#1 (RFC 8017).
    pub(crate) fn from_pem(text: &str) -> Result<Self> {
        let (label, block) = block(text)?;
        if block.contains("ENCRYPTED") {
            bail!("it is encrypted: decrypt it first, with `openssl pkey -in FILE -out OTHER`");
        }
        match label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {}
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => {
                bail!("it is the public half: signing takes the private key")
            }
            other => {
                bail!("it holds \"{other}\": a private key begins with -----BEGIN PRIVATE KEY-----")
            }
        }
        let (_, document) = SecretDocument::from_pem(block)
            .map_err(|error| anyhow!("its PEM is not well formed: {error}"))?;
        let der = document.as_bytes();
        match label {
            "RSA PRIVATE KEY" => rsa(der),
            "EC PRIVATE KEY" => elliptic(der, None),
            _ => pkcs8(der),
        }
    }

    /// Whether the key can be used with an algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm.family()),
            (Self::Rsa(_), Family::RsaPkcs1(_) | Family::RsaPss(_))
                | (Self::P256(_), Family::Ecdsa(Curve::P256, _))
                | (Self::P384(_), Family::Ecdsa(Curve::P384, _))
                | (Self::P521(_), Family::Ecdsa(Curve::P521, _))
                | (Self::Secp256k1(_), Family::Ecdsa(Curve::Secp256k1, _))
                | (Self::Ed25519(_), Family::Ed25519)
                | (Self::MlDsa44(_), Family::MlDsa(ParameterSet::MlDsa44))
                | (Self::MlDsa65(_), Family::MlDsa(ParameterSet::MlDsa65))
                | (Self::MlDsa87(_), Family::MlDsa(ParameterSet::MlDsa87))
        )
    }

    /// What to call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "an RSA key",
            Self::P256(_) => "a key on P-256",
            Self::P384(_) => "a key on P-384",
            Self::P521(_) => "a key on P-521",
            Self::Secp256k1(_) => "a key on secp256k1",
            Self::Ed25519(_) => "an Ed25519 key",
            Self::MlDsa44(_) => "an ML-DSA-44 key",
            Self::MlDsa65(_) => "an ML-DSA-65 key",
            Self::MlDsa87(_) => "an ML-DSA-87 key",
        }
    }

    /// The signature over a message, in the form that JWS gives it (RFC 7518 section 3).
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Rsa(key) => return sign_rsa(key, algorithm, message),
            Self::P256(key) => ecdsa::<p256::ecdsa::Signature>(key, message)?,
            Self::P384(key) => ecdsa::<p384::ecdsa::Signature>(key, message)?,
            Self::P521(key) => ecdsa::<p521::ecdsa::Signature>(key, message)?,
            Self::Secp256k1(key) => ecdsa::<k256::ecdsa::Signature>(key, message)?,
            Self::Ed25519(key) => key.try_sign(message)?.to_bytes().to_vec(),
            Self::MlDsa44(key) => key.try_sign(message)?.encode().to_vec(),
            Self::MlDsa65(key) => key.try_sign(message)?.encode().to_vec(),
            Self::MlDsa87(key) => key.try_sign(message)?.encode().to_vec(),
        })
    }
}

fn ecdsa<S: SignatureEncoding>(key: &impl Signer<S>, message: &[u8]) -> Result<Vec<u8>> {
    Ok(key.try_sign(message)?.to_vec())
}

fn sign_rsa(key: &rsa::PrivateKey, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>> {
    macro_rules! pkcs1 {
        ($hash:ty) => {
            key.sign(Pkcs1v15Sign::new::<$hash>(), &<$hash>::digest(message))
        };
    }
    macro_rules! pss {
        ($hash:ty) => {
            key.sign_with_rng(
                &mut getrandom::SysRng,
                Pss::<$hash>::new(),
                &<$hash>::digest(message),
            )
        };
    }
    let signature = match algorithm.family() {
        Family::RsaPkcs1(Hash::Sha256) => pkcs1!(Sha256),
        Family::RsaPkcs1(Hash::Sha384) => pkcs1!(Sha384),
        Family::RsaPkcs1(Hash::Sha512) => pkcs1!(Sha512),
        Family::RsaPss(Hash::Sha256) => pss!(Sha256),
        Family::RsaPss(Hash::Sha384) => pss!(Sha384),
        Family::RsaPss(Hash::Sha512) => pss!(Sha512),
        _ => bail!("{algorithm} does not go with an RSA key"),
    };
    signature.context("the key cannot be used with this algorithm")
}

/// The private key's block and its label, else the first block's. `openssl ecparam -genkey` writes a
/// block with the curve before it.
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
        .context("it is no PEM file: it has no line -----BEGIN ...-----")
}

fn pkcs8(der: &[u8]) -> Result<Key> {
    let info = PrivateKeyInfoRef::try_from(der).map_err(|_| anyhow!("it is no sound PKCS#8"))?;
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

/// RFC 8017 appendix A.1.2. What the gate would not verify with is not signed with either.
fn rsa(der: &[u8]) -> Result<Key> {
    let key = rsa::PrivateKey::from_pkcs1_der(der).context("it is no sound RSA key")?;
    RsaKey::new(&key.n_bytes(), &key.e_bytes()).map_err(|fault| anyhow!("{fault}"))?;
    Ok(Key::Rsa(Box::new(key)))
}

/// `ECPrivateKey` (RFC 5915 section 3). Inside PKCS#8 the curve stands outside.
fn elliptic(der: &[u8], curve: Option<ObjectIdentifier>) -> Result<Key> {
    let (scalar, named) = ec_private_key(der).map_err(|_| anyhow!("it is no sound EC key"))?;
    let name = curve.or(named).context(
        "it names no curve, but spells one out: write it again with `openssl ec -in FILE \
         -param_enc named_curve`",
    )?;
    let curve = pem::named(pem::CURVES, name)
        .with_context(|| format!("tokens cannot be signed with a key on this curve ({name})"))?;
    let key = match curve {
        Curve::P256 => p256::ecdsa::SigningKey::from_slice(scalar).map(Key::P256),
        Curve::P384 => p384::ecdsa::SigningKey::from_slice(scalar).map(Key::P384),
        Curve::P521 => p521::ecdsa::SigningKey::from_slice(scalar).map(Key::P521),
        Curve::Secp256k1 => k256::ecdsa::SigningKey::from_slice(scalar).map(Key::Secp256k1),
    };
    key.map_err(|_| anyhow!("it is no sound key on {}", curve.name()))
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

/// `CurvePrivateKey` (RFC 8410 section 7).
fn ed25519(der: &[u8]) -> Result<Key> {
    let seed =
        <&OctetStringRef>::from_der(der).ok().and_then(|seed| seed.as_bytes().try_into().ok());
    let seed = seed.context("it is no sound Ed25519 key")?;
    Ok(Key::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)))
}

/// The seed alone or beside the expanded key (RFC 9881 section 6), which by itself does not do.
fn lattice(set: ParameterSet, der: &[u8]) -> Result<Key> {
    let seed = lattice_seed(der)
        .ok()
        .and_then(|seed| Seed::try_from(seed).ok())
        .context("it is no sound ML-DSA key with its seed")?;
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
