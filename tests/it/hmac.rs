//! HMAC signatures.

use crate::kit::{Gate, HEADER, Signer, b64, hs_issuer, keys, payload, policy, table, with};
use portcullis::alg::Algorithm;
use portcullis::keys::{Key, Material, Secret};
use portcullis::signature::is_valid;
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BAD_SIGNATURE: &str = "401 bad_signature";
const NOT_ALLOWED: &str = "401 algorithm_not_allowed";

/// Checks the verdict on the base token with each tag in place of its signature.
fn check(rows: impl IntoIterator<Item = (Vec<u8>, &'static str)>) {
    let gate = Gate::hs();
    let input = input();
    table(rows, |tag| gate.token(&format!("{input}.{}", b64(tag))));
}

fn input() -> String {
    format!("{}.{}", b64(HEADER), b64(payload(&[])))
}

#[test]
fn rfc7518_section_3_2_accepts_only_the_configured_hash() {
    for bits in [256, 384, 512] {
        let algorithm = format!("HS{bits}");
        let issuer = with(hs_issuer(), json!({ "algorithms": [algorithm] }));
        let gate = Gate::new(&policy(issuer));
        let rows = [256, 384, 512].map(|other| {
            let expected = if other == bits { "200" } else { NOT_ALLOWED };
            (Signer::hmac(other, keys::SECRET).signed(payload(&[])), expected)
        });
        table(rows, |token| gate.token(token));
        let other = Signer::hmac(bits, keys::OTHER_SECRET).signed(payload(&[]));
        assert_eq!(gate.token(&other), BAD_SIGNATURE);
    }
}

/// The operator allows one secret for several hashes. `alg` selects among these hashes only.
#[test]
fn rfc8725_section_3_1_rejects_a_tag_made_with_another_hash_than_alg_says() {
    let issuer = with(hs_issuer(), json!({ "algorithms": ["HS256", "HS512"] }));
    let gate = Gate::new(&policy(issuer));
    let headers = [256, 384, 512].map(|bits| format!(r#"{{"alg":"HS{bits}"}}"#));
    let expected = [
        ["200", BAD_SIGNATURE, BAD_SIGNATURE],
        [NOT_ALLOWED; 3],
        [BAD_SIGNATURE, BAD_SIGNATURE, "200"],
    ];
    for (header, expected) in headers.iter().zip(expected) {
        table([256, 384, 512].into_iter().zip(expected), |bits| {
            gate.token(&Signer::hmac(*bits, keys::SECRET).token(header, payload(&[])))
        });
    }
}

#[test]
fn rfc2104_section_5_rejects_truncated_and_changed_tags() {
    let good = Signer::hs256().sign(input());
    check([(good.clone(), "200")]);
    check((1..good.len()).map(|length| (good[..length].to_vec(), BAD_SIGNATURE)));
    check((1..good.len()).map(|start| (good[start..].to_vec(), BAD_SIGNATURE)));
    check([
        ([good.as_slice(), b"\0"].concat(), BAD_SIGNATURE),
        ([b"\0".as_slice(), &good].concat(), BAD_SIGNATURE),
        ([good.as_slice(), &good].concat(), BAD_SIGNATURE),
        (good.iter().rev().copied().collect(), BAD_SIGNATURE),
        (vec![0; 32], BAD_SIGNATURE),
        (vec![0xff; 32], BAD_SIGNATURE),
        (good.iter().map(|byte| !byte).collect(), BAD_SIGNATURE),
        // The tag as hexadecimal digits, and as base64 within base64.
        (good.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(), BAD_SIGNATURE),
        (b64(&good).into(), BAD_SIGNATURE),
    ]);
    check((0..256).map(|bit| {
        let mut tag = good.clone();
        tag[bit / 8] ^= 1 << (bit % 8);
        (tag, BAD_SIGNATURE)
    }));
}

/// CVE-2026-44351 and CVE-2019-20933 are about empty secrets.
#[test]
fn rejects_tokens_signed_with_empty_or_guessable_secrets() {
    let secrets: [&[u8]; 9] = [
        b"",
        b"\0",
        &[0; 32],
        b"secret",
        b"null",
        b"undefined",
        b"SECRET",
        keys::SECRET.as_bytes().split_at(32).0,
        b"the-gates-own-shared-secret-of-sixty-four-bytes-0123456789abcdef\n",
    ];
    let gate = Gate::hs();
    table(secrets.map(|secret| (secret, BAD_SIGNATURE)), |secret| {
        gate.token(&Signer::hmac(256, secret).signed(payload(&[])))
    });
}

/// HMAC pads a short key with zeros, so two keys can be equivalent. This is a property of HMAC that
/// the gate cannot prevent.
#[test]
fn rfc2104_section_2_a_key_padded_with_zeros_makes_the_same_tags() {
    let padded = [keys::SECRET.split_at(40).0.as_bytes(), &[0; 8]].concat();
    let bare = keys::SECRET.split_at(40).0.as_bytes();
    assert_eq!(Signer::hmac(256, &padded).sign("x"), Signer::hmac(256, bare).sign("x"));
}

#[test]
fn accepts_both_the_new_and_the_previous_secret() {
    let issuer = json!({ "keys": { "secret": ["OTHER_SECRET", "SECRET"] } });
    let gate = Gate::new(&policy(with(hs_issuer(), issuer)));
    let rows = [
        (keys::SECRET, "200"),
        (keys::OTHER_SECRET, "200"),
        ("another-secret-altogether-of-some-length", BAD_SIGNATURE),
    ];
    table(rows, |secret| gate.token(&Signer::hmac(256, secret).signed(payload(&[]))));
}

#[test]
fn a_key_verifies_only_its_own_algorithms() {
    let secret = Secret::from_bytes(keys::SECRET.into()).unwrap();
    let key = Key::new(Material::Secret(secret), None, &[Algorithm::HS256]).unwrap();
    let rows = Algorithm::ALL.iter().map(|algorithm| (*algorithm, *algorithm == Algorithm::HS256));
    table(rows, |algorithm| {
        let tags = [256, 384, 512].map(|bits| Signer::hmac(bits, keys::SECRET).sign("message"));
        tags.iter().any(|tag| is_valid(*algorithm, &key, b"message", tag))
    });
}
