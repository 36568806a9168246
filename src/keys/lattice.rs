//! ML-DSA public keys (FIPS 204).

use super::{KeyFault, base64url};
use crate::alg::ParameterSet;
use ml_dsa::{KeyInit as _, MlDsa44, MlDsa65, MlDsa87, VerifyingKey};

/// An ML-DSA public key.
pub struct LatticeKey {
    key: AnyLatticeKey,
    members: String,
}

/// The key, by parameter set.
pub(crate) enum AnyLatticeKey {
    /// 1,312 bytes.
    MlDsa44(VerifyingKey<MlDsa44>),
    /// 1,952 bytes.
    MlDsa65(VerifyingKey<MlDsa65>),
    /// 2,592 bytes.
    MlDsa87(VerifyingKey<MlDsa87>),
}

impl LatticeKey {
    /// Imports a key in the encoding of FIPS 204 section 7.2.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] if the length is not the parameter set's.
    pub fn new(set: ParameterSet, bytes: &[u8]) -> Result<Self, KeyFault> {
        let wrong_length = |_| KeyFault::new("its length does not match its parameter set");
        let (name, key) = match set {
            ParameterSet::MlDsa44 => (
                "ML-DSA-44",
                AnyLatticeKey::MlDsa44(VerifyingKey::new_from_slice(bytes).map_err(wrong_length)?),
            ),
            ParameterSet::MlDsa65 => (
                "ML-DSA-65",
                AnyLatticeKey::MlDsa65(VerifyingKey::new_from_slice(bytes).map_err(wrong_length)?),
            ),
            ParameterSet::MlDsa87 => (
                "ML-DSA-87",
                AnyLatticeKey::MlDsa87(VerifyingKey::new_from_slice(bytes).map_err(wrong_length)?),
            ),
        };
        let public = base64url(bytes);
        let members = format!(r#"{{"alg":"{name}","kty":"AKP","pub":"{public}"}}"#);
        Ok(Self { key, members })
    }

    pub(crate) const fn inner(&self) -> &AnyLatticeKey {
        &self.key
    }

    /// The parameter set.
    #[must_use]
    pub const fn parameter_set(&self) -> ParameterSet {
        match self.key {
            AnyLatticeKey::MlDsa44(_) => ParameterSet::MlDsa44,
            AnyLatticeKey::MlDsa65(_) => ParameterSet::MlDsa65,
            AnyLatticeKey::MlDsa87(_) => ParameterSet::MlDsa87,
        }
    }

    /// The JSON object with the required members of the JWK, of which RFC 7638 section 3 makes the
    /// thumbprint.
    pub(super) fn members(&self) -> String {
        self.members.clone()
    }
}
