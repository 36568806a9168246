//! Signers: a secret or a private key with its algorithm.

use crate::key::Key;
use anyhow::{Context, Result, bail};
use hmac::{Hmac, KeyInit, Mac};
use portcullis::alg::{Algorithm, Family, Hash};
use sha2::{Sha256, Sha384, Sha512};

/// Signs tokens with one algorithm.
pub(crate) struct Signer {
    algorithm: Algorithm,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Key(Box<Key>),
}

impl Signer {
    /// Makes a signer from a private key. By default, the signer uses the first algorithm that the
    /// key fits.
    pub(crate) fn key(algorithm: Option<Algorithm>, key: Key) -> Result<Self> {
        let algorithm = choose(algorithm, key.kind(), "", |algorithm| key.fits(algorithm))?;
        Ok(Self { algorithm, material: Material::Key(Box::new(key)) })
    }

    /// Makes a signer from a shared secret. By default, the signer uses HS256.
    pub(crate) fn secret(algorithm: Option<Algorithm>, secret: Vec<u8>) -> Result<Self> {
        let hint = "; name a private key with --key FILE";
        let algorithm = choose(algorithm, "a secret", hint, Algorithm::is_symmetric)?;
        Ok(Self { algorithm, material: Material::Secret(secret) })
    }

    /// The algorithm.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs a message.
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

/// Returns the requested algorithm if the key fits it, or the first one that the key fits if none
/// was requested.
fn choose(
    requested: Option<Algorithm>,
    kind: &str,
    hint: &str,
    fits: impl Fn(Algorithm) -> bool,
) -> Result<Algorithm> {
    let mut fitting = Algorithm::ALL.iter().copied().filter(|algorithm| fits(*algorithm));
    match requested {
        None => fitting.next().context("no algorithm uses keys of this kind"),
        Some(algorithm) if fits(algorithm) => Ok(algorithm),
        Some(algorithm) => {
            let names: Vec<&str> = fitting.map(Algorithm::name).collect();
            bail!("{kind} cannot sign with {algorithm}, only with {}{hint}", names.join(", "))
        }
    }
}

fn mac<M: Mac>(mac: Result<M, hmac::digest::InvalidLength>, message: &[u8]) -> Result<Vec<u8>> {
    let mut mac = mac?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}
