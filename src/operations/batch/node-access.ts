// What the operations around a node do: where one logs in to it, which extensions it has, and its logs. Uploading them is the agent's
// business, for which it gets a chore: that outlives both of us.
import { createHash } from "node:crypto";
import type { LogRequest } from "../../api/agent/messages.ts";
import type * as api from "../../api/batch/node-access.ts";
import { ApiError, type BatchErrorCode, invalidProperty } from "../../api/errors.ts";
import type { Infer } from "../../api/fields.ts";
import type { Node } from "../../domain/nodes.ts";
import type { Pool } from "../../domain/pools.ts";
import { isHttpUrl } from "../../domain/staging-checks.ts";
import { NodeUnreachable } from "../../node-management/channel.ts";
import { addChores } from "../../store/chores.ts";
import { checkNode } from "../../store/nodes.ts";
import type { Handler, Services } from "../handler.ts";
import { unreachableCode } from "./files.ts";
import { cutPage, loadNode } from "./load.ts";
import { osTypeOf } from "./node-users.ts";
import { addressIndex, endpointsView } from "./views/nodes.ts";

const notOnNode = (reason: string): ApiError => new ApiError("OperationNotValidOnNode", [{ key: "Reason", value: reason }]);

/** The service's own words (of reimage, seen in 2020). */
export const onlyCloudServices = (operation: string): ApiError =>
  notOnNode(`Operation ${operation} can be invoked only on pools created with cloudServiceConfiguration`);

const loginPorts = { linux: 22, windows: 3389 } as const;
/** Of the endpoints that the service made by itself for each node, in the order of their addresses. */
const firstOwnPort = 50_000;

/** That nodes without any endpoint for it are refused with this code: unverified. */
export const getNodeRemoteLoginSettings: Handler<typeof api.getNodeRemoteLoginSettings> = async (request, { store, images }) => {
  const { principal, params, baseUrl, traits } = request;
  const { pool, node } = await loadNode(store, principal.accountId, params.poolId, params.nodeId);
  const backendPort = loginPorts[osTypeOf(pool, images)];
  const endpoint = endpointsView(node, pool, baseUrl).find((one) => one.backendPort === backendPort && one.protocol === "tcp");
  if (endpoint !== undefined) return { body: { remoteLoginIPAddress: endpoint.publicIPAddress, remoteLoginPort: endpoint.frontendPort } };
  if (traits.has("ownEndpoint") && pool.spec.virtualMachineConfiguration !== undefined)
    return { body: { remoteLoginIPAddress: node.address, remoteLoginPort: firstOwnPort + addressIndex(node) } };
  throw notOnNode(`The pool has no inbound NAT pool for port ${backendPort}, so its nodes have no endpoint for remote login.`);
};

/** Nodes of Cloud Services pools cannot be had, and no other kind has such a file. */
export const getNodeRemoteDesktop: Handler<typeof api.getNodeRemoteDesktop> = async ({ principal, params }, { store }) => {
  await loadNode(store, principal.accountId, params.poolId, params.nodeId);
  throw onlyCloudServices("rdp");
};

export const uploadBatchServiceLogs: Handler<typeof api.uploadBatchServiceLogs> = async (request, services) => {
  const { principal, params, body, requestId } = request;
  const asked = logRequest(body);
  const { pool, node } = await loadNode(services.store, principal.accountId, params.poolId, params.nodeId);
  const files = await countLogs(node, asked, services);
  const directory = logDirectory(principal.accountName, pool, node, requestId);
  if (files > 0) {
    const { accountId, id: nodeId } = node;
    const chore = { type: "uploadLogs", directory, ...asked } as const;
    const id = services.clock.stamp();
    await services.store.decide(async (read) => {
      const now = await loadNode(read, accountId, params.poolId, params.nodeId);
      return { writes: [checkNode(now.node), ...addChores([{ accountId, nodeId, id, chore }])], result: undefined };
    });
    services.wake.chores([{ accountId, nodeId }]);
  }
  return { body: { virtualDirectoryName: directory, numberOfFilesUploaded: files } };
};

/** The URL is kept out of the errors: it carries a signature. */
const logRequest = (body: Infer<typeof api.UploadBatchServiceLogsConfiguration>): LogRequest => {
  if (!isHttpUrl(body.containerUrl)) throw invalidProperty("containerUrl", "The URL must be an absolute http or https URL.");
  if (body.identityReference !== undefined)
    throw invalidProperty("identityReference", "There are no managed identities here: the URL must carry a shared access signature.");
  const from = Date.parse(body.startTime);
  const to = body.endTime === undefined ? undefined : Date.parse(body.endTime);
  if (to !== undefined && to < from) throw invalidProperty("endTime", "The end time must not be before the start time.", body.endTime);
  return { containerUrl: body.containerUrl, from, ...(to === undefined ? {} : { to }) };
};

const countLogs = async (node: Node, asked: LogRequest, { channel }: Services): Promise<number> => {
  const unreachable: BatchErrorCode = unreachableCode(node);
  if (node.agentId === undefined) throw new ApiError(unreachable);
  try {
    const answer = await channel.logs(node.agentId, node.id, asked);
    if (answer.type === "logs") return answer.files;
    if (answer.type === "refused" && answer.reason === "denied") throw invalidProperty("containerUrl", answer.message);
    throw new ApiError(unreachable);
  } catch (error) {
    if (error instanceof NodeUnreachable) throw new ApiError(unreachable);
    throw error;
  }
};

const accountHexDigits = 16;

/** `{account}-{HEX}/{pool}/{node}/{request id}` was seen; the digits tell accounts of one name apart, here always the same for one. */
const logDirectory = (account: string, pool: Pool, node: Node, requestId: string): string => {
  const hex = createHash("sha256").update(account).digest("hex").slice(0, accountHexDigits).toUpperCase();
  return `${account}-${hex}/${pool.id}/${node.id}/${requestId}`;
};

export const listNodeExtensions: Handler<typeof api.listNodeExtensions> = async ({ principal, params, page }, { store }) => {
  const { pool } = await loadNode(store, principal.accountId, params.poolId, params.nodeId);
  const all = extensionsOf(pool);
  const start = page.after === undefined ? 0 : all.findIndex(({ name }) => name === page.after) + 1;
  const { elements, next } = cutPage(all.slice(start, start + page.limit + 1), page.limit, ({ name }) => name);
  return { items: elements.map(extensionView), next };
};

/** The code for an extension that is not there: unverified. */
export const getNodeExtension: Handler<typeof api.getNodeExtension> = async ({ principal, params }, { store }) => {
  const { pool } = await loadNode(store, principal.accountId, params.poolId, params.nodeId);
  const extension = extensionsOf(pool).find(({ name }) => name.toLowerCase() === params.extensionName.toLowerCase());
  if (extension === undefined) throw new ApiError("ResourceNotFound");
  return { body: extensionView(extension) };
};

type Extension = NonNullable<NonNullable<Pool["spec"]["virtualMachineConfiguration"]>["extensions"]>[number];

const extensionsOf = ({ spec }: Pool): readonly Extension[] => spec.virtualMachineConfiguration?.extensions ?? [];

/** As of one that is provisioned, which on the service is so before a node can be used; the message tells what is different here. */
const extensionView = (extension: Extension): Infer<typeof api.NodeVMExtension> => ({
  provisioningState: "Succeeded",
  vmExtension: extension,
  instanceView: {
    name: extension.name,
    statuses: [
      {
        code: "ProvisioningState/succeeded",
        level: "Info",
        displayStatus: "Provisioning succeeded",
        message: "Recorded: extensions of virtual machines do not run on host nodes.",
      },
    ],
  },
});
