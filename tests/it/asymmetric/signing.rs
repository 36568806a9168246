//! Fixed key pairs, and tokens signed directly with the cryptographic crates instead of the code
//! under test.

use crate::kit::b64;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

/// A key pair for tests. The EC and Ed25519 keys were made with openssl.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pair {
    Es256,
    Es384,
    #[cfg(feature = "es512")]
    Es512,
    #[cfg(feature = "es256k")]
    Es256k,
    Ed25519,
    #[cfg(feature = "mldsa")]
    MlDsa44,
    #[cfg(feature = "mldsa")]
    MlDsa65,
    #[cfg(feature = "mldsa")]
    MlDsa87,
}

pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text).unwrap()
}

fn private(name: &str) -> Vec<u8> {
    let table: Value = serde_json::from_str(include_str!("../keys/curves/signing.json")).unwrap();
    bytes_of(table[name].as_str().unwrap())
}

/// Evaluates an expression with the signing key of the pair's curve. The caller chooses the names
/// under which the expression sees the curve's crate and the key.
macro_rules! on_curve {
    ($pair:expr, |$curve:ident, $key:ident| $body:expr) => {{
        macro_rules! run {
            ($library:ident, $name:literal) => {{
                use $library as $curve;
                let $key = $curve::ecdsa::SigningKey::from_slice(&private($name)).unwrap();
                $body
            }};
        }
        match $pair {
            Pair::Es256 => run!(p256, "p256"),
            Pair::Es384 => run!(p384, "p384"),
            #[cfg(feature = "es512")]
            Pair::Es512 => run!(p521, "p521"),
            #[cfg(feature = "es256k")]
            Pair::Es256k => run!(k256, "secp256k1"),
            _ => panic!("{:?} is not a pair of ECDSA", $pair),
        }
    }};
}

#[cfg(feature = "mldsa")]
macro_rules! on_lattice {
    ($pair:expr, |$key:ident| $body:expr) => {{
        macro_rules! run {
            ($set:ident) => {{
                let $key = ml_dsa::SigningKey::<ml_dsa::$set>::from_seed(&[0x5e; 32].into());
                $body
            }};
        }
        match $pair {
            Pair::MlDsa44 => run!(MlDsa44),
            Pair::MlDsa65 => run!(MlDsa65),
            Pair::MlDsa87 => run!(MlDsa87),
            _ => panic!("{:?} is not a pair of ML-DSA", $pair),
        }
    }};
}

impl Pair {
    pub(super) const CURVES: &[Self] = &[
        Self::Es256,
        Self::Es384,
        #[cfg(feature = "es512")]
        Self::Es512,
        #[cfg(feature = "es256k")]
        Self::Es256k,
    ];

    pub(super) const ALL: &[Self] = &[
        Self::Es256,
        Self::Es384,
        #[cfg(feature = "es512")]
        Self::Es512,
        #[cfg(feature = "es256k")]
        Self::Es256k,
        Self::Ed25519,
        #[cfg(feature = "mldsa")]
        Self::MlDsa44,
        #[cfg(feature = "mldsa")]
        Self::MlDsa65,
        #[cfg(feature = "mldsa")]
        Self::MlDsa87,
    ];

    /// The JOSE name of the pair's algorithm.
    pub(super) const fn algorithm(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            #[cfg(feature = "es512")]
            Self::Es512 => "ES512",
            #[cfg(feature = "es256k")]
            Self::Es256k => "ES256K",
            Self::Ed25519 => "Ed25519",
            #[cfg(feature = "mldsa")]
            Self::MlDsa44 => "ML-DSA-44",
            #[cfg(feature = "mldsa")]
            Self::MlDsa65 => "ML-DSA-65",
            #[cfg(feature = "mldsa")]
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    fn edwards() -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&private("ed25519").try_into().unwrap())
    }

    /// Signs a message.
    pub(super) fn sign(self, message: impl AsRef<[u8]>) -> Vec<u8> {
        use p256::ecdsa::signature::Signer as _;
        let message = message.as_ref();
        match self {
            Self::Ed25519 => Self::edwards().sign(message).to_bytes().to_vec(),
            #[cfg(feature = "mldsa")]
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => self.sign_in_context(message, b""),
            _ => on_curve!(self, |curve, key| {
                let signature: curve::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }),
        }
    }

    #[cfg(feature = "mldsa")]
    pub(super) fn sign_in_context(self, message: &[u8], context: &[u8]) -> Vec<u8> {
        on_lattice!(self, |key| {
            let signature = key.expanded_key().sign_deterministic(message, context).unwrap();
            signature.encode().to_vec()
        })
    }

    /// Returns an ECDSA signature in DER, and the equally valid signature with the negated s.
    pub(super) fn other_forms(self, signature: &[u8]) -> (Vec<u8>, Vec<u8>) {
        on_curve!(self, |curve, _key| {
            let signature = curve::ecdsa::Signature::from_slice(signature).unwrap();
            let (r, s) = signature.split_scalars();
            let twin = curve::ecdsa::Signature::from_scalars(r, -s).unwrap();
            (signature.to_der().as_bytes().to_vec(), twin.to_bytes().to_vec())
        })
    }

    /// The bytes of the public key: an uncompressed point, an Ed25519 key or an ML-DSA key.
    pub(super) fn public(self) -> Vec<u8> {
        match self {
            Self::Ed25519 => Self::edwards().verifying_key().to_bytes().to_vec(),
            #[cfg(feature = "mldsa")]
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => {
                on_lattice!(self, |key| key.expanded_key().verifying_key().encode().to_vec())
            }
            _ => on_curve!(self, |curve, key| {
                key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }),
        }
    }

    /// The public key as a JWK with only the required members.
    pub(super) fn jwk(self) -> Value {
        let public = self.public();
        let curve = match self {
            Self::Ed25519 => {
                return json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(public) });
            }
            #[cfg(feature = "mldsa")]
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => {
                return json!({ "kty": "AKP", "alg": self.algorithm(), "pub": b64(public) });
            }
            Self::Es256 => "P-256",
            Self::Es384 => "P-384",
            #[cfg(feature = "es512")]
            Self::Es512 => "P-521",
            #[cfg(feature = "es256k")]
            Self::Es256k => "secp256k1",
        };
        let (x, y) = public[1..].split_at(public.len() / 2);
        json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y) })
    }

    /// Signs a token with exactly this header and payload.
    pub(super) fn token(self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", b64(header), b64(payload));
        format!("{input}.{}", b64(self.sign(&input)))
    }

    /// Signs a token with this payload, and with the pair's algorithm in the header.
    pub(super) fn signed(self, payload: impl AsRef<[u8]>) -> String {
        self.token(self.header(), payload)
    }

    pub(super) fn header(self) -> String {
        format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm())
    }
}
