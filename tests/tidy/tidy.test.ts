// The rules of the tree that a machine can check: import direction, calls that have one home, file headers, sizes.
// A failure names the file and what to do; the rule itself is explained in CONTRIBUTING.md.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");
const sources = globSync("src/**/*.ts", { cwd: root }).map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
const product = sources.filter(({ file }) => !file.endsWith(".test.ts") && !file.endsWith(".contract.ts"));

/** What each room under src may import; every room may import itself and api. */
const allowed: Record<string, readonly string[]> = {
  api: ["lib"],
  lib: [],
  wire: ["lib"],
  domain: ["lib"],
  auth: ["lib", "domain"],
  identity: ["lib", "domain", "auth"],
  storage: ["lib", "domain"],
  store: ["lib", "domain"],
  images: ["lib", "domain"],
  providers: ["lib", "domain", "node-management", "storage"],
  "node-management": ["lib", "domain"],
  autoscale: ["lib", "domain"],
  templates: ["lib", "domain"],
  scheduler: ["lib", "domain", "store", "providers", "node-management", "storage", "autoscale", "images"],
  operations: [
    ...["lib", "wire", "domain", "auth", "store", "storage", "scheduler", "providers", "node-management", "autoscale", "images"],
    "templates",
  ],
  http: ["lib", "wire", "domain", "auth", "identity", "store", "storage", "operations", "node-management", "scheduler"],
  agent: ["lib", "storage"],
  cli: ["lib"],
};
const room = (file: string): string => (file.split("/").length > 2 ? file.split("/")[1]! : "main");

test("imports point down", () => {
  const wrong = product.flatMap(({ file, text }) => {
    const from = room(file);
    // Whoever constructs things knows them all.
    if (from === "main" || from === "compose") return [];
    return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].flatMap(([, specifier]) => {
      const target = normalize(join(dirname(file), specifier!));
      const to = room(target);
      const fine = to === from || to === "api" || (allowed[from] ?? []).includes(to);
      const agentReach = from === "agent" && to === "api" && !target.startsWith("src/api/agent/");
      return fine && !agentReach ? [] : [`${file} imports ${target}: ${from} may not know ${agentReach ? "the public api" : to}`];
    });
  });
  assert.deepEqual(wrong, []);
});

/** Calls with one home: elsewhere the value is passed in, so that tests own time and chance. */
const banned: { what: RegExp; homes: readonly string[]; instead: string }[] = [
  { what: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/, homes: ["src/lib/clock.ts"], instead: "take a Clock" },
  { what: /\bset(Timeout|Interval)\(|timers\/promises/, homes: ["src/lib/clock.ts"], instead: "take a Clock and use after()" },
  { what: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, homes: ["src/lib/ids.ts"], instead: "take Ids" },
  { what: /\bprocess\.env\b/, homes: ["src/main.ts", "src/cli/"], instead: "take the value as an argument" },
  { what: /\bconsole\.(log|error|warn|info)\(/, homes: ["src/main.ts", "src/cli/"], instead: "take a Log" },
];

for (const { what, homes, instead } of banned) {
  test(`${what.source} stays at home`, () => {
    const wrong = product
      .filter(({ file }) => !homes.some((home) => file.startsWith(home)))
      .flatMap(({ file, text }) =>
        text
          .split("\n")
          .flatMap((line, index) => (what.test(line.replace(/(^|\s)\/\/.*|^\s*\*.*/, "")) ? [`${file}:${index + 1}: ${instead}`] : [])),
      );
    assert.deepEqual(wrong, []);
  });
}

test("every file opens with what it is for", () => {
  const wrong = sources.filter(({ text }) => !/^(#!.*\n)?(\/\/ \S|\/\*\*)/.test(text)).map(({ file }) => file);
  assert.deepEqual(wrong, []);
});

test("files stay small enough to hold in mind", () => {
  const wrong = product.map(({ file, text }) => ({ file, lines: text.split("\n").length })).filter(({ lines }) => lines > 420);
  assert.deepEqual(wrong, []);
});

test("nothing unfinished is left in the tree", () => {
  const marks = new RegExp(["TO" + "DO", "FIX" + "ME", "X" + "XX"].map((mark) => `\\b${mark}\\b`).join("|"));
  const files = globSync(["src/**/*.{ts,c}", "tests/**/*.ts", "demo/**/*.ts", "bench/**/*.ts", "tools/**/*.ts"], { cwd: root });
  assert.deepEqual(
    files.filter((file) => marks.test(readFileSync(join(root, file), "utf8"))),
    [],
  );
});
