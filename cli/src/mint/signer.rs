//! Signing: a secret or a private key together with the algorithm that it is used with.

use crate::key::Key;
use anyhow::{Context, Result, bail};
use hmac::{Hmac, KeyInit, Mac};
use portcullis::alg::{Algorithm, Family, Hash};
use sha2::{Sha256, Sha384, Sha512};

/// What signs, and how.
pub(crate) struct Signer {
    algorithm: Algorithm,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Key(Box<Key>),
}

impl Signer {
    /// A private key for an algorithm, or for the usual one of its kind.
    pub(crate) fn key(algorithm: Option<Algorithm>, key: Key) -> Result<Self> {
        let algorithm = chosen(algorithm, key.kind(), "", |algorithm| key.fits(algorithm))?;
        Ok(Self { algorithm, material: Material::Key(Box::new(key)) })
    }

    /// A shared secret for an algorithm, or for the usual one.
    pub(crate) fn secret(algorithm: Option<Algorithm>, secret: Vec<u8>) -> Result<Self> {
        let hint = "; --key FILE names a private key";
        let algorithm = chosen(algorithm, "a secret", hint, Algorithm::is_symmetric)?;
        Ok(Self { algorithm, material: Material::Secret(secret) })
    }

    /// What the signatures are.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature over a message.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        match (&self.material, self.algorithm.family()) {
            (Material::Key(key), _) => key.sign(self.algorithm, message),
            (Material::Secret(secret), Family::Hmac(Hash::Sha384)) => {
                mac(Hmac::<Sha384>::new_from_slice(secret), message)
            }
            (Material::Secret(secret), Family::Hmac(Hash::Sha512)) => {
                mac(Hmac::<Sha512>::new_from_slice(secret), message)
            }
            (Material::Secret(secret), _) => mac(Hmac::<Sha256>::new_from_slice(secret), message),
        }
    }
}

/// The algorithm that was asked for if the key fits it, else the first in the table that it fits.
fn chosen(
    asked: Option<Algorithm>,
    kind: &str,
    hint: &str,
    fits: impl Fn(Algorithm) -> bool,
) -> Result<Algorithm> {
    let mut fitting = Algorithm::ALL.iter().copied().filter(|algorithm| fits(*algorithm));
    match asked {
        None => fitting.next().context("no algorithm takes such a key"),
        Some(algorithm) if fits(algorithm) => Ok(algorithm),
        Some(algorithm) => {
            let names: Vec<&str> = fitting.map(Algorithm::name).collect();
            bail!("{algorithm} does not go with {kind}, which signs {}{hint}", names.join(", "))
        }
    }
}

fn mac<M: Mac>(mac: Result<M, hmac::digest::InvalidLength>, message: &[u8]) -> Result<Vec<u8>> {
    let mut mac = mac?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}
