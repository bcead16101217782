// What belongs to the account as a whole: the images that nodes can be made of, and counts of nodes. Data only.
import { f, model, required } from "../fields.ts";
import { operation } from "../operation.ts";
import { filterListQuery, nodeCountsQuery } from "./queries.ts";
import { ImageReference } from "./virtual-machines.ts";

export const ImageInformation = model("ImageInformation", {
  nodeAgentSKUId: required(f.string()),
  imageReference: required(f.object(ImageReference)),
  osType: required(f.enum(["linux", "windows"])),
  capabilities: f.array(f.string()),
  batchSupportEndOfLife: f.dateTime(),
  verificationType: required(f.enum(["verified", "unverified"])),
});

const count = required(f.int32());

export const NodeCounts = model("NodeCounts", {
  creating: count,
  idle: count,
  offline: count,
  preempted: count,
  rebooting: count,
  reimaging: count,
  running: count,
  starting: count,
  startTaskFailed: count,
  leavingPool: count,
  unknown: count,
  unusable: count,
  waitingForStartTask: count,
  deallocated: required(f.int32({ since: "2024-07-01.20.0" })),
  deallocating: required(f.int32({ since: "2024-07-01.20.0" })),
  upgradingOS: required(f.int32({ since: "2024-02-01.19.0" })),
  total: count,
});

export const PoolNodeCounts = model("PoolNodeCounts", {
  poolId: required(f.string()),
  dedicated: f.object(NodeCounts),
  lowPriority: f.object(NodeCounts),
});

export const listSupportedImages = operation("Account_ListSupportedImages", {
  since: "2019-06-01.9.0",
  method: "GET",
  path: "/supportedimages",
  summary: "Lists the images that nodes can be made of.",
  query: filterListQuery,
  conditions: "none",
  answer: { status: 200, item: ImageInformation, metadata: "supportedimages" },
  errors: [],
});

export const listPoolNodeCounts = operation("Account_ListPoolNodeCounts", {
  since: "2018-03-01.6.1",
  method: "GET",
  path: "/nodecounts",
  summary: "Counts the nodes of each pool by state.",
  query: nodeCountsQuery,
  conditions: "none",
  answer: { status: 200, item: PoolNodeCounts, metadata: "poolnodecounts" },
  errors: [],
});
