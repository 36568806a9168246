//! RSA public keys (RFC 7518 section 6.3.1). Weak keys are rejected when they are imported.

use super::{KeyFault, base64url};
use crate::budget::{RSA_MAXIMUM_BITS, RSA_MINIMUM_BITS};
#[cfg(feature = "kernels")]
use portcullis_kernels::rsa::PreparedKey;
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts as _;
#[cfg(feature = "kernels")]
use std::sync::OnceLock;

/// An RSA public key of 2048 to 8192 bits, with an odd exponent of 65537 to 2^32 - 1.
pub struct RsaKey {
    inner: rsa::PublicKey,
    /// Prepared for the first signature, because many keys of a set never verify one. At most
    /// 5.2 KiB, so [`crate::budget::KEYS_HELD`] bounds the total per issuer to a third of a MiB.
    #[cfg(feature = "kernels")]
    prepared: OnceLock<Option<PreparedKey>>,
}

impl RsaKey {
    /// Makes a key from modulus and exponent, big-endian, without leading zeros.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] for a size or exponent out of range, an even number, a modulus with a small
    /// factor, or one with the fingerprint of the ROCA generator (CVE-2017-15361).
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyFault> {
        for (name, bytes) in [("modulus", modulus), ("exponent", exponent)] {
            match bytes.first() {
                None => return Err(KeyFault::new(format!("the RSA {name} is empty"))),
                Some(0) => {
                    return Err(KeyFault::new(format!("the RSA {name} has leading zeros")));
                }
                Some(_) => {}
            }
        }
        let leading_zeros = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = modulus
            .len()
            .saturating_mul(8)
            .saturating_sub(usize::try_from(leading_zeros).unwrap_or(0));
        if !(RSA_MINIMUM_BITS..=RSA_MAXIMUM_BITS).contains(&bits) {
            return Err(KeyFault::new(format!(
                "the RSA modulus has {bits} bits, \
                 and {RSA_MINIMUM_BITS} to {RSA_MAXIMUM_BITS} are accepted"
            )));
        }
        let exponent_value = exponent
            .iter()
            .try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? | u32::from(*byte)))
            .filter(|value| *value >= 65537 && value % 2 == 1)
            .ok_or_else(|| {
                KeyFault::new("the RSA exponent is not an odd number from 65537 to 2^32 - 1")
            })?;
        if modulus.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(KeyFault::new("the RSA modulus is even"));
        }
        check_for_weak_primes(modulus)?;
        let n = BoxedUint::from_be_slice_vartime(modulus);
        let e = BoxedUint::from(exponent_value);
        let inner = rsa::PublicKey::new(n, e)
            .map_err(|_| KeyFault::new("the RSA key is not a valid one"))?;
        Ok(Self {
            inner,
            #[cfg(feature = "kernels")]
            prepared: OnceLock::new(),
        })
    }

    /// The size of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        usize::try_from(self.inner.n().bit_width()).unwrap_or(0)
    }

    pub(crate) const fn inner(&self) -> &rsa::PublicKey {
        &self.inner
    }

    /// Returns the key prepared for the kernel, or `None` if this machine must not use the kernel.
    #[cfg(feature = "kernels")]
    pub(crate) fn prepared(&self) -> Option<&PreparedKey> {
        self.prepared.get_or_init(|| PreparedKey::new(&self.inner)).as_ref()
    }

    /// The required members of its JWK, in the order of RFC 7638 section 3.
    pub(super) fn members(&self) -> String {
        let (e, n) = (base64url(&self.inner.e_bytes()), base64url(&self.inner.n_bytes()));
        format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
    }
}

/// The odd primes up to 167.
const SMALL_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// A modulus with a small factor was never the product of two large primes. One that is a power of
/// 65537 modulo every small prime came from the generator of CVE-2017-15361, whose keys can be
/// factored (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 3): an honest
/// modulus passes for one with a chance of about 2^-28.
fn check_for_weak_primes(modulus: &[u8]) -> Result<(), KeyFault> {
    let mut fingerprint = true;
    for prime in SMALL_PRIMES {
        let remainder =
            modulus.iter().fold(0_u32, |sum, byte| reduce((sum << 8) | u32::from(*byte), prime));
        if remainder == 0 {
            return Err(KeyFault::new("the RSA modulus has a small factor"));
        }
        fingerprint = fingerprint && is_power_of_65537(remainder, prime);
    }
    if fingerprint {
        return Err(KeyFault::new("the RSA key bears the fingerprint of CVE-2017-15361 (ROCA)"));
    }
    Ok(())
}

fn is_power_of_65537(wanted: u32, prime: u32) -> bool {
    let generator = reduce(65537, prime);
    let powers = std::iter::successors(Some(1_u32), |power| {
        Some(reduce(power.saturating_mul(generator), prime)).filter(|power| *power != 1)
    });
    powers.into_iter().any(|power| power == wanted)
}

fn reduce(value: u32, prime: u32) -> u32 {
    value.checked_rem(prime).unwrap_or(0)
}
