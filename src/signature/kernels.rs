//! The kernels themselves, and each signature check by kernel and by crate: for differential tests and
//! benches, and no part of the interface.

pub use super::ecdsa::p256::field::{Difference, Element, Factor, Sum};
pub use super::ecdsa::p256::point::{Affine, Point};
pub use super::ecdsa::p256::sum_of_products;
pub(crate) use super::ecdsa::p256::table_of;
pub use super::rsa::limbs::is_exact;
pub use super::rsa::montgomery::Modulus;
pub use super::rsa::pair::{Arithmetic, Floats, Hardware};
pub use super::wnaf::{Group, Table, recode};

use super::rsa::{Claimed, Padding};
use super::{ecdsa, eddsa};
use crate::alg::{Algorithm, Family};
use crate::keys::{EcKey, Key, Material};

/// Those of Ed25519.
pub mod ed25519 {
    pub use crate::signature::eddsa::ed25519::difference_of_products;
    pub use crate::signature::eddsa::ed25519::field::{Difference, Element, Factor, Sum};
    pub use crate::signature::eddsa::ed25519::point::{Addend, Point};
    pub(crate) use crate::signature::eddsa::ed25519::table_of;
}

/// Who checks a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// The kernel, even where it is slow.
    Kernel,
    /// RustCrypto.
    Crate,
}

/// What [`super::is_valid`] says by that implementation; nothing where there is no kernel for the
/// algorithm.
#[must_use]
pub fn is_valid_by(
    implementation: Implementation,
    algorithm: Algorithm,
    key: &Key,
    message: &[u8],
    signature: &[u8],
) -> Option<bool> {
    let claimed = |padding, hash, key| {
        let claimed = Claimed { padding, hash, key, message, signature };
        match implementation {
            Implementation::Kernel => claimed.is_valid_by_kernel::<Hardware>(),
            Implementation::Crate => claimed.is_valid_by_crate(),
        }
    };
    match (algorithm.family(), key.material()) {
        (Family::RsaPkcs1(hash), Material::Rsa(key)) => Some(claimed(Padding::Pkcs1, hash, key)),
        (Family::RsaPss(hash), Material::Rsa(key)) => Some(claimed(Padding::Pss, hash, key)),
        (Family::Ecdsa(_, hash), Material::Ec(key @ EcKey::P256(_))) => {
            Some(match implementation {
                Implementation::Kernel => ecdsa::verify(hash, key, message, signature),
                Implementation::Crate => ecdsa::verify_with_crate(hash, key, message, signature),
            })
        }
        (Family::Ed25519, Material::Edwards(key)) => Some(match implementation {
            Implementation::Kernel => eddsa::verify(key, message, signature),
            Implementation::Crate => eddsa::verify_with_crate(key, message, signature),
        }),
        _ => None,
    }
}

/// What RS256 with the kernel on this arithmetic says, and with the crate where it is not trusted.
#[must_use]
pub fn is_valid_rs256_with<A: Arithmetic>(key: &Key, message: &[u8], signature: &[u8]) -> bool {
    match (Algorithm::RS256.family(), key.material()) {
        (Family::RsaPkcs1(hash), Material::Rsa(key)) => {
            Claimed { padding: Padding::Pkcs1, hash, key, message, signature }
                .is_valid_by_trusted::<A>()
        }
        _ => false,
    }
}
