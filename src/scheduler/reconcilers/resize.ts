// Brings the nodes of a pool to its targets: makes new ones, chooses which leave, ends the resize with what went wrong. Carrying out the
// leaving is node-actions.ts. Without input but the store; may run at any time and twice.
import { type Node, requestLeave, stayAfterAll } from "../../domain/nodes.ts";
import { chooseVictims, type Pool, resizeErrors, type Shortfall, settlePool, shortfall } from "../../domain/pools.ts";
import { poolHeldBecause, waiting } from "../../domain/waiting.ts";
import type { Reader, Write } from "../../store/db.ts";
import { checkNothingPlaced, deleteNodes, insertNodes, nodesOfPool, saveNodes } from "../../store/nodes.ts";
import { allPools, deletePool, getPool, savePool } from "../../store/pools.ts";
import { allPlacedTasks } from "../../store/tasks.ts";
import type { Context, PoolKey } from "../context.ts";
import { orderNodes } from "../node-orders.ts";
import { nodesGranted } from "../quotas.ts";
import { actOnNodes } from "./node-actions.ts";

export const reconcilePool = async (context: Context, key: PoolKey): Promise<void> => {
  const changed = await resize(context, key);
  const acted = await actOnNodes(context, key);
  if (!changed && !acted) return;
  context.board.view(key).stale = true;
  context.bells.loop(key);
  // Nodes may be gone or about to go: look again whether the resize is over.
  context.bells.pool(key);
};

type Step = { writes: Write[]; created: Node[]; dropped?: Node[]; pool?: Pool; gone?: true };
const nothing: Step = { writes: [], created: [] };

/** True when it changed something. */
const resize = async (context: Context, key: PoolKey): Promise<boolean> => {
  const step = await context.store.decide(async (read) => {
    const step = await nextStep(context, read, key);
    return { writes: step.writes, result: step };
  });
  if (step.created.length > 0) await createNodes(context, step.pool!, step.created);
  if (step.dropped !== undefined) await dismiss(context, step.dropped);
  if (step.gone === true) context.bells.lessIn(key.accountId);
  return step.writes.length > 0;
};

const nextStep = async (context: Context, read: Reader, key: PoolKey): Promise<Step> => {
  const pool = await getPool(read, key.accountId, key.poolKey);
  if (pool === undefined || (pool.allocationState === "steady" && pool.state === "active")) return nothing;
  const nodes = await nodesOfPool(read, key.accountId, key.poolKey);
  const now = context.clock.now();
  if (pool.state === "deleting") return emptied(read, pool, nodes, now);
  const { resize } = pool;
  if (resize?.stopped === true || pool.allocationState === "stopping") return given(pool, nodes, "ResizeStopped", now);
  if (resize?.timeoutAt !== undefined) {
    if (now >= resize.timeoutAt) return given(pool, nodes, "AllocationTimedout", now);
    context.bells.poolAfter(key, resize.timeoutAt - now);
  }
  return sized(context, read, pool, nodes, now);
};

/**
 * Once its nodes are leaving nothing is placed on them any more, and as soon as nothing is left there the pool and its nodes go in one commit:
 * nobody waits for the agent, which removes what it hosts when it is told, or when it next says hello and the store does not know it.
 */
const emptied = async (read: Reader, pool: Pool, nodes: readonly Node[], now: number): Promise<Step> => {
  const asked = nodes.map((node) => requestLeave(node, "requeue", now)).filter((node, index) => node !== nodes[index]);
  if (asked.length > 0) return { writes: saveNodes(asked), created: [] };
  if (nodes.length === 0) return { writes: deletePool(pool), created: [], gone: true };
  if ((await allPlacedTasks(read, nodes)).length > 0) return nothing;
  return {
    writes: [checkNothingPlaced(nodes), ...deleteNodes(nodes, now), ...deletePool(pool)],
    created: [],
    dropped: [...nodes],
    gone: true,
  };
};

/** Nodes whose rows are gone. */
export const dismiss = async ({ provider, channel }: Context, nodes: readonly Pick<Node, "id" | "agentId">[]): Promise<void> => {
  await provider.remove(nodes.map((node) => node.id));
  for (const { id, agentId } of nodes) if (agentId !== undefined) channel.send(agentId, { type: "removeNode", nodeId: id });
};

/** The resize is given up: keeps what there is, also the nodes that were to leave when their tasks end. */
const given = (pool: Pool, nodes: readonly Node[], cause: "ResizeStopped" | "AllocationTimedout", now: number): Step => {
  const patient = nodes.filter(
    (node) => node.leaving?.kind === "remove" && (node.leaving.option === "taskcompletion" || node.leaving.option === "retaineddata"),
  );
  const kept = patient.map((node) => stayAfterAll(node, now));
  const after = nodes.map((node) => kept.find((one) => one.id === node.id) ?? node);
  const settled = settlePool(pool, resizeErrors(unmet(shortfall(pool, after)), cause), now);
  return { writes: [...savePool(settled), ...(kept.length === 0 ? [] : saveNodes(kept))], created: [] };
};

/** Too few and too many are both a target that was not met. */
const unmet = (short: Shortfall): Shortfall => ({ dedicated: Math.abs(short.dedicated), lowPriority: Math.abs(short.lowPriority) });

const sized = async (context: Context, read: Reader, pool: Pool, nodes: readonly Node[], now: number): Promise<Step> => {
  const leaving = whoLeaves(context, pool, nodes, now);
  const remaining = nodes.map((node) => leaving.find((one) => one.id === node.id) ?? node);
  const short = shortfall(pool, remaining);
  const writes = leaving.length === 0 ? [] : saveNodes(leaving);
  if (short.dedicated > 0 || short.lowPriority > 0) {
    const obstacle = whyNoNodes(context, pool);
    if (obstacle !== undefined) {
      return {
        writes: [...writes, ...savePool(settlePool(pool, resizeErrors(atLeast0(short), "AllocationFailed", obstacle), now))],
        created: [],
      };
    }
  }
  const { granted, errors, guards } = await nodesGranted(read, pool, atLeast0(short), context.quotas);
  const created = newNodes(context, pool, nodes, granted, now);
  if (created.length > 0) writes.push(...guards, ...insertNodes(created));
  // Steady as soon as the nodes are allocated, long before they are idle (reference: pools-and-nodes 1.1).
  const settled = remaining.every((node) => node.leaving?.kind !== "remove");
  if (settled) writes.push(...savePool(settlePool(pool, errors, now)));
  return { writes, created, pool };
};

const atLeast0 = (short: Shortfall): Shortfall => ({
  dedicated: Math.max(0, short.dedicated),
  lowPriority: Math.max(0, short.lowPriority),
});

const whoLeaves = (context: Context, pool: Pool, nodes: readonly Node[], now: number): Node[] => {
  const { option, nodeIds } = pool.resize ?? { option: "requeue" as const, nodeIds: undefined };
  const named = new Set(nodeIds);
  const asked = nodes.filter((node) => named.has(node.id) && node.leaving?.kind !== "remove");
  const others = nodes.filter((node) => !asked.includes(node));
  const short = shortfall(pool, others);
  const view = context.board.view({ accountId: pool.accountId, poolKey: pool.key });
  const tasksOn = (nodeId: string): number => view.nodes.get(nodeId)?.placed.size ?? 0;
  const surplus = (dedicated: boolean, count: number): Node[] =>
    chooseVictims(
      others.filter((node) => node.isDedicated === dedicated),
      count,
      tasksOn,
    );
  const victims = [...asked, ...surplus(true, -short.dedicated), ...surplus(false, -short.lowPriority)];
  return victims.map((node) => requestLeave(node, option, now));
};

/** Why this machine cannot give the pool nodes; the words go into its resize errors. */
const whyNoNodes = (context: Context, pool: Pool): string | undefined => {
  const held = poolHeldBecause(pool.spec);
  if (held !== undefined) return waiting(held).message;
  const reference = pool.spec.virtualMachineConfiguration?.imageReference;
  const image = reference === undefined ? undefined : context.images.find(reference);
  if (image === undefined || image.backing === "none") return waiting("ImageNotAvailable").message;
  if (image.backing === "rootfs") return waiting("ImageNotBootable").message;
  return pool.targetDedicated + pool.targetLowPriority > mostNodes ? `A pool can have at most ${mostNodes} nodes here.` : undefined;
};

/** No machine hosts as many; without an end, a target of two thousand million would be begun on until memory is gone. */
const mostNodes = 1000;

const newNodes = (context: Context, pool: Pool, nodes: readonly Node[], short: Shortfall, now: number): Node[] => {
  const taken = new Set(nodes.map((node) => node.address));
  const addresses = freeAddresses(taken);
  const make = (isDedicated: boolean): Node => ({
    accountId: pool.accountId,
    poolKey: pool.key,
    id: `tvmps_${context.ids.hex(32)}_${isDedicated ? "d" : "p"}`,
    state: "creating",
    stateChangedAt: now,
    schedulingState: "enabled",
    isDedicated,
    address: addresses.next().value,
    boot: 1,
    wipedBoot: 0,
    allocatedAt: now,
    tasksRun: 0,
    tasksSucceeded: 0,
    recentTasks: [],
    generation: 1,
  });
  return [...Array.from({ length: short.dedicated }, () => make(true)), ...Array.from({ length: short.lowPriority }, () => make(false))];
};

/** 10.0.0.4 is the first of a subnet, as on the real service. */
function* freeAddresses(taken: ReadonlySet<string>): Generator<string, never> {
  for (let n = 4; ; n++) {
    const address = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
    if (!taken.has(address)) yield address;
  }
}

/** Asks the provider again for every node that no agent has hosted yet: what was asked may have been lost with whom it was asked of. */
export const createUnhosted = async (context: Context): Promise<void> => {
  for (const pool of await allPools(context.store)) {
    const nodes = await nodesOfPool(context.store, pool.accountId, pool.key);
    const unhosted = nodes.filter((node) => node.agentId === undefined && node.leaving === undefined && node.state !== "deallocated");
    if (unhosted.length > 0) await createNodes(context, pool, unhosted);
  }
};

/** Also for those that an earlier run has inserted and no agent has taken up: creating one that exists is fine. */
const createNodes = async (context: Context, pool: Pool, nodes: readonly Node[]): Promise<void> => {
  let reasons: Map<string, string>;
  try {
    await context.provider.create(await orderNodes(context, pool, nodes));
    const statuses = await context.provider.statuses(nodes.map((node) => node.id));
    reasons = new Map(
      [...statuses].flatMap(([id, { status, reason }]) => (status === "failed" ? [[id, reason ?? "The node could not be created."]] : [])),
    );
  } catch (error) {
    context.log.error({ err: error, pool: pool.id }, "nodes could not be created");
    const reason = error instanceof Error ? error.message : String(error);
    reasons = new Map(nodes.map((node) => [node.id, reason]));
  }
  if (reasons.size > 0) await giveUp(context, pool, reasons);
};

/** The nodes that the provider could not make disappear again and become an error of the resize. */
const giveUp = (context: Context, { accountId, key }: Pool, reasons: ReadonlyMap<string, string>): Promise<void> =>
  context.store.decide(async (read) => {
    const pool = await getPool(read, accountId, key);
    const nodes = (await nodesOfPool(read, accountId, key)).filter((node) => reasons.has(node.id));
    if (nodes.length === 0) return { writes: [], result: undefined };
    const dedicated = nodes.filter((node) => node.isDedicated).length;
    const errors = resizeErrors({ dedicated, lowPriority: nodes.length - dedicated }, "AllocationFailed", [...reasons.values()][0]);
    const saved = pool === undefined || pool.state === "deleting" ? [] : savePool(settlePool(pool, errors, context.clock.now()));
    return { writes: [...deleteNodes(nodes, context.clock.now()), ...saved], result: undefined };
  });
