// What a user of npm's Azure Batch clients does with the whole data plane: one program for @azure/batch 7, 8 and 10, which differ in the
// names of a few properties, and in what their versions have. Every operation that the client has is called once at least.
import assert from "node:assert/strict";
import { newCertificate } from "../support/example-world.ts";
import { until } from "../support/quern.ts";

/** What a version calls things, and lacks. */
export type Dialect = { slots: "taskSlotsPerNode" | "maxTasksPerNode"; flatCounts: boolean; images: boolean; extensions: boolean };

// The clients' own types differ from version to version; what is used of them is checked by using it.
type Client = any;

const image = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };

export const useWholeClient = async (client: Client, dialect: Dialect): Promise<void> => {
  await pools(client, dialect);
  await jobsAndTasks(client, dialect);
  await files(client);
  await nodes(client, dialect);
  await schedules(client);
  await autoScale(client, dialect);
  await certificates(client);
  await accounts(client, dialect);
  await client.job.deleteMethod("job");
  await client.pool.deleteMethod("pool");
  await until(
    () => client.pool.exists("pool").then((answer: any) => answer.body),
    (there) => !there,
  );
};

const poolOf = (id: string, nodes: number, { slots }: Dialect) => ({
  id,
  vmSize: "STANDARD_D2_V3",
  targetDedicatedNodes: nodes,
  [slots]: 4,
  virtualMachineConfiguration: { imageReference: image, nodeAgentSKUId: "batch.node.ubuntu 22.04" },
});

const idle = (client: Client, poolId: string, count: number): Promise<any> =>
  until(
    () => client.computeNode.list(poolId),
    (list: any[]) => list.length === count && list.every((node) => node.state === "idle"),
  );
const steady = (client: Client, poolId: string): Promise<any> =>
  until(
    () => client.pool.get(poolId),
    (pool: any) => pool.allocationState === "steady",
  );

const pools = async (client: Client, dialect: Dialect): Promise<void> => {
  await client.pool.add({ ...poolOf("pool", 2, dialect), metadata: [{ name: "who", value: "npm" }] });
  const made = await client.pool.get("pool");
  assert.deepEqual([made.id, made.vmSize, made[dialect.slots], made.metadata[0].value], ["pool", "standard_d2_v3", 4, "npm"]);
  assert.equal((await client.pool.exists("pool")).body, true);
  assert.ok((await client.pool.list()).some(({ id }: any) => id === "pool"));
  await idle(client, "pool", 2);
  await client.pool.patch("pool", { metadata: [{ name: "who", value: "patched" }] });
  await client.pool.updateProperties("pool", { applicationPackageReferences: [], certificateReferences: [], metadata: [] });
  assert.deepEqual((await client.pool.get("pool")).metadata ?? [], []);
  await client.pool.resize("pool", { targetDedicatedNodes: 3 });
  await steady(client, "pool");
  const [first] = await idle(client, "pool", 3);
  await client.pool.removeNodes("pool", { nodeList: [first.id] });
  await steady(client, "pool");
  await idle(client, "pool", 2);
  // A resize that waits for a task to end can be stopped.
  await client.pool.add(poolOf("stopped", 1, dialect));
  await idle(client, "stopped", 1);
  await client.job.add({ id: "long", poolInfo: { poolId: "stopped" } });
  await client.task.add("long", { id: "t", commandLine: "/bin/sleep 600" });
  await until(
    () => client.task.get("long", "t"),
    (task: any) => task.state === "running",
  );
  await client.pool.resize("stopped", { targetDedicatedNodes: 0, nodeDeallocationOption: "taskcompletion" });
  await client.pool.stopResize("stopped");
  await steady(client, "stopped");
  await client.job.deleteMethod("long");
  await client.pool.deleteMethod("stopped");
};

const jobsAndTasks = async (client: Client, dialect: Dialect): Promise<void> => {
  await client.job.add({ id: "job", poolInfo: { poolId: "pool" }, priority: 5, usesTaskDependencies: true });
  assert.equal((await client.job.get("job")).priority, 5);
  assert.ok((await client.job.list()).some(({ id }: any) => id === "job"));
  await client.job.patch("job", { priority: 6 });
  await client.job.update("job", { priority: 7, poolInfo: { poolId: "pool" } });
  assert.equal((await client.job.get("job")).priority, 7);
  await client.job.disable("job", "requeue");
  await until(
    () => client.job.get("job"),
    (job: any) => job.state === "disabled",
  );
  await client.task.add("job", { id: "waits", commandLine: "/bin/true" });
  await client.task.update("job", "waits", { constraints: { maxTaskRetryCount: 2 } });
  assert.equal((await client.task.get("job", "waits")).constraints.maxTaskRetryCount, 2);
  await client.task.deleteMethod("job", "waits");
  await client.job.enable("job");
  const many = [
    { id: "good", commandLine: "/bin/sh -c 'echo out; echo data > data.txt'" },
    { id: "bad", commandLine: "/bin/sh -c 'exit 3'" },
    { id: "ended", commandLine: "/bin/sleep 600" },
  ];
  const added = await client.task.addCollection("job", many);
  assert.deepEqual(
    added.value.map(({ status }: any) => status.toLowerCase()),
    ["success", "success", "success"],
  );
  const states = async (): Promise<string[]> => (await client.task.list("job")).map(({ state }: any) => state);
  await until(states, (all) => all.filter((state) => state === "completed").length === 2);
  await client.task.terminate("job", "ended");
  await until(states, (all) => all.every((state) => state === "completed"));
  const bad = await client.task.get("job", "bad");
  assert.deepEqual([bad.executionInfo.exitCode, bad.executionInfo.result.toLowerCase()], [3, "failure"]);
  await client.task.reactivate("job", "bad");
  await until(states, (all) => all.every((state) => state === "completed"));
  const counts = await client.job.getTaskCounts("job");
  const { succeeded, failed } = dialect.flatCounts ? counts : counts.taskCounts;
  assert.deepEqual([succeeded, failed], [1, 2]);
  await client.task.add("job", {
    id: "gang",
    commandLine: "/bin/true",
    multiInstanceSettings: { numberOfInstances: 2, coordinationCommandLine: "/bin/true" },
  });
  assert.ok(Array.isArray((await client.task.listSubtasks("job", "gang")).value));
  await client.job.add({ id: "prepared", poolInfo: { poolId: "pool" }, jobPreparationTask: { commandLine: "/bin/true" } });
  assert.deepEqual([...(await client.job.listPreparationAndReleaseTaskStatus("prepared"))], []);
  await client.job.terminate("prepared", { terminateReason: "enough" });
  await until(
    () => client.job.get("prepared"),
    (job: any) => job.state === "completed",
  );
  await assert.rejects(client.job.get("none"), { code: "JobNotFound" });
};

/** The text of a download: a stream here, whatever the client. */
const textOf = async (answer: any): Promise<string> => {
  let text = "";
  for await (const chunk of answer.readableStreamBody) text += chunk;
  return text;
};

const files = async (client: Client): Promise<void> => {
  assert.ok((await client.file.listFromTask("job", "good", { recursive: true })).some(({ name }: any) => name === "stdout.txt"));
  assert.equal(await textOf(await client.file.getFromTask("job", "good", "stdout.txt")), "out\n");
  assert.equal((await client.file.getPropertiesFromTask("job", "good", "wd/data.txt")).contentLength, 5);
  await client.file.deleteFromTask("job", "good", "wd/data.txt");
  await assert.rejects(client.file.getPropertiesFromTask("job", "good", "wd/data.txt"), { statusCode: 404 });
  const { nodeId } = (await client.task.get("job", "good")).nodeInfo;
  const path = "workitems/job/job-1/good/stderr.txt";
  assert.ok((await client.file.listFromComputeNode("pool", nodeId)).some(({ name }: any) => name === "workitems"));
  assert.equal(await textOf(await client.file.getFromComputeNode("pool", nodeId, path)), "");
  assert.equal((await client.file.getPropertiesFromComputeNode("pool", nodeId, path)).contentLength, 0);
  await client.file.deleteFromComputeNode("pool", nodeId, path);
};

const nodes = async (client: Client, dialect: Dialect): Promise<void> => {
  const [{ id }] = await idle(client, "pool", 2);
  const { computeNode } = client;
  assert.equal((await computeNode.get("pool", id)).state, "idle");
  await computeNode.addUser("pool", id, { name: "someone", password: "Secret-1", isAdmin: true });
  await computeNode.updateUser("pool", id, "someone", { password: "Secret-2" });
  await computeNode.deleteUser("pool", id, "someone");
  const settings = await computeNode.getRemoteLoginSettings("pool", id);
  assert.equal(typeof settings.remoteLoginPort, "number");
  await computeNode.disableScheduling("pool", id);
  await computeNode.enableScheduling("pool", id);
  // Nodes of Cloud Services only: so it answers in these versions, here as there.
  await assert.rejects(computeNode.reimage("pool", id), { code: "OperationNotValidOnNode" });
  await assert.rejects(computeNode.getRemoteDesktop("pool", id), (error: any) => error.statusCode === 409 || error.statusCode === 400);
  await computeNode
    .uploadBatchServiceLogs("pool", id, { containerUrl: "http://127.0.0.1:9/logs?sig=none", startTime: new Date(0) })
    .catch((error: any) => assert.ok(error.statusCode >= 400 && error.statusCode < 500, String(error)));
  if (dialect.extensions) {
    assert.deepEqual([...(await client.computeNodeExtension.list("pool", id))], []);
    await assert.rejects(client.computeNodeExtension.get("pool", id, "none"), { statusCode: 404 });
  }
  await computeNode.reboot("pool", id);
  await idle(client, "pool", 2);
};

const schedules = async (client: Client): Promise<void> => {
  const { jobSchedule } = client;
  const start = { doNotRunUntil: new Date("2099-01-01T00:00:00Z"), recurrenceInterval: "PT1H" };
  await jobSchedule.add({ id: "schedule", schedule: start, jobSpecification: { poolInfo: { poolId: "pool" } } });
  assert.equal((await jobSchedule.exists("schedule")).body, true);
  assert.equal((await jobSchedule.get("schedule")).state, "active");
  assert.ok((await jobSchedule.list()).some(({ id }: any) => id === "schedule"));
  await jobSchedule.patch("schedule", { metadata: [{ name: "a", value: "b" }] });
  await jobSchedule.update("schedule", { schedule: start, jobSpecification: { priority: 3, poolInfo: { poolId: "pool" } } });
  await jobSchedule.disable("schedule");
  assert.equal((await jobSchedule.get("schedule")).state, "disabled");
  await jobSchedule.enable("schedule");
  assert.deepEqual([...(await client.job.listFromJobSchedule("schedule"))], []);
  await jobSchedule.terminate("schedule");
  await jobSchedule.deleteMethod("schedule");
};

const autoScale = async (client: Client, dialect: Dialect): Promise<void> => {
  await client.pool.add(poolOf("scaled", 0, dialect));
  await steady(client, "scaled");
  await client.pool.enableAutoScale("scaled", { autoScaleFormula: "$TargetDedicatedNodes = 0;" });
  const run = await client.pool.evaluateAutoScale("scaled", "$TargetDedicatedNodes = 1;");
  assert.match(run.results, /\$TargetDedicatedNodes=1/);
  assert.equal((await client.pool.get("scaled")).enableAutoScale, true);
  await client.pool.disableAutoScale("scaled");
  assert.equal((await client.pool.get("scaled")).enableAutoScale, false);
  await client.pool.deleteMethod("scaled");
};

const certificates = async ({ certificate }: Client): Promise<void> => {
  const { thumbprint, data } = await newCertificate("npm");
  await certificate.add({ thumbprintAlgorithm: "sha1", thumbprint, data, certificateFormat: "cer" });
  assert.equal((await certificate.get("sha1", thumbprint)).thumbprint.toLowerCase(), thumbprint);
  assert.ok((await certificate.list()).length > 0);
  await assert.rejects(certificate.cancelDeletion("sha1", thumbprint), { code: "CertificateStateActive" });
  await certificate.deleteMethod("sha1", thumbprint);
};

const accounts = async (client: Client, dialect: Dialect): Promise<void> => {
  const images = await (dialect.images ? client.account.listSupportedImages() : client.account.listNodeAgentSkus());
  assert.ok(images.length > 0);
  const counts = await client.account.listPoolNodeCounts();
  assert.equal(counts.find(({ poolId }: any) => poolId === "pool").dedicated.total, 2);
  assert.deepEqual([...(await client.application.list())], []);
  await assert.rejects(client.application.get("none"), { code: "ApplicationNotFound" });
  assert.ok(Array.isArray([...(await client.pool.listUsageMetrics())]));
  if (client.pool.getAllLifetimeStatistics !== undefined)
    assert.ok((await client.pool.getAllLifetimeStatistics()).startTime instanceof Date);
  if (client.job.getAllLifetimeStatistics !== undefined) assert.ok((await client.job.getAllLifetimeStatistics()).startTime instanceof Date);
};
