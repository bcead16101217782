// The scheduler as the rest of the program has it: a bell to ring (Wake), ears for the agents (AgentListener), a start that rebuilds
// everything from the store, and a stop. It only connects the parts; what they do is in the files beside it.
import type { TaskRef } from "../api/agent/messages.ts";
import type { AgentListener } from "../node-management/channel.ts";
import { deletingAccounts, listAccounts } from "../store/accounts.ts";
import { deletingCertificates } from "../store/certificates.ts";
import { choresOfNode } from "../store/chores.ts";
import { unfinishedJobSchedules } from "../store/job-schedules.ts";
import { getJob, pendingJobs, unfinishedJobs } from "../store/jobs.ts";
import { nodesOfPool } from "../store/nodes.ts";
import { allPools, scaledPools } from "../store/pools.ts";
import { listResourceGroups } from "../store/resource-groups.ts";
import { makeBoard } from "./board.ts";
import {
  type CertificateKey,
  type Context,
  type JobKey,
  type JobScheduleKey,
  noMetrics,
  type PoolKey,
  type SchedulerParts,
} from "./context.ts";
import { makeLeases } from "./leases.ts";
import { makeListener } from "./listener.ts";
import { schedule } from "./loop.ts";
import { makeMachines } from "./machines.ts";
import { type AccountKey, reconcileAccount } from "./reconcilers/accounts.ts";
import { scalePools } from "./reconcilers/autoscale.ts";
import { reconcileCertificate } from "./reconcilers/certificates.ts";
import { reconcileJob } from "./reconcilers/job-progress.ts";
import { reconcileJobSchedule } from "./reconcilers/job-schedules.ts";
import { loseAgent } from "./reconcilers/node-loss.ts";
import { createUnhosted, dismiss, reconcilePool } from "./reconcilers/resize.ts";
import { reconcileResourceGroup } from "./reconcilers/resource-groups.ts";
import { makeRunner } from "./runner.ts";
import type { Wake } from "./wake.ts";

export type { SchedulerMetrics, SchedulerParts } from "./context.ts";

export type Scheduler = {
  wake: Wake;
  listener: AgentListener;
  /** Takes up everything that the store says is under way. Call it once, before agents connect. */
  start(): Promise<void>;
  /** No loop runs any more when it resolves. Nodes and tasks are left as they are. */
  stop(): Promise<void>;
  /** Resolves when every loop and reconciler has come to rest: for tests. */
  idle(): Promise<void>;
};

export const createScheduler = (parts: SchedulerParts): Scheduler => {
  const { clock, log } = parts;
  const poolName = (key: PoolKey): string => `${key.accountId}.${key.poolKey}`;
  const jobName = (key: JobKey): string => `${key.accountId}.${key.jobKey}`;
  const loops = makeRunner<PoolKey>({ name: "schedulerLoop", nameOf: poolName, run: (key) => schedule(context, key), clock, log });
  const pools = makeRunner<PoolKey>({ name: "poolReconciler", nameOf: poolName, run: (key) => reconcilePool(context, key), clock, log });
  const jobs = makeRunner<JobKey>({ name: "jobReconciler", nameOf: jobName, run: (key) => reconcileJob(context, key), clock, log });
  const schedules = makeRunner<JobScheduleKey>({
    name: "jobScheduleReconciler",
    nameOf: (key) => `${key.accountId}.${key.scheduleKey}`,
    run: (key) => reconcileJobSchedule(context, key),
    clock,
    log,
  });
  const scaling = makeRunner<PoolKey>({ name: "autoScale", nameOf: poolName, run: (key) => scalePools(context, key), clock, log });
  const nameOfCertificate = (key: CertificateKey): string => `${key.accountId}.${key.certificateKey}`;
  const endDeletion = (key: CertificateKey): Promise<void> => reconcileCertificate(context, key);
  const certificates = makeRunner<CertificateKey>({ name: "certificates", nameOf: nameOfCertificate, run: endDeletion, clock, log });
  const endGroup = (key: string): Promise<void> => reconcileResourceGroup(context, key);
  const groups = makeRunner<string>({ name: "resourceGroups", nameOf: (key) => key, run: endGroup, clock, log });
  const accounts = makeRunner<AccountKey>({
    name: "accountReconciler",
    nameOf: ({ accountId }) => String(accountId),
    run: (key) => reconcileAccount(context, key),
    clock,
    log,
  });
  /** Answers to bells that must read first: which agent, which pool. */
  const errands = makeRunner<Errand>({ name: "errand", nameOf: (errand) => errand.name, run: (errand) => errand.run(), clock, log });
  /** Views and rows are keys, too; a runner keeps what it is given. */
  const poolKey = ({ accountId, poolKey }: PoolKey): PoolKey => ({ accountId, poolKey });
  const context: Context = {
    ...parts,
    metrics: parts.metrics ?? noMetrics,
    resourceKinds: parts.resourceKinds ?? (() => []),
    board: makeBoard(),
    machines: makeMachines(clock, parts.channel),
    bells: {
      resourceGroup: (name) => groups.ring(name.toLowerCase()),
      certificateAfter: (key, delayMs) => certificates.ringAfter(key, delayMs),
      loop: (key) => loops.ring(poolKey(key)),
      pool: (key) => pools.ring(poolKey(key)),
      poolAfter: (key, delayMs) => pools.ringAfter(poolKey(key), delayMs),
      autoScale: (key) => scaling.ring(poolKey(key)),
      autoScaleAfter: (key, delayMs) => scaling.ringAfter(poolKey(key), delayMs),
      job: (key) => jobs.ring(key),
      jobAfter: (key, delayMs) => jobs.ringAfter(key, delayMs),
      jobSchedule: (key) => schedules.ring(key),
      jobScheduleAfter: (key, delayMs) => schedules.ringAfter(key, delayMs),
      account: (key) => accounts.ring(key),
      lessIn: (accountId) => {
        if (context.leaving.has(accountId)) accounts.ring({ accountId });
      },
    },
    accountName: accountNames(parts),
    leaving: new Set(),
    attempts: new Map(),
  };
  const leases = makeLeases(clock, parts.leaseMs, (agentId) => {
    errands.ring({
      name: `lose ${agentId}`,
      run: async () => {
        await loseAgent(context, agentId);
        for (const job of await pendingJobs(parts.store)) jobs.ring({ accountId: job.accountId, jobKey: job.key });
      },
    });
  });
  const everyRunner = [accounts, groups, certificates, loops, pools, jobs, schedules, scaling, errands];
  return {
    wake: makeWake(context, errands.ring),
    listener: makeListener(context, leases),
    start: () => resume(context, leases.lost),
    stop: async () => {
      leases.stop();
      await Promise.all(everyRunner.map((runner) => runner.stop()));
    },
    idle: async () => {
      // Each may ring another: at rest is when a whole round found nobody running.
      for (let busy = true; busy; ) {
        const before = everyRunner.map((runner) => runner.rings());
        for (const runner of everyRunner) await runner.idle();
        busy = everyRunner.some((runner, index) => runner.rings() !== before[index]);
      }
    },
  };
};

type Errand = { name: string; run: () => Promise<void> };

const accountNames = (parts: SchedulerParts): Context["accountName"] => {
  let names = new Map<number, string>();
  return async (accountId) => {
    if (!names.has(accountId)) names = new Map((await listAccounts(parts.store)).map((account) => [account.id, account.name]));
    return names.get(accountId) ?? "";
  };
};

const makeWake = (context: Context, ring: (errand: Errand) => void): Wake => {
  const { board, bells, store, channel } = context;
  let errand = 0;
  const look = (accountId: number, poolKey: string): void => {
    const view = board.view({ accountId, poolKey });
    view.stale = true;
    bells.loop(view);
  };
  return {
    pool: look,
    resize: (accountId, poolKey) => {
      board.view({ accountId, poolKey }).stale = true;
      bells.pool({ accountId, poolKey });
      bells.autoScale({ accountId, poolKey });
    },
    removed: (nodes) => ring({ name: `dismiss ${errand++}`, run: () => dismiss(context, nodes) }),
    job: (accountId, jobKey) => {
      bells.job({ accountId, jobKey });
      const run = async (): Promise<void> => {
        const job = await getJob(store, accountId, jobKey);
        if (job !== undefined) look(accountId, job.poolKey);
      };
      ring({ name: `job ${accountId}.${jobKey}`, run });
    },
    jobSchedule: (accountId, scheduleKey) => bells.jobSchedule({ accountId, scheduleKey }),
    resourceGroup: (name) => bells.resourceGroup(name),
    certificate: (accountId, certificateKey) => bells.certificateAfter({ accountId, certificateKey }, 0),
    account: (accountId) => bells.account({ accountId }),
    stop: (attempts) => {
      const run = async (): Promise<void> => {
        const byAgent = new Map<string, TaskRef[]>();
        for (const { nodeId, accountId, jobUid, seq, attempt } of attempts) {
          const view = await board.viewOfNode(store, nodeId);
          const agentId = view?.nodes.get(nodeId)?.node.agentId;
          board.drop(nodeId, { jobUid, seq, attempt });
          if (view !== undefined) bells.loop(view);
          if (agentId === undefined) continue;
          byAgent.set(agentId, [...(byAgent.get(agentId) ?? []), { accountId, jobUid, seq, attempt }]);
        }
        for (const [agentId, tasks] of byAgent) channel.send(agentId, { type: "stopTasks", tasks });
      };
      ring({ name: `stop ${errand++}`, run });
    },
    chores: (nodes) => {
      const run = async (): Promise<void> => {
        for (const { accountId, nodeId } of nodes) {
          const agentId = (await board.viewOfNode(store, nodeId))?.nodes.get(nodeId)?.node.agentId;
          if (agentId === undefined) continue;
          for (const { id, chore } of await choresOfNode(store, accountId, nodeId))
            channel.send(agentId, { type: "chore", nodeId, choreId: id, chore });
        }
      };
      ring({ name: `chores ${errand++}`, run });
    },
  };
};

/** Everything that a stop or a crash left under way. */
const resume = async (context: Context, waitFor: (agentId: string) => void): Promise<void> => {
  const { store, bells } = context;
  for (const pool of await allPools(store)) {
    const key = { accountId: pool.accountId, poolKey: pool.key };
    const nodes = await nodesOfPool(store, pool.accountId, pool.key);
    for (const { agentId } of nodes) if (agentId !== undefined && !context.channel.isConnected(agentId)) waitFor(agentId);
    bells.loop(key);
    bells.pool(key);
  }
  for (const pool of await scaledPools(store)) bells.autoScale({ accountId: pool.accountId, poolKey: pool.key });
  for (const { accountId, key } of await deletingCertificates(store)) bells.certificateAfter({ accountId, certificateKey: key }, 0);
  for (const group of await listResourceGroups(store)) if (group.provisioningState === "Deleting") bells.resourceGroup(group.name);
  for (const { id } of await deletingAccounts(store)) bells.account({ accountId: id });
  await createUnhosted(context);
  for (const job of await unfinishedJobs(store)) bells.job({ accountId: job.accountId, jobKey: job.key });
  for (const { accountId, key } of await unfinishedJobSchedules(store)) bells.jobSchedule({ accountId, scheduleKey: key });
};
