// Operators by types, against a table written out here by hand from the documentation and our few additions to it. The checker and the
// evaluator are both asked, through whole formulas.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFormula, evaluateFormula } from "./index.ts";
import { operatorTable } from "./operators.ts";
import type { Type } from "./values.ts";

const all = ["+", "-", "*", "/"];
const compared = ["<", "<=", "==", "!=", ">", ">="];

/** What may be combined: left, right, operators, the result's type. */
const allowed: [left: Type, right: Type, operators: string[], result: Type][] = [
  ["double", "double", all, "double"],
  ["double", "double", [...compared, "&&", "||"], "double"],
  ["doubleVec", "double", all, "doubleVec"],
  ["double", "doubleVec", all, "doubleVec"],
  ["doubleVec", "doubleVec", all, "doubleVec"],
  ["double", "timeinterval", ["*"], "timeinterval"],
  ["timeinterval", "double", ["*", "/"], "timeinterval"],
  ["timeinterval", "timeinterval", ["+", "-"], "timeinterval"],
  ["timeinterval", "timestamp", ["+"], "timestamp"],
  ["timestamp", "timeinterval", ["+", "-"], "timestamp"],
  ["timestamp", "timestamp", ["-"], "timeinterval"],
  ["string", "string", compared, "double"],
  ["timestamp", "timestamp", compared, "double"],
  ["timeinterval", "timeinterval", compared, "double"],
];

/** An expression of each type, and how results show a value of it. */
const samples: Record<Type, { text: string; shown: RegExp }> = {
  double: { text: "8", shown: /^-?[\d.]+$/ },
  doubleVec: { text: "$CPUPercent.GetSample(2)", shown: /^\[-?[\d.]+,-?[\d.]+\]$/ },
  string: { text: '"a"', shown: /^a$/ },
  timestamp: { text: "time()", shown: /^\d{4}-.*Z$/ },
  timeinterval: { text: "TimeInterval_Hour", shown: /^-?PT/ },
  nodeDeallocationOption: { text: "requeue", shown: /^requeue$/ },
};

const now = Date.UTC(2026, 10, 20);

/** The result of `$r = ...` as shown, or the message of the error. */
const evaluated = (formula: string): string => {
  const { results, error } = evaluateFormula(formula, {
    now,
    targetDedicatedNodes: 0,
    targetLowPriorityNodes: 0,
    currentDedicatedNodes: 0,
    currentLowPriorityNodes: 0,
    taskSlotsPerNode: 1,
    chance: () => 0,
    samples: {
      intervalMs: 30_000,
      between: () => [
        { at: now - 30_000, value: 4 },
        { at: now, value: 2 },
      ],
    },
  });
  return error === undefined ? results.split(";$r=")[1]! : error.values[0]!.value;
};

for (const left of operatorTable.types) {
  test(`${left} with every operator and type`, () => {
    for (const right of operatorTable.types) {
      for (const operator of operatorTable.operators) {
        const expected = allowed.find(([l, r, operators]) => l === left && r === right && operators.includes(operator));
        const text = `$r = ${samples[left].text} ${operator} ${samples[right].text}`;
        const refused = `Line 1, Col ${7 + samples[left].text.length}: Operator ${operator} does not take ${left} and ${right}`;
        if (expected === undefined) assert.equal(checkFormula(text)?.message, refused, text);
        else assert.match(evaluated(text), samples[expected[3]].shown, text);
        // A branch of two types hides the operand's type from the checker, not from the evaluator.
        const hidden = `h = 1 ? ${samples[left].text} : ${left === "string" ? "1" : '"x"'}; $r = h ${operator} ${samples[right].text}`;
        if (expected !== undefined) assert.match(evaluated(hidden), samples[expected[3]].shown, hidden);
        else if (!(left === "double" && operator === "||")) assert.match(evaluated(hidden), /does not take/, hidden);
      }
    }
  });
}

const values: [formula: string, expected: string][] = [
  ["7 / 2", "3.5"],
  ["0.1 + 0.2", "0.30000000000000004"],
  ["1 / 0 > 5", "1"],
  ["$CPUPercent.GetSample(2) - 1", "[3,1]"],
  ["1 - $CPUPercent.GetSample(2)", "[-3,-1]"],
  ["$CPUPercent.GetSample(2) / $CPUPercent.GetSample(2)", "[1,1]"],
  ["2 * TimeInterval_Minute", "PT2M"],
  ["TimeInterval_Minute / 8", "PT7.5S"],
  ["TimeInterval_Minute - TimeInterval_Hour", "-PT59M"],
  ["TimeInterval_Hour + time()", "2026-11-20T01:00:00.000Z"],
  ["time() - TimeInterval_Hour", "2026-11-19T23:00:00.000Z"],
  ["time() + (-6 * TimeInterval_Hour)", "2026-11-19T18:00:00.000Z"],
  ['time() - time("2026-11-19T12:00:00Z")', "PT12H"],
  ['time("2026-11-19") < time()', "1"],
  ["TimeInterval_100ns * 10 == TimeInterval_Microsecond", "1"],
  ['"a" < "b"', "1"],
  ['"a" == "A"', "0"],
  ["!0", "1"],
  ["!0.5", "0"],
  ["!!7", "1"],
  ["-(-3)", "3"],
  ["-TimeInterval_Day", "-P1D"],
  ["3 && 0.5", "1"],
  ["0 || 0", "0"],
];

for (const [formula, expected] of values) {
  test(`${formula} is ${expected}`, () => assert.equal(evaluated(`$r = ${formula}`), expected));
}

for (const [operator, types] of [
  ["-", ["doubleVec", "string", "timestamp", "nodeDeallocationOption"]],
  ["!", ["doubleVec", "string", "timestamp", "timeinterval", "nodeDeallocationOption"]],
] as [string, Type[]][]) {
  test(`unary ${operator} refuses ${types.join(", ")}`, () => {
    for (const type of types) {
      const message = `Line 1, Col 6: Operator ${operator} does not take ${type}`;
      assert.equal(checkFormula(`$r = ${operator}${samples[type].text}`)?.message, message);
      assert.match(evaluated(`h = 1 ? ${samples[type].text} : 1; $r = ${operator}h`), new RegExp(`does not take ${type}`));
    }
  });
}
