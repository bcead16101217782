// Tasks that work on their own job with the token they were given: from inside, and what is made of the same token anywhere else, later, in
// another account and after a crash.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armRequest, batchResource, tokenFor } from "../support/arm.ts";
import { accountPath, anUbuntuPool, asAccount, createAccount, keysOf } from "../support/batch-accounts.ts";
import { batchUser, sh, type User } from "../support/batch-user.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";
import { type Answer, type RawRequest, signedRequest } from "../support/signed.ts";

const given = { authenticationTokenSettings: { access: ["job"] } };
/** Runs until it is stopped, and tells its token to whoever may read its output. */
const holder = sh('printf "<%s>" "$AZ_BATCH_AUTHENTICATION_TOKEN"; exec sleep 600');
const told = /<(\S+)>/;

/** A request with a token in place of a signature. */
const withToken = (quern: Quern, token: string, request: RawRequest): Promise<Answer> =>
  signedRequest(quern.ready, { ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } });
const get = (quern: Quern, token: string, path: string): Promise<Answer> => withToken(quern, token, { method: "GET", path });
const outcome = ({ status, json }: Answer): [number, string | undefined] => [status, json?.code];
const detailOf = ({ json }: Answer): string | undefined => json.values?.[0]?.value;

/** The token of a holder that runs. */
const heldToken = async (user: User, jobId: string, taskId: string): Promise<string> =>
  told.exec(await user.fileSays(jobId, taskId, "stdout.txt", told))![1]!;

/** What a task does that splits its work: node, because it is there wherever Quern is. */
const splits = async (): Promise<void> => {
  const { AZ_BATCH_ACCOUNT_URL: url, AZ_BATCH_AUTHENTICATION_TOKEN: token, AZ_BATCH_JOB_ID: job, AZ_BATCH_POOL_ID: pool } = process.env;
  const call = (method: string, path: string, body?: object) =>
    fetch(`${url}${path}?api-version=2024-07-01.20.0`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json; odata=minimalmetadata" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const one = await call("POST", `/jobs/${job}/tasks`, { id: "one", commandLine: "/bin/echo from one" });
  const more = await call("POST", `/jobs/${job}/addtaskcollection`, { value: [{ id: "two", commandLine: "/bin/echo from two" }] });
  const texts: string[] = [];
  for (const id of ["one", "two"]) {
    while (!/"state":"completed"/.test(await (await call("GET", `/jobs/${job}/tasks/${id}`)).text()));
    texts.push(await (await call("GET", `/jobs/${job}/tasks/${id}/files/stdout.txt`)).text());
  }
  const refused = await Promise.all(
    ["/jobs", "/jobs/other", `/pools/${pool}`, `/pools/${pool}/nodes`].map(async (path) => (await call("GET", path)).status),
  );
  console.log(JSON.stringify({ added: [one.status, more.status], texts, refused }));
};

test("a task adds tasks to its own job and reads what they wrote, and nothing else", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  await user.pool("p", { taskSlotsPerNode: 2 });
  await user.job("j", "p");
  await user.job("other", "p");
  const environmentSettings = [{ name: "PROGRAM", value: `(${splits})()` }];
  const commandLine = `"${process.execPath}" -e eval(process.env.PROGRAM)`;
  await user.task("j", "splits", commandLine, { ...given, environmentSettings });
  const { executionInfo, ...task } = await user.taskIs("j", "splits");
  assert.equal(executionInfo.exitCode, 0, await user.file("j", "splits", "stderr.txt"));
  assert.deepEqual(task.authenticationTokenSettings, given.authenticationTokenSettings);
  assert.deepEqual(JSON.parse(await user.file("j", "splits", "stdout.txt")), {
    added: [201, 200],
    texts: ["from one\n", "from two\n"],
    refused: [403, 403, 403, 403],
  });
  await user.task("j", "without", sh('echo "<$AZ_BATCH_AUTHENTICATION_TOKEN>"'));
  await user.taskIs("j", "without");
  assert.equal(await user.file("j", "without", "stdout.txt"), "<>\n");
});

test("what a task's token is good for", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account } = quern.ready;
  const user = batchUser(quern);
  await user.pool("p", { taskSlotsPerNode: 4 });
  await user.job("Mine", "p");
  await user.job("other", "p");
  await user.task("Mine", "holder", holder, given);
  const token = await heldToken(user, "Mine", "holder");

  await t.test("its job and what is below it, whatever the letter case", async () => {
    for (const path of ["/jobs/mine", "/jobs/MINE/tasks", "/jobs/Mine/taskcounts", "/jobs/%6Dine/tasks/holder/files/stdout.txt"])
      assert.equal((await get(quern, token, path)).status, 200, path);
    const patched = await withToken(quern, token, { method: "PATCH", path: "/jobs/mine", body: { priority: 7 } });
    assert.equal(patched.status, 200, patched.text);
    assert.equal((await user.get("/jobs/mine")).priority, 7);
    assert.equal((await get(quern, token, "/_quern/why?jobId=mine&taskId=holder")).status, 200);
  });

  await t.test("nothing else of the account", async () => {
    const job = { id: "new", poolInfo: { poolId: "p" } };
    const requests: RawRequest[] = [
      ...["/jobs", "/jobs/other", "/jobs/other/tasks", "/jobs/nowhere", "/pools", "/pools/p", "/pools/p/nodes", "/jobschedules"].map(
        (path) => ({ method: "GET", path }),
      ),
      ...["/supportedimages", "/nodecounts", "/applications", "/jobs/Min%65x"].map((path) => ({ method: "GET", path })),
      { method: "POST", path: "/jobs", body: job },
      { method: "POST", path: "/pools", body: anUbuntuPool("q") },
      { method: "DELETE", path: "/jobs/other" },
      { method: "DELETE", path: "/pools/p" },
      { method: "POST", path: "/jobs/other/tasks", body: { id: "t", commandLine: "/bin/true" } },
      ...["jobId=other", "poolId=p", "jobId=other&poolId=p"].map((query) => ({ method: "GET", path: `/_quern/why?${query}` })),
    ];
    for (const request of requests) {
      const answer = await withToken(quern, token, request);
      assert.deepEqual(outcome(answer), [403, "AuthorizationFailure"], `${request.method} ${request.path}: ${answer.text}`);
      assert.ok(!answer.text.includes(token));
    }
    assert.equal((await user.get("/jobs/other")).state, "active");
  });

  await t.test("nor Azure Resource Manager", async () => {
    for (const path of ["/subscriptions", accountPath(account), `${accountPath(account)}/pools`]) {
      const answer = await armRequest(quern, { method: "GET", path, token });
      assert.deepEqual([answer.status, answer.json.error.code], [401, "InvalidAuthenticationToken"], path);
      assert.ok(!answer.text.includes(token));
    }
  });

  await t.test("it is an account's to allow", async () => {
    const allow = async (...allowedAuthenticationModes: string[]): Promise<void> => {
      const body = { properties: { allowedAuthenticationModes } };
      const answer = await armRequest(quern, { method: "PATCH", path: accountPath(account), body });
      assert.equal(answer.status, 200, answer.text);
    };
    const byKey = (): Promise<Answer> => user.raw({ method: "GET", path: "/jobs/mine" });
    const clients = await tokenFor(quern, batchResource);
    const statuses = async (): Promise<number[]> =>
      (await Promise.all([byKey(), get(quern, clients, "/jobs/mine"), get(quern, token, "/jobs/mine")])).map(({ status }) => status);
    assert.deepEqual(await statuses(), [200, 200, 200]);
    await allow("SharedKey", "AAD");
    assert.deepEqual(await statuses(), [200, 200, 403]);
    const answer = await get(quern, token, "/jobs/mine");
    assert.deepEqual(outcome(answer), [403, "AuthenticationFailed"]);
    assert.equal(detailOf(answer), "The specified type of authentication TaskAuthenticationToken is not allowed for this account.");
    await allow("TaskAuthenticationToken");
    assert.deepEqual(await statuses(), [403, 403, 200]);
    await allow("SharedKey", "AAD", "TaskAuthenticationToken");
    assert.deepEqual(await statuses(), [200, 200, 200]);
  });

  await t.test("only as long as that attempt runs", async () => {
    await user.ok("POST", "/jobs/mine/disable", { disableTasks: "requeue" });
    const inQueue = await until(
      () => get(quern, token, "/jobs/mine"),
      ({ status }) => status !== 200,
    );
    assert.deepEqual(outcome(inQueue), [401, "AuthenticationFailed"]);
    assert.equal(detailOf(inQueue), "The task that the access token was given to does not run any more.");
    await user.jobIs("mine", "disabled");
    await user.ok("POST", "/jobs/mine/enable");
    await user.taskIs("mine", "holder", "running");
    const second = await until(
      () => heldToken(user, "mine", "holder"),
      (text) => text !== token,
    );
    assert.deepEqual([(await get(quern, token, "/jobs/mine")).status, (await get(quern, second, "/jobs/mine")).status], [401, 200]);

    await user.ok("POST", "/jobs/mine/tasks/holder/terminate");
    assert.equal((await get(quern, second, "/jobs/mine")).status, 401);
    await user.ok("DELETE", "/jobs/mine");
    await user.gone("/jobs/mine");
    assert.equal((await get(quern, second, "/jobs/mine")).status, 401);
    await user.job("mine", "p");
    await user.task("mine", "holder", holder, given);
    const third = await heldToken(user, "mine", "holder");
    assert.deepEqual([(await get(quern, second, "/jobs/mine")).status, (await get(quern, third, "/jobs/mine")).status], [401, 200]);
  });

  await t.test("a task may end its own job, and itself with it", async () => {
    const own = await heldToken(user, "mine", "holder");
    const ended = await withToken(quern, own, { method: "POST", path: "/jobs/mine/terminate", body: { terminateReason: "done" } });
    assert.equal(ended.status, 202, ended.text);
    const { executionInfo } = await user.jobIs("mine", "completed");
    assert.equal(executionInfo.terminateReason, "done");
    assert.equal((await get(quern, own, "/jobs/mine")).status, 401);
  });
});

test("jobs of the same id in two accounts, before and after the server was killed", { timeout: 120_000 }, async (t) => {
  const location = await newLocation(t);
  const args = ["--storage", "none"];
  const first = await startQuern(t, { location, args });
  await createAccount(first, "second");
  const { primary } = await keysOf(first, "second");
  const asSecond = (quern: Quern): Quern => ({ ...quern, raw: (request) => asAccount(quern, "second", primary, request) });
  const tokens: string[] = [];
  for (const [name, user] of [["of-first", batchUser(first)] as const, ["of-second", batchUser(asSecond(first))] as const]) {
    await user.pool("same");
    await user.job("same", "same", { displayName: name });
    await user.task("same", "holder", holder, given);
    tokens.push(await heldToken(user, "same", "holder"));
  }
  const check = async (quern: Quern): Promise<void> => {
    const jobs = await Promise.all(tokens.map((token) => get(quern, token, "/jobs/same")));
    assert.deepEqual(
      jobs.map(({ status, json }) => [status, json?.displayName]),
      [
        [200, "of-first"],
        [200, "of-second"],
      ],
    );
    const host = `second.westus2.batch.localhost:${new URL(quern.ready.batchUrl).port}`;
    const named = await Promise.all(
      tokens.map((token) => withToken(quern, token, { method: "GET", path: "/jobs/same", headers: { host } })),
    );
    assert.deepEqual(named.map(outcome), [
      [403, "AuthenticationFailed"],
      [200, undefined],
    ]);
  };
  await check(first);
  await first.kill();
  const next = await startQuern(t, { location, args });
  await check(next);
  const user = batchUser(asSecond(next));
  await user.ok("DELETE", "/jobs/same/tasks/holder");
  assert.deepEqual([(await get(next, tokens[0]!, "/jobs/same")).status, (await get(next, tokens[1]!, "/jobs/same")).status], [200, 401]);
});
