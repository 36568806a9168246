//! The one table of signature algorithms (RFC 7518 section 3.1). Nothing else enumerates them.

use std::fmt;

/// A JWS algorithm that the gate can verify. `none` is not one, and cannot be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 7518 section 3.2).
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
}

/// What kind of key an algorithm takes, and how that key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A shared secret; JWK `kty` is `oct`.
    Hmac,
    /// An RSA key, PKCS #1 v1.5 padding; JWK `kty` is `RSA`.
    RsaPkcs1,
}

/// The hash function of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl Hash {
    /// The length of the hash in bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// One line of the table.
struct Row {
    /// The name in a JOSE header, as registered with IANA; case counts.
    name: &'static str,
    family: Family,
    hash: Hash,
}

const fn row(name: &'static str, family: Family, hash: Hash) -> Row {
    Row { name, family, hash }
}

impl Algorithm {
    /// Every algorithm of this build, in the table's order.
    pub const ALL: [Self; 6] =
        [Self::HS256, Self::HS384, Self::HS512, Self::RS256, Self::RS384, Self::RS512];

    /// The table.
    const fn row(self) -> Row {
        match self {
            Self::HS256 => row("HS256", Family::Hmac, Hash::Sha256),
            Self::HS384 => row("HS384", Family::Hmac, Hash::Sha384),
            Self::HS512 => row("HS512", Family::Hmac, Hash::Sha512),
            Self::RS256 => row("RS256", Family::RsaPkcs1, Hash::Sha256),
            Self::RS384 => row("RS384", Family::RsaPkcs1, Hash::Sha384),
            Self::RS512 => row("RS512", Family::RsaPkcs1, Hash::Sha512),
        }
    }

    /// The algorithm of that JOSE name, compared exactly (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The JOSE name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What kind of key it takes.
    #[must_use]
    pub const fn family(self) -> Family {
        self.row().family
    }

    /// Its hash function.
    #[must_use]
    pub const fn hash(self) -> Hash {
        self.row().hash
    }

    /// Whether signing and verifying take the same secret.
    #[must_use]
    pub fn is_symmetric(self) -> bool {
        self.family() == Family::Hmac
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
