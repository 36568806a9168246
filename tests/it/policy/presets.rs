//! Presets: what each of them expands to, and which keys the operator may add.

mod tokens;

use super::check;
use crate::kit::{Held, policy, warnings};
use portcullis::policy::Policy;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns the issuer that a preset expands to.
fn expanded(issuer: Value) -> Value {
    let mut presets = Policy::presets(&policy(issuer));
    assert_eq!(presets.len(), 1);
    let preset = presets.remove(0);
    assert_eq!(preset.path, "issuers[0]");
    preset.issuer
}

#[test]
fn expands_the_auth0_preset() {
    assert_eq!(
        expanded(json!({ "preset": "auth0", "domain": "tenant.eu.auth0.com", "audience": "api" })),
        json!({
            "name": "auth0",
            "issuer": "https://tenant.eu.auth0.com/",
            "audience": "api",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": "https://tenant.eu.auth0.com/.well-known/jwks.json" },
        })
    );
}

/// The operator writes the client, and the preset adds the endpoint.
#[test]
fn presets_of_providers_with_opaque_tokens_add_the_endpoint() {
    let client = json!({ "client_id": "c", "client_secret": "CLIENT_SECRET" });
    let with_endpoint = |endpoint: &str| {
        json!({
            "client_id": "c", "client_secret": "CLIENT_SECRET", "endpoint": endpoint,
        })
    };
    for (preset, endpoint) in [
        (
            json!({ "preset": "keycloak", "base_url": "https://a", "realm": "r", "audience": "x" }),
            "https://a/realms/r/protocol/openid-connect/token/introspect",
        ),
        (
            json!({ "preset": "okta", "domain": "a.okta.com", "audience": "x" }),
            "https://a.okta.com/oauth2/default/v1/introspect",
        ),
        (
            json!({ "preset": "zitadel", "domain": "a.zitadel.cloud", "audience": "x" }),
            "https://a.zitadel.cloud/oauth/v2/introspect",
        ),
    ] {
        assert_eq!(expanded(preset.clone()).get("introspection"), None, "{preset}");
        let mut written = preset.clone();
        written["introspection"] = client.clone();
        let found = expanded(written.clone());
        assert_eq!(found["introspection"], with_endpoint(endpoint), "{preset}");
        check([(policy(written.clone()), vec![])]);
        written["introspection"]["endpoint"] = json!("https://b/introspect");
        let found = expanded(written.clone());
        assert_eq!(found["introspection"], with_endpoint("https://b/introspect"), "{preset}");
        written["introspection"] = json!({
            "client_id": "c", "client_secret": "CLIENT_SECRET", "discovery": true,
        });
        assert_eq!(expanded(written.clone())["introspection"], written["introspection"]);
    }
}

#[test]
fn expands_the_okta_preset_for_the_organizations_own_server() {
    let mut written = json!({
        "preset": "okta", "domain": "a.okta.com", "authorization_server": "org",
        "introspection": { "client_id": "c", "client_secret": "CLIENT_SECRET" },
    });
    assert_eq!(
        expanded(written.clone()),
        json!({
            "name": "okta",
            "issuer": "https://a.okta.com",
            "audience": "https://a.okta.com",
            "introspection": {
                "endpoint": "https://a.okta.com/oauth2/v1/introspect",
                "tokens": "all",
                "client_id": "c",
                "client_secret": "CLIENT_SECRET",
            },
        })
    );
    check([(policy(written.clone()), vec![])]);
    written.as_object_mut().unwrap().remove("introspection");
    check([(
        policy(written),
        vec![
            ("issuers[0].introspection.client_id", "missing", ""),
            ("issuers[0].introspection.client_secret", "missing", ""),
        ],
    )]);
}

#[test]
fn expands_the_zitadel_preset() {
    assert_eq!(
        expanded(json!({ "preset": "zitadel", "domain": "a.zitadel.cloud", "audience": "x" })),
        json!({
            "name": "zitadel",
            "issuer": "https://a.zitadel.cloud",
            "audience": "x",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": "https://a.zitadel.cloud/oauth/v2/keys" },
            "roles_claim": "urn:zitadel:iam:org:project:roles",
        })
    );
}

#[test]
fn expands_the_cloudflare_access_preset() {
    let team = "yourteam.cloudflareaccess.com";
    assert_eq!(
        expanded(json!({ "preset": "cloudflare-access", "team": team, "audience": "32eafc76" })),
        json!({
            "name": "cloudflare-access",
            "issuer": "https://yourteam.cloudflareaccess.com",
            "audience": "32eafc76",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": "https://yourteam.cloudflareaccess.com/cdn-cgi/access/certs" },
            "claims": [{ "path": "type", "equals": "app" }],
        })
    );
}

#[test]
fn expands_the_cognito_preset() {
    let issuer = |client: Value| {
        json!({
            "preset": "cognito", "region": "us-east-2", "pool": "us-east-2_SF2DCPO5Y",
            "client_id": client,
        })
    };
    let address = "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_SF2DCPO5Y";
    let expected = |clients: Value| {
        json!({
            "name": "cognito",
            "issuer": address,
            "audience": "*",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": format!("{address}/.well-known/jwks.json") },
            "roles_claim": "cognito:groups",
            "claims": [
                { "path": "token_use", "equals": "access" },
                { "path": "client_id", "one_of": clients },
            ],
        })
    };
    assert_eq!(expanded(issuer(json!("one"))), expected(json!(["one"])));
    assert_eq!(expanded(issuer(json!(["one", "two"]))), expected(json!(["one", "two"])));
    // There is no warning about the audience, because `client_id` restricts the tokens.
    assert_eq!(warnings(&policy(issuer(json!("one"))), &Held::usual()), []);
}

#[test]
fn expands_the_entra_preset() {
    let tenant = "AAAABBBB-0000-cccc-1111-dddd2222eeee";
    let lower = tenant.to_ascii_lowercase();
    assert_eq!(
        expanded(json!({ "preset": "entra", "tenant": tenant, "audience": "api://x" })),
        json!({
            "name": "entra",
            "issuer": "https://login.microsoftonline.com/{tid}/v2.0",
            "tenants": [lower],
            "audience": "api://x",
            "algorithms": ["RS256"],
            "keys": {
                "jwks_uri": format!("https://login.microsoftonline.com/{lower}/discovery/v2.0/keys"),
            },
        })
    );
}

#[test]
fn expands_the_firebase_preset() {
    let keys = "https://www.googleapis.com/service_accounts/v1/jwk/\
                securetoken@system.gserviceaccount.com";
    assert_eq!(
        expanded(json!({ "preset": "firebase", "project": "my-project" })),
        json!({
            "name": "firebase",
            "issuer": "https://securetoken.google.com/my-project",
            "audience": "my-project",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": keys },
            "require": ["sub", "iat", "auth_time"],
        })
    );
}

#[test]
fn expands_the_google_preset() {
    assert_eq!(
        expanded(json!({ "preset": "google", "audience": "1.apps.googleusercontent.com" })),
        json!({
            "name": "google",
            "issuer": ["https://accounts.google.com", "accounts.google.com"],
            "audience": "1.apps.googleusercontent.com",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs" },
        })
    );
}

#[test]
fn expands_the_keycloak_preset() {
    for (base_url, base) in [
        ("https://sso.example.com", "https://sso.example.com"),
        ("https://sso.example.com/auth/", "https://sso.example.com/auth"),
        ("http://localhost:8080", "http://localhost:8080"),
    ] {
        let issuer = json!({
            "preset": "keycloak", "base_url": base_url, "realm": "shop", "audience": "api",
        });
        assert_eq!(
            expanded(issuer),
            json!({
                "name": "keycloak",
                "issuer": format!("{base}/realms/shop"),
                "audience": "api",
                "algorithms": ["RS256"],
                "keys": { "jwks_uri": format!("{base}/realms/shop/protocol/openid-connect/certs") },
                "roles_claim": "/realm_access/roles",
                "claims": [{ "path": "typ", "equals": "Bearer" }],
            })
        );
    }
}

#[test]
fn expands_the_okta_preset() {
    let issuer = |server: &str| {
        let address = format!("https://example.okta.com/oauth2/{server}");
        json!({
            "name": "okta",
            "issuer": address,
            "audience": "api://default",
            "algorithms": ["RS256"],
            "keys": { "jwks_uri": format!("{address}/v1/keys") },
        })
    };
    let mut raw =
        json!({ "preset": "okta", "domain": "Example.okta.com", "audience": "api://default" });
    assert_eq!(expanded(raw.clone()), issuer("default"));
    raw["authorization_server"] = json!("aus9o8wzkhckw9TLa0h7z");
    assert_eq!(expanded(raw), issuer("aus9o8wzkhckw9TLa0h7z"));
}

#[test]
fn expands_the_supabase_preset() {
    let issuer = |base: &str| {
        json!({
            "name": "supabase",
            "issuer": format!("{base}/auth/v1"),
            "audience": "authenticated",
            "algorithms": ["ES256", "RS256"],
            "keys": { "jwks_uri": format!("{base}/auth/v1/.well-known/jwks.json") },
        })
    };
    assert_eq!(
        expanded(json!({ "preset": "supabase", "project": "abcdefghijklmnopqrst" })),
        issuer("https://abcdefghijklmnopqrst.supabase.co")
    );
    assert_eq!(
        expanded(json!({ "preset": "supabase", "url": "https://api.example.com/" })),
        issuer("https://api.example.com")
    );
}

#[test]
fn other_keys_replace_or_extend_the_presets() {
    let raw = json!({
        "preset": "keycloak", "base_url": "https://sso.example.com", "realm": "shop",
        "name": "shop", "audience": ["a", "b"], "algorithms": ["ES256", "PS256"], "leeway": 5,
        "roles_claim": "/resource_access/api/roles", "scopes_claim": "scope", "max_age": 600,
        "types": ["JWT"], "claims": [{ "path": "azp", "equals": "web" }], "require": ["sub"],
    });
    let found = expanded(raw);
    for (key, value) in [
        ("name", json!("shop")),
        ("audience", json!(["a", "b"])),
        ("algorithms", json!(["ES256", "PS256"])),
        ("leeway", json!(5)),
        ("roles_claim", json!("/resource_access/api/roles")),
        ("scopes_claim", json!("scope")),
        ("max_age", json!(600)),
        ("types", json!(["JWT"])),
        ("require", json!(["sub"])),
        (
            "claims",
            json!([{ "path": "azp", "equals": "web" }, { "path": "typ", "equals": "Bearer" }]),
        ),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    let firebase = json!({ "preset": "firebase", "project": "p", "require": ["email"] });
    assert_eq!(expanded(firebase)["require"], json!(["email", "sub", "iat", "auth_time"]));
}

#[test]
fn rejects_keys_that_only_the_preset_may_set() {
    let raw = json!({
        "preset": "auth0", "domain": "t.auth0.com", "audience": "api",
        "issuer": "https://t.auth0.com/", "keys": { "secret": "SECRET" }, "tenants": ["t"],
    });
    let row = |path| (path, "the preset auth0 sets this key", "write the whole issuer");
    let rows = vec![row("issuers[0].issuer"), row("issuers[0].tenants"), row("issuers[0].keys")];
    check([(policy(raw), rows)]);
}

#[test]
fn rejects_invalid_parameters() {
    let faults = |issuer: Value, expected: Vec<(&'static str, &'static str, &'static str)>| {
        check([(policy(issuer), expected)]);
    };
    for (domain, problem, remedy) in [
        ("https://t.auth0.com/", "more than a host name", "domain = \"t.auth0.com\""),
        ("t.auth0.com/", "more than a host name", "domain = \"t.auth0.com\""),
        ("t", "not a host name", "domain = \"tenant.eu.auth0.com\""),
        ("", "not a host name", ""),
        ("t.auth0.com:443", "not a host name", ""),
        ("a@t.auth0.com", "not a host name", ""),
        ("127.0.0.1", "not a host name", ""),
        ("t auth0.com", "not a host name", ""),
        ("t.auth0.com?", "not a host name", ""),
        ("tést.auth0.com", "not a host name", ""),
    ] {
        faults(
            json!({ "preset": "auth0", "domain": domain, "audience": "a" }),
            vec![("issuers[0].domain", problem, remedy)],
        );
    }
    faults(
        json!({ "preset": "auth0", "domian": "t.auth0.com", "audiance": "a" }),
        vec![
            ("issuers[0].domian", "unknown key", "did you mean domain?"),
            ("issuers[0].audiance", "unknown key", "did you mean audience?"),
            ("issuers[0].domain", "missing", "domain = \"tenant.eu.auth0.com\""),
            ("issuers[0].audience", "missing", "the token's aud"),
        ],
    );
    faults(
        json!({ "preset": "google", "domain": "google.com", "audience": "a", "leeway": 999 }),
        vec![
            ("issuers[0].domain", "unknown key", ""),
            ("issuers[0].leeway", "not a whole number of seconds in the accepted range", ""),
        ],
    );
    faults(
        json!({ "preset": "cloudflare-access", "team": "access.example.com", "audience": "a" }),
        vec![("issuers[0].team", "not a team domain", "cloudflareaccess.com")],
    );
    let cognito = |region: &str, pool: &str| {
        json!({
            "preset": "cognito", "region": region, "pool": pool, "client_id": "c",
        })
    };
    faults(
        cognito("eu-west-1", "us-east-1_AbC"),
        vec![("issuers[0].pool", "begins with the region", "eu-west-1_")],
    );
    faults(
        cognito("cn-north-1", "cn-north-1_AbC"),
        vec![("issuers[0].region", "another form", "")],
    );
    faults(cognito("Ireland", "x_y"), vec![("issuers[0].region", "not a region", "eu-west-1")]);
    faults(
        json!({ "preset": "cognito", "client_id": [] }),
        vec![
            ("issuers[0].region", "missing", ""),
            ("issuers[0].pool", "missing", ""),
            ("issuers[0].client_id", "an empty list", ""),
        ],
    );
    for tenant in ["common", "organizations", "contoso.onmicrosoft.com", "{tid}", ""] {
        faults(
            json!({ "preset": "entra", "tenant": tenant, "audience": "a" }),
            vec![("issuers[0].tenant", "not a tenant ID", "72f988bf-")],
        );
    }
    for project in ["", "../x", "a/b", "a?b", "a b"] {
        faults(
            json!({ "preset": "firebase", "project": project }),
            vec![("issuers[0].project", "it becomes part of a URL", "my-project")],
        );
    }
    for (base_url, problem) in [
        ("sso.example.com", "it is not a URL with a scheme"),
        ("http://sso.example.com", "it is http"),
        ("https://sso.example.com/?x", "a query or fragment"),
        ("https://u@sso.example.com", "user information"),
        ("https://sso.example.com/a//b", "its path"),
        ("https://sso.example.com/../b", "its path"),
        ("https://", "not an ASCII name or an IP address"),
    ] {
        faults(
            json!({ "preset": "keycloak", "base_url": base_url, "realm": "r", "audience": "a" }),
            vec![("issuers[0].base_url", problem, "https://keycloak.example.com")],
        );
    }
    faults(
        json!({ "preset": "okta", "domain": "example-admin.okta.com", "audience": "a" }),
        vec![("issuers[0].domain", "the admin console", "\"example.okta.com\"")],
    );
    faults(
        json!({ "preset": "supabase", "project": "abc.supabase.co" }),
        vec![("issuers[0].project", "not a project reference", "")],
    );
    faults(
        json!({ "preset": "supabase", "project": "abc", "url": "https://x.example" }),
        vec![("issuers[0].url", "exclude each other", "remove one of them")],
    );
    faults(json!({ "preset": "supabase" }), vec![("issuers[0].project", "missing", "")]);
}

#[test]
fn rejects_unknown_presets() {
    for preset in [json!("Auth0"), json!("aws"), json!(""), json!(1), json!(null), json!(["auth0"])]
    {
        let raw = policy(json!({ "preset": preset, "domain": "t.auth0.com" }));
        check([(raw.clone(), vec![("issuers[0].preset", "not the name", "choose from auth0,")])]);
        assert_eq!(Policy::presets(&raw), []);
    }
    // A preset with a fault is not expanded, because the result would contain placeholders instead
    // of the operator's values.
    let raw = policy(json!({ "preset": "auth0", "domain": "x" }));
    assert_eq!(Policy::presets(&raw), []);
    assert_eq!(Policy::presets(&json!({ "issuers": 1 })), []);
    assert_eq!(Policy::presets(&json!(1)), []);
}
