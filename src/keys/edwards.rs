//! Ed25519 public keys (RFC 8032 section 5.1, RFC 8037 section 2).

use super::{KeyFault, base64url};
use ed25519_dalek::VerifyingKey;
#[cfg(feature = "kernels")]
use portcullis_kernels::ed25519::PreparedKey;
#[cfg(feature = "kernels")]
use std::sync::OnceLock;

/// An Ed25519 public key: 32 bytes, canonical, not of small order.
pub struct EdwardsKey {
    inner: VerifyingKey,
    /// Prepared for the first signature, because many keys of a set never verify one. 28 KB, so
    /// [`crate::budget::KEYS_HELD`] bounds the total per issuer to 1.8 MB.
    #[cfg(feature = "kernels")]
    prepared: OnceLock<PreparedKey>,
}

impl EdwardsKey {
    /// Makes a key from the encoding of RFC 8032 section 5.1.2.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] for another length, a point off the curve, an encoding that is not the
    /// canonical one, and a point of small order, under which almost every message has a valid
    /// signature.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyFault> {
        let bytes = bytes.try_into().map_err(|_| KeyFault::new("an Ed25519 key has 32 bytes"))?;
        let key = VerifyingKey::from_bytes(bytes)
            .map_err(|_| KeyFault::new("it is no point on Ed25519's curve"))?;
        if key.is_weak() {
            return Err(KeyFault::new("it is a point of small order"));
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyFault::new("it is not in the canonical encoding"));
        }
        Ok(Self {
            inner: key,
            #[cfg(feature = "kernels")]
            prepared: OnceLock::new(),
        })
    }

    pub(crate) const fn inner(&self) -> &VerifyingKey {
        &self.inner
    }

    /// Returns the key prepared for the kernel.
    #[cfg(feature = "kernels")]
    pub(crate) fn prepared(&self) -> &PreparedKey {
        self.prepared.get_or_init(|| PreparedKey::new(&self.inner))
    }

    /// The required members of its JWK (RFC 7638 section 3, RFC 8037 section 2).
    pub(super) fn members(&self) -> String {
        let x = base64url(self.inner.as_bytes());
        format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
    }
}
