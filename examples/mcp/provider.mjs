// An identity provider for local use, in place of a real one: `oidc-provider` with one client. The
// client gets access tokens for any resource that it names, as JWTs (RFC 9068) signed with RS256.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import Provider from "oidc-provider";

/** The client that is registered with the provider. */
export const CLIENT = {
  id: "notebook-agent",
  secret: "a secret for local use, and for nothing else",
};

/**
 * Starts the provider. The address of the returned server is the issuer.
 *
 * @param {number} port
 */
export function provide(port) {
  const server = createServer().listen(port, "127.0.0.1");
  server.on("listening", () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const address = /** @type {import("node:net").AddressInfo} */ (server.address());
    const provider = new Provider(`http://127.0.0.1:${address.port}`, {
      jwks: {
        keys: [{ ...privateKey.export({ format: "jwk" }), kid: "local", alg: "RS256", use: "sig" }],
      },
      clients: [
        {
          client_id: CLIENT.id,
          client_secret: CLIENT.secret,
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
        },
      ],
      scopes: ["read", "write"],
      features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_, resource) => ({
            audience: resource,
            scope: "read write",
            accessTokenTTL: 600,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: "RS256" } },
          }),
        },
      },
    });
    server.on("request", provider.callback());
  });
  return server;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  provide(4000).on("listening", () => console.log("the provider listens on http://127.0.0.1:4000"));
}
