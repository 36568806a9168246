// Every code block in what people read: it is a policy that compiles, commands that exist, a part of a file that a test
// runs, or it says of itself that it is an excerpt.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { repository, tokens } from "./harness/index.mjs";

const read = (name) => readFileSync(path.join(repository, name), "utf8");

const below = (folder) =>
  readdirSync(path.join(repository, folder), { recursive: true })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"));

const DOCUMENTS = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"].filter((name) =>
    existsSync(path.join(repository, name)),
  ),
  ...["docs", "examples", "templates"].flatMap(below).sort(),
];

/** The fenced blocks of a document: { where, language, words, file, text }, less the indentation of a list. */
function blocks(name) {
  const text = read(name);
  const fences = [...text.matchAll(/^( *)```(.*)\n([^]*?)^\1```$/gm)];
  assert.equal(
    text.match(/^ *```/gm)?.length ?? 0,
    2 * fences.length,
    `${name}: a fence is not closed`,
  );
  return fences.map(({ 1: indent, 2: info, 3: body, index }) => {
    const [language, ...words] = info.trim().split(/\s+/);
    const line = text.slice(0, index).split("\n").length;
    return {
      where: `${name}:${line}`,
      language,
      isExcerpt: words.includes("excerpt"),
      file: words.find((word) => word.startsWith("file="))?.slice(5),
      text: body.replace(new RegExp(`^${indent}`, "gm"), ""),
    };
  });
}

const folder = mkdtempSync(path.join(tmpdir(), "docs-"));
after(() => rmSync(folder, { recursive: true }));

const run = (program, words) =>
  execFileSync(program, words, {
    cwd: repository,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

/** What is said of a policy, with something in the place of every binding that it names. */
function check(toml) {
  const config = path.join(folder, "wrangler.toml");
  writeFileSync(config, toml);
  const { spki, jwk } = tokens.rsaKeys({ kid: "1" });
  const values = {
    secret: (name) => `the value of ${name}, long enough for whatever it may sign: 64 bytes`,
    pem: () => spki.trimEnd().replaceAll("\n", "\\n"),
    jwks: () => JSON.stringify({ keys: [jwk] }),
  };
  const named = [...toml.matchAll(/\b(secret|pem|jwks) = (?:\[([^\]]*)\]|("[^"]+"))/g)];
  const lines = named.flatMap(([, kind, list, one]) =>
    (list ?? one)
      .match(/"[^"]+"/g)
      .map((name) => `${name.slice(1, -1)}='${values[kind](name.slice(1, -1))}'`),
  );
  writeFileSync(path.join(folder, ".dev.vars"), lines.join("\n"));
  try {
    return JSON.parse(run("cargo", ["xtask", "check", "--config", config, "--json"]));
  } catch (error) {
    if (error.stdout === undefined) throw error;
    return { ok: false, said: `${error.stdout}\n${error.stderr}` };
  }
}

const ISSUER = `{ name = "provider", issuer = "https://tenant.example.com/", audience = ["https://api.example.com"], algorithms = ["RS256"], keys = { discovery = true } }`;

/** The same with what a policy needs besides, where it is a part of one. */
function completed(toml) {
  const lines = [];
  const has = (pattern) => pattern.test(toml);
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

const helps = new Map();
const help = (key, ask) => helps.get(key) ?? helps.set(key, ask()).get(key);

const long = (words) =>
  words.filter((word) => /^--\w/.test(word)).map((word) => word.split("=")[0]);

/** The command has each of the options. */
function assertOptions(text, words, where) {
  for (const option of long(words))
    assert.match(text, new RegExp(`(^|[\\s,])${option}\\b`, "m"), `${where}: ${option}`);
}

/** What may stand first in a line of shell, and what is checked of the rest. */
const PROGRAMS = {
  cargo([command, ...words], where) {
    if (command === "xtask") {
      const [subcommand] = words;
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
    assert.equal(command, "wrangler", where);
    const end = words.findIndex((word) => word.startsWith("-") || /[A-Z]/.test(word));
    const path = words.slice(0, end < 0 ? undefined : end);
    // Positional arguments that look like subcommands are not found among them.
    const [text, name] = help(`wrangler ${path}`, () => {
      const wrangler = ["node_modules/wrangler/bin/wrangler.js", ...path, "--help"];
      return [run(process.execPath, wrangler), `wrangler ${path.join(" ")}`];
    });
    assert.ok(text.includes(name), `${where}: ${name}`);
    assertOptions(text, words, where);
  },
  node(words, where) {
    for (const file of words.filter((word) => word !== "--test")) {
      assert.ok(existsSync(path.join(repository, file)), `${where}: ${file}`);
    }
  },
  npm: ([command], where) => assert.equal(command, "install", where),
  curl() {},
  openssl: (words, where) => run("openssl", [words[0], "-help"], where),
  printf() {},
  python3: (words, where) => assert.deepEqual(words.slice(0, 2), ["-m", "venv"], where),
  "target/fastapi/bin/pip": (words, where) =>
    assert.ok(existsSync(path.join(repository, words.at(-1))), where),
  "target/fastapi/bin/uvicorn": ([, directory], where) =>
    assert.ok(statSync(path.join(repository, directory)), where),
  git() {},
  cp() {},
  cd() {},
};

/** The commands of a line, those within `$( )` too, as words. */
function commands(line) {
  const inner = [];
  const outer = line.replace(/\$\(([^()]*)\)/g, (_, command) => (inner.push(command), "X"));
  const own = outer.replace(/\s#\s.*$/, "").split(/\s(?:\||&&)\s/);
  return [...inner, ...own].map((text) =>
    (text.match(/(?:"[^"]*"|'[^']*'|\S)+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, "")),
  );
}

function checkShell(text, where) {
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    for (let words of commands(line)) {
      while (words[0] === "export" || /^[A-Z_]+=/.test(words[0])) words = words.slice(1);
      if (words.length === 0) continue;
      const redirected = words.findIndex((word) => /^[<>]/.test(word));
      if (redirected >= 0) words = words.slice(0, redirected);
      const rule = PROGRAMS[words[0]];
      assert.ok(rule, `${where}: no rule for ${words[0]}`);
      rule(words.slice(1), `${where}: ${line}`);
    }
  }
}

const RULES = {
  toml(text, where) {
    const whole = completed(text);
    const { ok, said, environments } = check(whole);
    assert.ok(ok, `${where}\n${said}\n${whole}`);
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

describe("what people read", () => {
  for (const name of DOCUMENTS) {
    const found = blocks(name);
    it(`${name} has ${found.length} blocks that hold`, () => {
      for (const { where, language, isExcerpt, file, text } of found) {
        if (file !== undefined) {
          assert.ok(read(file).includes(text), `${where} is not in ${file} as it stands there`);
        } else if (language === "console" || !isExcerpt) {
          assert.ok(RULES[language], `${where}: no rule for "${language}": mark it as an excerpt`);
          RULES[language](text, where);
        }
      }
    });

    it(`${name} links to files that are there`, () => {
      const shown = read(name).replace(/<!--[^]*?-->/g, "");
      const links = [...shown.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target);
      for (const target of links) {
        assert.ok(
          existsSync(path.join(repository, path.dirname(name), target)),
          `${name}: ${target}`,
        );
      }
    });
  }

  for (const config of [
    "wrangler.toml",
    "examples/fastapi/wrangler.toml",
    "examples/mcp/wrangler.toml",
  ]) {
    it(`wrangler would deploy ${config}, built as it says`, () => {
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
      const said = run(process.execPath, ["node_modules/wrangler/bin/wrangler.js", ...words]);
      assert.match(said, /--dry-run: exiting now/);
    });
  }

  it("blocks that do not hold are found", () => {
    const fails = (language, text) =>
      assert.throws(() => RULES[language](text, "here"), `${language}: ${text}`);
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
