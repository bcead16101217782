// Seeded random worlds: jobs of every kind while agents disconnect, processes are lost, reports come twice, nodes are rebooted, made anew,
// deallocated and started, pools are resized and the control plane restarts. At the end every task must have come to the end that its command line asks for, no attempt that
// was given up may have counted, and the tables must agree. A failing seed is a line in `knownSeeds`.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { seededIds } from "../../src/lib/ids.ts";
import { aJob, aPool, aTask, aWorld, minutes, seconds, type TaskInput, type World } from "./world.ts";

const knownSeeds: readonly number[] = [
  // A task of two slots was given ahead and taken back for ever, because two nodes had one slot free each.
  157,
];
/** From here on nodes are also made anew, deallocated and started; the seeds below keep the worlds they always had. */
const firstWithNodeFaults = 1000;
const seeds = [
  ...knownSeeds,
  ...Array.from({ length: 25 }, (_, index) => index + 1),
  ...Array.from({ length: 15 }, (_, index) => index + firstWithNodeFaults),
];

type Dice = { below(limit: number): number; pick<T>(list: readonly T[]): T };
const diceOf = (seed: number): Dice => {
  const ids = seededIds(seed * 7919);
  const below = (limit: number): number => Math.floor(ids.chance() * limit);
  return { below, pick: (list) => list[below(list.length)]! };
};

/** Tasks whose end does not depend on chance: so many runs, and success or failure. */
const someTasks = (dice: Dice, prefix: string, count: number): TaskInput[] =>
  Array.from({ length: count }, (_, n) => {
    const duration = dice.pick([3, 20, 400, 3000, 20_000]);
    const kind = dice.below(10);
    const spec: TaskInput["spec"] = { requiredSlots: dice.pick([1, 1, 1, 2]) };
    if (n > 2 && kind >= 8) spec.dependsOn = { taskIds: [`${prefix}${dice.below(n)}`] };
    const fails = kind < 2;
    if (fails) spec.constraints = { maxTaskRetryCount: kind };
    // Failing tasks let their dependents go, so that everything ends.
    spec.exitConditions = { default: { dependencyAction: "satisfy" } };
    return aTask(`for ${duration}${fails ? " exit 5" : ""}`, spec, `${prefix}${n}`);
  });

const faults: readonly ((world: World, dice: Dice) => Promise<void>)[] = [
  async (world, dice) => {
    const agent = dice.pick([...world.agents.values()]);
    agent.disconnect();
    await world.advance(dice.pick([10, seconds(1), seconds(20), seconds(60)]));
    await agent.connect();
  },
  async (world, dice) => {
    const agent = dice.pick([...world.agents.values()]);
    agent.disconnect();
    if (dice.below(2) === 0) agent.loseProcesses();
    await agent.connect();
  },
  async (world, dice) => dice.pick([...world.agents.values()]).repeatLastReport(),
  async (world) => world.restart(),
  async (world, dice) => {
    const nodes = (await world.nodes()).filter((node) => node.state === "idle");
    if (nodes.length > 0) await world.reboot(dice.pick(nodes), dice.pick(["requeue", "taskcompletion"] as const));
  },
  async (world, dice) => {
    if ((await world.pool("pool1")).allocationState !== "steady") return;
    await world.resize({
      targetDedicated: dice.below(5),
      targetLowPriority: dice.below(2),
      option: dice.pick(["requeue", "taskcompletion"] as const),
    });
  },
  async (world, dice) => {
    const id = dice.pick(["job1", "job2"]);
    if ((await world.job(id)).state === "active") await world.disableJob(dice.pick(["requeue", "wait"] as const), id);
  },
  async (world, dice) => {
    const id = dice.pick(["job1", "job2"]);
    if ((await world.job(id)).state === "disabled") await world.enableJob(id);
  },
];

const nodeFaults: typeof faults = [
  async (world, dice) => {
    const nodes = (await world.nodes()).filter((node) => node.state === "idle");
    if (nodes.length > 0) await world.reimage(dice.pick(nodes), dice.pick(["requeue", "taskcompletion"] as const));
  },
  async (world, dice) => {
    const nodes = (await world.nodes()).filter((node) => node.state === "idle" && node.leaving === undefined);
    if (nodes.length > 0) await world.deallocate(dice.pick(nodes), dice.pick(["requeue", "taskcompletion"] as const));
  },
  async (world, dice) => {
    const nodes = (await world.nodes()).filter((node) => node.state === "deallocated");
    if (nodes.length > 0) await world.startNode(dice.pick(nodes));
  },
];

const startAll = async (world: World): Promise<void> => {
  for (const node of await world.nodes()) if (node.state === "deallocated") await world.startNode(node);
};

const checkTasks = async (world: World, jobId: string): Promise<void> => {
  const runs = new Map<string, number>();
  for (const agent of world.agents.values()) for (const { taskId } of agent.starts) runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
  for (const task of await world.tasks(jobId)) {
    const fails = task.spec.commandLine.includes("exit");
    const { retryCount, requeueCount, recoveryCount = 0, result, exitCode } = task.execution;
    assert.deepEqual([task.state, result, exitCode], ["completed", fails ? "failure" : "success", fails ? 5 : 0], task.id);
    assert.equal(retryCount, fails ? task.spec.constraints!.maxTaskRetryCount : 0, `${task.id}: retries`);
    assert.ok(runs.get(task.id)! >= 1 + retryCount, `${task.id} ran ${runs.get(task.id)} times`);
    // An attempt may have been given up before it began, so this is a bound.
    assert.ok(runs.get(task.id)! <= 1 + retryCount + requeueCount + recoveryCount + task.attempt, `${task.id} ran too often`);
  }
};

for (const seed of seeds) {
  test(`seed ${seed}`, async () => {
    const dice = diceOf(seed);
    // Every fifth world has its database on disk, with the writer in its own thread: commits then overlap with what is reported meanwhile.
    const directory = seed % 5 === 0 ? mkdtempSync(join(tmpdir(), "quern-simulation-")) : undefined;
    const world = await aWorld({
      seed,
      ...(directory === undefined ? {} : { file: join(directory, "quern.db") }),
      agents: 1 + dice.below(3),
      pool: aPool({ nodes: 3, slots: 1 + dice.below(3) }),
      bootMs: 500,
      leaseMs: seconds(30),
    });
    await world.resize({ targetDedicated: 3 });
    await world.submit(aJob({ id: "job1", tasks: someTasks(dice, "a", 60) }));
    await world.submit(aJob({ id: "job2", spec: { priority: 1, maxParallelTasks: 3 }, tasks: someTasks(dice, "b", 30) }));
    for (let n = 0; n < 25; n++) {
      await world.advance(dice.pick([1, 50, 700, 5000]));
      await dice.pick(seed < firstWithNodeFaults ? faults : [...faults, ...nodeFaults, ...nodeFaults])(world, dice);
    }
    // Peace: everybody is there, there are nodes, and all jobs are on.
    for (const agent of world.agents.values()) await agent.connect();
    await world.advance(minutes(2));
    await startAll(world);
    if ((await world.pool("pool1")).allocationState === "steady") await world.resize({ targetDedicated: 3 });
    for (const id of ["job1", "job2"]) if ((await world.job(id)).state !== "active") await world.enableJob(id);
    await world.advance(minutes(60));
    // Two slots are asked of nodes that may have one: those tasks wait for ever, and so does what depends on them.
    if ((await world.pool("pool1")).spec.taskSlotsPerNode! > 1) for (const id of ["job1", "job2"]) await checkTasks(world, id);
    else assert.ok((await world.counts("job1")).running === 0);
    for (const node of await world.nodes()) assert.equal(node.state, "idle");
    await world.close();
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });
}
