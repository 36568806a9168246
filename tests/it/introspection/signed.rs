//! Signed responses (RFC 9701).

use super::{active, both, gate, response, verdict_on};
use crate::kit::{NOW, Signer, keys, payload, with};
use portcullis::introspection::{Fresh, Response};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(super) const TYPE: &str = "application/token-introspection+jwt";

/// The payload of a signed response, with some members changed.
pub(super) fn signed_claims(changes: Value) -> String {
    let claims = json!({
        "iss": "https://i", "aud": "gate", "iat": NOW, "token_introspection": active(),
    });
    with(claims, changes).to_string()
}

fn signed(signer: &Signer, header: &str, claims: impl AsRef<[u8]>) -> Response {
    response(200, TYPE, signer.token(header, claims))
}

fn verdict(response: &Response) -> String {
    let gate = gate(both(json!({ "signed": true })));
    verdict_on(&gate, response).unwrap_or_else(|failure| failure.problem().to_owned())
}

pub(super) const HEADER: &str = r#"{"alg":"HS256","typ":"token-introspection+jwt"}"#;

#[test]
fn rfc9701_section_5_accepts_a_signed_response() {
    let hs256 = Signer::hs256();
    assert_eq!(verdict(&signed(&hs256, HEADER, signed_claims(json!({})))), "200");
    let several = signed_claims(json!({ "aud": ["other", "gate"] }));
    assert_eq!(verdict(&signed(&hs256, HEADER, several)), "200");
    let inactive = signed_claims(json!({ "token_introspection": { "active": false } }));
    assert_eq!(verdict(&signed(&hs256, HEADER, inactive)), "401 inactive_token");
}

#[test]
fn rfc9701_asks_for_a_signed_response() {
    let gate = gate(both(json!({ "signed": true })));
    let request = gate.policy.issuers()[0].introspection().unwrap();
    let fresh = Fresh { now: super::at(0), id: "x" };
    let request = request.request("https://i/introspect", "x", fresh);
    assert!(request.headers.contains(&("Accept", TYPE.to_owned())));
}

#[test]
fn attack_introspection_rejects_a_signed_response_that_is_not_the_issuers() {
    let attacker = Signer::hmac(256, keys::OTHER_SECRET);
    let claims = || signed_claims(json!({}));
    let forged = verdict(&signed(&attacker, HEADER, claims()));
    assert!(forged.contains("does not verify"), "{forged}");
    let none = response(200, TYPE, format!("{}.{}.", "eyJhbGciOiJub25lIn0", "e30"));
    assert!(verdict(&none).contains("compact JWS"));
    let rs256 =
        signed(&Signer::rs256(), r#"{"alg":"RS256","typ":"token-introspection+jwt"}"#, claims());
    assert!(verdict(&rs256).contains("no key"));
}

/// An access token that the client itself has is no introspection response, even with the right
/// members.
#[test]
fn attack_introspection_rejects_a_token_of_another_type() {
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
    ] {
        let found = verdict(&signed(&Signer::hs256(), header, signed_claims(json!({}))));
        assert!(found.contains("typ"), "{header}: {found}");
    }
}

/// And a signed response is no access token.
#[test]
fn rfc9701_section_8_1_a_signed_response_is_no_access_token() {
    let gate = gate(both(json!({ "signed": true })));
    let token = Signer::hs256().token(HEADER, payload(&[]));
    assert_eq!(gate.token(&token), "401 wrong_type");
}

#[test]
fn attack_introspection_rejects_a_signed_response_for_another_client_or_that_is_old() {
    for changes in [
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "aud": ["other"] }),
        json!({ "iss": "https://j" }),
        json!({ "iss": null }),
        json!({ "iat": null }),
        json!({ "iat": NOW - 11 }),
        json!({ "iat": NOW + 1 }),
        json!({ "iat": "now" }),
    ] {
        let found = verdict(&signed(&Signer::hs256(), HEADER, signed_claims(changes.clone())));
        assert!(found.contains("iss, aud or iat"), "{changes}: {found}");
    }
    for changes in [json!({ "token_introspection": null }), json!({ "token_introspection": [] })] {
        let found = verdict(&signed(&Signer::hs256(), HEADER, signed_claims(changes)));
        assert!(found.contains("token_introspection"), "{found}");
    }
}

#[test]
fn attack_introspection_rejects_json_where_a_signed_response_belongs() {
    let found = verdict(&response(200, "application/json", active().to_string()));
    assert!(found.contains("not a signed one"), "{found}");
    let found = verdict(&response(200, TYPE, active().to_string()));
    assert!(found.contains("compact JWS"), "{found}");
}

/// The keys of an issuer that publishes them are fetched before the response is judged.
#[test]
fn a_signed_response_waits_for_the_keys() {
    let remote = json!({ "algorithms": ["RS256"], "keys": { "jwks_uri": "https://i/keys" } });
    let gate = gate(with(both(json!({ "signed": true })), remote));
    let header = r#"{"alg":"RS256","typ":"token-introspection+jwt"}"#;
    let response = signed(&Signer::rs256(), header, signed_claims(json!({})));
    assert_eq!(verdict_on(&gate, &response), Ok("needs keys".to_owned()));
}
