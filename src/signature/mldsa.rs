//! ML-DSA (FIPS 204 section 5.3) over the message itself, with the empty context that JOSE
//! prescribes.

use crate::keys::{AnyLatticeKey, LatticeKey};
use ml_dsa::{Signature, Verifier as _};

/// Whether the signature is one of this message by this key.
pub(super) fn verify(key: &LatticeKey, message: &[u8], signature: &[u8]) -> bool {
    macro_rules! verify_with {
        ($key:expr) => {
            Signature::try_from(signature)
                .is_ok_and(|signature| $key.verify(message, &signature).is_ok())
        };
    }
    match key.inner() {
        AnyLatticeKey::MlDsa44(key) => verify_with!(key),
        AnyLatticeKey::MlDsa65(key) => verify_with!(key),
        AnyLatticeKey::MlDsa87(key) => verify_with!(key),
    }
}
