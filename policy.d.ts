// Generated from schema/src/policy.rs by `UPDATE=1 cargo test --package policy-schema`.

/** A policy: the contents of `[vars.POLICY]`. */
export interface Policy {
  /** Which web pages may call the API (CORS). */
  cors?: Cors;
  /**
   * How clients prove that they have the key of a token with `cnf.jkt` (DPoP, RFC 9449). Only
   * with an issuer that accepts sender-constrained tokens.
   */
  dpop?: Dpop;
  /** What the gate tells clients about refusals. */
  errors?: Errors;
  /**
   * What the origin receives about the caller: the token, claims in headers, and a proof that
   * the request came through the gate.
   */
  forward?: Forward;
  /** The issuers whose tokens are accepted. Required unless every route is public. */
  issuers?: (Issuer)[];
  /** Lets the isolates of a data center share fetched keys. */
  key_cache?: KeyCache;
  /** What the gate records about its decisions. */
  log?: Log;
  /**
   * Which client certificates count for a token with `cnf["x5t#S256"]` (RFC 8705). With this
   * table, even if it is empty, challenges and metadata tell clients that certificates are
   * accepted. Only with an issuer that accepts sender-constrained tokens.
   */
  mtls?: Mtls;
  /**
   * Where the gate sends admitted requests: `"https://api.example.com"`, also with a path, which
   * then comes before the request's path; `"service:BINDING"`, a
   * service binding; `"zone"`, the zone's own origin, with the URL unchanged; or `"echo"`, for
   * demonstrations: the gate responds with the request that it would have sent. Required, except
   * in Workers that only call `authenticate`.
   */
  origin?: string;
  /**
   * How long the gate waits for the origin's response headers.
   * In seconds, 1 to 300.
   * @default 30
   */
  origin_timeout?: number;
  /** How the gate limits clients whose tokens it rejects. */
  rate_limit?: RateLimit;
  /**
   * The `realm` in the `WWW-Authenticate` header of refusals: visible ASCII characters and
   * spaces, without `"` and `\`.
   * @default "api"
   */
  realm?: string;
  /**
   * The API's OAuth metadata (RFC 9728), or a list of such tables for several resources. The
   * gate serves each under `/.well-known/oauth-protected-resource`, followed by the path of its
   * identifier. A challenge refers to the resource whose path the request's path begins with;
   * the longest one counts.
   */
  resource?: Resources;
  /** Where the gate looks up revoked tokens, users, sessions and keys. */
  revocation?: Revocation;
  /**
   * The paths that the gate serves, and which of them need a token. The most specific pattern
   * that matches the path applies, regardless of their order. A path that matches no pattern
   * gets a 404.
   */
  routes: (Route)[];
  /** Where the gate looks for tokens. */
  token?: Token;
}

/** Whether a route needs a token. */
export type Access = "required" | "optional" | "public";

/** The JOSE name of a signature algorithm. A build may lack some of them. */
export type AlgorithmName = "HS256" | "HS384" | "HS512" | "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "ES512" | "ES256K" | "EdDSA" | "Ed25519" | "ML-DSA-44" | "ML-DSA-65" | "ML-DSA-87";

/** Whether the token is forwarded. */
export type Authorization = "keep" | "strip";

/** Which client certificates count. */
export type CertificateTrust = "ca" | "any";

/**
 * A rule for a claim, with exactly one of `equals`, `one_of`, `contains` and `starts_with`. A
 * single value in a token is the same as an array of only this value. A `*` in a compared value
 * stands for itself.
 */
export interface ClaimRule {
  /** The value that the claim must have, possibly beside others in an array. */
  contains?: Scalar;
  /** The only value that the claim must have. */
  equals?: Scalar;
  /**
   * Whether a token without the claim meets the rule as well.
   * @default false
   */
  if_present?: boolean;
  /** The values of which the claim must have one. */
  one_of?: (Scalar)[];
  /** The claim, by name or JSON Pointer. */
  path: string;
  /** The text with which the claim must start. It is not empty. */
  starts_with?: Text;
}

/** How a client secret is sent. */
export type ClientAuthentication = "basic" | "post";

/** Which web pages may call the API (CORS). */
export interface Cors {
  /**
   * Whether pages may send requests with credentials, such as cookies of the API's own. Always
   * true if the gate looks for tokens in a cookie.
   * @default false
   */
  allow_credentials?: boolean;
  /** The request headers that a page may send. Unless set, all that the page asks for. */
  allow_headers?: (Text)[];
  /**
   * The origins of these pages, as browsers write them; also those of application shells and
   * browser extensions, such as `capacitor://localhost`. In `https://*.example.com`, the `*`
   * stands for exactly one label. `["*"]` allows all, which is an error together with
   * credentials.
   */
  allow_origins: (Text)[];
  /** The headers of the API's responses that a page may read, if the gate adds the headers. */
  expose_headers?: (Text)[];
  /**
   * How long a browser may cache the response to a preflight.
   * In seconds, 0 to 86400.
   */
  max_age?: number;
  /**
   * Whether the gate adds the headers to the API's responses too, so that the API need not know
   * about CORS. A response in which the API itself names an allowed origin stays as it is.
   * @default false
   */
  responses?: boolean;
}

/** Which decisions are logged. */
export type Decisions = "none" | "refused" | "all";

/** Whether refusals contain the reason code. */
export type Detail = "none" | "reason";

/** How clients prove that they have the key of a token (DPoP, RFC 9449). */
export interface Dpop {
  /**
   * The accepted signature algorithms of proofs, all asymmetric.
   * @default ["ES256","EdDSA"]
   */
  algorithms?: (AlgorithmName)[];
  /**
   * How far the `iat` of a proof may be from the gate's clock, in either direction. Nonces are
   * valid for as long.
   * In seconds, 5 to 300.
   * @default 60
   */
  max_age?: number;
  /**
   * The binding of a secret that only the gate has. With it, proofs must contain a nonce of the
   * gate's (RFC 9449, section 9), so that nobody can make proofs in advance.
   */
  nonce?: Text;
  /**
   * Where used proofs are remembered. `"isolate"`: each isolate of the Worker remembers them, so
   * a proof can be used once in each. `{ durable_object = "BINDING" }`: a Durable Object for
   * each key, so a proof can be used once.
   * @default "isolate"
   */
  replay?: Replay;
}

/** Whether paths with an encoded slash are accepted. */
export type EncodedSlash = "refuse" | "allow";

/** How a secret is encoded. */
export type Encoding = "utf8" | "base64" | "base64url" | "hex";

/** What the gate tells clients about refusals. */
export interface Errors {
  /**
   * `"reason"` adds the reason code to refusals. It is meant for development.
   * @default "none"
   */
  detail?: Detail;
}

/** Whether tokens must expire. */
export type Expiry = "required" | "optional";

/**
 * `"authorization"`: the header `Authorization: Bearer TOKEN`. `"websocket-protocol"`: the
 * WebSocket subprotocols `bearer, TOKEN`.
 */
export type FixedSource = "authorization" | "websocket-protocol";

/**
 * What the origin receives about the caller: the token, claims in headers, and a proof that the
 * request came through the gate.
 */
export interface Forward {
  /**
   * `"strip"` removes the token from the request, and `Authorization` from every request.
   * @default "keep"
   */
  authorization?: Authorization;
  /**
   * The headers to set, each with the claim to set it to, by name or JSON Pointer. The gate
   * removes these headers from every incoming request, on every route.
   */
  claims?: Record<string, Text>;
  /**
   * Headers with which the origin recognizes the gate, such as an API key or a service token:
   * the header's name, and the binding that contains its value. The gate sets them on every
   * request, also on public routes. `Authorization` is possible with `authorization = "strip"`.
   */
  headers?: Record<string, Text>;
  /**
   * A JWT that the gate signs for each credential, so that the API can verify who the caller is
   * without a secret, and without a token of the client.
   */
  identity?: Identity;
  /**
   * What happens to URLs of the origin in `Location` and `Content-Location` of its responses, if
   * `origin` is a URL. `"rewrite"` replaces the origin's scheme, host and base path by those of
   * the client's request, because clients cannot or must not reach the origin.
   * @default "rewrite"
   */
  location?: Location;
  /** The header to set to the token's payload, in base64url. */
  payload?: Text;
  /**
   * A token that the gate signs for each request, so that the origin can refuse requests that
   * bypass the gate.
   */
  proof?: Proof;
}

/**
 * The signed identity: a JWT that the gate signs for the API. The API verifies it with the key set
 * at `/.well-known/jwks.json` below `issuer`. Requests without a credential get none.
 */
export interface Identity {
  /** The API's name: the `aud` of the identities. */
  audience: Text;
  /**
   * The claims to copy, by name or JSON Pointer. A claim that a pointer names keeps its place in
   * the objects around it. Claims that are absent or null are left out.
   * @default ["sub","scope","client_id"]
   */
  claims?: (Text)[];
  /**
   * The header that contains the identity. The gate removes it from every incoming request, on
   * every route. `Authorization` contains `Bearer` and the identity, and the client's token is
   * removed from wherever it was. Any other header contains the identity alone.
   * @default "Authorization"
   */
  header?: Text;
  /**
   * The gate's name as an issuer, an `https` URL: the `iss` of the identities. No issuer of the
   * policy may have the same name.
   */
  issuer: Text;
  /**
   * The binding that contains the private key: PKCS #8 in PEM or a JWK, an Ed25519 key (EdDSA)
   * or a key on P-256 (ES256). A list for rotation, the newest first: the first key signs, and
   * the key set contains all of them.
   */
  key: OneOrMany;
  /**
   * How long an identity is valid, at most until its credential expires. It is reused while more
   * than half of this time remains.
   * In seconds, 60 to 3600.
   * @default 300
   */
  lifetime?: number;
}

/** Which tokens are introspected. */
export type IntrospectedTokens = "opaque" | "all";

/**
 * How the gate asks an issuer about tokens (RFC 7662). Required are `client_id`, one of `endpoint`
 * and `discovery`, and one of `client_secret` and `private_key`.
 */
export interface Introspection {
  /**
   * How the client secret is sent: in `Authorization: Basic`, or in the body.
   * @default "basic"
   */
  auth?: ClientAuthentication;
  /**
   * How long the gate reuses a response, but never past `exp`. A token that its provider revokes
   * is accepted for that long. `0` asks for every request.
   * In seconds, 0 to 3600.
   * @default 60
   */
  cache?: number;
  /** The client ID that the provider has given the gate. */
  client_id: Text;
  /** The binding that contains the client's secret. */
  client_secret?: Text;
  /** `true`: the gate fetches the issuer's metadata, which contains the URL of the endpoint. */
  discovery?: boolean;
  /** The URL of the introspection endpoint. */
  endpoint?: string;
  /**
   * The binding that contains the client's private key instead, for `private_key_jwt` (RFC
   * 7523): PKCS #8 in PEM, or a JWK. An Ed25519 key signs with EdDSA, and a key on P-256 with
   * ES256.
   */
  private_key?: Text;
  /**
   * Whether responses must be signed (RFC 9701). They are verified with the issuer's keys.
   * @default false
   */
  signed?: boolean;
  /**
   * `"opaque"`: the gate introspects tokens that are not JWTs. `"all"`: it introspects JWTs too,
   * after it has verified their signature, and takes the claims of the response. If the issuer
   * has no keys, no signature is verified.
   * @default "opaque"
   */
  tokens?: IntrospectedTokens;
}

/**
 * An issuer: the rules for its tokens, and its keys or how they are introspected. Without a
 * preset, `name`, `issuer` and `audience` are required, and `algorithms` and `keys` unless there
 * is `introspection`.
 */
export interface Issuer {
  /** The accepted signature algorithms: either all symmetric (`HS…`) or all asymmetric. */
  algorithms?: (AlgorithmName)[];
  /**
   * The value that the token's `aud` must contain, or a list of which it must contain one. `"*"`
   * disables the check.
   */
  audience?: OneOrMany;
  /**
   * For the preset `okta`: the ID of the authorization server. Unless set, `default`. `org` is
   * the organization's own, whose tokens only Okta can validate, so that they are introspected.
   */
  authorization_server?: string;
  /** For the preset `keycloak`: the server's URL, without `/realms`. */
  base_url?: string;
  /** Rules for claims. A token that breaks one is rejected with a 401. */
  claims?: (ClaimRule)[];
  /** For the preset `cognito`: the ID of the app client, or a list of IDs. */
  client_id?: OneOrMany;
  /** For the presets `auth0`, `okta` and `zitadel`: the tenant's host name. */
  domain?: string;
  /**
   * `"optional"` also accepts tokens without `exp`.
   * @default "required"
   */
  expiry?: Expiry;
  /**
   * How the gate asks the issuer about tokens that it cannot verify itself
   * ([opaque-tokens.md](opaque-tokens.md)).
   */
  introspection?: Introspection;
  /**
   * The value of the token's `iss`, or a list of accepted values, compared exactly. `"*"`
   * disables the check.
   */
  issuer?: OneOrMany;
  /**
   * Where the issuer's keys come from. An issuer with `introspection` needs none: it then
   * accepts opaque tokens only.
   */
  keys?: Keys;
  /**
   * How far the issuer's clock and the gate's may differ.
   * In seconds, 0 to 300.
   * @default 60
   */
  leeway?: number;
  /**
   * The greatest age of a token by its `iat`, which is then required.
   * In seconds, 1 to 31536000.
   */
  max_age?: number;
  /**
   * `"report"` forwards requests that would be refused with 401 or 403 as anonymous, and logs
   * them. Cross-site requests are still refused.
   * @default "enforce"
   */
  mode?: Mode;
  /**
   * A short name, for logs and for the `issuers` of routes: letters, digits, `.`, `_` and `-`.
   * With a preset, the default is the preset's name.
   */
  name?: string;
  /** For the preset `cognito`: the ID of the user pool, such as `eu-west-1_AbCdEfGhI`. */
  pool?: string;
  /**
   * A provider whose settings are built in. The preset sets `issuer`, `keys` and a default for
   * `algorithms`, adds the endpoint to `introspection`, and has parameters of its own.
   */
  preset?: PresetName;
  /**
   * `"rfc9068"` accepts only JWT access tokens as RFC 9068 defines them, with their `typ` and
   * the claims that the RFC requires.
   */
  profile?: Profile;
  /** For the preset `firebase`: the project ID. For the preset `supabase`: the project reference. */
  project?: string;
  /** For the preset `keycloak`: the name of the realm. */
  realm?: string;
  /** For the preset `cognito`: the AWS region, such as `eu-west-1`. */
  region?: string;
  /** Claims that the token must contain, by name or JSON Pointer. */
  require?: (Text)[];
  /**
   * The claim that contains the roles, by name or JSON Pointer: a string, an array of strings,
   * or an object whose members are objects and have the roles as their names, as Zitadel writes
   * it.
   * @default "roles"
   */
  roles_claim?: string;
  /**
   * The claim that contains the scopes, by name or JSON Pointer. Unless set, `scope`, or `scp`
   * if the token has no `scope`.
   */
  scopes_claim?: string;
  /**
   * Whether tokens may be bound to a key with `cnf` (RFC 7800). `"refused"` rejects such tokens.
   * With `"accepted"`, the client of such a token must prove that it has the key; tokens without
   * `cnf` are bearer tokens. `"required"` rejects tokens without `cnf`.
   * @default "refused"
   */
  sender_constrained?: SenderConstrained;
  /**
   * How long fetched keys are used after they have become stale, if the gate cannot fetch them
   * again.
   * In seconds, 0 to 604800.
   * @default 86400
   */
  stale_if_error?: number;
  /** Accepted values of `sub`. Unless set, all. */
  subject?: OneOrMany;
  /** For the preset `cloudflare-access`: the team domain, such as `team.cloudflareaccess.com`. */
  team?: string;
  /** For the preset `entra`: the tenant ID. */
  tenant?: string;
  /**
   * The accepted tenants, if `issuer` contains a placeholder such as `{tid}`. The token's claim
   * of that name must contain the same tenant as its `iss`.
   */
  tenants?: OneOrMany;
  /**
   * Accepted values of the token header's `typ`. Unless set, the gate accepts `JWT`, `at+jwt`
   * and tokens without `typ`.
   */
  types?: (Text)[];
  /**
   * For the preset `supabase`, instead of `project`: the URL of a custom domain or a self-hosted
   * server.
   */
  url?: string;
}

/** A JWK Set (RFC 7517), or the name of the binding that contains it. */
export type Jwks = Text | Record<string, unknown>;

/**
 * Lets the isolates of a data center share fetched keys through the Cache API, so that each key
 * set is fetched once per data center. Without this table, each isolate fetches for itself. Every
 * Worker of the zone can write to that cache, so the gate authenticates the entries with a secret.
 */
export interface KeyCache {
  /**
   * How the secret is encoded in its binding.
   * @default "utf8"
   */
  encoding?: Encoding;
  /** The binding that contains the secret. It must differ from every other secret of the policy. */
  secret: Text;
}

/**
 * Where an issuer's keys come from: exactly one of `secret`, `pem`, `jwks`, `jwks_uri` and
 * `discovery`.
 */
export interface Keys {
  /** `true`: the gate fetches the issuer's metadata, which contains the URL of the JWK Set. */
  discovery?: boolean;
  /**
   * How the secret is encoded in its binding.
   * @default "utf8"
   */
  encoding?: Encoding;
  /** The binding that contains a JWK Set, or the JWK Set itself. */
  jwks?: Jwks;
  /** The URL of the issuer's JWK Set, from which the gate fetches the keys. */
  jwks_uri?: string;
  /** The binding that contains public keys or certificates in PEM. */
  pem?: Text;
  /**
   * The binding that contains a shared secret, or a list of up to four such bindings, newest
   * first.
   */
  secret?: OneOrMany;
  /**
   * The service binding through which the gate fetches the keys. Needed if a Worker in the same
   * zone serves them.
   */
  service?: Text;
}

/** What happens to URLs of the origin in responses. */
export type Location = "rewrite" | "keep";

/** What the gate records about its decisions. */
export interface Log {
  /** The Analytics Engine binding to which the gate writes every decision. */
  analytics?: Text;
  /**
   * Which decisions are logged. `"refused"` includes what report mode lets through.
   * @default "refused"
   */
  decisions?: Decisions;
  /**
   * Whether responses contain a `Server-Timing` header, with the time that the gate and the
   * origin took.
   * @default false
   */
  server_timing?: boolean;
}

/** Whether refusals take effect. */
export type Mode = "enforce" | "report";

/** Which client certificates count (RFC 8705). */
export interface Mtls {
  /**
   * `"ca"`: Cloudflare must have verified the certificate's chain. `"any"`: any certificate that
   * the token is bound to, such as a self-signed one. A revoked certificate never counts.
   * @default "ca"
   */
  trust?: CertificateTrust;
}

/** Exactly one place. */
export interface NamedSource {
  /**
   * The name of a cookie that contains `Bearer` and the token: `Bearer%20TOKEN`, or
   * `"Bearer TOKEN"` in double quotes. The rules for `cookie` apply.
   */
  bearer_cookie?: Text;
  /**
   * The name of a cookie, preferably with the prefix `__Host-`. Requests with unsafe methods and
   * WebSocket upgrades must then come from the gate's own origin or one in `cors.allow_origins`.
   */
  cookie?: Text;
  /** The name of a header that contains the token and nothing else. */
  header?: Text;
  /** The name of a query parameter. The gate always removes it before it forwards the request. */
  query?: Text;
  /**
   * The name of a scheme that clients send in `Authorization` instead of `Bearer`, such as `JWT`
   * or `Token`.
   */
  scheme?: Text;
  /**
   * The beginning of a WebSocket subprotocol that ends with the token, as it is or in base64url.
   * Kubernetes clients send `base64url.bearer.authorization.k8s.io.`. The gate removes this
   * subprotocol, and the API chooses one of the others that the client offers.
   */
  subprotocol?: Text;
}

/** Whether tokens are accepted while revocations cannot be looked up. */
export type OnError = "refuse" | "allow";

/** A non-empty string, or a list of them. */
export type OneOrMany = Text | (Text)[];

/** A provider that has a preset. */
export type PresetName = "auth0" | "cloudflare-access" | "cognito" | "entra" | "firebase" | "google" | "keycloak" | "okta" | "supabase" | "zitadel";

/** A predefined set of rules. */
export type Profile = "rfc9068";

/** The hop proof: a token that the gate itself signs for each request. */
export interface Proof {
  /**
   * How the secret is encoded in its binding.
   * @default "utf8"
   */
  encoding?: Encoding;
  /**
   * The header that contains the proof.
   * @default "X-Portcullis-Proof"
   */
  header?: Text;
  /**
   * How long a proof is valid.
   * In seconds, 1 to 300.
   * @default 60
   */
  lifetime?: number;
  /**
   * The binding that contains the secret with which the gate signs the proof. The origin needs
   * the same secret.
   */
  secret: Text;
}

/** How the gate limits clients whose tokens it rejects. */
export interface RateLimit {
  /** The Rate Limiting binding that counts rejected tokens by client address. */
  binding: Text;
}

/** Where used proofs are remembered. */
export type Replay = ReplayPlace | ReplayObject;

/** The Durable Objects that remember used proofs. */
export interface ReplayObject {
  /**
   * The binding of a Durable Object namespace with the class `ProofReplay`, which the Worker and
   * the npm package export.
   */
  durable_object: Text;
}

/** Where used proofs are remembered without a binding. */
export type ReplayPlace = "isolate";

/** The API's OAuth metadata (RFC 9728). */
export interface Resource {
  /** The URLs of the authorization servers that issue tokens for the API. */
  authorization_servers: (Text)[];
  /** The API's own URL, which identifies it. */
  identifier: string;
  /**
   * Whether to serve the document at `/.well-known/oauth-protected-resource` as well, for
   * clients that look only there. One resource can.
   * @default false
   */
  root?: boolean;
  /** The scopes that the API uses. */
  scopes_supported?: (Text)[];
}

/** One resource, or several. */
export type Resources = Resource | (Resource)[];

/** Where the gate looks up revoked tokens, users, sessions and keys. */
export interface Revocation {
  /**
   * How long the entries that a logout writes are kept.
   * In seconds, 60 to 31536000.
   * @default 604800
   */
  expiration_ttl?: number;
  /** The binding of the KV namespace that contains the revocations. */
  kv: Text;
  /** Accepted values of `aud` in logout tokens. Unless set, the issuer's `audience`. */
  logout_audience?: OneOrMany;
  /** The path at which providers report logouts (OpenID Connect Back-Channel Logout). */
  logout_path?: string;
  /**
   * How old a lookup result may be, not counting the time that KV takes to propagate a write.
   * In seconds, 30 to 86400.
   * @default 60
   */
  max_staleness?: number;
  /**
   * Whether tokens are accepted while the namespace cannot be read.
   * @default "refuse"
   */
  on_error?: OnError;
}

/** A path pattern, and what a request that matches it must have. */
export interface Route {
  /**
   * `"required"`: a request needs a valid token. `"optional"`: a request without a token is
   * forwarded as anonymous, and a request with an invalid token is refused. `"public"`: the gate
   * does not look at tokens.
   * @default "required"
   */
  access?: Access;
  /**
   * Accepted values of `acr`, which says how the user signed in. For a token with another value,
   * the challenge asks the client to have the user sign in again in one of these ways (RFC
   * 9470).
   */
  acr?: (Text)[];
  /** Roles, at least one of which the token must have. */
  any_role?: (Text)[];
  /** Scopes, at least one of which the token must have. */
  any_scope?: (Text)[];
  /**
   * Whether shared caches in front of the origin may be used. `"no-store"`: the request bypasses
   * them, and they do not store the response. `"origin"`: they follow the headers of the
   * origin's responses. The origin must then mark each response for a single caller as
   * `private`, above all if `Authorization` is not forwarded. Unless set, `"origin"` on public
   * routes, else `"no-store"`.
   */
  cache?: SharedCache;
  /** Rules for claims. A token that breaks one gets a 403. */
  claims?: (ClaimRule)[];
  /**
   * `"allow"` accepts `%2F` within a segment, for APIs whose names contain slashes.
   * @default "refuse"
   */
  encoded_slash?: EncodedSlash;
  /** The names of the issuers whose tokens the route accepts. Unless set, all. */
  issuers?: (Text)[];
  /**
   * The greatest time since the user signed in, by `auth_time`. After that, the challenge asks
   * the client to have the user sign in again (RFC 9470).
   * In seconds, 1 to 31536000.
   */
  max_auth_age?: number;
  /** The methods, in upper case. Unless set, all. `GET` includes `HEAD`. */
  methods?: (string)[];
  /**
   * `"report"` forwards requests that would be refused with 401 or 403 as anonymous, and logs
   * them. Cross-site requests are still refused.
   * @default "enforce"
   */
  mode?: Mode;
  /**
   * The pattern: literal segments, `{name}` for exactly one segment, `{name}:verb` for one that
   * ends with this verb, and `*` at the end for the rest of the path.
   */
  path: string;
  /**
   * `"allow"` accepts path parameters, such as `;version=2` at the end of a segment, if the
   * route is the same without them: some servers drop them before they match a path.
   * @default "refuse"
   */
  path_parameters?: EncodedSlash;
  /** Roles, all of which the token must have. */
  roles?: (Text)[];
  /** Scopes, all of which the token must have. */
  scopes?: (Text)[];
}

/** A string, a number or a boolean. */
export type Scalar = string | number | boolean;

/** Whether tokens may be bound to a key. */
export type SenderConstrained = "refused" | "accepted" | "required";

/** Whether shared caches may be used. */
export type SharedCache = "no-store" | "origin";

/** A place where a token may be. */
export type Source = FixedSource | NamedSource;

/** A non-empty string. */
export type Text = string;

/** Where the gate looks for tokens. */
export interface Token {
  /**
   * The places to look in. A request with two tokens is refused.
   * @default ["authorization"]
   */
  sources?: (Source)[];
}
