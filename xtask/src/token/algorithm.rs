//! The algorithms that tokens can be minted with.

use std::fmt;
use std::str::FromStr;

/// The hash under a signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    /// HMAC with a shared secret.
    Hmac,
    /// RSA with PKCS#1 v1.5 padding.
    RsaPkcs1,
}

/// One row of [`TABLE`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Algorithm {
    name: &'static str,
    family: Family,
    hash: Hash,
}

const TABLE: [Algorithm; 6] = [
    Algorithm { name: "HS256", family: Family::Hmac, hash: Hash::Sha256 },
    Algorithm { name: "HS384", family: Family::Hmac, hash: Hash::Sha384 },
    Algorithm { name: "HS512", family: Family::Hmac, hash: Hash::Sha512 },
    Algorithm { name: "RS256", family: Family::RsaPkcs1, hash: Hash::Sha256 },
    Algorithm { name: "RS384", family: Family::RsaPkcs1, hash: Hash::Sha384 },
    Algorithm { name: "RS512", family: Family::RsaPkcs1, hash: Hash::Sha512 },
];

impl Algorithm {
    /// Its name in a token's header.
    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    /// The kind of key it takes.
    pub(crate) fn family(self) -> Family {
        self.family
    }

    /// The hash under the signature.
    pub(crate) fn hash(self) -> Hash {
        self.hash
    }

    /// The algorithms of a family, the usual one first.
    pub(crate) fn of(family: Family) -> impl Iterator<Item = Self> {
        TABLE.into_iter().filter(move |algorithm| algorithm.family == family)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        TABLE.into_iter().find(|algorithm| algorithm.name == text).ok_or_else(|| {
            let names: Vec<&str> = TABLE.iter().map(|algorithm| algorithm.name).collect();
            format!("tokens can be minted with {}", names.join(", "))
        })
    }
}
