//! Attacks 1, 4 to 8, 15, 17 and 22: manipulated headers, and JSON that parsers read differently.

use super::{
    ADMITTED, BAD_SIGNATURE, CRITICAL, MALFORMED, NOT_ALLOWED, UNKNOWN_KEY, check_headers,
    check_payloads,
};
use crate::kit::{
    Call, Gate, HEADER, Signer, b64, hs_issuer, keys, now, payload, policy, raw_payload, rs_issuer,
    table, with,
};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn attack_01_alg_none() {
    let names = [
        (r#""none""#, NOT_ALLOWED),
        (r#""None""#, NOT_ALLOWED),
        (r#""nOnE""#, NOT_ALLOWED),
        (r#""NONE""#, NOT_ALLOWED),
        (r#""none ""#, NOT_ALLOWED),
        (r#"" none""#, NOT_ALLOWED),
        (r#""""#, NOT_ALLOWED),
        ("null", MALFORMED),
        (r#"["none"]"#, MALFORMED),
        (r#"["HS256"]"#, MALFORMED),
        ("0", MALFORMED),
        ("false", MALFORMED),
    ];
    for (gate, signer) in [(Gate::hs(), Signer::hs256()), (Gate::rs(), Signer::rs256())] {
        let good = signer.signed(payload(&[]));
        let old_signature = good.rsplit('.').next().unwrap();
        for (name, expected) in names {
            let header = format!(r#"{{"alg":{name},"typ":"JWT"}}"#);
            let input = format!("{}.{}", b64(&header), b64(payload(&[])));
            let rows = [
                (format!("{input}."), MALFORMED),
                (input.clone(), MALFORMED),
                (format!("{input}.{old_signature}"), expected),
                // Even with a valid signature by the correct key.
                (signer.token(&header, payload(&[])), expected),
                (format!("{input}.AA"), expected),
            ];
            table(rows, |token| gate.token(token));
        }
    }
}

/// Every unknown `kid` gets the same verdict, and the trace, which is logged, does not contain it.
#[test]
fn attack_04_kid_injection() {
    let names = [
        r#""../../../../dev/null""#,
        r#""/dev/null""#,
        r#""' UNION SELECT 'k""#,
        r#""key|/bin/id""#,
        r#""""#,
        r#""__proto__""#,
        r#""constructor""#,
        r#""hasOwnProperty""#,
        r#""\u0000""#,
        r#""k1\u0000""#,
        r#""k1\r\nlevel=info admitted""#,
        r#""K1""#,
        r#""k1 ""#,
        r#""k""#,
        r#""https://evil.example/key""#,
        r#""\u202ek1""#,
    ];
    let secret = json!({ "kty": "oct", "kid": "k1", "k": b64(keys::SECRET) });
    let named = with(hs_issuer(), json!({ "keys": { "jwks": { "keys": [secret] } } }));
    let named = Gate::new(&policy(named));
    let nameless = Gate::hs();
    for name in names {
        let header = format!(r#"{{"alg":"HS256","kid":{name}}}"#);
        // Signed with the correct key, with another key, and with an empty key.
        let tokens = [keys::SECRET, keys::OTHER_SECRET, ""]
            .map(|secret| Signer::hmac(256, secret).token(&header, payload(&[])));
        let expected = [UNKNOWN_KEY; 3];
        table(tokens.iter().zip(expected), |token| named.token(token));
        // A key without a `kid` is used for every `kid`, but only its own signatures verify.
        let expected = [ADMITTED, BAD_SIGNATURE, BAD_SIGNATURE];
        table(tokens.iter().zip(expected), |token| nameless.token(token));
        for token in &tokens {
            let call = Call::get("/").bearer(token);
            let (trace, refused) = named.trace(&call, now());
            assert_eq!(trace.key, None);
            assert!(refused.is_err());
        }
    }
    let wrong_shape = ["1", "null", "true", "[]", "{}", r#"["k1"]"#, "1e308"];
    for gate in [&named, &nameless] {
        table(wrong_shape.map(|name| (name, MALFORMED)), |name| {
            let header = format!(r#"{{"alg":"HS256","kid":{name}}}"#);
            gate.token(&Signer::hs256().token(header, payload(&[])))
        });
    }
    let right = r#"{"alg":"HS256","kid":"k1"}"#;
    assert_eq!(named.token(&Signer::hs256().token(right, payload(&[]))), ADMITTED);
}

#[test]
fn attack_05_jku_and_x5u_are_ignored() {
    let places = [
        r#""https://evil/jwks.json""#,
        r#""http://169.254.169.254/""#,
        r#""file:///etc/passwd""#,
        r#""//evil""#,
        r#""https://i@evil/""#,
        r#""""#,
        "null",
        "17",
        r#"["https://evil/"]"#,
    ];
    let attacker = Signer::rsa(256, keys::ATTACKER_PRIVATE);
    let gate = Gate::rs();
    for name in ["jku", "x5u"] {
        for place in places {
            let header = format!(r#"{{"alg":"RS256","{name}":{place}}}"#);
            let rows = [
                (Signer::rs256().token(&header, payload(&[])), ADMITTED),
                (attacker.token(&header, payload(&[])), BAD_SIGNATURE),
            ];
            table(rows, |token| gate.token(token));
        }
    }
}

#[test]
fn attack_06_embedded_keys_are_ignored() {
    let attacker = Signer::rsa(256, keys::ATTACKER_PRIVATE);
    let forger = Signer::hmac(256, keys::OTHER_SECRET);
    let oct = keys::oct_jwk(keys::OTHER_SECRET.as_bytes());
    let rsa = keys::rsa_jwk(keys::ATTACKER_PRIVATE);
    let ec = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let chain = json!([base64_of(keys::ATTACKER_CERTIFICATE)]);
    let embedded: [(&str, &Value); 7] = [
        ("jwk", &oct),
        ("jwk", &rsa),
        ("jwk", &ec),
        ("jwk", &Value::Null),
        ("x5c", &chain),
        ("x5c", &Value::Null),
        ("x5t", &Value::Null),
    ];
    for (name, key) in embedded {
        let header = |algorithm: &str| format!(r#"{{"alg":"{algorithm}","{name}":{key}}}"#);
        let rows = [
            (attacker.token(header("RS256"), payload(&[])), BAD_SIGNATURE),
            (forger.token(header("HS256"), payload(&[])), NOT_ALLOWED),
            (forger.token(header("RS256"), payload(&[])), BAD_SIGNATURE),
            (attacker.token(header("ES256"), payload(&[])), NOT_ALLOWED),
            (Signer::rs256().token(header("RS256"), payload(&[])), ADMITTED),
        ];
        let gate = Gate::rs();
        table(rows, |token| gate.token(token));
        let rows = [
            (forger.token(header("HS256"), payload(&[])), BAD_SIGNATURE),
            (attacker.token(header("RS256"), payload(&[])), NOT_ALLOWED),
            (Signer::hs256().token(header("HS256"), payload(&[])), ADMITTED),
        ];
        let gate = Gate::hs();
        table(rows, |token| gate.token(token));
    }
}

fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[test]
fn attack_07_crit() {
    check_headers([
        (r#"{"alg":"HS256","crit":["exp"]}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":["exp"],"exp":1}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":["foo"]}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":["foo"],"foo":1}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":[]}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":"b64"}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":null}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":false}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":{}}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":["b64","b64"],"b64":true}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":["alg"]}"#, CRITICAL),
        (r#"{"alg":"HS256","crit":["kid"],"kid":"k"}"#, CRITICAL),
        (r#"{"alg":"HS256","\u0063rit":["foo"]}"#, CRITICAL),
        (r#"{"crit":["foo"],"alg":"none"}"#, CRITICAL),
        // `Crit` and a nested `crit` are unknown members, which are ignored.
        (r#"{"alg":"HS256","Crit":["foo"]}"#, ADMITTED),
        (r#"{"alg":"HS256","x":{"crit":["foo"]}}"#, ADMITTED),
    ]);
}

#[test]
fn attack_08_b64() {
    check_headers([
        (r#"{"alg":"HS256","b64":false}"#, CRITICAL),
        (r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#, CRITICAL),
        // The default, which changes nothing (RFC 7797 section 3).
        (r#"{"alg":"HS256","b64":true}"#, ADMITTED),
        (r#"{"alg":"HS256","b64":true,"crit":["b64"]}"#, CRITICAL),
        (r#"{"alg":"HS256","b64":null}"#, CRITICAL),
        (r#"{"alg":"HS256","b64":"false"}"#, CRITICAL),
    ]);
    // RFC 7797: the payload is not encoded, neither in the token nor in the signing input.
    let gate = Gate::hs();
    let raw = |header: &str, payload: &str| {
        let input = format!("{}.{payload}", b64(header));
        format!("{input}.{}", b64(Signer::hs256().sign(&input)))
    };
    let unencoded = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;
    let rows = [
        (raw(unencoded, &payload(&[])), "400 malformed_authorization"),
        (raw(HEADER, &payload(&[])), "400 malformed_authorization"),
        (raw(unencoded, "payload"), CRITICAL),
        (raw(HEADER, "payload"), MALFORMED),
        (raw(unencoded, "pay.load"), MALFORMED),
        (raw(HEADER, "pay.load"), MALFORMED),
        (raw(unencoded, "$.02"), "400 malformed_authorization"),
    ];
    table(rows, |token| gate.token(token));
}

#[test]
fn attack_15_duplicate_names() {
    check_headers([
        (r#"{"alg":"none","alg":"HS256"}"#, MALFORMED),
        (r#"{"alg":"HS256","alg":"none"}"#, MALFORMED),
        (r#"{"alg":"HS256","alg":"HS256"}"#, MALFORMED),
        (r#"{"alg":"HS256","\u0061lg":"HS256"}"#, MALFORMED),
        (r#"{"alg":"HS256","kid":"a","kid":"b"}"#, MALFORMED),
        (r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#, MALFORMED),
        (r#"{"alg":"HS256","x":{"y":1,"y":2}}"#, MALFORMED),
        (r#"{"alg":"HS256","crit":["x"],"crit":[]}"#, MALFORMED),
    ]);
    check_payloads(
        [
            r#""sub":"admin""#,
            r#""\u0073ub":"admin""#,
            r#""exp":9999999999"#,
            r#""iss":"https://i""#,
            r#""x":1,"x":1"#,
            r#""x":1,"exp":9999999999"#,
            r#""x":{"y":1,"y":2}"#,
            r#""x":[[{"y":1,"z":0,"y":2}]]"#,
        ]
        .map(|members| (raw_payload(members), MALFORMED)),
    );
    check_payloads([
        (r#"{"iss":"https://i","aud":"api","exp":1,"exp":9999999999}"#, MALFORMED),
        (r#"{"iss":"https://i","aud":"x","aud":"api","exp":9999999999}"#, MALFORMED),
        (r#"{"iss":"https://evil","iss":"https://i","aud":"api","exp":9999999999}"#, MALFORMED),
    ]);
    check_payloads([(raw_payload(r#""x":{"sub":1},"y":{"sub":2},"SUB":3"#), ADMITTED)]);
}

#[test]
fn attack_17_rejects_payloads_that_are_not_strict_json() {
    let base = payload(&[]);
    let truncated: Vec<_> = (1..base.len()).map(|end| base.get(..end).unwrap()).collect();
    check_payloads(truncated.into_iter().map(|text| (text, MALFORMED)));
    check_payloads([
        (format!("\u{feff}{base}"), MALFORMED),
        (format!("{base}x"), MALFORMED),
        (format!("{base}\0"), MALFORMED),
        (format!("{base}{base}"), MALFORMED),
        (format!("{base} // fine"), MALFORMED),
        (format!("/**/{base}"), MALFORMED),
        (base.replace('"', "'"), MALFORMED),
        (format!("({base})"), MALFORMED),
        (format!("[{base}]"), MALFORMED),
        (r#"{"a":"#.to_owned(), MALFORMED),
        ("{".to_owned(), MALFORMED),
    ]);
    let unread: [(&str, &str); 24] = [
        ("-0", ADMITTED),
        ("1E3", ADMITTED),
        ("1e-400", ADMITTED),
        ("9007199254740993", ADMITTED),
        ("18446744073709551616", ADMITTED),
        (r#""\u0000""#, ADMITTED),
        (r#""\ud83d\ude00""#, ADMITTED),
        ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", ADMITTED),
        ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", MALFORMED),
        ("01", MALFORMED),
        ("1e400", MALFORMED),
        ("-1e400", MALFORMED),
        ("NaN", MALFORMED),
        ("Infinity", MALFORMED),
        ("-Infinity", MALFORMED),
        ("nan", MALFORMED),
        ("+1", MALFORMED),
        ("0x1", MALFORMED),
        (r#""\ud800""#, MALFORMED),
        (r#""\udc00""#, MALFORMED),
        ("'x'", MALFORMED),
        ("undefined", MALFORMED),
        ("1 /* one */", MALFORMED),
        ("", ADMITTED),
    ];
    check_payloads(unread.map(|(raw, expected)| (payload(&[("x", raw)]), expected)));
    for depth in [200, 5_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        check_payloads([(payload(&[("x", &deep)]), MALFORMED)]);
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    check_payloads([(payload(&[("x", &deep)]), "400 token_too_large")]);
    check_payloads([(payload(&[("x", &"9".repeat(1_000_000))]), "400 token_too_large")]);
    check_payloads([(payload(&[("x", &"9".repeat(10_000))]), MALFORMED)]);
}

#[test]
fn attack_17_rejects_payloads_that_are_not_utf8() {
    let bytes: [&[u8]; 8] = [
        b"\xff",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xc3",
        b"\xe9",
        b"\xf4\x90\x80\x80",
    ];
    for bad in bytes {
        let base = raw_payload(r#""x":""#);
        let (before, after) = base.split_at(base.len() - 1);
        let text = [before.as_bytes(), bad, b"\"", after.as_bytes()].concat();
        check_payloads([(text, MALFORMED)]);
        check_payloads([([payload(&[]).as_bytes(), bad].concat(), MALFORMED)]);
    }
    let utf16: Vec<u8> = payload(&[]).encode_utf16().flat_map(u16::to_le_bytes).collect();
    check_payloads([(utf16, MALFORMED)]);
}

#[test]
fn attack_22_rejects_other_token_types_and_nested_tokens() {
    const WRONG: &str = "401 wrong_type";
    check_headers([
        (r#"{"alg":"HS256"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"JWT"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"jwt"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"Jwt"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"application/jwt"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"at+jwt"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"AT+JWT"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"application/at+jwt"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"Application/AT+JWT"}"#, ADMITTED),
        (r#"{"alg":"HS256","typ":"logout+jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"dpop+jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"id_token"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"id+jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"secevent+jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"portcullis-proof+jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"application/portcullis-proof+jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"JOSE"}"#, WRONG),
        (r#"{"alg":"HS256","typ":""}"#, WRONG),
        (r#"{"alg":"HS256","typ":"JWT "}"#, WRONG),
        (r#"{"alg":"HS256","typ":"text/jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"application/application/jwt"}"#, WRONG),
        (r#"{"alg":"HS256","typ":"application/jwt; charset=utf-8"}"#, WRONG),
        (r#"{"alg":"HS256","typ":1}"#, MALFORMED),
        (r#"{"alg":"HS256","typ":null}"#, MALFORMED),
        (r#"{"alg":"HS256","typ":["JWT"]}"#, MALFORMED),
        // RFC 7519 section 5.2: `cty` announces a nested token, which the gate does not support.
        (r#"{"alg":"HS256","cty":"JWT"}"#, WRONG),
        (r#"{"alg":"HS256","cty":"jwt"}"#, WRONG),
        (r#"{"alg":"HS256","cty":"application/jwt"}"#, WRONG),
        (r#"{"alg":"HS256","cty":"text/plain"}"#, ADMITTED),
        (r#"{"alg":"HS256","cty":1}"#, MALFORMED),
    ]);
}

#[test]
fn attack_22_accepts_only_the_types_that_the_policy_lists() {
    let gate = |types: Value| Gate::new(&policy(with(rs_issuer(), json!({ "types": types }))));
    let verdicts = |gate: Gate| {
        [
            "",
            r#","typ":"JWT""#,
            r#","typ":"at+jwt""#,
            r#","typ":"application/AT+jwt""#,
            r#","typ":"x+jwt""#,
        ]
        .map(|typ| {
            let header = format!(r#"{{"alg":"RS256"{typ}}}"#);
            gate.token(&Signer::rs256().token(header, payload(&[]))) == ADMITTED
        })
    };
    assert_eq!(verdicts(gate(json!(["at+jwt"]))), [false, false, true, true, false]);
    assert_eq!(verdicts(gate(json!(["application/AT+JWT"]))), [false, false, true, true, false]);
    assert_eq!(verdicts(gate(json!(["JWT", "x+jwt"]))), [false, true, false, false, true]);
}
