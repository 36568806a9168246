//! The loops that look at every byte of a token or of a header's name.
//!
//! They are in a package of their own because cargo sets the level of optimization for a whole
//! package: this one is optimized for speed, the gate for size. At the gate's level, the compiler
//! neither vectorizes these loops nor inlines what they call, and they take several times as long.

use base64_simd::URL_SAFE_NO_PAD;

/// Decodes base64url without padding (RFC 4648 section 5, RFC 7515 section 2). Returns `None` for
/// any other text: one with padding, white space or other letters, of an impossible length, or with
/// trailing bits that are not zero.
#[must_use]
pub fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode_to_vec(text).ok()
}

/// Whether a text is a `b64token` of RFC 6750 section 2.1.
#[must_use]
pub fn is_b64token(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    let is_character = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    // No early exit, so that the loop vectorizes.
    !unpadded.is_empty() && unpadded.bytes().fold(true, |all, byte| all & is_character(byte))
}

/// Whether two texts are equal, in a time that depends on them. `==` compares byte by byte in
/// WebAssembly.
#[must_use]
pub fn is_equal(one: &str, other: &str) -> bool {
    let (chunks, rest) = one.as_bytes().as_chunks::<16>();
    let (other_chunks, other_rest) = other.as_bytes().as_chunks::<16>();
    let number = |chunk: &[u8; 16]| u128::from_le_bytes(*chunk);
    chunks.len() == other_chunks.len()
        && chunks.iter().map(number).eq(other_chunks.iter().map(number))
        && rest == other_rest
}

/// Whether the name of a header has only lower-case letters, digits and `-`.
#[must_use]
pub fn is_folded(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    fn check(text: &str) {
        assert_eq!(decode_base64url(text), Base64UrlUnpadded::decode_vec(text).ok(), "{text:?}");
    }

    /// Another implementation must agree about every text of one to three letters, at the end of a
    /// text that is long enough for vectors.
    #[test]
    fn rfc4648_accepts_exactly_the_canonical_texts() {
        for start in ["", "QUJD", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWZnaGlqa2xtbm9wcXJz"] {
            check(start);
            for first in 0..=0x7f_u8 {
                let first = char::from(first);
                check(&format!("{start}{first}"));
                check(&format!("{first}{start}"));
                for second in 0..=0x7f_u8 {
                    let second = char::from(second);
                    check(&format!("{start}{first}{second}"));
                    check(&format!("{start}Q{first}{second}"));
                }
            }
        }
    }

    /// Vectors must not let a letter pass in any position.
    #[test]
    fn rfc4648_rejects_a_foreign_letter_in_every_position() {
        let text = "0123456789-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".repeat(2);
        check(&text);
        for position in 0..text.len() {
            for letter in (0..=0x7f_u8).map(char::from).chain(['é', '\u{ff0b}', '\u{0}']) {
                let (before, rest) = text.split_at(position);
                let (_, after) = rest.split_at(1);
                check(&format!("{before}{letter}{after}"));
            }
        }
    }

    #[test]
    fn texts_are_equal_only_if_every_byte_is() {
        let text = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(2);
        assert!(is_equal(&text, &text.clone()));
        for position in 0..text.len() {
            let (before, rest) = text.split_at(position);
            let (_, after) = rest.split_at(1);
            assert!(!is_equal(&text, &format!("{before}_{after}")));
            assert!(!is_equal(&text, before));
        }
    }
}
