//! Shared secrets for HMAC (RFC 7518 section 3.2).

use super::KeyFault;
use crate::alg::{Algorithm, Family};
use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _};
use sha2::{Sha256, Sha384, Sha512};
use std::fmt;

/// A shared secret.
pub struct Secret {
    /// Its length in bytes.
    length: usize,
    /// HMAC under this secret, before any message. Two of the blocks that every tag needs are
    /// hashed already.
    sha256: Hmac<Sha256>,
    sha384: Box<Hmac<Sha384>>,
    sha512: Box<Hmac<Sha512>>,
}

/// How a secret is encoded in its binding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretEncoding {
    /// The bytes of the text: `"utf8"`, the default.
    #[default]
    Utf8,
    /// RFC 4648 section 4 with padding: `"base64"`.
    Base64,
    /// RFC 4648 section 5 without padding: `"base64url"`.
    Base64Url,
    /// Two hexadecimal digits per byte, in either case: `"hex"`.
    Hex,
}

impl SecretEncoding {
    /// The encodings by the names that policies use.
    pub const NAMES: [(&str, Self); 4] = [
        ("utf8", Self::Utf8),
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("hex", Self::Hex),
    ];

    /// Returns the encoding with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, encoding)| encoding)
    }
}

impl Secret {
    /// Decodes a secret from the text of a binding.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] if the secret is empty, is not in this encoding, begins or ends with white
    /// space (such as the line feed that `echo secret | wrangler secret put` adds), repeats a
    /// single byte, or is a public key, which everybody knows (CVE-2016-10555).
    pub fn from_text(text: &str, encoding: SecretEncoding) -> Result<Self, KeyFault> {
        if text.is_empty() {
            return Err(KeyFault::new("the secret is empty"));
        }
        if super::pem::holds_a_block(text) || text.trim_start().starts_with('{') {
            return Err(KeyFault::new("the secret is a PEM or JWK text, not a shared secret"));
        }
        if text.trim() != text {
            return Err(KeyFault::new("the secret begins or ends with white space"));
        }
        let decoded = match encoding {
            SecretEncoding::Utf8 => Ok(text.as_bytes().to_vec()),
            SecretEncoding::Base64 => Base64::decode_vec(text).map_err(|_| "padded base64"),
            SecretEncoding::Base64Url => {
                Base64UrlUnpadded::decode_vec(text).map_err(|_| "unpadded base64url")
            }
            SecretEncoding::Hex => decode_hex(text).ok_or("hex"),
        };
        let bytes =
            decoded.map_err(|name| KeyFault::new(format!("the secret is not valid {name}")))?;
        Self::from_bytes(bytes)
    }

    /// Makes a secret from its bytes.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] if the secret is empty, repeats a single byte, or is a public key.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, KeyFault> {
        let Some(first) = bytes.first() else { return Err(KeyFault::new("the secret is empty")) };
        if bytes.iter().all(|byte| byte == first) {
            return Err(KeyFault::new("the secret is a single byte, repeated"));
        }
        if super::pem::is_public_key(&bytes) {
            return Err(KeyFault::new("the secret is a public key, not a shared secret"));
        }
        let fault = |_| KeyFault::new("the secret has a length that HMAC does not take");
        let sha256 = Hmac::new_from_slice(&bytes).map_err(fault)?;
        let sha384 = Box::new(Hmac::new_from_slice(&bytes).map_err(fault)?);
        let sha512 = Box::new(Hmac::new_from_slice(&bytes).map_err(fault)?);
        Ok(Self { length: bytes.len(), sha256, sha384, sha512 })
    }

    /// Returns HMAC with SHA-256 under this secret, for one message.
    pub(crate) fn sha256(&self) -> Hmac<Sha256> {
        self.sha256.clone()
    }

    /// Returns HMAC with SHA-384 under this secret, for one message.
    pub(crate) fn sha384(&self) -> Hmac<Sha384> {
        (*self.sha384).clone()
    }

    /// Returns HMAC with SHA-512 under this secret, for one message.
    pub(crate) fn sha512(&self) -> Hmac<Sha512> {
        (*self.sha512).clone()
    }

    pub(super) fn check_length(&self, algorithms: &[Algorithm]) -> Result<(), KeyFault> {
        let tag_bytes = |algorithm: &Algorithm| {
            if let Family::Hmac(hash) = algorithm.family() { hash.bytes() } else { 0 }
        };
        let longest = algorithms.iter().max_by_key(|algorithm| tag_bytes(algorithm));
        match longest.map(|algorithm| (algorithm, tag_bytes(algorithm))) {
            Some((algorithm, bytes)) if self.length < bytes => Err(KeyFault::new(format!(
                "the secret has {} bytes, but {algorithm} needs at least {bytes} (RFC 7518 \
                 section 3.2)",
                self.length,
            ))),
            _ => Ok(()),
        }
    }
}

/// Prints the length only.
impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret({} bytes)", self.length)
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}
