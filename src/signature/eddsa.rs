//! Ed25519, strictly (RFC 8032 section 5.1.7).
//!
//! There are inputs on which implementations differ: keys and nonces of small order, S at or above the
//! group's order, encodings of a coordinate at or above the field's prime. All of them are refused, here
//! or where the key is imported ("Taming the many EdDSAs", Chalkias et al. 2020).

#[cfg(feature = "kernels")]
pub(crate) mod ed25519;

#[cfg(feature = "kernels")]
pub(super) use self::ed25519::verify;
#[cfg(not(feature = "kernels"))]
pub(super) use self::verify_with_crate as verify;

use crate::keys::EdwardsKey;
use ed25519_dalek::Signature;

/// Whether the signature, 64 bytes, is one of this message by this key, by the crate alone.
pub(super) fn verify_with_crate(key: &EdwardsKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature)
        .is_ok_and(|signature| key.inner().verify_strict(message, &signature).is_ok())
}
