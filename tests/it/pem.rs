//! Importing public keys in PEM, as operators paste them.

use crate::kit::{Gate, Held, Signer, faults, keys, payload, policy, rs_issuer, table};
use portcullis::alg::Algorithm;
use portcullis::keys::pem::import;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Checks whether a token signed with the private key passes if the binding contains each text.
fn check(rows: impl IntoIterator<Item = (String, bool)>) {
    let token = Signer::rs256().signed(payload(&[]));
    table(rows, |text| {
        let held = Held::default().value("PEM", text.as_str());
        let gate = Gate::bound(&policy(rs_issuer()), &held);
        gate.token(&token) == "200"
    });
}

/// Returns the problem of the only fault of a policy whose binding contains this text.
fn fault(text: &str) -> String {
    let faults = faults(&policy(rs_issuer()), &Held::default().value("PEM", text));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].path, "issuers[0].keys.pem");
    faults[0].problem.clone()
}

#[test]
fn rfc7468_imports_spki_pkcs1_and_certificates() {
    check([
        (keys::RSA_SPKI.to_owned(), true),
        (keys::RSA_PKCS1.to_owned(), true),
        (keys::RSA_CERTIFICATE.to_owned(), true),
        (keys::ATTACKER_SPKI.to_owned(), false),
        (keys::ATTACKER_CERTIFICATE.to_owned(), false),
    ]);
}

#[test]
fn accepts_changed_line_breaks_and_white_space() {
    let spki = keys::RSA_SPKI;
    let body: String = spki.lines().filter(|line| !line.starts_with('-')).collect();
    let wide: Vec<_> =
        body.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    check([
        (spki.trim().to_owned(), true),
        (spki.replace('\n', "\\n"), true),
        (spki.replace('\n', "\\r\\n"), true),
        (spki.replace('\n', "\r\n"), true),
        (spki.replace('\n', " "), true),
        (spki.replace('\n', ""), true),
        (format!("\n\n  {spki}\n\n"), true),
        (spki.lines().map(|line| format!("    {line}\n")).collect(), true),
        (format!("-----BEGIN PUBLIC KEY-----{body}-----END PUBLIC KEY-----"), true),
        (
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", wide.join("\n")),
            true,
        ),
        // RFC 7468 section 2: text around a block is not part of it.
        (format!("subject: CN = i\n{spki}issued for tests\n"), true),
    ]);
}

#[test]
fn imports_every_block() {
    let both = [keys::ATTACKER_SPKI, keys::RSA_SPKI];
    check([
        (both.concat(), true),
        ([both[1], both[0]].concat(), true),
        ([keys::ATTACKER_CERTIFICATE, keys::RSA_CERTIFICATE].concat(), true),
        (both.concat().replace('\n', "\\n"), true),
        (both.concat().replace('\n', ""), true),
    ]);
    // A block that cannot be used is a fault rather than skipped, because the operator wrote it.
    assert!(fault(&[keys::RSA_SPKI, keys::RSA_1024_SPKI].concat()).contains("1024 bits"));
    assert!(fault(&[keys::RSA_SPKI, keys::RSA_PRIVATE].concat()).contains("private key"));
}

#[test]
fn rejects_texts_that_are_not_public_keys() {
    let no_end = keys::RSA_SPKI.replace("-----END PUBLIC KEY-----", "");
    let other_end = keys::RSA_SPKI.replace("END PUBLIC KEY", "END RSA PUBLIC KEY");
    let other_label = keys::RSA_SPKI.replace("PUBLIC KEY", "RSA PUBLIC KEY");
    let no_base64 = keys::RSA_SPKI.replacen("MII", "!!!", 1);
    let cut = keys::RSA_SPKI.replacen("MII", "", 1);
    let rows = [
        ("", "no PEM block"),
        (keys::SECRET, "no PEM block"),
        ("-----BEGIN PUBLIC KEY", "an incomplete BEGIN line"),
        ("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "does not contain a public key"),
        ("-----BEGIN -----\nAAAA\n-----END -----", "does not contain a public key"),
        (&no_end, "has no END line"),
        (&other_end, "has no END line"),
        (&other_label, "does not contain a public key"),
        (&no_base64, "not base64"),
        (&cut, ""),
        (keys::RSA_PRIVATE, "it is a private key"),
        (keys::RSA_1024_SPKI, "1024 bits"),
        (keys::X25519_SPKI, "a kind of key"),
        (keys::P256_SPKI, "none of the issuer's algorithms"),
        (keys::ED25519_SPKI, "none of the issuer's algorithms"),
    ];
    table(rows.map(|(text, words)| ((text, words), true)), |(text, words)| {
        fault(text).contains(words)
    });
}

#[test]
fn rejects_der_with_missing_or_trailing_bytes() {
    use base64ct::{Base64, Encoding as _};
    let good = keys::der(keys::RSA_SPKI);
    let text = |der: &[u8]| {
        let base64 = Base64::encode_string(der);
        format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n")
    };
    assert!(import(&text(&good), &[Algorithm::RS256]).is_ok());
    let mut longer = good.clone();
    longer.push(0);
    assert!(import(&text(&longer), &[Algorithm::RS256]).is_err());
    for end in 0..good.len() {
        assert!(import(&text(&good[..end]), &[Algorithm::RS256]).is_err(), "{end}");
    }
}

#[test]
fn a_key_verifies_only_the_algorithms_of_its_type() {
    let all = Algorithm::ALL;
    for text in [keys::RSA_SPKI, keys::RSA_PKCS1, keys::RSA_CERTIFICATE] {
        let set = import(text, all).unwrap();
        let names: Vec<_> = set.keys()[0].algorithms().iter().map(|one| one.name()).collect();
        assert!(names.contains(&"RS256"));
        assert!(!names.iter().any(|name| name.starts_with("HS") || name.starts_with("ES")));
    }
    assert!(import(keys::RSA_SPKI, &[Algorithm::HS256]).is_err());
    assert!(import(keys::RSA_SPKI, &[]).is_err());
}

#[test]
fn never_panics() {
    let mut random = fastrand::Rng::with_seed(0x9e3);
    let texts = [keys::RSA_SPKI, keys::RSA_PKCS1, keys::RSA_CERTIFICATE, keys::P256_SPKI];
    for round in 0..4_000 {
        let mut text = texts[round % texts.len()].to_owned().into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..text.len());
            match random.u8(..3) {
                0 => text[at] = random.u8(32..127),
                1 => drop(text.remove(at)),
                _ => text.insert(at, random.u8(32..127)),
            }
        }
        let _ = import(&String::from_utf8(text).unwrap(), Algorithm::ALL);
    }
}
