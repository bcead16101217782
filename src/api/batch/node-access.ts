// Who may log in to a node and how, its extensions, and the logs of the service on it. Data only.
import { f, model, required, requiredIn } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { ComputeNodeIdentityReference } from "./common.ts";
import { busy, oneNode } from "./nodes.ts";
import { selectPageQuery, selectQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { VMExtension } from "./virtual-machines.ts";

const secrets = {
  // Linux nodes, whose users can do without one, came with the second version.
  password: requiredIn(f.string({ secret: true }), { until: "2015-12-01.2.2" }),
  expiryTime: f.dateTime(),
  sshPublicKey: f.string({ since: "2016-02-01.3.0" }),
};

export const ComputeNodeUser = model("ComputeNodeUser", {
  name: required(f.string({ minLength: 1 })),
  isAdmin: f.boolean({ default: false }),
  ...secrets,
});

/** What is left out is not kept: the expiry becomes a day from now, password and key are gone. */
export const NodeUpdateUserParameter = model("NodeUpdateUserParameter", secrets);

export const ComputeNodeGetRemoteLoginSettingsResult = model("ComputeNodeGetRemoteLoginSettingsResult", {
  remoteLoginIPAddress: required(f.string()),
  remoteLoginPort: required(f.int32()),
  ipv6RemoteLoginIPAddress: f.string({ since: "2025-06-01", recorded: recorded.neverSent }),
  ipv6RemoteLoginPort: f.int32({ since: "2025-06-01", recorded: recorded.neverSent }),
});

export const UploadBatchServiceLogsConfiguration = model("UploadBatchServiceLogsConfiguration", {
  containerUrl: required(f.string({ minLength: 1 })),
  startTime: required(f.dateTime()),
  endTime: f.dateTime(),
  identityReference: f.object(ComputeNodeIdentityReference, { since: "2021-06-01.14.0", refused: "InvalidPropertyValue" }),
});

export const UploadBatchServiceLogsResult = model("UploadBatchServiceLogsResult", {
  virtualDirectoryName: required(f.string()),
  numberOfFilesUploaded: required(f.int32()),
});

export const InstanceViewStatus = model("InstanceViewStatus", {
  code: f.string(),
  displayStatus: f.string(),
  level: f.enum(["Error", "Info", "Warning"]),
  message: f.string(),
  time: f.string(),
});

export const VMExtensionInstanceView = model("VMExtensionInstanceView", {
  name: f.string(),
  statuses: f.array(f.object(InstanceViewStatus)),
  subStatuses: f.array(f.object(InstanceViewStatus)),
});

export const NodeVMExtension = model("NodeVMExtension", {
  provisioningState: f.string(),
  vmExtension: f.object(VMExtension),
  instanceView: f.object(VMExtensionInstanceView),
});

const users = `${oneNode}/users`;

export const addNodeUser = operation("ComputeNode_AddUser", {
  method: "POST",
  path: users,
  summary: "Adds a user account to a node.",
  query: noQuery,
  body: ComputeNodeUser,
  conditions: "none",
  recorded: recorded.nodeUsers,
  answer: { status: 201, dataServiceId: true, location: true },
  errors: [...busy, "NodeUserExists"],
});

export const updateNodeUser = operation("ComputeNode_UpdateUser", {
  method: "PUT",
  path: `${users}/{userName}`,
  summary: "Replaces what can change of a user account on a node.",
  query: noQuery,
  body: NodeUpdateUserParameter,
  conditions: "none",
  recorded: recorded.nodeUsers,
  answer: { status: 200, dataServiceId: true },
  errors: [...busy, "NodeUserNotFound"],
});

export const deleteNodeUser = operation("ComputeNode_DeleteUser", {
  method: "DELETE",
  path: `${users}/{userName}`,
  summary: "Removes a user account from a node.",
  query: noQuery,
  conditions: "none",
  recorded: recorded.nodeUsers,
  answer: { status: 200 },
  errors: [...busy, "NodeUserNotFound"],
});

/** Until 2024-02 every node of a pool of virtual machines had an endpoint of the service's own; later only pools with a NAT pool for it have one. */
export const getNodeRemoteLoginSettings = operation("ComputeNode_GetRemoteLoginSettings", {
  since: "2016-02-01.3.0",
  method: "GET",
  path: `${oneNode}/remoteloginsettings`,
  summary: "Says at which address and port one logs in to a node.",
  query: noQuery,
  conditions: "none",
  traits: { ownEndpoint: { until: "2024-02-01.19.0" } },
  recorded: recorded.remoteLogin,
  answer: {
    status: 200,
    body: ComputeNodeGetRemoteLoginSettingsResult,
    metadata: "Microsoft.Azure.Batch.Protocol.Entities.RemoteLoginSettings",
    // On this one read the service sends it (seen in 2025).
    dataServiceId: true,
  },
  errors: ["PoolNotFound", "NodeNotFound", "OperationNotValidOnNode"],
});

export const getNodeRemoteDesktop = operation("ComputeNode_GetRemoteDesktop", {
  until: "2024-02-01.19.0",
  method: "GET",
  path: `${oneNode}/rdp`,
  summary: "Reads the Remote Desktop file of a node of a Cloud Services pool; nodes of virtual machines have none.",
  query: noQuery,
  conditions: "none",
  refused: "OperationNotValidOnNode",
  answer: { status: 200, file: true },
  errors: ["PoolNotFound", "NodeNotFound", "OperationNotValidOnNode"],
});

export const uploadBatchServiceLogs = operation("ComputeNode_UploadBatchServiceLogs", {
  since: "2018-03-01.6.1",
  method: "POST",
  path: `${oneNode}/uploadbatchservicelogs`,
  summary: "Uploads the logs of a node's agent to a container. It answers at once; the files follow.",
  query: noQuery,
  body: UploadBatchServiceLogsConfiguration,
  conditions: "none",
  answer: {
    status: 200,
    body: UploadBatchServiceLogsResult,
    metadata: "Microsoft.Azure.Batch.Protocol.Entities.UploadBatchServiceLogsResult",
    dataServiceId: true,
  },
  errors: [...busy, "NodeNotReady"],
});

/** What follows `$metadata#` in their answers was not seen; it is made after the pattern of the others. */
const extensions = { since: "2021-06-01.14.0", method: "GET", conditions: "none", recorded: recorded.extensions } as const;

export const listNodeExtensions = operation("ComputeNodeExtension_List", {
  ...extensions,
  path: `${oneNode}/extensions`,
  summary: "Lists the extensions of a node.",
  query: selectPageQuery,
  answer: { status: 200, item: NodeVMExtension, metadata: "extensions" },
  errors: ["PoolNotFound", "NodeNotFound"],
});

export const getNodeExtension = operation("ComputeNodeExtension_Get", {
  ...extensions,
  path: `${oneNode}/extensions/{extensionName}`,
  summary: "Reads an extension of a node.",
  query: selectQuery,
  answer: { status: 200, body: NodeVMExtension, metadata: "extensions/@Element" },
  errors: ["PoolNotFound", "NodeNotFound", "ResourceNotFound"],
});
