//! Valid tokens with random or systematic changes: the gate rejects them and does not panic.

use crate::kit::{Gate, HEADER, Signer, payload};
use portcullis::token::Unverified;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Characters outside the base64url alphabet that a lenient decoder might accept.
const OTHERS: [char; 14] =
    ['.', '=', '+', '/', '~', ' ', '\t', '\n', '\0', '!', '%', ',', 'é', 'Ａ'];

fn good() -> String {
    Signer::hs256().token(HEADER, payload(&[]))
}

#[test]
fn rejects_a_token_with_any_character_replaced() {
    let gate = Gate::hs();
    let good = good();
    assert_eq!(gate.token(&good), "200");
    for at in 0..good.len() {
        let (before, after) = (&good[..at], &good[at + 1..]);
        let now = good.as_bytes()[at];
        let letters = ALPHABET.iter().filter(|letter| **letter != now).map(|one| char::from(*one));
        for other in letters.chain(OTHERS).filter(|other| *other != char::from(now)) {
            let changed = format!("{before}{other}{after}");
            // A space at the start only widens the gap after `Bearer`, but the first letter is then
            // missing.
            assert_ne!(gate.token(&changed), "200", "{at}: {other:?}");
        }
    }
}

/// Verifying an RSA signature is slower, so only some characters are tried at each position.
#[test]
fn rejects_an_rsa_token_with_any_character_replaced() {
    let gate = Gate::rs();
    let good = Signer::rs256().signed(payload(&[]));
    assert_eq!(gate.token(&good), "200");
    let mut random = fastrand::Rng::with_seed(0x45a);
    for at in 0..good.len() {
        for _ in 0..4 {
            let other = char::from(ALPHABET[random.usize(..64)]);
            let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            assert!(changed == good || gate.token(&changed) != "200", "{at}: {other:?}");
        }
    }
}

#[test]
fn rejects_a_token_with_characters_removed_or_added() {
    let gate = Gate::hs();
    let good = good();
    for at in 0..good.len() {
        assert_ne!(gate.token(&good[..at]), "200", "the first {at} characters");
        assert_ne!(gate.token(&good[at + 1..]), "200", "without the characters up to {at}");
        let without = format!("{}{}", &good[..at], &good[at + 1..]);
        assert_ne!(gate.token(&without), "200", "without character {at}");
        let twice = format!("{}{}", &good[..=at], &good[at..]);
        assert_ne!(gate.token(&twice), "200", "character {at} twice");
    }
    for other in ALPHABET.iter().map(|letter| char::from(*letter)).chain(OTHERS) {
        assert_ne!(gate.token(&format!("{good}{other}")), "200", "{other:?} at the end");
        if other != ' ' {
            assert_ne!(gate.token(&format!("{other}{good}")), "200", "{other:?} at the start");
        }
    }
}

#[test]
fn rejects_segments_combined_from_two_tokens() {
    let gate = Gate::hs();
    let tokens = [
        Signer::hs256().token(HEADER, payload(&[])),
        Signer::hs256().token(r#"{"alg":"HS256"}"#, payload(&[("sub", r#""admin""#)])),
    ];
    let parts: Vec<Vec<_>> = tokens.iter().map(|token| token.split('.').collect()).collect();
    for choice in 0..8 {
        let pick = |index: usize| parts[choice >> index & 1][index];
        let mixed = format!("{}.{}.{}", pick(0), pick(1), pick(2));
        let whole = choice == 0 || choice == 7;
        assert_eq!(gate.token(&mixed) == "200", whole, "{choice:03b}");
    }
}

#[test]
fn random_text_does_not_make_the_parser_panic() {
    let good = good();
    let mut random = fastrand::Rng::with_seed(0x70c3);
    for round in 0..20_000 {
        let mut bytes: Vec<u8> = match round % 3 {
            0 => (0..random.usize(..200)).map(|_| random.u8(..)).collect(),
            1 => (0..random.usize(..200)).map(|_| b"eyJ.-_=AQ"[random.usize(..9)]).collect(),
            _ => good.clone().into(),
        };
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..=bytes.len());
            match random.u8(..4) {
                0 => bytes.insert(at, b'.'),
                1 => bytes.insert(at, random.u8(..)),
                2 => bytes.truncate(at.max(1)),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = ALPHABET[random.usize(..64)];
                    }
                }
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(token) = Unverified::parse(&text) {
            let _ = token.issuer_hint();
        }
    }
}

/// Each random payload has a valid signature and is either admitted or rejected with 401.
#[test]
fn random_signed_payloads_do_not_make_the_gate_panic() {
    const VALUES: [&str; 18] = [
        "null",
        "true",
        "0",
        "-1",
        "1e400",
        "1e308",
        "9007199254740993",
        "\"\"",
        "\"x\"",
        "[]",
        "{}",
        "[null]",
        "[[\"api\"]]",
        "{\"a\":{}}",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "1800000000",
        "\"https://i\"",
    ];
    const NAMES: [&str; 12] = [
        "iss",
        "aud",
        "sub",
        "exp",
        "nbf",
        "iat",
        "jti",
        "cnf",
        "scope",
        "events",
        "auth_time",
        "x",
    ];
    let gate = Gate::hs();
    let mut random = fastrand::Rng::with_seed(0x9a71);
    let mut admitted = 0;
    for _ in 0..5_000 {
        let changes: Vec<_> = (0..random.usize(1..4))
            .map(|_| (NAMES[random.usize(..NAMES.len())], VALUES[random.usize(..VALUES.len())]))
            .collect();
        let verdict = gate.token(&Signer::hs256().signed(payload(&changes)));
        assert!(verdict == "200" || verdict.starts_with("401 "), "{changes:?}: {verdict}");
        admitted += u32::from(verdict == "200");
    }
    assert!((50..4_000).contains(&admitted), "{admitted}");
}
