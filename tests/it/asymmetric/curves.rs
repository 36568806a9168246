//! Attacks 3, 9 and 10: ECDSA on every curve of this build.

use super::{ADMITTED, BAD_SIGNATURE, NOT_ALLOWED, Pair, UNKNOWN_KEY, gate};
use crate::kit::{Gate, Signer, b64, keys, payload, table};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns the order of the curve's group (SEC 2 version 2.0).
fn order(pair: Pair) -> Vec<u8> {
    let digits = match pair {
        Pair::Es256 => {
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".to_owned()
        }
        Pair::Es384 => {
            format!("{}c7634d81f4372ddf581a0db248b0a77aecec196accc52973", "f".repeat(48))
        }
        #[cfg(feature = "es512")]
        Pair::Es512 => {
            let low = "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
            format!("01{}fa{low}", "f".repeat(64))
        }
        #[cfg(feature = "es256k")]
        Pair::Es256k => {
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".to_owned()
        }
        _ => panic!("{pair:?} has no such group"),
    };
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Checks the verdict on the base token with each signature, under the key of each curve.
fn check(signatures: impl Fn(Pair, &[u8]) -> Vec<(Vec<u8>, &'static str)>) {
    for pair in Pair::CURVES {
        let gate = gate(&[pair.algorithm()], &[pair.jwk()]);
        let input = format!("{}.{}", b64(pair.header()), b64(payload(&[])));
        let good = pair.sign(&input);
        table(signatures(*pair, &good), |signature| {
            gate.token(&format!("{input}.{}", b64(signature)))
        });
    }
}

#[test]
fn attack_09_rejects_psychic_signatures_on_every_curve() {
    check(|pair, good| {
        let width = good.len() / 2;
        let (r, s) = good.split_at(width);
        let small = |value: u8| [vec![0; width - 1], vec![value]].concat();
        let near = |more: i8| {
            let mut bytes = order(pair);
            let last = bytes.last_mut().unwrap();
            *last = last.checked_add_signed(more).unwrap();
            bytes
        };
        let mut rows = vec![(good.to_vec(), ADMITTED)];
        let special = [small(0), small(1), near(-1), near(0), near(1), vec![0xff; width]];
        for one in &special {
            rows.extend(special.iter().map(|other| ([&one[..], other].concat(), BAD_SIGNATURE)));
            rows.push(([one, s].concat(), BAD_SIGNATURE));
            rows.push(([r, one].concat(), BAD_SIGNATURE));
        }
        rows.push((b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec(), BAD_SIGNATURE));
        rows
    });
}

#[test]
fn attack_10_rejects_other_encodings_of_a_signature_on_every_curve() {
    check(|pair, good| {
        let (r, s) = good.split_at(good.len() / 2);
        let (der, twin) = pair.other_forms(good);
        assert_ne!(twin, good);
        vec![
            (good.to_vec(), ADMITTED),
            // RFC 7518 section 3.4 does not require the lower s.
            (twin, ADMITTED),
            (der, BAD_SIGNATURE),
            (good[..good.len() - 1].to_vec(), BAD_SIGNATURE),
            (good[1..].to_vec(), BAD_SIGNATURE),
            ([good, b"\0"].concat(), BAD_SIGNATURE),
            ([b"\0", good].concat(), BAD_SIGNATURE),
            ([b"\0", r, b"\0", s].concat(), BAD_SIGNATURE),
            ([&r[1..], &s[1..]].concat(), BAD_SIGNATURE),
            ([s, r].concat(), BAD_SIGNATURE),
            ([good, good].concat(), BAD_SIGNATURE),
            (r.to_vec(), BAD_SIGNATURE),
        ]
    });
}

#[test]
fn attack_10_rejects_a_signature_with_a_changed_byte_on_every_curve() {
    check(|_, good| {
        let changed = |at: usize| {
            let mut changed = good.to_vec();
            changed[at] ^= 1;
            changed
        };
        (0..good.len()).map(|at| (changed(at), BAD_SIGNATURE)).collect()
    });
}

/// The issuer allows every algorithm and has one key.
#[test]
fn attack_03_a_key_verifies_only_its_own_algorithm() {
    let algorithms: Vec<_> =
        Pair::ALL.iter().map(|pair| pair.algorithm()).chain(["RS256", "PS256"]).collect();
    for held in Pair::ALL {
        let gate = gate(&algorithms, &[held.jwk()]);
        for signing in Pair::ALL {
            let expected = if signing == held { ADMITTED } else { UNKNOWN_KEY };
            let verdict = gate.token(&signing.signed(payload(&[])));
            assert_eq!(verdict, expected, "{signing:?} against {held:?}");
            // Signed with any key, under a header with the algorithm of the held key.
            let expected = if signing == held { ADMITTED } else { BAD_SIGNATURE };
            let verdict = gate.token(&signing.token(held.header(), payload(&[])));
            assert_eq!(verdict, expected, "{signing:?} as {held:?}");
            // Signed with the held key, under a header with another algorithm.
            let expected = if signing == held { ADMITTED } else { UNKNOWN_KEY };
            let verdict = gate.token(&held.token(signing.header(), payload(&[])));
            assert_eq!(verdict, expected, "{held:?} as {signing:?}");
        }
        let rsa = Signer::rs256();
        assert_eq!(gate.token(&rsa.signed(payload(&[]))), UNKNOWN_KEY);
        assert_eq!(gate.token(&rsa.token(held.header(), payload(&[]))), BAD_SIGNATURE);
        for name in ["RS256", "PS256"] {
            let header = format!(r#"{{"alg":"{name}"}}"#);
            assert_eq!(gate.token(&held.token(header, payload(&[]))), UNKNOWN_KEY);
        }
    }
}

/// An issuer with only RS256 rejects the other algorithms, and their signatures under a header that
/// says RS256.
#[test]
fn attack_03_an_rsa_key_verifies_no_other_key_family() {
    let gate = Gate::rs();
    for pair in Pair::ALL {
        assert_eq!(gate.token(&pair.signed(payload(&[]))), NOT_ALLOWED);
        let relabeled = pair.token(r#"{"alg":"RS256"}"#, payload(&[]));
        assert_eq!(gate.token(&relabeled), BAD_SIGNATURE, "{pair:?}");
    }
    // In a set with keys of all families, the token's algorithm selects the key.
    let mut set: Vec<_> = Pair::ALL.iter().map(|pair| pair.jwk()).collect();
    set.push(keys::rsa_jwk(keys::RSA_PRIVATE));
    let algorithms: Vec<_> =
        Pair::ALL.iter().map(|pair| pair.algorithm()).chain(["RS256"]).collect();
    let gate = super::gate(&algorithms, &set);
    let mut tokens: Vec<_> = Pair::ALL.iter().map(|pair| pair.signed(payload(&[]))).collect();
    tokens.push(Signer::rs256().signed(payload(&[])));
    table(tokens.into_iter().map(|token| (token, ADMITTED)), |token| gate.token(token));
}

/// The names are defined in RFC 8812 section 3.2 and RFC 7518 section 3.4.
#[test]
fn rfc8812_section_3_rejects_inexact_algorithm_names() {
    let gate = gate(&["ES256", "ES384"], &[Pair::Es256.jwk(), Pair::Es384.jwk()]);
    for name in ["es256", "ES-256", "ES256 ", "ES224", "ESP256", "ES256k", "ECDSA", "P-256"] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        assert_eq!(gate.token(&Pair::Es256.token(header, payload(&[]))), NOT_ALLOWED, "{name}");
    }
}
