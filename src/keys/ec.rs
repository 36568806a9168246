//! ECDSA public keys (RFC 7518 section 6.2), checked to be on their curve.

use super::{KeyFault, base64url};
use crate::alg::Curve;
use p256::elliptic_curve::point::AffineCoordinates as _;
#[cfg(feature = "kernels")]
use std::sync::OnceLock;

/// A point on a curve, other than infinity.
pub enum EcKey {
    /// On P-256.
    P256(P256Key),
    /// On P-384.
    P384(P384Key),
    /// On P-521.
    #[cfg(feature = "es512")]
    P521(P521Key),
    /// On secp256k1.
    #[cfg(feature = "es256k")]
    Secp256k1(k256::ecdsa::VerifyingKey),
}

/// Defines the key type of a curve that has a kernel.
macro_rules! key_type {
    ($(#[$attribute:meta])* $name:ident, $curve:ident) => {
        $(#[$attribute])*
        pub struct $name {
            inner: $curve::ecdsa::VerifyingKey,
            /// Prepared for the first signature, because many keys of a set never verify one.
            #[cfg(feature = "kernels")]
            prepared: OnceLock<portcullis_kernels::$curve::PreparedKey>,
        }

        impl $name {
            const fn new(inner: $curve::ecdsa::VerifyingKey) -> Self {
                Self {
                    inner,
                    #[cfg(feature = "kernels")]
                    prepared: OnceLock::new(),
                }
            }

            pub(crate) const fn inner(&self) -> &$curve::ecdsa::VerifyingKey {
                &self.inner
            }

            /// Returns the key prepared for the kernel.
            #[cfg(feature = "kernels")]
            pub(crate) fn prepared(&self) -> &portcullis_kernels::$curve::PreparedKey {
                self.prepared
                    .get_or_init(|| portcullis_kernels::$curve::PreparedKey::new(&self.inner))
            }
        }
    };
}

key_type! {
    /// A point on P-256, with the table of 37 KB that the kernel verifies with. So
    /// [`crate::budget::KEYS_HELD`] bounds the total per issuer to 2.4 MB.
    P256Key, p256
}

key_type! {
    /// A point on P-384, with a table of 43 KB, or 2.8 MB per issuer.
    P384Key, p384
}

#[cfg(feature = "es512")]
key_type! {
    /// A point on P-521, with a table of 76 KB, or 4.9 MB per issuer.
    P521Key, p521
}

impl EcKey {
    /// Makes a key from affine coordinates, big-endian, each exactly as long as the curve's field
    /// (RFC 7518 sections 6.2.1.2 and 6.2.1.3).
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
        // Not through SEC 1, whose decompression would be linked in and never run.
        macro_rules! key_on {
            ($curve:ident, $key:expr) => {{
                let x = $curve::FieldBytes::try_from(x).ok();
                let y = $curve::FieldBytes::try_from(y).ok();
                x.zip(y)
                    .and_then(|(x, y)| $curve::AffinePoint::from_coordinates(&x, &y).into_option())
                    .and_then(|point| $curve::ecdsa::VerifyingKey::from_affine(point).ok())
                    .map($key)
            }};
        }
        let key = match curve {
            Curve::P256 => key_on!(p256, |key| Self::P256(P256Key::new(key))),
            Curve::P384 => key_on!(p384, |key| Self::P384(P384Key::new(key))),
            #[cfg(feature = "es512")]
            Curve::P521 => key_on!(p521, |key| Self::P521(P521Key::new(key))),
            #[cfg(feature = "es256k")]
            Curve::Secp256k1 => key_on!(k256, Self::Secp256k1),
        };
        key.ok_or_else(|| KeyFault::new(format!("it is no point on {}", curve.name())))
    }

    /// Makes a key from an uncompressed point (SEC 1 section 2.3.3), as SPKI contains it.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] for a compressed point, infinity, or a point off the curve.
    pub fn from_sec1(curve: Curve, bytes: &[u8]) -> Result<Self, KeyFault> {
        const UNCOMPRESSED: u8 = 4;
        match bytes.split_first() {
            Some((&UNCOMPRESSED, coordinates)) => {
                let (x, y) = coordinates
                    .split_at_checked(curve.coordinate_bytes())
                    .unwrap_or((coordinates, &[]));
                Self::from_coordinates(curve, x, y)
            }
            _ => Err(KeyFault::new(
                "a point that is not uncompressed (openssl ec -conv_form uncompressed)",
            )),
        }
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

    /// The required members of its JWK, in the order of RFC 7638 section 3.
    pub(super) fn members(&self) -> String {
        macro_rules! coordinates_of {
            ($key:expr) => {{
                let point = $key.as_affine();
                (base64url(&point.x()), base64url(&point.y()))
            }};
        }
        let (x, y) = match self {
            Self::P256(key) => coordinates_of!(key.inner()),
            Self::P384(key) => coordinates_of!(key.inner()),
            #[cfg(feature = "es512")]
            Self::P521(key) => coordinates_of!(key.inner()),
            #[cfg(feature = "es256k")]
            Self::Secp256k1(key) => coordinates_of!(key),
        };
        let curve = self.curve().name();
        format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
    }
}
