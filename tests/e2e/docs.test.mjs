// Every code block in the documentation must be valid: a policy that compiles, commands that exist,
// or a part of a file that a test runs. Blocks that are marked as excerpts are not checked.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { blocks, read } from "./harness/documents.mjs";
import { repository, tokens } from "./harness/index.mjs";

/**
 * The output of `cargo xtask check`. `output` is set if it is not JSON.
 *
 * @typedef {object} Report
 * @property {boolean} ok
 * @property {string} [output]
 * @property {{routes?: unknown[], findings: {path: string}[]}[]} environments
 */
/** @typedef {(text: string, where: string) => unknown} Rule */
/** @typedef {(words: string[], where: string) => unknown} CommandRule */

/** @param {string} folder */
const below = (folder) =>
  readdirSync(path.join(repository, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"));

const DOCUMENTS = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"].filter((name) =>
    existsSync(path.join(repository, name)),
  ),
  ...["docs", "examples", "templates"].flatMap(below).sort(),
];

const folder = mkdtempSync(path.join(tmpdir(), "docs-"));
after(() => rmSync(folder, { recursive: true }));

/**
 * @param {string} program
 * @param {string[]} words
 */
const run = (program, words) =>
  execFileSync(program, words, {
    cwd: repository,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/**
 * Runs `cargo xtask check`, with a value for every binding that the policy names.
 *
 * @param {string} toml
 * @returns {Report}
 */
function check(toml) {
  const config = path.join(folder, "wrangler.toml");
  writeFileSync(config, toml);
  const { spki, jwk } = tokens.rsaKeys({ kid: "1" });
  /** @type {Record<string, (name: string) => string>} */
  const values = {
    secret: (name) => `the value of ${name}, which is long enough for every algorithm: 64 bytes`,
    client_secret: (name) => `the value of ${name}`,
    private_key: () => JSON.stringify(privateJwk()),
    nonce: (name) => `the value of ${name}, which is long enough for nonces`,
    pem: () => spki.trimEnd().replaceAll("\n", "\\n"),
    jwks: () => JSON.stringify({ keys: [jwk] }),
    key: () => JSON.stringify(privateJwk()),
  };
  const binding =
    /\b(client_secret|private_key|secret|pem|jwks|key|nonce) = (?:\[([^\]]*)\]|("[^"]+"))/g;
  const named = [...toml.matchAll(binding)];
  const lines = named.flatMap(([, kind = "", list, one = ""]) => {
    const names = (list ?? one).match(/"[^"]+"/g);
    const valueOf = values[kind];
    assert.ok(names && valueOf, kind);
    return names.map((name) => `${name.slice(1, -1)}='${valueOf(name.slice(1, -1))}'`);
  });
  for (const [, headers = ""] of toml.matchAll(/\bheaders = \{([^}]*)\}/g))
    for (const [, name] of headers.matchAll(/= "(\w+)"/g)) lines.push(`${name}=a value`);
  writeFileSync(path.join(folder, ".dev.vars"), lines.join("\n"));
  try {
    return JSON.parse(run("cargo", ["xtask", "check", "--config", config, "--json"]));
  } catch (error) {
    const { stdout, stderr } = /** @type {{stdout?: string, stderr?: string}} */ (error);
    if (stdout === undefined) throw error;
    return { ok: false, output: `${stdout}\n${stderr}`, environments: [] };
  }
}

/** A private key that the gate signs with. */
const privateJwk = () => generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });

const ISSUER = [
  '{ name = "provider"',
  'issuer = "https://tenant.example.com/"',
  'audience = ["https://api.example.com"]',
  'algorithms = ["RS256"]',
  "keys = { discovery = true } }",
].join(", ");

/**
 * Completes a part of a policy with the keys that a whole policy needs.
 *
 * @param {string} toml
 */
function completed(toml) {
  const lines = [];
  const has = (/** @type {RegExp} */ pattern) => pattern.test(toml);
  for (const policy of [
    "vars.POLICY",
    "vars.POLICY_CANDIDATE",
    ...new Set(toml.match(/env\.\w+\.vars\.POLICY/g)),
  ]) {
    const own = policy.replaceAll(".", "\\.");
    const isNamed = has(new RegExp(`^\\[+${own}[\\].]`, "m"));
    if (!isNamed && policy !== "vars.POLICY") continue;
    if (has(new RegExp(`^\\[${own}\\]`, "m"))) continue;
    lines.push(`${policy}.origin = "echo"`);
    if (!has(new RegExp(`^\\[\\[${own}\\.routes`, "m")))
      lines.push(`${policy}.routes = [{ path = "/*" }]`);
    if (!has(new RegExp(`^\\[\\[${own}\\.issuers`, "m")))
      lines.push(`${policy}.issuers = [${ISSUER}]`);
  }
  return `${lines.join("\n")}\n${toml}`;
}

/** @type {Map<string, string>} */
const helpTexts = new Map();

/**
 * Returns the help text of a command, which is requested only once.
 *
 * @param {string} command
 * @param {() => string} request
 */
function help(command, request) {
  const text = helpTexts.get(command) ?? request();
  helpTexts.set(command, text);
  return text;
}

/** @param {string[]} words */
const longOptions = (words) =>
  words.filter((word) => /^--\w/.test(word)).map((word) => word.split("=")[0] ?? "");

/**
 * Asserts that the help text of a command contains each of the options.
 *
 * @param {string} text
 * @param {string[]} words
 * @param {string} where
 */
function assertOptions(text, words, where) {
  for (const option of longOptions(words))
    assert.match(text, new RegExp(`(^|[\\s,])${option}\\b`, "m"), `${where}: ${option}`);
}

/**
 * The commands that a shell block may contain, and the checks of their arguments.
 *
 * @type {Record<string, CommandRule>}
 */
const PROGRAMS = {
  cargo([command = "", ...words], where) {
    if (command === "xtask") {
      const [subcommand] = words;
      assert.ok(subcommand, where);
      assertOptions(
        help(`xtask ${subcommand}`, () => run("cargo", ["xtask", subcommand, "--help"])),
        words,
        where,
      );
    } else
      assert.ok(
        ["install", "test", "clippy", "fmt"].includes(command),
        `${where}: cargo ${command}`,
      );
  },
  npx([command, ...words], where) {
    if (command === "portcullis") {
      const [subcommand] = words;
      assert.ok(subcommand, where);
      const program = ["run", "--quiet", "--package", "portcullis-cli", "--"];
      const text = help(`portcullis ${subcommand}`, () =>
        run("cargo", [...program, subcommand, "--help"]),
      );
      assertOptions(text, words, where);
      return;
    }
    assert.equal(command, "wrangler", where);
    const end = words.findIndex((word) => word.startsWith("-") || /[A-Z]/.test(word));
    const subcommands = words.slice(0, end < 0 ? undefined : end);
    const name = `wrangler ${subcommands.join(" ")}`;
    const text = help(name, () =>
      run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...subcommands, "--help"]),
    );
    // The help text of another command means that one of the words is not a subcommand.
    assert.ok(text.includes(name), `${where}: ${name}`);
    assertOptions(text, words, where);
  },
  node(words, where) {
    for (const file of words.filter((word) => word !== "--test")) {
      assert.ok(existsSync(path.join(repository, file)), `${where}: ${file}`);
    }
  },
  npm: ([command = ""], where) => assert.ok(["install", "publish"].includes(command), where),
  curl() {},
  openssl([command], where) {
    assert.ok(command, where);
    run("openssl", [command, "-help"]);
  },
  printf() {},
  cat() {},
  python3: (words, where) => assert.deepEqual(words.slice(0, 2), ["-m", "venv"], where),
  "../../target/fastapi/bin/pip": (words, where) =>
    assert.ok(existsSync(path.join(repository, "examples/fastapi", String(words.at(-1)))), where),
  "../../target/fastapi/bin/uvicorn": ([, directory], where) =>
    assert.ok(statSync(path.join(repository, "examples/fastapi", String(directory))), where),
  git() {},
  cp() {},
  cd() {},
};

/**
 * Splits a line into commands, including those within `$( )`, and each command into words.
 *
 * @param {string} line
 */
function commands(line) {
  /** @type {string[]} */
  const inner = [];
  const outer = line.replace(/\$\(([^()]*)\)/g, (_, /** @type {string} */ command) => {
    inner.push(command);
    return "X";
  });
  const own = outer.replace(/\s#\s.*$/, "").split(/\s(?:\||&&)\s/);
  return [...inner, ...own].map((text) =>
    (text.match(/(?:"[^"]*"|'[^']*'|\S)+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, "")),
  );
}

/**
 * @param {string} text
 * @param {string} where
 */
function checkShell(text, where) {
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    for (let words of commands(line)) {
      while (words[0] === "export" || /^[A-Z_]+=/.test(words[0] ?? "")) words = words.slice(1);
      if (words.length === 0) continue;
      const redirected = words.findIndex((word) => /^[<>]/.test(word));
      if (redirected >= 0) words = words.slice(0, redirected);
      const [program = "", ...rest] = words;
      const rule = PROGRAMS[program];
      assert.ok(rule, `${where}: no rule for ${program}`);
      rule(rest, `${where}: ${line}`);
    }
  }
}

/**
 * The checks of code blocks by language.
 *
 * @type {Record<string, Rule>}
 */
const RULES = {
  toml(text, where) {
    const whole = completed(text);
    const { ok, output, environments } = check(whole);
    assert.ok(ok, `${where}\n${output}\n${whole}`);
    for (const { routes } of environments) assert.ok(routes, where);
    const findings = environments.flatMap((one) => one.findings);
    assert.deepEqual(
      findings.filter(({ path }) => /CANDIDATE/.test(path)),
      [],
      where,
    );
  },
  json: (text) => JSON.parse(text),
  sh: checkShell,
  console: (text, where) =>
    checkShell(
      text
        .split("\n")
        .flatMap((line) => (line.startsWith("$ ") ? [line.slice(2)] : []))
        .join("\n"),
      where,
    ),
};

describe("the documentation", () => {
  for (const name of DOCUMENTS) {
    const found = blocks(name);
    it(`${name}: all ${found.length} code blocks are valid`, () => {
      for (const { where, language, isExcerpt, file, text } of found) {
        if (file !== undefined) {
          assert.ok(read(file).includes(text), `${where} is not an unchanged part of ${file}`);
        } else if (language === "console" || !isExcerpt) {
          const rule = RULES[language];
          assert.ok(rule, `${where}: no rule for "${language}": mark it as an excerpt`);
          rule(text, where);
        }
      }
    });

    it(`${name}: all links lead to existing files`, () => {
      const shown = read(name).replace(/<!--[^]*?-->/g, "");
      const links = [...shown.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
        ([, target = ""]) => target,
      );
      for (const target of links) {
        assert.ok(
          existsSync(path.join(repository, path.dirname(name), target)),
          `${name}: ${target}`,
        );
      }
    });
  }

  it("SECURITY.md cites only tests that exist", () => {
    const text = read("SECURITY.md");
    const files = readdirSync(path.join(repository, "tests/it"), {
      recursive: true,
      encoding: "utf8",
    });
    const names = files
      .filter((name) => name.endsWith(".rs"))
      .flatMap((name) => {
        const module = name.slice(0, -3).replaceAll(path.sep, "::");
        const functions = read(`tests/it/${name}`).matchAll(/^ *fn (\w+)\(/gm);
        return [`${module}::`, ...[...functions].map(([, test]) => `${module}::${test}`)];
      });
    const cited = [...text.matchAll(/`((?:[a-z0-9_]+::)+[a-z0-9_]+)(…?)`/g)];
    assert.ok(cited.length > 20);
    for (const [, name = "", isBeginning] of cited) {
      // A citation may leave out the modules below the first.
      const [, module = "", test = ""] = name.match(/^(.*::)(\w+)$/) ?? [];
      const begins = (/** @type {string} */ one) =>
        one.startsWith(module) && one.slice(one.lastIndexOf("::") + 2).startsWith(test);
      const exists = isBeginning
        ? names.some(begins)
        : names.includes(name) || names.includes(`${name}::`);
      assert.ok(exists, name);
    }
    for (const [, file = ""] of text.matchAll(/`([a-z0-9-]+\.test\.mjs)`/g)) {
      assert.ok(existsSync(path.join(repository, "tests/e2e", file)), file);
    }
  });

  for (const config of ["wrangler.toml", "examples/mcp/wrangler.toml"]) {
    it(`wrangler can deploy ${config}`, () => {
      const words = [
        "deploy",
        "--dry-run",
        "--env",
        "",
        "--config",
        config,
        "--outdir",
        path.join(folder, "upload"),
      ];
      const output = run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...words]);
      assert.match(output, /--dry-run: exiting now/);
    });
  }

  it("invalid code blocks are reported", () => {
    const fails = (/** @type {string} */ language, /** @type {string} */ text) => {
      const rule = RULES[language];
      assert.ok(rule, language);
      assert.throws(() => rule(text, "here"), `${language}: ${text}`);
    };
    fails("toml", "[vars.POLICY.errors]\ndetial = 'reason'\n");
    fails("toml", "[[vars.POLICY.routes]]\npath = '/a'\n[[vars.POLICY.routes]]\npath = '/a'\n");
    fails("toml", "not = TOML = at all\n");
    fails("json", "{ a: 1 }");
    fails("sh", "cargo xtask nothing");
    fails("sh", "cargo xtask token --nothing x");
    fails("sh", 'curl -H "Authorization: Bearer $(cargo xtask token --nothing)" x');
    fails("sh", "npx wrangler nothing");
    fails("sh", "npx wrangler deploy --nothing");
    fails("sh", "frobnicate --all");
    fails("console", "$ cargo xtask token --nothing\nprinted");
    assert.equal(RULES.go, undefined);
  });
});
