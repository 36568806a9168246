//! RSA signatures (RFC 8017 section 8.1.2 and 8.2.2), for keys of 2048 to 8192 bits.
//!
//! The public operation is computed in floating point, see `montgomery.rs`. It needs a fused
//! multiply-add instruction, which not every machine has and relaxed SIMD does not guarantee.
//! [`PreparedKey::new`] therefore returns `None` where the kernel must not be used, and the caller
//! verifies with the `rsa` crate instead.

mod encoding;
pub(crate) mod montgomery;
pub(crate) mod number;
pub(crate) mod simd;

pub use self::simd::{Arithmetic, F64x2, Hardware};

use self::montgomery::PublicOperation;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::marker::PhantomData;

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

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

/// A public key, prepared for the kernel: about 1.4 KiB for 2048 bits and 5.2 KiB for 8192 bits.
///
/// The parameter is the arithmetic that the key is used with. Only tests name another one than
/// [`Hardware`].
pub struct PreparedKey<A = Hardware> {
    operation: PublicOperation,
    arithmetic: PhantomData<A>,
}

impl<A: Arithmetic> PreparedKey<A> {
    /// Prepares a key.
    ///
    /// Returns `None` if verdicts must not depend on the arithmetic ([`Arithmetic::is_trusted`]), if
    /// the modulus is not of 2048 to 8192 bits, or if the exponent is even, 1, or longer than 32
    /// bits.
    #[must_use]
    pub fn new(key: &::rsa::PublicKey) -> Option<Self> {
        if !A::is_trusted() {
            return None;
        }
        Some(Self { operation: PublicOperation::new(key)?, arithmetic: PhantomData })
    }

    /// Returns whether `signature` is an RSASSA-PKCS1-v1_5 signature of the message (RFC 8017
    /// section 8.2.2).
    #[must_use]
    pub fn verify_pkcs1v15(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        self.operation
            .apply::<A>(signature)
            .is_some_and(|encoded| encoding::is_pkcs1v15(hash, &hash.digest(message), &encoded))
    }

    /// Returns whether `signature` is an RSASSA-PSS signature of the message (RFC 8017 section
    /// 8.1.2), with MGF1 and the same hash function, and a salt as long as the digest.
    #[must_use]
    pub fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let bits = self.operation.modulus_bits();
        self.operation
            .apply::<A>(signature)
            .is_some_and(|encoded| encoding::is_pss(hash, &hash.digest(message), bits, &encoded))
    }
}
