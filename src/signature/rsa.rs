//! RSA signatures (RFC 8017 section 8).
//!
//! The expected encoding is built and compared as a whole, so no padding is parsed.
//!
//! With the feature `kernels`, the kernel verifies if the machine has the instruction that it needs
//! and this instruction has passed the self-test. Otherwise the `rsa` crate verifies.

use super::digest;
use crate::alg::Hash;
use crate::keys::RsaKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pss::Pss;
use sha2::{Sha256, Sha384, Sha512};

#[cfg(feature = "kernels")]
impl From<Hash> for portcullis_kernels::rsa::Hash {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Sha256 => Self::Sha256,
            Hash::Sha384 => Self::Sha384,
            Hash::Sha512 => Self::Sha512,
        }
    }
}

/// How a digest is encoded before it is signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Padding {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1v15,
    /// RSASSA-PSS. The mask generation uses the same hash function, and the salt is exactly as long
    /// as the digest (RFC 7518 section 3.5).
    Pss,
}

/// A signature to verify.
#[derive(Clone, Copy)]
pub(super) struct RsaSignature<'a> {
    pub(super) padding: Padding,
    pub(super) hash: Hash,
    pub(super) key: &'a RsaKey,
    pub(super) message: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl RsaSignature<'_> {
    /// Whether the signature is valid.
    pub(super) fn is_valid(self) -> bool {
        #[cfg(feature = "kernels")]
        if let Some(verdict) = self.is_valid_by_kernel() {
            return verdict;
        }
        self.is_valid_by_crate()
    }

    /// Whether the kernel accepts the signature. `None` if this machine must not use the kernel.
    #[cfg(feature = "kernels")]
    pub(super) fn is_valid_by_kernel(self) -> Option<bool> {
        let (key, hash) = (self.key.prepared()?, self.hash.into());
        Some(match self.padding {
            Padding::Pkcs1v15 => key.verify_pkcs1v15(hash, self.message, self.signature),
            Padding::Pss => key.verify_pss(hash, self.message, self.signature),
        })
    }

    /// Whether the `rsa` crate accepts the signature.
    #[inline(never)]
    pub(super) fn is_valid_by_crate(self) -> bool {
        let digest = digest(self.hash, self.message);
        let (key, salt_bytes) = (self.key.inner(), self.hash.bytes());
        macro_rules! verify_with {
            ($hash:ty) => {
                match self.padding {
                    Padding::Pkcs1v15 => {
                        key.verify(Pkcs1v15Sign::new::<$hash>(), &digest, self.signature)
                    }
                    Padding::Pss => {
                        key.verify(Pss::<$hash>::new_with_salt(salt_bytes), &digest, self.signature)
                    }
                }
            };
        }
        match self.hash {
            Hash::Sha256 => verify_with!(Sha256),
            Hash::Sha384 => verify_with!(Sha384),
            Hash::Sha512 => verify_with!(Sha512),
        }
        .is_ok()
    }
}
