//! SHA-256 thumbprints of keys (RFC 7638) and certificates (RFC 8705 section 3.1).

use crate::json::Object;
use crate::json::text::quoted;
use crate::signature::sha256;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
use std::fmt;

/// The SHA-256 thumbprint of a public key or a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Reads a thumbprint from its canonical base64url. Returns `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Reads a thumbprint from hexadecimal digits, in any case. Returns `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
        let byte = |&[high, low]: &[u8; 2]| Some((digit(high)? << 4) | digit(low)?);
        let bytes: Vec<u8> = pairs.iter().map(byte).collect::<Option<_>>()?;
        bytes.try_into().ok().filter(|_| rest.is_empty()).map(Self)
    }

    /// Computes the thumbprint of a JWK from its required members, in lexicographic order and
    /// without white space (RFC 7638 section 3, RFC 8037 section 2). Returns `None` if the kind of
    /// key is unknown, or if a required member is absent or not a string.
    #[must_use]
    #[inline(never)]
    pub fn of_jwk(jwk: &Object) -> Option<Self> {
        let required: &[&str] = match jwk.get("kty")?.as_str()? {
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            "RSA" => &["e", "kty", "n"],
            "AKP" => &["alg", "kty", "pub"],
            _ => return None,
        };
        let mut members = String::with_capacity(160);
        for name in required {
            let value = jwk.get(*name).and_then(Value::as_str)?;
            members.push_str(if members.is_empty() { "{\"" } else { ",\"" });
            members.push_str(name);
            members.push_str("\":");
            members.push_str(&quoted(value));
        }
        members.push('}');
        sha256(members.as_bytes()).try_into().ok().map(Self)
    }
}

/// Writes the base64url.
impl fmt::Display for Thumbprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}
