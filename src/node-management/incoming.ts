// What an agent may send: the shape of each message is checked before anything acts on it. An agent holds the token and is trusted
// with its nodes, but one that is broken or of another version must not bring down the control plane. Decides nothing else.
import type { AgentEvent, MachineUsage, TaskRef, ToControlPlane } from "../api/agent/messages.ts";

/** Longer frames are refused by the socket: a hello of 100,000 attempts has about 12 MB. */
export const longestMessageBytes = 64 * 1024 * 1024;

type Fields = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
/** Of any length: a report that is refused comes again, so nothing that a task can cause may make one malformed. */
const isText: Check = (value) => typeof value === "string";
const isId: Check = (value) => typeof value === "string" && value.length > 0 && value.length <= 256;
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isWhole: Check = (value) => Number.isSafeInteger(value);
const isTime: Check = (value) => typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 8.64e15;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    typeof value === "string" && values.includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shape =
  (checks: Record<string, Check>): Check =>
  (value) =>
    isFields(value) && Object.entries(checks).every(([name, check]) => check(value[name]));

const isRef: Check = shape({ accountId: isCount, jobUid: isCount, seq: isCount, attempt: isCount } satisfies Record<keyof TaskRef, Check>);
const isPair = shape({ name: isText, value: isText });
const isFailure = shape({
  category: oneOf("usererror", "servererror"),
  code: isText,
  message: isText,
  details: optional(listOf(isPair)),
});
const isUsage = shape({ userMs: isTime, systemMs: isTime, maxRssKiB: isTime, readBlocks: isTime, writeBlocks: isTime });
const isOutcome = shape({
  startedAt: isTime,
  endedAt: isTime,
  exitCode: optional(isWhole),
  failure: optional(isFailure),
  failedIn: optional(oneOf("preProcessing", "run", "fileUpload")),
  usage: optional(isUsage),
});
const isStartTask = shape({
  state: oneOf("running", "completed"),
  startedAt: isTime,
  endedAt: optional(isTime),
  exitCode: optional(isWhole),
  retryCount: isCount,
  lastRetryAt: optional(isTime),
  result: optional(oneOf("success", "failure")),
  failure: optional(isFailure),
});
const isNodeState = oneOf("starting", "waitingforstarttask", "idle", "starttaskfailed", "unusable");
const isNodeError = shape({ code: isText, message: isText, errorDetails: optional(listOf(isPair)) });

const eventChecks: Record<AgentEvent["type"], Check> = {
  node: shape({
    nodeId: isId,
    boot: isCount,
    state: isNodeState,
    bootedAt: optional(isTime),
    startTask: optional(isStartTask),
    errors: optional(listOf(isNodeError)),
  }),
  nodeRemoved: shape({ nodeId: isId, boot: optional(isCount) }),
  started: shape({ ref: isRef, nodeId: isId, startedAt: isTime }),
  finished: shape({ ref: isRef, nodeId: isId, outcome: isOutcome }),
  stopped: shape({
    ref: isRef,
    nodeId: isId,
    endedAt: isTime,
    exitCode: optional(isWhole),
    reason: oneOf("asked", "lost", "withdrawn"),
  }),
  choreDone: shape({ nodeId: isId, choreId: isCount }),
};

const isOneOfTypes =
  (checks: Record<string, Check>): Check =>
  (value) =>
    isFields(value) && typeof value.type === "string" && Object.hasOwn(checks, value.type) && checks[value.type]!(value);

const isEntry = shape({
  name: isText,
  isDirectory: (value) => typeof value === "boolean",
  size: isCount,
  modifiedAt: isTime,
  mode: isText,
});
const isAnswer = isOneOfTypes({
  entries: shape({ entries: listOf(isEntry) }),
  entry: shape({ entry: isEntry }),
  done: shape({}),
  logs: shape({ files: isCount }),
  refused: shape({
    reason: oneOf("notFound", "isDirectory", "notEmpty", "invalidRange", "denied", "failed"),
    message: isText,
  }),
});

const isFigure: Check = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isMachineUsage = shape({
  overMs: (value) => isFigure(value) && (value as number) >= 1,
  cpu: optional((value) => isFigure(value) && (value as number) <= 1),
  memoryBytes: optional(isFigure),
  diskBytes: optional(isFigure),
  diskReadBytes: optional(isFigure),
  diskWriteBytes: optional(isFigure),
  diskReadOps: optional(isFigure),
  diskWriteOps: optional(isFigure),
  networkInBytes: optional(isFigure),
  networkOutBytes: optional(isFigure),
} satisfies Record<keyof MachineUsage, Check>);

const messageChecks: Record<ToControlPlane["type"], Check> = {
  hello: shape({
    protocol: isCount,
    agentId: isId,
    pid: isCount,
    version: isText,
    launcher: oneOf("compiled", "portable"),
    nodes: listOf(shape({ nodeId: isId, boot: isCount, state: isNodeState })),
    attempts: listOf(shape({ ref: isRef, nodeId: isId, state: oneOf("queued", "running") })),
  }),
  report: shape({ n: isCount, events: listOf(isOneOfTypes(eventChecks)) }),
  fileAnswer: shape({ requestId: isId, answer: isAnswer }),
  machine: shape({ usage: isMachineUsage }),
  heartbeat: shape({}),
};
const isMessage = isOneOfTypes(messageChecks);

/** The message, or undefined when it is not one. */
export const parseIncoming = (text: string): ToControlPlane | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isMessage(value) ? (value as ToControlPlane) : undefined;
};

/** The protocol version that a message claims in the way every version of hello does, whatever else it holds. */
export const claimedProtocol = (text: string): number | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) && value.type === "hello" && isCount(value.protocol) ? (value.protocol as number) : undefined;
  } catch {
    return undefined;
  }
};
