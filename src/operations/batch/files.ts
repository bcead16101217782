// What the operations on files do: they find the node and ask its agent. Files of a task are those below its directory on the node
// where it is or last was; nothing here keeps a copy.

import type { FileAnswer, FileEntry } from "../../api/agent/messages.ts";
import type * as api from "../../api/batch/files.ts";
import { ApiError, type BatchErrorCode } from "../../api/errors.ts";
import { checkConditions } from "../../domain/conditions.ts";
import type { Filterable, FilterNode } from "../../domain/filter.ts";
import type { Node } from "../../domain/nodes.ts";
import type { Task } from "../../domain/tasks.ts";
import { Bug } from "../../lib/bug.ts";
import { NodeUnreachable } from "../../node-management/channel.ts";
import type { Reader } from "../../store/db.ts";
import { getNode } from "../../store/nodes.ts";
import type { Handler, Page, Preconditions, Reply, Services } from "../handler.ts";
import { loadNode, loadTask } from "./load.ts";
import { fileHeaders, fileView } from "./views/files.ts";
import { nodeUrl } from "./views/nodes.ts";
import { taskRoot, taskUrl } from "./views/tasks.ts";

/** What $filter of the lists of files offers (errors-and-http.md section 4). */
export const fileFilterable: Filterable = { name: { type: "string", operators: ["startswith"] } };

/** Where files are and what is said when they cannot be had. */
type Place = {
  node: Node;
  /** Below the node's root directory; empty for the node's own files. */
  root: string;
  /** URL of the list of files here. */
  filesUrl: string;
  /** What answers when the agent cannot be reached. */
  unreachable: BatchErrorCode;
  /** The task, when these are a task's files. */
  task?: Task;
};

type NodeRequest = { principal: { accountId: number }; params: { poolId: string; nodeId: string }; baseUrl: string };
type TaskRequest = { principal: { accountId: number }; params: { jobId: string; taskId: string }; baseUrl: string };

const nodePlace = async ({ principal, params, baseUrl }: NodeRequest, read: Reader): Promise<Place> => {
  const { pool, node } = await loadNode(read, principal.accountId, params.poolId, params.nodeId);
  return { node, root: "", filesUrl: `${nodeUrl(baseUrl, pool.id, node.id)}/files`, unreachable: unreachableCode(node) };
};

export const unreachableCode = ({ state }: Node): BatchErrorCode => {
  if (state === "creating") return "NodeBeingCreated";
  if (state === "starting" || state === "waitingforstarttask") return "NodeBeingStarted";
  if (state === "rebooting") return "NodeBeingRebooted";
  if (state === "reimaging") return "NodeBeingReimaged";
  return state === "unusable" || state === "unknown" ? "NodeStateUnusable" : "NodeNotReady";
};

const taskPlace = async ({ principal, params, baseUrl }: TaskRequest, read: Reader): Promise<Place> => {
  const { job, task } = await loadTask(read, principal.accountId, params.jobId, params.taskId);
  const place = task.execution.node;
  // The text for active tasks is the service's own (errors-and-http.md section 7).
  if (task.state === "active") throw invalidState("The files of the specified task cannot be accessed as the task state is still active");
  if (place === undefined) throw invalidState("The files of the specified task cannot be accessed as the task never ran on a node");
  const node = await getNode(read, principal.accountId, place.poolId.toLowerCase(), place.nodeId);
  if (node === undefined) throw new ApiError("TaskFilesUnavailable");
  const filesUrl = `${taskUrl(baseUrl, job.id, task.id)}/files`;
  return { node, root: taskRoot(job.id, task.id), filesUrl, unreachable: "TaskFilesUnavailable", task };
};

const invalidState = (reason: string): ApiError => new ApiError("OperationInvalidForCurrentState", [{ key: "Reason", value: reason }]);

/** Names come with either kind of slash (node-environment.md section 6); what climbs out of the place does not exist. */
const pathIn = ({ root }: Place, name: string): { name: string; path: string } => {
  const parts = name.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || name.includes("\0") || parts.length === 0) throw new ApiError("FileNotFound");
  const clean = parts.join("/");
  return { name: clean, path: root === "" ? clean : `${root}/${clean}` };
};

/** Asks the agent; what cannot be asked is the place's own error. */
const ask = async <T>(place: Place, question: (agentId: string) => Promise<T>): Promise<T> => {
  if (place.node.agentId === undefined) throw new ApiError(place.unreachable);
  try {
    return await question(place.node.agentId);
  } catch (error) {
    if (error instanceof NodeUnreachable) throw new ApiError(place.unreachable);
    throw error;
  }
};

/** The codes for a directory where a file is wanted and for one that is not empty: unverified. */
const refused = (answer: Extract<FileAnswer, { type: "refused" }>): ApiError => {
  switch (answer.reason) {
    case "notFound":
    case "denied":
      return new ApiError("FileNotFound");
    case "isDirectory":
      return new ApiError("ResourceTypeMismatch");
    case "notEmpty":
      return invalidState("The directory is not empty and recursive is not true.");
    case "invalidRange":
      return new ApiError("InvalidRange");
    case "failed":
      return new ApiError("IOError", [{ key: "Reason", value: answer.message }]);
  }
};

const listFiles = async (
  place: Place,
  { page, filter, query }: { page: Page; filter?: FilterNode; query: { recursive?: boolean } },
  { channel }: Services,
): Promise<Reply> => {
  const request = { type: "list", path: place.root, recursive: query.recursive === true } as const;
  const answer = await ask(place, (agentId) => channel.file(agentId, place.node.id, request));
  const entries = answer.type === "refused" ? withoutDirectory(place, answer) : expect(answer, "entries").entries;
  const wanted = entries
    .filter((entry) => (page.after === undefined || entry.name > page.after) && (filter === undefined || nameMatches(entry.name, filter)))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const shown = wanted.slice(0, page.limit);
  const next = wanted.length > shown.length ? shown[shown.length - 1]!.name : undefined;
  return { items: shown.map((entry) => fileView(entry, place.filesUrl)), next };
};

/** A running task's directory may be about to be made; a completed one's was removed when its retention time was over. */
const withoutDirectory = (place: Place, answer: Extract<FileAnswer, { type: "refused" }>): FileEntry[] => {
  if (answer.reason !== "notFound" || place.task === undefined) throw refused(answer);
  if (place.task.state === "completed") throw new ApiError("TaskFilesCleanedup");
  return [];
};

const nameMatches = (name: string, filter: FilterNode): boolean => {
  switch (filter.type) {
    case "and":
      return nameMatches(name, filter.left) && nameMatches(name, filter.right);
    case "or":
      return nameMatches(name, filter.left) || nameMatches(name, filter.right);
    case "not":
      return !nameMatches(name, filter.operand);
    case "startswith":
      return name.toLowerCase().startsWith(filter.value.toLowerCase());
    case "compare":
      throw new Bug("file names are filtered by startswith only");
  }
};

const expect = <K extends FileAnswer["type"]>(answer: FileAnswer, type: K): Extract<FileAnswer, { type: K }> => {
  if (answer.type !== type) throw new Bug(`an agent answered ${answer.type} where ${type} was asked for`);
  return answer as Extract<FileAnswer, { type: K }>;
};

/** A file of a task that is missing: is it the file, or the whole directory? */
const missing = async (place: Place, answer: Extract<FileAnswer, { type: "refused" }>, { channel }: Services): Promise<ApiError> => {
  if (answer.reason !== "notFound" || place.task?.state !== "completed") return refused(answer);
  const directory = await ask(place, (agentId) => channel.file(agentId, place.node.id, { type: "stat", path: place.root }));
  return directory.type === "refused" && directory.reason === "notFound" ? new ApiError("TaskFilesCleanedup") : refused(answer);
};

type ReadRequest = { preconditions: Preconditions; range?: { start: number; end?: number } };

const readFile = async (place: Place, filePath: string, { preconditions, range }: ReadRequest, services: Services): Promise<Reply> => {
  const { name, path } = pathIn(place, filePath);
  const request = { type: "read", path, ...range } as const;
  const { answer, stream, length } = await ask(place, (agentId) => services.channel.read(agentId, place.node.id, request));
  if (answer.type === "refused") throw await missing(place, answer, services);
  const entry = { ...expect(answer, "entry").entry, name };
  try {
    checkConditions(preconditions, entry.modifiedAt * 1000, "read");
  } catch (error) {
    stream?.destroy();
    throw error;
  }
  return { file: { stream, length: length ?? 0, headers: fileHeaders(entry, place.filesUrl) } };
};

const fileProperties = async (place: Place, filePath: string, preconditions: Preconditions, services: Services): Promise<Reply> => {
  const { name, path } = pathIn(place, filePath);
  const answer = await ask(place, (agentId) => services.channel.file(agentId, place.node.id, { type: "stat", path }));
  if (answer.type === "refused") throw await missing(place, answer, services);
  const entry = { ...expect(answer, "entry").entry, name };
  checkConditions(preconditions, entry.modifiedAt * 1000, "read");
  return { file: { length: entry.size, headers: fileHeaders(entry, place.filesUrl) } };
};

const deleteFile = async (place: Place, filePath: string, recursive: boolean, services: Services): Promise<Reply> => {
  const { path } = pathIn(place, filePath);
  const answer = await ask(place, (agentId) => services.channel.file(agentId, place.node.id, { type: "delete", path, recursive }));
  if (answer.type === "refused") throw await missing(place, answer, services);
  return {};
};

export const listTaskFiles: Handler<typeof api.listTaskFiles> = async (request, services) =>
  listFiles(await taskPlace(request, services.store), request, services);
export const listNodeFiles: Handler<typeof api.listNodeFiles> = async (request, services) =>
  listFiles(await nodePlace(request, services.store), request, services);

export const getTaskFile: Handler<typeof api.getTaskFile> = async (request, services) =>
  readFile(await taskPlace(request, services.store), request.params.filePath, request, services);
export const getNodeFile: Handler<typeof api.getNodeFile> = async (request, services) =>
  readFile(await nodePlace(request, services.store), request.params.filePath, request, services);

export const getTaskFileProperties: Handler<typeof api.getTaskFileProperties> = async (request, services) =>
  fileProperties(await taskPlace(request, services.store), request.params.filePath, request.preconditions, services);
export const getNodeFileProperties: Handler<typeof api.getNodeFileProperties> = async (request, services) =>
  fileProperties(await nodePlace(request, services.store), request.params.filePath, request.preconditions, services);

export const deleteTaskFile: Handler<typeof api.deleteTaskFile> = async (request, services) =>
  deleteFile(await taskPlace(request, services.store), request.params.filePath, request.query.recursive === true, services);
export const deleteNodeFile: Handler<typeof api.deleteNodeFile> = async (request, services) =>
  deleteFile(await nodePlace(request, services.store), request.params.filePath, request.query.recursive === true, services);
