//! Which tokens are sent to the endpoint, and how.

use super::{Asking, OPAQUE, at, bindings, both, gate, opaque_issuer, opaque_issuer_with};
use crate::kit::{Call, Gate, NOW, Signer, hs_issuer, keys, payload, policy, table, with};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::introspection::{Fresh, HttpRequest};
use portcullis::signature::verify;
use portcullis::signing::SigningKey;
use portcullis::token::Unverified;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn request_for(changes: Value, token: &str) -> HttpRequest {
    let gate = gate(opaque_issuer_with(changes));
    let introspection = gate.policy.issuers()[0].introspection().unwrap();
    introspection.request("https://i/introspect", token, Fresh { now: at(0), id: "a-random-id" })
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    request.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

#[test]
fn rfc7662_section_2_1_sends_a_form_with_the_token_and_a_hint() {
    let request = request_for(json!({}), OPAQUE);
    assert_eq!(request.body, "token=mF_9.B5f-4.1JqM&token_type_hint=access_token");
    assert_eq!(header(&request, "Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(header(&request, "Accept"), Some("application/json"));
}

/// The ID and the secret are form-encoded before they are joined by a colon.
#[test]
fn rfc6749_section_2_3_1_authenticates_with_basic() {
    let request = request_for(json!({ "client_id": "ga:te" }), OPAQUE);
    // ga%3Ate:s3cret%3A%20100%25%20%2B%20%C3%BC
    let expected = "Basic Z2ElM0F0ZTpzM2NyZXQlM0ElMjAxMDAlMjUlMjAlMkIlMjAlQzMlQkM=";
    assert_eq!(header(&request, "Authorization"), Some(expected));
    assert!(!request.body.contains("client"));
}

#[test]
fn rfc6749_section_2_3_1_authenticates_with_post() {
    let request = request_for(json!({ "auth": "post", "client_id": "ga&te" }), OPAQUE);
    assert_eq!(
        request.body,
        "token=mF_9.B5f-4.1JqM&token_type_hint=access_token&client_id=ga%26te&\
         client_secret=s3cret%3A%20100%25%20%2B%20%C3%BC"
    );
    assert_eq!(header(&request, "Authorization"), None);
}

/// The assertion verifies under the client's public key, and is for this server and no other.
#[test]
fn rfc7523_section_3_authenticates_with_private_key_jwt() {
    for (binding, private, algorithm) in [
        ("ED25519_PRIVATE", keys::ED25519_PRIVATE, "EdDSA"),
        ("P256_PRIVATE", keys::P256_PRIVATE, "ES256"),
    ] {
        let changes =
            json!({ "client_secret": null, "private_key": binding, "client_id": "ga/te" });
        let request = request_for(changes, OPAQUE);
        assert_eq!(header(&request, "Authorization"), None);
        let (form, assertion) = request.body.split_once("&client_assertion=").unwrap();
        assert_eq!(
            form,
            "token=mF_9.B5f-4.1JqM&token_type_hint=access_token&client_id=ga%2Fte&\
             client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        let key = SigningKey::from_text(private).unwrap();
        assert_eq!(key.algorithm().name(), algorithm);
        assert!(verify(Unverified::parse(assertion).unwrap(), &[key.public()]).is_ok());
        let payload = Base64UrlUnpadded::decode_vec(assertion.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        let expected = json!({
            "iss": "ga/te", "sub": "ga/te", "aud": "https://i", "jti": "a-random-id",
            "iat": NOW, "exp": NOW + 60,
        });
        assert_eq!(claims, expected);
    }
}

/// A policy that does not name exactly one issuer names the endpoint as the audience.
#[test]
fn rfc7523_section_3_the_audience_is_the_endpoint_if_there_is_no_single_issuer() {
    let changes = json!({ "client_secret": null, "private_key": "ED25519_PRIVATE" });
    let issuer = with(opaque_issuer_with(changes), json!({ "issuer": ["https://i", "https://j"] }));
    let gate = gate(issuer);
    let introspection = gate.policy.issuers()[0].introspection().unwrap();
    let fresh = Fresh { now: at(0), id: "x" };
    let body = introspection.request("https://i/introspect", "x", fresh).body;
    let assertion = body.split_once("&client_assertion=").unwrap().1;
    let payload = Base64UrlUnpadded::decode_vec(assertion.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["aud"], "https://i/introspect");
}

/// A b64token may contain `+`, `/`, `~` and `=`, which mean something else in a form.
#[test]
fn attack_introspection_no_character_of_a_token_ends_the_form_field() {
    let request = request_for(json!({}), "a+b/c~d=&token=x\r\nHost: x");
    let field = request.body.strip_suffix("&token_type_hint=access_token").unwrap();
    assert_eq!(field, "token=a%2Bb%2Fc%7Ed%3D%26token%3Dx%0D%0AHost%3A%20x");
}

#[test]
fn a_credential_that_is_no_b64token_is_never_sent() {
    let gate = gate(opaque_issuer());
    for credential in ["a b", "a&b", "a%20b", "é", "a\"b", "", "="] {
        let call = Call::get("/").bearer(credential);
        let verdict = Asking::new(&gate, &call).run(at(0));
        assert_eq!(verdict, "400 malformed_authorization", "{credential:?}");
    }
    let long = "a".repeat(16 * 1024 + 1);
    let call = Call::get("/").bearer(&long);
    assert_eq!(Asking::new(&gate, &call).run(at(0)), "400 token_too_large");
}

/// The gate verifies a credential that looks like a JWS, and introspects every other one.
#[test]
fn only_what_is_no_jws_is_an_opaque_token() {
    let opaque = "needs introspection";
    let jws = Signer::hs256().signed(payload(&[]));
    let header = jws.split('.').next().unwrap();
    let rows = [
        ("x".to_owned(), opaque),
        ("2YotnFZFEjr1zCsicMWpAA".to_owned(), opaque),
        (OPAQUE.to_owned(), opaque),
        ("v2.local.QAxIpVe-ECVNI1z4xQbm_qQYomyT3h8FtV8bxkz8pBJWkT8f7HtlOpbroPDEZUKop_vaglyp76CzYy375cHmKCW8e1CCkV0Lflu4GTDyXMqQdpZMM1E6OaoQW27gaRSvWBrR3IgbFIa0AkuUFw.UGFyYWdvbiBJbml0aWF0aXZlIEVuZ2luZWVyaW5n".to_owned(), opaque),
        ("a.b.c".to_owned(), opaque),
        (format!("{header}.a.b.c.d"), opaque),
        (header.to_owned(), opaque),
        (jws.clone(), "200"),
        (format!("{header}.e30."), "401 malformed_token"),
        (format!("{header}..e30"), "401 malformed_token"),
        // JSON that is not strict, or has white space before it.
        ("eyJhbGciOiJIUzI1NiIsImFsZyI6IkhTMjU2In0.e30.AA".to_owned(), "401 malformed_token"),
        ("ICB7ImFsZyI6IkhTMjU2In0.e30.AA".to_owned(), "401 bad_signature"),
        // A lenient parser reads each of these as the token above.
        (format!("{jws}="), "401 malformed_token"),
        (jws.replacen('.', "=.", 1), "400 malformed_authorization"),
        (format!("~{jws}"), "401 malformed_token"),
    ];
    let gate = gate(both(json!({})));
    table(rows, |token| {
        let call = Call::get("/").bearer(token);
        Asking::new(&gate, &call).run(at(0))
    });
}

#[test]
fn without_introspection_an_opaque_token_is_malformed() {
    assert_eq!(Gate::hs().token(OPAQUE), "401 malformed_token");
}

#[test]
fn an_issuer_without_keys_accepts_no_jwt() {
    let gate = gate(opaque_issuer());
    assert_eq!(gate.token(&Signer::hs256().signed(payload(&[]))), "401 unknown_issuer");
}

/// With `tokens = "all"` and without keys, the endpoint is the only one who can tell.
#[test]
fn an_issuer_without_keys_introspects_its_own_jwts_with_tokens_all() {
    let other = json!({ "name": "j", "issuer": "https://j" });
    let mut raw = policy(opaque_issuer_with(json!({ "tokens": "all" })));
    raw["issuers"].as_array_mut().unwrap().push(with(hs_issuer(), other));
    let gate = Gate::bound(&raw, &bindings());
    let ask = |issuer: &str| {
        let token = Signer::hs256().signed(payload(&[("iss", &format!("{issuer:?}"))]));
        let call = Call::get("/").bearer(&token);
        Asking::new(&gate, &call).run(at(0))
    };
    assert_eq!(ask("https://i"), "needs introspection");
    assert_eq!(ask("https://j"), "200");
    assert_eq!(ask("https://k"), "401 unknown_issuer");
}

/// Nobody can make the gate call the endpoint with a forged, expired or wrong JWT.
#[test]
fn tokens_all_introspects_a_jwt_only_after_its_signature() {
    let gate = gate(both(json!({ "tokens": "all" })));
    let ask = |token: &str| {
        let call = Call::get("/").bearer(token);
        Asking::new(&gate, &call).run(at(0))
    };
    let signed = |changes: &[(&str, &str)]| Signer::hs256().signed(payload(changes));
    assert_eq!(ask(&signed(&[])), "needs introspection");
    assert_eq!(ask(&signed(&[("exp", "1")])), "401 expired");
    let forged = Signer::hmac(256, keys::OTHER_SECRET).signed(payload(&[]));
    assert_eq!(ask(&forged), "401 bad_signature");
    let id_token = Signer::hs256().token(r#"{"alg":"HS256","typ":"id"}"#, payload(&[]));
    assert_eq!(ask(&id_token), "401 wrong_type");
}

#[test]
fn a_route_that_admits_no_introspecting_issuer_sends_nothing() {
    let other = json!({ "name": "j", "issuer": "https://j" });
    let mut raw = policy(opaque_issuer());
    raw["issuers"].as_array_mut().unwrap().push(with(hs_issuer(), other));
    raw["routes"] = json!([{ "path": "/*" }, { "path": "/jwt", "issuers": ["j"] }]);
    let gate = Gate::bound(&raw, &bindings());
    let ask = |path: &str| {
        let call = Call::get(path).bearer(OPAQUE);
        Asking::new(&gate, &call).run(at(0))
    };
    assert_eq!(ask("/"), "needs introspection");
    assert_eq!(ask("/jwt"), "401 malformed_token");
}
