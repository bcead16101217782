// The `results` text of an evaluation. The three writable variables come first and are always there; the formula's own follow by name.
import type { DeallocationOption } from "../domain/pools.ts";
import { shownValue, type Value } from "./values.ts";

export type Settled = { targetDedicatedNodes: number; targetLowPriorityNodes: number; nodeDeallocationOption: DeallocationOption };

/**
 * Ours, to keep what a pool carries small: a formula can hold a day of samples in each variable. The text ends before the first variable
 * that would go beyond it.
 */
export const longestResults = 65_536;

/** `$name=value` joined by `;`, without a last one, without blanks. */
export const resultsText = (settled: Settled, own: ReadonlyMap<string, Value>): string => {
  let text = [
    `$TargetDedicatedNodes=${settled.targetDedicatedNodes}`,
    `$TargetLowPriorityNodes=${settled.targetLowPriorityNodes}`,
    `$NodeDeallocationOption=${settled.nodeDeallocationOption}`,
  ].join(";");
  for (const key of [...own.keys()].sort()) {
    const more = `;${key}=${shownValue(own.get(key)!)}`;
    if (text.length + more.length > longestResults) break;
    text += more;
  }
  return text;
};
