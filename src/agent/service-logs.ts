// What the agent has written down about one node, for whoever looks for the cause of an error: found, cleaned of what is secret or another
// node's, and uploaded. Nothing here is a task's: what tasks write is in their own files.
import { createReadStream, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Chore, type FileAnswer, type LogRequest, parseAttemptKey } from "../api/agent/messages.ts";
import { AddressRefused, checkedUrl } from "../lib/addresses.ts";
import { redactText } from "../lib/redact.ts";
import { uploadFile } from "../storage/blobs.ts";
import type { AgentContext } from "./context.ts";
import { withoutSecrets } from "./failures.ts";
import { readNodeRecord } from "./journal.ts";
import { nodeLayout } from "./layout.ts";
import { withRetries } from "./retry.ts";

export type LogUpload = Extract<Chore, { type: "uploadLogs" }>;

export interface ServiceLogs {
  /** Never rejects: what goes wrong is an answer. */
  count(nodeId: string, request: LogRequest): Promise<FileAnswer>;
  /** True when it was tried to the end, with success or without; false when the agent ended before or does it already. */
  upload(nodeId: string, choreId: number, upload: LogUpload): Promise<boolean>;
  close(): void;
}

type Log = { name: string; lines(): AsyncIterable<string> };
type Span = { from: number; to: number };

const spanOf = ({ from, to }: LogRequest): Span => ({ from, to: to ?? Number.POSITIVE_INFINITY });
const linesOf = (path: string): AsyncIterable<string> => createInterface({ input: createReadStream(path), crlfDelay: Infinity });

/** The longest line that is looked at for a time; the log's own are much shorter. */
const firstBytes = 4096;

const firstTime = async (path: string): Promise<number> => {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(firstBytes), 0, firstBytes, 0);
    return Date.parse(/"time":"([^"]+)"/.exec(buffer.toString("utf8", 0, bytesRead))?.[1] ?? "");
  } finally {
    await file.close();
  }
};

/** Undefined when the file is not there or holds nothing of that time. One whose beginning cannot be read is taken to reach back for ever. */
const inSpan = async (path: string, { from, to }: Span): Promise<string | undefined> => {
  try {
    const info = await stat(path);
    if (info.size === 0 || info.mtimeMs < from || (await firstTime(path)) > to) return undefined;
    return path;
  } catch {
    return undefined;
  }
};

/** One log serves all nodes of the agent, of whatever account: lines about others are not for the one who asks. */
async function* ownLines(path: string, nodeId: string): AsyncGenerator<string> {
  for await (const line of linesOf(path)) {
    let about: unknown;
    try {
      about = JSON.parse(line);
    } catch {
      continue; // not the log's own: what a broken program wrote could be anything
    }
    const of = (about as { nodeId?: unknown } | null)?.nodeId;
    if (of === undefined ? mentionsNone(line) : of === nodeId) yield redactText(line);
  }
}

/** A line that is of no node by its field may still name some in its text. */
const mentionsNone = (line: string): boolean => !/tvmps_[0-9a-f]{8}/.test(line);

/** Which attempts were accepted, began and ended: no command line, no environment, no address. */
async function* attemptLines(path: string): AsyncGenerator<string> {
  for await (const line of linesOf(path)) {
    try {
      yield JSON.stringify(withoutOrders(JSON.parse(line)));
    } catch {
      // the last line of a journal that is being written
    }
  }
}

const withoutOrders = (line: unknown): unknown => {
  if (typeof line === "string") return { over: line };
  if (Array.isArray(line)) return { attempt: line[0], [typeof line[1] === "number" ? "startedAt" : "ending"]: line[1] };
  const { ref, jobId, taskId, slots } = line as { ref: unknown; jobId: unknown; taskId: unknown; slots: unknown };
  return { accepted: ref, jobId, taskId, slots };
};

/** Processes by number and attempt, as the compiled launcher writes them; a line of any other form is left out. */
async function* launcherLines(path: string): AsyncGenerator<string> {
  for await (const line of linesOf(path)) {
    const attempt = line.split(" ").at(-1) ?? "";
    if (/^[A-Z] [\w. -]*$/.test(line) && (line.startsWith("B ") || /^[st]\.[\d.]+$/.test(attempt) || parseAttemptKey(attempt))) yield line;
  }
}

/** What the agent knows of the node now. */
async function* stateLines(state: string): AsyncGenerator<string> {
  const record = readNodeRecord(state);
  if (record === undefined) return;
  const { order, startTask, ...known } = record;
  const { accountName, poolId, nodeId, boot, slots, isDedicated } = order;
  const told = startTask && { ...startTask, failure: startTask.failure && { code: startTask.failure.code } };
  yield redactText(JSON.stringify({ accountName, poolId, nodeId, boot, slots, isDedicated, ...known, startTask: told }, undefined, 2));
}

const findLogs = async (context: AgentContext, nodeId: string, request: LogRequest): Promise<Log[]> => {
  const { directory } = context.layout;
  const span = spanOf(request);
  const { state, launcher } = nodeLayout(context.layout, nodeId);
  const sources: [name: string, path: string, lines: (path: string) => AsyncIterable<string>][] = [
    ["agent.log", join(directory, "agent.log"), (path) => ownLines(path, nodeId)],
    ["agent.log.1", join(directory, "agent.log.1"), (path) => ownLines(path, nodeId)],
    ["node.json", join(state, "node.json"), () => stateLines(state)],
    ["attempts.jsonl", join(state, "attempts.jsonl"), attemptLines],
    ["launcher.txt", join(launcher, "journal"), launcherLines],
  ];
  const found: Log[] = [];
  for (const [name, file, lines] of sources) {
    const path = await inSpan(file, span);
    if (path !== undefined) found.push({ name, lines: () => lines(path) });
  }
  return found;
};

const withLineEnds = async function* (lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
};

/** What an earlier agent had begun goes; if it is still wanted, the control plane says so again. */
export const openServiceLogs = (context: AgentContext): ServiceLogs => {
  const drafts = join(context.layout.directory, "uploads");
  rmSync(drafts, { recursive: true, force: true });
  const { log } = context;
  const closing = new AbortController();
  const underWay = new Set<string>();

  const uploadAll = async (directory: string, nodeId: string, order: LogUpload): Promise<void> => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const { name, lines } of await findLogs(context, nodeId, order)) {
      const path = join(directory, name);
      await pipeline(Readable.from(withLineEnds(lines())), createWriteStream(path, { mode: 0o600 }), { signal: closing.signal });
      const { size } = await stat(path);
      const target = { containerUrl: order.containerUrl, name: `${order.directory}/${name}`, headers: { "content-type": "text/plain" } };
      await withRetries(context.patience, closing.signal, () =>
        uploadFile({ path, size }, target, context.policy(), { signal: closing.signal }),
      );
    }
  };

  return {
    count: async (nodeId, request) => {
      try {
        checkedUrl(request.containerUrl, context.policy());
        return { type: "logs", files: (await findLogs(context, nodeId, request)).length };
      } catch (error) {
        if (error instanceof AddressRefused) return { type: "refused", reason: "denied", message: error.message };
        log.error({ err: error, nodeId }, "the logs of a node cannot be read");
        return {
          type: "refused",
          reason: "failed",
          message: `The system answered ${(error as NodeJS.ErrnoException).code ?? "an error"}.`,
        };
      }
    },
    upload: async (nodeId, choreId, order) => {
      const key = `${choreId}.${nodeId}`;
      if (underWay.has(key) || closing.signal.aborted) return false;
      underWay.add(key);
      const directory = join(drafts, key);
      const container = withoutSecrets(order.containerUrl);
      try {
        await uploadAll(directory, nodeId, order);
        log.info({ nodeId, container, directory: order.directory }, "logs uploaded");
      } catch (error) {
        if (closing.signal.aborted) return false;
        const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log.warn({ nodeId, container, reason }, "the logs of a node could not be uploaded");
      } finally {
        await rm(directory, { recursive: true, force: true }).catch(() => undefined);
        underWay.delete(key);
      }
      return true;
    },
    close: () => closing.abort(),
  };
};
