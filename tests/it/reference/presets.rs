//! The parameters of presets.

use super::{Evidence, either};
use crate::kit::{Call, NOW, Signer};
use serde_json::{Value, json};

/// Compares two presets with different parameters. Each is the second issuer of its policy.
fn preset(one: Value, other: Value, claims: Value) -> Evidence {
    either("/issuers/1", one, other, provided(claims))
}

/// Returns a request with a token from the provider.
fn provided(claims: Value) -> Call {
    let mut claims = claims;
    claims["iat"] = json!(NOW);
    claims["exp"] = json!(NOW + 300);
    claims["sub"] = json!("u");
    Call::get("/api/x").bearer(&Signer::rs256().signed(claims.to_string()))
}

pub(super) fn rows() -> Vec<(&'static str, Evidence)> {
    const ONE: &str = "11111111-1111-4111-8111-111111111111";
    const OTHER: &str = "22222222-2222-4222-8222-222222222222";
    let auth0 = |domain: &str| json!({ "preset": "auth0", "domain": domain, "audience": "api" });
    let team =
        |team: &str| json!({ "preset": "cloudflare-access", "team": team, "audience": "api" });
    let cognito = |region: &str, pool: &str, client: &str| {
        json!({
            "preset": "cognito", "region": region, "pool": pool, "client_id": client,
        })
    };
    let entra = |tenant: &str| json!({ "preset": "entra", "tenant": tenant, "audience": "api" });
    let firebase = |project: &str| json!({ "preset": "firebase", "project": project });
    let keycloak = |base: &str, realm: &str| {
        json!({
            "preset": "keycloak", "base_url": base, "realm": realm, "audience": "api",
        })
    };
    let okta = |server: &str| {
        json!({
            "preset": "okta", "domain": "a.okta.com", "authorization_server": server,
            "audience": "api",
        })
    };
    let supabase = |url: &str| json!({ "preset": "supabase", "url": url });
    let of_cognito = || {
        json!({
            "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A", "client_id": "c",
            "token_use": "access",
        })
    };
    let cognito_a = || cognito("eu-west-1", "eu-west-1_A", "c");
    let of_keycloak =
        || json!({ "iss": "https://a.example/realms/r", "aud": "api", "typ": "Bearer" });
    let keycloak_a = || keycloak("https://a.example", "r");
    let of_google = json!({ "iss": "https://accounts.google.com", "aud": "api" });
    vec![
        (
            "issuers[].preset",
            preset(json!({ "preset": "google", "audience": "api" }), firebase("p"), of_google),
        ),
        (
            "issuers[].domain",
            preset(
                auth0("a.auth0.com"),
                auth0("b.auth0.com"),
                json!({ "iss": "https://a.auth0.com/", "aud": "api" }),
            ),
        ),
        (
            "issuers[].team",
            preset(
                team("a.cloudflareaccess.com"),
                team("b.cloudflareaccess.com"),
                json!({ "iss": "https://a.cloudflareaccess.com", "aud": "api" }),
            ),
        ),
        (
            "issuers[].region",
            preset(cognito_a(), cognito("us-east-1", "us-east-1_A", "c"), of_cognito()),
        ),
        (
            "issuers[].pool",
            preset(cognito_a(), cognito("eu-west-1", "eu-west-1_B", "c"), of_cognito()),
        ),
        (
            "issuers[].client_id",
            preset(cognito_a(), cognito("eu-west-1", "eu-west-1_A", "d"), of_cognito()),
        ),
        (
            "issuers[].tenant",
            preset(
                entra(ONE),
                entra(OTHER),
                json!({
                    "iss": format!("https://login.microsoftonline.com/{ONE}/v2.0"),
                    "tid": ONE, "aud": "api", "ver": "2.0",
                }),
            ),
        ),
        (
            "issuers[].project",
            preset(
                firebase("p"),
                firebase("q"),
                json!({ "iss": "https://securetoken.google.com/p", "aud": "p" }),
            ),
        ),
        (
            "issuers[].base_url",
            preset(keycloak_a(), keycloak("https://b.example", "r"), of_keycloak()),
        ),
        (
            "issuers[].realm",
            preset(keycloak_a(), keycloak("https://a.example", "s"), of_keycloak()),
        ),
        (
            "issuers[].authorization_server",
            preset(
                okta("default"),
                okta("other"),
                json!({ "iss": "https://a.okta.com/oauth2/default", "aud": "api" }),
            ),
        ),
        (
            "issuers[].url",
            preset(
                supabase("https://a.example"),
                supabase("https://b.example"),
                json!({ "iss": "https://a.example/auth/v1", "aud": "authenticated" }),
            ),
        ),
    ]
}
