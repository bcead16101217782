// The text scenarios of scenarios/: a formula, what the pool is like, and what the evaluation says. After a change,
//   QUERN_REWRITE=1 node --test src/autoscale/scenarios.test.ts
// writes what comes out now into the files, to be reviewed as a diff.
//
// A file is a formula followed by its cases. A case is its name after "---", then lines of "key: value", then what was expected after "=>".
//   now       ISO time; 2026-11-20T10:00:00Z (a Friday) unless given
//   targets   dedicated and low-priority nodes that the pool wants (0 0)      current   how many it has (0 0)
//   slots     task slots per node (1)      interval  seconds between samples (30)      chance  what rand() gives (0.5)
//   $Metric   samples, oldest first, the last of them now; "-" is a missing one, "5*20" is twenty times 5
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import type { Instant } from "../lib/clock.ts";
import { checkFormula, evaluateFormula, type FormulaContext, type MetricName, metricNames, type Sample } from "./index.ts";

type Case = { name: string; settings: Map<string, string>; given: string; expected: string };

const samplesOf = (text: string, now: Instant, intervalMs: number): Sample[] => {
  const values = text
    .trim()
    .split(/\s+/)
    .flatMap((item) => {
      const [value, times] = item.split("*");
      return Array<string>(Number(times ?? 1)).fill(value!);
    });
  return values.flatMap((value, index) =>
    value === "-" ? [] : [{ at: now - (values.length - 1 - index) * intervalMs, value: Number(value) }],
  );
};

const contextOf = (settings: Map<string, string>): FormulaContext => {
  const pair = (key: string): [number, number] => (settings.get(key) ?? "0 0").split(" ").map(Number) as [number, number];
  const now = Date.parse(settings.get("now") ?? "2026-11-20T10:00:00Z");
  const intervalMs = Number(settings.get("interval") ?? 30) * 1000;
  const histories = new Map<string, Sample[]>();
  for (const [key, value] of settings) {
    if (key.startsWith("$")) assert.ok(metricNames.includes(key as MetricName), key);
    if (key.startsWith("$")) histories.set(key, samplesOf(value, now, intervalMs));
  }
  return {
    now,
    targetDedicatedNodes: pair("targets")[0],
    targetLowPriorityNodes: pair("targets")[1],
    currentDedicatedNodes: pair("current")[0],
    currentLowPriorityNodes: pair("current")[1],
    taskSlotsPerNode: Number(settings.get("slots") ?? 1),
    chance: () => Number(settings.get("chance") ?? 0.5),
    samples: { intervalMs, between: (metric, from, to) => (histories.get(metric) ?? []).filter(({ at }) => at >= from && at <= to) },
  };
};

const seen = (formula: string, settings: Map<string, string>): string => {
  const outcome = evaluateFormula(formula, contextOf(settings));
  const refused = checkFormula(formula);
  return [
    `results: ${outcome.results}`,
    `pool: ${outcome.targetDedicatedNodes} dedicated, ${outcome.targetLowPriorityNodes} low-priority, ${outcome.nodeDeallocationOption}`,
    ...(outcome.error === undefined ? [] : [`error: ${outcome.error.code}: ${outcome.error.values.map(({ value }) => value).join(", ")}`]),
    ...(refused === undefined ? [] : [`refused: ${refused.code}: ${refused.message}`]),
    "",
  ].join("\n");
};

const read = (text: string): { formula: string; cases: Case[] } => {
  const [formula, ...parts] = text.split(/^(?=--- )/m);
  const cases = parts.map((part): Case => {
    const [given, expected] = part.split(/^=>\n/m);
    const [name, ...lines] = given!.trimEnd().split("\n");
    const settings = new Map(
      lines.map((line) => {
        const [, key, value] = /^(\S+): (.*)$/.exec(line) ?? assert.fail(`not a setting: ${line}`);
        return [key!, value!];
      }),
    );
    return { name: name!.slice(4), settings, given: given!, expected: (expected ?? "").trimEnd() };
  });
  return { formula: formula!.trimEnd(), cases };
};

const files = globSync("scenarios/*.txt", { cwd: import.meta.dirname }).sort();

test("there are scenarios", () => assert.ok(files.length >= 8));

for (const file of files) {
  const path = join(import.meta.dirname, file);
  const { formula, cases } = read(readFileSync(path, "utf8"));
  if (process.env.QUERN_REWRITE !== undefined) {
    writeFileSync(
      path,
      `${formula}\n\n${cases.map(({ given, settings }) => `${given.trimEnd()}\n=>\n${seen(formula, settings)}`).join("\n")}`,
    );
    continue;
  }
  test(`${basename(file, ".txt")}: has a case`, () => assert.ok(cases.length > 0));
  for (const { name, settings, expected } of cases) {
    test(`${basename(file, ".txt")}: ${name}`, () => assert.equal(seen(formula, settings).trimEnd(), expected));
  }
}
