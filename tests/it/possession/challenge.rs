//! Challenges (RFC 9449 section 7.1), metadata (RFC 9728) and CORS.

use super::{Proof, call, gate, gate_with, held, issuer, proved, token};
use crate::kit::{Call, Gate, Signer, answered, hs_issuer, payload, policy, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ERROR: &str = "error=\"invalid_dpop_proof\", error_description=\"The DPoP proof is missing \
                     or invalid\"";
const INVALID: &str = "error=\"invalid_token\", error_description=\"The access token is invalid\"";
const ALGS: &str = "algs=\"ES256 EdDSA\"";

fn challenge(gate: &Gate, call: &Call) -> String {
    answered(&gate.response(call), "WWW-Authenticate").unwrap().to_owned()
}

#[test]
fn rfc9449_section_7_1_a_request_without_a_token_is_told_the_schemes() {
    let call = Call::get("/api");
    let of = |kind: &str, more: Value| {
        let raw = with(with(policy(issuer(kind)), json!({})), more);
        challenge(&Gate::bound(&raw, &held()), &call)
    };
    assert_eq!(of("refused", json!({})), "Bearer realm=\"api\"");
    let both = format!("Bearer realm=\"api\", DPoP realm=\"api\", {ALGS}");
    assert_eq!(of("accepted", json!({})), both);
    assert_eq!(of("required", json!({})), format!("DPoP realm=\"api\", {ALGS}"));
    // A token that is bound to a certificate is sent as a bearer token.
    assert_eq!(of("required", json!({ "mtls": {} })), both);
    let listed = json!({ "dpop": { "algorithms": ["ES384"] }, "realm": "r" });
    assert_eq!(of("required", listed), "DPoP realm=\"r\", algs=\"ES384\"");
}

#[test]
fn the_schemes_are_those_of_the_routes_issuers() {
    let plain = with(hs_issuer(), json!({ "name": "plain", "issuer": "https://plain" }));
    let raw = with(
        policy(hs_issuer()),
        json!({
            "issuers": [issuer("required"), plain],
            "routes": [
                { "path": "/*" },
                { "path": "/bound/*", "issuers": ["i"] },
                { "path": "/plain/*", "issuers": ["plain"] },
            ],
        }),
    );
    let gate = Gate::bound(&raw, &held());
    let of = |path: &str| challenge(&gate, &Call::get(path));
    assert_eq!(of("/x"), format!("Bearer realm=\"api\", DPoP realm=\"api\", {ALGS}"));
    assert_eq!(of("/bound/x"), format!("DPoP realm=\"api\", {ALGS}"));
    assert_eq!(of("/plain/x"), "Bearer realm=\"api\"");
}

#[test]
fn rfc9449_section_7_1_an_error_goes_with_the_scheme_that_the_client_used() {
    let gate = gate();
    let rows = [
        (call(&token()), format!("DPoP realm=\"api\", {ERROR}, {ALGS}")),
        (Call::get("/api").bearer(&token()), format!("DPoP realm=\"api\", {ERROR}, {ALGS}")),
        (call("x.y.z"), format!("DPoP realm=\"api\", {INVALID}, {ALGS}")),
        (
            Call::get("/api").bearer("x.y.z"),
            format!("Bearer realm=\"api\", {INVALID}, DPoP realm=\"api\", {ALGS}"),
        ),
    ];
    for (call, expected) in rows {
        assert_eq!(challenge(&gate, &call), expected);
    }
}

#[test]
fn challenges_of_both_schemes_name_scopes_and_metadata() {
    let gate = gate_with(json!({
        "routes": [{ "path": "/*", "scopes": ["read"] }],
        "resource": {
            "identifier": "https://gate.example", "authorization_servers": ["https://i"],
        },
    }));
    let about = "scope=\"read\", resource_metadata=\"https://gate.example/.well-known/\
                 oauth-protected-resource\"";
    assert_eq!(
        challenge(&gate, &Call::get("/api")),
        format!("Bearer realm=\"api\", {about}, DPoP realm=\"api\", {ALGS}, {about}")
    );
    let proof = proved(&Proof::new().text());
    let insufficient = challenge(&gate, &proof);
    assert!(insufficient.starts_with("DPoP realm=\"api\", error=\"insufficient_scope\""));
}

#[test]
fn rfc9728_section_2_the_metadata_says_how_tokens_are_bound() {
    let document = |kind: &str, more: Value| -> Value {
        let resource = json!({ "resource": {
            "identifier": "https://gate.example", "authorization_servers": ["https://i"],
        } });
        let raw = with(with(policy(issuer(kind)), resource), more);
        let call = Call::get("/.well-known/oauth-protected-resource");
        let response = Gate::bound(&raw, &held()).own_response(&call).unwrap();
        let mut document: Value = serde_json::from_str(&response.body).unwrap();
        for name in ["resource", "authorization_servers", "bearer_methods_supported"] {
            assert!(document.as_object_mut().unwrap().remove(name).is_some());
        }
        document
    };
    assert_eq!(document("refused", json!({})), json!({}));
    let members = |required: bool, mtls: bool| {
        json!({
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
            "dpop_bound_access_tokens_required": required,
            "tls_client_certificate_bound_access_tokens": mtls,
        })
    };
    assert_eq!(document("accepted", json!({})), members(false, false));
    assert_eq!(document("required", json!({})), members(true, false));
    assert_eq!(document("required", json!({ "mtls": {} })), members(false, true));
}

#[test]
fn pages_may_send_proofs_and_read_nonces() {
    let with_cors = |cors: Value, more: Value| {
        let origin = json!({ "allow_origins": ["https://app.example"] });
        gate_with(with(json!({ "cors": with(origin, cors) }), more))
    };
    let preflight = |gate: &Gate| {
        let call = Call::new("OPTIONS", "/api")
            .header("Origin", "https://app.example")
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "authorization,dpop");
        let response = gate.own_response(&call).unwrap();
        answered(&response, "Access-Control-Allow-Headers").unwrap().to_owned()
    };
    assert_eq!(preflight(&with_cors(json!({}), json!({}))), "authorization, dpop");
    let listed = json!({ "allow_headers": ["Authorization"] });
    assert_eq!(preflight(&with_cors(listed, json!({}))), "Authorization, DPoP");
    let listed = json!({ "allow_headers": ["Authorization", "dpop"] });
    assert_eq!(preflight(&with_cors(listed, json!({}))), "Authorization, dpop");

    let exposed = |gate: &Gate| {
        let call = call(&token()).header("Origin", "https://app.example");
        let response = gate.response(&call);
        answered(&response, "Access-Control-Expose-Headers").unwrap().to_owned()
    };
    let nonces = json!({ "dpop": { "nonce": "NONCE" } });
    assert_eq!(exposed(&with_cors(json!({}), json!({}))), "WWW-Authenticate, Retry-After");
    assert_eq!(
        exposed(&with_cors(json!({}), nonces.clone())),
        "WWW-Authenticate, Retry-After, DPoP-Nonce"
    );
    let responses = json!({ "responses": true, "expose_headers": ["ETag"] });
    let gate = with_cors(responses, nonces);
    let added = gate.policy.cors().unwrap().response_headers(Some("https://app.example"), false);
    assert!(added.contains(&("Access-Control-Expose-Headers", "ETag, DPoP-Nonce".to_owned())));
}

#[test]
fn a_bearer_token_is_challenged_as_before_where_nothing_is_bound() {
    let gate = Gate::new(&policy(hs_issuer()));
    let expired = Signer::hs256().signed(payload(&[("exp", "1")]));
    assert_eq!(
        challenge(&gate, &Call::get("/api").bearer(&expired)),
        "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The access token \
         expired\""
    );
}
