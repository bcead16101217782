// Properties of the whole language: what is printed is parsed back the same, no text makes it throw or take long, and what the checker
// accepts fails only for reasons that a checker cannot know.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkFormula, evaluateFormula, type FormulaContext, metricNames } from "./index.ts";
import { formulaLimits, parse } from "./parser.ts";
import { longestResults } from "./results.ts";
import { scan } from "./scanner.ts";
import { binaryOperators, type Expression, type Program } from "./syntax.ts";

const now = Date.UTC(2026, 10, 20);

/** A day of samples of every metric. */
const day = Array.from({ length: 2880 }, (_, index) => ({ at: now - (2879 - index) * 30_000, value: (index * 7919) % 101 }));

const context: FormulaContext = {
  now,
  targetDedicatedNodes: 2,
  targetLowPriorityNodes: 1,
  currentDedicatedNodes: 2,
  currentLowPriorityNodes: 1,
  taskSlotsPerNode: 4,
  chance: () => 0.5,
  samples: { intervalMs: 30_000, between: (_, from, to) => day.filter(({ at }) => at >= from && at <= to) },
};

// --- printing, as a reader would write it: parentheses only where the precedence needs them

const binding: Record<string, number> = Object.fromEntries(
  [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/"]].flatMap((operators, index) =>
    operators.map((operator) => [operator, index + 1]),
  ),
);
const choiceBinds = 0;
const signBinds = 7;
const memberBinds = 8;

const bindsOf = (expression: Expression): number => {
  if (expression.kind === "choice") return choiceBinds;
  if (expression.kind === "binary") return binding[expression.operator]!;
  return expression.kind === "unary" ? signBinds : memberBinds;
};

const print = (expression: Expression, least: number): string => {
  const text = printed(expression);
  return bindsOf(expression) < least ? `(${text})` : text;
};

const printedArguments = (args: readonly Expression[]): string => `(${args.map((arg) => print(arg, choiceBinds)).join(", ")})`;

const printed = (expression: Expression): string => {
  switch (expression.kind) {
    case "number":
      return String(expression.value);
    case "text":
      return expression.value.includes('"') ? `'${expression.value}'` : `"${expression.value}"`;
    case "name":
      return expression.name;
    case "unary":
      return `${expression.operator}${print(expression.operand, signBinds)}`;
    case "binary": {
      const binds = binding[expression.operator]!;
      return `${print(expression.left, binds)} ${expression.operator} ${print(expression.right, binds + 1)}`;
    }
    case "choice":
      return `${print(expression.when, 1)} ? ${printed(expression.yes)} : ${printed(expression.no)}`;
    case "call":
      return `${expression.name}${printedArguments(expression.args)}`;
    case "member":
      return `${target(expression.target)}.${expression.name}`;
    case "method":
      return `${target(expression.target)}.${expression.name}${printedArguments(expression.args)}`;
  }
};

/** A number before a point would read as one with a fraction. */
const target = (expression: Expression): string =>
  expression.kind === "number" ? `(${printed(expression)})` : print(expression, memberBinds);

const printProgram = (program: Program): string =>
  program.map(({ name, value }) => `${name === undefined ? "" : `${name} = `}${printed(value)};`).join("\n");

const placeless = (program: Program): unknown =>
  JSON.parse(JSON.stringify(program, (key, value) => (/^(at|argsAt)$/.test(key) ? undefined : value)));

// --- arbitrary formulas

const at = fc.constant(0);
const name = fc.stringMatching(/^\$?[A-Za-z_][A-Za-z0-9_]{0,6}$/);
const numeral = fc.oneof(fc.nat(1000), fc.double({ min: 0, max: 1e300, noNaN: true })).map((value) => (value === 0 ? 0 : value));
const quoted = fc.oneof(fc.stringMatching(/^[ -!#-~]{0,8}$/), fc.stringMatching(/^[ -&(-~]{0,8}$/));

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ kind: fc.constant("number" as const), at, value: numeral }),
    fc.record({ kind: fc.constant("name" as const), at, name }),
    fc.record({ kind: fc.constant("text" as const), at, value: quoted }),
    fc.record({
      kind: fc.constant("unary" as const),
      at,
      operator: fc.constantFrom("-" as const, "!" as const),
      operand: tie("expression"),
    }),
    fc.record({
      kind: fc.constant("binary" as const),
      at,
      operator: fc.constantFrom(...binaryOperators),
      left: tie("expression"),
      right: tie("expression"),
    }),
    fc.record({ kind: fc.constant("choice" as const), at, when: tie("expression"), yes: tie("expression"), no: tie("expression") }),
    fc.record({ kind: fc.constant("call" as const), at, name, args: fc.array(tie("expression"), { maxLength: 3 }) }),
    fc.record({ kind: fc.constant("member" as const), at, target: tie("expression"), name }),
    fc.record({
      kind: fc.constant("method" as const),
      at,
      argsAt: at,
      target: tie("expression"),
      name,
      args: fc.array(tie("expression"), { maxLength: 3 }),
    }),
  ),
}));

const program = fc.array(fc.record({ at, name: fc.option(name, { nil: undefined }), value: expression }), { maxLength: 5 });

test("what is printed is parsed back the same", () => {
  fc.assert(
    fc.property(program, (given) => {
      const text = printProgram(given as Program);
      fc.pre(text.length <= formulaLimits.characters);
      assert.deepEqual(placeless(parse(text)), placeless(given as Program));
    }),
    { seed: 20261120, numRuns: 500 },
  );
});

test("blanks and comments between words change nothing", () => {
  const blank = fc.constantFrom(" ", "\n", "\r\n", "\t", "// ; = (\n", "/* ; */", "/**/", " // x\r ");
  fc.assert(
    fc.property(program, fc.array(blank, { minLength: 1, maxLength: 8 }), (given, blanks) => {
      const text = printProgram(given as Program);
      const words = scan(text).map(({ at: from }, index, all) => text.slice(from, all[index + 1]?.at).trim());
      // A comment right after a division would be another word.
      const spaced = words.map((word, index) => `${word} ${blanks[index % blanks.length]}`).join("");
      fc.pre(spaced.length <= formulaLimits.characters);
      assert.deepEqual(placeless(parse(spaced)), placeless(parse(text)));
    }),
    { seed: 20261120, numRuns: 200 },
  );
});

// --- hostile and accidental text

const writables = /^\$TargetDedicatedNodes=\d+;\$TargetLowPriorityNodes=\d+;\$NodeDeallocationOption=[a-z]+(;|$)/;

const survives = (text: string): void => {
  const refused = checkFormula(text);
  const outcome = evaluateFormula(text, context);
  assert.match(outcome.results, writables);
  assert.ok(outcome.results.length <= longestResults);
  assert.ok(!outcome.results.endsWith(";"));
  for (const nodes of [outcome.targetDedicatedNodes, outcome.targetLowPriorityNodes]) assert.ok(Number.isInteger(nodes) && nodes >= 0);
  if (refused !== undefined) assert.equal(outcome.error?.values[0]?.value, refused.message);
  if (outcome.error !== undefined) {
    assert.match(outcome.error.values[0]!.value, /^Line \d+, Col \d+: /);
    assert.deepEqual([outcome.targetDedicatedNodes, outcome.targetLowPriorityNodes, outcome.nodeDeallocationOption], [2, 1, "requeue"]);
  }
  // Names are the checker's alone; with the types it knows the evaluation has nothing to add.
  if (refused === undefined)
    assert.doesNotMatch(outcome.error?.values[0]?.value ?? "", /Undefined (symbol|function|method)|has no samples|cannot be assigned/);
};

test("any text is answered", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), survives), { seed: 20261120, numRuns: 500 });
});

const words = [
  ...binaryOperators,
  ..."=;;;(),.?:!-",
  ...metricNames.slice(0, 3),
  ...[
    "GetSample",
    "GetSamplePercent",
    "Count",
    "HistoryBeginTime",
    "TimeInterval_Minute",
    "time()",
    ".hour",
    "max(",
    "ln(",
    "val(",
    "stop()",
  ],
  ...["x", "$y", "x = ", "$TargetDedicatedNodes = ", "$NodeDeallocationOption = ", "requeue", "1", "0.5", "1e300", '"2026-01-01"', "'a'"],
  ...["$CPUPercent.GetSample(", "\n", "// ", "/*", "*/", "é", "\u0000"],
];

test("any sequence of words is answered", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 40 }), (list) => survives(list.join(" "))),
    {
      seed: 20261120,
      numRuns: 2000,
    },
  );
});

// Formulas that are right more often than not.
const number: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? fc.constantFrom("1", "2.5", "$n", "m", "$CPUPercent", "$TargetDedicatedNodes", "$TaskSlotsPerNode", "rand()")
    : fc.oneof(
        fc.tuple(number(depth - 1), fc.constantFrom(...binaryOperators), number(depth - 1)).map(([l, o, r]) => `(${l} ${o} ${r})`),
        fc.tuple(number(depth - 1), number(depth - 1), number(depth - 1)).map(([c, y, n]) => `(${c} ? ${y} : ${n})`),
        fc
          .tuple(fc.constantFrom("avg", "max", "std", "len", "range", "norm"), list(depth - 1), number(depth - 1))
          .map(([f, v, n]) => `${f}(${v}, ${n})`),
        fc.tuple(list(depth - 1), number(depth - 1)).map(([v, n]) => `val(${v}, ${n})`),
        fc.tuple(list(depth - 1), number(depth - 1)).map(([v, n]) => `percentile(${v}, ${n})`),
        span(depth - 1).map((s) => `$RunningTasks.GetSamplePercent(${s})`),
        fc.tuple(span(depth - 1), fc.constantFrom("hour", "weekday", "year")).map(([s, part]) => `(time() + ${s}).${part}`),
      ),
);
const list: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? fc.constantFrom("v", "$PendingTasks.GetSample(3)")
    : fc.oneof(
        fc.tuple(list(depth - 1), fc.constantFrom("+", "-", "*", "/"), number(depth - 1)).map(([v, o, n]) => `(${v} ${o} ${n})`),
        fc.tuple(list(depth - 1), fc.constantFrom("+", "/"), list(depth - 1)).map(([l, o, r]) => `(${l} ${o} ${r})`),
        fc.tuple(list(depth - 1), list(depth - 1)).map(([l, r]) => `ln(${l}, ${r})`),
        fc.tuple(span(depth - 1), number(depth - 1)).map(([s, n]) => `$RunningTasks.GetSample(${s}, ${n})`),
      ),
);
const span: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? fc.constantFrom("TimeInterval_Hour", "TimeInterval_Zero", "s")
    : fc.oneof(
        fc.tuple(span(depth - 1), number(depth - 1)).map(([s, n]) => `(${s} * ${n})`),
        fc.tuple(span(depth - 1), fc.constantFrom("+", "-"), span(depth - 1)).map(([l, o, r]) => `(${l} ${o} ${r})`),
        span(depth - 1).map((s) => `-${s}`),
      ),
);

test("a formula of right types is accepted, and fails only by its values", () => {
  const formula = fc
    .tuple(number(3), list(3), span(3), number(4))
    .map(
      ([n, v, s, t]) => `$n=3; m=-1; v=$CPUPercent.GetSample(4); s=TimeInterval_Day; $n=${n}; v=${v}; s=${s};\n$TargetDedicatedNodes=${t}`,
    );
  fc.assert(
    fc.property(formula, (text) => {
      assert.equal(checkFormula(text), undefined);
      survives(text);
      assert.doesNotMatch(evaluateFormula(text, context).error?.values[0]?.value ?? "", /does not take|takes|A condition|Undefined/);
    }),
    { seed: 20261120, numRuns: 500 },
  );
});

const full = (text: string, end = ""): string => text.repeat(Math.floor((formulaLimits.characters - end.length) / text.length)) + end;

const hostile: [name: string, text: string][] = [
  ["parentheses", full("(")],
  ["signs", full("-", "1")],
  ["a sum as long as possible", `x=${"1+".repeat(4090)}1`],
  ["a long && chain", full("1&&", "1")],
  ["branches", full("1?1:", "1")],
  ["conditions", full("1?")],
  ["calls in calls", full("max(")],
  ["members", `x=time()${".hour".repeat(1600)}`],
  ["arguments", `x=max(${"1,".repeat(4000)}1)`],
  ["open comments", full("/* ")],
  ["closed comments", full("/**/")],
  ["open strings", full("'")],
  ["blanks", full(" \n")],
  ["points", full("1.")],
  ["digits", full("9")],
  ["empty statements", full(";")],
  ["a vector that doubles", `v=$CPUPercent.GetSample(2880);${"v=ln(v,v);".repeat(99)}`],
  ["a day of samples again and again", `x=sum(${"$CPUPercent.GetSample(9999),".repeat(280)}1)`],
  ["percentiles of them", "v=$CPUPercent.GetSample(2880);x=percentile(v,50)".concat("+percentile(v,50)".repeat(400))],
  ["many windows", `x=${"$CPUPercent.GetSamplePercent(TimeInterval_Day)+".repeat(170)}1`],
  [
    "results as long as can be",
    "v=$CPUPercent.GetSample(2880)/7;".concat(Array.from({ length: 99 }, (_, index) => `v${index}=v;`).join("")),
  ],
];

for (const [what, text] of hostile) {
  test(`hostile: ${what}`, () => {
    assert.ok(text.length <= formulaLimits.characters, String(text.length));
    const start = process.hrtime.bigint();
    survives(text);
    // Milliseconds when the machine is quiet; the bound only tells "ends" from "does not".
    assert.ok(process.hrtime.bigint() - start < 5_000_000_000n);
  });
}

test("a sum of thousands of terms is evaluated", () => {
  assert.match(evaluateFormula(`x=${"1+".repeat(4000)}1`, context).results, /;\$x=4001$/);
});

test("a deep formula is evaluated on what is left of a stack", () => {
  const deep = `x=${"(1+".repeat(formulaLimits.depth)}1${")".repeat(formulaLimits.depth)}`;
  const below = (frames: number): string => (frames === 0 ? evaluateFormula(deep, context).results : below(frames - 1));
  assert.match(below(2000), /;\$x=201$/);
});

test("results that would be too long end before the first variable that does not fit", () => {
  const { results } = evaluateFormula("b=2;$v=$CPUPercent.GetSample(2880)/7;w=$v;a=1;", context);
  assert.match(results, /;\$a=1;\$b=2;\$v=\[/);
  assert.doesNotMatch(results, /\$w=/);
});
