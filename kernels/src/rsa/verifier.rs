//! The verification of signatures by a given arithmetic.

use super::montgomery::PublicOperation;
use super::simd::{Arithmetic, F64x2};
use super::{Hash, encoding};
use std::marker::PhantomData;

/// What [`super::PreparedKey`] is for any arithmetic. Exists only for a trusted arithmetic.
pub struct Verifier<A> {
    operation: PublicOperation,
    arithmetic: PhantomData<A>,
}

impl<A: Arithmetic<Floats = F64x2>> Verifier<A> {
    /// Prepares a key. Returns `None` if verdicts must not depend on the arithmetic, or if
    /// [`PublicOperation`] does not support the key.
    #[must_use]
    pub fn new(key: &::rsa::PublicKey) -> Option<Self> {
        if !A::is_trusted() {
            return None;
        }
        Some(Self { operation: PublicOperation::new(key)?, arithmetic: PhantomData })
    }

    /// As [`super::PreparedKey::verify_pkcs1v15`].
    #[must_use]
    pub fn verify_pkcs1v15(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        self.operation
            .apply::<A>(signature)
            .is_some_and(|encoded| encoding::is_pkcs1v15(hash, &hash.digest(message), &encoded))
    }

    /// As [`super::PreparedKey::verify_pss`].
    #[must_use]
    pub fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let bits = self.operation.modulus_bits();
        self.operation
            .apply::<A>(signature)
            .is_some_and(|encoded| encoding::is_pss(hash, &hash.digest(message), bits, &encoded))
    }
}
