//! The policy's keys: the meaning, type, default, unit and bounds of each.
//!
//! The gate's own compiler decides what is valid, and checks more than this schema can express.
//! Tests check that the two agree.

use schemars::JsonSchema;
use serde_json::Value;
use std::collections::BTreeMap;

/// A policy: the contents of `[vars.POLICY]`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Policy {
    /// Where the gate sends admitted requests: `"https://api.example.com"`, also with a path, which
    /// then comes before the request's path; `"service:BINDING"`, a
    /// service binding; `"zone"`, the zone's own origin, with the URL unchanged; or `"echo"`, for
    /// demonstrations: the gate responds with the request that it would have sent. Required, except
    /// in Workers that only call `authenticate`.
    #[schemars(regex(pattern = r"^(echo|zone|service:.+|https?://[^/?#]+(/[^/?#]+)*/?)$"))]
    pub origin: Option<String>,
    /// The `realm` in the `WWW-Authenticate` header of refusals: visible ASCII characters and
    /// spaces, without `"` and `\`.
    #[schemars(extend("default" = "api"), regex(pattern = r#"^[ !#-\[\]-~]+$"#))]
    pub realm: Option<String>,
    /// How long the gate waits for the origin's response headers.
    #[schemars(range(min = 1, max = 300), extend("default" = 30, "x-unit" = "seconds"))]
    pub origin_timeout: Option<u32>,
    /// The issuers whose tokens are accepted. Required unless every route is public.
    pub issuers: Option<Vec<Issuer>>,
    /// The paths that the gate serves, and which of them need a token. The most specific pattern
    /// that matches the path applies, regardless of their order. A path that matches no pattern
    /// gets a 404.
    #[schemars(length(min = 1))]
    pub routes: Vec<Route>,
    /// Where the gate looks for tokens.
    pub token: Option<Token>,
    /// What the origin receives about the caller: the token, claims in headers, and a proof that
    /// the request came through the gate.
    pub forward: Option<Forward>,
    /// Which web pages may call the API (CORS).
    pub cors: Option<Cors>,
    /// The API's OAuth metadata (RFC 9728), or a list of such tables for several resources. The
    /// gate serves each under `/.well-known/oauth-protected-resource`, followed by the path of its
    /// identifier. A challenge refers to the resource whose path the request's path begins with;
    /// the longest one counts.
    pub resource: Option<Resources>,
    /// How clients prove that they have the key of a token with `cnf.jkt` (DPoP, RFC 9449). Only
    /// with an issuer that accepts sender-constrained tokens.
    pub dpop: Option<Dpop>,
    /// Which client certificates count for a token with `cnf["x5t#S256"]` (RFC 8705). With this
    /// table, even if it is empty, challenges and metadata tell clients that certificates are
    /// accepted. Only with an issuer that accepts sender-constrained tokens.
    pub mtls: Option<Mtls>,
    /// Where the gate looks up revoked tokens, users, sessions and keys.
    pub revocation: Option<Revocation>,
    /// Lets the isolates of a data center share fetched keys.
    pub key_cache: Option<KeyCache>,
    /// What the gate records about its decisions.
    pub log: Option<Log>,
    /// How the gate limits clients whose tokens it rejects.
    pub rate_limit: Option<RateLimit>,
    /// What the gate tells clients about refusals.
    pub errors: Option<Errors>,
}

/// An issuer: the rules for its tokens, and its keys or how they are introspected. Without a
/// preset, `name`, `issuer` and `audience` are required, and `algorithms` and `keys` unless there
/// is `introspection`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Issuer {
    /// A short name, for logs and for the `issuers` of routes: letters, digits, `.`, `_` and `-`.
    /// With a preset, the default is the preset's name.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9._-]+$"))]
    pub name: Option<String>,
    /// A provider whose settings are built in. The preset sets `issuer`, `keys` and a default for
    /// `algorithms`, adds the endpoint to `introspection`, and has parameters of its own.
    pub preset: Option<PresetName>,
    /// The value of the token's `iss`, or a list of accepted values, compared exactly. `"*"`
    /// disables the check.
    pub issuer: Option<OneOrMany>,
    /// The accepted tenants, if `issuer` contains a placeholder such as `{tid}`. The token's claim
    /// of that name must contain the same tenant as its `iss`.
    pub tenants: Option<OneOrMany>,
    /// `"rfc9068"` accepts only JWT access tokens as RFC 9068 defines them, with their `typ` and
    /// the claims that the RFC requires.
    pub profile: Option<Profile>,
    /// The value that the token's `aud` must contain, or a list of which it must contain one. `"*"`
    /// disables the check.
    pub audience: Option<OneOrMany>,
    /// The accepted signature algorithms: either all symmetric (`HS…`) or all asymmetric.
    #[schemars(length(min = 1))]
    pub algorithms: Option<Vec<AlgorithmName>>,
    /// Where the issuer's keys come from. An issuer with `introspection` needs none: it then
    /// accepts opaque tokens only.
    pub keys: Option<Keys>,
    /// How the gate asks the issuer about tokens that it cannot verify itself
    /// ([opaque-tokens.md](opaque-tokens.md)).
    pub introspection: Option<Introspection>,
    /// How long fetched keys are used after they have become stale, if the gate cannot fetch them
    /// again.
    #[schemars(range(min = 0, max = 604_800), extend("default" = 86_400, "x-unit" = "seconds"))]
    pub stale_if_error: Option<u32>,
    /// How far the issuer's clock and the gate's may differ.
    #[schemars(range(min = 0, max = 300), extend("default" = 60, "x-unit" = "seconds"))]
    pub leeway: Option<u32>,
    /// The greatest age of a token by its `iat`, which is then required.
    #[schemars(range(min = 1, max = 31_536_000), extend("x-unit" = "seconds"))]
    pub max_age: Option<u32>,
    /// Accepted values of the token header's `typ`. Unless set, the gate accepts `JWT`, `at+jwt`
    /// and tokens without `typ`.
    #[schemars(length(min = 1))]
    pub types: Option<Vec<Text>>,
    /// Claims that the token must contain, by name or JSON Pointer.
    #[schemars(length(min = 1))]
    pub require: Option<Vec<Text>>,
    /// Accepted values of `sub`. Unless set, all.
    pub subject: Option<OneOrMany>,
    /// Rules for claims. A token that breaks one is rejected with a 401.
    pub claims: Option<Vec<ClaimRule>>,
    /// `"optional"` also accepts tokens without `exp`.
    #[schemars(extend("default" = "required"))]
    pub expiry: Option<Expiry>,
    /// The claim that contains the scopes, by name or JSON Pointer. Unless set, `scope`, or `scp`
    /// if the token has no `scope`.
    pub scopes_claim: Option<String>,
    /// The claim that contains the roles, by name or JSON Pointer: a string, an array of strings,
    /// or an object whose members are objects and have the roles as their names, as Zitadel writes
    /// it.
    #[schemars(extend("default" = "roles"))]
    pub roles_claim: Option<String>,
    /// Whether tokens may be bound to a key with `cnf` (RFC 7800). `"refused"` rejects such tokens.
    /// With `"accepted"`, the client of such a token must prove that it has the key; tokens without
    /// `cnf` are bearer tokens. `"required"` rejects tokens without `cnf`.
    #[schemars(extend("default" = "refused"))]
    pub sender_constrained: Option<SenderConstrained>,
    /// `"report"` forwards requests that would be refused with 401 or 403 as anonymous, and logs
    /// them. Cross-site requests are still refused.
    #[schemars(extend("default" = "enforce"))]
    pub mode: Option<Mode>,
    /// For the presets `auth0`, `okta` and `zitadel`: the tenant's host name.
    #[schemars(extend("x-preset" = true))]
    pub domain: Option<String>,
    /// For the preset `cloudflare-access`: the team domain, such as `team.cloudflareaccess.com`.
    #[schemars(extend("x-preset" = true))]
    pub team: Option<String>,
    /// For the preset `cognito`: the AWS region, such as `eu-west-1`.
    #[schemars(extend("x-preset" = true))]
    pub region: Option<String>,
    /// For the preset `cognito`: the ID of the user pool, such as `eu-west-1_AbCdEfGhI`.
    #[schemars(extend("x-preset" = true))]
    pub pool: Option<String>,
    /// For the preset `cognito`: the ID of the app client, or a list of IDs.
    #[schemars(extend("x-preset" = true))]
    pub client_id: Option<OneOrMany>,
    /// For the preset `entra`: the tenant ID.
    #[schemars(extend("x-preset" = true))]
    pub tenant: Option<String>,
    /// For the preset `firebase`: the project ID. For the preset `supabase`: the project reference.
    #[schemars(extend("x-preset" = true))]
    pub project: Option<String>,
    /// For the preset `keycloak`: the server's URL, without `/realms`.
    #[schemars(extend("x-preset" = true))]
    pub base_url: Option<String>,
    /// For the preset `keycloak`: the name of the realm.
    #[schemars(extend("x-preset" = true))]
    pub realm: Option<String>,
    /// For the preset `okta`: the ID of the authorization server. Unless set, `default`. `org` is
    /// the organization's own, whose tokens only Okta can validate, so that they are introspected.
    #[schemars(extend("x-preset" = true))]
    pub authorization_server: Option<String>,
    /// For the preset `supabase`, instead of `project`: the URL of a custom domain or a self-hosted
    /// server.
    #[schemars(extend("x-preset" = true))]
    pub url: Option<String>,
}

/// A non-empty string, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMany {
    /// One value.
    One(Text),
    /// A list of values.
    Many(#[schemars(length(min = 1))] Vec<Text>),
}

/// A non-empty string.
#[derive(JsonSchema)]
pub struct Text(#[schemars(length(min = 1))] pub String);

/// A provider that has a preset.
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
    Zitadel,
}

/// A predefined set of rules.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Profile {
    Rfc9068,
}

/// The JOSE name of a signature algorithm. A build may lack some of them.
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

/// Whether tokens may be bound to a key.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum SenderConstrained {
    Refused,
    Accepted,
    Required,
}

/// How clients prove that they have the key of a token (DPoP, RFC 9449).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Dpop {
    /// The accepted signature algorithms of proofs, all asymmetric.
    #[schemars(length(min = 1), extend("default" = ["ES256", "EdDSA"]))]
    pub algorithms: Option<Vec<AlgorithmName>>,
    /// How far the `iat` of a proof may be from the gate's clock, in either direction. Nonces are
    /// valid for as long.
    #[schemars(range(min = 5, max = 300), extend("default" = 60, "x-unit" = "seconds"))]
    pub max_age: Option<u32>,
    /// The binding of a secret that only the gate has. With it, proofs must contain a nonce of the
    /// gate's (RFC 9449, section 9), so that nobody can make proofs in advance.
    pub nonce: Option<Text>,
    /// Where used proofs are remembered. `"isolate"`: each isolate of the Worker remembers them, so
    /// a proof can be used once in each. `{ durable_object = "BINDING" }`: a Durable Object for
    /// each key, so a proof can be used once.
    #[schemars(extend("default" = "isolate"))]
    pub replay: Option<Replay>,
}

/// Where used proofs are remembered.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Replay {
    /// In each isolate.
    In(ReplayPlace),
    /// In Durable Objects.
    Object(ReplayObject),
}

/// Where used proofs are remembered without a binding.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum ReplayPlace {
    Isolate,
}

/// The Durable Objects that remember used proofs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ReplayObject {
    /// The binding of a Durable Object namespace with the class `ProofReplay`, which the Worker and
    /// the npm package export.
    pub durable_object: Text,
}

/// Which client certificates count (RFC 8705).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Mtls {
    /// `"ca"`: Cloudflare must have verified the certificate's chain. `"any"`: any certificate that
    /// the token is bound to, such as a self-signed one. A revoked certificate never counts.
    #[schemars(extend("default" = "ca"))]
    pub trust: Option<CertificateTrust>,
}

/// Which client certificates count.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum CertificateTrust {
    Ca,
    Any,
}

/// Whether refusals take effect.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Mode {
    Enforce,
    Report,
}

/// Where an issuer's keys come from: exactly one of `secret`, `pem`, `jwks`, `jwks_uri` and
/// `discovery`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Keys {
    /// The binding that contains a shared secret, or a list of up to four such bindings, newest
    /// first.
    pub secret: Option<OneOrMany>,
    /// How the secret is encoded in its binding.
    #[schemars(extend("default" = "utf8"))]
    pub encoding: Option<Encoding>,
    /// The binding that contains public keys or certificates in PEM.
    pub pem: Option<Text>,
    /// The binding that contains a JWK Set, or the JWK Set itself.
    pub jwks: Option<Jwks>,
    /// The URL of the issuer's JWK Set, from which the gate fetches the keys.
    #[schemars(regex(pattern = "^https?://"))]
    pub jwks_uri: Option<String>,
    /// `true`: the gate fetches the issuer's metadata, which contains the URL of the JWK Set.
    pub discovery: Option<bool>,
    /// The service binding through which the gate fetches the keys. Needed if a Worker in the same
    /// zone serves them.
    pub service: Option<Text>,
}

/// How the gate asks an issuer about tokens (RFC 7662). Required are `client_id`, one of `endpoint`
/// and `discovery`, and one of `client_secret` and `private_key`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Introspection {
    /// The URL of the introspection endpoint.
    #[schemars(regex(pattern = "^https?://"))]
    pub endpoint: Option<String>,
    /// `true`: the gate fetches the issuer's metadata, which contains the URL of the endpoint.
    pub discovery: Option<bool>,
    /// The client ID that the provider has given the gate.
    pub client_id: Text,
    /// The binding that contains the client's secret.
    pub client_secret: Option<Text>,
    /// The binding that contains the client's private key instead, for `private_key_jwt` (RFC
    /// 7523): PKCS #8 in PEM, or a JWK. An Ed25519 key signs with EdDSA, and a key on P-256 with
    /// ES256.
    pub private_key: Option<Text>,
    /// How the client secret is sent: in `Authorization: Basic`, or in the body.
    #[schemars(extend("default" = "basic"))]
    pub auth: Option<ClientAuthentication>,
    /// How long the gate reuses a response, but never past `exp`. A token that its provider revokes
    /// is accepted for that long. `0` asks for every request.
    #[schemars(range(min = 0, max = 3600), extend("default" = 60, "x-unit" = "seconds"))]
    pub cache: Option<u32>,
    /// `"opaque"`: the gate introspects tokens that are not JWTs. `"all"`: it introspects JWTs too,
    /// after it has verified their signature, and takes the claims of the response. If the issuer
    /// has no keys, no signature is verified.
    #[schemars(extend("default" = "opaque"))]
    pub tokens: Option<IntrospectedTokens>,
    /// Whether responses must be signed (RFC 9701). They are verified with the issuer's keys.
    #[schemars(extend("default" = false))]
    pub signed: Option<bool>,
}

/// How a client secret is sent.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum ClientAuthentication {
    Basic,
    Post,
}

/// Which tokens are introspected.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum IntrospectedTokens {
    Opaque,
    All,
}

/// A JWK Set (RFC 7517), or the name of the binding that contains it.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Jwks {
    /// The name of the binding.
    Binding(Text),
    /// The JWK Set itself.
    Set(BTreeMap<String, Value>),
}

/// How a secret is encoded.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Encoding {
    Utf8,
    Base64,
    Base64url,
    Hex,
}

/// A rule for a claim, with exactly one of `equals`, `one_of`, `contains` and `starts_with`. A
/// single value in a token is the same as an array of only this value. A `*` in a compared value
/// stands for itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ClaimRule {
    /// The claim, by name or JSON Pointer.
    pub path: String,
    /// The only value that the claim must have.
    pub equals: Option<Scalar>,
    /// The values of which the claim must have one.
    #[schemars(length(min = 1))]
    pub one_of: Option<Vec<Scalar>>,
    /// The value that the claim must have, possibly beside others in an array.
    pub contains: Option<Scalar>,
    /// The text with which the claim must start. It is not empty.
    pub starts_with: Option<Text>,
    /// Whether a token without the claim meets the rule as well.
    #[schemars(extend("default" = false))]
    pub if_present: Option<bool>,
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

/// A path pattern, and what a request that matches it must have.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Route {
    /// The pattern: literal segments, `{name}` for exactly one segment, `{name}:verb` for one that
    /// ends with this verb, and `*` at the end for the rest of the path.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// The methods, in upper case. Unless set, all. `GET` includes `HEAD`.
    #[schemars(length(min = 1), inner(regex(pattern = "^[A-Z-]+$")))]
    pub methods: Option<Vec<String>>,
    /// `"required"`: a request needs a valid token. `"optional"`: a request without a token is
    /// forwarded as anonymous, and a request with an invalid token is refused. `"public"`: the gate
    /// does not look at tokens.
    #[schemars(extend("default" = "required"))]
    pub access: Option<Access>,
    /// The names of the issuers whose tokens the route accepts. Unless set, all.
    #[schemars(length(min = 1))]
    pub issuers: Option<Vec<Text>>,
    /// Scopes, all of which the token must have.
    #[schemars(length(min = 1))]
    pub scopes: Option<Vec<Text>>,
    /// Scopes, at least one of which the token must have.
    #[schemars(length(min = 1))]
    pub any_scope: Option<Vec<Text>>,
    /// Roles, all of which the token must have.
    #[schemars(length(min = 1))]
    pub roles: Option<Vec<Text>>,
    /// Roles, at least one of which the token must have.
    #[schemars(length(min = 1))]
    pub any_role: Option<Vec<Text>>,
    /// Rules for claims. A token that breaks one gets a 403.
    pub claims: Option<Vec<ClaimRule>>,
    /// Accepted values of `acr`, which says how the user signed in. For a token with another value,
    /// the challenge asks the client to have the user sign in again in one of these ways (RFC
    /// 9470).
    #[schemars(length(min = 1))]
    pub acr: Option<Vec<Text>>,
    /// The greatest time since the user signed in, by `auth_time`. After that, the challenge asks
    /// the client to have the user sign in again (RFC 9470).
    #[schemars(range(min = 1, max = 31_536_000), extend("x-unit" = "seconds"))]
    pub max_auth_age: Option<u32>,
    /// `"report"` forwards requests that would be refused with 401 or 403 as anonymous, and logs
    /// them. Cross-site requests are still refused.
    #[schemars(extend("default" = "enforce"))]
    pub mode: Option<Mode>,
    /// `"allow"` accepts `%2F` within a segment, for APIs whose names contain slashes.
    #[schemars(extend("default" = "refuse"))]
    pub encoded_slash: Option<EncodedSlash>,
    /// `"allow"` accepts path parameters, such as `;version=2` at the end of a segment, if the
    /// route is the same without them: some servers drop them before they match a path.
    #[schemars(extend("default" = "refuse"))]
    pub path_parameters: Option<EncodedSlash>,
    /// Whether shared caches in front of the origin may be used. `"no-store"`: the request bypasses
    /// them, and they do not store the response. `"origin"`: they follow the headers of the
    /// origin's responses. The origin must then mark each response for a single caller as
    /// `private`, above all if `Authorization` is not forwarded. Unless set, `"origin"` on public
    /// routes, else `"no-store"`.
    pub cache: Option<SharedCache>,
}

/// Whether shared caches may be used.
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

/// Whether paths with an encoded slash are accepted.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum EncodedSlash {
    Refuse,
    Allow,
}

/// Where the gate looks for tokens.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Token {
    /// The places to look in. A request with two tokens is refused.
    #[schemars(length(min = 1), extend("default" = ["authorization"]))]
    pub sources: Option<Vec<Source>>,
}

/// A place where a token may be.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Source {
    /// A place with a fixed name.
    Fixed(FixedSource),
    /// A place whose name the policy chooses.
    Named(NamedSource),
}

/// `"authorization"`: the header `Authorization: Bearer TOKEN`. `"websocket-protocol"`: the
/// WebSocket subprotocols `bearer, TOKEN`.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum FixedSource {
    Authorization,
    WebsocketProtocol,
}

/// Exactly one place.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
pub struct NamedSource {
    /// The name of a cookie, preferably with the prefix `__Host-`. Requests with unsafe methods and
    /// WebSocket upgrades must then come from the gate's own origin or one in `cors.allow_origins`.
    pub cookie: Option<Text>,
    /// The name of a header that contains the token and nothing else.
    pub header: Option<Text>,
    /// The name of a query parameter. The gate always removes it before it forwards the request.
    pub query: Option<Text>,
    /// The name of a scheme that clients send in `Authorization` instead of `Bearer`, such as `JWT`
    /// or `Token`.
    pub scheme: Option<Text>,
    /// The name of a cookie that contains `Bearer` and the token: `Bearer%20TOKEN`, or
    /// `"Bearer TOKEN"` in double quotes. The rules for `cookie` apply.
    pub bearer_cookie: Option<Text>,
    /// The beginning of a WebSocket subprotocol that ends with the token, as it is or in base64url.
    /// Kubernetes clients send `base64url.bearer.authorization.k8s.io.`. The gate removes this
    /// subprotocol, and the API chooses one of the others that the client offers.
    pub subprotocol: Option<Text>,
}

/// What the origin receives about the caller: the token, claims in headers, and a proof that the
/// request came through the gate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Forward {
    /// `"strip"` removes the token from the request, and `Authorization` from every request.
    #[schemars(extend("default" = "keep"))]
    pub authorization: Option<Authorization>,
    /// The headers to set, each with the claim to set it to, by name or JSON Pointer. The gate
    /// removes these headers from every incoming request, on every route.
    pub claims: Option<BTreeMap<String, Text>>,
    /// The header to set to the token's payload, in base64url.
    pub payload: Option<Text>,
    /// Headers with which the origin recognizes the gate, such as an API key or a service token:
    /// the header's name, and the binding that contains its value. The gate sets them on every
    /// request, also on public routes. `Authorization` is possible with `authorization = "strip"`.
    pub headers: Option<BTreeMap<String, Text>>,
    /// A token that the gate signs for each request, so that the origin can refuse requests that
    /// bypass the gate.
    pub proof: Option<Proof>,
    /// A JWT that the gate signs for each credential, so that the API can verify who the caller is
    /// without a secret, and without a token of the client.
    pub identity: Option<Identity>,
    /// What happens to URLs of the origin in `Location` and `Content-Location` of its responses, if
    /// `origin` is a URL. `"rewrite"` replaces the origin's scheme, host and base path by those of
    /// the client's request, because clients cannot or must not reach the origin.
    #[schemars(extend("default" = "rewrite"))]
    pub location: Option<Location>,
}

/// What happens to URLs of the origin in responses.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Location {
    Rewrite,
    Keep,
}

/// Whether the token is forwarded.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Authorization {
    Keep,
    Strip,
}

/// The hop proof: a token that the gate itself signs for each request.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Proof {
    /// The header that contains the proof.
    #[schemars(extend("default" = "X-Portcullis-Proof"))]
    pub header: Option<Text>,
    /// The binding that contains the secret with which the gate signs the proof. The origin needs
    /// the same secret.
    pub secret: Text,
    /// How the secret is encoded in its binding.
    #[schemars(extend("default" = "utf8"))]
    pub encoding: Option<Encoding>,
    /// How long a proof is valid.
    #[schemars(range(min = 1, max = 300), extend("default" = 60, "x-unit" = "seconds"))]
    pub lifetime: Option<u32>,
}

/// The signed identity: a JWT that the gate signs for the API. The API verifies it with the key set
/// at `/.well-known/jwks.json` below `issuer`. Requests without a credential get none.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Identity {
    /// The binding that contains the private key: PKCS #8 in PEM or a JWK, an Ed25519 key (EdDSA)
    /// or a key on P-256 (ES256). A list for rotation, the newest first: the first key signs, and
    /// the key set contains all of them.
    pub key: OneOrMany,
    /// The gate's name as an issuer, an `https` URL: the `iss` of the identities. No issuer of the
    /// policy may have the same name.
    pub issuer: Text,
    /// The API's name: the `aud` of the identities.
    pub audience: Text,
    /// The header that contains the identity. The gate removes it from every incoming request, on
    /// every route. `Authorization` contains `Bearer` and the identity, and the client's token is
    /// removed from wherever it was. Any other header contains the identity alone.
    #[schemars(extend("default" = "Authorization"))]
    pub header: Option<Text>,
    /// The claims to copy, by name or JSON Pointer. A claim that a pointer names keeps its place in
    /// the objects around it. Claims that are absent or null are left out.
    #[schemars(extend("default" = ["sub", "scope", "client_id"]))]
    #[schemars(length(min = 1))]
    pub claims: Option<Vec<Text>>,
    /// How long an identity is valid, at most until its credential expires. It is reused while more
    /// than half of this time remains.
    #[schemars(range(min = 60, max = 3600), extend("default" = 300, "x-unit" = "seconds"))]
    pub lifetime: Option<u32>,
}

/// Lets the isolates of a data center share fetched keys through the Cache API, so that each key
/// set is fetched once per data center. Without this table, each isolate fetches for itself. Every
/// Worker of the zone can write to that cache, so the gate authenticates the entries with a secret.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct KeyCache {
    /// The binding that contains the secret. It must differ from every other secret of the policy.
    pub secret: Text,
    /// How the secret is encoded in its binding.
    #[schemars(extend("default" = "utf8"))]
    pub encoding: Option<Encoding>,
}

/// Which web pages may call the API (CORS).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Cors {
    /// The origins of these pages, as browsers write them; also those of application shells and
    /// browser extensions, such as `capacitor://localhost`. In `https://*.example.com`, the `*`
    /// stands for exactly one label. `["*"]` allows all, which is an error together with
    /// credentials.
    #[schemars(length(min = 1))]
    pub allow_origins: Vec<Text>,
    /// The request headers that a page may send. Unless set, all that the page asks for.
    #[schemars(length(min = 1))]
    pub allow_headers: Option<Vec<Text>>,
    /// Whether pages may send requests with credentials, such as cookies of the API's own. Always
    /// true if the gate looks for tokens in a cookie.
    #[schemars(extend("default" = false))]
    pub allow_credentials: Option<bool>,
    /// How long a browser may cache the response to a preflight.
    #[schemars(range(min = 0, max = 86_400), extend("x-unit" = "seconds"))]
    pub max_age: Option<u32>,
    /// Whether the gate adds the headers to the API's responses too, so that the API need not know
    /// about CORS. A response in which the API itself names an allowed origin stays as it is.
    #[schemars(extend("default" = false))]
    pub responses: Option<bool>,
    /// The headers of the API's responses that a page may read, if the gate adds the headers.
    #[schemars(length(min = 1))]
    pub expose_headers: Option<Vec<Text>>,
}

/// One resource, or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Resources {
    /// The only resource.
    One(Resource),
    /// Several resources, whose identifiers have different paths.
    Several(Vec<Resource>),
}

/// The API's OAuth metadata (RFC 9728).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Resource {
    /// The API's own URL, which identifies it.
    #[schemars(regex(pattern = "^https?://"))]
    pub identifier: String,
    /// The URLs of the authorization servers that issue tokens for the API.
    #[schemars(length(min = 1))]
    pub authorization_servers: Vec<Text>,
    /// The scopes that the API uses.
    #[schemars(length(min = 1))]
    pub scopes_supported: Option<Vec<Text>>,
    /// Whether to serve the document at `/.well-known/oauth-protected-resource` as well, for
    /// clients that look only there. One resource can.
    #[schemars(extend("default" = false))]
    pub root: Option<bool>,
}

/// Where the gate looks up revoked tokens, users, sessions and keys.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Revocation {
    /// The binding of the KV namespace that contains the revocations.
    pub kv: Text,
    /// How old a lookup result may be, not counting the time that KV takes to propagate a write.
    #[schemars(range(min = 30, max = 86_400), extend("default" = 60, "x-unit" = "seconds"))]
    pub max_staleness: Option<u32>,
    /// Whether tokens are accepted while the namespace cannot be read.
    #[schemars(extend("default" = "refuse"))]
    pub on_error: Option<OnError>,
    /// The path at which providers report logouts (OpenID Connect Back-Channel Logout).
    #[schemars(regex(pattern = "^/"))]
    pub logout_path: Option<String>,
    /// Accepted values of `aud` in logout tokens. Unless set, the issuer's `audience`.
    pub logout_audience: Option<OneOrMany>,
    /// How long the entries that a logout writes are kept.
    #[schemars(
        range(min = 60, max = 31_536_000),
        extend("default" = 604_800, "x-unit" = "seconds")
    )]
    pub expiration_ttl: Option<u32>,
}

/// Whether tokens are accepted while revocations cannot be looked up.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum OnError {
    Refuse,
    Allow,
}

/// What the gate records about its decisions.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Log {
    /// Which decisions are logged. `"refused"` includes what report mode lets through.
    #[schemars(extend("default" = "refused"))]
    pub decisions: Option<Decisions>,
    /// The Analytics Engine binding to which the gate writes every decision.
    pub analytics: Option<Text>,
    /// Whether responses contain a `Server-Timing` header, with the time that the gate and the
    /// origin took.
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

/// How the gate limits clients whose tokens it rejects.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RateLimit {
    /// The Rate Limiting binding that counts rejected tokens by client address.
    pub binding: Text,
}

/// What the gate tells clients about refusals.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Errors {
    /// `"reason"` adds the reason code to refusals. It is meant for development.
    #[schemars(extend("default" = "none"))]
    pub detail: Option<Detail>,
}

/// Whether refusals contain the reason code.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Detail {
    None,
    Reason,
}
