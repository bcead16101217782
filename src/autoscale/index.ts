// The autoscale formula language of pools, seen from outside: is this text a formula, and what does it say now?
// Pure: the time, chance, the samples and the pool's numbers are arguments; nothing is stored and no pool is resized here.
import type { DeallocationOption } from "../domain/pools.ts";
import { Bug } from "../lib/bug.ts";
import type { Instant } from "../lib/clock.ts";
import type { SampleSource } from "./metrics.ts";

export { type MetricName, metricNames, type Sample, type SampleSource } from "./metrics.ts";

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
  limits?: { steps: number; bytes: number };
};

export type FormulaError = { code: string; message: string; values: { name: string; value: string }[] };

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

/** Why create and enable refuse the text with 400; undefined when they accept it. */
export const checkFormula = (text: string): FormulaRefusal | undefined => {
  throw new Bug(`the language is not here yet: ${text.length}`);
};

/** Evaluates once. Never throws: whatever is wrong with the formula is in `error`. */
export const evaluateFormula = (text: string, context: FormulaContext): FormulaOutcome => {
  throw new Bug(`the language is not here yet: ${text.length} ${context.now}`);
};
