// Written from schema/src/policy.rs by `UPDATE=1 cargo test --package policy-schema`.

/** A policy, as under `[vars.POLICY]`. */
export interface Policy {
  /** Whose pages may call the API. */
  cors?: Cors;
  /** What a refused client is told. */
  errors?: Errors;
  /** What the origin is told. */
  forward?: Forward;
  /** Whose tokens are accepted. Needed unless every route is public. */
  issuers?: (Issuer)[];
  /** What is recorded of decisions. */
  log?: Log;
  /**
   * Where admitted requests go: `"https://api.example.com"`, `"service:BINDING"`, `"zone"` (the URL as
   * it came), or `"echo"`, which answers with what would have been sent.
   */
  origin: string;
  /**
   * How long the origin may take to its response's headers.
   * In seconds, 1 to 300.
   * @default 30
   */
  origin_timeout?: number;
  /** What limits clients whose tokens are refused. */
  rate_limit?: RateLimit;
  /**
   * The realm of the challenge: visible ASCII and spaces without `"` and `\`.
   * @default "api"
   */
  realm?: string;
  /**
   * The API's metadata (RFC 9728), served under `/.well-known/oauth-protected-resource` and named in
   * every challenge.
   */
  resource?: Resource;
  /** Where revoked tokens, users, sessions and keys stand. */
  revocation?: Revocation;
  /**
   * What needs a token, and which. The most specific pattern wins, whatever the order; no match is a
   * 404.
   */
  routes: (Route)[];
  /** Where tokens are looked for. */
  token?: Token;
}

/** Whether a route needs a token. */
export type Access = "required" | "optional" | "public";

/** The name of an algorithm, as in a JOSE header. A build may lack some. */
export type AlgorithmName = "HS256" | "HS384" | "HS512" | "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "ES512" | "ES256K" | "EdDSA" | "Ed25519" | "ML-DSA-44" | "ML-DSA-65" | "ML-DSA-87";

/** What becomes of the token. */
export type Authorization = "keep" | "strip";

/** A rule for a claim, with one of `equals`, `one_of` and `contains`. */
export interface ClaimRule {
  /** The value that must be among those that it lists. */
  contains?: Scalar;
  /** The value that it must have. */
  equals?: Scalar;
  /** The values of which it must have one. */
  one_of?: (Scalar)[];
  /** The claim, by name or JSON Pointer. */
  path: string;
}

/** Whose pages may call the API. */
export interface Cors {
  /** The headers that a page may send. Whichever it asks for, unless set. */
  allow_headers?: (Text)[];
  /** Their origins, as browsers write them; `["*"]` for any, unless a cookie is a source of tokens. */
  allow_origins: (Text)[];
  /**
   * How long a browser may keep the answer to a preflight.
   * In seconds, 0 to 86400.
   */
  max_age?: number;
}

/** Which decisions are logged. */
export type Decisions = "none" | "refused" | "all";

/** How much of the reason a refused client is told. */
export type Detail = "none" | "reason";

/** What becomes of an encoded slash in a path. */
export type EncodedSlash = "refuse" | "allow";

/** How a secret is written down. */
export type Encoding = "utf8" | "base64" | "base64url" | "hex";

/** What a refused client is told. */
export interface Errors {
  /**
   * `"reason"` adds the reason code to refusals: for development.
   * @default "none"
   */
  detail?: Detail;
}

/** Whether tokens must expire. */
export type Expiry = "required" | "optional";

/**
 * `"authorization"`: `Authorization: Bearer`. `"websocket-protocol"`: `bearer, TOKEN` among the
 * subprotocols.
 */
export type FixedSource = "authorization" | "websocket-protocol";

/** What the origin is told. */
export interface Forward {
  /**
   * `"strip"`: the token is taken out of its place, and `Authorization` out of every request.
   * @default "keep"
   */
  authorization?: Authorization;
  /**
   * Headers to write, and the claim for each. Whatever a client sends under these names is removed, on
   * every route.
   */
  claims?: Record<string, Text>;
  /** A header for the token's payload, base64url. */
  payload?: Text;
  /** A token of the gate's own, by which the API can refuse what came around the gate. */
  proof?: Proof;
}

/** One issuer: whose tokens it is, what they must say, and the keys that bear them out. */
export interface Issuer {
  /** The algorithms accepted; all symmetric or all asymmetric. */
  algorithms?: (AlgorithmName)[];
  /** The token's `aud`, any of these; `"*"` waives it. */
  audience?: OneOrMany;
  /** Of the preset `okta`: the authorization server, such as `default`. */
  authorization_server?: string;
  /** Of the preset `keycloak`: the server's URL. */
  base_url?: string;
  /** Rules for claims; a token that breaks one is none of the issuer's, and a 401. */
  claims?: (ClaimRule)[];
  /** Of the preset `cognito`: the app client, or several. */
  client_id?: OneOrMany;
  /** Of the presets `auth0` and `okta`: the tenant's host name. */
  domain?: string;
  /**
   * `"optional"` for tokens without `exp`.
   * @default "required"
   */
  expiry?: Expiry;
  /** The token's `iss`, exactly, or one of these; `"*"` waives it. */
  issuer?: OneOrMany;
  /** Where its keys are. */
  keys?: Keys;
  /**
   * By how much clocks may differ.
   * In seconds, 0 to 300.
   * @default 60
   */
  leeway?: number;
  /**
   * How old a token may be by `iat`, which is then required.
   * In seconds, 1 to 31536000.
   */
  max_age?: number;
  /**
   * `"report"`: what would be refused with 401 or 403 is let through as anonymous, and logged.
   * @default "enforce"
   */
  mode?: Mode;
  /** A short name, for logs and for routes. With a preset it is the preset's unless given. */
  name?: string;
  /** Of the preset `cognito`: the user pool, such as `eu-west-1_AbCdEfGhI`. */
  pool?: string;
  /**
   * A provider, in the place of `issuer`, `algorithms` and `keys`; it takes the keys that are listed
   * under "of presets" below.
   */
  preset?: PresetName;
  /** `"rfc9068"`: JWT access tokens as that RFC has them, `typ` and required claims. */
  profile?: Profile;
  /** Of the presets `firebase` and `supabase`: the project. */
  project?: string;
  /** Of the preset `keycloak`: the realm. */
  realm?: string;
  /** Of the preset `cognito`: the region, such as `eu-west-1`. */
  region?: string;
  /** Claims that must be there, by name or JSON Pointer. */
  require?: (Text)[];
  /**
   * Where roles stand, by name or JSON Pointer.
   * @default "roles"
   */
  roles_claim?: string;
  /** Where scopes stand, by name or JSON Pointer. Unless set: `scope`, else `scp`. */
  scopes_claim?: string;
  /**
   * How long fetched keys serve past their freshness while there is nothing better.
   * In seconds, 0 to 604800.
   * @default 86400
   */
  stale_if_error?: number;
  /** Accepted values of `sub`. */
  subject?: OneOrMany;
  /** Of the preset `cloudflare-access`: the team's host name, such as `team.cloudflareaccess.com`. */
  team?: string;
  /** Of the preset `entra`: the tenant's identifier. */
  tenant?: string;
  /** With a place in the issuer such as `{tid}`: the tenants accepted, each bound to that claim. */
  tenants?: OneOrMany;
  /** Accepted values of the header's `typ`. Unless set: none, `JWT` and `at+jwt`. */
  types?: (Text)[];
  /** Of the preset `supabase`: the URL of a server of one's own. */
  url?: string;
}

/** A JWK Set (RFC 7517), or the binding that holds one. */
export type Jwks = Text | Record<string, unknown>;

/** Where an issuer's keys are: one of `secret`, `pem`, `jwks`, `jwks_uri` and `discovery`. */
export interface Keys {
  /** `true`: where the issuer's metadata say. */
  discovery?: boolean;
  /**
   * How a secret is written down.
   * @default "utf8"
   */
  encoding?: Encoding;
  /** The binding of a JWK Set, or the set itself. */
  jwks?: Jwks;
  /** Where the issuer publishes its keys. */
  jwks_uri?: string;
  /** The binding of a public key or certificate in PEM. */
  pem?: Text;
  /** The binding of a shared secret, or of up to four, the newest first. */
  secret?: OneOrMany;
  /** A service binding through which keys are fetched. */
  service?: Text;
}

/** What is recorded of decisions. */
export interface Log {
  /** The Analytics Engine binding to which every decision is written. */
  analytics?: Text;
  /**
   * Which have a line in the log. What report mode lets through is logged with the refused.
   * @default "refused"
   */
  decisions?: Decisions;
  /**
   * Whether answers tell how long they waited.
   * @default false
   */
  server_timing?: boolean;
}

/** Whether refusals take effect. */
export type Mode = "enforce" | "report";

/** A cookie, a header or a query parameter: one of them. */
export interface NamedSource {
  /**
   * A cookie, best named `__Host-…`. Unsafe methods and every WebSocket must then come from the gate's
   * own origin.
   */
  cookie?: Text;
  /** A header with a bare token in it. */
  header?: Text;
  /** A query parameter, which is not sent on. */
  query?: Text;
}

/** What becomes of requests while the store cannot be read. */
export type OnError = "refuse" | "allow";

/** A text with something in it, or several. */
export type OneOrMany = Text | (Text)[];

/** A provider. */
export type PresetName = "auth0" | "cloudflare-access" | "cognito" | "entra" | "firebase" | "google" | "keycloak" | "okta" | "supabase";

/** A ready-made set of rules. */
export type Profile = "rfc9068";

/** A token of the gate's own. */
export interface Proof {
  /**
   * How the secret is written down.
   * @default "utf8"
   */
  encoding?: Encoding;
  /**
   * The header that it is in.
   * @default "X-Portcullis-Proof"
   */
  header?: Text;
  /**
   * How long it is good.
   * In seconds, 1 to 300.
   * @default 60
   */
  lifetime?: number;
  /** The binding of the secret that it is signed with, and that the API holds too. */
  secret: Text;
}

/** What limits clients whose tokens are refused. */
export interface RateLimit {
  /** The Rate Limiting binding that counts refused tokens by client address. */
  binding: Text;
}

/** The API's metadata (RFC 9728). */
export interface Resource {
  /** Where to get tokens for it. */
  authorization_servers: (Text)[];
  /** The API's own URL. */
  identifier: string;
  /** The scopes that there are. */
  scopes_supported?: (Text)[];
}

/** Where revoked tokens, users, sessions and keys stand. */
export interface Revocation {
  /**
   * How long what a logout revokes is kept.
   * In seconds, 60 to 31536000.
   * @default 604800
   */
  expiration_ttl?: number;
  /** The binding of the KV namespace. */
  kv: Text;
  /** The `aud` of their logout tokens. The issuer's audience unless set. */
  logout_audience?: OneOrMany;
  /** The path at which providers report logouts (OpenID Connect Back-Channel Logout). */
  logout_path?: string;
  /**
   * How old an answer from it may be by the gate's doing.
   * In seconds, 30 to 86400.
   * @default 60
   */
  max_staleness?: number;
  /**
   * What becomes of requests while it cannot be read.
   * @default "refuse"
   */
  on_error?: OnError;
}

/** A pattern, and what it takes to pass. */
export interface Route {
  /**
   * `"required"`, `"optional"` (no token passes as anonymous, a bad one is refused) or `"public"`.
   * @default "required"
   */
  access?: Access;
  /**
   * How the user must have signed in, one of these `acr` values; else the challenge asks for it (RFC
   * 9470).
   */
  acr?: (Text)[];
  /** Roles, one of which the token needs. */
  any_role?: (Text)[];
  /** Scopes, one of which the token needs. */
  any_scope?: (Text)[];
  /**
   * `"no-store"`: the caches before the origin, which all callers share, neither answer nor store.
   * `"origin"`: they do as the origin's answers say, which must then call `private` what is one caller's, above
   * all where no `Authorization` is sent on. `"no-store"` unless set, on public routes `"origin"`.
   */
  cache?: SharedCache;
  /** Rules for claims; a token that breaks one is a 403. */
  claims?: (ClaimRule)[];
  /**
   * `"allow"` for APIs that name things with `%2F` in a segment.
   * @default "refuse"
   */
  encoded_slash?: EncodedSlash;
  /** The issuers whose tokens count here, by name. All unless set. */
  issuers?: (Text)[];
  /**
   * How long ago the user may have signed in, by `auth_time`; else the challenge asks to sign in again.
   * In seconds, 1 to 31536000.
   */
  max_auth_age?: number;
  /** The methods, in upper case. All unless set; `GET` includes `HEAD`. */
  methods?: (string)[];
  /**
   * `"report"`: what would be refused with 401 or 403 is let through as anonymous, and logged.
   * @default "enforce"
   */
  mode?: Mode;
  /** Literal segments, `{name}` for one segment, a final `*` for the rest. */
  path: string;
  /** Roles, all of which the token needs. */
  roles?: (Text)[];
  /** Scopes, all of which the token needs. */
  scopes?: (Text)[];
}

/** A string, a number or a boolean. */
export type Scalar = string | number | boolean;

/** What shared caches may do. */
export type SharedCache = "no-store" | "origin";

/** A place for a token. */
export type Source = FixedSource | NamedSource;

/** A text with something in it. */
export type Text = string;

/** Where tokens are looked for. */
export interface Token {
  /**
   * The places. A request with two tokens is refused.
   * @default ["authorization"]
   */
  sources?: (Source)[];
}
