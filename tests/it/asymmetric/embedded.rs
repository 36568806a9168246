//! Attacks 2, 6 and 23: public keys used as secrets, and keys embedded in a token's header.

use super::{ADMITTED, BAD_SIGNATURE, NOT_ALLOWED, Pair, gate};
use crate::kit::{Held, Signer, b64, faults, hs_issuer, keys, payload, policy, with};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn attack_02_rejects_public_keys_used_as_hmac_secrets() {
    for pair in Pair::ALL {
        let gate = gate(&[pair.algorithm()], &[pair.jwk()]);
        let jwk = pair.jwk();
        let mut secrets: Vec<Vec<u8>> = vec![
            pair.public(),
            b64(pair.public()).into(),
            jwk.to_string().into(),
            json!({ "keys": [jwk] }).to_string().into(),
            b"".into(),
        ];
        for pem in super::pem::texts(*pair) {
            secrets.extend([pem.as_bytes().to_vec(), pem.trim_end().into(), keys::der(pem)]);
        }
        for secret in secrets {
            let forger = Signer::hmac(256, &secret);
            assert_eq!(gate.token(&forger.signed(payload(&[]))), NOT_ALLOWED, "{pair:?}");
            let relabeled = forger.token(pair.header(), payload(&[]));
            assert_eq!(gate.token(&relabeled), BAD_SIGNATURE, "{pair:?}");
        }
    }
}

#[test]
fn attack_23_a_public_key_configured_as_a_secret_is_a_fault() {
    let refused = |secret: &str, encoding: &str| {
        let issuer = with(hs_issuer(), json!({ "keys": { "secret": "S", "encoding": encoding } }));
        !faults(&policy(issuer), &Held::default().value("S", secret)).is_empty()
    };
    for pair in Pair::ALL {
        assert!(refused(&pair.jwk().to_string(), "utf8"), "{pair:?}");
        for pem in super::pem::texts(*pair) {
            assert!(refused(pem, "utf8"), "{pair:?}");
            assert!(refused(&b64(keys::der(pem)), "base64url"), "{pair:?}");
        }
    }
}

#[test]
fn attack_06_ignores_a_key_in_the_header() {
    for pair in Pair::ALL {
        // The issuer has the key of another pair. The attacker signs with their own key and embeds
        // it.
        let held = if *pair == Pair::Es256 { Pair::Es384 } else { Pair::Es256 };
        let gate = gate(&[held.algorithm(), pair.algorithm()], &[held.jwk()]);
        for name in ["jwk", "JWK"] {
            let header =
                |algorithm: &str| format!(r#"{{"alg":"{algorithm}","{name}":{}}}"#, pair.jwk());
            let rows = [
                (pair.token(header(pair.algorithm()), payload(&[])), "401 unknown_key"),
                (pair.token(header(held.algorithm()), payload(&[])), BAD_SIGNATURE),
                (held.token(header(held.algorithm()), payload(&[])), ADMITTED),
            ];
            for (token, expected) in rows {
                assert_eq!(gate.token(&token), expected, "{pair:?}");
            }
        }
    }
}
