// The JSON that the console's page exchanges with the gate: with the module that this crate
// compiles to (`src/exports.rs`), and with the Worker (`/src/edge/console.rs`).

import type { Policy } from "../../policy.d.ts";

export type HeaderList = [name: string, value: string][];

export interface Fault {
  path: string;
  problem: string;
  remedy: string;
}

/** What `gate.json` holds. */
export interface Facts {
  /** The gate's clock, in milliseconds since the epoch. */
  now: number;
  version: string;
  /** Whether the gate mints tokens. */
  mint: boolean;
  /** `null` if the policy has faults. */
  policy: Policy | null;
  faults: Fault[];
  warnings: Fault[];
  /** The names of the bindings whose values are withheld. */
  secrets: string[];
  /** Public keys by the name of their issuer. */
  keys: Record<string, unknown>;
}

/** A request to be checked. */
export interface Request {
  method: string;
  url: string;
  headers: HeaderList;
}

/** What the gate's module is asked: a policy, what is known of its bindings, and a request. */
export interface Question extends Request {
  policy: Policy | null;
  /** Values of bindings by their names. */
  bindings?: Record<string, string>;
  secrets?: string[];
  keys?: Record<string, unknown>;
  /** The Worker's verdict, which replaces the module's own. */
  answered?: unknown;
}

export interface Key {
  name: string;
  kid: string | null;
  kind: string;
  bits: number | null;
  algorithms: string[];
  thumbprint: string | null;
}

export interface Introspection {
  endpoint: string;
  client_id: string;
  /** In seconds. */
  cache: number;
  tokens: "opaque" | "all";
  signed: boolean;
}

export interface Issuer {
  name: string;
  issuer: string[];
  audience: string[];
  algorithms: string[];
  source: string;
  /** The names of the bindings that hold its keys. */
  names: string[];
  /** Whether the page lacks a secret of this issuer. */
  withheld: boolean;
  url: string | null;
  service: string | null;
  introspection: Introspection | null;
  mode: string;
  leeway: number;
  age_seconds: number | null;
  refresh_seconds: number | null;
  keys: Key[];
  skipped: { index: number; why: string }[];
}

export interface Route {
  path: string;
  methods: string[];
  access: string;
  issuers: string[];
  scopes: string[];
  any_scope: string[];
  roles: string[];
  any_role: string[];
  claims: string[];
  acr: string[];
  max_auth_age: number | null;
  mode: string;
  encoded_slash: string;
  path_parameters: string;
  cache: string;
}

/** A policy as it takes effect. Without issuers and routes if the policy has faults. */
export interface Description {
  faults?: Fault[];
  warnings: Fault[];
  issuers?: Issuer[];
  routes?: Route[];
}

export interface Step {
  name: string;
  state: "passed" | "failed" | "not_reached" | "unknown" | "skipped";
  detail?: string;
  code?: string;
  because?: string;
  remedy?: string;
}

export interface Reason {
  code: string;
  because: string;
  remedy?: string;
}

export interface Answer {
  status: number;
  headers: HeaderList;
  body: string;
}

/** The gate's verdict on a request. It holds only faults and warnings if the policy has faults. */
export interface Verdict {
  faults?: Fault[];
  warnings?: Fault[];
  verdict?: "admitted" | "refused" | "answered" | "unknown";
  route?: Route | null;
  issuer?: string | null;
  alg?: string | null;
  key?: string | null;
  source?: string | null;
  /** The form of the token. */
  credential?: "jwt" | "opaque" | null;
  /** What the provider says about the token, if the Worker has asked it. */
  introspected?: Record<string, unknown> | null;
  /** The length of a signature of the token's `alg`, unless the length depends on the key. */
  signature_bytes?: number | null;
  steps?: Step[];
  /** If `verdict` is `"answered"`. */
  answer?: Answer;
  /** If `verdict` is `"refused"`. */
  refusal?: Reason & Answer;
  /** Why the request would be refused if the policy did not only report. */
  reported?: Reason;
  /** If `verdict` is `"admitted"`. */
  outgoing?: { url: string; remove: string[]; set: HeaderList };
}

/** The token and the request that were found in a text. */
export interface Inspection {
  token?: string;
  fault?: { code: string; because: string };
  curl?: { method: string; url: string; headers: HeaderList };
  /** The header fields of a text that consists only of header fields. */
  headers?: HeaderList;
}

/** What wasm-bindgen generates. It exists only after a build. */
export interface GateModule {
  default(): Promise<unknown>;
  judge(question: Question, now: number): Verdict;
  describe(question: Question, now: number): Description;
  inspect(text: string): Inspection;
}
