// Requests to Resource Manager as the tests of what stands around Batch write them, and its refusals.
import assert from "node:assert/strict";
import { type ArmRequest, armRequest } from "./arm.ts";
import type { Quern } from "./quern.ts";
import type { Answer } from "./signed.ts";

export const group = "/subscriptions/{sub}/resourceGroups/";
/** Any will do there. */
export const surroundingVersion = "2025-06-01";

export const asker =
  (quern: Quern) =>
  (method: string, path: string, body?: unknown, more: Partial<ArmRequest> = {}): Promise<Answer> =>
    armRequest(quern, { method, path, version: surroundingVersion, ...(body === undefined ? {} : { body }), ...more });

/** As Resource Manager refuses: a provider's own errors would have a target. */
export const refused = (answer: Answer, status: number, code: string): void => {
  assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], answer.text);
  assert.equal(typeof answer.json.error.message, "string");
  assert.equal(answer.json.error.target, undefined);
};

export const namesOf = (answer: Answer): string[] => answer.json.value.map((one: { name: string }) => one.name);
