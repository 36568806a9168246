// Opens the console's page in a real Chromium and records its requests and errors.

import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import axe from "axe-core";
import { chromium } from "playwright-core";
import { withGate } from "./gate.mjs";
import { page as assets } from "./paths.mjs";
import { bounded } from "./waiting.mjs";

/**
 * @import { Browser, BrowserContext, BrowserContextOptions, Page, Request } from "playwright-core"
 */
/** @import { GateOptions, Site, WithContext } from "./gate.mjs" */
/** @import { Origin } from "./origin.mjs" */
/** @import { Running } from "./running.mjs" */

/** @typedef {{context: BrowserContext, page: Page}} Prepared */
/**
 * @typedef {object} Preparation
 * @property {(prepared: Prepared) => unknown} [prepare] Called before the page loads.
 */
/** @typedef {BrowserContextOptions & Preparation} OpenOptions */
/**
 * Opens a section of the page in a new browser context.
 *
 * @typedef {(section?: string, options?: OpenOptions) => Promise<Watched>} Open
 */
/** @typedef {(given: Site & WithContext & {open: Open}) => Promise<void>} Run */
/** @typedef {(name: string, run: Run) => void} DefineTest */

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/** With these, Chromium makes no requests of its own and renders without a graphics card. */
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

/** The browser that CHROMIUM names, or else the first on the PATH. */
export const browserPath = (() => {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(
    isExecutable,
  );
  return process.env.CHROMIUM || found;
})();

/** Why the browser's tests are skipped, or `false`. */
export const withoutBrowser = browserPath
  ? false
  : "no Chromium is installed: set CHROMIUM to the path of one";

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Defines a group of tests that share one browser and one gate whose console is on. When a test
 * ends, each page that it opened must have passed `Watched.assertQuiet`.
 *
 * @param {string} title
 * @param {(site: {origin: Origin}) => GateOptions} options
 * @param {(test: DefineTest) => void} define
 */
export function withConsole(title, options, define) {
  if (withoutBrowser) process.stderr.write(`skipped: ${title}: ${withoutBrowser}\n`);
  /** @type {Browser | undefined} */
  let browser;
  const withConsoleOn = (/** @type {{origin: Origin}} */ site) => {
    const { vars, ...rest } = options(site);
    return { vars: { CONSOLE: "on", ...vars }, assets, ...rest };
  };
  withGate(title, withConsoleOn, (test) => {
    before(async () => {
      if (!withoutBrowser)
        browser = await chromium.launch({ executablePath: browserPath, args: FLAGS });
    });
    after(() => browser?.close());
    define((name, run) =>
      test(name, async (given) => {
        if (withoutBrowser) return given.t.skip(withoutBrowser);
        assert.ok(browser, "the browser did not start");
        const running = browser;
        /** @type {Watched[]} */
        const opened = [];
        /** @type {Open} */
        const open = async (section, context) => {
          const watched = await Watched.open(running, given.gate, section, context);
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

/** The page in its own browser context, with every request and every error. */
export class Watched {
  #context;

  /**
   * @param {BrowserContext} context
   * @param {Page} page
   * @param {Running} gate
   */
  constructor(context, page, gate) {
    this.page = page;
    this.gate = gate;
    /** @type {Request[]} */
    this.requests = [];
    /**
     * The messages of the browser's console. A test that expects messages removes them.
     *
     * @type {string[]}
     */
    this.complaints = [];
    this.#context = context;
  }

  /**
   * @param {Browser} browser
   * @param {Running} gate
   * @param {string} [section]
   * @param {OpenOptions} [options]
   */
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
    page.on("pageerror", (error) => watched.complaints.push(error.stack ?? error.message));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        console.error(
          `violation of the Content-Security-Policy: ${violatedDirective} ${blockedURI}`,
        );
      });
    });
    await prepare?.({ context, page });
    await page.goto(`${gate.url}${ROOT}${section && `#${section}`}`);
    await page.waitForSelector("html[data-ready]", { state: "attached" });
    return watched;
  }

  /**
   * Pastes a text into the first section.
   *
   * @param {string} text
   */
  async paste(text) {
    await this.page.fill("#paste", text);
  }

  /**
   * Returns the state of each step by its name.
   *
   * @param {string} [within]
   * @returns {Promise<Record<string, string | null>>}
   */
  async steps(within = "#inspect-verdict") {
    const items = await this.page.locator(`${within} [data-step]`).all();
    const pairs = items.map(async (item) => [
      await item.getAttribute("data-step"),
      await item.getAttribute("data-state"),
    ]);
    return Object.fromEntries(await Promise.all(pairs));
  }

  /**
   * Returns the text that is shown for a step.
   *
   * @param {string} step
   */
  told(step) {
    return this.page.locator(`#inspect-verdict [data-step=${step}]`).innerText();
  }

  /**
   * Waits for the title of the verdict.
   *
   * @param {string | RegExp} title
   * @param {string} [within]
   */
  async verdict(title, within = "#inspect-verdict") {
    const headline = this.page.locator(`${within} .banner h2`, { hasText: title });
    await headline.waitFor().catch(async () => {
      assert.fail(
        `the verdict is not "${title}" but: ${await this.page.locator(within).innerText()}`,
      );
    });
  }

  /**
   * Returns the requests that contain a token or a part of one, as "METHOD path".
   *
   * @param {string} token
   */
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

  /**
   * Asserts that the page stores no part of a text: not in the URL, the history, cookies or any
   * storage.
   *
   * @param {string} text
   */
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
    for (const part of text.split("."))
      assert.ok(!kept.includes(part), "a part of the text is stored");
    assert.equal(databases, 0);
  }

  /**
   * Asserts that axe-core finds no accessibility problem with all of its rules.
   *
   * @param {string} why
   */
  async assertAccessible(why) {
    await this.page.evaluate(axe.source);
    const { violations, passes } = await this.page.evaluate(() => {
      const { axe } = /** @type {typeof globalThis & {axe: typeof import("axe-core")}} */ (
        globalThis
      );
      return axe.run(document, { resultTypes: ["violations", "passes"] });
    });
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)}\n${failureSummary}`),
    );
    assert.deepEqual(found, [], why);
    assert.ok(
      passes.some(({ id }) => id === "color-contrast"),
      `${why}: the contrast was not checked`,
    );
  }

  /**
   * Asserts that nothing is wider than the window.
   *
   * @param {string} why
   */
  async assertFits(why) {
    const { content, available } = await this.page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      available: innerWidth,
    }));
    assert.ok(content <= available, `${why}: ${content} pixels of content in ${available}`);
  }

  /** Asserts that every request went to the gate and that the browser's console is empty. */
  assertQuiet() {
    const own = new URL(this.gate.url).origin;
    const foreign = this.requests
      .map((request) => request.url())
      .filter((url) => !url.startsWith("data:") && new URL(url).origin !== own);
    assert.deepEqual(foreign, [], "requests went to other hosts");
    assert.deepEqual(this.complaints, [], "the browser's console is not empty");
  }

  close() {
    return this.#context.close();
  }
}
