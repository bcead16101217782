// What a 2xx is worth: the control plane is killed at random moments while a client adds tasks and nodes run them, and started again on
// the same location. Every acknowledged task exists and ends as it should. Then the agent is killed under running tasks.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { seededIds } from "../../src/lib/ids.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";
import type { Answer, RawRequest } from "../support/signed.ts";

const total = 2_000;
const kills = 10;
const chunk = 50;

const poolOf = (quern: Quern, id: string, nodes: number, slots: number): Promise<Answer> =>
  quern.raw({
    method: "POST",
    path: "/pools",
    body: {
      id,
      vmSize: "standard_d2_v3",
      targetDedicatedNodes: nodes,
      taskSlotsPerNode: slots,
      virtualMachineConfiguration: {
        imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
        nodeAgentSKUId: "batch.node.ubuntu 22.04",
      },
    },
  });

test(`${total} tasks survive ${kills} kills of the control plane`, { timeout: 240_000 }, async (t) => {
  const seed = Number(process.env.QUERN_SEED ?? 20261120);
  t.diagnostic(`QUERN_SEED=${seed}`);
  const { chance } = seededIds(seed);
  const location = await newLocation(t);
  let quern = await startQuern(t, { location });
  assert.equal((await poolOf(quern, "p", 2, 2)).status, 201);
  assert.equal((await quern.raw({ method: "POST", path: "/jobs", body: { id: "j", poolInfo: { poolId: "p" } } })).status, 201);

  // A request that meets a dead server is sent again to the next one; the kills happen between two requests and under requests.
  let killed = 0;
  let restarting: Promise<void> | undefined;
  const restart = (): Promise<void> => {
    restarting ??= (async () => {
      await quern.kill();
      quern = await startQuern(t, { location });
      restarting = undefined;
    })();
    return restarting;
  };
  const send = async (request: RawRequest): Promise<Answer> => {
    for (;;) {
      await restarting;
      const server = quern;
      try {
        return await server.raw(request);
      } catch (error) {
        if (server === quern && restarting === undefined) throw error;
      }
    }
  };
  const acknowledged = new Set<string>();
  const addChunk = async (from: number): Promise<void> => {
    const value = Array.from({ length: chunk }, (_, index) => ({
      id: `t${from + index}`,
      commandLine: `/bin/sh -c "echo ${from + index}; exit $((${from + index} % 3))"`,
    }));
    const answer = await send({ method: "POST", path: "/jobs/j/addtaskcollection", body: { value } });
    assert.equal(answer.status, 200, answer.text);
    for (const result of answer.json.value) {
      assert.ok(result.status === "Success" || result.error.code === "TaskExists", JSON.stringify(result));
      acknowledged.add(result.taskId);
    }
  };
  const killAt = Array.from({ length: kills }, () => Math.floor(chance() * (total / chunk))).sort((a, b) => a - b);
  for (let index = 0; index < total / chunk; index++) {
    const adding = addChunk(index * chunk);
    while (killed < kills && killAt[killed]! <= index) {
      killed++;
      await restart();
    }
    await adding;
  }
  assert.equal(acknowledged.size, total);

  await until(
    async () => (await send({ method: "GET", path: "/jobs/j/taskcounts" })).json.taskCounts,
    (counts) => counts.completed === total,
  );
  const tasks: any[] = [];
  for (let path = "/jobs/j/tasks"; path !== ""; ) {
    const page = await quern.raw({ method: "GET", path });
    tasks.push(...page.json.value);
    const next = page.json["odata.nextLink"];
    path = next === undefined ? "" : next.slice(quern.ready.batchUrl.length);
  }
  assert.equal(tasks.length, total);
  for (const task of tasks) {
    const expected = Number(task.id.slice(1)) % 3;
    assert.ok(acknowledged.has(task.id));
    assert.equal(task.executionInfo.exitCode, expected, JSON.stringify(task.executionInfo));
    assert.equal(task.executionInfo.result, expected === 0 ? "success" : "failure");
    assert.equal(task.executionInfo.retryCount, 0);
    assert.equal(task.executionInfo.requeueCount, 0);
  }
  const last = await quern.raw({ method: "GET", path: `/jobs/j/tasks/t${total - 1}/files/stdout.txt` });
  assert.equal(last.text, `${total - 1}\n`);
});

test("kill -9 of the agent loses no running task", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t);
  assert.equal((await poolOf(quern, "p", 1, 4)).status, 201);
  await quern.raw({ method: "POST", path: "/jobs", body: { id: "j", poolInfo: { poolId: "p" } } });
  // Each task waits for a file that only the test makes, so it certainly runs while the agent is dead.
  const gate = join(quern.location, "gate");
  const value = [1, 2, 3, 4].map((n) => ({
    id: `t${n}`,
    commandLine: `/bin/sh -c "echo start; while [ ! -e ${gate} ]; do sleep 0.05; done; echo end; exit ${n}"`,
  }));
  await quern.raw({ method: "POST", path: "/jobs/j/addtaskcollection", body: { value } });
  await until(
    async () => (await quern.raw({ method: "GET", path: "/jobs/j/taskcounts" })).json.taskCounts,
    (counts) => counts.running === 4,
  );
  const before = agentPid(quern.location);
  process.kill(before, "SIGKILL");
  await quern.raw({ method: "GET", path: "/jobs/j/taskcounts" });
  writeFileSync(gate, "");
  await until(
    async () => (await quern.raw({ method: "GET", path: "/jobs/j/taskcounts" })).json.taskCounts,
    (counts) => counts.completed === 4,
  );
  for (const n of [1, 2, 3, 4]) {
    const task = (await quern.raw({ method: "GET", path: `/jobs/j/tasks/t${n}` })).json;
    assert.equal(task.executionInfo.exitCode, n);
    assert.equal(task.executionInfo.requeueCount, 0);
    const out = await quern.raw({ method: "GET", path: `/jobs/j/tasks/t${n}/files/stdout.txt` });
    assert.equal(out.text, "start\nend\n", "it ran once, from beginning to end");
  }
  assert.notEqual(agentPid(quern.location), before);
});

test("SIGTERM stops everything that was started, tasks included", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t);
  await poolOf(quern, "p", 1, 2);
  await quern.raw({ method: "POST", path: "/jobs", body: { id: "j", poolInfo: { poolId: "p" } } });
  await quern.raw({ method: "POST", path: "/jobs/j/tasks", body: { id: "t", commandLine: "/bin/sh -c 'sleep 300 & sleep 300'" } });
  await until(
    async () => (await quern.raw({ method: "GET", path: "/jobs/j/taskcounts" })).json.taskCounts.running,
    (running) => running === 1,
  );
  await until(
    async () => processesOf(quern.location).length,
    (count) => count > 0,
  );
  assert.equal(await quern.stop(), 0);
  assert.deepEqual(processesOf(quern.location), []);
});

const agentPid = (location: string): number => JSON.parse(readFileSync(join(location, "agent/agent.pid"), "utf8")).pid;

/** Processes whose working directory or command line is in the location. */
const processesOf = (location: string): string[] =>
  readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      const zombie = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      return !zombie && (command.includes(location) || environment.includes(location)) ? [`${pid} ${command}`] : [];
    } catch {
      return [];
    }
  });
