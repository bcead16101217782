// Operations that only older versions have, for clients of their time: the images by their agents, and the upgrade of Cloud Services. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { filterListQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { ImageReference } from "./virtual-machines.ts";

export const NodeAgentSku = model("NodeAgentSku", {
  id: f.string(),
  verifiedImageReferences: f.array(f.object(ImageReference)),
  osType: f.enum(["linux", "windows"]),
});

export const listNodeAgentSkus = operation("Account_ListNodeAgentSkus", {
  since: "2016-02-01.3.0",
  until: "2018-12-01.8.0",
  method: "GET",
  path: "/nodeagentskus",
  summary: "Lists the agents that nodes can have, each with the images that it goes with.",
  query: filterListQuery,
  conditions: "none",
  answer: { status: 200, item: NodeAgentSku, metadata: "nodeagentskus" },
  errors: [],
  supersededBy: "Account_ListSupportedImages",
});

export const PoolUpgradeOSParameter = model("PoolUpgradeOSParameter", { targetOSVersion: required(f.string({ minLength: 1 })) });

export const upgradePoolOS = operation("Pool_UpgradeOS", {
  until: "2018-08-01.7.0",
  method: "POST",
  path: "/pools/{poolId}/upgradeos",
  recorded: recorded.upgrade,
  summary: "Gives a pool of Cloud Services another version of its operating system; no other pool can be upgraded.",
  query: noQuery,
  body: PoolUpgradeOSParameter,
  conditions: "all",
  answer: { status: 202, etag: true, dataServiceId: true },
  errors: ["PoolNotFound", "PoolBeingDeleted", "OperationNotValidOnPool"],
});
