//! Keys: RFC 7517 appendix A, and thumbprints (RFC 7638, RFC 8037 appendix A.3).

use super::Example;
use crate::kit::with;
use portcullis::alg::Algorithm;
use portcullis::keys::KeySet;
use portcullis::keys::jwk::{Provenance, import};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn elliptic() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "use": "enc",
        "kid": "1",
    })
}

fn rsa() -> Value {
    json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ\
            ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q\
            vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6W\
            eZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    })
}

const ASYMMETRIC: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

fn imported(keys: &[Value], allowed: &[Algorithm], provenance: Provenance) -> Option<KeySet> {
    import(json!({ "keys": keys }).as_object().unwrap(), allowed, provenance).ok()
}

/// Returns the names of the imported keys, and the reasons why the other keys were skipped.
fn outcome(set: &KeySet) -> (Vec<String>, Vec<String>) {
    let names = set.keys().iter().map(|key| key.name().to_owned()).collect();
    (names, set.skipped().iter().map(|skipped| skipped.fault.to_string()).collect())
}

/// Both keys are imported if `use` is changed to `sig`.
#[test]
fn rfc7517_appendix_a_1_skips_the_encryption_key() {
    for provenance in [Provenance::Network, Provenance::Operator] {
        let set = imported(&[elliptic(), rsa()], &ASYMMETRIC, provenance).unwrap();
        let (names, reasons) = outcome(&set);
        assert_eq!(names, ["2011-04-29"]);
        assert_eq!(reasons, ["\"use\" is not \"sig\""]);
        assert_eq!(set.keys()[0].algorithms(), [Algorithm::RS256]);
        let signing = with(elliptic(), json!({ "use": "sig" }));
        let set = imported(&[signing, rsa()], &ASYMMETRIC, provenance).unwrap();
        assert_eq!(outcome(&set).0, ["1", "2011-04-29"]);
        assert_eq!(set.keys()[0].algorithms(), [Algorithm::ES256]);
    }
}

/// A private key in a key set is compromised, so it is not imported as a public key either.
#[test]
fn rfc7517_appendix_a_2_rejects_private_keys() {
    let elliptic = with(
        elliptic(),
        json!({ "use": null, "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE" }),
    );
    for member in ["d", "p", "q", "dp", "dq", "qi"] {
        let rsa = with(rsa(), json!({ member: "AQAB" }));
        let keys = [elliptic.clone(), rsa];
        assert!(imported(&keys, &ASYMMETRIC, Provenance::Network).is_none(), "{member}");
        assert!(imported(&keys, &ASYMMETRIC, Provenance::Operator).is_none(), "{member}");
    }
}

/// The example has a key for key wrapping and the HMAC key of RFC 7515 appendix A.1.
#[test]
fn rfc7517_appendix_a_3_imports_only_the_hmac_key() {
    let keys = [
        json!({ "kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg" }),
        json!({
            "kty": "oct",
            "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            "kid": "HMAC key used in JWS spec Appendix A.1 example",
        }),
    ];
    let hmac = [Algorithm::HS256];
    let set = imported(&keys, &hmac, Provenance::Operator).unwrap();
    let (names, reasons) = outcome(&set);
    assert_eq!(names, ["HMAC key used in JWS spec Appendix A.1 example"]);
    assert_eq!(reasons, ["\"alg\" is not one of the issuer's algorithms"]);
    assert!(imported(&keys, &hmac, Provenance::Network).is_none());
    assert!(imported(&keys, &ASYMMETRIC, Provenance::Operator).is_none());
}

/// Members that are not required do not change the thumbprint.
#[test]
fn rfc7638_section_3_1_computes_the_thumbprint_of_an_rsa_key() {
    let thumbprint = |jwk: Value| {
        let set = imported(&[jwk], &ASYMMETRIC, Provenance::Network).unwrap();
        set.keys()[0].material().thumbprint().unwrap()
    };
    let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
    assert_eq!(thumbprint(rsa()), expected);
    assert_eq!(thumbprint(with(rsa(), json!({ "kid": null, "alg": null, "x": 1 }))), expected);
}

/// The expected value is the hash of `{"crv":"P-256","kty":"EC","x":"…","y":"…"}`, made with
/// `openssl dgst -sha256`.
#[test]
fn rfc7638_section_3_2_computes_the_thumbprint_of_an_ec_key() {
    let jwk = with(elliptic(), json!({ "use": null, "kid": null }));
    let set = imported(&[jwk], &ASYMMETRIC, Provenance::Network).unwrap();
    assert_eq!(set.keys()[0].name(), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
}

#[test]
fn rfc8037_appendix_a_3_computes_the_thumbprint_of_an_ed25519_key() {
    let example = Example::rfc("RFC 8037 A.4");
    for algorithm in [Algorithm::EdDSA, Algorithm::Ed25519] {
        let keys = example.keys(&[algorithm]).unwrap();
        assert_eq!(keys.keys()[0].name(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}

/// Appendix A.1 has a private key, and A.6 and A.7 have keys for key agreement.
#[test]
fn rfc8037_appendix_a_rejects_private_and_key_agreement_keys() {
    let x = Example::rfc("RFC 8037 A.4").jwk["x"].clone();
    let rows = [
        json!({
            "kty": "OKP", "crv": "Ed25519", "x": x,
            "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        }),
        json!({
            "kty": "OKP", "crv": "X25519", "kid": "Bob",
            "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
        }),
        json!({
            "kty": "OKP", "crv": "X448", "kid": "Dave",
            "x": "PreoKbDNIPW8_AtZm2_sz22kYnEHvbDU80W0MCfYuXL8PjT7QjKhPKcG3LV67D2uB73BxnvzNgk",
        }),
    ];
    for jwk in rows {
        let allowed = [Algorithm::EdDSA, Algorithm::Ed25519];
        assert!(imported(&[jwk], &allowed, Provenance::Operator).is_none());
    }
}
