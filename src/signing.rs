//! Private keys of the gate's own, with which it signs JWTs: EdDSA and ES256.
//!
//! Signing uses RustCrypto's constant-time code, never the kernels, and needs no randomness: both
//! algorithms derive the nonce from the key and the message (RFC 8032 section 5.1.6, RFC 6979).

use crate::alg::{Algorithm, Curve};
use crate::json::text::{ObjectText, to_text};
use crate::json::{self, Object};
use crate::keys::pem::{self, PrivateKeyParts};
use crate::keys::{EcKey, EdwardsKey, Key, KeyFault, Material};
use crate::signature;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use p256::ecdsa::signature::Signer as _;
use serde_json::Value;
use std::fmt;

/// A private key, and the public key that belongs to it.
pub struct SigningKey {
    private: PrivateKey,
    public: Key,
    algorithm: Algorithm,
}

enum PrivateKey {
    P256(p256::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl SigningKey {
    /// Reads a private key from the text of a binding: PKCS #8 (RFC 5958) in PEM, or a JWK (RFC
    /// 7517). The kind of the key determines the algorithm: ES256 for P-256, EdDSA for Ed25519.
    ///
    /// # Errors
    ///
    /// [`KeyFault`] if the text contains another kind of key, a public key, an encrypted key, more
    /// than one key, or a key that is invalid or consists of a single repeated byte. Also if the
    /// public members of a JWK do not belong to its private key, or say that the key is for another
    /// algorithm or use.
    pub fn from_text(text: &str) -> Result<Self, KeyFault> {
        if text.trim_start().starts_with('{') {
            let jwk = json::parse_object(text.trim().as_bytes());
            return Self::from_jwk(&jwk.map_err(|reason| KeyFault::new(format!("it {reason}")))?);
        }
        match pem::private_key(text)? {
            PrivateKeyParts::P256(scalar) => Self::p256(&scalar),
            PrivateKeyParts::Ed25519(seed) => Self::ed25519(&seed),
            PrivateKeyParts::Other => Err(unsupported()),
        }
    }

    /// Reads a JWK (RFC 7518 section 6.2.2, RFC 8037 section 2). Its `kid` is not read.
    fn from_jwk(jwk: &Object) -> Result<Self, KeyFault> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if jwk.contains_key("keys") {
            return Err(KeyFault::new("it is a JWK Set, not a single JWK"));
        }
        let private = || {
            let value = text("d").ok_or_else(|| KeyFault::new("it has no private key (\"d\")"))?;
            Base64UrlUnpadded::decode_vec(value)
                .map_err(|_| KeyFault::new("\"d\" is not unpadded base64url"))
        };
        let key = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => Self::p256(&private()?)?,
            (Some("OKP"), Some("Ed25519")) => Self::ed25519(&private()?)?,
            (Some("oct"), _) => return Err(KeyFault::new("it is a shared secret")),
            _ => return Err(unsupported()),
        };
        let own = key.public_jwk();
        let member = |name: &str| text(name).map(|value| format!("\"{name}\":\"{value}\""));
        let differs = |name| {
            jwk.contains_key(name) && member(name).is_none_or(|member| !own.contains(&member))
        };
        if ["x", "y"].into_iter().any(differs) {
            return Err(KeyFault::new("its public members do not belong to its private key"));
        }
        if differs("alg") {
            return Err(KeyFault::new(format!("its \"alg\" is not {}", key.algorithm)));
        }
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return Err(KeyFault::new("its \"use\" is not \"sig\""));
        }
        Ok(key)
    }

    fn p256(scalar: &[u8]) -> Result<Self, KeyFault> {
        refuse_repetition(scalar)?;
        let key = (scalar.len() == Curve::P256.coordinate_bytes())
            .then(|| p256::ecdsa::SigningKey::from_slice(scalar).ok())
            .flatten()
            .ok_or_else(|| KeyFault::new("it is not a valid private key on P-256"))?;
        let point = key.verifying_key().to_sec1_point(false);
        let public = Material::Ec(EcKey::from_sec1(Curve::P256, point.as_bytes())?);
        Self::new(PrivateKey::P256(key), public, Algorithm::ES256)
    }

    fn ed25519(seed: &[u8]) -> Result<Self, KeyFault> {
        refuse_repetition(seed)?;
        let seed = seed.try_into();
        let seed = seed.map_err(|_| KeyFault::new("an Ed25519 private key has 32 bytes"))?;
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = Material::Edwards(EdwardsKey::new(key.verifying_key().as_bytes())?);
        Self::new(PrivateKey::Ed25519(key), public, Algorithm::EdDSA)
    }

    fn new(private: PrivateKey, public: Material, algorithm: Algorithm) -> Result<Self, KeyFault> {
        let id = public.thumbprint();
        Ok(Self { private, public: Key::new(public, id, &[algorithm])?, algorithm })
    }

    /// The algorithm: EdDSA or ES256.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's ID, which verifiers find it by: its JWK thumbprint with SHA-256, base64url (RFC
    /// 7638).
    #[must_use]
    pub fn id(&self) -> &str {
        self.public.name()
    }

    /// The public key, with [`Self::id`] as its `kid`.
    #[must_use]
    pub const fn public(&self) -> &Key {
        &self.public
    }

    /// The public key as the text of a JWK with `kid`, `alg` and `use`.
    #[must_use]
    pub fn public_jwk(&self) -> String {
        let jwk = self.public.to_public_jwk().unwrap_or_default();
        let members = jwk.strip_suffix('}').unwrap_or(&jwk);
        format!("{members},\"use\":\"sig\"}}")
    }

    /// Signs a JWT with this `typ` and these claims. Returns a compact JWS (RFC 7515 section 3.1)
    /// whose header has `alg`, `kid` and `typ`.
    #[must_use]
    #[inline(never)]
    pub fn sign(&self, media_type: &str, claims: Object) -> String {
        let mut header = ObjectText::new();
        header.text("alg", Some(self.algorithm.name()));
        header.text("kid", Some(self.id()));
        header.text("typ", Some(media_type));
        let claims = to_text(&Value::Object(claims));
        signature::compact(&header.finish(), &claims, |message| match &self.private {
            // Fails only if r or s is zero, with a probability of 2^-256. An empty signature never
            // verifies.
            PrivateKey::P256(key) => key
                .try_sign(message)
                .map(|signature: p256::ecdsa::Signature| signature.to_bytes().to_vec())
                .unwrap_or_default(),
            PrivateKey::Ed25519(key) => key
                .try_sign(message)
                .map(|signature| signature.to_bytes().to_vec())
                .unwrap_or_default(),
        })
    }
}

/// Prints the ID and the algorithm of the key, but not the private key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("id", &self.id())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Refuses placeholders such as 32 zero bytes.
fn refuse_repetition(bytes: &[u8]) -> Result<(), KeyFault> {
    match bytes.split_first() {
        Some((first, rest)) if rest.iter().any(|byte| byte != first) => Ok(()),
        _ => Err(KeyFault::new("the private key is a single byte, repeated")),
    }
}

fn unsupported() -> KeyFault {
    KeyFault::new("it is neither an Ed25519 key (EdDSA) nor a key on P-256 (ES256)")
}
