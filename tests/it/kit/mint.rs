//! Tokens from raw JSON text, signed directly with the cryptographic crates instead of the code
//! under test.

use super::keys;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rsa::Pkcs1v15Sign;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The base token's header.
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// The base token's claims; `exp` is a day after [`super::NOW`].
const CLAIMS: [(&str, &str); 4] =
    [("iss", r#""https://i""#), ("aud", r#""api""#), ("sub", r#""u""#), ("exp", "1800086400")];

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

/// Returns the base token's payload with the raw JSON of some members replaced or added. An empty
/// text removes the member. If a member is changed twice, the later change applies.
pub(crate) fn payload(changes: &[(&str, &str)]) -> String {
    let mut members = CLAIMS.to_vec();
    for change in changes {
        match members.iter_mut().find(|member| member.0 == change.0) {
            Some(member) => *member = *change,
            None => members.push(*change),
        }
    }
    let written: Vec<_> = members
        .iter()
        .filter(|(_, raw)| !raw.is_empty())
        .map(|(name, raw)| format!("\"{name}\":{raw}"))
        .collect();
    format!("{{{}}}", written.join(","))
}

/// Returns the base token's payload with raw text inserted before its closing brace.
pub(crate) fn raw_payload(text: &str) -> String {
    let base = payload(&[]);
    format!("{},{text}}}", base.strip_suffix('}').unwrap())
}

/// A key, and the size of the hash to sign with.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    Hmac { bits: u32, secret: Vec<u8> },
    Rsa { bits: u32, key: Box<rsa::PrivateKey> },
}

impl Signer {
    /// Signs with HS256 and the issuer's secret.
    pub(crate) fn hs256() -> Self {
        Self::hmac(256, keys::SECRET)
    }

    pub(crate) fn hmac(bits: u32, secret: impl AsRef<[u8]>) -> Self {
        Self::Hmac { bits, secret: secret.as_ref().to_vec() }
    }

    /// Signs with RS256 and the issuer's key.
    pub(crate) fn rs256() -> Self {
        Self::rsa(256, keys::RSA_PRIVATE)
    }

    pub(crate) fn rsa(bits: u32, pem: &str) -> Self {
        Self::Rsa { bits, key: Box::new(keys::private_key(pem)) }
    }

    /// The JOSE name of the signer's algorithm.
    pub(crate) fn algorithm(&self) -> String {
        match self {
            Self::Hmac { bits, .. } => format!("HS{bits}"),
            Self::Rsa { bits, .. } => format!("RS{bits}"),
        }
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: impl AsRef<[u8]>) -> Vec<u8> {
        let message = message.as_ref();
        macro_rules! hmac {
            ($hash:ty, $secret:expr) => {
                Hmac::<$hash>::new_from_slice($secret)
                    .unwrap()
                    .chain_update(message)
                    .finalize()
                    .into_bytes()
                    .to_vec()
            };
        }
        macro_rules! rsa {
            ($hash:ty, $key:expr) => {
                $key.sign(Pkcs1v15Sign::new::<$hash>(), &<$hash>::digest(message)).unwrap()
            };
        }
        match self {
            Self::Hmac { bits: 256, secret } => hmac!(Sha256, secret),
            Self::Hmac { bits: 384, secret } => hmac!(Sha384, secret),
            Self::Hmac { secret, .. } => hmac!(Sha512, secret),
            Self::Rsa { bits: 256, key } => rsa!(Sha256, key),
            Self::Rsa { bits: 384, key } => rsa!(Sha384, key),
            Self::Rsa { key, .. } => rsa!(Sha512, key),
        }
    }

    /// Signs a token with exactly this header and payload.
    pub(crate) fn token(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", b64(header), b64(payload));
        format!("{input}.{}", b64(self.sign(&input)))
    }

    /// Signs a token with this payload, and with the signer's algorithm in the header.
    pub(crate) fn signed(&self, payload: impl AsRef<[u8]>) -> String {
        self.token(format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm()), payload)
    }
}
