// The console's page in Chromium with the built Worker: what it reports about tokens, and that it
// does not store or send them.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { withConsole } from "./harness/browser.mjs";
import { policies, tokens } from "./harness/index.mjs";

/** @import { Watched } from "./harness/browser.mjs" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */

const { AUDIENCE, hs256, hs256Token, SECRET } = policies;

const SIGNER = "https://signer.example/";
const OTHER = "https://other.example/";
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "first", alg: "ES256", use: "sig" };
const pem = tokens.pem(pair.publicKey);

/**
 * A policy with an issuer that has a secret, one whose public key is in the policy, and one whose
 * key has no `kid`.
 *
 * @param {{origin: Origin}} site
 */
function policy({ origin }) {
  const base = hs256({ origin });
  const signer = {
    name: "signer",
    issuer: SIGNER,
    audience: [AUDIENCE],
    algorithms: ["ES256"],
    keys: { jwks: { keys: [jwk] } },
  };
  const withoutKid = { ...signer, name: "without-kid", issuer: OTHER, keys: { pem: "PEM" } };
  return { ...base, issuers: [...base.issuers, signer, withoutKid] };
}

/**
 * @param {{origin: Origin}} site
 * @returns {GateOptions}
 */
const options = ({ origin }) => ({
  policy: policy({ origin }),
  secrets: { SECRET },
  bindings: { PEM: pem },
  vars: { CONSOLE_MINT: "on" },
});

/** A valid token of the second issuer. The page has everything that is needed to check it. */
function es256Token(changes = {}, header = {}) {
  const payload = policies.claims({ iss: SIGNER, iat: tokens.now() - 60, ...changes });
  return tokens.token({
    alg: "ES256",
    key: pair.privateKey,
    header: { kid: "first", ...header },
    payload,
  });
}

const STEPS = [
  "path",
  "found",
  "parsed",
  "key",
  "signature",
  "introspection",
  "type",
  "issuer",
  "audience",
  "time",
  "claims",
  "possession",
  "revocation",
  "route",
  "forward",
];

/** The steps that the tokens of this page's tests skip. */
const UNUSED = ["introspection", "possession", "revocation"];

/**
 * Asserts that a step failed, that those before it passed, and that those after it were not
 * reached.
 *
 * @param {Watched} view
 * @param {string} name
 */
async function assertFailsAt(view, name) {
  const states = await view.steps();
  assert.deepEqual(Object.keys(states), STEPS);
  const at = STEPS.indexOf(name);
  for (const [index, step] of STEPS.entries()) {
    const expected =
      index < at
        ? ["passed", ...(UNUSED.includes(step) ? ["skipped"] : [])]
        : index === at
          ? ["failed"]
          : ["not_reached", "skipped"];
    assert.ok(
      expected.includes(states[step] ?? ""),
      `${step} is ${states[step]}, and ${name} should have failed`,
    );
  }
}

withConsole("the console's page", options, (test) => {
  test("a valid token passes every step and never leaves the page", async ({ open }) => {
    const view = await open();
    const token = es256Token({ scope: "read", exp: tokens.now() + 2730 });
    await view.paste(token);
    await view.verdict("Admitted");
    const states = await view.steps();
    assert.deepEqual(states, {
      ...Object.fromEntries(STEPS.map((step) => [step, "passed"])),
      introspection: "skipped",
      possession: "skipped",
      revocation: "skipped",
    });
    assert.deepEqual(await view.carrying(token), []);
    await view.assertKeptNowhere(token);
    const claims = await view.page.locator(".json-card.claims").innerText();
    assert.match(claims, /"scope": "read"/);
    assert.match(claims, /, in 45 minutes/);
  });

  test("a changed character fails at the signature, and later steps are not reached", async ({
    open,
  }) => {
    const view = await open();
    const token = es256Token();
    await view.paste(tokens.withChangedCharacter(token, token.length - 20));
    await view.verdict("Refused with 401");
    await assertFailsAt(view, "signature");
    assert.match(await view.told("signature"), /bad_signature/);
  });

  test("recognizes a signature that was truncated while it was copied", async ({ open }) => {
    const view = await open();
    await view.paste(es256Token().slice(0, -12));
    await view.verdict("Refused with 401");
    assert.match(
      await view.page.locator("#inspect-verdict .hint").innerText(),
      /64 bytes; this one has 55/,
    );
  });

  test("an expired token fails at the time, and the page shows when it expired", async ({
    open,
  }) => {
    const view = await open();
    await view.paste(es256Token({ iat: tokens.now() - 7290, exp: tokens.now() - 7230 }));
    await view.verdict("Refused with 401");
    await assertFailsAt(view, "time");
    assert.match(await view.told("time"), /expired 2 hours ago/);
  });

  test("shows a wrong audience beside the expected one, and the difference", async ({ open }) => {
    const view = await open();
    await view.paste(es256Token({ aud: `${AUDIENCE}/` }));
    await view.verdict("Refused with 401");
    await assertFailsAt(view, "audience");
    const told = await view.told("audience");
    assert.match(told, /wrong_audience/);
    assert.match(told, /What to do:/);
    assert.match(told, /only in a trailing slash/);
    assert.ok(told.includes(`${AUDIENCE}/`) && told.includes(AUDIENCE));
  });

  test("checks a curl command as the request that it would send", async ({ open }) => {
    const view = await open();
    const token = es256Token({ scope: "read" });
    await view.paste(
      `curl -X POST 'https://gate.example/admin/users?a=1' -H 'Authorization: Bearer ${token}'`,
    );
    await view.verdict("Refused with 403");
    await assertFailsAt(view, "route");
    assert.equal(await view.page.inputValue("#inspect-path"), "/admin/users?a=1");
    assert.equal(await view.page.inputValue("#inspect-method"), "POST");
    assert.deepEqual(await view.carrying(token), []);
  });

  test("finds the token in an Authorization header, and reports a text without a token", async ({
    open,
  }) => {
    const view = await open();
    await view.paste(`Authorization: Bearer ${es256Token()}`);
    await view.verdict("Admitted");
    await view.paste("no token at all");
    await view.verdict(/No token found|Refused with/);
    await view.page.click("#paste-clear");
    await view.verdict("Nothing to check yet");
  });

  test("asks the gate about a secret only when the user presses the button", async ({ open }) => {
    const view = await open();
    const token = hs256Token();
    await view.paste(token);
    await view.verdict("Not known yet");
    assert.equal((await view.steps()).signature, "unknown");
    assert.deepEqual(await view.carrying(token), [], "before the user presses the button");
    await view.page.click("text=Send this token to the gate for its verdict");
    await view.verdict("Admitted");
    assert.match(await view.page.locator("#inspect-verdict .by").innerText(), /gate’s own verdict/);
    assert.deepEqual(await view.carrying(token), ["POST /_portcullis/judge"]);
    await view.assertKeptNowhere(token);
    await view.paste(tokens.withChangedCharacter(token, token.length - 5));
    await view.verdict("Not known yet");
    assert.deepEqual(
      await view.carrying(token),
      ["POST /_portcullis/judge"],
      "another token is not sent automatically",
    );
  });

  test("checks with a secret that the user enters, which never leaves the page", async ({
    open,
  }) => {
    const view = await open();
    await view.paste(hs256Token());
    await view.verdict("Not known yet");
    await view.page.fill("#given-secret", SECRET);
    await view.page.press("#given-secret", "Enter");
    await view.verdict("Admitted");
    await view.page.fill("#given-secret", `${SECRET}!`);
    await view.page.press("#given-secret", "Enter");
    await view.verdict("Refused with 401");
    await assertFailsAt(view, "signature");
    await view.assertKeptNowhere(SECRET);
    assert.ok(view.requests.every((request) => request.method() === "GET"));
  });

  test("checks against the user's own key in any format", async ({ open }) => {
    const view = await open();
    const { page } = view;
    await view.paste(es256Token({ iss: "https://elsewhere.example/", aud: "other" }));
    await page.check("input[value=own]");
    await view.verdict("Which key?");
    for (const text of [pem, JSON.stringify(jwk), JSON.stringify({ keys: [jwk] })]) {
      await page.fill("#own-key", text);
      await view.verdict("Signed with this key");
    }
    const states = await view.steps();
    assert.ok(
      !("issuer" in states) && !("audience" in states),
      "a step that was not checked is not shown as passed",
    );
    const other = tokens.pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
    await page.fill("#own-key", other);
    await view.verdict("Refused with 401");
    await page.fill("#own-key", "-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----");
    await view.verdict("This key cannot be used");
    await view.paste(hs256Token());
    await page.fill("#own-key", SECRET);
    await view.verdict("Signed with this key");
    await page.fill("#own-key", Buffer.from(SECRET).toString("base64"));
    await page.selectOption("#own-encoding", "base64");
    await view.verdict("Signed with this key");
    assert.ok(view.requests.every((request) => request.method() === "GET"));
  });

  test("shows markup in claims as text and makes hidden characters visible", async ({ open }) => {
    const view = await open();
    const { page } = view;
    const payload = JSON.stringify({
      ...policies.claims({
        iss: "</code><img src=x onerror=alert(1)>",
        aud: "<script>alert(2)</script>",
      }),
      "<b>name</b>": "<svg onload=alert(3)>",
      __proto__x: 1,
      big: 0,
    }).replace(
      '"big":0',
      '"big":12345678901234567890.10,"big":2,"turned":"\u202Egnp.exe\u0000'.replace(
        "\u0000",
        "\\u0007",
      ) + '"',
    );
    const token = tokens.token({
      alg: "ES256",
      key: pair.privateKey,
      header: { kid: "<i>kid</i>" },
      payload,
    });
    await view.paste(token);
    await view.verdict("Refused with 401");
    assert.equal(await page.locator("main img, main script, main b, main i, .json svg").count(), 0);
    const claims = await page.locator(".json-card.claims").innerText();
    assert.ok(claims.includes("</code><img src=x onerror=alert(1)>"));
    assert.ok(claims.includes("12345678901234567890.10"), "numbers keep all digits");
    assert.equal(claims.match(/"big"/g)?.length, 2, "a repeated name appears twice");
    assert.ok(
      claims.includes("\\u202e") && !claims.includes("\u202E"),
      "a character that changes the direction of text is visible",
    );
    assert.match(await page.locator(".json-card.header").innerText(), /<i>kid<\/i>/);
    for (const text of [
      "a.b.c",
      "..",
      "eyJ.eyJ.eyJ",
      `${"[".repeat(12_000)}`,
      `eyJhbGciOiJub25lIn0.${Buffer.from("[".repeat(9_000)).toString("base64url")}.AA`,
    ]) {
      await view.paste(text);
      await view.verdict(/Refused|No token/);
    }
  });

  test("a token that the page signs verifies under the page's key", async ({ open }) => {
    const view = await open("mint");
    const { page } = view;
    for (const alg of ["ES256", "RS256"]) {
      await page.selectOption("#mint-signer", alg);
      await page.click("#mint-form button[type=submit]");
      await page.waitForFunction(
        (alg) => document.querySelector(".advice code")?.textContent?.includes(alg),
        alg,
      );
      const token = await page.locator("#minted-token").innerText();
      assert.deepEqual(await view.carrying(token), []);
      await page.click("#mint-inspect");
      await view.verdict("Signed with this key");
      await page.click("nav >> text=Mint");
    }
  });

  test("the gate admits a token that it has minted", async ({ open, origin, gate }) => {
    const view = await open("mint");
    const { page } = view;
    await page.selectOption("#mint-signer", "gate");
    await page.fill("#mint-subject", "somebody");
    await page.click("#mint-form button[type=submit]");
    const token = await page.locator("#minted-token").innerText();
    assert.equal((await gate.fetchWith(token, "/api/by-hand")).status, 200);
    assert.equal(origin.expectOne().header("x-auth-subject"), "somebody");
    await page.click("#mint-try");
    await page.fill("#try-path", "/api/from-the-page");
    await page.click("#try-send");
    await page.locator("#try-outcome h2", { hasText: "The response through the gate" }).waitFor();
    assert.match(await page.locator("#try-outcome .wire-status").first().innerText(), /HTTP 200/);
    const seen = origin.expectOne();
    assert.equal(seen.target, "/api/from-the-page");
    assert.equal(seen.header("authorization"), `Bearer ${token}`);
    assert.deepEqual(await view.carrying(token), ["GET /api/from-the-page"]);
    await view.assertKeptNowhere(token);
  });

  test("mints an expired token, and mints nothing from malformed claims", async ({ open }) => {
    const view = await open("mint");
    const { page } = view;
    await page.selectOption("#mint-signer", "ES256");
    await page.selectOption("#mint-expiry", "-3600");
    await page.click("#mint-form button[type=submit]");
    await page.click("#mint-inspect");
    await view.verdict("Refused with 401");
    assert.equal((await view.steps()).time, "failed");
    await page.click("nav >> text=Mint");
    await page.fill("#mint-claims", "[1]");
    await page.locator("#mint-note", { hasText: "not a JSON object" }).waitFor();
  });

  test("tries a request: route, response, forwarded headers, and the table of routes", async ({
    open,
  }) => {
    const view = await open("try");
    const { page } = view;
    const outcome = page.locator("#try-outcome");
    await page.fill("#try-path", "/nowhere");
    await view.verdict("Refused with 404", "#try-verdict");
    await page.fill("#try-path", "/api/x");
    await view.verdict("Refused with 401", "#try-verdict");
    assert.match(await outcome.innerText(), /www-authenticate: Bearer realm="api"/i);
    await page.fill("#try-token", es256Token({ sub: "user-7" }));
    await view.verdict("Admitted", "#try-verdict");
    assert.match(await outcome.innerText(), /X-Auth-Subject: user-7/i);
    await page.fill("#routes-search", "admin");
    assert.equal(await page.locator("#routes tbody tr").count(), 1);
    await page.click("#routes button.path");
    assert.equal(await page.inputValue("#try-path"), "/admin/");
    await view.verdict("Refused with 403", "#try-verdict");
    await page.fill("#routes-search", "nothing has this");
    assert.match(await page.locator("#routes").innerText(), /No route contains/);
  });

  test("shows the keys, and only the names of secrets", async ({ open }) => {
    const view = await open("keys");
    const shown = await view.page.locator("#keys").innerText();
    for (const text of [
      "signer",
      "first",
      "ES256",
      "P-256",
      "SECRET",
      SIGNER,
      "without-kid",
      OTHER,
    ])
      assert.ok(shown.includes(text), text);
    assert.ok(!shown.includes(SECRET));
  });

  test("works without a mouse", async ({ open }) => {
    const view = await open();
    const { page } = view;
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.id || document.activeElement?.textContent?.trim(),
      );
    const tabTo = async (/** @type {string} */ wanted, key = "Tab") => {
      for (let i = 0; i < 60; i += 1) {
        if ((await focused()) === wanted) return;
        await page.keyboard.press(key);
      }
      assert.fail(`${key} does not reach ${wanted}`);
    };
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "main");
    await tabTo("paste");
    await page.keyboard.insertText(hs256Token());
    await view.verdict("Not known yet");
    await tabTo("ask");
    await page.keyboard.press("Enter");
    await view.verdict("Admitted");
    assert.equal(await focused(), "Admitted", "the focus moves to the verdict");
    await tabTo("theme", "Shift+Tab");
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement ?? document.body).outlineStyle,
    );
    assert.equal(outline, "solid", "the focus is visible");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
    await tabTo("Mint", "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "mint-title");
    await tabTo("mint-subject");
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText("by hand");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#minted-token");
    await tabTo("mint-inspect");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "inspect-title");
    await view.verdict("Not known yet");
  });

  test("keeps details open while time passes", async ({ open }) => {
    const view = await open("", { prepare: ({ page }) => page.clock.install() });
    const { page } = view;
    await view.paste(es256Token({ exp: tokens.now() + 90 }));
    await view.verdict("Admitted");
    const compared = page.locator("#inspect-verdict [data-step=audience] details");
    await compared.locator("summary").click();
    await page.clock.runFor(20_000);
    assert.equal(await compared.getAttribute("open"), "");
    await page.clock.runFor(200_000);
    await view.verdict("Refused with 401");
    assert.equal((await view.steps()).time, "failed", "the verdict follows the clock");
    assert.match(await page.locator(".json-card.claims").innerText(), /minutes? ago/);
  });
});
