// Tasks at the door of the data plane: which account they come to, what keeps them out, and what they reach.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aDoor } from "../../tests/support/accounts.ts";
import { batchOperations } from "../api/batch/index.ts";
import { ApiError } from "../api/errors.ts";
import { type AccountSettings, defaultSettings } from "../domain/accounts.ts";
import { dataPlane } from "../http/planes/data.ts";
import { type AccountDoor, authenticateAccount } from "./account-door.ts";
import type { Principal } from "./principal.ts";
import { refuseOutside, type TaskTokenDoor } from "./task-tokens.ts";
import { TokenRefused } from "./tokens.ts";

const attempt = { accountId: 7, accountName: "mine", jobUid: 11, jobId: "Job1", seq: 12, taskId: "t", attempt: 3 };
const tokens: TaskTokenDoor = {
  isOne: (token) => token.startsWith("task"),
  verify: async (token) => {
    if (token === "task-forged") throw new TokenRefused("signature", "It cannot be verified.");
    return attempt;
  },
  isCurrent: async (one) => one === attempt,
};

const enter = (door: AccountDoor, token = "task", host = "127.0.0.1:10020"): Principal | Promise<Principal> =>
  authenticateAccount(
    { method: "GET", rawPath: "/jobs/job1", query: [], headers: { authorization: `Bearer ${token}` } },
    { remoteAddress: "127.0.0.1", baseUrl: `http://${host}`, now: 0 },
    door,
  );
const doorWith = (changes: Partial<AccountSettings> = {}, taskTokens: TaskTokenDoor = tokens, id = 7): AccountDoor => {
  const account = { id, name: "mine", keys: [], settings: { ...defaultSettings, ...changes }, location: "eastus" };
  const other = { ...account, id: 1, name: "first" };
  const find = (name: string) => [account, other].find((one) => one.name === name);
  return aDoor(1, "first", [], { taskTokens, accounts: { find, first: () => other } });
};
const refusedWith = (status: number, code: string, detail?: string) => (error: unknown) =>
  error instanceof ApiError &&
  error.status === status &&
  error.code === code &&
  (detail === undefined || error.values.some(({ key, value }) => key === "AuthenticationErrorDetail" && value === detail));

test("a task's token names its account itself, whatever account the bare address belongs to", async () => {
  const principal: Principal = {
    accountId: 7,
    accountName: "mine",
    by: "taskToken",
    role: "contributor",
    scope: { jobUid: 11, jobId: "Job1" },
  };
  assert.deepEqual(await enter(doorWith()), principal);
  assert.deepEqual(await enter(doorWith(), "task", "mine.eastus.batch.localhost:10020"), principal);
  const elsewhere = "The account of the token is not the account of the host name.";
  await assert.rejects(
    async () => enter(doorWith(), "task", "first.eastus.batch.localhost:10020"),
    refusedWith(403, "AuthenticationFailed", elsewhere),
  );
});

test("what keeps a task out", async () => {
  const sharedKeyOnly = doorWith({ allowedAuthenticationModes: ["SharedKey", "AAD"] });
  const notAllowed = "The specified type of authentication TaskAuthenticationToken is not allowed for this account.";
  await assert.rejects(async () => enter(sharedKeyOnly), refusedWith(403, "AuthenticationFailed", notAllowed));
  await assert.rejects(async () => enter(doorWith({ publicNetworkAccess: "Disabled" })), refusedWith(403, "AuthorizationFailure"));
  await assert.rejects(async () => enter(doorWith({}, tokens, 8)), refusedWith(403, "AuthenticationFailed"), "another account of its name");
  const ended = doorWith({}, { ...tokens, isCurrent: async () => false });
  const over = "The task that the access token was given to does not run any more.";
  await assert.rejects(async () => enter(ended), refusedWith(401, "AuthenticationFailed", over));
  await assert.rejects(async () => enter(doorWith(), "task-forged"), refusedWith(401, "AuthenticationFailed", "It cannot be verified."));
  await assert.rejects(async () => enter(doorWith(), "clients"), refusedWith(401, "AuthenticationFailed"), "which nobody here takes");
});

test("accounts that take nothing but tokens of tasks take those", async () => {
  const door = doorWith({ allowedAuthenticationModes: ["TaskAuthenticationToken"] });
  assert.equal((await enter(door)).by, "taskToken");
  const byClient = {
    ...door,
    tokens: { verify: async () => ({ objectId: "", clientId: "", tenantId: "", role: "owner", name: "" }) as const },
  };
  const notAllowed = "The specified type of authentication AAD is not allowed for this account.";
  await assert.rejects(
    async () => enter(byClient, "clients", "mine.eastus.batch.localhost:10020"),
    refusedWith(403, "AuthenticationFailed", notAllowed),
  );
});

test("of all operations a task reaches those on its job and below it, and no others", () => {
  const unused = undefined as never;
  const plane = dataPlane({
    operations: batchOperations,
    handlers: {},
    filterables: {},
    services: unused,
    door: doorWith(),
    versionCheck: "lenient",
  });
  const admits = (operation: (typeof batchOperations)[keyof typeof batchOperations], principal: Principal, jobId: string): boolean => {
    try {
      const params: Record<string, string> = operation.path.includes("{jobId}") ? { jobId } : {};
      plane.admit({ principal }, operation, params, unused);
      return true;
    } catch (error) {
      assert.ok(refusedWith(403, "AuthorizationFailure")(error), operation.id);
      return false;
    }
  };
  const scope = { jobUid: 11, jobId: "Job1" };
  const task: Principal = { accountId: 7, accountName: "mine", by: "taskToken", role: "contributor", scope };
  const reached = (jobId: string, principal: Principal): string[] =>
    Object.values(batchOperations)
      .filter((operation) => admits(operation, principal, jobId))
      .map(({ id }) => id);
  const isOfJobs = (id: string): boolean =>
    /^(Job|Task)_|FromTask$/.test(id) && !/^Job_(Add|List|ListFromJobSchedule|GetAllLifetimeStatistics)$/.test(id);
  const wanted = Object.values(batchOperations).flatMap(({ id }) => (isOfJobs(id) ? [id] : []));
  assert.ok(wanted.includes("Task_AddCollection") && wanted.includes("Job_Delete") && wanted.includes("File_GetFromTask"));
  for (const jobId of ["Job1", "job1", "JOB1"]) assert.deepEqual(reached(jobId, task), wanted, jobId);
  for (const jobId of ["Job2", "Job1 ", "", "Job1/x"]) assert.deepEqual(reached(jobId, task), [], jobId);
  const { scope: _scope, ...client } = task;
  assert.equal(reached("any", client).length, Object.keys(batchOperations).length);
});

test("no scope, no bounds", () => {
  refuseOutside({}, undefined);
  refuseOutside({}, "any");
  assert.throws(() => refuseOutside({ scope: { jobUid: 1, jobId: "a" } }, undefined), refusedWith(403, "AuthorizationFailure"));
});
