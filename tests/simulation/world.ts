// A world for simulations: the real scheduler on real SQLite, fake agents, a clock that moves only when told to, ids from a seed.
// Nothing sleeps: time passes in `advance`, and `settle` waits until everybody has come to rest.
import assert from "node:assert/strict";
import type { NodeOrder } from "../../src/api/agent/messages.ts";
import { makeImageCatalogue } from "../../src/domain/image-catalogue.ts";
import { deleteJob, disableJob, enableJob, type Job, type JobCounts, type JobSpec, terminateJob } from "../../src/domain/jobs.ts";
import {
  type Node,
  requestDeallocate,
  requestDisableScheduling,
  requestEnableScheduling,
  requestReboot,
  requestReimage,
  requestStart,
} from "../../src/domain/nodes.ts";
import {
  beginAllocation,
  type DeallocationOption,
  deletePool,
  type Pool,
  type PoolSpec,
  removeNodes,
  resizePool,
  stopResize,
} from "../../src/domain/pools.ts";
import { isPlaced, reactivateTask, type Task, type TaskSpec, terminateTask } from "../../src/domain/tasks.ts";
import { jobHeldBecause, taskHeldBecause } from "../../src/domain/waiting.ts";
import { ManualClock } from "../../src/lib/clock.ts";
import { type Ids, seededIds } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { explain, type Subject } from "../../src/operations/waiting.ts";
import { fakeProvider } from "../../src/providers/fake.ts";
import type { PackageFiles } from "../../src/scheduler/context.ts";
import { createScheduler, type Scheduler } from "../../src/scheduler/scheduler.ts";
import { insertAccount } from "../../src/store/accounts.ts";
import type { Store, Write } from "../../src/store/db.ts";
import { getJob, insertJob, jobCounts, saveJob } from "../../src/store/jobs.ts";
import { nodesOfPool, saveNode } from "../../src/store/nodes.ts";
import { getPool, insertPool, savePool } from "../../src/store/pools.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { deleteTasks, dependenciesOf, getTask, insertTasks, listTasks, saveTasks } from "../../src/store/tasks.ts";
import { anAccount } from "../support/accounts.ts";
import { type FakeAgent, fakeChannel, makeAgent } from "./fake-agent.ts";

export const seconds = (count: number): number => count * 1000;
export const minutes = (count: number): number => count * 60_000;

const accountId = 1;
const unlimited = "P10675199DT2H48M5.4775807S";

export type PoolInput = { id?: string; nodes?: number; lowPriority?: number; slots?: number; spec?: Partial<PoolSpec> };
export const aPool = (input: PoolInput = {}): PoolInput => input;
export type TaskInput = { id?: string; does?: string; spec?: Partial<TaskSpec> };
export const aTask = (does = "for 10", spec: Partial<TaskSpec> = {}, id?: string): TaskInput => ({ does, spec, id });
export type JobInput = { id?: string; pool?: string; tasks?: TaskInput[]; spec?: Partial<JobSpec> };
export const aJob = (input: JobInput = {}): JobInput => input;
export const tasksOf = (count: number, does = "for 10", spec: Partial<TaskSpec> = {}): TaskInput[] =>
  Array.from({ length: count }, () => aTask(does, spec));

export type WorldOptions = {
  pool?: PoolInput;
  seed?: number;
  leaseMs?: number;
  bootMs?: number;
  agents?: number;
  startTask?: (order: NodeOrder) => "idle" | "starttaskfailed";
  packageFiles?: PackageFiles;
  /** Default in memory. */
  file?: string;
};

export type World = Awaited<ReturnType<typeof aWorld>>;

export const aWorld = async (options: WorldOptions = {}) => {
  const clock = new ManualClock();
  const ids: Ids = seededIds(options.seed ?? 1);
  const leaseMs = options.leaseMs ?? seconds(30);
  const store: Store = await openSqlite({ file: options.file ?? ":memory:", clock, synchronous: "off" });
  await store.commit(insertAccount(anAccount({ name: "devbatchaccount1", createdAt: clock.now() })));
  const agents = new Map<string, FakeAgent>();
  const channel = fakeChannel(agents);
  const provider = fakeProvider({
    // Nodes are spread over the agents; an agent that knows one already ignores it.
    host: (orders) => {
      for (const order of orders) agentFor(order.nodeId).host([order]);
    },
  });
  const agentFor = (nodeId: string): FakeAgent => {
    const list = [...agents.values()];
    return list.find((agent) => agent.nodes.has(nodeId)) ?? list[Number.parseInt(nodeId.slice(6, 12), 16) % list.length]!;
  };
  const images = makeImageCatalogue({ hostRelease: { id: "debian", versionId: "12" }, strictImages: false });
  const metrics = { dispatched: 0, ended: { success: 0, failure: 0, retry: 0, recovery: 0 } };
  const build = (): Scheduler =>
    createScheduler({
      store,
      clock,
      ids,
      log: silentLog,
      channel,
      provider,
      images,
      leaseMs,
      accountUrl: (name) => `http://127.0.0.1:10020/${name}`,
      taskToken: async ({ accountName, jobId, taskId, attempt }) => `token of ${accountName} ${jobId} ${taskId} ${attempt}`,
      packageUrl: ({ account, container, name }) => `http://127.0.0.1:10020/${account}/${container}/${name}?sig=secret`,
      containerUrl: (accountId, container) => `http://127.0.0.1:10020/storage${accountId}/${container}?sig=secret`,
      packageFiles: options.packageFiles ?? { remove: async () => {}, removeContainer: async () => {} },
      metrics: { dispatched: () => void metrics.dispatched++, taskEnded: (kind) => void metrics.ended[kind]++ },
    });
  let scheduler = build();
  for (let n = 0; n < (options.agents ?? 1); n++) {
    const id = `agent${n}`;
    agents.set(
      id,
      makeAgent({ id, clock, leaseMs, bootMs: options.bootMs ?? 100, listener: scheduler.listener, startTask: options.startTask }),
    );
  }
  await scheduler.start();
  for (const agent of agents.values()) await agent.connect();

  const settle = async (): Promise<void> => {
    for (let before = -1; ; ) {
      await scheduler.idle();
      for (const agent of agents.values()) await agent.idle();
      // Messages on their way take a turn.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      await scheduler.idle();
      const now = [...agents.values()].reduce((sum, agent) => sum + agent.activity(), 0);
      if (now === before) return;
      before = now;
    }
  };

  const advance = async (byMs: number): Promise<void> => {
    const end = clock.now() + byMs;
    await settle();
    for (let next = clock.nextTimerAt(); next !== undefined && next <= end; next = clock.nextTimerAt()) {
      clock.advance(Math.max(0, next - clock.now()));
      await settle();
    }
    clock.advance(end - clock.now());
    await settle();
  };

  const poolOf = async (id: string): Promise<Pool> => (await getPool(store, accountId, id)) ?? assert.fail(`no pool ${id}`);
  const jobOf = async (id: string): Promise<Job> => (await getJob(store, accountId, id)) ?? assert.fail(`no job ${id}`);
  const addPool = async (input: PoolInput): Promise<Pool> => {
    const now = clock.now();
    const id = input.id ?? "pool1";
    const pool: Pool = {
      accountId,
      key: id.toLowerCase(),
      id,
      state: "active",
      stateChangedAt: now,
      allocationState: "steady",
      allocationStateChangedAt: now,
      targetDedicated: input.nodes ?? 1,
      targetLowPriority: input.lowPriority ?? 0,
      spec: {
        id,
        vmSize: "standard_d2_v2",
        taskSlotsPerNode: input.slots ?? 1,
        virtualMachineConfiguration: {
          imageReference: { publisher: "debian", offer: "debian-12", sku: "12" },
          nodeAgentSKUId: "batch.node.debian 12",
        },
        ...input.spec,
      } as PoolSpec,
      createdAt: now,
      modified: clock.stamp(),
      generation: 1,
    };
    await store.commit(insertPool(beginAllocation(pool, undefined, now)));
    scheduler.wake.resize(accountId, pool.key);
    await settle();
    return pool;
  };

  let made = 0;
  const makeTask = (job: Job, { id, does, spec }: TaskInput): Task => {
    const name = id ?? `task${++made}`;
    const whole = {
      id: name,
      commandLine: does ?? "for 10",
      requiredSlots: 1,
      constraints: { maxWallClockTime: unlimited, retentionTime: "P7D" },
      ...spec,
    } as TaskSpec;
    return {
      accountId,
      jobUid: job.uid,
      seq: clock.stamp(),
      id: name,
      key: name.toLowerCase(),
      state: "active",
      stateChangedAt: clock.now(),
      slots: whole.requiredSlots ?? 1,
      blocked: 0,
      held: taskHeldBecause(whole),
      spec: whole,
      execution: { retryCount: 0, requeueCount: 0 },
      attempt: 0,
      satisfied: false,
      number: /^\d+$/.test(name) ? Number(name) : undefined,
      modified: clock.stamp(),
      generation: 1,
    };
  };

  const addTasks = async (jobId: string, inputs: readonly TaskInput[]): Promise<Task[]> => {
    const job = await jobOf(jobId);
    const tasks = inputs.map((input) => makeTask(job, input));
    for (let at = 0; at < tasks.length; at += 100) {
      const some = tasks.slice(at, at + 100);
      await store.commit(insertTasks(some, some.flatMap(dependenciesOf)));
    }
    scheduler.wake.pool(accountId, job.poolKey);
    return tasks;
  };

  const submit = async (input: JobInput = {}): Promise<Job> => {
    const now = clock.now();
    const id = input.id ?? "job1";
    const spec = {
      id,
      priority: 0,
      maxParallelTasks: -1,
      onAllTasksComplete: "noaction",
      onTaskFailure: "noaction",
      poolInfo: { poolId: input.pool ?? "pool1" },
      ...input.spec,
    } as JobSpec;
    const poolKey = (spec.poolInfo.poolId ?? input.pool ?? "pool1").toLowerCase();
    const stamp = clock.stamp();
    const job: Job = {
      accountId,
      key: id.toLowerCase(),
      id,
      uid: stamp,
      poolKey,
      state: "active",
      stateChangedAt: now,
      priority: spec.priority ?? 0,
      spec,
      execution: { startTime: now, poolId: poolKey },
      held: jobHeldBecause(spec),
      modified: stamp,
      generation: 1,
    };
    await store.commit(insertJob(job));
    scheduler.wake.job(accountId, job.key);
    scheduler.wake.pool(accountId, poolKey);
    if (input.tasks !== undefined) await addTasks(id, input.tasks);
    await settle();
    return job;
  };

  type Outcome<T> = { after: T } | { refused: string; after?: undefined };
  const changed = <T>(outcome: Outcome<T>): T =>
    "refused" in outcome && outcome.after === undefined ? assert.fail(`refused: ${outcome.refused}`) : (outcome.after as T);
  /** As a handler does it: load, decide, save, ring. */
  const onPool = async (id: string, rule: (pool: Pool) => Outcome<Pool>): Promise<void> => {
    await store.decide(async (read) => ({ writes: savePool(changed(rule((await getPool(read, accountId, id))!))), result: undefined }));
    scheduler.wake.resize(accountId, id);
    await settle();
  };
  const onJob = async (id: string, rule: (job: Job) => Outcome<Job>): Promise<void> => {
    const job = await store.decide(async (read) => {
      const before = (await getJob(read, accountId, id))!;
      return { writes: saveJob(changed(rule(before))), result: before };
    });
    scheduler.wake.job(accountId, id);
    scheduler.wake.pool(accountId, job.poolKey);
    await settle();
  };
  const onNode = async (node: Node, rule: (node: Node) => Outcome<Node>): Promise<void> => {
    await store.decide(async (read) => {
      const now = (await nodesOfPool(read, accountId, node.poolKey)).find((one) => one.id === node.id)!;
      return { writes: saveNode(changed(rule(now))), result: undefined };
    });
    scheduler.wake.resize(accountId, node.poolKey);
    scheduler.wake.pool(accountId, node.poolKey);
    await settle();
  };
  const onTask = async (jobId: string, taskId: string, rule: (task: Task) => Write[]): Promise<void> => {
    const job = await jobOf(jobId);
    const before = await store.decide(async (read) => {
      const task = (await getTask(read, accountId, job.uid, taskId))!;
      return { writes: rule(task), result: task };
    });
    if (isPlaced(before))
      scheduler.wake.stop([{ accountId, jobUid: job.uid, seq: before.seq, attempt: before.attempt, nodeId: before.nodeId! }]);
    scheduler.wake.job(accountId, jobId);
    scheduler.wake.pool(accountId, job.poolKey);
    await settle();
  };

  const world = {
    clock,
    ids,
    store,
    provider,
    agents,
    metrics,
    settle,
    advance,
    scheduler: () => scheduler,
    agent: (n = 0) => agents.get(`agent${n}`)!,
    /** The first reason why something makes no progress, as an operator is told. */
    why: async (subject: Subject) => (await explain({ store, channel }, accountId, subject)).reasons[0]?.code,
    addPool,
    submit,
    addTasks: async (jobId: string, inputs: readonly TaskInput[]) => {
      const tasks = await addTasks(jobId, inputs);
      await settle();
      return tasks;
    },
    pool: poolOf,
    job: jobOf,
    jobIfAny: (id: string) => getJob(store, accountId, id),
    poolIfAny: (id: string) => getPool(store, accountId, id),
    nodes: (poolId = "pool1") => nodesOfPool(store, accountId, poolId),
    counts: async (jobId = "job1"): Promise<JobCounts> => (await jobCounts(store, accountId, (await jobOf(jobId)).uid))!,
    tasks: async (jobId = "job1") => listTasks(store, { accountId, jobUid: (await jobOf(jobId)).uid, limit: 100_000 }),
    task: async (taskId: string, jobId = "job1") =>
      (await getTask(store, accountId, (await jobOf(jobId)).uid, taskId)) ?? assert.fail(`no task ${taskId}`),
    resize: (request: Parameters<typeof resizePool>[1], id = "pool1") => onPool(id, (pool) => resizePool(pool, request, clock.now())),
    stopResize: (id = "pool1") => onPool(id, (pool) => stopResize(pool, clock.now())),
    deletePool: (id = "pool1") => onPool(id, (pool) => deletePool(pool, clock.now())),
    removeNodes: async (nodes: readonly Node[], option?: DeallocationOption) =>
      onPool("pool1", (pool) => removeNodes(pool, nodes, { option }, clock.now())),
    disableJob: (mode: "requeue" | "terminate" | "wait", id = "job1") => onJob(id, (job) => disableJob(job, mode, clock.now())),
    enableJob: (id = "job1") => onJob(id, (job) => enableJob(job, clock.now())),
    terminateJob: (reason = "enough", id = "job1") => onJob(id, (job) => terminateJob(job, reason, clock.now())),
    deleteJob: (id = "job1") => onJob(id, (job) => deleteJob(job, clock.now())),
    patchJob: (change: Partial<JobSpec>, id = "job1") =>
      onJob(id, (job) => ({ after: { ...job, priority: change.priority ?? job.priority, spec: { ...job.spec, ...change } } })),
    terminateTask: (id: string, jobId = "job1") =>
      onTask(jobId, id, (task) => saveTasks([{ before: task, after: changed(terminateTask(task, clock.now())) }])),
    reactivateTask: (id: string, jobId = "job1") =>
      onTask(jobId, id, (task) => saveTasks([{ before: task, after: changed(reactivateTask(task, clock.now())) }])),
    deleteTask: (id: string, jobId = "job1") => onTask(jobId, id, (task) => deleteTasks([task])),
    reboot: (node: Node, option: DeallocationOption = "requeue") => onNode(node, (one) => requestReboot(one, option, clock.now())),
    reimage: (node: Node, option: DeallocationOption = "requeue") => onNode(node, (one) => requestReimage(one, option, clock.now())),
    deallocate: (node: Node, option: DeallocationOption = "requeue") => onNode(node, (one) => requestDeallocate(one, option, clock.now())),
    startNode: (node: Node) => onNode(node, (one) => requestStart(one, clock.now())),
    disableNode: (node: Node, option: "requeue" | "terminate" | "taskcompletion" = "requeue") =>
      onNode(node, (one) => requestDisableScheduling(one, option, clock.now())),
    enableNode: (node: Node) => onNode(node, (one) => requestEnableScheduling(one, clock.now())),
    /** The control plane dies between two commits and starts again; agents notice and come back. */
    restart: async () => {
      const old = scheduler;
      for (const agent of agents.values()) agent.disconnect();
      scheduler = build();
      for (const agent of agents.values()) agent.listenWith(scheduler.listener);
      await old.stop();
      await scheduler.start();
      for (const agent of agents.values()) await agent.connect();
      await settle();
    },
    /** Every simulation ends here: what the tables say twice must agree. */
    close: async () => {
      await settle();
      assert.deepEqual(await sanityCheck(store), []);
      await scheduler.stop();
      await store.close();
    },
  };
  if (options.pool !== undefined) {
    await addPool(options.pool);
    await advance(seconds(1));
  }
  return world;
};
