//! The signature step: the only maker of [`Verified`].

#[cfg(feature = "kernels")]
#[doc(hidden)]
pub mod comparison;
mod ecdsa;
mod eddsa;
mod hmac;
#[cfg(feature = "mldsa")]
mod mldsa;
mod rsa;

use self::rsa::{Padding, RsaSignature};
use crate::alg::{Algorithm, Family, Hash};
use crate::keys::{Key, Material};
use crate::refusal::{Code, Refusal};
use crate::token::{Payload, Unverified};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
#[cfg(not(feature = "kernels"))]
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A token whose signature is one by a key that the policy names.
///
/// It proves who made the token, not that the token is meant for here or still good:
/// [`crate::claims::Claims::check`] judges that.
pub struct Verified<'a> {
    payload: Payload<'a>,
    media_type: Option<String>,
    is_nested: bool,
    key_name: String,
}

impl<'a> Verified<'a> {
    /// The header's `typ`, lower-case, without `application/`.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Whether the payload is said to be another token.
    #[must_use]
    pub const fn is_nested(&self) -> bool {
        self.is_nested
    }

    /// What the key that bore it out is called in logs.
    #[must_use]
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    pub(crate) fn into_payload(self) -> Payload<'a> {
        self.payload
    }
}

/// The proof that a token's signature was checked and is good: only this module can make one, and
/// without it nobody gets at the payload of an [`Unverified`].
pub(crate) struct BorneOut(());

/// Checks a token's signature with the first of the keys that bears it out.
///
/// `keys` are those that [`crate::keys::KeySet::pick`] found for this token's header, so each of them
/// may verify its algorithm; that is asked again here, so that no caller can mix them up.
///
/// # Errors
///
/// `bad_signature` where no key bears it out.
pub fn verify<'a>(token: Unverified<'a>, keys: &[&Key]) -> Result<Verified<'a>, Refusal> {
    let good = keys.iter().find(|key| {
        is_valid(token.header().algorithm, key, token.signing_input.as_bytes(), &token.signature)
    });
    let Some(key) = good else {
        return Err(Refusal::new(Code::BadSignature, "no key bears the signature out"));
    };
    let key_name = key.name().to_owned();
    let (payload, header) = token.into_signed(BorneOut(()));
    Ok(Verified { payload, media_type: header.media_type, is_nested: header.is_nested, key_name })
}

/// Whether `signature` is one of `message` by `key` under `algorithm`, which must be one of the key's.
///
/// This is the primitive alone, for vectors and differential tests: it makes no [`Verified`].
#[must_use]
pub fn is_valid(algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> bool {
    if !key.algorithms().contains(&algorithm) {
        return false;
    }
    match (algorithm.family(), key.material()) {
        (Family::Hmac(hash), Material::Secret(secret)) => {
            hmac::verify(hash, secret, message, signature)
        }
        (Family::RsaPkcs1(hash), Material::Rsa(key)) => {
            RsaSignature { padding: Padding::Pkcs1v15, hash, key, message, signature }.is_valid()
        }
        (Family::RsaPss(hash), Material::Rsa(key)) => {
            RsaSignature { padding: Padding::Pss, hash, key, message, signature }.is_valid()
        }
        (Family::Ecdsa(_, hash), Material::Ec(key)) => ecdsa::verify(hash, key, message, signature),
        (Family::Ed25519, Material::Edwards(key)) => eddsa::verify(key, message, signature),
        #[cfg(feature = "mldsa")]
        (Family::MlDsa(_), Material::Lattice(key)) => mldsa::verify(key, message, signature),
        _ => false,
    }
}

/// The tag of a message under a secret with HS256, for what the gate says itself; empty, which no
/// reader takes for a tag, under a key that is no secret.
pub(crate) fn tag(key: &Key, message: &[u8]) -> Vec<u8> {
    match key.material() {
        Material::Secret(secret) => hmac::sign(secret, message),
        _ => Vec::new(),
    }
}

/// A compact JWS (RFC 7515 section 3.1) with the [`tag`] of header and payload.
pub(crate) fn signed(key: &Key, header: &Value, payload: &Value) -> String {
    let encoded = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let message = format!("{}.{}", encoded(header), encoded(payload));
    let tag = Base64UrlUnpadded::encode_string(&tag(key, message.as_bytes()));
    format!("{message}.{tag}")
}

/// Returns the digest of a message.
fn digest(hash: Hash, message: &[u8]) -> Vec<u8> {
    // With the kernels, their copy of the hash functions is linked anyway.
    #[cfg(feature = "kernels")]
    return portcullis_kernels::rsa::Hash::from(hash).digest(message);
    #[cfg(not(feature = "kernels"))]
    match hash {
        Hash::Sha256 => Sha256::digest(message).to_vec(),
        Hash::Sha384 => Sha384::digest(message).to_vec(),
        Hash::Sha512 => Sha512::digest(message).to_vec(),
    }
}
