import { jwtVerify } from "jose";

/**
 * Resolves with the claims of the proof. Throws if the request did not come through the gate.
 *
 * @param {Pick<import("node:http").IncomingMessage, "method" | "url" | "headers">} request
 * @param {{ secret: string, audience: string }} expected
 */
export async function provenByTheGate(request, { secret, audience }) {
  const proof = String(request.headers["x-portcullis-proof"] ?? "");
  const { payload } = await jwtVerify(proof, new TextEncoder().encode(secret), {
    algorithms: ["HS256"],
    typ: "portcullis-proof+jwt",
    issuer: "portcullis",
    audience,
    requiredClaims: ["iat", "exp", "htm", "htu"],
    clockTolerance: 5,
  });
  const url = String(payload.htu);
  const target = url.slice(new URL(url).origin.length);
  if (payload.htm !== request.method || target !== request.url) {
    throw new Error("the proof is for another request");
  }
  return payload;
}
