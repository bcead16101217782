// The autoscale formula language of pools, seen from outside: is this text a formula, and what does it say now?
// Pure: the time, chance, the samples and the pool's numbers are arguments; nothing is stored and no pool is resized here.
import type { DeallocationOption } from "../domain/pools.ts";
import { check } from "./checker.ts";
import { type FormulaContext, type Outcome, run, wholeTarget } from "./evaluator.ts";
import { FormulaFault, positionOf } from "./messages.ts";
import { parse } from "./parser.ts";
import { resultsText, type Settled } from "./results.ts";
import type { Program } from "./syntax.ts";

export type { FormulaContext } from "./evaluator.ts";
export { type MetricName, metricNames, type Sample, type SampleSource } from "./metrics.ts";

export type FormulaError = {
  code: "AutoScalingFormulaEvaluationError" | "InsufficientSampleData";
  message: string;
  values: { name: string; value: string }[];
};

export type FormulaOutcome = {
  /** `$name=value` joined by `;`, the three writable variables first; there also when the formula failed. */
  results: string;
  error?: FormulaError;
  /** Whole numbers from 0; the pool's own targets when there is an error. */
  targetDedicatedNodes: number;
  targetLowPriorityNodes: number;
  nodeDeallocationOption: DeallocationOption;
};

export type FormulaRefusal = {
  code: "AutoScalingFormulaSyntaxError" | "AutoScalingFormulaTooLong";
  /** `Line n, Col m: ...` */
  message: string;
  line: number;
  column: number;
};

const located = (text: string, { at, message }: FormulaFault): string => {
  const { line, column } = positionOf(text, at);
  return `Line ${line}, Col ${column}: ${message}`;
};

const read = (text: string): Program | FormulaFault => {
  try {
    const program = parse(text);
    check(program);
    return program;
  } catch (error) {
    if (error instanceof FormulaFault) return error;
    throw error;
  }
};

/** Why create and enable refuse the text with 400; undefined when they accept it. Names and types count as syntax here (unverified). */
export const checkFormula = (text: string): FormulaRefusal | undefined => {
  const found = read(text);
  if (!(found instanceof FormulaFault)) return undefined;
  const tooLong = found.id === "tooLong" || found.id === "tooManyStatements";
  const code = tooLong ? "AutoScalingFormulaTooLong" : "AutoScalingFormulaSyntaxError";
  return { code, message: located(text, found), ...positionOf(text, found.at) };
};

/** The second text is documented; the first is ours (unverified). */
const errorOf = (text: string, fault: FormulaFault): FormulaError => ({
  ...(fault.id === "insufficientSamples"
    ? { code: "InsufficientSampleData", message: "Autoscale evaluation failed due to insufficient sample data" }
    : { code: "AutoScalingFormulaEvaluationError", message: "Autoscale evaluation failed due to an error in the formula" }),
  values: [{ name: "Message", value: located(text, fault) }],
});

/**
 * Evaluates once. Whatever is wrong with the formula is in `error`, never thrown: a formula that is none, or whose names or types are
 * wrong, is not begun and shows the pool's targets; one that fails on the way shows what it had assigned. (An error that the sample
 * source throws is not the formula's and goes through.)
 */
export const evaluateFormula = (text: string, context: FormulaContext): FormulaOutcome => {
  const program = read(text);
  const unchanged: Outcome = { targets: {}, deallocation: "requeue", own: new Map() };
  const outcome = program instanceof FormulaFault ? { ...unchanged, fault: program } : run(program, context);
  const settled = (from: Outcome): Settled => ({
    targetDedicatedNodes: wholeTarget(from.targets.$TargetDedicatedNodes ?? context.targetDedicatedNodes),
    targetLowPriorityNodes: wholeTarget(from.targets.$TargetLowPriorityNodes ?? context.targetLowPriorityNodes),
    nodeDeallocationOption: from.deallocation,
  });
  const results = resultsText(settled(outcome), outcome.own);
  if (outcome.fault === undefined) return { results, ...settled(outcome) };
  return { results, error: errorOf(text, outcome.fault), ...settled(unchanged) };
};
