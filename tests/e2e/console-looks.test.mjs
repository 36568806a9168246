// The console's page in both themes, wide and narrow: its appearance, its accessibility, its
// messages if something is missing, and its size. Screenshots are saved in target/console.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { gzipSync } from "node:zlib";
import { withConsole } from "./harness/browser.mjs";
import { page as assets, policies, repository, tokens } from "./harness/index.mjs";

/** @import { Open, OpenOptions, Prepared, Watched } from "./harness/browser.mjs" */
/** @import { GateOptions } from "./harness/gate.mjs" */
/** @import { Origin } from "./harness/origin.mjs" */

const { AUDIENCE, hs256, hs256Token, SECRET } = policies;

const PICTURES = path.join(repository, "target/console");
const SIGNER = "https://login.example.com/";
const LARGEST_PAGE = 40 * 1024;

const keyPair = (/** @type {string} */ kid) => ({
  kid,
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }),
});
const current = keyPair("2026-11");
const keys = [current, keyPair("2026-08")];
const jwks = keys.map(({ kid, publicKey }) => ({
  ...publicKey.export({ format: "jwk" }),
  kid,
  alg: "ES256",
  use: "sig",
}));
const encryption = { ...jwks[1], kid: "encryption", use: "enc" };

/** @param {{origin: Origin}} site */
function policy({ origin }) {
  const base = hs256({ origin });
  const signer = {
    name: "login",
    issuer: SIGNER,
    audience: [AUDIENCE],
    algorithms: ["ES256"],
    keys: { jwks: { keys: [...jwks, encryption] } },
  };
  const routes = [
    ...base.routes,
    { path: "/orders/{id}/items", methods: ["GET", "POST"], any_scope: ["orders", "admin"] },
  ];
  return { ...base, issuers: [signer, ...base.issuers], routes };
}

/**
 * @param {{origin: Origin}} site
 * @returns {GateOptions}
 */
const options = ({ origin }) => ({
  policy: policy({ origin }),
  secrets: { SECRET },
  vars: { CONSOLE_MINT: "on" },
});

function es256Token(changes = {}) {
  const times = { iat: tokens.now() - 840, exp: tokens.now() + 2760 };
  const payload = {
    iss: SIGNER,
    aud: AUDIENCE,
    sub: "ada@example.com",
    scope: "orders read",
    ...times,
    ...changes,
  };
  return tokens.token({
    alg: "ES256",
    key: current.privateKey,
    header: { kid: current.kid },
    payload,
  });
}

/**
 * The section of each screenshot, and how to get there.
 *
 * @type {Record<string, [section: string, arrive: (view: Watched) => Promise<void>]>}
 */
const SCENES = {
  empty: ["", async () => {}],
  admitted: [
    "",
    async (view) => {
      await view.paste(es256Token());
      await view.verdict("Admitted");
    },
  ],
  refused: [
    "",
    async (view) => {
      await view.paste(es256Token({ aud: `${AUDIENCE}/` }));
      await view.verdict("Refused");
    },
  ],
  unknown: [
    "",
    async (view) => {
      await view.paste(hs256Token({ iat: tokens.now() }));
      await view.verdict("Not known yet");
    },
  ],
  "own-key": [
    "",
    async (view) => {
      await view.paste(es256Token());
      await view.page.check("input[value=own]");
      await view.page.fill("#own-key", JSON.stringify(jwks[0]));
      await view.verdict("Signed with this key");
    },
  ],
  "try-admitted": [
    "try",
    async (view) => {
      await view.page.fill("#try-token", es256Token());
      await view.page.fill("#try-path", "/orders/7/items");
      await view.verdict("Admitted", "#try-verdict");
      await view.page.click("text=All steps");
    },
  ],
  "try-refused": [
    "try",
    async (view) => {
      await view.page.fill("#try-path", "/admin/users");
      await view.verdict("Refused", "#try-verdict");
    },
  ],
  mint: [
    "mint",
    async (view) => {
      await view.page.selectOption("#mint-signer", "ES256");
      await view.page.click("#mint-form button[type=submit]");
      await view.page.waitForSelector("#minted-token");
    },
  ],
  keys: ["keys", async (view) => view.page.click("text=As the gate reads it")],
};

const SIZES = { wide: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } };

/**
 * Takes the screenshots of a scene, and asserts that it is accessible and fits the window.
 *
 * @param {Open} open
 * @param {string} name
 * @param {string} section
 * @param {(view: Watched) => Promise<void>} arrive
 * @param {OpenOptions} [more]
 */
async function assertLooks(open, name, section, arrive, more = {}) {
  mkdirSync(PICTURES, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      const why = `${name} ${size} ${colorScheme}`;
      const view = await open(section, { viewport, colorScheme, ...more });
      await arrive(view);
      await view.page.screenshot({
        path: path.join(PICTURES, `${name}-${size}-${colorScheme}.png`),
        fullPage: true,
      });
      await view.assertFits(why);
      await view.assertAccessible(why);
    }
  }
}

withConsole("the console's appearance", options, (test) => {
  for (const [name, [section, arrive]] of Object.entries(SCENES)) {
    test(`${name}: is accessible and fits the window, wide and narrow, light and dark`, async ({
      open,
    }) => {
      await assertLooks(open, name, section, arrive);
    });
  }

  test("stores the chosen theme and nothing else", async ({ open }) => {
    const { page } = await open("", { colorScheme: "light" });
    const scheme = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await scheme();
    await page.click("#theme");
    assert.equal(await scheme(), light);
    await page.click("#theme");
    const dark = await scheme();
    assert.notEqual(dark, light);
    await page.reload();
    assert.equal(await scheme(), dark);
    assert.deepEqual(await page.evaluate(() => ({ ...localStorage })), { theme: "dark" });
  });

  test("opens the section that the URL names, or the first one", async ({ open }) => {
    const titles = {
      try: "Try a request",
      mint: "Mint a token",
      keys: "Keys and policy",
      nothing: "Why 401?",
    };
    for (const [section, title] of Object.entries(titles)) {
      const { page } = await open(section);
      assert.deepEqual(await page.locator("h1:visible").allInnerTexts(), [title]);
      assert.match(await page.title(), new RegExp(title.replace("?", "\\?")));
    }
  });

  test("reports that the gate does not respond, and can try again", async ({ open }) => {
    let isDown = true;
    const prepare = (/** @type {Prepared} */ { page }) =>
      page.route("**/gate.json", (route) => (isDown ? route.abort() : route.continue()));
    const expectBrowserError = (/** @type {Watched} */ { complaints }) =>
      assert.match(complaints.splice(0).join(), /ERR_FAILED/);
    const arrive = async (/** @type {Watched} */ view) => {
      await view.page.locator("#notices", { hasText: "does not respond" }).waitFor();
      expectBrowserError(view);
    };
    await assertLooks(open, "unreachable", "", arrive, { prepare });
    const view = await open("", { prepare });
    await view.page.locator("#notices", { hasText: "does not respond" }).waitFor();
    await view.paste(es256Token());
    await view.verdict("No policy to check against");
    await view.page.check("input[value=own]");
    await view.page.fill("#own-key", JSON.stringify(jwks[0]));
    await view.verdict("Signed with this key");
    isDown = false;
    await view.page.check("input[value=policy]");
    await view.page.click("text=Try again");
    await view.verdict("Admitted");
    expectBrowserError(view);
  });

  test("without WebAssembly, decodes tokens and reports that it cannot check them", async ({
    open,
  }) => {
    const prepare = (/** @type {Prepared} */ { context }) =>
      context.addInitScript(() => Reflect.deleteProperty(globalThis, "WebAssembly"));
    const view = await open("", { prepare });
    await view.paste(`Authorization: Bearer ${es256Token()}`);
    await view.verdict("Not checked");
    assert.match(await view.page.locator(".json-card.claims").innerText(), /ada@example.com/);
    assert.match(await view.page.locator("#notices").innerText(), /no WebAssembly/);
    await view.assertAccessible("without WebAssembly");
  });
});

/**
 * @param {{origin: Origin}} site
 * @returns {GateOptions}
 */
const faulty = ({ origin }) => ({
  policy: { ...hs256({ origin }), realmm: "api" },
  secrets: { SECRET: "too short" },
});

withConsole("the console of a gate with a faulty policy", faulty, (test) => {
  test("shows every fault, and that every request is refused", async ({ open }) => {
    await assertLooks(open, "faulty", "keys", async ({ page }) => {
      const shown = await page.locator("#keys-body").innerText();
      assert.match(shown, /2 faults/);
      assert.match(shown, /realmm/);
      assert.match(shown, /What to do:/);
    });
    const view = await open();
    await view.paste(hs256Token());
    await view.verdict("Misconfigured");
    assert.match(await view.page.locator("#notices").innerText(), /2 faults/);
    await view.page.click("text=Show the faults");
    await view.page.locator("#keys-title").waitFor();
  });
});

it("the page is small, apart from its WebAssembly and the code that wasm-bindgen generates", () => {
  const isPage = (/** @type {string} */ name) =>
    /\.(html|css|js)$/.test(name) && name !== "portcullis.js";
  const files = readdirSync(assets.directory).filter(isPage);
  const weights = files.map(
    (name) => gzipSync(readFileSync(path.join(assets.directory, name)), { level: 9 }).length,
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  assert.ok(total < LARGEST_PAGE, `${total} bytes, compressed`);
});
