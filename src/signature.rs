//! The signature step: the only place that makes a [`Verified`].
//!
//! What an isolate rarely calls is `inline(never)`, because the runtime compiles a function as a
//! whole when it is first called.

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
use crate::json::text::to_text;
use crate::keys::{Key, Material};
use crate::refusal::{Code, Refusal};
use crate::token::{Header, Payload, Unverified};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::Value;
#[cfg(not(feature = "kernels"))]
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::rc::Rc;

/// A token whose signature has been verified under a key of one of the policy's issuers.
///
/// That proves who made the token, not that the token is meant for this API or still valid, which
/// [`crate::identity::Identity`] and [`crate::claims::Claims`] check. Only [`verify`] makes one:
///
/// ```compile_fail,E0451
/// use portcullis::signature::Verified;
///
/// fn forge() -> Verified<'static> {
///     // error[E0451]: the fields of struct `Verified` are private
///     Verified { payload: todo!(), header: todo!(), key_name: String::new() }
/// }
/// ```
pub struct Verified<'a> {
    payload: Payload<'a>,
    header: Rc<Header>,
    key_name: String,
}

impl<'a> Verified<'a> {
    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The name of the key under which the signature verified, for logs.
    #[must_use]
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    pub(crate) fn into_payload(self) -> Payload<'a> {
        self.payload
    }
}

/// The proof that a token's signature verified. Only this module can make one, and only with one
/// can the payload of an [`Unverified`] be taken out.
pub(crate) struct SignatureProof(());

/// Verifies a token's signature. Tries each key in order and accepts the first that verifies.
///
/// [`crate::keys::KeySet::pick`] has chosen the keys by the token's header, so each of them serves
/// its algorithm. [`is_valid`] checks that again, so that no caller can confuse them.
///
/// # Errors
///
/// `bad_signature` if the signature verifies under none of the keys.
pub fn verify<'a>(token: Unverified<'a>, keys: &[&Key]) -> Result<Verified<'a>, Refusal> {
    let good = keys.iter().find(|key| {
        is_valid(token.header().algorithm, key, token.signing_input.as_bytes(), &token.signature)
    });
    let Some(key) = good else {
        return Err(Refusal::new(
            Code::BadSignature,
            "the signature does not verify under any matching key",
        ));
    };
    let key_name = key.name().to_owned();
    let (payload, header) = token.into_signed(SignatureProof(()));
    Ok(Verified { payload, header, key_name })
}

/// Verifies the signature of a DPoP proof under the key that it contains. Returns the payload. It
/// is no [`Verified`], because anyone can make a proof: only the access token says whose key it is.
pub(crate) fn verify_proof(proof: Unverified<'_>, key: &Key) -> Option<Vec<u8>> {
    let Unverified { signing_input, signature, .. } = &proof;
    is_valid(proof.header().algorithm, key, signing_input.as_bytes(), signature)
        .then(|| proof.into_signed(SignatureProof(())).0.bytes)
}

/// Whether `signature` is a valid signature of `message` under `key` with `algorithm`, which must
/// be one of the key's.
///
/// This is the bare primitive, for test vectors and differential tests. It makes no [`Verified`].
#[must_use]
pub fn is_valid(algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> bool {
    if !key.algorithms().contains(&algorithm) {
        return false;
    }
    let material = key.material();
    let rsa = |padding, hash| {
        matches!(material, Material::Rsa(key)
            if RsaSignature { padding, hash, key, message, signature }.is_valid())
    };
    match algorithm.family() {
        Family::Hmac(hash) => matches!(material, Material::Secret(secret)
            if hmac::verify(hash, secret, message, signature)),
        Family::RsaPkcs1(hash) => rsa(Padding::Pkcs1v15, hash),
        Family::RsaPss(hash) => rsa(Padding::Pss, hash),
        Family::Ecdsa(_, hash) => matches!(material, Material::Ec(key)
            if ecdsa::verify(hash, key, message, signature)),
        Family::Ed25519 => matches!(material, Material::Edwards(key)
            if eddsa::verify(key, message, signature)),
        #[cfg(feature = "mldsa")]
        Family::MlDsa(_) => matches!(material, Material::Lattice(key)
            if mldsa::verify(key, message, signature)),
    }
}

/// Returns the HS256 tag of a message, for tokens that the gate signs itself. Returns an empty tag,
/// which never verifies, for keys that are not HMAC secrets.
pub(crate) fn tag(key: &Key, message: &[u8]) -> Vec<u8> {
    let Material::Secret(secret) = key.material() else { return Vec::new() };
    hmac::sign(secret, message)
}

/// Signs header and payload with [`tag`]. Returns a compact JWS (RFC 7515 section 3.1).
pub(crate) fn signed(key: &Key, header: &Value, payload: &Value) -> String {
    compact(&to_text(header), &to_text(payload), |message| tag(key, message))
}

/// Returns the compact JWS (RFC 7515 section 3.1) of header and payload, which are JSON texts, with
/// the signature that `sign` returns for them.
pub(crate) fn compact(header: &str, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encoded = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let message = format!("{}.{}", encoded(header), encoded(payload));
    let signature = Base64UrlUnpadded::encode_string(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Returns the SHA-256 hash of a message: 32 bytes.
pub(crate) fn sha256(message: &[u8]) -> Vec<u8> {
    digest(Hash::Sha256, message)
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
