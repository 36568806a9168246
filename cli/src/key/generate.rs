//! New private keys, from the system's randomness.

use super::Key;
use anyhow::{Context as _, Result, anyhow, bail};
use getrandom::SysRng;
use ml_dsa::Seed;
use portcullis::alg::{Algorithm, Curve, Family, ParameterSet};

/// A scalar that is drawn is too large once in 2^32 draws at most (P-256), or far less often.
const DRAWS: usize = 16;

impl Key {
    /// Makes a key for an algorithm; `bits` is for RSA alone.
    pub(crate) fn generate(algorithm: Algorithm, bits: usize) -> Result<Self> {
        Ok(match algorithm.family() {
            Family::Hmac(_) => bail!("{algorithm} takes a secret, and no key pair"),
            Family::RsaPkcs1(_) | Family::RsaPss(_) => {
                let key = rsa::PrivateKey::new(&mut SysRng, bits);
                Self::Rsa(Box::new(key.context("no RSA key could be made")?))
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

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system has no randomness: {error}"))?;
    Ok(bytes)
}

/// Draws until a number is a scalar: neither zero nor as large as the group.
fn elliptic(curve: Curve) -> Result<Key> {
    for _ in 0..DRAWS {
        let drawn = match curve {
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(&random::<32>()?).map(Key::P256),
            Curve::P384 => p384::ecdsa::SigningKey::from_slice(&random::<48>()?).map(Key::P384),
            Curve::P521 => {
                let mut bytes = random::<66>()?;
                // 521 bits: all but one of the first byte are none of the number's.
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
    bail!("the system's randomness makes no key")
}
