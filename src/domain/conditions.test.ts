// Every conditional header against a resource that changed before, at and after its time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../api/errors.ts";
import { etagOf } from "../lib/clock.ts";
import { type ConditionHeaders, checkConditions, refuseConflictingConditions } from "./conditions.ts";

const second = Date.UTC(2026, 0, 1);
/** Half a second into its second: headers cannot say that. */
const modified = second * 1000 + 500_000;
const etag = etagOf(modified);

const outcome = (conditions: ConditionHeaders, kind: "read" | "write"): number => {
  try {
    checkConditions(conditions, modified, kind);
    return 200;
  } catch (error) {
    assert.ok(error instanceof ApiError && error.code === "ConditionNotMet");
    return error.status;
  }
};

test("reads answer 304 for what the client has, writes 412, and both 412 for what changed", () => {
  const rows: [ConditionHeaders, read: number, write: number][] = [
    [{}, 200, 200],
    [{ ifMatch: [etag] }, 200, 200],
    [{ ifMatch: [etag.toLowerCase()] }, 200, 200],
    [{ ifMatch: ["*"] }, 200, 200],
    [{ ifMatch: ["0x1", etag] }, 200, 200],
    [{ ifMatch: ["0x1"] }, 412, 412],
    [{ ifNoneMatch: [etag] }, 304, 412],
    [{ ifNoneMatch: ["*"] }, 304, 412],
    [{ ifNoneMatch: ["0x1"] }, 200, 200],
    [{ ifModifiedSince: second }, 304, 412],
    [{ ifModifiedSince: second - 1000 }, 200, 200],
    [{ ifUnmodifiedSince: second }, 200, 200],
    [{ ifUnmodifiedSince: second - 1000 }, 412, 412],
    // The ETag decides where both are given.
    [{ ifMatch: [etag], ifUnmodifiedSince: second - 1000 }, 200, 200],
    [{ ifNoneMatch: ["0x1"], ifModifiedSince: second }, 200, 200],
  ];
  for (const [conditions, read, write] of rows)
    assert.deepEqual([outcome(conditions, "read"), outcome(conditions, "write")], [read, write], JSON.stringify(conditions));
});

test("conditions that contradict one another are refused", () => {
  refuseConflictingConditions({ ifMatch: ["a"], ifUnmodifiedSince: 0 });
  refuseConflictingConditions({ ifNoneMatch: ["a"], ifModifiedSince: 0 });
  for (const both of [
    { ifMatch: ["a"], ifNoneMatch: ["a"] },
    { ifMatch: ["a"], ifModifiedSince: 0 },
    { ifUnmodifiedSince: 0, ifModifiedSince: 0 },
  ]) {
    assert.throws(() => refuseConflictingConditions(both), { code: "MultipleConditionHeadersNotSupported" });
  }
});
