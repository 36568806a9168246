//! The keys of an issuer, except for the parameters of presets.

use super::{ByRequest, ByTest, Evidence, LONG, added, either, token};
use crate::kit::{Call, Signer, hs_issuer, keys, payload, with};
use serde_json::{Value, json};

pub(super) fn rows() -> Vec<(&'static str, Evidence)> {
    let rule = |condition: Value| json!([condition]);
    let claims = "/issuers/0/claims";
    let keys = "/issuers/0/keys";
    let rsa =
        |public: Value| json!({ "/issuers/0/algorithms": ["RS256"], "/issuers/0/keys": public });
    let rs256 = || Call::get("/api/x").bearer(&Signer::rs256().signed(payload(&[])));
    let long = || Call::get("/api/x").bearer(&Signer::hmac(256, LONG).signed(payload(&[])));
    let jwk = |kid: &str| {
        let mut key = keys::rsa_jwk(keys::RSA_PRIVATE);
        key["kid"] = json!(kid);
        json!({ "jwks": { "keys": [key] } })
    };
    let named = || {
        let token = Signer::rs256().token(r#"{"alg":"RS256","kid":"a"}"#, payload(&[]));
        Call::get("/api/x").bearer(&token)
    };
    let mut other = hs_issuer();
    other["name"] = json!("j");
    let fetched = json!({ "jwks_uri": "https://i/keys" });
    let endpoint = |changes: Value| {
        let usual = json!({
            "endpoint": "https://i/introspect", "client_id": "c", "client_secret": "CLIENT_SECRET",
        });
        json!({ "/issuers/0/introspection": with(usual, changes) })
    };
    let introspected = |changes: Value, other: Value, call: Call| {
        ByRequest(endpoint(changes), endpoint(other), call)
    };
    const REQUESTS: &str = include_str!("../introspection/request.rs");
    const RESPONSES: &str = include_str!("../introspection/response.rs");
    vec![
        (
            "issuers[].introspection.endpoint",
            ByTest(
                include_str!("../../e2e/introspection.test.mjs"),
                "calls the endpoint that the policy names",
            ),
        ),
        (
            "issuers[].introspection.discovery",
            ByTest(
                include_str!("../../e2e/introspection.test.mjs"),
                "discovers the endpoint in the issuer's metadata",
            ),
        ),
        (
            "issuers[].introspection.client_id",
            ByTest(REQUESTS, "rfc6749_section_2_3_1_authenticates_with_basic"),
        ),
        (
            "issuers[].introspection.client_secret",
            ByTest(REQUESTS, "rfc6749_section_2_3_1_authenticates_with_basic"),
        ),
        (
            "issuers[].introspection.private_key",
            ByTest(REQUESTS, "rfc7523_section_3_authenticates_with_private_key_jwt"),
        ),
        (
            "issuers[].introspection.auth",
            ByTest(REQUESTS, "rfc6749_section_2_3_1_authenticates_with_post"),
        ),
        (
            "issuers[].introspection.cache",
            ByTest(RESPONSES, "a_response_is_reused_for_cache_seconds_and_never_past_exp"),
        ),
        (
            "issuers[].introspection.tokens",
            introspected(json!({}), json!({ "tokens": "all" }), token(&[])),
        ),
        (
            "issuers[].introspection.signed",
            ByTest(
                include_str!("../introspection/signed.rs"),
                "rfc9701_section_5_accepts_a_signed_response",
            ),
        ),
        ("issuers[].name", added("/issuers/0/name", json!("j"), token(&[]))),
        ("issuers[].issuer", added("/issuers/0/issuer", json!("https://j"), token(&[]))),
        (
            "issuers[].tenants",
            ByRequest(
                json!({ "/issuers/0/issuer": "https://i/{tid}", "/issuers/0/tenants": ["a"] }),
                json!({ "/issuers/0/issuer": "https://i/{tid}", "/issuers/0/tenants": ["b"] }),
                token(&[("iss", "\"https://i/a\""), ("tid", "\"a\"")]),
            ),
        ),
        (
            "issuers[].sender_constrained",
            added("/issuers/0/sender_constrained", json!("required"), token(&[])),
        ),
        ("issuers[].profile", added("/issuers/0/profile", json!("rfc9068"), token(&[]))),
        ("issuers[].audience", added("/issuers/0/audience", json!("other"), token(&[]))),
        (
            "issuers[].algorithms",
            ByRequest(
                json!({ keys: { "secret": "LONG" } }),
                json!({ keys: { "secret": "LONG" }, "/issuers/0/algorithms": ["HS512"] }),
                long(),
            ),
        ),
        (
            "issuers[].stale_if_error",
            ByRequest(
                rsa(fetched.clone()),
                {
                    let mut never = rsa(fetched.clone());
                    never["/issuers/0/stale_if_error"] = json!(0);
                    never
                },
                rs256(),
            ),
        ),
        (
            "issuers[].leeway",
            added("/issuers/0/leeway", json!(60), token(&[("exp", "1799999970")])),
        ),
        (
            "issuers[].max_age",
            added("/issuers/0/max_age", json!(60), token(&[("iat", "1799999900")])),
        ),
        ("issuers[].types", added("/issuers/0/types", json!(["other"]), token(&[]))),
        ("issuers[].require", added("/issuers/0/require", json!(["jti"]), token(&[]))),
        ("issuers[].subject", added("/issuers/0/subject", json!("v"), token(&[]))),
        ("issuers[].expiry", added("/issuers/0/expiry", json!("optional"), token(&[("exp", "")]))),
        (
            "issuers[].scopes_claim",
            ByRequest(
                json!({ "/routes/0/scopes": ["read"] }),
                json!({ "/routes/0/scopes": ["read"], "/issuers/0/scopes_claim": "perms" }),
                token(&[("perms", "\"read\"")]),
            ),
        ),
        (
            "issuers[].roles_claim",
            ByRequest(
                json!({ "/routes/0/roles": ["ops"] }),
                json!({ "/routes/0/roles": ["ops"], "/issuers/0/roles_claim": "groups" }),
                token(&[("groups", "[\"ops\"]")]),
            ),
        ),
        ("issuers[].mode", added("/issuers/0/mode", json!("report"), token(&[("exp", "1")]))),
        (
            "issuers[].claims[].path",
            either(
                claims,
                rule(json!({ "path": "azp", "equals": "x" })),
                rule(json!({ "path": "client_id", "equals": "x" })),
                token(&[("azp", "\"x\"")]),
            ),
        ),
        (
            "issuers[].claims[].equals",
            either(
                claims,
                rule(json!({ "path": "azp", "equals": "x" })),
                rule(json!({ "path": "azp", "equals": "y" })),
                token(&[("azp", "\"x\"")]),
            ),
        ),
        (
            "issuers[].claims[].one_of",
            either(
                claims,
                rule(json!({ "path": "azp", "one_of": ["w", "x"] })),
                rule(json!({ "path": "azp", "one_of": ["y", "z"] })),
                token(&[("azp", "\"x\"")]),
            ),
        ),
        (
            "issuers[].claims[].contains",
            either(
                claims,
                rule(json!({ "path": "groups", "contains": "x" })),
                rule(json!({ "path": "groups", "contains": "y" })),
                token(&[("groups", "[\"x\"]")]),
            ),
        ),
        (
            "issuers[].claims[].starts_with",
            either(
                claims,
                rule(json!({ "path": "azp", "starts_with": "app-" })),
                rule(json!({ "path": "azp", "starts_with": "web-" })),
                token(&[("azp", "\"app-1\"")]),
            ),
        ),
        (
            "issuers[].claims[].if_present",
            either(
                claims,
                rule(json!({ "path": "azp", "equals": "x" })),
                rule(json!({ "path": "azp", "equals": "x", "if_present": true })),
                token(&[]),
            ),
        ),
        ("issuers[].keys.secret", added(keys, json!({ "secret": "OTHER_SECRET" }), token(&[]))),
        (
            "issuers[].keys.encoding",
            either(
                keys,
                json!({ "secret": "LONG" }),
                json!({ "secret": "LONG", "encoding": "hex" }),
                long(),
            ),
        ),
        (
            "issuers[].keys.pem",
            ByRequest(rsa(json!({ "pem": "PEM" })), rsa(fetched.clone()), rs256()),
        ),
        ("issuers[].keys.jwks", ByRequest(rsa(jwk("a")), rsa(jwk("b")), named())),
        (
            "issuers[].keys.jwks_uri",
            ByRequest(rsa(fetched.clone()), rsa(json!({ "jwks_uri": "https://j/keys" })), rs256()),
        ),
        (
            "issuers[].keys.discovery",
            ByRequest(rsa(fetched.clone()), rsa(json!({ "discovery": true })), rs256()),
        ),
        (
            "issuers[].keys.service",
            ByRequest(
                rsa(fetched),
                rsa(json!({ "jwks_uri": "https://i/keys", "service": "KEYS" })),
                rs256(),
            ),
        ),
    ]
}
