//! Imports a PEM text. It must never yield a shared secret, and must not be accepted as one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::alg::Algorithm;
use portcullis::keys::{Secret, SecretEncoding, pem};

fuzz_target!(|text: &str| {
    if let Ok(keys) = pem::import(text, Algorithm::ALL) {
        for key in keys.keys() {
            assert!(key.algorithms().iter().all(|one| !one.is_symmetric()));
            assert!(key.material().thumbprint().is_some());
        }
        assert!(Secret::from_text(text, SecretEncoding::Utf8).is_err());
    }
});
