//! Attack 26: size limits, which are checked before any other work.

use super::{ADMITTED, MALFORMED};
use crate::kit::{Gate, HEADER, Signer, b64, payload, table};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TOO_LARGE: &str = "400 token_too_large";

/// Returns a token of exactly this many bytes with a valid signature.
fn token_of(bytes: usize) -> String {
    let empty = payload(&[("x", r#""""#)]).len();
    // Unpadded base64url cannot have every length. Spaces in the header make up the difference.
    let tokens = (0..3).map(|spaces| {
        let header = format!("{HEADER}{}", " ".repeat(spaces));
        let left = bytes - b64(&header).len() - ".".len() * 2 - b64([0; 32]).len();
        let filling = format!("\"{}\"", "x".repeat(left * 3 / 4 - empty));
        Signer::hs256().token(header, payload(&[("x", &filling)]))
    });
    tokens.into_iter().find(|token| token.len() == bytes).unwrap()
}

#[test]
fn attack_26_a_token_is_at_most_16_kib() {
    let gate = Gate::hs();
    let rows = [
        (8_192, ADMITTED),
        (16_383, ADMITTED),
        (16_384, ADMITTED),
        (16_385, TOO_LARGE),
        (16_386, TOO_LARGE),
        (32_768, TOO_LARGE),
        (1 << 20, TOO_LARGE),
    ];
    table(rows, |bytes| gate.token(&token_of(*bytes)));
}

#[test]
fn attack_26_rejects_tokens_with_very_large_segments_or_many_dots() {
    let gate = Gate::hs();
    let good = Signer::hs256().signed(payload(&[]));
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    let rows = [
        (".".repeat(1_000_000), TOO_LARGE),
        (".".repeat(16_384), MALFORMED),
        (format!("{input}.{}", "A".repeat(50_000)), TOO_LARGE),
        (format!("{input}.{}", "A".repeat(16_000)), "401 bad_signature"),
        (format!("{}.{claims}.{signature}", "A".repeat(100_000)), TOO_LARGE),
        (format!("{}.{claims}.{signature}", "A".repeat(16_000)), MALFORMED),
        (format!("{header}.{}.{signature}", "A".repeat(16_000)), "401 bad_signature"),
        ("A".repeat(16_384), MALFORMED),
        ("A".repeat(1 << 20), TOO_LARGE),
        // The size is checked before the b64token syntax.
        ("!".repeat(16_385), TOO_LARGE),
    ];
    table(rows, |token| gate.token(token));
}

#[test]
fn attack_26_a_key_id_is_at_most_1_kib() {
    let gate = Gate::hs();
    // A secret without a `kid` is used for every `kid`, so only the length of the `kid` matters.
    let rows = [(1_024, ADMITTED), (1_025, MALFORMED), (10_000, MALFORMED), (1 << 20, TOO_LARGE)];
    table(rows, |length| {
        let header = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(*length));
        gate.token(&Signer::hs256().token(header, payload(&[])))
    });
}

#[test]
fn attack_26_sizes_are_bytes_and_not_characters() {
    let gate = Gate::hs();
    let header = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "é".repeat(513));
    assert_eq!(gate.token(&Signer::hs256().token(header, payload(&[]))), MALFORMED);
    let header = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "é".repeat(512));
    assert_eq!(gate.token(&Signer::hs256().token(header, payload(&[]))), ADMITTED);
}

#[test]
fn attack_26_handles_payloads_with_extreme_nesting_numbers_and_lists() {
    let gate = Gate::hs();
    let sign = |payload: String| Signer::hs256().token(HEADER, payload);
    let rows = [
        (format!("{{\"a\":{}", "[".repeat(11_000)), MALFORMED),
        (format!("{}1{}", "{\"a\":".repeat(1_700), "}".repeat(1_700)), MALFORMED),
        (format!("{{\"a\":{}}}", "9".repeat(11_000)), MALFORMED),
        (payload(&[("x", &format!("0.{}", "9".repeat(11_000)))]), ADMITTED),
        (payload(&[("x", &format!("[{}0]", "0,".repeat(5_000)))]), ADMITTED),
        (payload(&[("x", &format!("\"{}\"", "\\u0041".repeat(1_800)))]), ADMITTED),
    ];
    table(rows.map(|(payload, expected)| (sign(payload), expected)), |token| gate.token(token));
    let members: String = (0..1_000).map(|number| format!(",\"{number}\":0")).collect();
    let base = payload(&[]);
    let many = format!("{}{members}}}", base.strip_suffix('}').unwrap());
    assert_eq!(gate.token(&sign(many)), ADMITTED);
}
