// `npm test`: the type check, the lint, then every *.test.ts, each file in a process of its own. Ends with one line of totals.
// Arguments are parts of file names: `npm test -- tasks` runs the test files whose path contains "tasks".
// With QUERN_REQUIRE_ALL=1 a skipped test counts as failed, unless it needs what no package brings: CI installs everything else.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { summariseAnswers } from "./support/answer-log.ts";
import { coverageProblems } from "./support/coverage.ts";
import { machineLacks } from "./support/require.ts";
import { sharedFolder } from "./support/shared.ts";

const root = resolve(import.meta.dirname, "..");
const wanted = process.argv.slice(2);
const requireAll = process.env.QUERN_REQUIRE_ALL === "1";
const totals = { passed: 0, failed: 0, skipped: [] as string[] };

const step = (name: string, command: string, args: string[]): void => {
  const result = spawnSync(join(root, "node_modules/.bin", command), args, { cwd: root, stdio: "inherit" });
  if (result.status === 0) totals.passed++;
  else totals.failed++;
  console.log(`${result.status === 0 ? "✔" : "✖"} ${name}`);
};

const testFiles = (): string[] =>
  globSync(["src/**/*.test.ts", "tests/**/*.test.ts"], { cwd: root })
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    // The longest first, so that the last minutes are not one file alone.
    .sort((a, b) => Number(b.startsWith("tests/")) - Number(a.startsWith("tests/")) || a.localeCompare(b))
    .map((file) => join(root, file));

/** Whether the file, or anything of ours that it imports, reads the upstream documents. */
const readsShared = (file: string, seen = new Set<string>()): boolean => {
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  if (file.endsWith("tests/support/shared.ts")) return true;
  const imports = [...readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g)].map(([, path]) => resolve(dirname(file), path!));
  return imports.some((path) => path.includes("/tests/") && readsShared(path, seen));
};

/** The upstream documents lie beside the project, not in it: a clone alone passes its tests without them, and says so. */
const withShared = (files: string[]): string[] => {
  if (existsSync(sharedFolder())) return files;
  const without = files.filter((file) => readsShared(file));
  console.log(
    `The upstream API documents are not at ${sharedFolder()}: ${without.length} test files that compare with them are skipped. QUERN_SHARED may name the place.`,
  );
  totals.skipped.push(...without.map((file) => `${relative(root, file)}: the upstream API documents are not at ${sharedFolder()}`));
  return files.filter((file) => !without.includes(file));
};

const runTests = async (files: string[]): Promise<void> => {
  const stream = run({ files, concurrency: Math.max(1, Math.min(2, availableParallelism())), timeout: 300_000 });
  const isLeaf = (data: { details: { type?: string } }): boolean => data.details.type !== "suite";
  stream.on("test:pass", (data) => {
    if (!isLeaf(data) || data.name.endsWith(".test.ts")) return;
    if (data.skip !== undefined && data.skip !== false) totals.skipped.push(`${data.name}: ${data.skip}`);
    else totals.passed++;
  });
  stream.on("test:fail", (data) => {
    if (isLeaf(data)) totals.failed++;
  });
  await new Promise((done) => stream.compose(spec).on("end", done).pipe(process.stdout));
};

const answers = join(root, "tests/output/answers");
rmSync(answers, { recursive: true, force: true });
mkdirSync(answers, { recursive: true });
process.env.QUERN_ANSWER_LOG = answers;

if (wanted.length === 0) {
  step("types", "tsc", ["--noEmit"]);
  step("lint and format", "biome", ["check"]);
}
await runTests(withShared(testFiles()));
if (wanted.length === 0) {
  const complete = totals.skipped.length === 0;
  const coverage = existsSync(sharedFolder()) ? coverageProblems(answers, root, complete) : [];
  const problems = [...summariseAnswers(answers, root, complete), ...coverage];
  for (const problem of problems) console.log(`✖ ${problem}`);
  if (problems.length > 0) totals.failed++;
  else totals.passed++;
}

for (const skipped of totals.skipped) console.log(`skipped ${skipped}`);
const installable = totals.skipped.filter((skipped) => !skipped.includes(`: ${machineLacks}: `));
if (requireAll) {
  if (installable.length > 0) console.log(`QUERN_REQUIRE_ALL=1: ${installable.length} skipped tests count as failed`);
  totals.failed += installable.length;
  totals.skipped = [];
}
const skips = totals.skipped.length > 0 ? `, ${totals.skipped.length} skipped` : "";
console.log(`${totals.passed} passed, ${totals.failed} failed${skips}`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
