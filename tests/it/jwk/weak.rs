//! Attack 12: weak RSA keys are not imported.

use super::{check, rsa};
use crate::kit::{Gate, b64, keys, policy, rs_issuer, with};
use portcullis::keys::RsaKey;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn with_exponent(exponent: &[u8]) -> Value {
    with(rsa(), json!({ "e": b64(exponent) }))
}

fn with_modulus(modulus: &str) -> Value {
    with(rsa(), json!({ "n": modulus }))
}

fn modulus() -> Vec<u8> {
    use rsa::traits::PublicKeyParts as _;
    keys::private_key(keys::RSA_PRIVATE).n_bytes().to_vec()
}

#[test]
fn attack_12_rejects_weak_exponents() {
    const RANGE: &str = "from 65537 to 2^32 - 1";
    check([
        (with_exponent(b"\x01\x00\x01"), ""),
        (with_exponent(b"\x01\x00\x03"), ""),
        (with_exponent(b"\xff\xff\xff\xff"), ""),
        (with_exponent(b"\x01"), RANGE),
        (with_exponent(b"\x03"), RANGE),
        (with_exponent(b"\x11"), RANGE),
        (with_exponent(b"\xff\xff"), RANGE),
        (with_exponent(b"\x01\x00\x00"), RANGE),
        (with_exponent(b"\x01\x00\x02"), RANGE),
        (with_exponent(b"\x01\x00\x00\x00\x00"), RANGE),
        (with_exponent(b"\x01\x00\x00\x00\x01"), RANGE),
        (with_exponent(&[0xff; 256]), RANGE),
        (with_exponent(b""), "exponent is empty"),
        (with_exponent(b"\x00"), "exponent has leading zeros"),
        (with_exponent(b"\x00\x01\x00\x01"), "exponent has leading zeros"),
        (with(rsa(), json!({ "e": null })), "\"e\" is missing"),
        (with(rsa(), json!({ "e": 65537 })), "\"e\" is not a string"),
        (with(rsa(), json!({ "e": "AQAB=" })), "\"e\" is not unpadded base64url"),
        (with(rsa(), json!({ "e": "AQA B" })), "\"e\" is not unpadded base64url"),
    ]);
}

#[test]
fn attack_12_rejects_moduli_that_are_too_short_or_malformed() {
    check([
        (with_modulus(&keys::weak("bits_512")), "512 bits"),
        (with_modulus(&keys::weak("bits_1024")), "1024 bits"),
        (with_modulus(&keys::weak("bits_2047")), "2047 bits"),
        (with_modulus(&keys::weak("bits_8200")), "8200 bits"),
        (with_modulus(&keys::weak("bits_16384")), "16384 bits"),
        (with_modulus("AQ"), "1 bits"),
        (with_modulus("AA"), "modulus has leading zeros"),
        (with_modulus(""), "modulus is empty"),
        (with(rsa(), json!({ "n": null })), "\"n\" is missing"),
        (with(rsa(), json!({ "n": 1 })), "\"n\" is not a string"),
        (with_modulus(&b64([b"\0".as_slice(), &modulus()].concat())), "modulus has leading zeros"),
        (with_modulus(&format!("{}=", b64(modulus()))), "\"n\" is not unpadded base64url"),
    ]);
    // Leading zeros must not make a short modulus long enough.
    let padded = [&[0; 128], modulus().split_at(128).1].concat();
    check([(with_modulus(&b64(padded)), "modulus has leading zeros")]);
}

#[test]
fn attack_12_rejects_moduli_with_small_factors() {
    let mut even = modulus();
    even[255] -= 1;
    let power = [&[0x80], [0; 255].as_slice()].concat();
    check([
        (with_modulus(&b64(even)), "modulus is even"),
        (with_modulus(&b64(power)), "modulus is even"),
        (with_modulus(&b64([0xff; 256])), "small factor"),
    ]);
}

#[test]
fn attack_12_rejects_roca_keys() {
    check([(with_modulus(&keys::weak("roca")), "CVE-2017-15361")]);
}

#[test]
fn attack_12_accepts_the_smallest_and_greatest_sizes() {
    use rsa::traits::PublicKeyParts as _;
    let key = keys::private_key(keys::RSA_PRIVATE);
    assert_eq!(RsaKey::new(&key.n_bytes(), &key.e_bytes()).unwrap().bits(), 2048);
    // A modulus of the greatest size is accepted if it has no small factors, so no primes are
    // needed.
    let mut largest = vec![0xff; 1024];
    let taken = (0..=127_u8).any(|less| {
        largest[1023] = 0xff - 2 * less;
        RsaKey::new(&largest, b"\x01\x00\x01").is_ok_and(|key| key.bits() == 8192)
    });
    assert!(taken, "no key of 8192 bits is accepted");
}

/// A weak key in a set with a valid key is skipped.
#[test]
fn attack_12_a_set_with_only_weak_keys_is_a_fault() {
    let set = json!({ "keys": [with_exponent(b"\x03"), rsa()] });
    let gate = Gate::new(&policy(with(rs_issuer(), json!({ "keys": { "jwks": set } }))));
    let token = crate::kit::Signer::rs256().signed(crate::kit::payload(&[]));
    assert_eq!(gate.token(&token), "200");
    let alone = json!({ "keys": { "jwks": { "keys": [with_exponent(b"\x03")] } } });
    let faults = crate::kit::faults(&policy(with(rs_issuer(), alone)), &crate::kit::Held::usual());
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].path, "issuers[0].keys.jwks");
    assert!(faults[0].problem.contains("keys[0]: the RSA exponent"), "{faults:?}");
}
