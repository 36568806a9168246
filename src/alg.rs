//! The table of signature algorithms (RFC 7518 section 3.1). The gate's other code derives from it.
//! The policy's schema and the console's page have lists of their own. A test compares the schema
//! with this table.

use std::fmt;

/// A JWS algorithm that the gate can verify. `none` is not among them.
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
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, 32 bytes of salt (RFC 7518 section 3.5).
    PS256,
    /// RSASSA-PSS with SHA-384, 48 bytes of salt.
    PS384,
    /// RSASSA-PSS with SHA-512, 64 bytes of salt.
    PS512,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// ECDSA on P-521 with SHA-512.
    #[cfg(feature = "es512")]
    ES512,
    /// ECDSA on secp256k1 with SHA-256 (RFC 8812 section 3.2).
    #[cfg(feature = "es256k")]
    ES256K,
    /// Ed25519 under its first name (RFC 8037 section 3.1).
    EdDSA,
    /// Ed25519 under its fully specified name (RFC 9864 section 2.2).
    Ed25519,
    /// ML-DSA-44 (FIPS 204; ML-DSA for JOSE and COSE).
    #[cfg(feature = "mldsa")]
    MlDsa44,
    /// ML-DSA-65.
    #[cfg(feature = "mldsa")]
    MlDsa65,
    /// ML-DSA-87.
    #[cfg(feature = "mldsa")]
    MlDsa87,
}

/// The kind of key that an algorithm takes, and how the key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// HMAC with this hash and a shared secret. The JWK `kty` is `oct`.
    Hmac(Hash),
    /// RSA with PKCS #1 v1.5 padding. The JWK `kty` is `RSA`.
    RsaPkcs1(Hash),
    /// RSA with PSS padding, whose salt is as long as the hash. The JWK `kty` is `RSA`.
    RsaPss(Hash),
    /// ECDSA on this curve. A signature is r and s in fixed width. The JWK `kty` is `EC`.
    Ecdsa(Curve, Hash),
    /// Ed25519. The JWK `kty` is `OKP`.
    Ed25519,
    /// ML-DSA with this parameter set. The JWK `kty` is `AKP`.
    #[cfg(feature = "mldsa")]
    MlDsa(ParameterSet),
}

/// The curve of an ECDSA key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    #[cfg(feature = "es512")]
    P521,
    /// secp256k1 (SEC 2 section 2.4.1).
    #[cfg(feature = "es256k")]
    Secp256k1,
}

impl Curve {
    /// Every curve of this build.
    pub const ALL: &[Self] = &[
        Self::P256,
        Self::P384,
        #[cfg(feature = "es512")]
        Self::P521,
        #[cfg(feature = "es256k")]
        Self::Secp256k1,
    ];

    /// The name in a JWK's `crv` (RFC 7518 section 6.2.1.1, RFC 8812 section 3.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            #[cfg(feature = "es512")]
            Self::P521 => "P-521",
            #[cfg(feature = "es256k")]
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// The length of a coordinate in bytes, which is half the length of a signature.
    #[must_use]
    pub const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            #[cfg(feature = "es512")]
            Self::P521 => 66,
            #[cfg(feature = "es256k")]
            Self::Secp256k1 => 32,
        }
    }
}

/// The parameter set of an ML-DSA key (FIPS 204 section 4).
#[cfg(feature = "mldsa")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterSet {
    /// Security category 2.
    MlDsa44,
    /// Security category 3.
    MlDsa65,
    /// Security category 5.
    MlDsa87,
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

/// A row of the table.
struct Row {
    /// The name in a JOSE header, as registered with IANA. It is case-sensitive.
    name: &'static str,
    family: Family,
}

const fn row(name: &'static str, family: Family) -> Row {
    Row { name, family }
}

impl Algorithm {
    /// Every algorithm of this build, in the order of the table.
    pub const ALL: &[Self] = &[
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        #[cfg(feature = "es512")]
        Self::ES512,
        #[cfg(feature = "es256k")]
        Self::ES256K,
        Self::EdDSA,
        Self::Ed25519,
        #[cfg(feature = "mldsa")]
        Self::MlDsa44,
        #[cfg(feature = "mldsa")]
        Self::MlDsa65,
        #[cfg(feature = "mldsa")]
        Self::MlDsa87,
    ];

    /// The table.
    const fn row(self) -> Row {
        use Hash::{Sha256, Sha384, Sha512};
        match self {
            Self::HS256 => row("HS256", Family::Hmac(Sha256)),
            Self::HS384 => row("HS384", Family::Hmac(Sha384)),
            Self::HS512 => row("HS512", Family::Hmac(Sha512)),
            Self::RS256 => row("RS256", Family::RsaPkcs1(Sha256)),
            Self::RS384 => row("RS384", Family::RsaPkcs1(Sha384)),
            Self::RS512 => row("RS512", Family::RsaPkcs1(Sha512)),
            Self::PS256 => row("PS256", Family::RsaPss(Sha256)),
            Self::PS384 => row("PS384", Family::RsaPss(Sha384)),
            Self::PS512 => row("PS512", Family::RsaPss(Sha512)),
            Self::ES256 => row("ES256", Family::Ecdsa(Curve::P256, Sha256)),
            Self::ES384 => row("ES384", Family::Ecdsa(Curve::P384, Sha384)),
            #[cfg(feature = "es512")]
            Self::ES512 => row("ES512", Family::Ecdsa(Curve::P521, Sha512)),
            #[cfg(feature = "es256k")]
            Self::ES256K => row("ES256K", Family::Ecdsa(Curve::Secp256k1, Sha256)),
            Self::EdDSA => row("EdDSA", Family::Ed25519),
            Self::Ed25519 => row("Ed25519", Family::Ed25519),
            #[cfg(feature = "mldsa")]
            Self::MlDsa44 => row("ML-DSA-44", Family::MlDsa(ParameterSet::MlDsa44)),
            #[cfg(feature = "mldsa")]
            Self::MlDsa65 => row("ML-DSA-65", Family::MlDsa(ParameterSet::MlDsa65)),
            #[cfg(feature = "mldsa")]
            Self::MlDsa87 => row("ML-DSA-87", Family::MlDsa(ParameterSet::MlDsa87)),
        }
    }

    /// Returns the algorithm with this JOSE name, compared exactly (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    /// Returns the cargo feature that an algorithm needs. Returns `None` if every build has the
    /// algorithm, or if there is no algorithm with this name.
    #[must_use]
    pub fn feature(name: &str) -> Option<&'static str> {
        match name {
            "ES512" => Some("es512"),
            "ES256K" => Some("es256k"),
            "ML-DSA-44" | "ML-DSA-65" | "ML-DSA-87" => Some("mldsa"),
            _ => None,
        }
    }

    /// Returns the cargo feature that adds an algorithm to this build, if this build lacks it.
    #[must_use]
    pub fn missing_feature(name: &str) -> Option<&'static str> {
        Self::feature(name).filter(|_| Self::from_name(name).is_none())
    }

    /// The JOSE name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The kind of key that it takes.
    #[must_use]
    pub const fn family(self) -> Family {
        self.row().family
    }

    /// The length of a signature in bytes (RFC 7518 sections 3.2 and 3.4, RFC 8032 section 5.1.6,
    /// FIPS 204 section 4). Returns `None` for RSA, whose signatures are as long as the modulus.
    #[must_use]
    pub const fn signature_bytes(self) -> Option<usize> {
        match self.family() {
            Family::Hmac(hash) => Some(hash.bytes()),
            Family::RsaPkcs1(_) | Family::RsaPss(_) => None,
            Family::Ecdsa(curve, _) => Some(curve.coordinate_bytes().saturating_mul(2)),
            Family::Ed25519 => Some(64),
            #[cfg(feature = "mldsa")]
            Family::MlDsa(ParameterSet::MlDsa44) => Some(2420),
            #[cfg(feature = "mldsa")]
            Family::MlDsa(ParameterSet::MlDsa65) => Some(3309),
            #[cfg(feature = "mldsa")]
            Family::MlDsa(ParameterSet::MlDsa87) => Some(4627),
        }
    }

    /// Whether signatures are made and verified with the same secret.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac(_))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
