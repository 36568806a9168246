// The console's page in a real Chromium, watched: what it asks of whom, what it complains of.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { withGate } from "./gate.mjs";
import { page as assets } from "./paths.mjs";
import { bounded } from "./waiting.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** Chromium by itself asks nobody anything, and draws without a graphics card. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const ROOT = "/_portcullis/";
const LIMIT = 15_000;

/** The browser to drive: the one that CHROMIUM names, else the first on the path. */
export const browserPath = (() => {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(
    isExecutable,
  );
  return process.env.CHROMIUM || found;
})();

/** Why the browser's tests are left out, if they are. */
export const withoutBrowser = browserPath ? false : "no Chromium is installed: set CHROMIUM to one";

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A group of tests with one browser and one gate whose console is on. `options` as for `withGate`. `define` gets
 * `test(name, async ({ gate, origin, open, t }) => …)`; `open(section, context)` opens the page in a context of its
 * own, and what the page did is judged when the test ends: see `Watched`.
 */
export function withConsole(title, options, define) {
  if (withoutBrowser) process.stderr.write(`left out: ${title}: ${withoutBrowser}\n`);
  const site = {};
  const withConsoleOn = (given) => {
    const { vars, ...rest } = options(given);
    return { vars: { CONSOLE: "on", ...vars }, assets, ...rest };
  };
  withGate(title, withConsoleOn, (test) => {
    before(async () => {
      if (!withoutBrowser)
        site.browser = await chromium.launch({ executablePath: browserPath, args: FLAGS });
    });
    after(() => site.browser?.close());
    define((name, run) =>
      test(name, async (given) => {
        if (withoutBrowser) return given.t.skip(withoutBrowser);
        const opened = [];
        const open = async (section, context) => {
          const watched = await Watched.open(site.browser, given.gate, section, context);
          opened.push(watched);
          return watched;
        };
        try {
          await run({ ...given, open });
          for (const watched of opened) watched.assertQuiet();
        } finally {
          await Promise.all(opened.map((watched) => watched.close()));
        }
      }));
  });
}

/** The page in a browser context of its own, with all that it sent and all that it complained of. */
export class Watched {
  constructor(context, page, gate) {
    this.page = page;
    this.gate = gate;
    this.requests = [];
    /** What the browser's log holds. A test that makes something fail empties it. */
    this.complaints = [];
    this.#context = context;
  }

  #context;

  static async open(browser, gate, section = "", { prepare, ...options } = {}) {
    const context = await browser.newContext({
      reducedMotion: "reduce",
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT);
    const watched = new Watched(context, page, gate);
    context.on("request", (request) => watched.requests.push(request));
    page.on("console", (message) => watched.complaints.push(message.text()));
    page.on("pageerror", (error) => watched.complaints.push(error.stack));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        console.error(
          `the policy of the page's content was violated: ${violatedDirective} ${blockedURI}`,
        );
      });
    });
    await prepare?.({ context, page });
    await page.goto(`${gate.url}${ROOT}${section && `#${section}`}`);
    await page.waitForSelector("html[data-ready]", { state: "attached" });
    return watched;
  }

  /** Puts a text into the field of the first section. */
  async paste(text) {
    await this.page.fill("#paste", text);
  }

  /** How each step went, by its name. */
  async steps(within = "#inspect-verdict") {
    const items = await this.page.locator(`${within} [data-step]`).all();
    const pairs = items.map(async (item) => [
      await item.getAttribute("data-step"),
      await item.getAttribute("data-state"),
    ]);
    return Object.fromEntries(await Promise.all(pairs));
  }

  /** What is told of one step. */
  told(step) {
    return this.page.locator(`#inspect-verdict [data-step=${step}]`).innerText();
  }

  /** Waits until the verdict's headline is this. */
  async verdict(title, within = "#inspect-verdict") {
    const headline = this.page.locator(`${within} .banner h2`, { hasText: title });
    await headline.waitFor().catch(async () => {
      assert.fail(
        `the verdict is not "${title}" but: ${await this.page.locator(within).innerText()}`,
      );
    });
  }

  /** The requests in which a token can be found, whole or in part, as "METHOD path". */
  async carrying(token) {
    const parts = token
      .split(".")
      .slice(1)
      .map((part) => part.slice(0, 40));
    const texts = this.requests.map(async (request) => {
      const headers = JSON.stringify(await bounded(request.allHeaders(), "a request's headers"));
      const text = `${decodeURIComponent(request.url())} ${headers} ${request.postData() ?? ""}`;
      return parts.some((part) => text.includes(part))
        ? [`${request.method()} ${new URL(request.url()).pathname}`]
        : [];
    });
    return (await Promise.all(texts)).flat();
  }

  /** Nothing keeps this text: no address, no storage, no history. */
  async assertKeptNowhere(text) {
    const kept = await this.page.evaluate(() =>
      JSON.stringify([
        location.href,
        history.state,
        { ...localStorage },
        { ...sessionStorage },
        document.cookie,
        document.title,
      ]),
    );
    const databases = await this.page.evaluate(async () => (await indexedDB.databases()).length);
    for (const part of text.split(".")) assert.ok(!kept.includes(part), "a part of it is kept");
    assert.equal(databases, 0);
  }

  /** What a machine finds wrong for people who do not see the page, or not well (axe-core, all rules). */
  async assertAccessible(why) {
    await this.page.evaluate(axe.source);
    const { violations, passes } = await this.page.evaluate(() =>
      globalThis.axe.run(document, { resultTypes: ["violations", "passes"] }),
    );
    const told = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}\n${failureSummary}`),
    );
    assert.deepEqual(told, [], why);
    assert.ok(
      passes.some(({ id }) => id === "color-contrast"),
      `${why}: contrast was not looked at`,
    );
  }

  /** Nothing is wider than the window. */
  async assertFits(why) {
    const [content, window] = await this.page.evaluate(() => [
      document.documentElement.scrollWidth,
      innerWidth,
    ]);
    assert.ok(content <= window, `${why}: ${content} pixels of content in ${window}`);
  }

  /** Every request went to the gate, and the browser had nothing to complain of. */
  assertQuiet() {
    const own = new URL(this.gate.url).origin;
    const foreign = this.requests
      .map((request) => request.url())
      .filter((url) => !url.startsWith("data:") && new URL(url).origin !== own);
    assert.deepEqual(foreign, [], "requests went to other hosts");
    assert.deepEqual(this.complaints, [], "the browser complained");
  }

  close() {
    return this.#context.close();
  }
}
