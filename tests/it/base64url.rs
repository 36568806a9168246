//! Base64url as RFC 7515 section 2 has it: no padding, no spare bits, no other characters.

use crate::kit::{Gate, HEADER, Signer, b64, payload, table};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MALFORMED: &str = "401 malformed_token";
/// What is not even a b64token (RFC 6750 section 2.1) never gets as far as the segments.
const NO_B64TOKEN: &str = "400 malformed_authorization";

fn check<'e>(rows: impl IntoIterator<Item = (String, &'e str)>) {
    let gate = Gate::hs();
    table(rows, |token: &String| gate.token(token));
}

fn segments() -> [String; 3] {
    let token = Signer::hs256().token(HEADER, payload(&[]));
    let segments: Vec<_> = token.split('.').map(str::to_owned).collect();
    segments.try_into().unwrap()
}

/// The base token with one segment changed, and the signature made anew unless that is the one.
fn with_segment(index: usize, change: impl Fn(&str) -> String) -> String {
    let mut segments = segments();
    segments[index] = change(&segments[index]);
    if index < 2 {
        let input = format!("{}.{}", segments[0], segments[1]);
        segments[2] = b64(Signer::hs256().sign(&input));
    }
    segments.join(".")
}

#[test]
fn rfc7515_section_2_base64url_without_padding() {
    check([(segments().join("."), "200")]);
    for index in 0..3 {
        // Only at the very end does b64token allow `=`.
        let padded = if index == 2 { MALFORMED } else { NO_B64TOKEN };
        check([
            (with_segment(index, |segment| format!("{segment}=")), padded),
            (with_segment(index, |segment| format!("{segment}==")), padded),
            (with_segment(index, |segment| format!("{segment}%3D")), NO_B64TOKEN),
        ]);
    }
}

#[test]
fn attack_16_padding_of_the_right_length() {
    // The header of 27 bytes needs none, one of 28 bytes two `=`, one of 29 one.
    for spaces in 0..3 {
        let header = format!("{HEADER}{}", " ".repeat(spaces));
        let good = Signer::hs256().token(&header, payload(&[]));
        let (head, rest) = good.split_once('.').unwrap();
        let padding = "=".repeat((4 - head.len() % 4) % 4);
        let padded = format!("{head}{padding}.{rest}");
        check([(good, "200")]);
        if !padding.is_empty() {
            check([(padded, NO_B64TOKEN)]);
        }
    }
}

#[test]
fn attack_16_the_other_alphabet() {
    // A header and payload whose encodings hold both of the characters that differ.
    let token = Signer::hs256()
        .token(r#"{"alg":"HS256","x":"???>>>~~~"}"#, payload(&[("x", r#""???>>>~~~""#)]));
    assert!(token.contains('_') && token.contains('-'), "{token}");
    check([(token.clone(), "200")]);
    let (input, _) = token.rsplit_once('.').unwrap();
    for (ours, theirs) in [('_', "/"), ('-', "+")] {
        let other = input.replace(ours, theirs);
        let signature = b64(Signer::hs256().sign(&other));
        check([(format!("{other}.{signature}"), MALFORMED)]);
    }
    // In the signature: the same bytes, written otherwise.
    for round in 0..100 {
        let token = Signer::hs256().signed(payload(&[("n", &round.to_string())]));
        let (input, signature) = token.rsplit_once('.').unwrap();
        let other = signature.replace('-', "+").replace('_', "/");
        if other != signature {
            check([(format!("{input}.{other}"), MALFORMED)]);
        }
    }
}

#[test]
fn attack_16_spare_bits_in_the_last_character() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Texts whose last character carries 2, 4 and 6 bits of theirs.
    for spaces in 0..3 {
        let header = format!("{HEADER}{}", " ".repeat(spaces));
        let body = format!("{}{}", payload(&[]), " ".repeat(spaces));
        let token = Signer::hs256().token(&header, &body);
        let original: Vec<&str> = token.split('.').collect();
        for index in 0..3 {
            let (kept, last) = original[index].split_at(original[index].len() - 1);
            let unused = [0, 0, 4, 2][original[index].len() % 4];
            let place = ALPHABET.find(last).unwrap();
            for bits in 1..1_usize << unused {
                let twin = &ALPHABET[place + bits..=place + bits];
                let segment = format!("{kept}{twin}");
                let mut segments = original.clone();
                segments[index] = &segment;
                // Signed as it is written, so that the spare bits are all that is wrong.
                let input = format!("{}.{}", segments[0], segments[1]);
                let signature = b64(Signer::hs256().sign(&input));
                if index < 2 {
                    segments[2] = &signature;
                }
                check([(segments.join("."), MALFORMED)]);
            }
        }
    }
}

#[test]
fn attack_16_a_length_that_no_bytes_have() {
    for index in 0..3 {
        let token = with_segment(index, |segment| {
            let keep = segment.len() / 4 * 4;
            format!("{}A", &segment[..keep])
        });
        check([(token, MALFORMED)]);
    }
}

#[test]
fn attack_16_foreign_characters_inside() {
    for index in 0..3 {
        for foreign in [" ", "\n", "\r\n", "\t", "!", "\0", "\"", ",", "é", "\u{200b}", "%41"] {
            for at in [0, 4, 7] {
                let token = with_segment(index, |segment| {
                    format!("{}{foreign}{}", &segment[..at], &segment[at..])
                });
                // A space at the very start only widens the gap behind `Bearer`.
                let expected = if (index, foreign, at) == (0, " ", 0) {
                    "401 bad_signature"
                } else {
                    NO_B64TOKEN
                };
                check([(token, expected)]);
            }
        }
        // A tilde is a b64token's character, but no base64url.
        check([(with_segment(index, |segment| format!("~{segment}")), MALFORMED)]);
    }
}

#[test]
fn attack_16_any_other_number_of_segments() {
    let [header, payload, signature] = &segments();
    check([
        (format!("{header}.{payload}.{signature}."), MALFORMED),
        (format!(".{header}.{payload}.{signature}"), MALFORMED),
        (format!(".{payload}.{signature}"), MALFORMED),
        (format!("{header}..{signature}"), MALFORMED),
        (format!("{header}..{payload}.{signature}"), MALFORMED),
        (format!("{header}.{payload}."), MALFORMED),
        (format!("{header}.{payload}"), MALFORMED),
        (header.clone(), MALFORMED),
        (format!("{header}.{payload}.{signature}.{signature}"), MALFORMED),
        (format!("{header}.{payload}.{signature}.{signature}.{signature}"), MALFORMED),
        (format!("{header}.{payload}.{signature}.a.b.c"), MALFORMED),
        ("..".to_owned(), MALFORMED),
        (".".to_owned(), MALFORMED),
        ("....".to_owned(), MALFORMED),
    ]);
}

/// RFC 7516 section 3.1: five segments are an encrypted token, and the operator is told so.
#[test]
fn attack_16_an_encrypted_token_is_called_one() {
    let gate = Gate::hs();
    let because = |token: &str| {
        let call = crate::kit::Call::get("/").bearer(token);
        gate.ask(&call).unwrap_err().because()
    };
    assert!(because("a.b.c.d.e").contains("JWE"));
    assert!(because("eyJhbGciOiJkaXIifQ..iv.text.tag").contains("JWE"));
    for token in ["a.b.c.d", "a.b.c.d.e.f", "a.b.c.d.e.f.g.h.i"] {
        assert!(!because(token).contains("JWE"), "{token}");
    }
}
