// The demo's own program, written as a user of Azure Batch would: @azure/batch and @azure/storage-blob against an endpoint and an
// account, nothing of Quern. It counts the words of text files, one task a file, and merges the counts in a task that depends on all.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { BatchServiceClient, type BatchServiceModels, BatchSharedKeyCredentials } from "@azure/batch";
import { BlobSASPermissions, BlobServiceClient, type ContainerClient, ContainerSASPermissions } from "@azure/storage-blob";

export type Endpoint = { batchUrl: string; account: string; key: string; storageConnectionString: string };
export type TaskTiming = { file: string; waitedMs: number; ranMs: number };
export type Result = {
  topWords: { word: string; count: number }[];
  words: number;
  timings: TaskTiming[];
  mergeMs: number;
  jobId: string;
  poolId: string;
};
export type Progress = (step: string, done?: number, of?: number) => void;

const countWords = `/bin/sh -c "tr -cs 'A-Za-z' '\\n' <input.txt | tr 'A-Z' 'a-z' | grep . | sort | uniq -c | sort -rn >words.txt"`;
const mergeCounts = `/bin/sh -c "cat counts/*.txt | awk '{n[$2]+=$1} END {for (w in n) print n[w], w}' | sort -k1,1nr -k2 >merged.txt; head -n 10 merged.txt; wc -l <merged.txt"`;
const mergeTaskId = "merge";

export const wordCount = async (endpoint: Endpoint, files: string[], progress: Progress): Promise<Result> => {
  const batch = new BatchServiceClient(new BatchSharedKeyCredentials(endpoint.account, endpoint.key), endpoint.batchUrl);
  const blobs = BlobServiceClient.fromConnectionString(endpoint.storageConnectionString);
  const [poolId, jobId] = ["demo-pool", "demo-words"];

  progress("creating a pool of 2 nodes with 2 slots each");
  await createPool(batch, poolId);
  const inputs = await uploadInputs(blobs.getContainerClient("demo-input"), files, progress);
  const results = blobs.getContainerClient("demo-results");
  await results.createIfNotExists();
  const resultsUrl = await containerUrl(results);

  await batch.job.add({ id: jobId, poolInfo: { poolId }, usesTaskDependencies: true });
  const tasks = inputs.map((input, index) => countTask(`count-${index + 1}`, input.url, resultsUrl));
  await addTasks(batch, jobId, [
    ...tasks,
    mergeTask(
      tasks.map((task) => task.id),
      resultsUrl,
    ),
  ]);
  await batch.job.patch(jobId, { onAllTasksComplete: "terminatejob" });
  await waitForJob(batch, jobId, tasks.length + 1, progress);

  const done = await listTasks(batch, jobId);
  failOnFailedTasks(done);
  const output = await readTaskFile(batch, jobId, mergeTaskId, "stdout.txt");
  return { ...parseMerged(output), ...timingsOf(done, files), jobId, poolId };
};

const createPool = async (batch: BatchServiceClient, poolId: string): Promise<void> => {
  const images = await batch.account.listSupportedImages();
  const image = images.find((candidate) => candidate.verificationType === "verified" && candidate.osType === "linux");
  if (image === undefined) throw new Error("the account offers no verified Linux image");
  await batch.pool.add({
    id: poolId,
    vmSize: "standard_d2_v3",
    targetDedicatedNodes: 2,
    taskSlotsPerNode: 2,
    virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSKUId: image.nodeAgentSKUId },
  });
};

const uploadInputs = async (container: ContainerClient, files: string[], progress: Progress): Promise<{ url: string }[]> => {
  await container.createIfNotExists();
  const uploaded: { url: string }[] = [];
  for (const [index, file] of files.entries()) {
    const blob = container.getBlockBlobClient(`${index + 1}/${basename(file)}`);
    const text = await readFile(file);
    await blob.upload(text, text.length);
    uploaded.push({ url: await blob.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: inAnHour() }) });
    progress("uploading input", index + 1, files.length);
  }
  return uploaded;
};

const inAnHour = (): Date => new Date(Date.now() + 3_600_000);

const containerUrl = (container: ContainerClient): Promise<string> =>
  container.generateSasUrl({ permissions: ContainerSASPermissions.parse("rcwl"), expiresOn: inAnHour() });

const countTask = (id: string, inputUrl: string, resultsUrl: string): BatchServiceModels.TaskAddParameter => ({
  id,
  commandLine: countWords,
  resourceFiles: [{ httpUrl: inputUrl, filePath: "input.txt" }],
  outputFiles: [
    {
      filePattern: "words.txt",
      destination: { container: { containerUrl: resultsUrl, path: `counts/${id}.txt` } },
      uploadOptions: { uploadCondition: "tasksuccess" },
    },
  ],
});

const mergeTask = (dependsOn: string[], resultsUrl: string): BatchServiceModels.TaskAddParameter => ({
  id: mergeTaskId,
  commandLine: mergeCounts,
  dependsOn: { taskIds: dependsOn },
  resourceFiles: [{ storageContainerUrl: resultsUrl, blobPrefix: "counts/" }],
});

const addTasks = async (batch: BatchServiceClient, jobId: string, tasks: BatchServiceModels.TaskAddParameter[]): Promise<void> => {
  for (let start = 0; start < tasks.length; start += 100) {
    const added = await batch.task.addCollection(jobId, tasks.slice(start, start + 100));
    const refused = added.value?.find((result) => result.status.toLowerCase() !== "success");
    if (refused !== undefined) throw new Error(`task ${refused.taskId} was refused: ${refused.error?.code}`);
  }
};

const waitForJob = async (batch: BatchServiceClient, jobId: string, tasks: number, progress: Progress): Promise<void> => {
  for (;;) {
    const { taskCounts } = await batch.job.getTaskCounts(jobId);
    progress("running tasks", taskCounts.completed, tasks);
    if ((await batch.job.get(jobId)).state === "completed") return;
    if (taskCounts.failed > 0) failOnFailedTasks(await listTasks(batch, jobId));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

const listTasks = async (batch: BatchServiceClient, jobId: string): Promise<BatchServiceModels.CloudTask[]> => {
  const tasks: BatchServiceModels.CloudTask[] = [];
  let page = await batch.task.list(jobId);
  for (;;) {
    tasks.push(...page);
    if (page.odatanextLink === undefined) return tasks;
    page = await batch.task.listNext(page.odatanextLink);
  }
};

const failOnFailedTasks = (tasks: BatchServiceModels.CloudTask[]): void => {
  const failed = tasks.find((task) => task.executionInfo?.result === "failure");
  if (failed === undefined) return;
  const { exitCode, failureInfo } = failed.executionInfo!;
  throw new Error(`task ${failed.id} failed: exit code ${exitCode}, ${failureInfo?.code}: ${failureInfo?.message}`);
};

const readTaskFile = async (batch: BatchServiceClient, jobId: string, taskId: string, path: string): Promise<string> => {
  const file = await batch.file.getFromTask(jobId, taskId, path);
  const chunks: Buffer[] = [];
  for await (const chunk of file.readableStreamBody!) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
};

const parseMerged = (output: string): { topWords: { word: string; count: number }[]; words: number } => {
  const lines = output.trim().split("\n");
  const topWords = lines.slice(0, -1).map((line) => {
    const [count, word] = line.trim().split(" ");
    return { word: word!, count: Number(count) };
  });
  return { topWords, words: Number(lines.at(-1)) };
};

const timingsOf = (tasks: BatchServiceModels.CloudTask[], files: string[]): { timings: TaskTiming[]; mergeMs: number } => {
  const ran = (task: BatchServiceModels.CloudTask): number =>
    task.executionInfo!.endTime!.getTime() - task.executionInfo!.startTime!.getTime();
  const timings = tasks
    .filter((task) => task.id !== mergeTaskId)
    .map((task) => ({
      file: files[Number(task.id!.slice("count-".length)) - 1]!,
      waitedMs: task.executionInfo!.startTime!.getTime() - task.creationTime!.getTime(),
      ranMs: ran(task),
    }))
    .sort((a, b) => a.file.localeCompare(b.file));
  return { timings, mergeMs: ran(tasks.find((task) => task.id === mergeTaskId)!) };
};
