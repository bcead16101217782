// Evaluates a checked formula, statement by statement, within limits on steps and memory. What the variables hold in the end is for
// results.ts to write and for the caller to apply.
import type { DeallocationOption } from "../domain/pools.ts";
import type { Instant } from "../lib/clock.ts";
import { type FormulaFunction, functions, Stopped } from "./functions.ts";
import { FormulaFault, fault } from "./messages.ts";
import type { MetricName, Sample, SampleSource } from "./metrics.ts";
import { applyUnary, binaryRule } from "./operators.ts";
import { sampleMethods } from "./samples.ts";
import { callResults, type Signature, shownSignatures, shownTypes } from "./signatures.ts";
import { type Binary, type Expression, leftSpine, type Method, type Program } from "./syntax.ts";
import { double, timestampMembers, truth, type Value } from "./values.ts";
import { requireAssignable, type TargetName, type Variable, variableOf } from "./variables.ts";

export type FormulaContext = {
  now: Instant;
  /** The pool's targets before this evaluation: what the target variables hold until they are assigned. */
  targetDedicatedNodes: number;
  targetLowPriorityNodes: number;
  currentDedicatedNodes: number;
  currentLowPriorityNodes: number;
  taskSlotsPerNode: number;
  samples: SampleSource;
  /** What `rand()` gives: from 0 to 1. */
  chance: () => number;
  /** Ours, unless given: see `defaultLimits`. */
  limits?: { steps: number; bytes: number };
};

/**
 * Far above what 8192 characters need with a day of samples of every metric, and a few milliseconds of work. Every element of a vector
 * that is made or looked at is one step and eight bytes; nothing is given back.
 */
export const defaultLimits = { steps: 1_000_000, bytes: 8 * 1024 * 1024 };

/** What the variables hold. A target that was not assigned is absent and stays as it was. */
export type Outcome = {
  targets: Partial<Record<TargetName, number>>;
  deallocation: DeallocationOption;
  own: ReadonlyMap<string, Value>;
  fault?: FormulaFault;
};

type Run = {
  context: FormulaContext;
  limits: { steps: number; bytes: number };
  steps: number;
  bytes: number;
  own: Map<string, Value>;
  full: Partial<Record<TargetName, number>>;
  alias: Partial<Record<TargetName, number>>;
  deallocation: DeallocationOption;
  /** Samples already asked for: a formula names a metric many times. */
  histories: Map<MetricName, readonly Sample[]>;
};

const charge = (run: Run, at: number, values: readonly Value[]): void => {
  const elements = values.reduce((sum, value) => sum + (value.type === "doubleVec" ? value.value.length : 0), 0);
  run.steps += 1 + elements;
  run.bytes += 8 * elements;
  if (run.steps > run.limits.steps) throw fault(at, "tooManySteps", { limit: run.limits.steps });
  if (run.bytes > run.limits.bytes) throw fault(at, "tooMuchMemory", { limit: run.limits.bytes });
};

const historyOf = (run: Run, metric: MetricName): readonly Sample[] => {
  const known = run.histories.get(metric);
  if (known !== undefined) return known;
  const history = run.context.samples.between(metric, 0, run.context.now);
  run.histories.set(metric, history);
  return history;
};

/** A metric as a number: how many nodes there are now, or the latest sample. */
const currentValue = (run: Run, metric: MetricName, at: number): number => {
  if (metric === "$CurrentDedicatedNodes") return run.context.currentDedicatedNodes;
  if (metric === "$CurrentLowPriorityNodes") return run.context.currentLowPriorityNodes;
  const latest = historyOf(run, metric).at(-1);
  if (latest === undefined) throw fault(at, "insufficientSamples", { metric, wanted: 100, received: 0 });
  return latest.value;
};

const targetValue = ({ full, alias, context }: Run, target: TargetName): number =>
  full[target] ?? alias[target] ?? (target === "$TargetDedicatedNodes" ? context.targetDedicatedNodes : context.targetLowPriorityNodes);

const nameValue = (run: Run, name: string, at: number): Value => {
  const variable = variableOf(name, at);
  switch (variable.kind) {
    case "metric":
      return double(currentValue(run, variable.metric, at));
    case "taskSlots":
      return double(run.context.taskSlotsPerNode);
    case "target":
      return double(targetValue(run, variable.target));
    case "deallocation":
      return { type: "nodeDeallocationOption", value: run.deallocation };
    case "option":
      return { type: "nodeDeallocationOption", value: variable.option };
    case "interval":
      return { type: "timeinterval", value: variable.ticks };
    case "own": {
      const value = run.own.get(variable.key);
      if (value === undefined) throw fault(at, "undefinedSymbol", { name });
      return value;
    }
  }
};

/** Along the left side without calling itself. `&&` and `||` leave out what no longer matters (unverified), as `?:` must. */
const binaryValue = (run: Run, expression: Binary): Value => {
  const { first, rest } = leftSpine(expression);
  return rest.reduce(
    (left, { at, operator, right }) => {
      if (left.type === "double" && operator === "&&" && left.value === 0) return truth(false);
      if (left.type === "double" && operator === "||" && left.value !== 0) return truth(true);
      const rightValue = evaluate(run, right);
      const rule = binaryRule(left.type, operator, rightValue.type);
      if (rule === undefined) throw fault(at, "wrongOperands", { operator, left: left.type, right: rightValue.type });
      charge(run, at, [left, rightValue]);
      return rule.apply(left, rightValue, at);
    },
    evaluate(run, first),
  );
};

const argumentValues = (run: Run, name: string, at: number, signatures: readonly Signature[], args: readonly Expression[]): Value[] => {
  const values = args.map((arg) => evaluate(run, arg));
  const types = values.map(({ type }) => type);
  if (callResults(signatures, types).size === 0) {
    throw fault(at, "wrongArguments", { name, wanted: shownSignatures(signatures), given: shownTypes(types) });
  }
  charge(run, at, values);
  return values;
};

const callValue = (run: Run, called: FormulaFunction, name: string, at: number, args: readonly Expression[]): Value => {
  const { now, chance } = run.context;
  return called.apply(argumentValues(run, name, at, called.signatures, args), { name, at, now, chance });
};

const methodValue = (run: Run, { at, argsAt, target, name, args }: Method): Value => {
  const variable: Variable | undefined = target.kind === "name" ? variableOf(target.name, target.at) : undefined;
  if (target.kind !== "name" || variable?.kind !== "metric") throw fault(target.at, "notSampled", { name: "The expression" });
  const method = sampleMethods.get(name);
  if (method === undefined) throw fault(at, "undefinedMethod", { name: target.name, method: name });
  const values = argumentValues(run, name, at, method.signatures, args);
  const { metric } = variable;
  const { now, samples } = run.context;
  const result = method.apply(values, { metric, history: historyOf(run, metric), intervalMs: samples.intervalMs, now, argsAt });
  charge(run, argsAt, [result]);
  return result;
};

const evaluate = (run: Run, expression: Expression): Value => {
  const { at } = expression;
  charge(run, at, []);
  switch (expression.kind) {
    case "number":
      return double(expression.value);
    case "text":
      return { type: "string", value: expression.value };
    case "name":
      return nameValue(run, expression.name, at);
    case "unary": {
      const operand = evaluate(run, expression.operand);
      const result = applyUnary(expression.operator, operand);
      if (result === undefined) throw fault(at, "wrongOperand", { operator: expression.operator, operand: operand.type });
      return result;
    }
    case "binary":
      return binaryValue(run, expression);
    case "choice": {
      const when = evaluate(run, expression.when);
      if (when.type !== "double") throw fault(at, "wrongCondition", { given: when.type });
      return evaluate(run, when.value === 0 ? expression.no : expression.yes);
    }
    case "call": {
      const called = functions.get(expression.name);
      if (called === undefined) throw fault(at, "undefinedFunction", { name: expression.name });
      return callValue(run, called, expression.name, at, expression.args);
    }
    case "member": {
      const target = evaluate(run, expression.target);
      const member = timestampMembers[expression.name];
      if (target.type !== "timestamp" || member === undefined)
        throw fault(at, "undefinedMember", { type: target.type, name: expression.name });
      return double(member(new Date(target.value)));
    }
    case "method":
      return methodValue(run, expression);
  }
};

const largestTarget = 2 ** 31 - 1;

/** Fractions are dropped, after making up for what binary fractions lose; a pool cannot have less than no nodes (both unverified). */
export const wholeTarget = (value: number): number => Math.max(0, Math.trunc(value + 1e-9));

const assign = (run: Run, name: string, value: Value, at: number): void => {
  const variable = variableOf(name, at);
  requireAssignable(variable, name, value.type, at);
  if (variable.kind === "own") run.own.set(variable.key, value);
  if (variable.kind === "deallocation" && value.type === "nodeDeallocationOption") run.deallocation = value.value;
  if (variable.kind === "target" && value.type === "double") {
    if (!(wholeTarget(value.value) <= largestTarget)) throw fault(at, "wrongTarget", { name, given: value.value });
    (variable.alias ? run.alias : run.full)[variable.target] = value.value;
  }
};

const execute = (run: Run, program: Program): FormulaFault | undefined => {
  try {
    for (const { at, name, value } of program) {
      const result = evaluate(run, value);
      if (name !== undefined) assign(run, name, result, at);
    }
  } catch (error) {
    if (error instanceof FormulaFault) return error;
    if (!(error instanceof Stopped)) throw error;
  }
  return undefined;
};

/** Runs the statements in order until the last, `stop()`, or a fault. What was assigned before a fault stays visible. */
export const run = (program: Program, context: FormulaContext): Outcome => {
  const state: Run = {
    context,
    limits: context.limits ?? defaultLimits,
    steps: 0,
    bytes: 0,
    own: new Map(),
    full: {},
    alias: {},
    deallocation: "requeue",
    histories: new Map(),
  };
  const failed = execute(state, program);
  const { alias, full, deallocation, own } = state;
  return { targets: { ...alias, ...full }, deallocation, own, ...(failed && { fault: failed }) };
};
