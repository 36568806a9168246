//! The signed identity: what the gate signs for the API, and the key set that it serves.

use crate::kit::{
    Call, Gate, Held, NOW, Signer, answered, assert_faults, faults, hs_issuer, keys, payload,
    policy, rs_issuer, table, warnings, with,
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::gate::{Decision, Evaluation};
use portcullis::keys::jwk::{self, Provenance};
use portcullis::signature;
use portcullis::signing::SigningKey;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const JWKS: &str = "/.well-known/jwks.json";

fn held() -> Held {
    Held::usual()
        .value("NEW", keys::ED25519_PRIVATE)
        .value("OLD", keys::P256_PRIVATE)
        .value("SAME", keys::P256_PRIVATE.replace('\n', "\\n"))
        .value("P384", keys::P384_PRIVATE)
        .value("RSA", keys::RSA_PRIVATE)
}

fn usual() -> Value {
    json!({ "key": "NEW", "issuer": "https://api.example", "audience": "https://internal.example" })
}

fn raw(identity: Value) -> Value {
    let mut raw = with(policy(hs_issuer()), json!({ "forward": { "identity": identity } }));
    raw["routes"] = json!([
        { "path": "/*" },
        { "path": "/optional", "access": "optional" },
        { "path": "/public", "access": "public" },
        { "path": "/admin", "scopes": ["admin"], "mode": "report" },
    ]);
    raw
}

fn gate(changes: Value) -> Gate {
    Gate::bound(&raw(with(usual(), changes)), &held())
}

fn good() -> String {
    Signer::hs256().signed(payload(&[("scope", "\"read write\""), ("client_id", "\"web\"")]))
}

/// Returns the header with the identity in a request at this many seconds after [`NOW`], and its
/// value, or `None` if there is none. `random` fills the bytes of a new `jti`.
fn signed(gate: &Gate, call: &Call, seconds: i64, random: u8) -> Option<(String, String)> {
    let at = UnixSeconds::new(NOW + seconds);
    let decision = Evaluation::new(&gate.policy, call.request()).run(&gate.memory, at).unwrap();
    let Decision::Forward(outgoing) = decision else { panic!("not forwarded: {decision:?}") };
    let (name, value) = outgoing.signed_identity(|| at, || [random; 16])?;
    assert!(!outgoing.is_unchanged() && outgoing.conceals(name));
    Some((name.to_owned(), value.to_string()))
}

/// Returns the JOSE header and the claims of an identity, if it verifies under the key set that the
/// gate serves.
fn verified(gate: &Gate, token: &str) -> (Value, Value) {
    let (message, tag) = token.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let decoded = |segment| Base64UrlUnpadded::decode_vec(segment).unwrap();
    let parsed = |segment| serde_json::from_slice::<Value>(&decoded(segment)).unwrap();
    let header = parsed(header);
    let jwk = served(gate).into_iter().find(|jwk| jwk["kid"] == header["kid"]).unwrap();
    let algorithm = header["alg"].as_str().unwrap();
    let algorithm = portcullis::alg::Algorithm::from_name(algorithm).unwrap();
    let set = jwk::import(jwk.as_object().unwrap(), &[algorithm], Provenance::Network).unwrap();
    assert!(signature::is_valid(algorithm, &set.keys()[0], message.as_bytes(), &decoded(tag)));
    (header, parsed(claims))
}

/// Returns the keys that the gate serves.
fn served(gate: &Gate) -> Vec<Value> {
    let answer = gate.own_response(&Call::get(JWKS)).unwrap();
    let set: Value = serde_json::from_str(&answer.body).unwrap();
    set["keys"].as_array().unwrap().clone()
}

fn id_of(pem: &str) -> String {
    SigningKey::from_text(pem).unwrap().id().to_owned()
}

/// Returns the claims of the identity in a request with this token.
fn claims_of(gate: &Gate, token: &str) -> Value {
    let (_, value) = signed(gate, &Call::get("/").bearer(token), 0, 1).unwrap();
    verified(gate, value.strip_prefix("Bearer ").unwrap()).1
}

#[test]
fn rfc9068_section_2_signs_who_the_caller_is_for_the_api() {
    let gate = gate(json!({}));
    let (name, value) = signed(&gate, &Call::get("/").bearer(&good()), 0, 7).unwrap();
    assert_eq!(name, "Authorization");
    let (header, claims) = verified(&gate, value.strip_prefix("Bearer ").unwrap());
    let id = id_of(keys::ED25519_PRIVATE);
    assert_eq!(header, json!({ "alg": "EdDSA", "kid": id, "typ": "at+jwt" }));
    let expected = json!({
        "iss": "https://api.example",
        "aud": "https://internal.example",
        "iat": NOW,
        "exp": NOW + 300,
        "jti": Base64UrlUnpadded::encode_string(&[7; 16]),
        "sub": "u",
        "scope": "read write",
        "client_id": "web",
    });
    assert_eq!(claims, expected);
}

#[test]
fn signs_with_es256_and_in_a_header_of_its_own() {
    let gate = gate(json!({ "key": "OLD", "header": "X-Identity", "lifetime": 60 }));
    let call = Call::get("/").bearer(&good());
    let (name, token) = signed(&gate, &call, 0, 1).unwrap();
    assert_eq!(name, "X-Identity");
    let (header, claims) = verified(&gate, &token);
    assert_eq!((&header["alg"], &claims["exp"]), (&json!("ES256"), &json!(NOW + 60)));
    // The API still gets the client's token.
    assert_eq!(gate.ask(&call).unwrap().removed, Vec::<String>::new());
}

#[test]
fn copies_claims_with_the_objects_around_them() {
    let claims = json!(["sub", "/realm_access/roles", "/realm_access/x~1y", "/a/b/c", "/gone/x"]);
    let gate = gate(json!({ "claims": claims }));
    let token = Signer::hs256().signed(payload(&[
        ("realm_access", r#"{"roles":["admin",{"n":1}],"x/y":true,"secret":"s"}"#),
        ("a", r#"{"b":[{"c":1}]}"#),
        ("gone", r#"{"x":null}"#),
        ("email", r#""u@example.com""#),
    ]));
    let mut claims = claims_of(&gate, &token);
    for own in ["iss", "aud", "iat", "exp", "jti"] {
        claims.as_object_mut().unwrap().remove(own).unwrap();
    }
    let expected = json!({
        "sub": "u", "realm_access": { "roles": ["admin", { "n": 1 }], "x/y": true },
    });
    assert_eq!(claims, expected);
}

#[test]
fn never_outlives_its_credential() {
    let gate = gate(json!({}));
    for (exp, expected) in [("1800000010", NOW + 10), ("1800000299.5", NOW + 300), ("", NOW + 300)]
    {
        let token = Signer::hs256().signed(payload(&[("exp", exp)]));
        let lenient = json!({ "expiry": "optional" });
        let lenient = with(raw(usual()), json!({ "issuers": [with(hs_issuer(), lenient)] }));
        let gate = if exp.is_empty() { &Gate::bound(&lenient, &held()) } else { &gate };
        assert_eq!(claims_of(gate, &token)["exp"], json!(expected), "{exp}");
    }
}

#[test]
fn is_reused_while_more_than_half_of_its_lifetime_remains() {
    let gate = gate(json!({ "header": "X-Identity" }));
    let call = Call::get("/").bearer(&good());
    let at = |seconds, random| signed(&gate, &call, seconds, random).unwrap().1;
    let first = at(0, 1);
    assert_eq!(at(0, 2), first);
    assert_eq!(at(149, 3), first);
    let second = at(150, 3);
    assert_ne!(second, first);
    assert_eq!(verified(&gate, &second).1["exp"], json!(NOW + 450));
    assert_eq!(at(299, 4), second);
}

#[test]
fn is_reused_to_its_end_if_a_new_one_would_not_be_valid_for_longer() {
    let gate = gate(json!({ "header": "X-Identity" }));
    let token = Signer::hs256().signed(payload(&[("exp", "1800000100")]));
    let call = Call::get("/").bearer(&token);
    let at = |seconds, random| signed(&gate, &call, seconds, random).unwrap().1;
    let first = at(0, 1);
    assert_eq!(at(99, 3), first);
}

#[test]
fn belongs_to_one_credential() {
    let gate = gate(json!({}));
    let token = |jti: &str| Signer::hs256().signed(payload(&[("jti", jti)]));
    let (one, other) = (token("\"1\""), token("\"2\""));
    let ask =
        |token: &str, random| signed(&gate, &Call::get("/").bearer(token), 0, random).unwrap().1;
    for random in [1, 2] {
        ask(&one, random);
        ask(&other, random + 10);
    }
    assert_ne!(ask(&one, 20), ask(&other, 20));
}

#[test]
fn after_a_rotation_the_new_key_signs_and_both_are_published() {
    let call = Call::get("/").bearer(&good());
    let before = gate(json!({ "key": ["OLD", "NEW"], "header": "X-Identity" }));
    let kept = [1, 2].map(|random| signed(&before, &call, 0, random).unwrap().1)[1].clone();
    // The isolate keeps its memory only in this test.
    let changes = json!({ "key": ["NEW", "OLD"], "header": "X-Identity" });
    let after = Gate { memory: before.memory, ..gate(changes) };
    let (_, token) = signed(&after, &call, 0, 3).unwrap();
    assert_eq!(verified(&after, &token).0["kid"], json!(id_of(keys::ED25519_PRIVATE)));
    assert_eq!(verified(&after, &kept).0["kid"], json!(id_of(keys::P256_PRIVATE)));
    let ids: Vec<_> = served(&after).iter().map(|jwk| jwk["kid"].clone()).collect();
    assert_eq!(ids, [id_of(keys::ED25519_PRIVATE), id_of(keys::P256_PRIVATE)]);
}

#[test]
fn anonymous_requests_get_none() {
    for header in ["Authorization", "X-Identity"] {
        let gate = gate(json!({ "header": header }));
        let calls = [
            Call::get("/optional"),
            Call::get("/public").bearer(&good()),
            Call::get("/admin").bearer(&good()),
        ];
        for call in calls {
            assert_eq!(signed(&gate, &call, 0, 1), None, "{call:?}");
        }
    }
}

#[test]
fn attack_31_removes_the_header_from_incoming_requests() {
    let gate = gate(json!({ "header": "X-Identity" }));
    for path in ["/public", "/optional", "/", "/admin"] {
        for name in ["X-Identity", "x_identity", "X.IDENTITY"] {
            let call = Call::get(path).header(name, "forged").bearer(&good());
            assert_eq!(gate.ask(&call).unwrap().removed, [name], "{path}");
        }
    }
}

#[test]
fn an_identity_in_authorization_replaces_the_clients_token_wherever_it_was() {
    let sources = json!({ "sources": ["authorization", { "cookie": "__Host-t" }] });
    let raw = with(raw(usual()), json!({ "token": sources }));
    let gate = Gate::bound(&raw, &held());
    for path in ["/public", "/optional", "/", "/admin"] {
        for name in ["Authorization", "AUTHORIZATION"] {
            let call = Call::get(path).header(name, &format!("Bearer {}", good()));
            assert_eq!(gate.ask(&call).unwrap().removed, [name], "{path}");
        }
    }
    let call = Call::get("/")
        .header("Authorization_", "x")
        .header("cookie", &format!("a=b; __Host-t={}", good()));
    let sent = gate.ask(&call).unwrap();
    assert_eq!(sent.header("Cookie"), Some("a=b"), "{sent:?}");
}

#[test]
fn refuses_claims_that_do_not_fit() {
    let gate = gate(json!({ "claims": ["sub", "big"] }));
    let with_claim = |value: &str| Signer::hs256().signed(payload(&[("big", value)]));
    let text = |bytes| format!("\"{}\"", "x".repeat(bytes));
    let rows = [
        (with_claim(&text(5000)), "200"),
        (with_claim(&text(6000)), "431 claim_too_large"),
        (with_claim("[9007199254740991]"), "200"),
        (with_claim("[9007199254740992]"), "431 claim_too_large"),
    ];
    table(rows, |token| gate.token(token));
    let largest = with_claim(&text(5400));
    let (_, value) = signed(&gate, &Call::get("/").bearer(&largest), 0, 1).unwrap();
    assert!((7500..8192).contains(&value.len()), "{}", value.len());
}

#[test]
fn rfc7517_section_5_serves_the_public_keys() {
    let gate = gate(json!({ "key": ["NEW", "OLD"] }));
    for call in [Call::get(JWKS), Call::new("HEAD", JWKS), Call::get(&format!("{JWKS}?x=y"))] {
        let answer = gate.own_response(&call).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answered(&answer, "Content-Type"), Some("application/json"));
        assert_eq!(answered(&answer, "Cache-Control"), Some("public, max-age=300"));
        assert_eq!(answered(&answer, "Access-Control-Allow-Origin"), Some("*"));
    }
    for jwk in served(&gate) {
        let names: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(["d", "k", "p"].iter().all(|name| !names.contains(name)), "{names:?}");
        assert_eq!((&jwk["use"], jwk["kid"].as_str().unwrap().len()), (&json!("sig"), 43));
    }
    assert_eq!(gate.own_response(&Call::new("OPTIONS", JWKS)).unwrap().status, 204);
    for method in ["POST", "PUT", "DELETE", "get"] {
        let refused = gate.response(&Call::new(method, JWKS));
        assert_eq!(refused.status, 405);
        assert_eq!(answered(&refused, "Allow"), Some("GET, HEAD, OPTIONS"));
    }
}

#[test]
fn serves_the_key_set_below_the_issuers_path_only() {
    let rows = [
        ("https://api.example", JWKS.to_owned()),
        ("https://api.example/", JWKS.to_owned()),
        ("https://api.example/v1", format!("/v1{JWKS}")),
        ("https://api.example/v1/", format!("/v1{JWKS}")),
    ];
    for (issuer, path) in rows {
        let gate = gate(json!({ "issuer": issuer }));
        assert!(gate.own_response(&Call::get(&path)).is_some(), "{issuer}");
        for other in ["/v2/.well-known/jwks.json", "/.well-known/%6awks.json", "//jwks.json"] {
            assert!(gate.own_response(&Call::get(other)).is_none());
        }
        assert_eq!(claims_of_issuer(&gate), issuer);
    }
    assert!(Gate::hs().own_response(&Call::get(JWKS)).is_none());
}

fn claims_of_issuer(gate: &Gate) -> String {
    let (_, value) = signed(gate, &Call::get("/").bearer(&good()), 0, 1).unwrap();
    let payload = value.split('.').nth(1).unwrap();
    let claims = Base64UrlUnpadded::decode_vec(payload).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["iss"].as_str().unwrap().to_owned()
}

fn check(changes: Value, expected: &[(&str, &str)]) {
    assert_faults(&raw(with(usual(), changes)), &held(), expected);
}

#[test]
fn reports_faults_of_an_identity() {
    let at = |key: &str| format!("forward.identity.{key}");
    check(json!({}), &[]);
    check(json!({ "header": "X-Identity", "claims": ["/a/b", "/a/c", "ab"] }), &[]);
    for key in ["key", "issuer", "audience"] {
        check(json!({ key: null }), &[(&at(key), "missing")]);
    }
    check(json!({ "audience": "" }), &[(&at("audience"), "missing")]);
    for (key, problem) in [
        ("NOWHERE", "there is no binding NOWHERE"),
        ("RSA", "neither an Ed25519 key (EdDSA) nor a key on P-256 (ES256)"),
        ("P384", "neither an Ed25519 key (EdDSA) nor a key on P-256 (ES256)"),
        ("SECRET", "it contains no PEM block"),
        ("PEM", "it is not a private key"),
    ] {
        check(json!({ "key": key }), &[(&at("key"), problem)]);
    }
    check(json!({ "key": keys::ED25519_PRIVATE }), &[(&at("key"), "looks like a secret")]);
    check(json!({ "key": ["OLD", "SAME"] }), &[(&at("key[1]"), "listed twice")]);
    check(json!({ "key": ["RSA", "NEW", "P384"] }), &[(&at("key[0]"), ""), (&at("key[2]"), "")]);
    for (issuer, problem) in [
        ("http://api.example", "http"),
        ("api.example", "not a URL"),
        ("https://API.example", "lower case"),
        ("https://api.example/?a", "a query"),
        ("https://api.example/a/../b", "a path that the gate refuses"),
        ("https://i", "an issuer of the policy has the same name"),
    ] {
        check(json!({ "issuer": issuer }), &[(&at("issuer"), problem)]);
    }
    for (header, problem) in [
        ("X Identity", "not a header name"),
        ("Cookie", "already has a meaning"),
        ("Transfer-Encoding", "already has a meaning"),
        ("Cf-Connecting-Ip", "already has a meaning"),
        ("X-Forwarded-Host", "already has a meaning"),
    ] {
        check(json!({ "header": header }), &[(&at("header"), problem)]);
    }
    for lifetime in [59, 3601] {
        check(json!({ "lifetime": lifetime }), &[(&at("lifetime"), "not a whole number")]);
    }
    for (claims, path, problem) in [
        (json!([]), "claims", "an empty list"),
        (json!("sub"), "claims", "a string"),
        (json!(["sub", "iss"]), "claims[1]", "the gate sets this claim"),
        (json!(["/exp"]), "claims[0]", "the gate sets this claim"),
        (json!(["/aud/x"]), "claims[0]", "the gate sets this claim"),
        (json!(["cnf"]), "claims[0]", "the API cannot check it"),
        (json!(["sub", "/sub"]), "claims[1]", "already contains"),
        (json!(["/a/b", "a"]), "claims[1]", "already contains"),
        (json!(["/a/0"]), "claims[0]", "leads into a list"),
        (json!(["/a//b"]), "claims[0]", "a name in it is empty"),
    ] {
        check(json!({ "claims": claims }), &[(&at(path), problem)]);
    }
    check(json!({ "headr": "X" }), &[(&at("headr"), "unknown key")]);
}

#[test]
fn reports_headers_that_conflict_with_the_identity() {
    let conflicts = |forward: Value, path: &str, problem: &str| {
        let forward = with(forward, json!({ "identity": usual() }));
        let raw = with(raw(usual()), json!({ "forward": forward }));
        assert_faults(&raw, &held().value("BASIC", "Basic eA=="), &[(path, problem)]);
    };
    let keep = json!({ "authorization": "keep" });
    conflicts(keep, "forward.authorization", "the identity replaces the token in Authorization");
    let fixed = json!({ "authorization": "strip", "headers": { "Authorization": "BASIC" } });
    conflicts(fixed, "forward.identity.header", "the policy sets Authorization twice");
    let forward = json!({ "authorization": "strip", "identity": usual() });
    let stripped = with(raw(usual()), json!({ "forward": forward }));
    assert!(faults(&stripped, &held()).is_empty());
    let kept =
        json!({ "authorization": "keep", "identity": with(usual(), json!({ "header": "X" })) });
    assert!(faults(&with(raw(usual()), json!({ "forward": kept })), &held()).is_empty());
}

#[test]
fn rejects_a_key_that_an_issuer_also_uses() {
    let public = SigningKey::from_text(keys::P256_PRIVATE).unwrap().public_jwk();
    let public: Value = serde_json::from_str(&public).unwrap();
    for (algorithm, source) in [
        ("ES256", json!({ "jwks": { "keys": [public] } })),
        ("ES256", json!({ "jwks": "PUBLIC" })),
        ("ES256", json!({ "pem": "PUBLIC_PEM" })),
    ] {
        let issuer = with(rs_issuer(), json!({ "algorithms": [algorithm], "keys": source }));
        let identity = with(usual(), json!({ "key": ["NEW", "OLD"] }));
        let raw = with(raw(identity), json!({ "issuers": [issuer] }));
        let held = held()
            .value("PUBLIC", public.clone())
            .value("PUBLIC_PEM", include_str!("keys/p256-private.spki.pem"));
        let problem = "an issuer of the policy has the same key";
        assert_faults(&raw, &held, &[("forward.identity.key[1]", problem)]);
    }
}

#[test]
fn warns_if_the_api_cannot_tell_issuers_apart() {
    let other = with(hs_issuer(), json!({ "name": "o", "issuer": "https://o" }));
    let two = |forward: Value| {
        let raw =
            with(raw(usual()), json!({ "issuers": [hs_issuer(), other], "forward": forward }));
        let found = warnings(&raw, &held()).into_iter().map(|one| one.path);
        found.filter(|path| path.starts_with("forward")).collect::<Vec<_>>()
    };
    assert_eq!(two(json!({ "identity": usual() })), ["forward.identity"]);
    let claims = json!({ "X-Issuer": "iss" });
    assert_eq!(two(json!({ "identity": usual(), "claims": claims })), Vec::<String>::new());
    assert_eq!(two(json!({ "identity": usual(), "payload": "X-P" })), Vec::<String>::new());
    let one = with(raw(usual()), json!({ "forward": { "identity": usual() } }));
    let found = warnings(&one, &held());
    assert!(found.iter().all(|one| !one.path.starts_with("forward")), "{found:?}");
}
