// What the operations on the account as a whole do: which images there are, how many nodes of each pool are in which state.
import type * as api from "../../api/batch/account.ts";
import type { Infer } from "../../api/fields.ts";
import type { Filterable, FilterNode } from "../../domain/filter.ts";
import { matchesFilter } from "../../domain/filter-match.ts";
import type { SupportedImage } from "../../domain/images.ts";
import type { NodeState } from "../../domain/nodes.ts";
import { nodeCounts } from "../../store/nodes.ts";
import { listPools } from "../../store/pools.ts";
import type { Handler } from "../handler.ts";
import { cutPage } from "./load.ts";

/** What $filter of the lists here offers (errors-and-http.md section 4); those of other lists are with their tables. */
export const imageFilterable: Filterable = {
  osType: { type: "string", operators: ["eq", "ne"] },
  verificationType: { type: "string", operators: ["eq", "ne"] },
  nodeAgentSKUId: { type: "string", operators: ["eq", "ne"] },
};
export const nodeCountsFilterable: Filterable = { poolId: { type: "string", operators: ["eq"] } };

export const listSupportedImages: Handler<typeof api.listSupportedImages> = async ({ page, filter }, { images }) => {
  const matching = images.all().filter((image) => filter === undefined || imageMatches(image, filter));
  // The list is short and changes only where images are imported or deleted, so a position is a key; after a change it is only a position.
  const start = page.after === undefined ? 0 : Number.parseInt(page.after, 10) || 0;
  const end = start + page.limit;
  return { items: matching.slice(start, end).map(imageView), next: end < matching.length ? String(end) : undefined };
};

const imageView = (image: SupportedImage): Infer<typeof api.ImageInformation> => ({
  nodeAgentSKUId: image.nodeAgentSKUId,
  imageReference: image.imageReference,
  osType: image.osType,
  verificationType: image.verificationType,
  capabilities: image.capabilities.length === 0 ? undefined : image.capabilities,
  batchSupportEndOfLife: image.batchSupportEndOfLife,
});

/** The three properties that the list offers to filter by. */
const imageMatches = (image: SupportedImage, filter: FilterNode): boolean =>
  matchesFilter(filter, (property) => image[property as "osType" | "verificationType" | "nodeAgentSKUId"]);

type Counts = Infer<typeof api.NodeCounts>;

const noNodes = (): Counts => ({
  creating: 0,
  idle: 0,
  offline: 0,
  preempted: 0,
  rebooting: 0,
  reimaging: 0,
  running: 0,
  starting: 0,
  startTaskFailed: 0,
  leavingPool: 0,
  unknown: 0,
  unusable: 0,
  waitingForStartTask: 0,
  deallocated: 0,
  deallocating: 0,
  upgradingOS: 0,
  total: 0,
});

/** Under which name each state is counted. */
const countedAs: Record<NodeState, Exclude<keyof Counts, "total">> = {
  creating: "creating",
  starting: "starting",
  waitingforstarttask: "waitingForStartTask",
  starttaskfailed: "startTaskFailed",
  idle: "idle",
  running: "running",
  unusable: "unusable",
  unknown: "unknown",
  offline: "offline",
  rebooting: "rebooting",
  reimaging: "reimaging",
  deallocating: "deallocating",
  deallocated: "deallocated",
  leavingpool: "leavingPool",
  preempted: "preempted",
};

/** Every pool has an element, also one without nodes. */
export const listPoolNodeCounts: Handler<typeof api.listPoolNodeCounts> = async ({ principal: { accountId }, page, filter }, { store }) => {
  const ofPools = filter === undefined ? undefined : byPoolColumn(filter);
  const pools = await listPools(store, { accountId, after: page.after, limit: page.limit + 1, filter: ofPools });
  const { elements, next } = cutPage(pools, page.limit, (pool) => pool.key);
  const counts = await nodeCounts(
    store,
    accountId,
    elements.map((pool) => pool.key),
  );
  const items = elements.map((pool): Infer<typeof api.PoolNodeCounts> => {
    const item = { poolId: pool.id, dedicated: noNodes(), lowPriority: noNodes() };
    for (const { poolKey, isDedicated, state, count } of counts) {
      if (poolKey !== pool.key) continue;
      const kind = isDedicated ? item.dedicated : item.lowPriority;
      kind[countedAs[state]] += count;
      kind.total += count;
    }
    return item;
  });
  return { items, next };
};

/** The filter names a pool's id `poolId`, the table of pools `id`. */
const byPoolColumn = (filter: FilterNode): FilterNode => {
  switch (filter.type) {
    case "and":
    case "or":
      return { ...filter, left: byPoolColumn(filter.left), right: byPoolColumn(filter.right) };
    case "not":
      return { ...filter, operand: byPoolColumn(filter.operand) };
    default:
      return { ...filter, property: filter.property === "poolId" ? "id" : filter.property };
  }
};
