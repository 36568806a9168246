//! Ed25519, strictly (RFC 8032 section 5.1.7).
//!
//! Implementations differ on keys and nonces of small order, on an S at or above the order of the
//! group, and on encodings of a coordinate at or above the prime of the field ("Taming the Many
//! EdDSAs", Chalkias et al. 2020). All of these are rejected, here or when the key is imported.

use crate::keys::EdwardsKey;
use ed25519_dalek::Signature;

/// Returns whether the signature of the message, which must be 64 bytes, is valid under the key.
pub(super) fn verify(key: &EdwardsKey, message: &[u8], signature: &[u8]) -> bool {
    #[cfg(feature = "kernels")]
    return key.prepared().verify(message, signature);
    #[cfg(not(feature = "kernels"))]
    verify_with_crate(key, message, signature)
}

/// Returns the verdict of the `ed25519-dalek` crate.
pub(super) fn verify_with_crate(key: &EdwardsKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature)
        .is_ok_and(|signature| key.inner().verify_strict(message, &signature).is_ok())
}
