import { jwtVerify } from "jose";

/** Returns the claims of the proof. Throws if the request did not come through the gate. */
export async function provenByTheGate(request, { secret, audience }) {
  const proof = request.headers["x-portcullis-proof"] ?? "";
  const { payload } = await jwtVerify(proof, new TextEncoder().encode(secret), {
    algorithms: ["HS256"],
    typ: "portcullis-proof+jwt",
    issuer: "portcullis",
    audience,
    requiredClaims: ["iat", "exp", "htm", "htu"],
    clockTolerance: 5,
  });
  const target = payload.htu.slice(new URL(payload.htu).origin.length);
  if (payload.htm !== request.method || target !== request.url) {
    throw new Error("the proof is for another request");
  }
  return payload;
}
