// The console's page in Chromium, against the built Worker: what it says of tokens, and what it keeps to itself.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { withConsole } from "./harness/browser.mjs";
import { policies, tokens } from "./harness/index.mjs";

const { AUDIENCE, hs256, hs256Token, SECRET } = policies;

const SIGNER = "https://signer.example/";
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "first", alg: "ES256", use: "sig" };
const pem = pair.publicKey.export({ type: "spki", format: "pem" });

/** One issuer with a secret, and one whose public key stands in the policy. */
function policy({ origin }) {
  const base = hs256({ origin });
  const signer = {
    name: "signer",
    issuer: SIGNER,
    audience: [AUDIENCE],
    algorithms: ["ES256"],
    keys: { jwks: { keys: [jwk] } },
  };
  return { ...base, issuers: [...base.issuers, signer] };
}

const options = ({ origin }) => ({
  policy: policy({ origin }),
  secrets: { SECRET },
  vars: { CONSOLE_MINT: "on" },
});

/** A good token of the second issuer: the page has all that it takes to judge it. */
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
  "type",
  "issuer",
  "audience",
  "time",
  "claims",
  "revocation",
  "route",
  "forward",
];

/** That a step failed, those before passed, and those after were not reached. */
async function assertFailsAt(view, name) {
  const states = await view.steps();
  assert.deepEqual(Object.keys(states), STEPS);
  const at = STEPS.indexOf(name);
  for (const [index, step] of STEPS.entries()) {
    const expected =
      index < at
        ? ["passed", ...(step === "revocation" ? ["skipped"] : [])]
        : index === at
          ? ["failed"]
          : ["not_reached", "skipped"];
    assert.ok(
      expected.includes(states[step]),
      `${step} is ${states[step]}, and ${name} should have failed`,
    );
  }
}

withConsole("the console's page", options, (test) => {
  test("a good token passes every step, and never leaves the page", async ({ open }) => {
    const view = await open();
    const token = es256Token({ scope: "read", exp: tokens.now() + 2730 });
    await view.paste(token);
    await view.verdict("Admitted");
    const states = await view.steps();
    assert.deepEqual(states, {
      ...Object.fromEntries(STEPS.map((step) => [step, "passed"])),
      revocation: "skipped",
    });
    assert.deepEqual(await view.carrying(token), []);
    await view.assertKeptNowhere(token);
    const claims = await view.page.locator(".json-card.claims").innerText();
    assert.match(claims, /"scope": "read"/);
    assert.match(claims, /, in 45 minutes/);
  });

  test("one character changed fails at the signature, and nothing after it is reached", async ({
    open,
  }) => {
    const view = await open();
    const token = es256Token();
    await view.paste(tokens.withChangedCharacter(token, token.length - 20));
    await view.verdict("Refused with 401");
    await assertFailsAt(view, "signature");
    assert.match(await view.told("signature"), /bad_signature/);
  });

  test("a signature that was cut off while it was copied is told as such", async ({ open }) => {
    const view = await open();
    await view.paste(es256Token().slice(0, -12));
    await view.verdict("Refused with 401");
    assert.match(
      await view.page.locator("#inspect-verdict .hint").innerText(),
      /64 bytes; this one has 55/,
    );
  });

  test("an expired token fails at the time, and the page says since when", async ({ open }) => {
    const view = await open();
    await view.paste(es256Token({ iat: tokens.now() - 7290, exp: tokens.now() - 7230 }));
    await view.verdict("Refused with 401");
    await assertFailsAt(view, "time");
    assert.match(await view.told("time"), /expired 2 hours ago/);
  });

  test("a wrong audience is shown beside the right one, and what differs", async ({ open }) => {
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

  test("a curl line is judged as the request that it is", async ({ open }) => {
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

  test("an Authorization line will do, and a text without a token is told as such", async ({
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

  test("what a secret decides is asked of the gate only when the button says so", async ({
    open,
  }) => {
    const view = await open();
    const token = hs256Token();
    await view.paste(token);
    await view.verdict("Not known yet");
    assert.equal((await view.steps()).signature, "unknown");
    assert.deepEqual(await view.carrying(token), [], "before the button is pressed");
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
      "another token is not sent by itself",
    );
  });

  test("a secret that is typed in judges in the page, and stays there", async ({ open }) => {
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

  test("a key of one's own: PEM, JWK, a secret, the wrong one, none", async ({ open }) => {
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
      "what was not compared is not told as passed",
    );
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
      type: "spki",
      format: "pem",
    });
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

  test("markup and tricks in claims are text, and what hides is shown", async ({ open }) => {
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
    assert.ok(claims.includes("12345678901234567890.10"), "numbers keep their digits");
    assert.equal(claims.match(/"big"/g).length, 2, "a name that is there twice shows twice");
    assert.ok(
      claims.includes("\\u202e") && !claims.includes("\u202E"),
      "what turns text around is made visible",
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

  test("what is minted with a key of the page passes by that key", async ({ open }) => {
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

  test("what the gate mints is let through the gate", async ({ open, origin, gate }) => {
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

  test("an expired one is minted expired, and broken claims are not minted", async ({ open }) => {
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

  test("a request is tried: route, answer, what goes on, and the table of routes", async ({
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

  test("the keys are told, and the secrets' names alone", async ({ open }) => {
    const view = await open("keys");
    const told = await view.page.locator("#keys").innerText();
    for (const text of ["signer", "first", "ES256", "P-256", "SECRET", SIGNER])
      assert.ok(told.includes(text), text);
    assert.ok(!told.includes(SECRET));
  });

  test("the whole of it without a mouse", async ({ open }) => {
    const view = await open();
    const { page } = view;
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.id || document.activeElement?.textContent?.trim(),
      );
    const tabTo = async (wanted, key = "Tab") => {
      for (let i = 0; i < 60; i += 1) {
        if ((await focused()) === wanted) return;
        await page.keyboard.press(key);
      }
      assert.fail(`${wanted} is not reached by ${key}`);
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
    assert.equal(await focused(), "Admitted", "the focus goes where the answer is");
    await tabTo("theme", "Shift+Tab");
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement).outlineStyle,
    );
    assert.equal(outline, "solid", "where one is can be seen");
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

  test("what is open stays open while time passes", async ({ open }) => {
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
    assert.equal((await view.steps()).time, "failed", "and the verdict follows the clock");
    assert.match(await page.locator(".json-card.claims").innerText(), /minutes? ago/);
  });
});
