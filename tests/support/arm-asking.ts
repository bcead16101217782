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

/** Below the server's own account; `base` is where every path begins. What `ok` is answered is the body of a 200. */
export const accountAsker = (server: () => Quern, base = "") => {
  const arm = (method: string, below: string, body?: unknown, more: Partial<ArmRequest> = {}): Promise<Answer> => {
    const quern = server();
    const path = `${group}{rg}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}${base}${below}`;
    return armRequest(quern, { method, path, ...(body === undefined ? {} : { body }), ...more });
  };
  const ok = async (method: string, below: string, body?: unknown, more: Partial<ArmRequest> = {}): Promise<any> => {
    const answer = await arm(method, below, body, more);
    assert.equal(answer.status, 200, `${method} ${below}: ${answer.text}`);
    return answer.json;
  };
  return { arm, ok };
};

export const namesOf = (answer: Answer): string[] => answer.json.value.map((one: { name: string }) => one.name);
