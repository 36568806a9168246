// The subjects of the comparison, and how to run each.

import { readFileSync } from "node:fs";
import path from "node:path";
import { environment } from "../../tests/e2e/harness/python.mjs";
import { repository } from "../../tests/e2e/harness/paths.mjs";
import { ISSUER_AND_AUDIENCE } from "./corpus/names.mjs";

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {string} version
 * @property {string} configured How it is configured, as a part of a sentence.
 * @property {string} [note] What a reader of its numbers should know.
 * @property {string[]} [lacks] Algorithms and classes of the corpus that it does not support.
 * @property {string[]} [command] How to run it. Without one, it did not run.
 * @property {string} [skipped] Why it did not run.
 */

const folder = path.join(repository, "benches/strictness");

/** @param {string} name */
const npmVersion = (name) =>
  JSON.parse(readFileSync(path.join(repository, "node_modules", name, "package.json"), "utf8"))
    .version;

/** @param {string} name */
function crateVersion(name) {
  const lock = readFileSync(path.join(folder, "native/Cargo.lock"), "utf8");
  return new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(lock)?.[1] ?? "";
}

/** @param {string} requirements @param {string} name */
function pythonVersion(requirements, name) {
  return new RegExp(`^${name}==(\\S+)`, "im").exec(readFileSync(requirements, "utf8"))?.[1] ?? "";
}

/**
 * All subjects, Portcullis first.
 *
 * @param {string} native the program built from `native/`
 * @returns {Promise<Subject[]>}
 */
export async function subjects(native) {
  const javascript = (/** @type {string} */ name) => [
    process.execPath,
    path.join(folder, "judge.mjs"),
    name,
  ];
  const requirements = path.join(folder, "python/requirements.txt");
  const { interpreter, reason } = await environment(requirements);
  const python = (/** @type {string} */ name) =>
    interpreter === undefined
      ? { skipped: reason }
      : { command: [interpreter, path.join(folder, "python/judge.py"), name] };
  return [
    {
      name: "Portcullis",
      version: "this checkout",
      configured:
        "its core, the same code as in the Worker, run natively with the token in `Authorization` and a policy that names issuer, audience and algorithm, with `leeway = 0`",
      note: "The end-to-end tests give the same corpus to the built Worker.",
      command: [native, "portcullis"],
    },
    {
      name: "jose",
      version: npmVersion("jose"),
      configured: "`jwtVerify` with `algorithms`, `audience` and `issuer`",
      note: "It decodes base64url with the platform's decoder, which skips ASCII whitespace.",
      command: javascript("jose"),
    },
    {
      name: "Hono",
      version: npmVersion("hono"),
      configured: "`verify` of `hono/jwt`, which its middleware calls, with `alg`, `aud` and `iss`",
      command: javascript("hono"),
    },
    {
      name: "tsndr",
      version: npmVersion("@tsndr/cloudflare-worker-jwt"),
      configured: "`verify` of @tsndr/cloudflare-worker-jwt with `algorithm`",
      note: "It does not check `iss` and `aud` and has no EdDSA. Its documentation says that it throws “integration errors”; `SyntaxError` and `InvalidCharacterError` of the platform are counted as undocumented here.",
      lacks: ["EdDSA", ISSUER_AND_AUDIENCE],
      command: javascript("tsndr"),
    },
    {
      name: "fast-jwt",
      version: npmVersion("fast-jwt"),
      configured:
        "`createVerifier` with `algorithms`, `allowedAud`, `allowedIss` and `requiredClaims` for the two",
      command: javascript("fast-jwt"),
    },
    {
      name: "PyJWT",
      version: pythonVersion(requirements, "pyjwt"),
      configured: "`jwt.decode` with `algorithms`, `audience` and `issuer`",
      ...python("pyjwt"),
    },
    {
      name: "joserfc",
      version: pythonVersion(requirements, "joserfc"),
      configured:
        "`jwt.decode` with `algorithms`, then `JWTClaimsRegistry` with `iss` and `aud` essential",
      note: "It rejects header parameters that it does not know; `strict_check_header=False` changes that.",
      ...python("joserfc"),
    },
    {
      name: "jsonwebtoken",
      version: crateVersion("jsonwebtoken"),
      configured:
        '`Validation` with `set_audience`, `set_issuer`, `set_required_spec_claims(&["exp", "iss", "aud"])`, `validate_nbf` and no leeway, with the feature `rust_crypto`',
      note: "It accepts an array of issuers by design, returns `crit` to the caller without checking it, and does not look at claims that are not in the caller's struct, which had only `sub` here.",
      command: [native, "jsonwebtoken"],
    },
    {
      name: "jwt-simple",
      version: crateVersion("jwt-simple"),
      configured:
        "`VerificationOptions` with `allowed_issuers`, `allowed_audiences` and no tolerance, with the feature `pure-rust`",
      note: "It skips header parameters that it does not know without decoding their strings.",
      command: [native, "jwt-simple"],
    },
  ];
}
