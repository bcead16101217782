// Reads the table of differences between neighbouring versions that ../shared/specs was made into. It covers every stable version,
// also those whose whole documents are not there.
import { readFileSync } from "node:fs";
import type { Version } from "../../src/api/versions.ts";
import { sharedPath } from "../support/shared.ts";

export type Change =
  /** `type` as the table has it: a model's name, `string`, `integer:int32`, and `[]` for lists. */
  | { kind: "+prop" | "-prop"; model: string; property: string; type: string }
  /** What a property became. */
  | { kind: "~prop"; model: string; of: string; type: string }
  /** Of a property, or of a named list of values. */
  | { kind: "~enum"; model: string; of?: string; values: string[] }
  | { kind: "+op" | "-op"; method: string; path: string }
  | { kind: "+param" | "-param"; method: string; path: string; name: string }
  | { kind: "+def" | "-def"; model: string; properties: string[] }
  | { kind: "~req"; model: string; required: string[]; optional: string[] };

export type Step = { from: Version; to: Version; changes: Change[] };

export const readChanges = (): Step[] => {
  const steps: Step[] = [];
  for (const line of readFileSync(sharedPath("specs", "data-plane-changes-by-version.txt"), "utf8").split("\n")) {
    const heading = /^# (\S+) -> (\S+) ops/.exec(line);
    if (heading !== null) steps.push({ from: heading[1] as Version, to: heading[2] as Version, changes: [] });
    const change = readChange(line.trim());
    if (change !== undefined) steps.at(-1)!.changes.push(change);
  }
  return steps;
};

const names = (list: string): string[] => [...list.matchAll(/'([^']*)'/g)].map(([, name]) => name!);

const readChange = (line: string): Change | undefined => {
  const property = /^([+-]prop) (\w+)\.(\S+) (\S+)/.exec(line);
  if (property !== null) return { kind: property[1] as "+prop", model: property[2]!, property: property[3]!, type: property[4]! };
  const type = /^~prop (\w+)\.(\S+) \S+ -> (\S+)$/.exec(line);
  if (type !== null) return { kind: "~prop", model: type[1]!, of: type[2]!, type: type[3]! };
  const values = /^~enum (\w+)(?:\.(\S+))? .* -> (.*)$/.exec(line);
  if (values !== null)
    return { kind: "~enum", model: values[1]!, values: names(values[3]!), ...(values[2] === undefined ? {} : { of: values[2] }) };
  const definition = /^([+-]def) (\w+) (.*)$/.exec(line);
  if (definition !== null) return { kind: definition[1] as "+def", model: definition[2]!, properties: names(definition[3]!) };
  const operation = /^([+-]op) \('(\w+)', '([^']+)'\)/.exec(line);
  if (operation !== null) return { kind: operation[1] as "+op", method: operation[2]!, path: operation[3]! };
  const parameter = /^([+-]param) \('(\w+)', '([^']+)'\) (\S+)/.exec(line);
  if (parameter !== null) return { kind: parameter[1] as "+param", method: parameter[2]!, path: parameter[3]!, name: parameter[4]! };
  const required = /^~req (\w+) \+ (\[.*\]) - (\[.*\])$/.exec(line);
  if (required !== null) return { kind: "~req", model: required[1]!, required: names(required[2]!), optional: names(required[3]!) };
  return undefined;
};
