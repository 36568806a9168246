//! Imports a key set. A fetched key set must never yield a shared secret.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::alg::Algorithm;
use portcullis::keys::Material;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::{budget, json};

fuzz_target!(|bytes: &[u8]| {
    let Ok(set) = json::parse_object(bytes) else { return };
    for provenance in [Provenance::Operator, Provenance::Network] {
        let Ok(keys) = jwk::import(&set, Algorithm::ALL, provenance) else { continue };
        assert!(!keys.keys().is_empty());
        assert!(keys.keys().len() <= budget::KEYS_HELD);
        for key in keys.keys() {
            assert!(!key.algorithms().is_empty());
            let symmetric = matches!(key.material(), Material::Secret(_));
            assert!(!symmetric || provenance == Provenance::Operator);
            assert!(key.algorithms().iter().all(|one| one.is_symmetric() == symmetric));
        }
    }
});
