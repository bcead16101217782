// What the operations on files answer, for files of nodes and of tasks: names, headers, ranges, pages, and every refusal with its code.
import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { Task } from "../../src/domain/tasks.ts";
import { insertJob } from "../../src/store/jobs.ts";
import { insertNodes } from "../../src/store/nodes.ts";
import { insertTasks } from "../../src/store/tasks.ts";
import { aPoolBody, aService, refuses, type Service } from "./operations-fixtures.ts";
import { aJob, aNode, aTask, completed, running } from "./store-fixtures.ts";

const node1 = { poolId: "Pool1", nodeId: "tvmps_1_d" };
const ofTask = (filePath?: string) => ({ params: { jobId: "job1", taskId: "task1", ...(filePath === undefined ? {} : { filePath }) } });
const ofNode = (filePath?: string) => ({
  params: { poolId: "pool1", nodeId: "tvmps_1_d", ...(filePath === undefined ? {} : { filePath }) },
});
const root = "workitems/Job1/job-1/Task1";
const modifiedAt = Date.UTC(2026, 0, 1);

const onNode = (task: Task): Task => ({ ...task, execution: { ...task.execution, node: node1 } });

const withFiles = async (service: Service, task: Task = onNode(completed(aTask(1)))): Promise<void> => {
  await service.call("Pool_Add", { body: aPoolBody() });
  await service.store.commit([...insertNodes([aNode({ agentId: "agent" })]), ...insertJob(aJob()), ...insertTasks([task], [])]);
  const files = new Map([
    [`${root}/stdout.txt`, "hello world"],
    [`${root}/stderr.txt`, ""],
    [`${root}/wd/out put+1.bin`, "12345"],
    ["startup/stdout.txt", "started"],
    ["shared/", ""],
  ]);
  service.files.set("tvmps_1_d", files);
};

test("a task's files are named from its directory", async (t) => {
  const service = await aService(t);
  await withFiles(service);
  const { items } = await service.call("File_ListFromTask", { ...ofTask(), query: { recursive: "true" } });
  assert.deepEqual(items, [
    {
      name: "stderr.txt",
      url: "https://account.example:10020/jobs/Job1/tasks/Task1/files/stderr.txt",
      isDirectory: false,
      properties: { lastModified: "2026-01-01T00:00:00Z", contentLength: "0", contentType: "text/plain", fileMode: "0o100644" },
    },
    {
      name: "stdout.txt",
      url: "https://account.example:10020/jobs/Job1/tasks/Task1/files/stdout.txt",
      isDirectory: false,
      properties: { lastModified: "2026-01-01T00:00:00Z", contentLength: "11", contentType: "text/plain", fileMode: "0o100644" },
    },
    { name: "wd", url: "https://account.example:10020/jobs/Job1/tasks/Task1/files/wd", isDirectory: true },
    {
      name: "wd/out put+1.bin",
      url: "https://account.example:10020/jobs/Job1/tasks/Task1/files/wd/out%20put%2B1.bin",
      isDirectory: false,
      properties: {
        lastModified: "2026-01-01T00:00:00Z",
        contentLength: "5",
        contentType: "application/octet-stream",
        fileMode: "0o100644",
      },
    },
  ]);
});

test("without recursion only what is directly there; pages and filters go by name", async (t) => {
  const service = await aService(t);
  await withFiles(service);
  const names = async (call: object) => (await service.call("File_ListFromTask", { ...ofTask(), ...call })).items.map(({ name }) => name);
  assert.deepEqual(await names({}), ["stderr.txt", "stdout.txt", "wd"]);
  assert.deepEqual(await names({ page: { limit: 1, after: "stderr.txt" } }), ["stdout.txt"]);
  assert.deepEqual(await names({ filter: { type: "startswith", property: "name", value: "std" } }), ["stderr.txt", "stdout.txt"]);
  const { reply } = await service.call("File_ListFromTask", { ...ofTask(), page: { limit: 2 } });
  assert.equal(reply.next, "stdout.txt");
  const ofNodes = await service.call("File_ListFromComputeNode", ofNode());
  assert.deepEqual(
    ofNodes.items.map(({ name }) => name),
    ["shared", "startup", "workitems"],
  );
});

test("a file is read whole or in part, with the headers that clients need", async (t) => {
  const service = await aService(t);
  await withFiles(service);
  const { reply } = await service.call("File_GetFromTask", ofTask("wd\\out put+1.bin"));
  assert.deepEqual([await text(reply.file!.stream!), reply.file!.length], ["12345", 5]);
  assert.deepEqual(reply.file!.headers, {
    "content-type": "application/octet-stream",
    "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
    "ocp-batch-file-isdirectory": "False",
    "ocp-batch-file-mode": "0o100644",
    "ocp-batch-file-url": encodeURIComponent("https://account.example:10020/jobs/Job1/tasks/Task1/files/wd/out put+1.bin"),
  });
  const part = await service.call("File_GetFromTask", { ...ofTask("stdout.txt"), range: { start: 6, end: 8 } });
  assert.deepEqual([await text(part.reply.file!.stream!), part.reply.file!.length], ["wor", 3]);
  const looked = await service.call("File_GetPropertiesFromComputeNode", ofNode("startup/stdout.txt"));
  assert.deepEqual([looked.reply.file!.length, looked.reply.file!.headers["content-type"]], [7, "text/plain"]);
  const directory = await service.call("File_GetPropertiesFromComputeNode", ofNode("startup"));
  assert.equal(directory.reply.file!.headers["ocp-batch-file-isdirectory"], "True");
});

test("files that cannot be read", async (t) => {
  const service = await aService(t);
  await withFiles(service);
  await refuses(t, service, "File_GetFromTask", [
    { name: "none of the name", call: ofTask("x"), code: "FileNotFound" },
    { name: "a path that climbs", call: ofTask("../Task2/stdout.txt"), code: "FileNotFound" },
    { name: "a path that climbs by backslashes", call: ofTask("wd\\..\\..\\x"), code: "FileNotFound" },
    { name: "a directory", call: ofTask("wd"), code: "ResourceTypeMismatch" },
    { name: "a range behind the end", call: { ...ofTask("stdout.txt"), range: { start: 11 } }, code: "InvalidRange" },
    { name: "unchanged since", call: { ...ofTask("stdout.txt"), preconditions: { ifModifiedSince: modifiedAt } }, code: "ConditionNotMet" },
    {
      name: "changed since",
      call: { ...ofTask("stdout.txt"), preconditions: { ifUnmodifiedSince: modifiedAt - 1000 } },
      code: "ConditionNotMet",
    },
    { name: "of no task", call: { params: { jobId: "job1", taskId: "x", filePath: "x" } }, code: "TaskNotFound" },
  ]);
  await refuses(t, service, "File_GetFromComputeNode", [
    { name: "of no node", call: { params: { poolId: "pool1", nodeId: "x", filePath: "x" } }, code: "NodeNotFound" },
  ]);
});

test("files are deleted, directories with what is in them only when asked", async (t) => {
  const service = await aService(t);
  await withFiles(service);
  await refuses(t, service, "File_DeleteFromTask", [
    { name: "a directory that is not empty", call: ofTask("wd"), code: "OperationInvalidForCurrentState" },
    { name: "nothing", call: ofTask("x"), code: "FileNotFound" },
  ]);
  await service.call("File_DeleteFromTask", { ...ofTask("wd"), query: { recursive: "true" } });
  await service.call("File_DeleteFromComputeNode", ofNode("startup/stdout.txt"));
  const files = service.files.get("tvmps_1_d")!;
  assert.deepEqual([...files.keys()], [`${root}/stdout.txt`, `${root}/stderr.txt`, "shared/"]);
});

test("a task that has not run has no files", async (t) => {
  const service = await aService(t);
  await withFiles(service, aTask(1));
  const error = await service.refusal("File_ListFromTask", ofTask());
  assert.equal(error.code, "OperationInvalidForCurrentState");
  assert.deepEqual(error.values, [
    { key: "Reason", value: "The files of the specified task cannot be accessed as the task state is still active" },
  ]);
});

test("files that are gone: the directory, the node, the way to it", async (t) => {
  const service = await aService(t);
  await withFiles(service);
  service.files.get("tvmps_1_d")!.clear();
  assert.equal((await service.refusal("File_ListFromTask", ofTask())).code, "TaskFilesCleanedup");
  assert.equal((await service.refusal("File_GetFromTask", ofTask("stdout.txt"))).code, "TaskFilesCleanedup");
  service.files.clear();
  assert.equal((await service.refusal("File_GetFromTask", ofTask("stdout.txt"))).code, "TaskFilesUnavailable");
  assert.equal((await service.refusal("File_ListFromComputeNode", ofNode())).code, "NodeNotReady");
  const gone = await aService(t);
  await gone.store.commit([...insertJob(aJob()), ...insertTasks([onNode(completed(aTask(1)))], [])]);
  assert.equal((await gone.refusal("File_ListFromTask", ofTask())).code, "TaskFilesUnavailable");
});

test("a running task whose directory is about to be made lists nothing", async (t) => {
  const service = await aService(t);
  await withFiles(service, onNode(running(aTask(1))));
  service.files.get("tvmps_1_d")!.clear();
  assert.deepEqual((await service.call("File_ListFromTask", ofTask())).items, []);
  assert.equal((await service.refusal("File_GetFromTask", ofTask("stdout.txt"))).code, "FileNotFound");
});
