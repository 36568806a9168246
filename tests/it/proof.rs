//! The hop proof, which shows that a request came through the gate.

use crate::kit::{
    Call, Gate, Held, Signer, b64, faults, hs_issuer, keys, now, payload, policy, table, with,
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HOP_SECRET: &str = "what-the-gate-and-its-origin-share-and-nobody-else";

fn held() -> Held {
    Held::usual().value("HOP_SECRET", HOP_SECRET).value("SHORT", "a".repeat(31) + "b")
}

fn raw(proof: Value) -> Value {
    let forward = json!({ "claims": { "X-Subject": "/sub" }, "proof": proof });
    let mut raw = with(policy(hs_issuer()), json!({ "forward": forward }));
    raw["routes"] = json!([
        { "path": "/*" },
        { "path": "/optional", "access": "optional" },
        { "path": "/public", "access": "public" },
    ]);
    raw
}

/// Returns the name of the proof's header in the request, and the JOSE header and the claims of the
/// proof. Checks the signature with other code than the gate's.
fn proven(raw: &Value, call: &Call) -> (String, Value, Value) {
    let gate = Gate::bound(raw, &held());
    let outgoing = gate.outgoing(call);
    let (name, token) = outgoing.proof(&outgoing.url, &call.method, now).unwrap();
    let (message, tag) = token.rsplit_once('.').unwrap();
    assert_eq!(tag, b64(Signer::hmac(256, HOP_SECRET).sign(message)));
    let (header, claims) = message.split_once('.').unwrap();
    let decoded =
        |segment| serde_json::from_slice(&Base64UrlUnpadded::decode_vec(segment).unwrap()).unwrap();
    assert!(outgoing.conceals(name));
    (name.to_owned(), decoded(header), decoded(claims))
}

fn usual() -> Value {
    json!({ "secret": "HOP_SECRET" })
}

fn good() -> String {
    Signer::hs256().signed(payload(&[]))
}

#[test]
fn states_the_subject_the_request_and_the_time() {
    let call = Call::new("POST", "/a/b?c=%2Fd&e").bearer(&good());
    let (name, header, claims) = proven(&raw(usual()), &call);
    assert_eq!(name, "X-Portcullis-Proof");
    assert_eq!(header, json!({ "alg": "HS256", "typ": "portcullis-proof+jwt" }));
    let expected = json!({
        "iss": "portcullis",
        "aud": "https://origin.example",
        "sub": "u",
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
        "htm": "POST",
        "htu": "https://origin.example/a/b?c=%2Fd&e",
    });
    assert_eq!(claims, expected);
    let other = json!({ "secret": "HOP_SECRET", "header": "X-Hop", "lifetime": 300 });
    let (name, _, claims) = proven(&raw(other), &call);
    assert_eq!((name.as_str(), &claims["exp"]), ("X-Hop", &json!(1_800_000_300)));
}

#[test]
fn omits_the_subject_of_requests_without_one() {
    let nameless = Signer::hs256().signed(payload(&[("sub", "")]));
    let calls = [
        Call::get("/optional"),
        Call::get("/public").bearer(&good()),
        Call::get("/").bearer(&nameless),
    ];
    for call in calls {
        let (_, _, claims) = proven(&raw(usual()), &call);
        assert_eq!(claims.get("sub"), None);
        assert_eq!(claims["htm"], "GET");
    }
    let odd = Signer::hs256().signed(payload(&[("sub", r#""\r\n日本\" ""#)]));
    let (_, _, claims) = proven(&raw(usual()), &Call::get("/").bearer(&odd));
    assert_eq!(claims["sub"], "\r\n日本\" ");
}

#[test]
fn the_audience_is_the_origin() {
    let rows = [
        ("https://Api.example:8443/", "https://api.example:8443"),
        ("service:API", "service:API"),
        ("zone", "https://gate.example"),
        ("echo", "echo"),
    ];
    table(rows, |origin| {
        let raw = with(raw(usual()), json!({ "origin": origin }));
        proven(&raw, &Call::get("/public")).2["aud"].as_str().unwrap().to_owned()
    });
}

#[test]
fn attack_31_removes_the_header_from_incoming_requests() {
    let gate = Gate::bound(&raw(usual()), &held());
    for path in ["/public", "/optional", "/"] {
        for name in ["X-Portcullis-Proof", "x_portcullis_proof", "X.Portcullis-PROOF"] {
            let call = Call::get(path).header(name, "forged").bearer(&good());
            assert_eq!(gate.ask(&call).unwrap().removed, [name]);
        }
    }
}

/// A proof is rejected even if it is signed with the secret of an issuer.
#[test]
fn attack_22_rejects_a_proof_as_an_access_token() {
    let header = r#"{"alg":"HS256","typ":"portcullis-proof+jwt"}"#;
    assert_eq!(Gate::hs().token(&Signer::hs256().token(header, payload(&[]))), "401 wrong_type");
}

fn check(proof: Value, expected: &[(&str, &str)]) {
    let found = faults(&raw(proof.clone()), &held());
    let shown: Vec<_> = found.iter().map(|fault| format!("{}: {fault}", fault.path)).collect();
    assert_eq!(found.len(), expected.len(), "{proof}: {shown:?}");
    for (fault, (path, problem)) in found.iter().zip(expected) {
        assert_eq!(&fault.path, path, "{proof}");
        assert!(fault.problem.contains(problem), "{proof}: {fault}");
        assert!(!fault.remedy.is_empty() && !fault.to_string().contains(HOP_SECRET));
    }
}

#[test]
fn reports_faults_of_a_proof() {
    let secret = "forward.proof.secret";
    check(usual(), &[]);
    check(json!({}), &[(secret, "missing")]);
    check(json!({ "secret": "NOWHERE" }), &[(secret, "there is no binding NOWHERE")]);
    check(json!({ "secret": 1 }), &[(secret, "a number")]);
    check(json!({ "secret": "PEM" }), &[(secret, "PEM")]);
    check(json!({ "secret": "HOP_SECRET", "encoding": "hex" }), &[(secret, "not valid hex")]);
    for lifetime in [json!(0), json!(301), json!("60")] {
        let proof = json!({ "secret": "HOP_SECRET", "lifetime": lifetime });
        check(proof, &[("forward.proof.lifetime", "not a whole number of seconds")]);
    }
    for (header, problem) in [
        ("X Proof", "not a header name"),
        ("Authorization", "already has a meaning"),
        ("x_subject", "in spellings that servers may not distinguish"),
    ] {
        let proof = json!({ "secret": "HOP_SECRET", "header": header });
        check(proof, &[("forward.proof.header", problem)]);
    }
    check(
        json!({ "secret": "HOP_SECRET", "headr": "X" }),
        &[("forward.proof.headr", "unknown key")],
    );
    let short = Held::usual().value("HOP_SECRET", "not quite thirty-two bytes long");
    let found = faults(&raw(usual()), &short);
    assert!(found[0].problem.contains("needs at least 32"), "{found:?}");
}

/// Secrets are compared by value, regardless of the names of their bindings.
#[test]
fn rejects_the_secret_of_an_issuer() {
    let problem = "the policy uses the same secret for something else";
    check(json!({ "secret": "SECRET" }), &[("forward.proof.secret", problem)]);
    let same = held().value("HOP_SECRET", keys::SECRET);
    assert_eq!(faults(&raw(usual()), &same).len(), 1);
    // The same secret in another encoding, or in a key set.
    let set = json!({ "keys": [keys::oct_jwk(keys::SECRET.as_bytes())] });
    let mut by_set = raw(json!({ "secret": "HEX", "encoding": "hex" }));
    by_set["issuers"][0]["keys"] = json!({ "jwks": "SET" });
    let hex: String = keys::SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bindings = held().value("HEX", hex).value("SET", set.to_string());
    let found = faults(&by_set, &bindings);
    assert!(found.len() == 1 && found[0].problem.contains(problem), "{found:?}");
    // HMAC pads a short key with zero bytes, so these two are the same key.
    let padded: String = HOP_SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bindings = held().value("PADDED", padded + "00");
    let mut padded = raw(usual());
    padded["issuers"][0]["keys"] = json!({ "secret": "PADDED", "encoding": "hex" });
    let found = faults(&padded, &bindings);
    assert!(found.len() == 1 && found[0].problem.contains(problem), "{found:?}");
}
