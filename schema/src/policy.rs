//! The policy's keys: what each says, its type, default, unit and bounds.
//!
//! This describes; the gate's own compiler decides, and says more of what is wrong. Tests hold the two
//! together.

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeMap;

/// A policy, as under `[vars.POLICY]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Policy {
    /// Where admitted requests go: `"https://api.example.com"`, `"service:BINDING"`, `"zone"` (the URL as
    /// it came), or `"echo"`, which answers with what would have been sent.
    #[schemars(regex(pattern = r"^(echo|zone|service:.+|https?://[^/?#]+/?)$"))]
    pub origin: String,
    /// The realm of the challenge: visible ASCII and spaces without `"` and `\`.
    #[schemars(extend("default" = "api"), regex(pattern = r#"^[ !#-\[\]-~]+$"#))]
    pub realm: Option<String>,
    /// How long the origin may take to its response's headers.
    #[schemars(range(min = 1, max = 300), extend("default" = 30, "x-unit" = "seconds"))]
    pub origin_timeout: Option<u32>,
    /// Whose tokens are accepted. Needed unless every route is public.
    pub issuers: Option<Vec<Issuer>>,
    /// What needs a token, and which. The most specific pattern wins, whatever the order; no match is a
    /// 404.
    #[schemars(length(min = 1))]
    pub routes: Vec<Route>,
    /// Where tokens are looked for.
    pub token: Option<Token>,
    /// What the origin is told.
    pub forward: Option<Forward>,
    /// Whose pages may call the API.
    pub cors: Option<Cors>,
    /// The API's metadata (RFC 9728), served under `/.well-known/oauth-protected-resource` and named in
    /// every challenge.
    pub resource: Option<Resource>,
    /// Where revoked tokens, users, sessions and keys stand.
    pub revocation: Option<Revocation>,
    /// What is recorded of decisions.
    pub log: Option<Log>,
    /// What limits clients whose tokens are refused.
    pub rate_limit: Option<RateLimit>,
    /// What a refused client is told.
    pub errors: Option<Errors>,
}

/// One issuer: whose tokens it is, what they must say, and the keys that bear them out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Issuer {
    /// A short name, for logs and for routes. With a preset it is the preset's unless given.
    pub name: Option<String>,
    /// A provider, in the place of `issuer`, `algorithms` and `keys`; it takes the keys that are listed
    /// under "of presets" below.
    pub preset: Option<PresetName>,
    /// The token's `iss`, exactly, or one of these; `"*"` waives it.
    pub issuer: Option<OneOrMany>,
    /// With a place in the issuer such as `{tid}`: the tenants accepted, each bound to that claim.
    pub tenants: Option<OneOrMany>,
    /// `"rfc9068"`: JWT access tokens as that RFC has them, `typ` and required claims.
    pub profile: Option<Profile>,
    /// The token's `aud`, any of these; `"*"` waives it.
    pub audience: Option<OneOrMany>,
    /// The algorithms accepted; all symmetric or all asymmetric.
    #[schemars(length(min = 1))]
    pub algorithms: Option<Vec<AlgorithmName>>,
    /// Where its keys are.
    pub keys: Option<Keys>,
    /// How long fetched keys serve past their freshness while there is nothing better.
    #[schemars(range(min = 0, max = 604_800), extend("default" = 86_400, "x-unit" = "seconds"))]
    pub stale_if_error: Option<u32>,
    /// By how much clocks may differ.
    #[schemars(range(min = 0, max = 300), extend("default" = 60, "x-unit" = "seconds"))]
    pub leeway: Option<u32>,
    /// How old a token may be by `iat`, which is then required.
    #[schemars(range(min = 1, max = 31_536_000), extend("x-unit" = "seconds"))]
    pub max_age: Option<u32>,
    /// Accepted values of the header's `typ`. Unless set: none, `JWT` and `at+jwt`.
    #[schemars(length(min = 1))]
    pub types: Option<Vec<Text>>,
    /// Claims that must be there, by name or JSON Pointer.
    #[schemars(length(min = 1))]
    pub require: Option<Vec<Text>>,
    /// Accepted values of `sub`.
    pub subject: Option<OneOrMany>,
    /// Rules for claims; a token that breaks one is none of the issuer's, and a 401.
    pub claims: Option<Vec<ClaimRule>>,
    /// `"optional"` for tokens without `exp`.
    #[schemars(extend("default" = "required"))]
    pub expiry: Option<Expiry>,
    /// Where scopes stand, by name or JSON Pointer. Unless set: `scope`, else `scp`.
    pub scopes_claim: Option<String>,
    /// Where roles stand, by name or JSON Pointer.
    #[schemars(extend("default" = "roles"))]
    pub roles_claim: Option<String>,
    /// `"report"`: what would be refused with 401 or 403 is let through as anonymous, and logged.
    #[schemars(extend("default" = "enforce"))]
    pub mode: Option<Mode>,
    /// Of the presets `auth0` and `okta`: the tenant's host name.
    #[schemars(extend("x-preset" = true))]
    pub domain: Option<String>,
    /// Of the preset `cloudflare-access`: the team's host name, such as `team.cloudflareaccess.com`.
    #[schemars(extend("x-preset" = true))]
    pub team: Option<String>,
    /// Of the preset `cognito`: the region, such as `eu-west-1`.
    #[schemars(extend("x-preset" = true))]
    pub region: Option<String>,
    /// Of the preset `cognito`: the user pool, such as `eu-west-1_AbCdEfGhI`.
    #[schemars(extend("x-preset" = true))]
    pub pool: Option<String>,
    /// Of the preset `cognito`: the app client, or several.
    #[schemars(extend("x-preset" = true))]
    pub client_id: Option<OneOrMany>,
    /// Of the preset `entra`: the tenant's identifier.
    #[schemars(extend("x-preset" = true))]
    pub tenant: Option<String>,
    /// Of the presets `firebase` and `supabase`: the project.
    #[schemars(extend("x-preset" = true))]
    pub project: Option<String>,
    /// Of the preset `keycloak`: the server's URL.
    #[schemars(extend("x-preset" = true))]
    pub base_url: Option<String>,
    /// Of the preset `keycloak`: the realm.
    #[schemars(extend("x-preset" = true))]
    pub realm: Option<String>,
    /// Of the preset `okta`: the authorization server, such as `default`.
    #[schemars(extend("x-preset" = true))]
    pub authorization_server: Option<String>,
    /// Of the preset `supabase`: the URL of a server of one's own.
    #[schemars(extend("x-preset" = true))]
    pub url: Option<String>,
}

/// A text with something in it, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMany {
    /// One.
    One(Text),
    /// Any of these.
    Many(#[schemars(length(min = 1))] Vec<Text>),
}

/// A text with something in it.
#[derive(JsonSchema)]
pub struct Text(#[schemars(length(min = 1))] pub String);

/// A provider.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum PresetName {
    Auth0,
    CloudflareAccess,
    Cognito,
    Entra,
    Firebase,
    Google,
    Keycloak,
    Okta,
    Supabase,
}

/// A ready-made set of rules.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Profile {
    Rfc9068,
}

/// The name of an algorithm, as in a JOSE header. A build may lack some.
#[derive(JsonSchema)]
pub enum AlgorithmName {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    ES256K,
    EdDSA,
    Ed25519,
    #[schemars(rename = "ML-DSA-44")]
    MlDsa44,
    #[schemars(rename = "ML-DSA-65")]
    MlDsa65,
    #[schemars(rename = "ML-DSA-87")]
    MlDsa87,
}

/// Whether tokens must expire.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Expiry {
    Required,
    Optional,
}

/// Whether refusals take effect.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Mode {
    Enforce,
    Report,
}

/// Where an issuer's keys are: one of `secret`, `pem`, `jwks`, `jwks_uri` and `discovery`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Keys {
    /// The binding of a shared secret, or of up to four, the newest first.
    pub secret: Option<OneOrMany>,
    /// How a secret is written down.
    #[schemars(extend("default" = "utf8"))]
    pub encoding: Option<Encoding>,
    /// The binding of a public key or certificate in PEM.
    pub pem: Option<Text>,
    /// The binding of a JWK Set, or the set itself.
    pub jwks: Option<Jwks>,
    /// Where the issuer publishes its keys.
    #[schemars(regex(pattern = "^https?://"))]
    pub jwks_uri: Option<String>,
    /// `true`: where the issuer's metadata say.
    pub discovery: Option<bool>,
    /// A service binding through which keys are fetched.
    pub service: Option<Text>,
}

/// A JWK Set (RFC 7517), or the binding that holds one.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Jwks {
    /// The binding.
    Binding(Text),
    /// The set.
    Set(BTreeMap<String, Value>),
}

/// How a secret is written down.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Encoding {
    Utf8,
    Base64,
    Base64url,
    Hex,
}

/// A rule for a claim, with one of `equals`, `one_of` and `contains`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ClaimRule {
    /// The claim, by name or JSON Pointer.
    pub path: String,
    /// The value that it must have.
    pub equals: Option<Scalar>,
    /// The values of which it must have one.
    #[schemars(length(min = 1))]
    pub one_of: Option<Vec<Scalar>>,
    /// The value that must be among those that it lists.
    pub contains: Option<Scalar>,
}

/// A string, a number or a boolean.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// A boolean.
    Truth(bool),
}

/// A pattern, and what it takes to pass.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Route {
    /// Literal segments, `{name}` for one segment, a final `*` for the rest.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// The methods, in upper case. All unless set; `GET` includes `HEAD`.
    #[schemars(length(min = 1), inner(regex(pattern = "^[A-Z-]+$")))]
    pub methods: Option<Vec<String>>,
    /// `"required"`, `"optional"` (no token passes as anonymous, a bad one is refused) or `"public"`.
    #[schemars(extend("default" = "required"))]
    pub access: Option<Access>,
    /// The issuers whose tokens count here, by name. All unless set.
    #[schemars(length(min = 1))]
    pub issuers: Option<Vec<Text>>,
    /// Scopes, all of which the token needs.
    #[schemars(length(min = 1))]
    pub scopes: Option<Vec<Text>>,
    /// Scopes, one of which the token needs.
    #[schemars(length(min = 1))]
    pub any_scope: Option<Vec<Text>>,
    /// Roles, all of which the token needs.
    #[schemars(length(min = 1))]
    pub roles: Option<Vec<Text>>,
    /// Roles, one of which the token needs.
    #[schemars(length(min = 1))]
    pub any_role: Option<Vec<Text>>,
    /// Rules for claims; a token that breaks one is a 403.
    pub claims: Option<Vec<ClaimRule>>,
    /// How the user must have signed in, one of these `acr` values; else the challenge asks for it (RFC
    /// 9470).
    #[schemars(length(min = 1))]
    pub acr: Option<Vec<Text>>,
    /// How long ago the user may have signed in, by `auth_time`; else the challenge asks to sign in again.
    #[schemars(range(min = 1, max = 31_536_000), extend("x-unit" = "seconds"))]
    pub max_auth_age: Option<u32>,
    /// `"report"`: what would be refused with 401 or 403 is let through as anonymous, and logged.
    #[schemars(extend("default" = "enforce"))]
    pub mode: Option<Mode>,
    /// `"allow"` for APIs that name things with `%2F` in a segment.
    #[schemars(extend("default" = "refuse"))]
    pub encoded_slash: Option<EncodedSlash>,
    /// `"no-store"`: the caches before the origin, which all callers share, neither answer nor store.
    /// `"origin"`: they do as the origin's answers say, which must then call `private` what is one caller's, above
    /// all where no `Authorization` is sent on. `"no-store"` unless set, on public routes `"origin"`.
    pub cache: Option<SharedCache>,
}

/// What shared caches may do.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum SharedCache {
    NoStore,
    Origin,
}

/// Whether a route needs a token.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Access {
    Required,
    Optional,
    Public,
}

/// What becomes of an encoded slash in a path.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum EncodedSlash {
    Refuse,
    Allow,
}

/// Where tokens are looked for.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Token {
    /// The places. A request with two tokens is refused.
    #[schemars(length(min = 1), extend("default" = ["authorization"]))]
    pub sources: Option<Vec<Source>>,
}

/// A place for a token.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Source {
    /// A place of a fixed name.
    Fixed(FixedSource),
    /// A place of a name of one's own.
    Named(NamedSource),
}

/// `"authorization"`: `Authorization: Bearer`. `"websocket-protocol"`: `bearer, TOKEN` among the
/// subprotocols.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum FixedSource {
    Authorization,
    WebsocketProtocol,
}

/// A cookie, a header or a query parameter: one of them.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
pub struct NamedSource {
    /// A cookie, best named `__Host-…`. Unsafe methods and every WebSocket must then come from the gate's
    /// own origin.
    pub cookie: Option<Text>,
    /// A header with a bare token in it.
    pub header: Option<Text>,
    /// A query parameter, which is not sent on.
    pub query: Option<Text>,
}

/// What the origin is told.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Forward {
    /// `"strip"`: the token is taken out of its place, and `Authorization` out of every request.
    #[schemars(extend("default" = "keep"))]
    pub authorization: Option<Authorization>,
    /// Headers to write, and the claim for each. Whatever a client sends under these names is removed, on
    /// every route.
    pub claims: Option<BTreeMap<String, Text>>,
    /// A header for the token's payload, base64url.
    pub payload: Option<Text>,
    /// A token of the gate's own, by which the API can refuse what came around the gate.
    pub proof: Option<Proof>,
}

/// What becomes of the token.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Authorization {
    Keep,
    Strip,
}

/// A token of the gate's own.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Proof {
    /// The header that it is in.
    #[schemars(extend("default" = "X-Portcullis-Proof"))]
    pub header: Option<Text>,
    /// The binding of the secret that it is signed with, and that the API holds too.
    pub secret: Text,
    /// How the secret is written down.
    #[schemars(extend("default" = "utf8"))]
    pub encoding: Option<Encoding>,
    /// How long it is good.
    #[schemars(range(min = 1, max = 300), extend("default" = 60, "x-unit" = "seconds"))]
    pub lifetime: Option<u32>,
}

/// Whose pages may call the API.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cors {
    /// Their origins, as browsers write them; `["*"]` for any, unless a cookie is a source of tokens.
    #[schemars(length(min = 1))]
    pub allow_origins: Vec<Text>,
    /// The headers that a page may send. Whichever it asks for, unless set.
    #[schemars(length(min = 1))]
    pub allow_headers: Option<Vec<Text>>,
    /// How long a browser may keep the answer to a preflight.
    #[schemars(range(min = 0, max = 86_400), extend("x-unit" = "seconds"))]
    pub max_age: Option<u32>,
}

/// The API's metadata (RFC 9728).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Resource {
    /// The API's own URL.
    #[schemars(regex(pattern = "^https?://"))]
    pub identifier: String,
    /// Where to get tokens for it.
    #[schemars(length(min = 1))]
    pub authorization_servers: Vec<Text>,
    /// The scopes that there are.
    #[schemars(length(min = 1))]
    pub scopes_supported: Option<Vec<Text>>,
}

/// Where revoked tokens, users, sessions and keys stand.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Revocation {
    /// The binding of the KV namespace.
    pub kv: Text,
    /// How old an answer from it may be by the gate's doing.
    #[schemars(range(min = 30, max = 86_400), extend("default" = 60, "x-unit" = "seconds"))]
    pub max_staleness: Option<u32>,
    /// What becomes of requests while it cannot be read.
    #[schemars(extend("default" = "refuse"))]
    pub on_error: Option<OnError>,
    /// The path at which providers report logouts (OpenID Connect Back-Channel Logout).
    #[schemars(regex(pattern = "^/"))]
    pub logout_path: Option<String>,
    /// The `aud` of their logout tokens. The issuer's audience unless set.
    pub logout_audience: Option<OneOrMany>,
    /// How long what a logout revokes is kept.
    #[schemars(range(min = 60, max = 31_536_000), extend("default" = 604_800, "x-unit" = "seconds"))]
    pub expiration_ttl: Option<u32>,
}

/// What becomes of requests while the store cannot be read.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum OnError {
    Refuse,
    Allow,
}

/// What is recorded of decisions.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Log {
    /// Which have a line in the log. What report mode lets through is logged with the refused.
    #[schemars(extend("default" = "refused"))]
    pub decisions: Option<Decisions>,
    /// The Analytics Engine binding to which every decision is written.
    pub analytics: Option<Text>,
    /// Whether answers tell how long they waited.
    #[schemars(extend("default" = false))]
    pub server_timing: Option<bool>,
}

/// Which decisions are logged.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Decisions {
    None,
    Refused,
    All,
}

/// What limits clients whose tokens are refused.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RateLimit {
    /// The Rate Limiting binding that counts refused tokens by client address.
    pub binding: Text,
}

/// What a refused client is told.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Errors {
    /// `"reason"` adds the reason code to refusals: for development.
    #[schemars(extend("default" = "none"))]
    pub detail: Option<Detail>,
}

/// How much of the reason a refused client is told.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Detail {
    None,
    Reason,
}
