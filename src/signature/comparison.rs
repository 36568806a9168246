//! Signature checks by a chosen implementation, for benchmarks. Not part of the interface.

use super::rsa::{Padding, RsaSignature};
use super::{ecdsa, eddsa};
use crate::alg::{Algorithm, Family};
#[cfg(feature = "es256k")]
use crate::keys::EcKey;
use crate::keys::{Key, Material};

/// The code that verifies a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// The kernel.
    Kernel,
    /// RustCrypto.
    Crate,
}

/// Returns the verdict of an implementation, or `None` if there is no kernel for the algorithm. The
/// kernel's verdict is also `None` if this machine must not use the kernel.
#[must_use]
pub fn is_valid_by(
    implementation: Implementation,
    algorithm: Algorithm,
    key: &Key,
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let rsa = |padding, hash, key| {
        let signature = RsaSignature { padding, hash, key, message, signature };
        match implementation {
            Implementation::Kernel => signature.is_valid_by_kernel(),
            Implementation::Crate => Some(signature.is_valid_by_crate()),
        }
    };
    match (algorithm.family(), key.material()) {
        (Family::RsaPkcs1(hash), Material::Rsa(key)) => rsa(Padding::Pkcs1v15, hash, key),
        (Family::RsaPss(hash), Material::Rsa(key)) => rsa(Padding::Pss, hash, key),
        #[cfg(feature = "es256k")]
        (_, Material::Ec(EcKey::Secp256k1(_))) => None,
        (Family::Ecdsa(_, hash), Material::Ec(key)) => Some(match implementation {
            Implementation::Kernel => ecdsa::verify(hash, key, message, signature),
            Implementation::Crate => ecdsa::verify_with_crate(hash, key, message, signature),
        }),
        (Family::Ed25519, Material::Edwards(key)) => Some(match implementation {
            Implementation::Kernel => eddsa::verify(key, message, signature),
            Implementation::Crate => eddsa::verify_with_crate(key, message, signature),
        }),
        _ => None,
    }
}
