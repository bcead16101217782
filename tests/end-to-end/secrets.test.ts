// Where keys and tokens could be read by somebody who has no business with them: files, process lists, logs, environments of children.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { newLocation, startQuern, until } from "../support/quern.ts";

const key = Buffer.from("a key that nobody else may read").toString("base64");
const pool = {
  id: "p",
  vmSize: "standard_d2_v3",
  targetDedicatedNodes: 1,
  virtualMachineConfiguration: {
    imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
    nodeAgentSKUId: "batch.node.ubuntu 22.04",
  },
};

/** Processes that descend from one, itself left out. */
const descendants = (root: number): string[] => {
  const parents = readdirSync("/proc").flatMap((pid): [string, number][] => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      return [[pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])]];
    } catch {
      return [];
    }
  });
  const found = new Set([String(root)]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(String(parent))) found.add(pid);
  }
  found.delete(String(root));
  return [...found];
};

/** What may be read of a process by others of its user; undefined once it has ended. */
const seenOf = (pid: string): { arguments: string; environment: string } | undefined => {
  try {
    return { arguments: readFileSync(`/proc/${pid}/cmdline`, "latin1"), environment: readFileSync(`/proc/${pid}/environ`, "latin1") };
  } catch {
    return undefined;
  }
};

/** Files below a directory that hold the text, by their paths from there. */
const filesWith = (directory: string, text: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => readFileSync(file, "latin1").includes(text))
    .map((file) => relative(directory, file))
    .sort();

test("secrets stay where they belong", { skip: process.platform !== "linux" && "needs /proc" }, async (t) => {
  const location = await newLocation(t);
  const log = join(location, "debug.log");
  const env = { QUERN_ACCOUNT: `carol:${key}`, OPERATORS_SECRET: "of-the-operator" };
  const quern = await startQuern(t, { location, args: ["--debug", log], env });
  const { pid } = quern.ready;
  const token: string = JSON.parse(readFileSync(join(location, "agent/control.json"), "utf8")).token;
  await quern.raw({ method: "POST", path: "/pools", body: pool });
  await quern.raw({ method: "POST", path: "/jobs", body: { id: "j", poolInfo: { poolId: "p" } } });
  const settings = [{ name: "PASSING", value: "value-of-a-setting" }];
  await quern.raw({ method: "POST", path: "/jobs/j/tasks", body: { id: "t", commandLine: "/usr/bin/env", environmentSettings: settings } });
  await until(
    async () => (await quern.raw({ method: "GET", path: "/jobs/j/tasks/t" })).json.state,
    (state) => state === "completed",
  );
  await quern.raw({ method: "GET", path: "/devstoreaccount1/c/b?sv=1&sig=signature-of-a-sas", sign: "none" });
  const { text: environment } = await quern.raw({ method: "GET", path: "/jobs/j/tasks/t/files/stdout.txt" });
  const forged = await quern.raw({ method: "GET", path: "/pools", headers: { authorization: `SharedKey carol:${key}` } });

  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  assert.equal(modeOf(location), "700");
  for (const file of ["quern.db", "quern.db-wal", "debug.log", "tls/ca.key", "tls/server.key", "agent/control.json", "agent/agent.log"])
    assert.equal(modeOf(join(location, file)), "600", file);

  const children = descendants(pid);
  assert.ok(children.length >= 2, "an agent and a storage");
  for (const child of children) {
    const seen = `${readFileSync(`/proc/${child}/cmdline`, "latin1")} ${readFileSync(`/proc/${child}/environ`, "latin1")}`;
    for (const secret of [key, token, "of-the-operator", "QUERN_ACCOUNT"]) assert.ok(!seen.includes(secret), `${secret} in ${seen}`);
  }
  assert.match(environment, /PASSING=value-of-a-setting/);
  for (const secret of [key, token, "of-the-operator"]) assert.ok(!environment.includes(secret));
  assert.ok(forged.status === 403 && !forged.text.includes(token));

  const logged = readFileSync(log, "utf8") + readFileSync(join(location, "agent/agent.log"), "utf8") + quern.errors();
  assert.match(logged, /"account":"carol"/);
  for (const secret of [key, token, "of-the-operator", "signature-of-a-sas", "value-of-a-setting"])
    assert.ok(!logged.includes(secret), secret);
});

test("a task's token is with the task, and nowhere else", { skip: process.platform !== "linux" && "needs /proc" }, async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { location, args: ["--debug", join(location, "debug.log"), "--storage", "none"] });
  const send = async (method: string, path: string, body?: object) => {
    const answer = await quern.raw({ method, path, ...(body === undefined ? {} : { body }) });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.text}`);
    return answer;
  };
  await send("POST", "/pools", pool);
  await send("POST", "/jobs", { id: "j", poolInfo: { poolId: "p" } });
  const commandLine = `/bin/sh -c 'printf "<%s>" "$AZ_BATCH_AUTHENTICATION_TOKEN"; exec sleep 600'`;
  await send("POST", "/jobs/j/tasks", { id: "asks", commandLine, authenticationTokenSettings: { access: ["job"] } });
  const output = await until(
    () => quern.raw({ method: "GET", path: "/jobs/j/tasks/asks/files/stdout.txt" }),
    ({ text }) => /^<.+>$/.test(text),
  );
  const token = output.text.slice(1, -1);
  const headers = { authorization: `Bearer ${token}` };
  const answers: { status: number; text: string }[] = [];
  for (const path of ["/jobs/j", "/pools", "/jobs/j/tasks/asks", "/jobs/j/tasks", `/jobs/other?token=${token}`])
    answers.push(await quern.raw({ method: "GET", path, headers }));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 403, 200, 200, 403],
  );
  for (const path of ["/jobs/j/tasks/asks", "/pools/p/nodes", "/_quern/why?jobId=j&taskId=asks", "/metrics"])
    answers.push(await quern.raw({ method: "GET", path }));
  for (const { text } of answers) assert.ok(!text.includes(token));

  // Launchers and what they run have left the family of the server.
  const everybody = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const seen = everybody.flatMap((pid) => seenOf(pid) ?? []);
  assert.ok(seen.every((one) => !one.arguments.includes(token)));
  const holders = seen.filter(({ environment }) => environment.includes(token));
  assert.equal(holders.length, 1, "the task's own process");
  assert.match(holders[0]!.environment, /AZ_BATCH_TASK_ID=asks\0/);

  await send("POST", "/jobs/j/tasks/asks/terminate");
  const late = await quern.raw({ method: "GET", path: "/jobs/j", headers });
  assert.ok(late.status === 401 && !late.text.includes(token));
  await quern.stop();
  // The task wrote the one itself; the other is where the agent keeps its orders until they are over, URLs with signatures among them.
  const [journal, ...others] = filesWith(location, token).filter((file) => !file.endsWith("asks/stdout.txt"));
  assert.match(journal!, /^agent\/state\/[^/]+\/attempts\.jsonl$/);
  assert.deepEqual(others, []);
  assert.equal((statSync(join(location, journal!)).mode & 0o777).toString(8), "600");
  assert.match(readFileSync(join(location, "debug.log"), "utf8"), /"operation":"Job_Get"/);
  assert.ok(!quern.errors().includes(token));
});
