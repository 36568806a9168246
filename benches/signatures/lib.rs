//! Verifies signatures with the gate, with the kernels and with RustCrypto, so that `bench.mjs` can
//! compare their speed. `cargo xtask bench signatures` builds and runs both. The Worker does not
//! contain this crate.

#![cfg(target_arch = "wasm32")]

use ml_dsa::{Keypair as _, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed, SigningKey};
use portcullis::alg::Algorithm;
use portcullis::json;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::keys::{Key, KeySet};
use portcullis::signature::comparison::{Implementation, is_valid_by};
use portcullis::signature::is_valid;
use rsa::signature::Signer as _;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A public key and its algorithm.
#[wasm_bindgen]
pub struct Verifier {
    algorithm: Algorithm,
    keys: KeySet,
}

#[wasm_bindgen]
impl Verifier {
    /// Takes an algorithm's JOSE name and a key as a JWK.
    ///
    /// # Errors
    ///
    /// If the algorithm is unknown or the key cannot be used.
    #[wasm_bindgen(constructor)]
    pub fn new(algorithm: &str, key: &str) -> Result<Self, JsError> {
        let algorithm =
            Algorithm::from_name(algorithm).ok_or_else(|| JsError::new("an unknown algorithm"))?;
        let key = json::parse_object(key.as_bytes()).map_err(|_| JsError::new("not a JWK"))?;
        let keys = jwk::import(&key, &[algorithm], Provenance::Operator)
            .map_err(|fault| JsError::new(&fault.to_string()))?;
        Ok(Self { algorithm, keys })
    }

    /// Whether the gate accepts the signature.
    #[must_use]
    pub fn by_gate(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key().is_some_and(|key| is_valid(self.algorithm, key, message, signature))
    }

    /// Whether the kernel accepts the signature. `None` if there is no kernel for the algorithm.
    #[must_use]
    pub fn by_kernel(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        is_valid_by(Implementation::Kernel, self.algorithm, self.key()?, message, signature)
    }

    /// Whether RustCrypto accepts the signature. `None` if the gate always uses RustCrypto for the
    /// algorithm, so that there is nothing to compare.
    #[must_use]
    pub fn by_crate(&self, message: &[u8], signature: &[u8]) -> Option<bool> {
        is_valid_by(Implementation::Crate, self.algorithm, self.key()?, message, signature)
    }

    fn key(&self) -> Option<&Key> {
        self.keys.keys().first()
    }
}

/// A private ML-DSA key. The version of Node that runs the benchmark cannot create one.
#[wasm_bindgen]
pub struct Lattice {
    algorithm: Algorithm,
    seed: Seed,
}

#[wasm_bindgen]
impl Lattice {
    /// Takes an algorithm's JOSE name and a seed of 32 bytes.
    ///
    /// # Errors
    ///
    /// If the algorithm is unknown or the seed has another length.
    #[wasm_bindgen(constructor)]
    pub fn new(algorithm: &str, seed: &[u8]) -> Result<Self, JsError> {
        let algorithm =
            Algorithm::from_name(algorithm).ok_or_else(|| JsError::new("an unknown algorithm"))?;
        let seed = Seed::try_from(seed).map_err(|_| JsError::new("not 32 bytes"))?;
        Ok(Self { algorithm, seed })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        match self.algorithm {
            Algorithm::MlDsa44 => public::<MlDsa44>(&self.seed),
            Algorithm::MlDsa65 => public::<MlDsa65>(&self.seed),
            _ => public::<MlDsa87>(&self.seed),
        }
    }

    /// The signature over a message.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self.algorithm {
            Algorithm::MlDsa44 => sign::<MlDsa44>(&self.seed, message),
            Algorithm::MlDsa65 => sign::<MlDsa65>(&self.seed, message),
            _ => sign::<MlDsa87>(&self.seed, message),
        }
    }
}

fn public<P: MlDsaParams>(seed: &Seed) -> Vec<u8> {
    SigningKey::<P>::from_seed(seed).verifying_key().encode().to_vec()
}

fn sign<P: MlDsaParams>(seed: &Seed, message: &[u8]) -> Vec<u8> {
    SigningKey::<P>::from_seed(seed).sign(message).encode().to_vec()
}
