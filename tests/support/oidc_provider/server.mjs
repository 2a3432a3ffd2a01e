// A certified OpenID provider on loopback with people in memory, for the tests of single sign-on.
//
//   node server.mjs '{"port": 4000, "redirect_uri": …, "post_logout_redirect_uri": …, "audience": …}'
//
// Whoever signs in types their address and any password; `unverified:` before the address makes it
// one that the provider does not vouch for.

import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const given = JSON.parse(process.argv[2]);
const UNVERIFIED = "unverified:";

function newKey(kid, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig" };
}

const provider = new Provider(`http://127.0.0.1:${given.port}`, {
  clients: [
    {
      client_id: "imgapp",
      client_secret: given.client_secret,
      redirect_uris: [given.redirect_uri],
      post_logout_redirect_uris: [given.post_logout_redirect_uri],
    },
    {
      // A person's own program, which calls the API with an access token.
      client_id: "a-program",
      application_type: "native",
      token_endpoint_auth_method: "none",
      redirect_uris: ["http://127.0.0.1/done"],
    },
  ],
  jwks: {
    keys: [
      newKey("for id tokens", "rsa", { modulusLength: 2048 }),
      newKey("for access tokens", "ec", { namedCurve: "P-256" }),
    ],
  },
  cookies: { keys: ["a key for tests"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: id.replace(UNVERIFIED, ""),
      email_verified: !id.startsWith(UNVERIFIED),
    }),
  }),
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience: given.audience,
        scope: "imgapp.read imgapp.write",
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});

provider.on("server_error", (_, error) => console.error(error));
provider.listen(given.port, "127.0.0.1");
