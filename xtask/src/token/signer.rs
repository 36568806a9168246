//! Signing.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hmac::{Hmac, KeyInit, Mac};
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::signature::{SignatureEncoding, Signer as _};
use sha2::{Sha256, Sha384, Sha512};

use super::Algorithm;
use super::algorithm::{Family, Hash};

/// A private key, whatever its kind.
pub(crate) enum Key {
    /// RSA.
    Rsa(Box<PrivateKey>),
}

/// A key together with the algorithm that it is to be used with.
pub(crate) struct Signer {
    algorithm: Algorithm,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Key(Key),
}

/// Reads a private key in PEM: PKCS#8 or PKCS#1.
pub(crate) fn read_key(file: &Path) -> Result<Key> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("the key {} cannot be read", file.display()))?;
    parse_key(&text).with_context(|| format!("{} cannot be used", file.display()))
}

fn parse_key(text: &str) -> Result<Key> {
    let label = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .context("it is no PEM file: it has no line -----BEGIN ...-----")?;
    let rsa = |key: PrivateKey| Key::Rsa(Box::new(key));
    match label {
        "PRIVATE KEY" => PrivateKey::from_pkcs8_pem(text)
            .map(rsa)
            .context("it is no RSA key, and tokens can be signed with RSA keys only"),
        "RSA PRIVATE KEY" => {
            PrivateKey::from_pkcs1_pem(text).map(rsa).context("it is no sound RSA key")
        }
        "EC PRIVATE KEY" => bail!("tokens can be signed with RSA keys only, and this is an EC key"),
        "ENCRYPTED PRIVATE KEY" => {
            bail!("it is encrypted: decrypt it first, with `openssl pkey -in FILE -out OTHER`")
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => {
            bail!("it is the public half: signing takes the private key")
        }
        other => {
            bail!("it holds \"{other}\": a private key begins with -----BEGIN PRIVATE KEY-----")
        }
    }
}

impl Key {
    fn family(&self) -> Family {
        match self {
            Self::Rsa(_) => Family::RsaPkcs1,
        }
    }

    /// Whether the key can be used with an algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.family() == self.family()
    }

    /// The key for an algorithm, or for the usual one of its kind.
    pub(crate) fn signer(self, algorithm: Option<Algorithm>) -> Result<Signer> {
        let algorithm = chosen(algorithm, self.family())?;
        Ok(Signer { algorithm, material: Material::Key(self) })
    }
}

fn chosen(algorithm: Option<Algorithm>, family: Family) -> Result<Algorithm> {
    match algorithm {
        Some(algorithm) if algorithm.family() == family => Ok(algorithm),
        None => Algorithm::of(family).next().context("no algorithm takes such a key"),
        Some(algorithm) => {
            let names: Vec<&str> = Algorithm::of(family).map(Algorithm::name).collect();
            let key = match family {
                Family::Hmac => "a secret",
                Family::RsaPkcs1 => "an RSA key",
            };
            let hint = if family == Family::Hmac { "; --key FILE names a private key" } else { "" };
            bail!("{algorithm} does not go with {key}, which signs {}{hint}", names.join(", "))
        }
    }
}

impl Signer {
    /// A shared secret for an algorithm, or for the usual one.
    pub(crate) fn secret(algorithm: Option<Algorithm>, secret: Vec<u8>) -> Result<Self> {
        let algorithm = chosen(algorithm, Family::Hmac)?;
        Ok(Self { algorithm, material: Material::Secret(secret) })
    }

    /// What the signatures are.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature over a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        match &self.material {
            Material::Secret(secret) => match self.algorithm.hash() {
                Hash::Sha256 => mac(Hmac::<Sha256>::new_from_slice(secret), message),
                Hash::Sha384 => mac(Hmac::<Sha384>::new_from_slice(secret), message),
                Hash::Sha512 => mac(Hmac::<Sha512>::new_from_slice(secret), message),
            },
            Material::Key(Key::Rsa(key)) => {
                let key = PrivateKey::clone(key);
                let signature = match self.algorithm.hash() {
                    Hash::Sha256 => SigningKey::<Sha256>::new(key).try_sign(message),
                    Hash::Sha384 => SigningKey::<Sha384>::new(key).try_sign(message),
                    Hash::Sha512 => SigningKey::<Sha512>::new(key).try_sign(message),
                };
                Ok(signature.context("the key is too short for this algorithm")?.to_vec())
            }
        }
    }
}

fn mac<M: Mac>(mac: Result<M, hmac::digest::InvalidLength>, message: &[u8]) -> Result<Vec<u8>> {
    let mut mac = mac?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}
