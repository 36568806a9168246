//! Attacks 19 and 20: the audience and the issuer of a token.

use super::{ADMITTED, INVALID, MALFORMED, MISSING, check, gate};
use crate::kit::{Gate, HEADER, Signer, hs_issuer, payload, policy, rs_issuer, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ELSEWHERE: &str = "401 wrong_audience";
const STRANGER: &str = "401 unknown_issuer";

#[test]
fn attack_19_aud() {
    let many = |last: &str| {
        let names: Vec<_> = (0..1_000).map(|number| format!("\"{number}\"")).collect();
        format!("[{},\"{last}\"]", names.join(","))
    };
    let too_many = format!("[{}\"api\"]", "\"a\",".repeat(9_999));
    let rows = [
        (r#""api""#, ADMITTED),
        (r#"["api"]"#, ADMITTED),
        (r#"["x","api"]"#, ADMITTED),
        (r#"["api","api"]"#, ADMITTED),
        (r#""\u0061pi""#, ADMITTED),
        (&many("api"), ADMITTED),
        (&many("x"), ELSEWHERE),
        (&too_many, "400 token_too_large"),
        ("[]", ELSEWHERE),
        (r#"["x"]"#, ELSEWHERE),
        (r#"["x api"]"#, ELSEWHERE),
        (r#"["x,api"]"#, ELSEWHERE),
        (r#""x api""#, ELSEWHERE),
        (r#""apix""#, ELSEWHERE),
        (r#""ap""#, ELSEWHERE),
        (r#""xapi""#, ELSEWHERE),
        (r#""API""#, ELSEWHERE),
        (r#""api ""#, ELSEWHERE),
        (r#"" api""#, ELSEWHERE),
        (r#""api\u0000""#, ELSEWHERE),
        (r#""api/""#, ELSEWHERE),
        (r#""*""#, ELSEWHERE),
        (r#""""#, ELSEWHERE),
        (r#"[""]"#, ELSEWHERE),
        ("", ELSEWHERE),
        (r#"[1,"api"]"#, INVALID),
        (r#"["api",null]"#, INVALID),
        (r#"["api",["api"]]"#, INVALID),
        (r#"{"api":1}"#, INVALID),
        (r#"[["api"]]"#, INVALID),
        (r#"[{"api":1}]"#, INVALID),
        ("null", INVALID),
        ("true", INVALID),
        ("0", INVALID),
    ];
    check(&gate(json!({})), "aud", rows);
    check(&gate(json!({ "audience": ["api"] })), "aud", rows);
}

#[test]
fn rfc7519_section_4_1_3_accepts_any_configured_audience() {
    check(
        &gate(json!({ "audience": ["api", "https://api.example"] })),
        "aud",
        [
            (r#""api""#, ADMITTED),
            (r#""https://api.example""#, ADMITTED),
            (r#"["x","https://api.example"]"#, ADMITTED),
            (r#""https://api.example/""#, ELSEWHERE),
            (r#""https://API.example""#, ELSEWHERE),
        ],
    );
}

/// `audience = "*"` accepts any audience, but `aud` must still have a valid type.
#[test]
fn a_wildcard_audience_still_rejects_aud_of_the_wrong_type() {
    check(
        &gate(json!({ "audience": "*" })),
        "aud",
        [
            ("", ADMITTED),
            (r#""x""#, ADMITTED),
            ("[]", ADMITTED),
            (r#"["x"]"#, ADMITTED),
            ("null", INVALID),
            ("17", INVALID),
            (r#"["x",17]"#, INVALID),
            (r#"{"api":1}"#, INVALID),
        ],
    );
}

#[test]
fn attack_20_matches_iss_exactly() {
    let rows = [
        (r#""https://i""#, ADMITTED),
        (r#""https:\/\/i""#, ADMITTED),
        (r#"["https://i"]"#, INVALID),
        (r#"{"https://i":1}"#, INVALID),
        ("null", INVALID),
        ("1", INVALID),
        ("true", INVALID),
        ("", MISSING),
        (r#""https://i/""#, STRANGER),
        (r#""https://""#, STRANGER),
        (r#""https:/""#, STRANGER),
        (r#""h""#, STRANGER),
        (r#""""#, STRANGER),
        (r#""https://I""#, STRANGER),
        (r#""HTTPS://i""#, STRANGER),
        (r#""http://i""#, STRANGER),
        (r#""https://і""#, STRANGER),
        (r#""https://xn--c1a""#, STRANGER),
        (r#""https://i.""#, STRANGER),
        (r#""https://i.evil""#, STRANGER),
        (r#""https://i@evil""#, STRANGER),
        (r#""https://i:443""#, STRANGER),
        (r#""https://i?""#, STRANGER),
        (r##""https://i#""##, STRANGER),
        (r#""https://i\u0000""#, STRANGER),
        (r#"" https://i""#, STRANGER),
        (r#""https://i ""#, STRANGER),
        (r#""*""#, STRANGER),
        (r#""i""#, STRANGER),
    ];
    check(&gate(json!({})), "iss", rows);
    check(&gate(json!({ "issuer": ["https://i"] })), "iss", rows);
    // CVE-2024-53861: a substring of the issuer's name does not match.
    check(
        &gate(json!({ "issuer": "https://i.example" })),
        "iss",
        [
            (r#""https://i""#, STRANGER),
            (r#""i.example""#, STRANGER),
            (r#""""#, STRANGER),
            (r#""https://i.example""#, ADMITTED),
        ],
    );
}

#[test]
fn accepts_each_name_of_an_issuer() {
    check(
        &gate(json!({ "issuer": ["https://i", "https://old.i"] })),
        "iss",
        [
            (r#""https://i""#, ADMITTED),
            (r#""https://old.i""#, ADMITTED),
            (r#"["https://i","https://old.i"]"#, INVALID),
            (r#""https://old""#, STRANGER),
        ],
    );
}

#[test]
fn a_wildcard_issuer_verifies_tokens_that_name_no_other_issuer() {
    let gate = gate(json!({ "issuer": "*" }));
    check(
        &gate,
        "iss",
        [
            ("", ADMITTED),
            (r#""anybody""#, ADMITTED),
            (r#""*""#, ADMITTED),
            ("17", INVALID),
            ("null", INVALID),
            (r#"["https://i"]"#, INVALID),
        ],
    );
    assert_eq!(gate.token(&Signer::hs256().token(HEADER, "[]")), MALFORMED);

    // Next to a named issuer: a token with that name must verify under that issuer's key.
    let named = with(
        hs_issuer(),
        json!({ "name": "j", "issuer": "https://j", "keys": { "secret": "OTHER_SECRET" } }),
    );
    let mut raw = policy(with(hs_issuer(), json!({ "issuer": "*" })));
    raw["issuers"].as_array_mut().unwrap().push(named);
    let gate = Gate::new(&raw);
    let other = Signer::hmac(256, crate::kit::keys::OTHER_SECRET);
    let from = |issuer: &str| payload(&[("iss", issuer)]);
    let rows = [
        (other.signed(from(r#""https://j""#)), ADMITTED),
        (Signer::hs256().signed(from(r#""https://j""#)), "401 bad_signature"),
        (Signer::hs256().signed(from(r#""https://k""#)), ADMITTED),
        (other.signed(from(r#""https://k""#)), "401 bad_signature"),
        (other.signed(from("")), "401 bad_signature"),
    ];
    table(rows, |token| gate.token(token));
}

#[test]
fn checks_each_token_against_its_own_issuers_key_and_audience() {
    let other = with(
        hs_issuer(),
        json!({
            "name": "j",
            "issuer": "https://j",
            "audience": "other",
            "keys": { "secret": "OTHER_SECRET" },
        }),
    );
    let mut raw = policy(hs_issuer());
    raw["issuers"].as_array_mut().unwrap().push(other);
    let gate = Gate::new(&raw);
    let i = Signer::hs256();
    let j = Signer::hmac(256, crate::kit::keys::OTHER_SECRET);
    let from = |issuer: &str, audience: &str| payload(&[("iss", issuer), ("aud", audience)]);
    let rows = [
        (i.signed(from(r#""https://i""#, r#""api""#)), ADMITTED),
        (j.signed(from(r#""https://j""#, r#""other""#)), ADMITTED),
        (i.signed(from(r#""https://j""#, r#""other""#)), "401 bad_signature"),
        (j.signed(from(r#""https://i""#, r#""api""#)), "401 bad_signature"),
        (i.signed(from(r#""https://i""#, r#""other""#)), ELSEWHERE),
        (j.signed(from(r#""https://j""#, r#""api""#)), ELSEWHERE),
        (j.signed(from(r#""https://j""#, r#"["api","other"]"#)), ADMITTED),
    ];
    table(rows, |token| gate.token(token));
}

/// A provider that changes its algorithm keeps its `iss`. Secrets and public keys stay separate.
#[test]
fn rfc8725_section_3_1_the_algorithm_selects_between_issuers_with_the_same_iss() {
    let new = with(rs_issuer(), json!({ "name": "new", "audience": "new" }));
    for reverse in [false, true] {
        let mut raw = policy(hs_issuer());
        let issuers = raw["issuers"].as_array_mut().unwrap();
        issuers.push(new.clone());
        if reverse {
            issuers.reverse();
        }
        let gate = Gate::new(&raw);
        let old = payload(&[]);
        let new = payload(&[("aud", r#""new""#)]);
        let public_key = Signer::hmac(256, crate::kit::keys::RSA_SPKI);
        let rows = [
            (Signer::hs256().signed(&old), ADMITTED),
            (Signer::rs256().signed(&new), ADMITTED),
            (Signer::hs256().signed(&new), ELSEWHERE),
            (Signer::rs256().signed(&old), ELSEWHERE),
            (public_key.signed(&old), "401 bad_signature"),
            (Signer::rs256().token(r#"{"alg":"HS256"}"#, &old), "401 bad_signature"),
            (Signer::hs256().token(r#"{"alg":"RS256"}"#, &new), "401 bad_signature"),
            (Signer::hs256().token(r#"{"alg":"HS512"}"#, &old), "401 algorithm_not_allowed"),
            (Signer::rs256().token(r#"{"alg":"PS256"}"#, &new), "401 algorithm_not_allowed"),
        ];
        table(rows, |token| gate.token(token));
    }
}

/// The unverified `iss` only selects an issuer. The signature must then verify under a key of that
/// issuer, and only after that are the claims parsed strictly.
#[test]
fn selects_the_issuer_only_by_the_top_level_iss_claim() {
    let other = with(
        hs_issuer(),
        json!({ "name": "j", "issuer": "https://j", "keys": { "secret": "OTHER_SECRET" } }),
    );
    let mut raw = policy(hs_issuer());
    raw["issuers"].as_array_mut().unwrap().push(other);
    let gate = Gate::new(&raw);
    let body = |members: &str| format!(r#"{{{members},"aud":"api","exp":1800086400}}"#);
    let rows = [
        (r#""iss":"https://i""#, ADMITTED),
        (r#""\u0069ss":"https:\/\/i""#, ADMITTED),
        (r#""x":{"iss":"https://j"},"iss":"https://i""#, ADMITTED),
        (r#""x":[{"iss":"https://j"}],"y":"iss","iss":"https://i""#, ADMITTED),
        (r#""x":"\"iss\":\"https://j\"","iss":"https://i""#, ADMITTED),
        (r#""iss ":"https://j","ISS":"https://j","iss":"https://i""#, ADMITTED),
        (r#""iss":"https://j""#, "401 bad_signature"),
        (r#""iss":"https://i","iss":"https://j""#, MALFORMED),
        (r#""iss":"https://i","iss":"https://i""#, MALFORMED),
        (r#""iss":"https://j","iss":"https://i""#, "401 bad_signature"),
        (r#""iss":"https://i","x":{"a":1,"a":2}"#, MALFORMED),
        (r#""iss":"https://i","x":01"#, MALFORMED),
        (r#""x":01,"iss":"https://i""#, STRANGER),
        (r#""x":{"iss":"https://i"}"#, STRANGER),
        (r#""iss":["https://i"]"#, STRANGER),
        (r#""iss":{"iss":"https://i"}"#, STRANGER),
        (r#""iss":null"#, STRANGER),
        (r#""sub":"iss""#, STRANGER),
    ];
    table(rows, |members| gate.token(&Signer::hs256().signed(body(members))));
    for payload in ["", "[]", "null", r#"["iss","https://i"]"#, r#""iss""#, "{", r#"{"iss""#] {
        let verdict = gate.token(&Signer::hs256().token(HEADER, payload));
        assert!(verdict.starts_with("401 "), "{payload}: {verdict}");
    }
    // The payload after `iss` is not parsed before the signature has verified, but it is parsed
    // then.
    let good = r#"{"iss":"https://i","aud":"api","exp":1800086400}"#;
    for end in [r#"{"iss":"https://i""#.len(), good.len() - 1] {
        let verdict = gate.token(&Signer::hs256().signed(&good[..end]));
        assert_eq!(verdict, MALFORMED, "{end}");
    }
    assert_eq!(gate.token(&Signer::hs256().signed(format!("{good}x"))), MALFORMED);
    let invalid_utf8 =
        [br#"{"iss":"https://i","aud":"api","exp":1800086400,"x":""#.as_slice(), b"\xff\"}"]
            .concat();
    assert_eq!(gate.token(&Signer::hs256().signed(invalid_utf8)), MALFORMED);
}

/// The issuer's name has a placeholder for the tenant. The claim of that name must be the same
/// tenant.
#[test]
fn attack_20_requires_the_tenant_claim_to_match_the_issuer() {
    let gate = gate(json!({
        "issuer": "https://login.example/{tid}/v2.0",
        "tenants": ["one", "two"],
    }));
    let token = |issuer: &str, tenant: &str| {
        Signer::hs256().signed(payload(&[("iss", issuer), ("tid", tenant)]))
    };
    let rows = [
        ((r#""https://login.example/one/v2.0""#, r#""one""#), ADMITTED),
        ((r#""https://login.example/two/v2.0""#, r#""two""#), ADMITTED),
        ((r#""https://login.example/one/v2.0""#, r#""two""#), INVALID),
        ((r#""https://login.example/one/v2.0""#, r#""three""#), INVALID),
        ((r#""https://login.example/one/v2.0""#, r#""ONE""#), INVALID),
        ((r#""https://login.example/one/v2.0""#, r#"["one"]"#), INVALID),
        ((r#""https://login.example/one/v2.0""#, "null"), INVALID),
        ((r#""https://login.example/one/v2.0""#, ""), MISSING),
        ((r#""https://login.example/three/v2.0""#, r#""three""#), STRANGER),
        ((r#""https://login.example/{tid}/v2.0""#, r#""{tid}""#), STRANGER),
        ((r#""https://login.example//v2.0""#, r#""""#), STRANGER),
        ((r#""https://login.example/a/../one/v2.0""#, r#""a/../one""#), STRANGER),
        ((r#""https://login.example/one?/v2.0""#, r#""one?""#), STRANGER),
        ((r##""https://login.example/one#/v2.0""##, r##""one#""##), STRANGER),
        ((r#""https://login.example/one%2fv2.0""#, r#""one""#), STRANGER),
        ((r#""https://login.example/one/v2.0/""#, r#""one""#), STRANGER),
        ((r#""https://evil/https://login.example/one/v2.0""#, r#""one""#), STRANGER),
    ];
    table(rows, |(issuer, tenant)| gate.token(&token(issuer, tenant)));
}

#[test]
fn accepts_only_the_configured_subjects() {
    let rows =
        |one: &str| [(r#""u""#, one == "u"), (r#""v""#, false), (r#""U""#, false), ("", false)];
    for (subject, one) in [(json!("u"), "u"), (json!(["w", "u"]), "u"), (json!(["w"]), "w")] {
        let gate = gate(json!({ "subject": subject }));
        table(rows(one), |raw| {
            gate.token(&Signer::hs256().signed(payload(&[("sub", raw)]))) == ADMITTED
        });
    }
    let gate = gate(json!({ "subject": "u" }));
    check(&gate, "sub", [("", MISSING), ("null", INVALID), (r#""v""#, INVALID)]);
}

/// RFC 9068 sections 2.1, 2.2 and 4.
#[test]
fn rfc9068_section_4_enforces_the_profile() {
    let gate = gate(json!({ "profile": "rfc9068" }));
    let full: [(&str, &str); 3] =
        [("client_id", r#""c""#), ("iat", "1799999000"), ("jti", r#""1""#)];
    let header = r#"{"alg":"HS256","typ":"at+jwt"}"#;
    let sign = |header: &str, claims: &[(&str, &str)]| {
        gate.token(&Signer::hs256().token(header, payload(claims)))
    };
    assert_eq!(sign(header, &full), ADMITTED);
    assert_eq!(sign(r#"{"alg":"HS256","typ":"application/AT+JWT"}"#, &full), ADMITTED);
    assert_eq!(sign(HEADER, &full), "401 wrong_type");
    assert_eq!(sign(r#"{"alg":"HS256"}"#, &full), "401 wrong_type");
    for missing in ["sub", "client_id", "iat", "jti", "exp", "iss"] {
        let mut claims: Vec<_> = full.into_iter().filter(|(name, _)| *name != missing).collect();
        claims.push((missing, ""));
        assert_eq!(sign(header, &claims), MISSING, "{missing}");
    }
    assert_eq!(sign(header, &[&full[..], &[("aud", "")]].concat()), ELSEWHERE);
    let unknown: Value = json!({ "profile": "rfc9069" });
    let faults =
        crate::kit::faults(&policy(with(hs_issuer(), unknown)), &crate::kit::Held::usual());
    assert_eq!(faults[0].path, "issuers[0].profile");
}
