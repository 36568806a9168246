//! RSA signatures (RFC 8017 sections 8.1.2 and 8.2.2), for keys of 2048 to 8192 bits.
//!
//! The public operation is computed in floating point, see `montgomery.rs`. It needs a fused
//! multiply-add instruction, which not every machine has and relaxed SIMD does not guarantee.
//! [`PreparedKey::new`] therefore returns `None` where the kernel must not be used, and the caller
//! verifies with the `rsa` crate instead.

mod encoding;
pub(crate) mod montgomery;
pub(crate) mod number;
pub(crate) mod simd;
pub(crate) mod verifier;

use self::simd::Hardware;
use self::verifier::Verifier;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The hash function of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The length of a digest in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Returns the digest of a message.
    #[must_use]
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// A public key, prepared for the kernel: about 1.4 KiB for 2048 bits and 5.2 KiB for 8192 bits.
pub struct PreparedKey(Verifier<Hardware>);

impl PreparedKey {
    /// Prepares a key.
    ///
    /// Returns `None` if this machine has no fused multiply-add or it has failed the self-test, if
    /// the modulus is not of 2048 to 8192 bits, or if the exponent is even, 1, or longer than 32
    /// bits.
    #[must_use]
    pub fn new(key: &::rsa::PublicKey) -> Option<Self> {
        Verifier::new(key).map(Self)
    }

    /// Returns whether `signature` is an RSASSA-PKCS1-v1_5 signature of the message (RFC 8017
    /// section 8.2.2).
    #[must_use]
    pub fn verify_pkcs1v15(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_pkcs1v15(hash, message, signature)
    }

    /// Returns whether `signature` is an RSASSA-PSS signature of the message (RFC 8017 section
    /// 8.1.2), with MGF1 and the same hash function, and a salt as long as the digest.
    #[must_use]
    pub fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_pss(hash, message, signature)
    }
}
