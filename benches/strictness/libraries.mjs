// The JavaScript libraries, each as its documentation advises. Times have no tolerance, which is
// the default of each.

import { createVerifier, TokenError } from "fast-jwt";
import { verify as honoVerify } from "hono/jwt";
import { errors, importJWK, jwtVerify } from "jose";
import { verify as tsndrVerify } from "@tsndr/cloudflare-worker-jwt";

/** @import { SignatureAlgorithm } from "hono/utils/jwt/jwa" */
/** @import { JwtAlgorithm } from "@tsndr/cloudflare-worker-jwt" */
/** @import { JsonWebKey } from "node:crypto" */
/** @import { Corpus } from "./corpus.mjs" */
/** @import { PublicKey } from "./kit.mjs" */

/**
 * Verifies a token. Throws, or returns `false`, if it rejects the token.
 *
 * @typedef {(token: string) => Promise<boolean>} Verify
 */

/**
 * @typedef {object} Library
 * @property {(key: PublicKey, corpus: Corpus) => Promise<Verify>} configure
 * @property {(error: unknown) => boolean} isDocumented Whether the documentation announces such an
 *   error for a token that is rejected.
 */

/** @type {Record<string, Library>} */
export const LIBRARIES = {
  jose: {
    // "Algorithm-specific" keys, and `algorithms`, `audience` and `issuer`, as in the example of
    // `jwtVerify`. Every error of a token is a `JOSEError`.
    async configure({ algorithm, jwk, secret }, { issuer, audience }) {
      const key = secret ? new TextEncoder().encode(secret) : await importJWK(jwk, algorithm);
      const options = { algorithms: [algorithm], audience, issuer };
      return async (token) => {
        await jwtVerify(token, key, options);
        return true;
      };
    },
    isDocumented: (error) => error instanceof errors.JOSEError,
  },
  hono: {
    // The helper `verify`, which the middleware calls. The documentation lists its errors, which
    // have names such as `JwtTokenInvalid`.
    async configure({ algorithm, jwk, secret }, { issuer, audience }) {
      const options = {
        alg: /** @type {SignatureAlgorithm} */ (algorithm),
        aud: audience,
        iss: issuer,
      };
      return async (token) => {
        await honoVerify(token, secret ?? /** @type {any} */ (jwk), options);
        return true;
      };
    },
    isDocumented: (error) => error instanceof Error && /^Jwt[A-Z]/.test(error.name),
  },
  tsndr: {
    // `verify` returns `undefined` if it rejects a token, and throws "integration errors". Errors
    // of the platform, such as SyntaxError, are not among them. It does not check iss and aud.
    async configure({ algorithm, jwk, secret }) {
      const key = secret ?? /** @type {Parameters<typeof tsndrVerify>[1]} */ (jwk);
      const options = { algorithm: /** @type {JwtAlgorithm} */ (algorithm) };
      return async (token) => (await tsndrVerify(token, key, options)) !== undefined;
    },
    isDocumented: (error) => error instanceof Error && error.constructor === Error,
  },
  "fast-jwt": {
    // The README says of the allowed values that all are accepted by default, and of
    // `requiredClaims` that it contains "which claims should exist in the token". "`fast-jwt`
    // throws a `TokenError`".
    async configure({ algorithm, pem, secret }, { issuer, audience }) {
      const verify = createVerifier({
        key: secret ?? pem ?? "",
        algorithms: [/** @type {import("fast-jwt").Algorithm} */ (algorithm)],
        allowedIss: issuer,
        allowedAud: audience,
        requiredClaims: ["iss", "aud"],
      });
      return async (token) => {
        verify(token);
        return true;
      };
    },
    isDocumented: (error) => error instanceof TokenError,
  },
};
