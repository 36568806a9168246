//! Presets accept the access tokens that the providers document, and reject other tokens that the
//! same keys sign.

use crate::kit::{Gate, NOW, Signer, keys, now, policy, table, with};
use portcullis::issuer_id::IssuerId;
use portcullis::keys::cache::Dated;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::time::Seconds;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ADMITTED: &str = "200";
const WRONG_AUDIENCE: &str = "401 wrong_audience";
const INVALID: &str = "401 invalid_claim";
const MISSING: &str = "401 missing_claim";

/// Checks the verdicts on a provider's token with some of its claims changed, by a gate that has
/// fetched the provider's keys. The policy has a second issuer, because a single issuer is selected
/// regardless of `iss`.
fn check<'r>(preset: Value, token: Value, rows: impl IntoIterator<Item = (Value, &'r str)>) {
    let mut raw = policy(preset);
    raw["issuers"].as_array_mut().unwrap().push(crate::kit::hs_issuer());
    let mut gate = Gate::new(&raw);
    let jwks = json!({ "keys": [keys::rsa_jwk(keys::RSA_PRIVATE)] });
    let algorithms = gate.policy.issuers()[0].algorithms();
    let set = jwk::import(jwks.as_object().unwrap(), algorithms, Provenance::Network).unwrap();
    let set = Dated { value: set, fetched: now(), fresh_for: Seconds::new(600) };
    gate.memory.keys.get_mut(IssuerId::new(0)).unwrap().succeeded(set);

    let token = with(token, json!({ "iat": NOW, "exp": NOW + 300 }));
    let verdict = |claims: &Value| {
        gate.token(&Signer::rs256().signed(with(token.clone(), claims.clone()).to_string()))
    };
    table(rows, verdict);
    for iss in ["https://evil.example", ""] {
        assert_eq!(verdict(&json!({ "iss": iss })), "401 unknown_issuer");
    }
}

#[test]
fn accepts_only_the_documented_tokens_of_auth0() {
    check(
        json!({ "preset": "auth0", "domain": "my-domain.auth0.com", "audience": "https://api" }),
        json!({
            "iss": "https://my-domain.auth0.com/", "sub": "auth0|123456", "azp": "my_client_id",
            "aud": ["https://api", "https://my-domain.auth0.com/userinfo"],
            "scope": "openid profile read:patients",
        }),
        [
            (json!({}), ADMITTED),
            (json!({ "iss": "https://my-domain.auth0.com" }), "401 unknown_issuer"),
            // The audience of an ID token is the client.
            (json!({ "aud": "my_client_id" }), WRONG_AUDIENCE),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_cloudflare_access() {
    let team = "yourteam.cloudflareaccess.com";
    check(
        json!({ "preset": "cloudflare-access", "team": team, "audience": "32eafc76" }),
        json!({
            "aud": ["32eafc76"], "email": "user@example.com", "nbf": NOW, "type": "app",
            "iss": "https://yourteam.cloudflareaccess.com", "sub": "7335d417", "country": "US",
        }),
        [
            (json!({}), ADMITTED),
            // The application token of a service.
            (json!({ "sub": "", "email": null, "common_name": "e36.access" }), ADMITTED),
            // Tokens of another application, and the token of the session.
            (json!({ "aud": ["97e2aae1"] }), WRONG_AUDIENCE),
            (json!({ "type": "org" }), INVALID),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_cognito() {
    check(
        json!({
            "preset": "cognito", "region": "us-east-2", "pool": "us-east-2_SF2DCPO5Y",
            "client_id": ["web", "app"],
        }),
        json!({
            "iss": "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_SF2DCPO5Y",
            "sub": "c27a05a2", "token_use": "access", "client_id": "web", "username": "janedoe",
            "scope": "aws.cognito.signin.user.admin", "auth_time": NOW, "jti": "2dc6f5f3",
        }),
        [
            (json!({}), ADMITTED),
            (json!({ "client_id": "app" }), ADMITTED),
            (json!({ "aud": "https://api" }), ADMITTED),
            // Tokens of another client, and ID tokens.
            (json!({ "client_id": "other" }), INVALID),
            (json!({ "client_id": null }), INVALID),
            (json!({ "client_id": null, "aud": "web", "token_use": "id" }), INVALID),
            (json!({ "aud": "web", "token_use": "id" }), INVALID),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_entra() {
    let tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    let other = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    let issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    check(
        json!({ "preset": "entra", "tenant": tenant, "audience": "00001111" }),
        json!({
            "aud": "00001111", "iss": issuer(tenant), "tid": tenant, "ver": "2.0", "nbf": NOW,
            "azp": "11112222", "scp": "access_as_user", "oid": "aaaa0000", "sub": "aaaaaaaa",
        }),
        [
            (json!({}), ADMITTED),
            (json!({ "iss": issuer(other), "tid": other }), "401 unknown_issuer"),
            (json!({ "tid": other }), INVALID),
            (json!({ "tid": null }), MISSING),
            (json!({ "iss": format!("https://sts.windows.net/{tenant}/") }), "401 unknown_issuer"),
            (json!({ "aud": "11112222" }), WRONG_AUDIENCE),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_firebase() {
    check(
        json!({ "preset": "firebase", "project": "my-project" }),
        json!({
            "iss": "https://securetoken.google.com/my-project", "aud": "my-project", "sub": "uid",
            "auth_time": NOW, "user_id": "uid", "firebase": { "sign_in_provider": "password" },
        }),
        [
            (json!({}), ADMITTED),
            // The same keys sign the tokens of every project.
            (json!({ "iss": "https://securetoken.google.com/other" }), "401 unknown_issuer"),
            (json!({ "aud": "other" }), WRONG_AUDIENCE),
            (json!({ "sub": null }), MISSING),
            (json!({ "auth_time": null }), MISSING),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_google() {
    check(
        json!({ "preset": "google", "audience": "1.apps.googleusercontent.com" }),
        json!({
            "iss": "https://accounts.google.com", "aud": "1.apps.googleusercontent.com",
            "azp": "1.apps.googleusercontent.com", "sub": "110169484474386276334",
        }),
        [
            (json!({}), ADMITTED),
            (json!({ "iss": "accounts.google.com" }), ADMITTED),
            (json!({ "iss": "http://accounts.google.com" }), "401 unknown_issuer"),
            (json!({ "aud": "2.apps.googleusercontent.com" }), WRONG_AUDIENCE),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_keycloak() {
    check(
        json!({
            "preset": "keycloak", "base_url": "https://sso.example.com", "realm": "shop",
            "audience": "api",
        }),
        json!({
            "iss": "https://sso.example.com/realms/shop", "aud": ["api", "account"], "sub": "u",
            "typ": "Bearer", "azp": "web", "realm_access": { "roles": ["user"] }, "scope": "email",
        }),
        [
            (json!({}), ADMITTED),
            (json!({ "iss": "https://sso.example.com/realms/other" }), "401 unknown_issuer"),
            (json!({ "aud": "account" }), WRONG_AUDIENCE),
            // The same keys sign these tokens, and a client may have the same name as its API.
            (json!({ "typ": "ID", "aud": "api" }), INVALID),
            (json!({ "typ": "Refresh", "aud": "api" }), INVALID),
            (json!({ "typ": "Logout", "aud": "api" }), INVALID),
            (json!({ "typ": null }), INVALID),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_okta() {
    check(
        json!({ "preset": "okta", "domain": "example.okta.com", "audience": "api://default" }),
        json!({
            "ver": 1, "iss": "https://example.okta.com/oauth2/default", "aud": "api://default",
            "cid": "0oae5", "uid": "00ud4", "scp": ["openid", "email"], "sub": "a@example.com",
        }),
        [
            (json!({}), ADMITTED),
            // Tokens of the organization's own authorization server, and ID tokens.
            (json!({ "iss": "https://example.okta.com" }), "401 unknown_issuer"),
            (json!({ "aud": "0oae5" }), WRONG_AUDIENCE),
        ],
    );
}

#[test]
fn accepts_only_the_documented_tokens_of_supabase() {
    check(
        json!({ "preset": "supabase", "project": "abcdefghijklmnopqrst" }),
        json!({
            "iss": "https://abcdefghijklmnopqrst.supabase.co/auth/v1", "aud": "authenticated",
            "sub": "123e4567", "role": "authenticated", "aal": "aal1", "is_anonymous": false,
        }),
        [
            (json!({}), ADMITTED),
            (json!({ "aud": "anon", "role": "anon" }), WRONG_AUDIENCE),
            (json!({ "iss": "https://other.supabase.co/auth/v1" }), "401 unknown_issuer"),
        ],
    );
}
