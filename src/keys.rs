//! Verification keys. Their type is fixed when they are imported. A token's header only selects
//! among them.

pub mod cache;
mod ec;
mod edwards;
pub mod jwk;
#[cfg(feature = "mldsa")]
mod lattice;
pub mod pem;
pub mod remote;
mod rsa;
pub mod secret;
pub mod shared;

pub use self::cache::{KeyCaches, KeyRequest, Picked};
pub use self::ec::{EcKey, P256Key};
pub use self::edwards::EdwardsKey;
#[cfg(feature = "mldsa")]
pub(crate) use self::lattice::AnyLatticeKey;
#[cfg(feature = "mldsa")]
pub use self::lattice::LatticeKey;
pub use self::remote::RemoteKeys;
pub use self::rsa::RsaKey;
pub use self::secret::{Secret, SecretEncoding};

use crate::alg::{Algorithm, Family};
use crate::budget;
use crate::json::text::quoted;
use crate::refusal::{Code, Refusal};
use crate::token::Header;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// One key, with the algorithms that it may verify.
///
/// The algorithms are fixed when the key is imported, by the key's own `alg` and the issuer's list.
/// They all belong to the family of the key material, so a token's header can only select an
/// algorithm that the operator has allowed.
pub struct Key {
    id: Option<String>,
    name: String,
    algorithms: Vec<Algorithm>,
    material: Material,
}

/// A key's material, by family.
pub enum Material {
    /// A shared secret for HMAC.
    Secret(Secret),
    /// An RSA public key.
    Rsa(RsaKey),
    /// A point on one of ECDSA's curves.
    Ec(EcKey),
    /// An Ed25519 public key.
    Edwards(EdwardsKey),
    /// An ML-DSA public key.
    #[cfg(feature = "mldsa")]
    Lattice(Box<LatticeKey>),
}

impl Material {
    /// Whether algorithms of that family use this kind of key.
    fn suits(&self, family: Family) -> bool {
        match self {
            Self::Secret(_) => matches!(family, Family::Hmac(_)),
            Self::Rsa(_) => matches!(family, Family::RsaPkcs1(_) | Family::RsaPss(_)),
            Self::Ec(key) => {
                matches!(family, Family::Ecdsa(curve, _) if key.curve() == curve)
            }
            Self::Edwards(_) => family == Family::Ed25519,
            #[cfg(feature = "mldsa")]
            Self::Lattice(key) => {
                matches!(family, Family::MlDsa(set) if key.parameter_set() == set)
            }
        }
    }

    /// The kind of key, for people: `secret`, `RSA`, the name of a curve, or `ML-DSA`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Secret(_) => "secret",
            Self::Rsa(_) => "RSA",
            Self::Ec(key) => key.curve().name(),
            Self::Edwards(_) => "Ed25519",
            #[cfg(feature = "mldsa")]
            Self::Lattice(_) => "ML-DSA",
        }
    }

    /// The number of bits of an RSA modulus.
    #[must_use]
    pub fn bits(&self) -> Option<usize> {
        match self {
            Self::Rsa(key) => Some(key.bits()),
            Self::Secret(_) | Self::Ec(_) | Self::Edwards(_) => None,
            #[cfg(feature = "mldsa")]
            Self::Lattice(_) => None,
        }
    }

    /// The JWK thumbprint with SHA-256, base64url (RFC 7638), of a public key. Returns `None` for a
    /// secret, because its thumbprint would help to guess it.
    #[must_use]
    pub fn thumbprint(&self) -> Option<String> {
        self.members().map(|members| base64url(&Sha256::digest(members)))
    }

    /// The required members of a public key's JWK, in the order of RFC 7638 section 3, without
    /// white space.
    fn members(&self) -> Option<String> {
        match self {
            Self::Secret(_) => None,
            Self::Rsa(key) => Some(key.members()),
            Self::Ec(key) => Some(key.members()),
            Self::Edwards(key) => Some(key.members()),
            #[cfg(feature = "mldsa")]
            Self::Lattice(key) => Some(key.members()),
        }
    }
}

impl Key {
    /// Makes a key for those of the issuer's algorithms that its material suits.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] if it suits none of them, or if a secret is too short for one of them (RFC 7518
    /// section 3.2).
    pub fn new(
        material: Material,
        id: Option<String>,
        allowed: &[Algorithm],
    ) -> Result<Self, KeyFault> {
        let algorithms: Vec<_> =
            allowed.iter().copied().filter(|one| material.suits(one.family())).collect();
        if algorithms.is_empty() {
            return Err(KeyFault::new("a key that serves none of the issuer's algorithms"));
        }
        if let Material::Secret(secret) = &material {
            secret.check_length(&algorithms)?;
        }
        let name = id.clone().or_else(|| material.thumbprint());
        let name = name.unwrap_or_else(|| "secret".to_owned());
        Ok(Self { id, name, algorithms, material })
    }

    /// The algorithms that it verifies.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The material.
    #[must_use]
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// The name in logs: the `kid`, else the thumbprint, else `secret`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its `kid`, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The key as a public JWK (RFC 7517 section 4), which imports as the same key with the same
    /// algorithms. Returns `None` for a secret.
    #[must_use]
    pub fn to_public_jwk(&self) -> Option<String> {
        let mut jwk = self.material.members()?;
        let mut member = |name: &str, value: &str| {
            if !jwk.contains(name) {
                jwk.truncate(jwk.len().saturating_sub(1));
                jwk.push_str(&format!(",{name}{}}}", quoted(value)));
            }
        };
        if let Some(id) = self.id() {
            member("\"kid\":", id);
        }
        // The required members of an ML-DSA key include `alg`.
        if let [algorithm] = self.algorithms.as_slice() {
            member("\"alg\":", algorithm.name());
        }
        Some(jwk)
    }

    fn fits(&self, asked: Option<&str>, algorithm: Algorithm) -> bool {
        let named = match (asked, &self.id) {
            (Some(asked), Some(held)) => asked == held,
            // A key without a `kid` matches every `kid`.
            _ => true,
        };
        named && self.algorithms.contains(&algorithm)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Key")
            .field("name", &self.name())
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

/// The keys of one issuer.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: Vec<SkippedKey>,
}

/// A key of a set that cannot be used. The other keys of the set are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its index in the set, from 0.
    pub index: usize,
    /// Why it cannot be used.
    pub fault: KeyFault,
}

impl KeySet {
    pub(crate) const fn new(keys: Vec<Key>, skipped: Vec<SkippedKey>) -> Self {
        Self { keys, skipped }
    }

    /// The usable keys, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys that cannot be used, and why.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Picks the keys under which a token with this header may verify: at least one, at most
    /// [`budget::KEYS_TRIED`].
    ///
    /// # Errors
    ///
    /// `unknown_key` if no key fits, or if more keys fit than may be tried.
    pub fn pick(&self, header: &Header) -> Result<Vec<&Key>, Refusal> {
        let fitting: Vec<_> = self
            .keys
            .iter()
            .filter(|key| key.fits(header.key_id.as_deref(), header.algorithm))
            .take(budget::KEYS_TRIED.saturating_add(1))
            .collect();
        match fitting.len() {
            0 => Err(Refusal::new(Code::UnknownKey, "no key fits the header's kid and alg")),
            1..=budget::KEYS_TRIED => Ok(fitting),
            _ => Err(Refusal::new(Code::UnknownKey, "more keys fit the header than are tried")),
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The reason why a key cannot be used. It contains no part of the key, which may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault(String);

impl KeyFault {
    #[cold]
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl fmt::Display for KeyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
