//! Attack 23: weak shared secrets are policy faults.

use crate::kit::{Gate, Held, Signer, faults, hs_issuer, keys, payload, policy, table, with};
use portcullis::keys::{Secret, SecretEncoding};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Checks the fault of each secret, given an algorithm and an encoding, by some words of the
/// fault's problem. Empty words expect no fault.
fn check<'r>(rows: impl IntoIterator<Item = ((&'r str, &'r str, &'r str), &'r str)>) {
    table(rows, |(algorithm, encoding, secret)| {
        Problem(problem_of(&[algorithm], encoding, secret))
    });
}

fn problem_of(algorithms: &[&str], encoding: &str, secret: &str) -> String {
    let keys = json!({ "secret": "SECRET", "encoding": encoding });
    let issuer = with(hs_issuer(), json!({ "algorithms": algorithms, "keys": keys }));
    let faults = faults(&policy(issuer), &Held::default().value("SECRET", secret));
    assert!(faults.len() < 2, "{faults:?}");
    let Some(fault) = faults.first() else { return String::new() };
    assert_eq!(fault.path, "issuers[0].keys.secret");
    assert!(!fault.remedy.is_empty());
    // A fault must not contain the secret.
    assert!(secret.len() < 4 || !fault.to_string().contains(secret), "{fault}");
    fault.problem.clone()
}

/// The problem of a fault. It equals every text that it contains, so that a table can compare them.
#[derive(Debug)]
struct Problem(String);

impl PartialEq<&str> for Problem {
    fn eq(&self, words: &&str) -> bool {
        if words.is_empty() { self.0.is_empty() } else { self.0.contains(words) }
    }
}

const LONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn attack_23_reports_a_missing_secret() {
    for held in [Held::default(), Held::default().value("secret", LONG)] {
        let faults = faults(&policy(hs_issuer()), &held);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].path, "issuers[0].keys.secret");
        assert_eq!(faults[0].problem, "there is no binding SECRET");
        assert!(faults[0].remedy.contains("npx wrangler secret put SECRET"));
    }
}

#[test]
fn attack_23_reports_a_binding_that_is_not_a_string() {
    for value in [json!({}), json!([LONG]), json!(17), Value::Null, json!(true)] {
        let faults = faults(&policy(hs_issuer()), &Held::default().value("SECRET", value));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].problem, "the binding SECRET is not a string");
    }
}

#[test]
fn rfc7518_section_3_2_requires_a_secret_as_long_as_the_hash() {
    check([
        (("HS256", "utf8", ""), "empty"),
        (("HS256", "utf8", "ab"), "2 bytes, but HS256 needs at least 32"),
        (("HS256", "utf8", &LONG[..31]), "31 bytes, but HS256 needs at least 32"),
        (("HS256", "utf8", &LONG[..32]), ""),
        (("HS384", "utf8", &LONG[..32]), "32 bytes, but HS384 needs at least 48"),
        (("HS384", "utf8", &LONG[..47]), "47 bytes, but HS384 needs at least 48"),
        (("HS384", "utf8", &LONG[..48]), ""),
        (("HS512", "utf8", &LONG[..48]), "48 bytes, but HS512 needs at least 64"),
        (("HS512", "utf8", &LONG[..63]), "63 bytes, but HS512 needs at least 64"),
        (("HS512", "utf8", LONG), ""),
        // Bytes count, not characters.
        (("HS256", "utf8", "éàéàéàéàéàéàéàéà"), ""),
        // Thirty-two hexadecimal digits are sixteen bytes.
        (("HS256", "hex", &LONG[..32]), "16 bytes, but HS256 needs at least 32"),
        (("HS256", "base64", "MDEyMzQ1Njc4OWFiY2RlZg=="), "16 bytes"),
        (("HS256", "base64url", "MDEyMzQ1Njc4OWFiY2RlZg"), "16 bytes"),
    ]);
    // The algorithm with the longest hash decides.
    assert!(
        problem_of(&["HS256", "HS512", "HS384"], "utf8", &LONG[..48])
            .contains("HS512 needs at least 64")
    );
}

#[test]
fn attack_23_rejects_guessable_secrets() {
    let zeros = "\0".repeat(64);
    let letters = "a".repeat(64);
    let newline = format!("{LONG}\n");
    let windows = format!("{LONG}\r\n");
    let before = format!(" {LONG}");
    let tab = format!("{LONG}\t");
    let wide = format!("{LONG}\u{a0}");
    check([
        (("HS256", "utf8", zeros.as_str()), "a single byte, repeated"),
        (("HS256", "utf8", &letters), "a single byte, repeated"),
        (("HS256", "hex", &letters), "a single byte, repeated"),
        (("HS256", "utf8", &newline), "white space"),
        (("HS256", "utf8", &windows), "white space"),
        (("HS256", "utf8", &before), "white space"),
        (("HS256", "utf8", &tab), "white space"),
        (("HS256", "utf8", &wide), "white space"),
        (("HS256", "utf8", "\n"), "white space"),
        (("HS256", "base64", &newline), "white space"),
        (("HS256", "hex", &newline), "white space"),
    ]);
}

#[test]
fn attack_23_a_public_key_is_no_secret() {
    let pem = keys::RSA_SPKI.trim();
    let one_line = pem.replace('\n', "\\n");
    let jwk = keys::rsa_jwk(keys::RSA_PRIVATE).to_string();
    let set = json!({ "keys": [keys::rsa_jwk(keys::RSA_PRIVATE)] }).to_string();
    let base64 = base64_of(&keys::der(keys::RSA_SPKI));
    let pkcs1 = base64_of(&keys::der(keys::RSA_PKCS1));
    let certificate = base64_of(&keys::der(keys::RSA_CERTIFICATE));
    let wrapped = base64_of(pem.as_bytes());
    let wrapped_jwk = base64_of(jwk.as_bytes());
    check([
        (("HS256", "utf8", pem), "PEM"),
        (("HS256", "utf8", keys::RSA_SPKI), "PEM"),
        (("HS256", "utf8", &format!("\n {pem}")), "PEM"),
        (("HS256", "utf8", &format!(" \t{jwk}\n")), "JWK"),
        (("HS256", "utf8", &one_line), "PEM"),
        (("HS256", "utf8", keys::RSA_PKCS1.trim()), "PEM"),
        (("HS256", "utf8", keys::RSA_CERTIFICATE.trim()), "PEM"),
        (("HS256", "utf8", keys::RSA_PRIVATE.trim()), "PEM"),
        (("HS256", "utf8", keys::P256_SPKI.trim()), "PEM"),
        (("HS256", "utf8", keys::ED25519_SPKI.trim()), "PEM"),
        (("HS256", "utf8", &jwk), "JWK"),
        (("HS256", "utf8", &set), "JWK"),
        (("HS256", "utf8", &base64), "public key"),
        (("HS256", "base64", &base64), "public key"),
        (("HS256", "base64", &pkcs1), "public key"),
        (("HS256", "base64", &certificate), "public key"),
        (("HS256", "base64", &wrapped), "public key"),
        (("HS256", "base64", &wrapped_jwk), "public key"),
    ]);
    // The check undoes the same changes to a PEM text as the importer of keys does.
    let bent = pem.replace("-----BEGIN", "--\\r---BEGIN");
    check([(("HS256", "utf8", bent.as_str()), "PEM")]);
    let hex: String = keys::der(keys::RSA_SPKI).iter().map(|byte| format!("{byte:02x}")).collect();
    check([(("HS256", "hex", hex.as_str()), "public key")]);
}

fn base64_of(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding as _};
    Base64::encode_string(bytes)
}

#[test]
fn attack_23_rejects_secrets_in_another_encoding() {
    let odd = &LONG[..63];
    check([
        (("HS256", "base64", "not base64 at all, but a sentence"), "not valid padded base64"),
        (
            ("HS256", "base64", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"),
            "not valid padded base64",
        ),
        (("HS256", "base64", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), ""),
        (
            ("HS256", "base64", "____________________________________________"),
            "not valid padded base64",
        ),
        (
            ("HS256", "base64url", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            "not valid unpadded base64url",
        ),
        (("HS256", "base64url", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"), ""),
        (
            ("HS256", "base64url", "++++++++++++++++++++++++++++++++++++++++++++"),
            "not valid unpadded base64url",
        ),
        (("HS256", "hex", odd), "not valid hex"),
        (
            ("HS256", "hex", "0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
            "not valid hex",
        ),
        (
            (
                "HS256",
                "hex",
                "xyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyz",
            ),
            "not valid hex",
        ),
        (("HS256", "hex", LONG), ""),
        (("HS256", "hex", "0123456789ABCDEF0123456789ABCDEF0123456789abcdef0123456789abcdef"), ""),
    ]);
}

#[test]
fn decodes_each_encoding() {
    use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
    let bytes: Vec<u8> = (128..192).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let rows = [
        ("base64", Base64::encode_string(&bytes)),
        ("base64url", Base64UrlUnpadded::encode_string(&bytes)),
        ("hex", hex),
    ];
    for (encoding, text) in rows {
        let keys = json!({ "secret": "SECRET", "encoding": encoding });
        let gate = Gate::bound(
            &policy(with(hs_issuer(), json!({ "keys": keys }))),
            &Held::default().value("SECRET", text.as_str()),
        );
        assert_eq!(
            gate.token(&Signer::hmac(256, &bytes).signed(payload(&[]))),
            "200",
            "{encoding}"
        );
        let as_text = Signer::hmac(256, &text).signed(payload(&[]));
        assert_eq!(gate.token(&as_text), "401 bad_signature", "{encoding}");
    }
}

#[test]
fn encoding_names_must_match_exactly() {
    let rows = [
        ("utf8", Some(SecretEncoding::Utf8)),
        ("base64", Some(SecretEncoding::Base64)),
        ("base64url", Some(SecretEncoding::Base64Url)),
        ("hex", Some(SecretEncoding::Hex)),
        ("UTF8", None),
        ("utf-8", None),
        ("", None),
    ];
    table(rows, |name| SecretEncoding::from_name(name));
    assert_eq!(SecretEncoding::default(), SecretEncoding::Utf8);
}

#[test]
fn accepts_at_most_four_secrets() {
    let names: Vec<_> = (0..5).map(|number| format!("S{number}")).collect();
    let held = names
        .iter()
        .enumerate()
        .fold(Held::default(), |held, (number, name)| held.value(name, format!("{number}{LONG}")));
    let issuer =
        |count| policy(with(hs_issuer(), json!({ "keys": { "secret": &names[..count] } })));
    assert_eq!(faults(&issuer(4), &held), []);
    let faults = faults(&issuer(5), &held);
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].problem.contains("there are 5 secrets, but at most 4 are possible"),
        "{faults:?}"
    );
}

#[test]
fn reports_every_faulty_secret_at_once() {
    let held = Held::default().value("A", "short").value("B", LONG).value("C", "");
    let issuer = with(hs_issuer(), json!({ "keys": { "secret": ["A", "B", "C", "D"] } }));
    let problems: Vec<_> =
        faults(&policy(issuer), &held).into_iter().map(|fault| fault.problem).collect();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("A: the secret has 5 bytes"), "{problems:?}");
    assert!(problems[1].starts_with("C: the secret is empty"), "{problems:?}");
    assert_eq!(problems[2], "there is no binding D");
}

#[test]
fn rejects_weak_secrets_and_public_keys_in_bytes() {
    let rows: [(&[u8], bool); 5] = [
        (b"", false),
        (b"\0\0\0\0", false),
        (b"ab", true),
        (&keys::der(keys::RSA_SPKI), false),
        (&keys::der(keys::P256_SPKI), false),
    ];
    table(rows, |bytes| Secret::from_bytes(bytes.to_vec()).is_ok());
}

#[test]
fn does_not_show_a_secret_in_place_of_a_bindings_name() {
    for pasted in [keys::SECRET, "0123456789abcdef0123456789abcdef", "short, but no name", "a/b+c="]
    {
        for source in ["secret", "pem", "jwks"] {
            let algorithm = if source == "secret" { "HS256" } else { "RS256" };
            let keys = json!({ "keys": { source: pasted }, "algorithms": [algorithm] });
            let faults = faults(&policy(with(hs_issuer(), keys)), &Held::usual());
            let shown = format!("{faults:?}");
            assert!(shown.contains("looks like a secret") && !shown.contains(pasted), "{shown}");
        }
    }
}
