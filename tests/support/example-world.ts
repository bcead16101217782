// What must be there before an example of the documents can be sent to a running Quern: pools, nodes, jobs, tasks, files, schedules,
// certificates. For each operation it builds that (with requests of the newest documented version) and says which names the example
// gets instead of its own. Names are new for every request, so examples can be sent again and again to one server.
import { createHash, webcrypto } from "node:crypto";
import { batchOperations } from "../../src/api/batch/index.ts";
import type { BatchErrorCode } from "../../src/api/errors.ts";
import type { Plain } from "../../src/api/fields.ts";
import { compareVersions, type Version } from "../../src/api/versions.ts";
import { batchUser, hostImage, sh, type User, windowsImage } from "./batch-user.ts";
import type { Example } from "./examples.ts";
import type { Quern } from "./quern.ts";

/** What the example is sent with in place of what it says. */
export type Prepared = { path?: Record<string, string>; query?: Record<string, string>; body?: (body: Plain) => Plain };

export type ExampleWorld = {
  /** Undefined where nothing needs to be there and the example is sent as it is. */
  prepare(example: Example): Promise<Prepared>;
  /** Deletes the pools with nodes that were made: called after each example, so that nodes do not add up. */
  tidy(): Promise<void>;
  user: User;
};

/** The code with which the examples of an operation are answered where they cannot succeed; undefined where they can. */
export const refusalOf = ({ operation }: Example, version: Version): BatchErrorCode | undefined =>
  // Applications are made in the management plane, which comes later.
  operation.id === "Application_Get"
    ? "ApplicationNotFound"
    : // Until it could deallocate nodes the real service reimaged those of Cloud Services only.
      operation.id === "ComputeNode_Reimage" && compareVersions(version, "2024-07-01.20.0") < 0
      ? "OperationNotValidOnNode"
      : undefined;

/** Makes a pool of two nodes that all examples share, and a task on it whose files can be read. */
export const exampleWorld = async (quern: Quern): Promise<ExampleWorld> => {
  const user = batchUser(quern);
  await user.pool("shared", { targetDedicatedNodes: 2, taskSlotsPerNode: 4 });
  await user.job("shared-job", "shared");
  let last = 0;
  const fresh = (what: string): string => `${what}-${++last}`;

  const emptyPool = async (settings: Plain = {}): Promise<string> => {
    const id = fresh("pool");
    await user.pool(id, { targetDedicatedNodes: 0, ...settings }, null);
    await user.poolIs(id, "steady");
    return id;
  };
  const withNodes: string[] = [];
  const nodePool = async (settings: Plain = {}): Promise<string> => {
    const poolId = fresh("nodes");
    withNodes.push(poolId);
    await user.pool(poolId, { targetDedicatedNodes: 1, ...settings });
    return poolId;
  };
  const node = async (settings: Plain = {}): Promise<{ poolId: string; nodeId: string }> => {
    const poolId = await nodePool(settings);
    return { poolId, nodeId: (await user.nodes(poolId))[0].id };
  };
  const sharedNode = async (): Promise<{ poolId: string; nodeId: string }> => ({
    poolId: "shared",
    nodeId: (await user.nodes("shared"))[0].id,
  });
  const job = async (settings: Plain = {}, poolId?: string): Promise<string> => {
    const id = fresh("job");
    await user.job(id, poolId ?? "no-pool", settings);
    return id;
  };
  const task = async (settings: Plain = {}): Promise<{ jobId: string; taskId: string }> => {
    const jobId = await job();
    await user.task(jobId, "task", "/bin/true", settings);
    return { jobId, taskId: "task" };
  };
  const ranTask = async (script: string): Promise<{ jobId: string; taskId: string; nodeId: string }> => {
    const taskId = fresh("ran");
    await user.task("shared-job", taskId, sh(script));
    const { nodeInfo } = await user.taskIs("shared-job", taskId);
    return { jobId: "shared-job", taskId, nodeId: nodeInfo.nodeId };
  };
  const taskFile = async (): Promise<Prepared> => {
    const { jobId, taskId } = await ranTask("echo text > testFile.txt");
    return { path: { jobId, taskId, filePath: "wd/testFile.txt" } };
  };
  const nodeFile = async (): Promise<Prepared> => {
    const { jobId, taskId, nodeId } = await ranTask("echo text > testFile.txt");
    return { path: { poolId: "shared", nodeId, filePath: `workitems/${jobId}/job-1/${taskId}/wd/testFile.txt` } };
  };
  const schedule = async (): Promise<string> => {
    const id = fresh("schedule");
    await user.ok("POST", "/jobschedules", {
      id,
      schedule: { doNotRunUntil: "2099-01-01T00:00:00Z" },
      jobSpecification: { poolInfo: { poolId: "no-pool" } },
    });
    return id;
  };
  const certificate = async (add = true): Promise<{ thumbprint: string; data: string }> => {
    const { thumbprint, data } = await newCertificate(fresh("certificate"));
    if (add) await user.ok("POST", "/certificates", { thumbprintAlgorithm: "sha1", thumbprint, data, certificateFormat: "cer" });
    return { thumbprint, data };
  };
  const onPool = async (settings: Plain = {}): Promise<Prepared> => ({ path: { poolId: await emptyPool(settings) } });
  const onNode = async (): Promise<Prepared> => ({ path: await node() });
  const onSharedNode = async (): Promise<Prepared> => ({ path: await sharedNode() });
  const onJob = async (settings: Plain = {}): Promise<Prepared> => ({ path: { jobId: await job(settings) } });
  const onSchedule = async (): Promise<Prepared> => ({ path: { jobScheduleId: await schedule() } });
  const onTask = async (settings: Plain = {}): Promise<Prepared> => ({ path: await task(settings) });
  const withUser = async (): Promise<Prepared> => {
    const path = await sharedNode();
    const userName = fresh("user");
    await user.ok("POST", `/pools/${path.poolId}/nodes/${path.nodeId}/users`, { name: userName, password: "Secret-1" });
    return { path: { ...path, userName } };
  };
  const onCertificate = async (): Promise<Prepared> => ({
    path: { thumbprintAlgorithm: "sha1", thumbprint: (await certificate()).thumbprint },
  });
  const samePool = (poolId: string) => (body: Plain) => ({ ...body, poolInfo: { poolId } });
  const inFuture = "2099-01-01T00:00:00Z";

  const ways: Readonly<Record<string, (example: Example) => Promise<Prepared>>> = {
    Pool_Add: async () => {
      const id = fresh("pool");
      // Five nodes an example, in every version, are not what the examples are about; what they say of nodes is tested elsewhere.
      return { body: (body) => ({ ...listedImage(body), id, targetDedicatedNodes: 0 }) };
    },
    Pool_Get: () => onPool(),
    Pool_Exists: () => onPool(),
    Pool_Delete: () => onPool(),
    Pool_Patch: () => onPool(),
    Pool_UpdateProperties: () => onPool(),
    Pool_Resize: () => onPool(),
    Pool_StopResize: async () => {
      const { poolId } = await node();
      const jobId = await job({}, poolId);
      await user.task(jobId, "long", "/bin/sleep 600");
      await user.taskIs(jobId, "long", "running");
      await user.ok("POST", `/pools/${poolId}/resize`, { targetDedicatedNodes: 0, nodeDeallocationOption: "taskcompletion" });
      return { path: { poolId } };
    },
    Pool_RemoveNodes: async () => {
      const poolId = await nodePool({ targetDedicatedNodes: 2 });
      const nodeList = (await user.nodes(poolId)).map(({ id }) => id);
      return { path: { poolId }, body: (body) => ({ ...body, nodeList }) };
    },
    Pool_EnableAutoScale: () => onPool(),
    Pool_DisableAutoScale: () => onPool({ targetDedicatedNodes: undefined, enableAutoScale: true, autoScaleFormula: "$TargetDedicated=0" }),
    Pool_EvaluateAutoScale: () =>
      onPool({ targetDedicatedNodes: undefined, enableAutoScale: true, autoScaleFormula: "$TargetDedicated=0" }),
    ComputeNode_List: async () => ({ path: { poolId: "shared" } }),
    ComputeNode_Get: onSharedNode,
    ComputeNode_Reboot: onNode,
    ComputeNode_Reimage: onNode,
    ComputeNode_Deallocate: onNode,
    ComputeNode_Start: async () => {
      const path = await node();
      const url = `/pools/${path.poolId}/nodes/${path.nodeId}`;
      await user.ok("POST", `${url}/deallocate`);
      await user.seen(url, (view: { state: string }) => view.state === "deallocated");
      return { path };
    },
    ComputeNode_DisableScheduling: onNode,
    ComputeNode_EnableScheduling: async () => {
      const path = await node();
      await user.ok("POST", `/pools/${path.poolId}/nodes/${path.nodeId}/disablescheduling`);
      return { path };
    },
    ComputeNode_AddUser: async () => {
      const name = fresh("user");
      return { path: await sharedNode(), body: (body) => ({ ...body, name, expiryTime: inFuture, password: "Secret-1" }) };
    },
    ComputeNode_UpdateUser: async () => ({
      ...(await withUser()),
      body: (body) => ({ ...body, expiryTime: inFuture, password: "Secret-2" }),
    }),
    ComputeNode_DeleteUser: withUser,
    ComputeNode_GetRemoteLoginSettings: async () => {
      const ssh = { name: "ssh", protocol: "tcp", backendPort: 22, frontendPortRangeStart: 15000, frontendPortRangeEnd: 15100 };
      return { path: await node({ networkConfiguration: { endpointConfiguration: { inboundNATPools: [ssh] } } }) };
    },
    ComputeNode_GetRemoteDesktop: onSharedNode,
    ComputeNode_UploadBatchServiceLogs: onSharedNode,
    ComputeNodeExtension_List: onSharedNode,
    ComputeNodeExtension_Get: async ({ path: { extensionName } }) => {
      const extensions = [{ name: extensionName, publisher: "Microsoft.Azure.Extensions", type: "CustomScript" }];
      return { path: await node({ virtualMachineConfiguration: { ...hostImage, extensions } }) };
    },
    Job_Add: async () => {
      const id = fresh("job");
      const thumbprint = "Certificate_Add" in batchOperations ? (await certificate()).thumbprint : undefined;
      return { body: (body) => ({ ...withCertificate(withImages(body), thumbprint), id }) };
    },
    Job_Get: () => onJob(),
    Job_Delete: () => onJob(),
    Job_Patch: async () => ({ ...(await onJob()), body: samePool("no-pool") }),
    Job_Update: async () => ({ ...(await onJob()), body: samePool("no-pool") }),
    Job_Disable: () => onJob(),
    Job_Enable: async () => {
      const jobId = await job();
      await user.ok("POST", `/jobs/${jobId}/disable`, { disableTasks: "requeue" });
      await user.jobIs(jobId, "disabled");
      return { path: { jobId } };
    },
    Job_Terminate: () => onJob(),
    Job_GetTaskCounts: () => onJob(),
    Job_ListPreparationAndReleaseTaskStatus: () => onJob({ jobPreparationTask: { commandLine: "/bin/true" } }),
    Job_ListFromJobSchedule: onSchedule,
    Task_Add: () => onJob({ onTaskFailure: "performexitoptionsjobaction" }),
    Task_AddCollection: () => onJob(),
    Task_List: async () => ({ path: { jobId: (await task()).jobId } }),
    Task_Get: () => onTask(),
    Task_Update: () => onTask(),
    Task_Delete: () => onTask(),
    Task_Terminate: () => onTask(),
    Task_ListSubtasks: () => onTask({ multiInstanceSettings: { numberOfInstances: 2, coordinationCommandLine: "/bin/true" } }),
    Task_Reactivate: async () => {
      const { jobId, taskId } = await ranTask("exit 1");
      return { path: { jobId, taskId } };
    },
    File_ListFromTask: async () => {
      const { jobId, taskId } = await ranTask("echo text > testFile.txt");
      return { path: { jobId, taskId } };
    },
    File_GetFromTask: taskFile,
    File_GetPropertiesFromTask: taskFile,
    File_DeleteFromTask: taskFile,
    File_ListFromComputeNode: async () => ({ path: { poolId: "shared", nodeId: (await user.nodes("shared"))[0].id } }),
    File_GetFromComputeNode: nodeFile,
    File_GetPropertiesFromComputeNode: nodeFile,
    File_DeleteFromComputeNode: nodeFile,
    JobSchedule_Add: async () => {
      const id = fresh("schedule");
      const thumbprint = "Certificate_Add" in batchOperations ? (await certificate()).thumbprint : undefined;
      return { body: (body) => ({ ...withCertificate(withImages(body), thumbprint), id }) };
    },
    JobSchedule_Exists: onSchedule,
    JobSchedule_Get: onSchedule,
    JobSchedule_Delete: onSchedule,
    JobSchedule_Patch: onSchedule,
    JobSchedule_Update: onSchedule,
    JobSchedule_Disable: onSchedule,
    JobSchedule_Enable: async () => {
      const id = await schedule();
      await user.ok("POST", `/jobschedules/${id}/disable`);
      return { path: { jobScheduleId: id } };
    },
    JobSchedule_Terminate: onSchedule,
    Certificate_Add: async () => {
      const { thumbprint, data } = await certificate(false);
      // The example's data is a row of hashes; a certificate without its key has no password.
      return { body: () => ({ thumbprintAlgorithm: "sha1", thumbprint, data, certificateFormat: "cer" }) };
    },
    Certificate_Get: onCertificate,
    Certificate_Delete: onCertificate,
    Certificate_CancelDeletion: async () => {
      const { thumbprint } = await certificate();
      const url = `/certificates(thumbprintAlgorithm=sha1,thumbprint=${thumbprint})`;
      await emptyPool({ certificateReferences: [{ thumbprint, thumbprintAlgorithm: "sha1" }] });
      await user.ok("DELETE", url);
      await user.seen(url, (view: { state: string }) => view.state === "deletefailed");
      return { path: { thumbprintAlgorithm: "sha1", thumbprint } };
    },
  };

  const tidy = async (): Promise<void> => {
    for (const poolId of withNodes.splice(0)) await user.raw({ method: "DELETE", path: `/pools/${poolId}` });
  };

  return { user, tidy, prepare: (example) => ways[example.operation.id]?.(example) ?? Promise.resolve({}) };
};

/** Some examples name images that no catalogue ever had (`20_04-lts` of UbuntuServer, `120_04-lts`): they get the one that was meant. */
const listedImage = (pool: Plain): Plain => {
  const machine = pool.virtualMachineConfiguration as
    | { imageReference: { sku?: string; offer?: string }; nodeAgentSKUId: string }
    | undefined;
  const { offer, sku } = machine?.imageReference ?? {};
  if ((offer === "UbuntuServer" && sku === "20_04-lts") || sku === "120_04-lts") {
    const imageReference = { publisher: "Canonical", offer: "0001-com-ubuntu-server-focal", sku: "20_04-lts" };
    return { ...pool, virtualMachineConfiguration: { ...machine, imageReference } };
  }
  return pool;
};

/** A job's own pool is made at once: of an image that gets no nodes. */
const withImages = (job: Plain): Plain => {
  const pool = ownPool(job);
  if (pool !== undefined) pool.virtualMachineConfiguration = { ...(pool.virtualMachineConfiguration as Plain), ...windowsImage };
  return job;
};

/** The certificate that an example's pool refers to has a made-up thumbprint: it gets that of a real one. */
const withCertificate = (job: Plain, thumbprint: string | undefined): Plain => {
  const pool = ownPool(job);
  if (pool?.certificateReferences === undefined) return job;
  const references = pool.certificateReferences as Plain[];
  pool.certificateReferences = thumbprint === undefined ? [] : references.map((reference) => ({ ...reference, thumbprint }));
  return job;
};

const ownPool = (job: Plain): Plain | undefined => {
  const specification = (job.jobSpecification ?? job) as { poolInfo?: { autoPoolSpecification?: { pool?: Plain } } };
  return specification.poolInfo?.autoPoolSpecification?.pool;
};

/** A self-signed certificate as the service takes it: base64 of its DER, named by the SHA-1 of that. */
export const newCertificate = async (name: string): Promise<{ thumbprint: string; data: string }> => {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const { privateKey, publicKey } = (await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys: { privateKey, publicKey },
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
  });
  const der = Buffer.from(made.rawData);
  return { thumbprint: createHash("sha1").update(der).digest("hex"), data: der.toString("base64") };
};
