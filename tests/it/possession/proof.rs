//! Proofs, by the numbers of RFC 9449 section 4.3.

use super::{
    Proof, ath, call, gate, gate_with, jkt, jwk, key, other_key, proved, token, token_with,
};
use crate::kit::{Call, NOW, b64, keys, table};
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const INVALID: &str = "401 invalid_proof";

/// Checks that the gate accepts the base proof, and rejects each of these. Each has a gate of its
/// own, so that none is rejected as a replay of another.
fn rejects(rows: impl IntoIterator<Item = (&'static str, String)>) {
    assert_eq!(gate().verdict(&proved(&Proof::new().text())), "200");
    let mut names = Vec::new();
    let rows = rows.into_iter().map(|row| {
        assert!(!names.contains(&row.0), "two cases are named {}", row.0);
        names.push(row.0);
        (row, INVALID)
    });
    let rows: Vec<_> = rows.collect();
    table(rows, |(_, proof)| gate().verdict(&proved(proof)));
}

fn p() -> Proof {
    Proof::new()
}

#[test]
fn rfc9449_section_4_3_number_1_one_header() {
    let (one, two) = (p().text(), p().claim("jti", "other").text());
    table(
        [
            ((call(&token())), "401 missing_proof"),
            (proved(&one).header("DPoP", &one), INVALID),
            (proved(&one).header("dpop", &two), INVALID),
            (proved(&format!("{one}, {two}")), INVALID),
            (proved(&format!("{one},{one}")), INVALID),
            (proved(&format!("{one},")), INVALID),
            (proved(""), INVALID),
            (call(&token()).header("dpop", &one), "200"),
        ],
        |call| gate().verdict(call),
    );
}

#[test]
fn rfc9449_section_4_3_number_2_a_well_formed_jwt() {
    let good = p().text();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three segments") };
    let (header_json, claims_json) = (json!(p().header).to_string(), json!(p().claims).to_string());
    let raw = |header: &str, claims: &str| p().raw(header, claims);
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    let jti = "x".repeat(4096);
    rejects([
        ("no dots", header.to_owned()),
        ("one segment and a dot", format!("{header}.")),
        ("two segments", format!("{header}.{claims}")),
        ("four segments", format!("{good}.{signature}")),
        ("five segments", format!("{good}.{claims}.{signature}")),
        ("an empty header", format!(".{claims}.{signature}")),
        ("an empty payload", format!("{header}..{signature}")),
        ("an empty signature", format!("{header}.{claims}.")),
        ("padding", format!("{header}.{claims}.{signature}==")),
        ("a space before it", format!(" {good}x")),
        ("a space in it", format!("{header}. {claims}.{signature}")),
        ("a tab in it", format!("{header}.\t{claims}.{signature}")),
        ("quotes around it", format!("\"{good}\"")),
        ("a scheme before it", format!("DPoP {good}")),
        ("plain base64", good.replace('-', "+").replace('_', "/") + "+"),
        ("a segment that is not canonical", format!("{header}.{claims}.{}B", &signature[..85])),
        ("JSON serialization", json!({ "payload": claims, "signature": signature }).to_string()),
        ("an array as header", raw("[]", &claims_json)),
        ("a string as header", raw("\"x\"", &claims_json)),
        ("an array as payload", raw(&header_json, "[]")),
        ("a number as payload", raw(&header_json, "1")),
        ("no JSON as payload", raw(&header_json, "x")),
        ("a payload with a byte order mark", raw(&header_json, &format!("\u{feff}{claims_json}"))),
        ("a payload with bytes after it", raw(&header_json, &format!("{claims_json} x"))),
        ("a claim twice", raw(&header_json, &claims_json.replacen('{', r#"{"htm":"GET","#, 1))),
        (
            "a claim twice, with another value first",
            raw(&header_json, &claims_json.replacen('{', r#"{"htm":"PUT","#, 1)),
        ),
        (
            "a header's member twice",
            raw(&header_json.replacen('{', r#"{"alg":"ES256","#, 1), &claims_json),
        ),
        ("jwk twice", raw(&header_json.replacen('{', r#"{"jwk":{},"#, 1), &claims_json)),
        ("deep nesting in the payload", raw(&header_json, &deep)),
        ("deep nesting in the header", raw(&deep, &claims_json)),
        ("more than 4 KiB", p().claim("more", jti).text()),
        ("crit", p().header("crit", json!(["b64"])).text()),
        ("an empty crit", p().header("crit", json!([])).text()),
        ("b64", p().header("b64", false).text()),
    ]);
    let mut not_utf8 = claims_json.into_bytes();
    not_utf8.splice(1..1, *b"\"a\":\"\xff\",");
    rejects([("a payload that is not UTF-8", p().raw(&header_json, &not_utf8))]);
}

#[test]
fn rfc9449_section_4_3_number_3_the_required_claims() {
    let texts = |name: &'static str| {
        [
            (json!(17), "a number"),
            (json!(null), "null"),
            (json!(true), "true"),
            (json!(["x"]), "an array"),
            (json!({}), "an object"),
        ]
        .map(|(value, kind)| (&*format!("{name} as {kind}").leak(), p().claim(name, value).text()))
    };
    for name in ["jti", "htm", "htu", "ath"] {
        rejects(texts(name));
        rejects([("absent", p().without(name).text()), ("empty", p().claim(name, "").text())]);
    }
    rejects([
        ("no iat", p().without("iat").text()),
        ("iat as a string", p().claim("iat", NOW.to_string()).text()),
        ("iat as null", p().claim("iat", Value::Null).text()),
        ("iat as an array", p().claim("iat", json!([NOW])).text()),
        ("iat as true", p().claim("iat", true).text()),
        ("iat beyond every clock", p().claim("iat", 1e300).text()),
        ("no claims", p().raw(json!(p().header).to_string(), "{}")),
        ("a jti of 129 bytes", p().claim("jti", "x".repeat(129)).text()),
        ("a jti of 129 bytes in UTF-8", p().claim("jti", "é".repeat(65)).text()),
    ]);
    for id in ["x".to_owned(), "x".repeat(128), "é".repeat(64), "\u{0}, \"".to_owned()] {
        assert_eq!(gate().verdict(&proved(&p().claim("jti", id).text())), "200");
    }
}

#[test]
fn rfc9449_section_4_3_number_4_the_type() {
    rejects([
        ("no typ", p().without_header("typ").text()),
        ("an empty typ", p().header("typ", "").text()),
        ("JWT", p().header("typ", "JWT").text()),
        ("at+jwt", p().header("typ", "at+jwt").text()),
        ("dpop", p().header("typ", "dpop").text()),
        ("a longer type", p().header("typ", "dpop+jwt+x").text()),
        ("a space after the type", p().header("typ", "dpop+jwt ").text()),
        ("another top-level type", p().header("typ", "text/dpop+jwt").text()),
        ("the gate's own proofs", p().header("typ", "portcullis-proof+jwt").text()),
        ("typ as a number", p().header("typ", 1).text()),
        ("typ as null", p().header("typ", Value::Null).text()),
        ("typ as an array", p().header("typ", json!(["dpop+jwt"])).text()),
    ]);
    // RFC 7515 section 4.1.9: a media type in any case, with or without `application/`.
    for kind in ["application/dpop+jwt", "DPoP+JWT"] {
        assert_eq!(gate().verdict(&proved(&p().header("typ", kind).text())), "200", "{kind}");
    }
}

#[test]
fn rfc9449_section_4_3_number_5_the_algorithm() {
    let unsigned = |alg: &str| {
        let header = json!(p().header("alg", alg).header).to_string();
        format!("{}.{}.AA", b64(header), b64(json!(p().claims).to_string()))
    };
    let hmac = {
        let header = json!(p().header("alg", "HS256").header).to_string();
        let jwk = jwk(&key()).to_string();
        crate::kit::Signer::hmac(256, jwk).token(header, json!(p().claims).to_string())
    };
    rejects([
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("no alg", p().without_header("alg").text()),
        ("an empty alg", p().header("alg", "").text()),
        ("alg as a number", p().header("alg", 7).text()),
        ("alg as an array", p().header("alg", json!(["ES256"])).text()),
        ("lower case", p().header("alg", "es256").text()),
        ("HS256", hmac),
        ("RS256", p().header("alg", "RS256").text()),
        ("PS256", p().header("alg", "PS256").text()),
        ("ES384", p().header("alg", "ES384").text()),
        ("ES256K", p().header("alg", "ES256K").text()),
        ("Ed25519, which the policy does not list", p().header("alg", "Ed25519").text()),
        ("EdDSA with a P-256 key", p().header("alg", "EdDSA").text()),
        ("an unknown algorithm", p().header("alg", "ES257").text()),
    ]);
}

#[test]
fn rfc9449_section_4_3_number_6_the_signature() {
    let good = p().text();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let with = |signature: &[u8]| format!("{input}.{}", b64(signature));
    let genuine: p256::ecdsa::Signature = key().sign(input.as_bytes());
    let bytes = genuine.to_bytes();
    let mut changed = bytes;
    changed[40] ^= 1;
    let other: p256::ecdsa::Signature = key().sign(b"other");
    rejects([
        ("another key's signature", p().signed_with(other_key()).text()),
        ("another key in the header", p().header("jwk", jwk(&other_key())).text()),
        ("a changed bit", with(&changed)),
        ("a signature of something else", with(&other.to_bytes())),
        ("DER", with(genuine.to_der().as_bytes())),
        ("one byte less", with(&bytes[..63])),
        ("one byte more", with(&[&bytes[..], &[0]].concat())),
        ("r and s are zero", with(&[0; 64])),
        ("all ones", with(&[255; 64])),
        ("r and s exchanged", with(&[&bytes[32..], &bytes[..32]].concat())),
        (
            "other claims",
            format!(
                "{}.{}.{signature}",
                input.split('.').next().unwrap(),
                b64(json!(p().claim("htm", "PUT").claims).to_string())
            ),
        ),
    ]);
}

#[test]
fn rfc9449_section_4_3_number_6_the_key() {
    let short = b64([1; 31]);
    let bad = |name: &str, value: Value| p().jwk(name, value).text();
    let x = jwk(&key())["x"].as_str().unwrap().to_owned();
    rejects([
        ("no jwk", p().without_header("jwk").text()),
        ("jwk as null", p().header("jwk", Value::Null).text()),
        ("jwk as a string", p().header("jwk", jwk(&key()).to_string()).text()),
        ("jwk as an array", p().header("jwk", json!([jwk(&key())])).text()),
        ("a JWK Set", p().header("jwk", json!({ "keys": [jwk(&key())] })).text()),
        ("an empty jwk", p().header("jwk", json!({})).text()),
        ("only a kid", p().without_header("jwk").header("kid", jkt(&jwk(&key()))).text()),
        ("only a jku", p().without_header("jwk").header("jku", "https://evil.example").text()),
        ("only an x5c", p().without_header("jwk").header("x5c", json!(["AAAA"])).text()),
        ("no kty", bad("kty", Value::Null)),
        ("kty in lower case", bad("kty", json!("ec"))),
        ("kty as a number", bad("kty", json!(2))),
        ("an unknown kty", bad("kty", json!("XX"))),
        ("kty oct", p().header("jwk", json!({ "kty": "oct" })).text()),
        ("kty OKP with EC members", bad("kty", json!("OKP"))),
        ("kty RSA with EC members", bad("kty", json!("RSA"))),
        ("no crv", bad("crv", Value::Null)),
        ("another curve", bad("crv", json!("P-384"))),
        ("an unknown curve", bad("crv", json!("P-257"))),
        ("the curve in lower case", bad("crv", json!("p-256"))),
        ("no x", bad("x", Value::Null)),
        ("no y", bad("y", Value::Null)),
        ("x as a number", bad("x", json!(1))),
        ("a short x", bad("x", json!(short))),
        ("a long x", bad("x", json!(b64([1; 33])))),
        ("x and y exchanged", p().jwk("x", jwk(&key())["y"].clone()).jwk("y", x.clone()).text()),
        ("a point off the curve", bad("y", json!(b64([1; 32])))),
        ("the point zero", p().jwk("x", b64([0; 32])).jwk("y", b64([0; 32])).text()),
        ("padded coordinates", bad("x", json!(format!("{x}=")))),
        ("an RSA key of 1024 bits", {
            let jwk = json!({ "kty": "RSA", "e": "AQAB", "n": b64([0xc1; 128]) });
            p().header("alg", "RS256").header("jwk", jwk).text()
        }),
        ("an Ed25519 key of small order", {
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64([0; 32]) });
            p().header("alg", "EdDSA").header("jwk", jwk).text()
        }),
        ("an Ed448 key", {
            let jwk = json!({ "kty": "OKP", "crv": "Ed448", "x": b64([1; 57]) });
            p().header("alg", "EdDSA").header("jwk", jwk).text()
        }),
        ("a key for encryption", bad("use", json!("enc"))),
        ("use as a number", bad("use", json!(1))),
        ("a key for signing only", bad("key_ops", json!(["sign"]))),
        ("a key for another algorithm", bad("alg", json!("ES384"))),
        ("alg of the key as a number", bad("alg", json!(1))),
    ]);
    for (name, value) in [
        ("use", json!("sig")),
        ("alg", json!("ES256")),
        ("key_ops", json!(["verify"])),
        ("kid", json!("k")),
    ] {
        assert_eq!(gate().verdict(&proved(&bad(name, value))), "200", "{name}");
    }
}

#[test]
fn rfc9449_section_4_3_number_7_no_private_key() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        rejects([
            ("a private member", p().jwk(name, b64([1; 32])).text()),
            ("an empty private member", p().jwk(name, "").text()),
            ("a private member of another type", p().jwk(name, json!([])).text()),
        ]);
    }
    let private = json!({ "kty": "oct", "k": b64(keys::SECRET) });
    let header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": private }).to_string();
    let proof = crate::kit::Signer::hs256().token(header, json!(p().claims).to_string());
    rejects([("a shared secret", proof)]);
}

#[test]
fn rfc9449_section_4_3_number_8_the_method() {
    let methods = ["POST", "HEAD", "OPTIONS", "get", "Get", "GET ", " GET", "GE", "GETS", "*"];
    for method in methods {
        rejects([("another method", p().claim("htm", method).text())]);
    }
    let gate = gate();
    let call = |method: &str, htm: &str| {
        let proof = p().claim("htm", htm).claim("jti", format!("{method} {htm}")).text();
        let call = Call::new(method, "/api").header("DPoP", &proof);
        call.header("Authorization", &format!("DPoP {}", token()))
    };
    assert_eq!(gate.verdict(&call("POST", "POST")), "200");
    assert_eq!(gate.verdict(&call("POST", "GET")), INVALID);
    assert_eq!(gate.verdict(&call("HEAD", "HEAD")), "200");
    assert_eq!(gate.verdict(&call("HEAD", "GET")), INVALID);
}

#[test]
fn rfc9449_section_4_3_number_9_the_url() {
    let urls = [
        "https://gate.example/",
        "https://gate.example/api/",
        "https://gate.example/API",
        "https://gate.example/api/x",
        "https://gate.example/ap",
        "https://gate.example/api/../admin",
        "https://gate.example/%2Fapi",
        "https://gate.example/api%00",
        "http://gate.example/api",
        "https://gate.example:8443/api",
        "https://gate.example.evil/api",
        "https://evil.example/api",
        "https://evil.gate.example/api",
        "https://user@gate.example/api",
        "https://gate.example@evil.example/api",
        "https://gate.example\\@evil.example/api",
        "//gate.example/api",
        "/api",
        "api",
        "https://gate.example",
        "https:gate.example/api",
        " https://gate.example/api",
        "https://gate.example/api ",
        "wss://gate.example/api",
        "file:///api",
    ];
    for url in urls {
        rejects([("another URL", p().claim("htu", url).text())]);
    }
    for url in [
        "https://gate.example/api?page=1",
        "https://gate.example/api#top",
        "HTTPS://GATE.EXAMPLE:443/%61pi",
        "https://gate.example/x/../api",
    ] {
        assert_eq!(gate().verdict(&proved(&p().claim("htu", url).text())), "200", "{url}");
    }
}

/// The host that a proxy claims in a header is not the host that the client used.
#[test]
fn rfc9449_section_4_3_number_9_ignores_the_headers_of_proxies() {
    for header in ["X-Forwarded-Host", "X-Original-Host", "Forwarded", "Host", "X-Host"] {
        let proof = p().claim("htu", "https://proxy.example/api").text();
        let call = proved(&proof).header(header, "proxy.example");
        assert_eq!(gate().verdict(&call), INVALID, "{header}");
    }
}

#[test]
fn rfc9449_section_4_3_number_11_the_time() {
    let far = [-61, -62, -3600, 61, 62, 3600, -NOW, 7_200_000_000];
    for offset in far {
        rejects([("another time", p().claim("iat", NOW + offset).text())]);
    }
    rejects([
        ("milliseconds", p().claim("iat", NOW * 1000).text()),
        ("a fraction beyond the window", p().claim("iat", 1_800_000_060.5).text()),
        ("a negative time", p().claim("iat", -NOW).text()),
        ("zero", p().claim("iat", 0).text()),
    ]);
    for offset in [-60, -1, 1, 60] {
        let proof = p().claim("iat", NOW + offset).text();
        assert_eq!(gate().verdict(&proved(&proof)), "200", "{offset}");
    }
    let longer = gate_with(json!({ "dpop": { "max_age": 300 } }));
    for (offset, verdict) in [(-300, "200"), (300, "200"), (-301, INVALID), (301, INVALID)] {
        let proof = p().claim("iat", NOW + offset).claim("jti", offset.to_string()).text();
        assert_eq!(longer.verdict(&proved(&proof)), verdict, "{offset}");
    }
}

#[test]
fn rfc9449_section_4_3_number_12_the_access_token() {
    let (token, own) = (token(), ath(&token()));
    rejects([
        ("the hash of another token", p().claim("ath", ath("other")).text()),
        ("the hash with padding", p().claim("ath", format!("{own}=")).text()),
        ("a shorter hash", p().claim("ath", &own[..42]).text()),
        ("a longer hash", p().claim("ath", format!("{own}A")).text()),
        ("the token itself", p().claim("ath", token.clone()).text()),
        ("the hash of the header's value", p().claim("ath", ath(&format!("DPoP {token}"))).text()),
        ("the hash in another case", p().claim("ath", own.to_uppercase()).text()),
        ("another key's proof", Proof::of(&other_key(), &token).text()),
    ]);
}

/// A proof for a token that is bound to another key does not even occupy the replay memory.
#[test]
fn attack_40_a_stolen_token_with_the_thiefs_own_proof_is_rejected() {
    let gate = gate();
    let stolen = token_with(&json!({ "jkt": jkt(&jwk(&other_key())) }));
    let proof = Proof::of(&key(), &stolen).text();
    assert_eq!(gate.verdict(&call(&stolen).header("DPoP", &proof)), INVALID);
    // The `jti` was not recorded, so the rightful client can use the same.
    let proof = Proof::of(&other_key(), &stolen).text();
    assert_eq!(gate.verdict(&call(&stolen).header("DPoP", &proof)), "200");
}

#[test]
fn attack_41_a_proof_is_no_token_and_a_token_is_no_proof() {
    let proof = p().text();
    assert_ne!(gate().verdict(&call(&proof).header("DPoP", &proof)), "200");
    assert_eq!(gate().verdict(&proved(&token())), INVALID);
}

#[test]
fn rfc9449_section_4_2_a_key_of_ed25519_proves_possession_too() {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(&[0x5e; 32]);
    let x = b64(key.verifying_key().as_bytes());
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let token = token_with(&json!({ "jkt": ath(&members) }));
    let jwk: Value = serde_json::from_str(&members).unwrap();
    let proof = Proof::of(&super::key(), &token).header("alg", "EdDSA").header("jwk", jwk);
    let input = format!(
        "{}.{}",
        b64(json!(proof.header).to_string()),
        b64(json!(proof.claims).to_string())
    );
    let text = format!("{input}.{}", b64(key.sign(input.as_bytes()).to_bytes()));
    assert_eq!(gate().verdict(&call(&token).header("DPoP", &text)), "200");
    let es256_only = gate_with(json!({ "dpop": { "algorithms": ["ES256"] } }));
    assert_eq!(es256_only.verdict(&call(&token).header("DPoP", &text)), INVALID);
}

/// Both are at their limits.
#[test]
fn a_token_of_16_kib_with_a_proof_of_4_kib_is_accepted() {
    let cnf = json!({ "jkt": jkt(&jwk(&key())) }).to_string();
    let sign = |length: usize| {
        let more = format!("\"{}\"", "x".repeat(length));
        crate::kit::Signer::hs256().signed(crate::kit::payload(&[("cnf", &cnf), ("more", &more)]))
    };
    let token = sign(12_000);
    let token = sign(12_000 + (16_384 - token.len()) * 3 / 4);
    assert!((16_380..=16_384).contains(&token.len()), "{}", token.len());
    let fill = |length: usize| Proof::of(&key(), &token).claim("more", "x".repeat(length)).text();
    let proof = fill((4096 - fill(0).len()) * 3 / 4);
    assert!((4090..=4096).contains(&proof.len()), "{}", proof.len());
    assert_eq!(gate().verdict(&call(&token).header("DPoP", &proof)), "200");
}
