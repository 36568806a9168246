//! Generates private keys from the system's randomness.

use super::Key;
use anyhow::{Context as _, Result, anyhow, bail};
use getrandom::SysRng;
use ml_dsa::Seed;
use portcullis::alg::{Algorithm, Curve, Family, ParameterSet};

/// How often a scalar is drawn. A draw is too large with a probability of at most 2^-32, on P-256.
const DRAWS: usize = 16;

impl Key {
    /// Generates a key for an algorithm. `bits` applies only to RSA.
    pub(crate) fn generate(algorithm: Algorithm, bits: usize) -> Result<Self> {
        Ok(match algorithm.family() {
            Family::Hmac(_) => bail!("{algorithm} uses a shared secret, not a key pair"),
            Family::RsaPkcs1(_) | Family::RsaPss(_) => {
                let key = rsa::PrivateKey::new(&mut SysRng, bits);
                Self::Rsa(Box::new(key.context("the RSA key could not be generated")?))
            }
            Family::Ecdsa(curve, _) => elliptic(curve)?,
            Family::Ed25519 => {
                Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&random::<32>()?))
            }
            Family::MlDsa(set) => {
                let seed = Seed::from(random::<32>()?);
                match set {
                    ParameterSet::MlDsa44 => {
                        Self::MlDsa44(Box::new(ml_dsa::SigningKey::from_seed(&seed)))
                    }
                    ParameterSet::MlDsa65 => {
                        Self::MlDsa65(Box::new(ml_dsa::SigningKey::from_seed(&seed)))
                    }
                    ParameterSet::MlDsa87 => {
                        Self::MlDsa87(Box::new(ml_dsa::SigningKey::from_seed(&seed)))
                    }
                }
            }
        })
    }
}

/// Returns random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system provides no randomness: {error}"))?;
    Ok(bytes)
}

/// Draws numbers until one is a valid scalar: not zero, and less than the order of the group.
fn elliptic(curve: Curve) -> Result<Key> {
    for _ in 0..DRAWS {
        let drawn = match curve {
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(&random::<32>()?).map(Key::P256),
            Curve::P384 => p384::ecdsa::SigningKey::from_slice(&random::<48>()?).map(Key::P384),
            Curve::P521 => {
                let mut bytes = random::<66>()?;
                // The number has 521 bits, so only one bit of the first byte is used.
                if let Some(first) = bytes.first_mut() {
                    *first &= 1;
                }
                p521::ecdsa::SigningKey::from_slice(&bytes).map(Key::P521)
            }
            Curve::Secp256k1 => {
                k256::ecdsa::SigningKey::from_slice(&random::<32>()?).map(Key::Secp256k1)
            }
        };
        if let Ok(key) = drawn {
            return Ok(key);
        }
    }
    bail!("the system's randomness yields no valid key")
}
