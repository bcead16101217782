// Every fault the language knows, where it is: "^" in a formula marks the place that the message must point to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFormula, evaluateFormula, type FormulaContext } from "./index.ts";
import { type MessageId, messages, positionOf } from "./messages.ts";

type Row = [id: MessageId, formula: string, message: string];

const vector = "v = $CPUPercent.GetSample(3); ";

/** What create and enable refuse. */
const refused: Row[] = [
  ["tooLong", `${"x=1;".repeat(50)}${" ".repeat(7992)}^ `, "The formula has 8193 characters; 8192 are allowed"],
  ["tooManyStatements", `${"x=1;".repeat(100)}^y=2`, "The formula has more than 100 statements"],
  ["tooDeep", `x = ${"(".repeat(201)}^1${")".repeat(201)}`, "The formula is nested more than 200 levels deep"],
  ["tooDeep", `x = ${"-".repeat(201)}^1`, "The formula is nested more than 200 levels deep"],
  ["tooDeep", `x = time()${".hour".repeat(200)}.^hour`, "The formula is nested more than 200 levels deep"],
  ["tooDeep", `x = ${"1?2:".repeat(200)}1?^2:3`, "The formula is nested more than 200 levels deep"],
  ["unexpectedCharacter", "x = 7 ^% 2", "Unexpected character: %"],
  ["unexpectedCharacter", "x = 1 ^& 2", "Unexpected character: &"],
  ["unexpectedCharacter", "x = ^😀", "Unexpected character: 😀"],
  ["unexpectedCharacter", "^$ = 1", "Unexpected character: $"],
  ["openText", 'x = time(^"2026', "The string is not closed"],
  ["openText", "x = time(^'2026\n')", "The string is not closed"],
  ["openComment", "x = 1; ^/* no end", "The comment is not closed"],
  ["numberTooLarge", "x = ^1e999", "The number is too large: 1e999"],
  ["unexpected", "x = ^", "Unexpected end of the formula, expected an expression"],
  ["unexpected", "x = 1 ^2", 'Unexpected 2, expected ";"'],
  ["unexpected", "x = 1\n^y = 2", 'Unexpected y, expected ";"'],
  ["unexpected", "x = 1; // ;\n\r\n  x + ^= 2", 'Unexpected "=", expected an expression'],
  ["unexpected", "x = (1 + 2^", 'Unexpected end of the formula, expected ")"'],
  ["unexpected", "x = max(1, ^)", 'Unexpected ")", expected an expression'],
  ["unexpected", "x = 1 ? 2^;", 'Unexpected ";", expected ":"'],
  ["unexpected", "x = time(). ^5;", "Unexpected 5, expected a name"],
  ["unexpected", "x = 3^abc", "Unexpected abc, expected an operator"],
  ["unexpected", 'x = 1 ^"a"', 'Unexpected a string, expected ";"'],
  ["unexpected", "(x) ^= 1", 'Unexpected "=", expected ";"'],
  ["undefinedSymbol", "^$something_useless", "Undefined symbol: $something_useless"],
  ["undefinedSymbol", "x = 1;\n y = x + ^X", "Undefined symbol: X"],
  ["undefinedSymbol", "x = ^x + 1", "Undefined symbol: x"],
  ["undefinedSymbol", "x = ^$toString", "Undefined symbol: $toString"],
  ["undefinedFunction", "x = ^Max(1, 2)", "Undefined function: Max"],
  ["undefinedFunction", "x = ^constructor()", "Undefined function: constructor"],
  ["undefinedMember", "x = time().^Hour", "Undefined member of timestamp: Hour"],
  ["undefinedMember", "x = time().^constructor", "Undefined member of timestamp: constructor"],
  ["undefinedMember", "x = $CPUPercent.^hour", "Undefined member of double: hour"],
  ["undefinedMethod", "x = $CPUPercent.^getSample(1)", "Undefined method of $CPUPercent: getSample"],
  ["notSampled", "x = ^$TargetDedicatedNodes.GetSample(1)", "$TargetDedicatedNodes has no samples"],
  ["notSampled", "x = ^$TaskSlotsPerNode.GetSample(1)", "$TaskSlotsPerNode has no samples"],
  ["notSampled", "x = ^time().GetSample(1)", "The expression has no samples"],
  ["readOnly", "^$CPUPercent = 1", "$CPUPercent cannot be assigned"],
  ["readOnly", "^$TaskSlotsPerNode = 1", "$TaskSlotsPerNode cannot be assigned"],
  ["readOnly", "^TimeInterval_Day = 1", "TimeInterval_Day cannot be assigned"],
  ["readOnly", "^requeue = 1", "requeue cannot be assigned"],
  ["needsDollar", "^TargetDedicatedNodes = 1", "The service variable is written $TargetDedicatedNodes"],
  ["needsDollar", "$x = ^CPUPercent", "The service variable is written $CPUPercent"],
  ["wrongAssignment", "^$TargetDedicatedNodes = $PendingTasks.GetSample(1)", "$TargetDedicatedNodes takes double, not doubleVec"],
  ["wrongAssignment", "^$TargetLowPriority = requeue", "$TargetLowPriority takes double, not nodeDeallocationOption"],
  ["wrongAssignment", '^$NodeDeallocationOption = "requeue"', "$NodeDeallocationOption takes nodeDeallocationOption, not string"],
  ["wrongOperands", "x = 1 ^+ requeue", "Operator + does not take double and nodeDeallocationOption"],
  ["wrongOperand", "x = 1 + ^-time()", "Operator - does not take timestamp"],
  ["wrongCondition", "x = time() ^? 1 : 2", "A condition is a double, not timestamp"],
  ["wrongArguments", "x = ^max()", "max takes (doubleVecList), not ()"],
  ["wrongArguments", "x = ^max(1, time())", "max takes (doubleVecList), not (double, timestamp)"],
  ["wrongArguments", "x = ^ln(1, 2)", "ln takes (double) or (doubleVecList), not (double, double)"],
  ["wrongArguments", "x = ^rand(1)", "rand takes (), not (double)"],
  ["wrongArguments", "x = ^time(1)", "time takes () or (string), not (double)"],
  ["wrongArguments", "x = ^val(1, 1)", "val takes (doubleVec, double), not (double, double)"],
  ["wrongArguments", "x = $CPUPercent.^Count(1)", "Count takes (), not (double)"],
  [
    "wrongArguments",
    'x = $CPUPercent.^GetSamplePercent("a")',
    "GetSamplePercent takes (timestamp|timeinterval) or (timestamp|timeinterval, timestamp|timeinterval), not (string)",
  ],
];

/** What only an evaluation finds. */
const failing: Row[] = [
  ["insufficientSamples", "x = $RunningTasks.GetSample^(1)", "Insufficient data from data set: $RunningTasks wanted 10%, received 0%"],
  [
    "insufficientSamples",
    "\n\nx = avg($CPUPercent.GetSample^(TimeInterval_Minute * 5, 70));",
    "Insufficient data from data set: $CPUPercent wanted 70%, received 30%",
  ],
  ["insufficientSamples", "x = ^$RunningTasks + 1", "Insufficient data from data set: $RunningTasks wanted 100%, received 0%"],
  [
    "insufficientSamples",
    "x = $RunningTasks.HistoryBeginTime^()",
    "Insufficient data from data set: $RunningTasks wanted 10%, received 0%",
  ],
  ["noValues", "x = ^max($RunningTasks.GetSample(TimeInterval_Hour, 0))", "max needs at least one value"],
  ["noValues", "x = ^percentile($RunningTasks.GetSample(TimeInterval_Hour, 0), 50)", "percentile needs at least one value"],
  ["unequalLengths", `${vector}x = v ^+ $CPUPercent.GetSample(2)`, "Operator + needs vectors of one length, not of 3 and 2 elements"],
  ["noElement", `${vector}x = ^val(v, 3)`, "The vector has 3 elements, none at 3"],
  ["noElement", `${vector}x = ^val(v, -1)`, "The vector has 3 elements, none at -1"],
  ["noElement", `${vector}x = ^val(v, 0/0)`, "The vector has 3 elements, none at NaN"],
  ["wrongPercentile", `${vector}x = ^percentile(v, 100.5)`, "A percentile is from 0 to 100, not 100.5"],
  ["wrongCount", "x = $CPUPercent.GetSample^(0.5)", "GetSample takes a count from 1, not 0.5"],
  ["wrongTime", 'x = ^time("tomorrow")', "Not a date and time: tomorrow"],
  ["wrongTime", 'x = ^time("2026-02-30")', "Not a date and time: 2026-02-30"],
  ["wrongTime", 'x = ^time("2026-01-01T25:00:00Z")', "Not a date and time: 2026-01-01T25:00:00Z"],
  ["wrongTime", 'x = ^time("2026-01-01T00:00:00.123456789Z")', "Not a date and time: 2026-01-01T00:00:00.123456789Z"],
  ["timeOutOfRange", "x = time() ^+ TimeInterval_Year * 8000", "The result is not a possible date and time"],
  ["timeOutOfRange", "x = $CPUPercent.GetSamplePercent^(TimeInterval_Year * 3000)", "The result is not a possible date and time"],
  ["intervalOutOfRange", "x = TimeInterval_Year ^* 1e9", "The result is too large for a time interval"],
  ["intervalOutOfRange", "x = TimeInterval_Year ^/ 0", "The result is too large for a time interval"],
  ["wrongTarget", "x = 1; ^$TargetDedicatedNodes = 0 / 0", "$TargetDedicatedNodes cannot be NaN"],
  ["wrongTarget", "x = 1; ^$TargetDedicated = 2147483648", "$TargetDedicated cannot be 2147483648"],
  // What the checker cannot see: a branch that may have another type.
  ["wrongAssignment", "^$TargetDedicatedNodes = 1 ? time() : 2", "$TargetDedicatedNodes takes double, not timestamp"],
  ["wrongCondition", 'x = (1 ? "a" : 1) ^? 1 : 2', "A condition is a double, not string"],
  ["wrongArguments", 'x = ^max(1 ? "a" : 1)', "max takes (doubleVecList), not (string)"],
  ["undefinedMember", "x = (1 ? 2 : time()).^hour", "Undefined member of double: hour"],
  ["tooManySteps", `${vector}${"v = ln(v, v);".repeat(15)}v = ^ln(v, v)`, "The evaluation needs more than 200000 steps"],
  ["tooMuchMemory", `${vector}${"v = v + 1;".repeat(5)} v = v ^+ 1`, "The evaluation needs more than 160 bytes"],
];

const now = Date.UTC(2026, 10, 20);

const context = (id: MessageId): FormulaContext => ({
  now,
  targetDedicatedNodes: 2,
  targetLowPriorityNodes: 1,
  currentDedicatedNodes: 0,
  currentLowPriorityNodes: 0,
  taskSlotsPerNode: 1,
  chance: () => 0,
  limits: id === "tooMuchMemory" ? { steps: 1000, bytes: 160 } : { steps: 200_000, bytes: 2 ** 30 },
  samples: {
    intervalMs: 30_000,
    between: (metric) => (metric === "$CPUPercent" ? [60_000, 30_000, 0].map((ago) => ({ at: now - ago, value: 1 })) : []),
  },
});

const short = (text: string): string => JSON.stringify(text.length > 70 ? `${text.slice(0, 30)}...${text.slice(-30)}` : text);

const marked = (formula: string): { text: string; line: number; column: number } => {
  const at = formula.indexOf("^");
  assert.notEqual(at, -1);
  const text = formula.replace("^", "");
  return { text, ...positionOf(text, at) };
};

for (const [id, formula, message] of refused) {
  test(`refused, ${id}: ${short(formula)}`, () => {
    const { text, line, column } = marked(formula);
    const code = id === "tooLong" || id === "tooManyStatements" ? "AutoScalingFormulaTooLong" : "AutoScalingFormulaSyntaxError";
    const located = `Line ${line}, Col ${column}: ${message}`;
    assert.deepEqual(checkFormula(text), { code, message: located, line, column });
    assert.deepEqual(evaluateFormula(text, context(id)), {
      results: "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=1;$NodeDeallocationOption=requeue",
      error: {
        code: "AutoScalingFormulaEvaluationError",
        message: "Autoscale evaluation failed due to an error in the formula",
        values: [{ name: "Message", value: located }],
      },
      targetDedicatedNodes: 2,
      targetLowPriorityNodes: 1,
      nodeDeallocationOption: "requeue",
    });
  });
}

for (const [id, formula, message] of failing) {
  test(`failing, ${id}: ${short(formula)}`, () => {
    const { text, line, column } = marked(formula);
    assert.equal(checkFormula(text), undefined);
    const prefix = "$TargetDedicatedNodes = 9; $NodeDeallocationOption = terminate; $TargetLowPriorityNodes = 8;";
    const { error, results, ...rest } = evaluateFormula(`${prefix}\r\n${text}`, context(id));
    const samples = id === "insufficientSamples";
    assert.deepEqual(error, {
      code: samples ? "InsufficientSampleData" : "AutoScalingFormulaEvaluationError",
      message: `Autoscale evaluation failed due to ${samples ? "insufficient sample data" : "an error in the formula"}`,
      values: [{ name: "Message", value: `Line ${line + 1}, Col ${column}: ${message}` }],
    });
    assert.match(results, /^\$TargetDedicatedNodes=9;\$TargetLowPriorityNodes=8;\$NodeDeallocationOption=terminate(;|$)/);
    assert.deepEqual(rest, { targetDedicatedNodes: 2, targetLowPriorityNodes: 1, nodeDeallocationOption: "requeue" });
  });
}

test("every message has a row", () => {
  const covered = new Set([...refused, ...failing].map(([id]) => id));
  assert.deepEqual(
    Object.keys(messages).filter((id) => !covered.has(id as MessageId)),
    [],
  );
});

test("lines end as they may, columns count from 1", () => {
  assert.deepEqual(positionOf("", 0), { line: 1, column: 1 });
  assert.deepEqual(positionOf("a\nb\r\nc\rd", 7), { line: 4, column: 1 });
  assert.deepEqual(positionOf("a\n\nbcd", 5), { line: 3, column: 3 });
});
