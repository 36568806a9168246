//! Public keys of ECDSA (RFC 7518 section 6.2), checked to be on their curve.

use super::{KeyFault, base64url, thumbprint_of};
use crate::alg::Curve;

/// A point on its curve, other than infinity.
pub enum EcKey {
    /// On P-256.
    P256(p256::ecdsa::VerifyingKey),
    /// On P-384.
    P384(p384::ecdsa::VerifyingKey),
    /// On P-521.
    #[cfg(feature = "es512")]
    P521(p521::ecdsa::VerifyingKey),
    /// On secp256k1.
    #[cfg(feature = "es256k")]
    Secp256k1(k256::ecdsa::VerifyingKey),
}

impl EcKey {
    /// Takes affine coordinates, big-endian, each exactly as long as the curve's field (RFC 7518
    /// sections 6.2.1.2 and 6.2.1.3).
    ///
    /// # Errors
    ///
    /// [`KeyFault`] for a coordinate of another length, or a point off the curve.
    pub fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyFault> {
        let bytes = curve.coordinate_bytes();
        if x.len() != bytes || y.len() != bytes {
            return Err(KeyFault::new(format!(
                "a coordinate of {} is not {bytes} bytes long",
                curve.name()
            )));
        }
        const UNCOMPRESSED: u8 = 4;
        Self::from_sec1(curve, &[&[UNCOMPRESSED], x, y].concat())
    }

    /// Takes a point in the encoding of SEC 1 section 2.3.3, as SPKI holds it.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] for another encoding, infinity, or a point off the curve.
    pub fn from_sec1(curve: Curve, bytes: &[u8]) -> Result<Self, KeyFault> {
        let off_curve = |_| KeyFault::new(format!("it is no point on {}", curve.name()));
        Ok(match curve {
            Curve::P256 => {
                Self::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(off_curve)?)
            }
            Curve::P384 => {
                Self::P384(p384::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(off_curve)?)
            }
            #[cfg(feature = "es512")]
            Curve::P521 => {
                Self::P521(p521::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(off_curve)?)
            }
            #[cfg(feature = "es256k")]
            Curve::Secp256k1 => Self::Secp256k1(
                k256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).map_err(off_curve)?,
            ),
        })
    }

    /// Its curve.
    #[must_use]
    pub const fn curve(&self) -> Curve {
        match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            #[cfg(feature = "es512")]
            Self::P521(_) => Curve::P521,
            #[cfg(feature = "es256k")]
            Self::Secp256k1(_) => Curve::Secp256k1,
        }
    }

    /// The JWK thumbprint with SHA-256, base64url (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let point = match self {
            Self::P256(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            #[cfg(feature = "es512")]
            Self::P521(key) => key.to_sec1_point(false).as_bytes().to_vec(),
            #[cfg(feature = "es256k")]
            Self::Secp256k1(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        };
        let curve = self.curve();
        let coordinates = point.get(1..).unwrap_or_default();
        let (x, y) =
            coordinates.split_at_checked(curve.coordinate_bytes()).unwrap_or((coordinates, &[]));
        thumbprint_of(&format!(
            r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
            curve.name(),
            base64url(x),
            base64url(y)
        ))
    }
}
