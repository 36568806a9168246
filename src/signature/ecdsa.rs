//! ECDSA (FIPS 186-5 section 6.4.2). A signature is r and s, each as wide as the order of the
//! curve, and nothing else (RFC 7518 section 3.4).
//!
//! A high s is as valid as a low one. So anyone can change the bytes of a valid token, and they
//! must not serve as its identity.

use super::digest;
use crate::alg::Hash;
use crate::keys::EcKey;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;

/// Returns whether the signature of the message is valid under the key.
pub(super) fn verify(hash: Hash, key: &EcKey, message: &[u8], signature: &[u8]) -> bool {
    #[cfg(feature = "kernels")]
    match key {
        EcKey::P256(key) => key.prepared().verify(&digest(hash, message), signature),
        EcKey::P384(key) => key.prepared().verify(&digest(hash, message), signature),
        #[cfg(feature = "es512")]
        EcKey::P521(key) => key.prepared().verify(&digest(hash, message), signature),
        #[cfg(feature = "es256k")]
        EcKey::Secp256k1(_) => verify_with_crate(hash, key, message, signature),
    }
    #[cfg(not(feature = "kernels"))]
    verify_with_crate(hash, key, message, signature)
}

/// Returns the verdict of the crate of the curve.
#[inline(never)]
pub(super) fn verify_with_crate(hash: Hash, key: &EcKey, message: &[u8], signature: &[u8]) -> bool {
    let hashed = digest(hash, message);
    macro_rules! verify_on {
        ($curve:ident, $key:expr) => {
            $curve::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| $key.verify_prehash(&hashed, &signature).is_ok())
        };
    }
    match key {
        EcKey::P256(key) => verify_on!(p256, key.inner()),
        EcKey::P384(key) => verify_on!(p384, key.inner()),
        #[cfg(feature = "es512")]
        EcKey::P521(key) => verify_on!(p521, key.inner()),
        #[cfg(feature = "es256k")]
        EcKey::Secp256k1(key) => {
            // The crate rejects a high s, as Bitcoin does. JOSE accepts it.
            k256::ecdsa::Signature::from_slice(signature).is_ok_and(|signature| {
                key.verify_prehash(&hashed, &signature.normalize_s()).is_ok()
            })
        }
    }
}
