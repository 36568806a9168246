//! Signature checks by kernel and by crate, for JavaScript to time: see `bench.mjs` beside it, and
//! `cargo xtask bench signatures`, which builds and runs both. No part of the Worker.

#![cfg(target_arch = "wasm32")]

use portcullis::alg::Algorithm;
use portcullis::keys::{Key, KeySet, pem};
use portcullis::signature::kernels::{Implementation, is_valid_by};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// A public key with the algorithm that it is for.
#[wasm_bindgen]
pub struct Verifier {
    algorithm: Algorithm,
    keys: KeySet,
}

#[wasm_bindgen]
impl Verifier {
    /// Takes an algorithm's JOSE name and a public key in PEM.
    ///
    /// # Errors
    ///
    /// Says what is wrong with either.
    #[wasm_bindgen(constructor)]
    pub fn new(algorithm: &str, key: &str) -> Result<Self, JsError> {
        let algorithm =
            Algorithm::from_name(algorithm).ok_or_else(|| JsError::new("an unknown algorithm"))?;
        let keys =
            pem::import(key, &[algorithm]).map_err(|fault| JsError::new(&fault.to_string()))?;
        Ok(Self { algorithm, keys })
    }

    /// Whether the kernel takes the signature for a good one.
    #[must_use]
    pub fn by_kernel(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verdict(Implementation::Kernel, message, signature)
    }

    /// Whether RustCrypto does.
    #[must_use]
    pub fn by_crate(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verdict(Implementation::Crate, message, signature)
    }

    fn verdict(&self, implementation: Implementation, message: &[u8], signature: &[u8]) -> bool {
        let verdict =
            |key: &Key| is_valid_by(implementation, self.algorithm, key, message, signature);
        self.keys.keys().first().and_then(verdict).unwrap_or(false)
    }
}
