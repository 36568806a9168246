//! PEM texts with public keys other than RSA keys (RFC 5480, RFC 8410, RFC 9881).

use super::{ADMITTED, Pair};
use crate::kit::{Gate, Held, faults, hs_issuer, keys, payload, policy, table, with};
use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns the pair's public key as written by openssl: an SPKI and a certificate.
pub(super) fn texts(pair: Pair) -> &'static [&'static str] {
    macro_rules! texts {
        ($name:literal) => {
            &[
                include_str!(concat!("../keys/curves/", $name, ".spki.pem")),
                include_str!(concat!("../keys/curves/", $name, ".cert.pem")),
            ]
        };
    }
    match pair {
        Pair::Es256 => texts!("p256"),
        Pair::Es384 => texts!("p384"),
        #[cfg(feature = "es512")]
        Pair::Es512 => texts!("p521"),
        #[cfg(feature = "es256k")]
        Pair::Es256k => texts!("secp256k1"),
        Pair::Ed25519 => texts!("ed25519"),
        // Not every version of openssl supports ML-DSA.
        #[cfg(feature = "mldsa")]
        _ => &[],
    }
}

fn raw(algorithm: &str) -> Value {
    let source = json!({ "algorithms": [algorithm], "keys": { "pem": "PEM" } });
    policy(with(hs_issuer(), source))
}

/// Returns whether the pair's token is admitted if the binding holds this text.
pub(super) fn admits(pair: Pair, text: &str) -> bool {
    let gate = Gate::bound(&raw(pair.algorithm()), &Held::default().value("PEM", text));
    gate.token(&pair.signed(payload(&[]))) == ADMITTED
}

/// Returns the only fault of a policy whose binding holds this text.
pub(super) fn fault(algorithm: &str, text: &str) -> String {
    let faults = faults(&raw(algorithm), &Held::default().value("PEM", text));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].path, "issuers[0].keys.pem");
    faults[0].problem.clone()
}

pub(super) fn spki(der: &[u8]) -> String {
    let base64 = Base64::encode_string(der);
    format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n")
}

#[test]
fn rfc5480_and_rfc8410_imports_spki_and_certificates() {
    for pair in Pair::ALL {
        for text in texts(*pair) {
            let rows = [
                ((*text).to_owned(), true),
                (text.replace('\n', "\\n"), true),
                (text.replace('\n', "\r\n"), true),
                (text.replace('\n', " "), true),
                (text.replace('\n', ""), true),
                (format!("\n  {text}\n"), true),
            ];
            table(rows, |text| admits(*pair, text));
        }
        if let [spki, certificate] = texts(*pair) {
            assert!(
                admits(*pair, &[*spki, *certificate].concat()),
                "{pair:?}: the SPKI and the certificate in one text"
            );
        }
    }
}

#[test]
fn imports_keys_of_several_families_from_one_text() {
    let text: String = Pair::ALL.iter().filter_map(|pair| texts(*pair).first().copied()).collect();
    let pairs = Pair::ALL.iter().filter(|pair| !texts(**pair).is_empty());
    let algorithms: Vec<_> = pairs.clone().map(|pair| pair.algorithm()).collect();
    let source = json!({ "algorithms": algorithms, "keys": { "pem": "PEM" } });
    let gate = Gate::bound(&policy(with(hs_issuer(), source)), &Held::default().value("PEM", text));
    table(pairs.map(|pair| (*pair, ADMITTED)), |pair| gate.token(&pair.signed(payload(&[]))));
}

#[test]
fn attack_24_rejects_compressed_points() {
    let compressed = [
        ("ES256", include_str!("../keys/curves/p256.compressed.pem")),
        ("ES384", include_str!("../keys/curves/p384.compressed.pem")),
        #[cfg(feature = "es512")]
        ("ES512", include_str!("../keys/curves/p521.compressed.pem")),
        #[cfg(feature = "es256k")]
        ("ES256K", include_str!("../keys/curves/secp256k1.compressed.pem")),
    ];
    for (algorithm, text) in compressed {
        assert!(fault(algorithm, text).contains("not uncompressed"));
    }
}

#[test]
fn attack_24_rejects_unsupported_kinds_and_curves() {
    const KIND: &str = "contains a kind of key that this build does not support";
    const CURVE: &str = "contains a key on a curve that this build does not support";
    const NONE: &str = "none of the issuer's algorithms";
    let rows = [
        ("EdDSA", keys::X25519_SPKI, KIND),
        ("EdDSA", include_str!("../keys/curves/ed448.spki.pem"), KIND),
        // A key for RSASSA-PSS alone (RFC 4055 section 1.2), whose parameters are not supported.
        ("PS256", include_str!("../keys/curves/rsapss.spki.pem"), KIND),
        // RFC 5480 section 2.1.1 requires a named curve, not explicit parameters.
        ("ES256", include_str!("../keys/curves/p256.explicit.pem"), CURVE),
        ("ES384", include_str!("../keys/curves/p256.spki.pem"), NONE),
        ("ES256", include_str!("../keys/curves/p384.spki.pem"), NONE),
        ("ES256", include_str!("../keys/curves/ed25519.spki.pem"), NONE),
        ("EdDSA", include_str!("../keys/curves/p256.cert.pem"), NONE),
        ("RS256", include_str!("../keys/curves/p256.spki.pem"), NONE),
        ("ES256", keys::RSA_SPKI, NONE),
        #[cfg(not(feature = "es512"))]
        ("ES256", include_str!("../keys/curves/p521.spki.pem"), CURVE),
        #[cfg(not(feature = "es256k"))]
        ("ES256", include_str!("../keys/curves/secp256k1.spki.pem"), CURVE),
    ];
    let rows = rows.map(|(algorithm, text, words)| ((algorithm, text, words), true));
    table(rows, |(algorithm, text, words)| fault(algorithm, text).contains(words));
}

#[test]
fn attack_24_rejects_changed_points_and_lengths() {
    for pair in Pair::CURVES {
        let der = keys::der(texts(*pair)[0]);
        let mut changed = der.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(fault(pair.algorithm(), &spki(&changed)).contains("no point on"), "{pair:?}");
        // One byte too many or too few, with unchanged DER lengths.
        for text in [spki(&[&der[..], b"\0"].concat()), spki(&der[..der.len() - 1])] {
            assert!(fault(pair.algorithm(), &text).contains("does not contain a public key"));
        }
    }
    let small = [keys::der(texts(Pair::Ed25519)[0])[..12].to_vec(), vec![0; 32]].concat();
    assert!(fault("EdDSA", &spki(&small)).contains("small order"));
}

/// The message must say that the operator has configured a private key.
#[test]
fn attack_24_rejects_private_keys() {
    for label in ["PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"] {
        let text = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        for algorithm in ["ES256", "EdDSA"] {
            assert!(fault(algorithm, &text).contains("a private key"), "{label}");
        }
    }
}
