//! Attacks 3, 14 and 24: JWKs with `kty` OKP that are not valid Ed25519 keys (RFC 8037 section 2).

use super::{Pair, check_keys};
use crate::kit::{b64, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PAIR: Pair = Pair::Ed25519;

fn with_x(x: impl AsRef<[u8]>) -> Value {
    with(PAIR.jwk(), json!({ "x": b64(x) }))
}

/// Encodes a y-coordinate and a sign bit (RFC 8032 section 5.1.2).
fn encoded(first: u8, rest: u8, last: u8, sign: u8) -> [u8; 32] {
    let mut bytes = [rest; 32];
    bytes[0] = first;
    bytes[31] = last | (sign << 7);
    bytes
}

fn hex(digits: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

/// The eight points whose order divides the cofactor.
#[test]
fn attack_14_skips_keys_of_small_order() {
    let order_8 = [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ]
    .map(hex);
    let order_4 = [encoded(0, 0, 0, 0), encoded(0, 0, 0, 1)];
    let order_2 = [encoded(0xec, 0xff, 0x7f, 0)];
    let order_1 = [encoded(1, 0, 0, 0)];
    let all = [&order_8[..], &order_4, &order_2, &order_1].concat();
    assert_eq!(all.len(), 8);
    check_keys(PAIR, all.into_iter().map(|point| (with_x(point), "small order")));
}

/// Every encoding in which y is not below the prime, 2^255 - 19, and the two encodings in which x
/// is 0 but the sign bit is set.
#[test]
fn attack_14_skips_keys_that_are_not_canonical() {
    let beyond =
        (0xed..=0xff).flat_map(|first| [0, 1].map(|sign| encoded(first, 0xff, 0x7f, sign)));
    let signed_zero = [encoded(1, 0, 0, 1), encoded(0xec, 0xff, 0x7f, 1)];
    let all: Vec<_> = beyond.chain(signed_zero).collect();
    assert_eq!(all.len(), 40);
    // The reason depends on the point that the encoding would stand for.
    check_keys(PAIR, all.into_iter().map(|point| (with_x(point), "it is")));
}

#[test]
fn attack_14_skips_keys_off_the_curve() {
    // No x exists for these y, because (y^2 - 1) / (d y^2 + 1) is not a square.
    let off = [encoded(2, 0, 0, 0), encoded(2, 0, 0, 1), encoded(7, 0, 0, 0)];
    check_keys(PAIR, off.map(|point| (with_x(point), "no point on")));
}

#[test]
fn attack_03_skips_keys_of_other_curves() {
    const OTHER: &str = "\"crv\" is not \"Ed25519\"";
    let named = |name: &str| with(PAIR.jwk(), json!({ "crv": name }));
    check_keys(
        PAIR,
        [
            (named("X25519"), OTHER),
            (named("Ed448"), OTHER),
            (named("X448"), OTHER),
            (named("ed25519"), OTHER),
            (named("Ed25519 "), OTHER),
            (named("P-256"), OTHER),
            (named(""), OTHER),
            (with(PAIR.jwk(), json!({ "crv": null })), "\"crv\" is missing"),
            (
                with(PAIR.jwk(), json!({ "kty": "EC" })),
                "\"crv\" is not a curve that this build supports",
            ),
            (with(PAIR.jwk(), json!({ "kty": "okp" })), "\"kty\" is not supported"),
            // The base point of X25519 (RFC 7748 section 6.1), correctly labeled.
            (json!({ "kty": "OKP", "crv": "X25519", "x": b64(encoded(9, 0, 0, 0)) }), OTHER),
        ],
    );
}

#[test]
fn attack_24_skips_keys_with_missing_or_malformed_members() {
    let public = PAIR.public();
    let mut null = PAIR.jwk();
    null["d"] = Value::Null;
    check_keys(
        PAIR,
        [
            (PAIR.jwk(), ""),
            (with(PAIR.jwk(), json!({ "y": "AA" })), ""),
            (with(PAIR.jwk(), json!({ "alg": "Ed25519", "use": "sig" })), ""),
            (with(PAIR.jwk(), json!({ "alg": "EdDSA" })), "\"alg\""),
            (with(PAIR.jwk(), json!({ "alg": "ECDH-ES" })), "\"alg\""),
            (with(PAIR.jwk(), json!({ "use": "enc" })), "\"use\""),
            (with(PAIR.jwk(), json!({ "d": PAIR.jwk()["x"] })), "a private key"),
            (null, ""),
            (with(PAIR.jwk(), json!({ "x": null })), "\"x\" is missing"),
            (with(PAIR.jwk(), json!({ "x": [] })), "\"x\" is not a string"),
            (with_x(b""), "32 bytes"),
            (with_x(&public[..31]), "32 bytes"),
            (with_x([&public[..], b"\0"].concat()), "32 bytes"),
            (with_x([b"\x40", &public[..]].concat()), "32 bytes"),
        ],
    );
}
