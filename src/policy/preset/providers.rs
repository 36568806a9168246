//! The providers, each with links to the documentation that its settings come from.

use super::parameters::Parameters;
use crate::json::Object;
use serde_json::{Value, json};

/// A provider that has a preset.
pub(super) struct Provider {
    /// The preset's name.
    pub(super) name: &'static str,
    /// The preset's parameters.
    pub(super) parameters: &'static [&'static str],
    /// Makes the issuer from the parameters.
    pub(super) issuer: fn(&mut Parameters<'_, '_>) -> Object,
}

pub(super) const PROVIDERS: [Provider; 10] = [
    Provider { name: "auth0", parameters: &["domain"], issuer: auth0 },
    Provider { name: "cloudflare-access", parameters: &["team"], issuer: cloudflare_access },
    Provider { name: "cognito", parameters: &["region", "pool", "client_id"], issuer: cognito },
    Provider { name: "entra", parameters: &["tenant"], issuer: entra },
    Provider { name: "firebase", parameters: &["project"], issuer: firebase },
    Provider { name: "google", parameters: &[], issuer: google },
    Provider { name: "keycloak", parameters: &["base_url", "realm"], issuer: keycloak },
    Provider { name: "okta", parameters: &["domain", "authorization_server"], issuer: okta },
    Provider { name: "supabase", parameters: &["project", "url"], issuer: supabase },
    Provider { name: "zitadel", parameters: &["domain"], issuer: zitadel },
];

/// Returns the keys that every preset sets.
fn issuer(name: impl Into<Value>, algorithms: &[&str], jwks_uri: String) -> Object {
    let keys = Object::from_iter([("jwks_uri".to_owned(), jwks_uri.into())]);
    let algorithms = algorithms.iter().copied().map(Value::from).collect();
    Object::from_iter([
        ("issuer".to_owned(), name.into()),
        ("algorithms".to_owned(), Value::Array(algorithms)),
        ("keys".to_owned(), Value::Object(keys)),
    ])
}

/// Adds the introspection endpoint of a provider. It applies if the operator writes
/// `introspection`.
fn introspecting(mut issuer: Object, endpoint: String) -> Object {
    issuer.insert("introspection".to_owned(), json!({ "endpoint": endpoint }));
    issuer
}

/// `iss` ends in a slash:
/// <https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles>. Keys and RS256:
/// <https://auth0.com/docs/secure/tokens/json-web-tokens/json-web-key-sets>.
fn auth0(parameters: &mut Parameters<'_, '_>) -> Object {
    let domain = parameters.host("domain", "tenant.eu.auth0.com");
    issuer(
        format!("https://{domain}/"),
        &["RS256"],
        format!("https://{domain}/.well-known/jwks.json"),
    )
}

/// Keys:
/// <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>.
/// Claims, among them `type`, which distinguishes application tokens from session tokens:
/// <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/>.
fn cloudflare_access(parameters: &mut Parameters<'_, '_>) -> Object {
    const SUFFIX: &str = ".cloudflareaccess.com";
    let team = parameters.host("team", "yourteam.cloudflareaccess.com");
    if !team.ends_with(SUFFIX) && !team.ends_with(".invalid") {
        parameters.fault(
            "team",
            "not a team domain",
            "write team = \"yourteam.cloudflareaccess.com\"",
        );
    }
    let mut written = issuer(
        format!("https://{team}"),
        &["RS256"],
        format!("https://{team}/cdn-cgi/access/certs"),
    );
    written.insert("claims".to_owned(), json!([{ "path": "type", "equals": "app" }]));
    written
}

/// `iss`, keys and RS256:
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>.
/// An access token has no `aud` unless its request names a resource, and contains the app client in
/// `client_id`. `token_use` distinguishes it from an ID token. Groups are in `cognito:groups`:
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>.
fn cognito(parameters: &mut Parameters<'_, '_>) -> Object {
    let region = parameters.read("region", "eu-west-1", |text| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.starts_with("cn-") {
            return Err((
                "URLs have another form in this region, which the preset does not support"
                    .to_owned(),
                None,
            ));
        }
        (text.bytes().all(plain) && text.contains('-'))
            .then(|| text.to_owned())
            .ok_or(("not a region".to_owned(), None))
    });
    let pool = parameters.identifier("pool", "eu-west-1_AbCdEfGhI");
    if !pool.starts_with(&format!("{region}_")) && !format!("{region}{pool}").contains(".invalid") {
        parameters.fault(
            "pool",
            "not a user pool ID in this region: the ID begins with the region",
            &format!("write pool = \"{region}_…\""),
        );
    }
    let clients = parameters.several("client_id", "1example23456789");
    let address = format!("https://cognito-idp.{region}.amazonaws.com/{pool}");
    let mut written =
        issuer(address.clone(), &["RS256"], format!("{address}/.well-known/jwks.json"));
    written.insert("audience".to_owned(), "*".into());
    written.insert("roles_claim".to_owned(), "cognito:groups".into());
    let rules = json!([
        { "path": "token_use", "equals": "access" },
        { "path": "client_id", "one_of": clients },
    ]);
    written.insert("claims".to_owned(), rules);
    written
}

/// `iss` of version 2.0, which contains the tenant's ID and never a domain, and `tid`:
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>. Keys:
/// <https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens>. These are
/// the tenant's own keys, because some of the keys that all tenants share are only for consumer
/// accounts.
fn entra(parameters: &mut Parameters<'_, '_>) -> Object {
    let tenant = parameters.read("tenant", "72f988bf-86f1-41af-91ab-2d7cd011db47", |text| {
        let groups: Vec<_> = text.split('-').map(str::len).collect();
        let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let problem =
            "not a tenant ID: tokens contain the tenant's ID, never its domain or \"common\"";
        (hex && groups == [8, 4, 4, 4, 12])
            .then(|| text.to_ascii_lowercase())
            .ok_or((problem.to_owned(), None))
    });
    let mut written = issuer(
        "https://login.microsoftonline.com/{tid}/v2.0",
        &["RS256"],
        format!("https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys"),
    );
    written.insert("tenants".to_owned(), json!([tenant]));
    written
}

/// <https://firebase.google.com/docs/auth/admin/verify-id-tokens#verify_id_tokens_using_a_third-party_jwt_library>.
/// The URL serves the same keys as JWKs; it is the `jwks_uri` of the project's OpenID
/// configuration.
fn firebase(parameters: &mut Parameters<'_, '_>) -> Object {
    let project = parameters.identifier("project", "my-project");
    let keys =
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
    let mut written =
        issuer(format!("https://securetoken.google.com/{project}"), &["RS256"], keys.to_owned());
    written.insert("audience".to_owned(), project.into());
    written.insert("require".to_owned(), json!(["sub", "iat", "auth_time"]));
    written
}

/// Both spellings of `iss`, and the client ID as `aud`:
/// <https://developers.google.com/identity/gsi/web/guides/verify-google-id-token>. Keys and RS256:
/// <https://accounts.google.com/.well-known/openid-configuration>.
fn google(_: &mut Parameters<'_, '_>) -> Object {
    issuer(
        json!(["https://accounts.google.com", "accounts.google.com"]),
        &["RS256"],
        "https://www.googleapis.com/oauth2/v3/certs".to_owned(),
    )
}

/// URLs: <https://www.keycloak.org/securing-apps/oidc-layers>. The claim `typ` distinguishes access
/// tokens from ID tokens, and roles are in `realm_access`:
/// <https://www.keycloak.org/docs/latest/server_admin/#_oidc_token_role_mappings>. An introspection
/// response has the same claims.
fn keycloak(parameters: &mut Parameters<'_, '_>) -> Object {
    let base = parameters.base("base_url", "https://keycloak.example.com");
    let realm = parameters.identifier("realm", "my-realm");
    let address = format!("{base}/realms/{realm}");
    let mut written =
        issuer(address.clone(), &["RS256"], format!("{address}/protocol/openid-connect/certs"));
    written.insert("roles_claim".to_owned(), "/realm_access/roles".into());
    written.insert("claims".to_owned(), json!([{ "path": "typ", "equals": "Bearer" }]));
    introspecting(written, format!("{address}/protocol/openid-connect/token/introspect"))
}

/// The tokens of a custom authorization server:
/// <https://developer.okta.com/docs/guides/validate-access-tokens/main/>. Only Okta can validate those
/// of the organization's own, which look like JWTs, so that all of them are introspected:
/// <https://developer.okta.com/docs/concepts/auth-servers/>.
fn okta(parameters: &mut Parameters<'_, '_>) -> Object {
    let domain = parameters.host("domain", "example.okta.com");
    if domain.contains("-admin.okta") {
        let problem = "the host of the admin console, which issues no tokens";
        let remedy = format!("write domain = \"{}\"", domain.replace("-admin.okta", ".okta"));
        parameters.fault("domain", problem, &remedy);
    }
    let server = if parameters.has("authorization_server") {
        parameters.identifier("authorization_server", "default")
    } else {
        "default".to_owned()
    };
    if server == "org" {
        let address = format!("https://{domain}");
        let introspection =
            json!({ "endpoint": format!("{address}/oauth2/v1/introspect"), "tokens": "all" });
        return Object::from_iter([
            ("issuer".to_owned(), address.clone().into()),
            ("audience".to_owned(), address.into()),
            ("introspection".to_owned(), introspection),
        ]);
    }
    let address = format!("https://{domain}/oauth2/{server}");
    let written = issuer(address.clone(), &["RS256"], format!("{address}/v1/keys"));
    introspecting(written, format!("{address}/v1/introspect"))
}

/// `iss` and `aud`: <https://supabase.com/docs/guides/auth/jwt-fields>. Keys, and the asymmetric
/// algorithms: <https://supabase.com/docs/guides/auth/signing-keys>.
fn supabase(parameters: &mut Parameters<'_, '_>) -> Object {
    let base = match (parameters.has("project"), parameters.has("url")) {
        (_, false) => {
            let project = parameters.read("project", "abcdefghijklmnopqrst", |text| {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                let problem =
                    "not a project reference, which is the first label of the project's host name";
                (!text.is_empty() && text.bytes().all(plain))
                    .then(|| text.to_owned())
                    .ok_or((problem.to_owned(), None))
            });
            format!("https://{project}.supabase.co")
        }
        (false, true) => parameters.base("url", "https://api.example.com"),
        (true, true) => {
            parameters.fault("url", "url and project exclude each other", "remove one of them");
            parameters.base("url", "https://api.example.com")
        }
    };
    let mut written = issuer(
        format!("{base}/auth/v1"),
        &["ES256", "RS256"],
        format!("{base}/auth/v1/.well-known/jwks.json"),
    );
    written.insert("audience".to_owned(), "authenticated".into());
    written
}

/// Endpoints: <https://zitadel.com/docs/apis/openidoauth/endpoints>. Roles:
/// <https://zitadel.com/docs/guides/integrate/retrieve-user-roles>.
fn zitadel(parameters: &mut Parameters<'_, '_>) -> Object {
    let domain = parameters.host("domain", "instance.eu1.zitadel.cloud");
    let address = format!("https://{domain}");
    let mut written = issuer(address.clone(), &["RS256"], format!("{address}/oauth/v2/keys"));
    written.insert("roles_claim".to_owned(), "urn:zitadel:iam:org:project:roles".into());
    introspecting(written, format!("{address}/oauth/v2/introspect"))
}
