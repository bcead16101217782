// What the scheduler holds in memory of the pools: nodes, what is placed on them, jobs and a window of their ready tasks. Nothing here is
// known only here: every part is read from the store again when it may be out of date, and every commit is guarded by the generations
// that it was decided on, so a stale board costs a second try and never a wrong row.
import type { Job } from "../domain/jobs.ts";
import type { Node } from "../domain/nodes.ts";
import type { Pool } from "../domain/pools.ts";
import { isPlaced, type Task } from "../domain/tasks.ts";
import type { Instant } from "../lib/clock.ts";
import type { Reader } from "../store/db.ts";
import { jobsOfPool } from "../store/jobs.ts";
import { getNodeById, nodesOfPool } from "../store/nodes.ts";
import { getPool } from "../store/pools.ts";
import { allPlacedTasks } from "../store/tasks.ts";
import type { PoolKey } from "./context.ts";
import type { Pace } from "./prefetch.ts";

export type NodeView = {
  node: Node;
  /** By taskKey. */
  placed: Map<string, Task>;
  pace: Pace;
  /** When a task last left it: for the dispatch latency. */
  freedAt: Instant;
  /** What its provider and agent were last asked for, so that they are not asked again with every look at the pool. */
  asked?: { what: "remove" | "host"; boot: number; at: Instant };
};
export type JobView = {
  job: Job;
  /** Ready tasks read and not placed yet, oldest first. */
  ready: Task[];
  /** The store had no more ready tasks when last asked, and nothing has become ready since. */
  exhausted: boolean;
  pace: Pace;
};

export type PoolView = PoolKey & {
  pool?: Pool;
  nodes: Map<string, NodeView>;
  /** Active jobs by uid. */
  jobs: Map<number, JobView>;
  /** Rows of the pool, its nodes or its jobs may have changed. */
  stale: boolean;
  /** What is placed may have changed behind our back, too. */
  unsure: boolean;
  /** Grows with every change made here to what is placed, so that a read that raced with one is noticed. */
  version: number;
};

export const taskKey = (task: { jobUid: number; seq: number }): string => `${task.jobUid}.${task.seq}`;

export type Board = {
  view(key: PoolKey): PoolView;
  /** The pool that a node belongs to, with the node on it; asks the store when it is not known yet. */
  viewOfNode(read: Reader, nodeId: string): Promise<PoolView | undefined>;
  views(): Iterable<PoolView>;
  /** Brings the view up to date with the store as far as it may be out of date. */
  refresh(read: Reader, view: PoolView): Promise<void>;
  /** Takes note of a committed task: on its node when it is placed, nowhere otherwise. */
  note(view: PoolView, task: Task): void;
  /** Takes it off its node, unless a later attempt is there. */
  drop(nodeId: string, task: { jobUid: number; seq: number; attempt: number }): PoolView | undefined;
  noteNode(view: PoolView, node: Node): void;
  forgetNode(view: PoolView, nodeId: string): void;
  forget(view: PoolView): void;
};

export const makeBoard = (): Board => {
  const views = new Map<string, PoolView>();
  const byNode = new Map<string, PoolView>();

  const view = (key: PoolKey): PoolView => {
    const name = `${key.accountId}.${key.poolKey}`;
    let found = views.get(name);
    if (found === undefined) {
      found = { ...key, nodes: new Map(), jobs: new Map(), stale: true, unsure: true, version: 0 };
      views.set(name, found);
    }
    return found;
  };

  const noteNode = (its: PoolView, node: Node): void => {
    const known = its.nodes.get(node.id);
    if (known === undefined) its.nodes.set(node.id, { node, placed: new Map(), pace: undefined, freedAt: 0 });
    else known.node = node;
    byNode.set(node.id, its);
  };

  const forgetNode = (its: PoolView, nodeId: string): void => {
    its.nodes.delete(nodeId);
    byNode.delete(nodeId);
    its.version += 1;
  };

  const setNodes = (its: PoolView, nodes: readonly Node[]): void => {
    const present = new Set(nodes.map((node) => node.id));
    for (const id of its.nodes.keys()) if (!present.has(id)) forgetNode(its, id);
    for (const node of nodes) {
      if (!its.nodes.has(node.id)) its.unsure = true;
      noteNode(its, node);
    }
  };

  const setJobs = (its: PoolView, jobs: readonly Job[]): void => {
    const before = its.jobs;
    its.jobs = new Map();
    for (const job of jobs) {
      const known = before.get(job.uid);
      its.jobs.set(job.uid, { job, ready: known?.ready ?? [], exhausted: false, pace: known?.pace });
    }
  };

  const refresh = async (read: Reader, its: PoolView): Promise<void> => {
    while (its.stale || its.unsure) {
      const { version } = its;
      its.stale = false;
      const pool = await getPool(read, its.accountId, its.poolKey);
      const nodes = await nodesOfPool(read, its.accountId, its.poolKey);
      const jobs = await jobsOfPool(read, its.accountId, its.poolKey, ["active"]);
      its.pool = pool;
      setNodes(its, nodes);
      setJobs(its, jobs);
      if (!its.unsure) continue;
      its.unsure = false;
      const placed = await allPlacedTasks(read, nodes);
      if (its.version !== version) {
        its.unsure = true;
        continue;
      }
      for (const node of its.nodes.values()) node.placed = new Map();
      for (const task of placed) its.nodes.get(task.nodeId!)?.placed.set(taskKey(task), task);
    }
  };

  return {
    view,
    views: () => views.values(),
    viewOfNode: async (read, nodeId) => {
      const known = byNode.get(nodeId);
      if (known !== undefined) return known;
      const node = await getNodeById(read, nodeId);
      if (node === undefined) return undefined;
      const its = view(node);
      await refresh(read, its);
      if (!its.nodes.has(nodeId)) {
        its.stale = true;
        await refresh(read, its);
      }
      return its.nodes.has(nodeId) ? its : undefined;
    },
    refresh,
    note: (its, task) => {
      its.version += 1;
      const node = task.nodeId === undefined ? undefined : its.nodes.get(task.nodeId);
      if (node === undefined) return;
      if (isPlaced(task)) node.placed.set(taskKey(task), task);
      else node.placed.delete(taskKey(task));
    },
    drop: (nodeId, task) => {
      const its = byNode.get(nodeId);
      const node = its?.nodes.get(nodeId);
      if (its === undefined || node === undefined) return undefined;
      const held = node.placed.get(taskKey(task));
      if (held === undefined || held.attempt > task.attempt) return its;
      node.placed.delete(taskKey(task));
      its.version += 1;
      return its;
    },
    noteNode,
    forgetNode,
    forget: (its) => {
      for (const id of its.nodes.keys()) byNode.delete(id);
      views.delete(`${its.accountId}.${its.poolKey}`);
    },
  };
};
