//! Private keys that sign tokens.

use anyhow::{Context as _, Result, bail};
use ml_dsa::{Keypair as _, MlDsa44, MlDsa65, MlDsa87};
use portcullis::alg::{Algorithm, Curve, Family, Hash, ParameterSet};
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, Pss};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

pub(crate) mod generate;
pub(crate) mod public;
mod read;
#[cfg(test)]
mod tests;
mod write;

use public::Public;

/// A private key.
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

    /// The kind of the key, for messages.
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

    /// The public half.
    pub(crate) fn public(&self) -> Public {
        let point = |curve, bytes: &[u8]| Public::Ec { curve, point: bytes.to_vec() };
        let lattice = |set, bytes: &[u8]| Public::Lattice { set, key: bytes.to_vec() };
        match self {
            Self::Rsa(key) => {
                Public::Rsa { modulus: key.n_bytes().to_vec(), exponent: key.e_bytes().to_vec() }
            }
            Self::P256(key) => {
                point(Curve::P256, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::P384(key) => {
                point(Curve::P384, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::P521(key) => {
                point(Curve::P521, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::Secp256k1(key) => {
                point(Curve::Secp256k1, key.verifying_key().to_sec1_point(false).as_bytes())
            }
            Self::Ed25519(key) => Public::Edwards(key.verifying_key().to_bytes()),
            Self::MlDsa44(key) => lattice(ParameterSet::MlDsa44, &key.verifying_key().encode()),
            Self::MlDsa65(key) => lattice(ParameterSet::MlDsa65, &key.verifying_key().encode()),
            Self::MlDsa87(key) => lattice(ParameterSet::MlDsa87, &key.verifying_key().encode()),
        }
    }

    /// Signs a message. Returns the signature in the form of JWS (RFC 7518 section 3).
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
        _ => bail!("an RSA key cannot sign with {algorithm}"),
    };
    signature.context("the key cannot be used with this algorithm")
}
