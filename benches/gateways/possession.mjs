// Measures what a DPoP proof costs: a hot token with a fresh proof by a known ES256 key, beside a cold
// ES256 token without a proof.

import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { Load, URL_OF_REQUESTS, request } from "./load.mjs";
import { median, medianOfPairs, ratio, table, whole } from "./statistics.mjs";
import { Signer } from "./tokens.mjs";

/** @import { Gateway, StartFleet } from "./fleet.mjs" */

const CONNECTIONS = 16;
const ROUNDS = 48;
const WARM_UP_ROUNDS = 60;
const REQUESTS = 400;
const HOT_TOKENS = 100;

const encoded = (/** @type {object} */ value) =>
  Buffer.from(JSON.stringify(value)).toString("base64url");
const sha256 = (/** @type {string} */ text) =>
  createHash("sha256").update(text).digest("base64url");

/** A client with its key and its token. */
class Client {
  #key;
  #header;
  #ath;

  /** @param {Signer} signer */
  constructor(signer) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
    const jwk = { crv, kty, x, y };
    this.#key = privateKey;
    this.#header = encoded({ typ: "dpop+jwt", alg: "ES256", jwk });
    this.token = signer.token({ cnf: { jkt: sha256(JSON.stringify(jwk)) } });
    this.#ath = sha256(this.token);
  }

  /** A request with a fresh proof. */
  request() {
    const claims = {
      jti: randomBytes(12).toString("base64url"),
      htm: "GET",
      htu: URL_OF_REQUESTS,
      iat: Math.floor(Date.now() / 1000),
      ath: this.#ath,
    };
    const input = `${this.#header}.${encoded(claims)}`;
    const key = /** @type {const} */ ({ key: this.#key, dsaEncoding: "ieee-p1363" });
    const signature = sign("sha256", Buffer.from(input), key).toString("base64url");
    return request(this.token, `${input}.${signature}`);
  }
}

/**
 * Returns a table of the kinds of requests.
 *
 * @param {{bound: Gateway, passThrough: Gateway}} gateways
 * @param {StartFleet} start
 * @param {(text: string) => void} say
 */
export async function measurePossession({ bound, passThrough }, start, say) {
  say("possession");
  const signer = new Signer("ES256");
  const clients = Array.from({ length: HOT_TOKENS }, () => new Client(signer));
  const hot = signer.tokens(HOT_TOKENS).map((token) => request(token));
  const fleet = await start([
    { name: "bound", gateway: bound, signer },
    { name: "floor", gateway: passThrough, signer },
  ]);
  const none = Buffer.alloc(0);
  const all = (/** @type {(index: number) => Buffer} */ make) =>
    Array.from({ length: REQUESTS }, (_, index) => make(index % HOT_TOKENS));
  const cold = () => all(() => request(signer.token()));
  const kinds = [
    { title: "pass-through", port: "floor", make: cold },
    { title: "a hot token", port: "bound", make: () => all((index) => hot[index] ?? none) },
    { title: "a cold token", port: "bound", make: cold },
    {
      title: "a hot token with a fresh proof",
      port: "bound",
      make: () => all((index) => clients[index]?.request() ?? none),
    },
  ].map((kind) => ({ ...kind, times: /** @type {number[]} */ ([]) }));
  const loads = new Map(
    ["bound", "floor"].map((name) => [name, new Load(fleet.port(name), CONNECTIONS)]),
  );
  try {
    for (const load of loads.values()) await load.open();
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
      for (const { port, make, times } of kinds) {
        const requests = make();
        const load = loads.get(port);
        if (load === undefined) continue;
        const { seconds } = await load.run(requests);
        if (round >= 0) times.push((1e6 * seconds) / REQUESTS);
      }
    }
  } finally {
    for (const load of loads.values()) load.close();
    await fleet.stop();
  }
  const [floor, , coldKind] = kinds;
  const added = (/** @type {number[]} */ times) =>
    medianOfPairs(times, floor?.times ?? [], (time, other) => time - other);
  const columns = ["request", "µs", "µs over pass-through", "× the time of a cold token"];
  const cells = kinds.map(({ title, times }) => [
    title,
    whole(median(times)),
    whole(added(times)),
    ratio(medianOfPairs(times, coldKind?.times ?? [], (time, other) => time / other)),
  ]);
  return table(columns, cells);
}
