//! Base64url as in RFC 7515 section 2: no padding, no nonzero trailing bits, no other characters.

use crate::kit::{Gate, HEADER, Signer, b64, payload, table};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MALFORMED: &str = "401 malformed_token";
/// The verdict on text that is not a b64token (RFC 6750 section 2.1). It is rejected before it is
/// split into segments.
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

/// Returns the base token with one segment changed, signed again unless that segment is the
/// signature.
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
fn rfc7515_section_2_rejects_padding() {
    check([(segments().join("."), "200")]);
    for index in 0..3 {
        // A b64token allows `=` only at its end.
        let padded = if index == 2 { MALFORMED } else { NO_B64TOKEN };
        check([
            (with_segment(index, |segment| format!("{segment}=")), padded),
            (with_segment(index, |segment| format!("{segment}==")), padded),
            (with_segment(index, |segment| format!("{segment}%3D")), NO_B64TOKEN),
        ]);
    }
}

#[test]
fn attack_16_rejects_correct_padding() {
    // Headers of 27, 28 and 29 bytes are padded with zero, two and one `=`.
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
fn attack_16_rejects_the_alphabet_of_base64() {
    // The encodings of this header and payload contain both characters that differ.
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
    // The same signature bytes in the alphabet of base64.
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
fn attack_16_rejects_nonzero_trailing_bits() {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Segments whose last character encodes 2, 4 and 6 bits.
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
                let other = &ALPHABET[place + bits..=place + bits];
                let segment = format!("{kept}{other}");
                let mut segments = original.clone();
                segments[index] = &segment;
                // The changed text is signed, so that only the trailing bits are wrong.
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
fn attack_16_rejects_impossible_lengths() {
    for index in 0..3 {
        let token = with_segment(index, |segment| {
            let keep = segment.len() / 4 * 4;
            format!("{}A", &segment[..keep])
        });
        check([(token, MALFORMED)]);
    }
}

#[test]
fn attack_16_rejects_other_characters() {
    for index in 0..3 {
        for foreign in [" ", "\n", "\r\n", "\t", "!", "\0", "\"", ",", "é", "\u{200b}", "%41"] {
            for at in [0, 4, 7] {
                let token = with_segment(index, |segment| {
                    format!("{}{foreign}{}", &segment[..at], &segment[at..])
                });
                // A space at the beginning only widens the gap after `Bearer`.
                let expected = if (index, foreign, at) == (0, " ", 0) {
                    "401 bad_signature"
                } else {
                    NO_B64TOKEN
                };
                check([(token, expected)]);
            }
        }
        // A tilde is allowed in a b64token, but not in base64url.
        check([(with_segment(index, |segment| format!("~{segment}")), MALFORMED)]);
    }
}

#[test]
fn attack_16_rejects_other_numbers_of_segments() {
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

/// RFC 7516 section 3.1: a token with five segments is encrypted.
#[test]
fn attack_16_tells_the_operator_about_encrypted_tokens() {
    let gate = Gate::hs();
    let because = |token: &str| {
        let call = crate::kit::Call::get("/").bearer(token);
        gate.ask(&call).unwrap_err().because().to_owned()
    };
    assert!(because("a.b.c.d.e").contains("JWE"));
    assert!(because("eyJhbGciOiJkaXIifQ..iv.text.tag").contains("JWE"));
    for token in ["a.b.c.d", "a.b.c.d.e.f", "a.b.c.d.e.f.g.h.i"] {
        assert!(!because(token).contains("JWE"), "{token}");
    }
}
