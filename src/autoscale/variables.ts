// What a name means: service variables, constants, the words of the deallocation option, and the formula's own variables.
// Holds no values; those are the evaluator's.
import type { DeallocationOption } from "../domain/pools.ts";
import { fault } from "./messages.ts";
import { isMetric, type MetricName } from "./metrics.ts";
import type { Type } from "./values.ts";

export type TargetName = "$TargetDedicatedNodes" | "$TargetLowPriorityNodes";

export type Variable =
  | { kind: "metric"; metric: MetricName }
  | { kind: "taskSlots" }
  /** `alias` is the old name; when both are assigned the full name wins, whichever came last. */
  | { kind: "target"; target: TargetName; alias: boolean }
  | { kind: "deallocation" }
  | { kind: "interval"; ticks: number }
  | { kind: "option"; option: DeallocationOption }
  /** The formula's own. `$x` and `x` are one variable (unverified); the key has the `$`. */
  | { kind: "own"; key: string };

const ticksPerSecond = 10_000_000;

const intervals: Record<string, number> = {
  Zero: 0,
  "100ns": 1,
  Microsecond: 10,
  Millisecond: 10_000,
  Second: ticksPerSecond,
  Minute: 60 * ticksPerSecond,
  Hour: 3600 * ticksPerSecond,
  Day: 86_400 * ticksPerSecond,
  Week: 7 * 86_400 * ticksPerSecond,
  // As in every duration that the service reads (lib/duration.ts); unverified here.
  Year: 365 * 86_400 * ticksPerSecond,
};

const fixed = new Map<string, Variable>([
  ["$TaskSlotsPerNode", { kind: "taskSlots" }],
  ["$TargetDedicatedNodes", { kind: "target", target: "$TargetDedicatedNodes", alias: false }],
  ["$TargetDedicated", { kind: "target", target: "$TargetDedicatedNodes", alias: true }],
  ["$TargetLowPriorityNodes", { kind: "target", target: "$TargetLowPriorityNodes", alias: false }],
  ["$TargetLowPriority", { kind: "target", target: "$TargetLowPriorityNodes", alias: true }],
  ["$NodeDeallocationOption", { kind: "deallocation" }],
  // The name before 2017, which formulas of that age still carry.
  ["$CurrentDedicated", { kind: "metric", metric: "$CurrentDedicatedNodes" }],
  ...(["requeue", "terminate", "taskcompletion", "retaineddata"] as const).map((option): [string, Variable] => [
    option,
    { kind: "option", option },
  ]),
  ...Object.entries(intervals).map(([name, ticks]): [string, Variable] => [`TimeInterval_${name}`, { kind: "interval", ticks }]),
]);

/** What the name stands for. Names are case-sensitive (unverified). A service variable without its `$` is a fault, not a new variable. */
export const variableOf = (name: string, at: number): Variable => {
  if (isMetric(name)) return { kind: "metric", metric: name };
  const known = fixed.get(name);
  if (known !== undefined) return known;
  const key = name.startsWith("$") ? name : `$${name}`;
  if (key !== name && (isMetric(key) || fixed.has(key))) throw fault(at, "needsDollar", { name: key });
  return { kind: "own", key };
};

/** Throws when a value of this type cannot be assigned to the variable; an undefined type is known only to the evaluation. */
export const requireAssignable = (variable: Variable, name: string, given: Type | undefined, at: number): void => {
  if (variable.kind === "own") return;
  if (variable.kind !== "target" && variable.kind !== "deallocation") throw fault(at, "readOnly", { name });
  const wanted = variable.kind === "target" ? "double" : "nodeDeallocationOption";
  if (given !== undefined && given !== wanted) throw fault(at, "wrongAssignment", { name, wanted, given });
};
