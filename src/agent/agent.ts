// The agent: wires nodes, reports and the connection together, and says what each message of the control plane does.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { protocolVersion, type ToAgent } from "../api/agent/messages.ts";
import type { UrlPolicy } from "../lib/addresses.ts";
import { unreachable } from "../lib/bug.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { type ControlAddress, openConnection } from "./connection.ts";
import type { AgentContext } from "./context.ts";
import type { FileReply } from "./files.ts";
import { compileLauncher } from "./launcher/compile.ts";
import { compiledLauncher } from "./launcher/compiled.ts";
import type { Launcher, LauncherOptions } from "./launcher/launcher.ts";
import { portableLauncher } from "./launcher/portable.ts";
import { agentLayout } from "./layout.ts";
import { takeLock } from "./lock.ts";
import { openMachine } from "./machine.ts";
import { type Nodes, openNodes } from "./nodes.ts";
import { openReports, type Reports } from "./reports.ts";
import { usualPatience } from "./retry.ts";
import { openServiceLogs } from "./service-logs.ts";
import { openTrash } from "./trash.ts";

export type AgentOptions = {
  /** Everything of this agent lies in it; nothing else may. Created with mode 0700. */
  directory: string;
  /** JSON {url, token}: where the control plane is. Read again before every attempt to connect. */
  controlFile: string;
  launcherKind: "auto" | "compiled" | "portable";
  /** Where the compiled launcher is kept. */
  cacheDir: string;
  version: string;
  /** Ends itself, and all its tasks, after so long without contact: for an agent that is somebody's child. */
  exitWhenOrphanedMs?: number;
};

export type AgentTools = { clock: Clock; ids: Ids; log: Log };

export interface RunningAgent {
  readonly agentId: string;
  /** Resolves when the agent has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends all tasks and the agent, as the control plane's `shutdown` does. */
  shutdown(): Promise<void>;
  /** Ends the agent alone: launchers and tasks go on, and the next agent takes them up. */
  detach(): Promise<void>;
}

/** How long the last words may take to be acknowledged. */
const lastWordsMs = 2000;

export type LauncherKind = { kind: "compiled" | "portable"; open(options: LauncherOptions): Launcher };

/** Which launcher nodes get. `compiled` insists and throws where there is none; `auto` falls back and says so. */
export const chooseLauncher = async (
  wanted: AgentOptions["launcherKind"],
  cacheDir: string,
  { clock, log }: { clock: Clock; log: Log },
): Promise<LauncherKind> => {
  const program = wanted === "portable" ? undefined : await compileLauncher(cacheDir);
  if (program !== undefined) return { kind: "compiled", open: (options) => compiledLauncher({ ...options, program }) };
  if (wanted === "compiled") throw new Error("the compiled launcher cannot be had here: it needs Linux and a C compiler (cc)");
  if (wanted === "auto") log.warn({}, "no compiled launcher (it needs Linux and cc); tasks start more slowly with the portable one");
  return { kind: "portable", open: (options) => portableLauncher({ ...options, clock }) };
};

const readAgentId = (file: string, ids: Ids): string => {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    const id = ids.guid();
    writeFileSync(file, `${id}\n`, { mode: 0o600 });
    return id;
  }
};

/** Sends the bytes of a read to who asked; an empty file is a request too. */
const transfer = (to: ControlAddress, requestId: string, reply: FileReply): Promise<void> => {
  const url = new URL(`${to.url}/_quern/agent/transfers/${encodeURIComponent(requestId)}`);
  const headers = {
    authorization: `Bearer ${to.token}`,
    "content-length": String(reply.length ?? 0),
    "content-type": "application/octet-stream",
  };
  const request = (url.protocol === "https:" ? https : http).request(url, { method: "POST", headers });
  request.on("response", (response) => response.resume());
  if (reply.contents !== undefined) return pipeline(reply.contents, request);
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.end(resolve);
  });
};

export const runAgent = async (options: AgentOptions, tools: AgentTools): Promise<RunningAgent> => {
  const { clock, ids, log } = tools;
  const layout = agentLayout(resolve(options.directory));
  mkdirSync(layout.directory, { recursive: true, mode: 0o700 });
  const unlock = takeLock(join(layout.directory, "agent.lock"));
  const agentId = readAgentId(layout.idFile, ids);
  const launchers = await chooseLauncher(options.launcherKind, options.cacheDir, tools);
  const trash = openTrash(layout.trash, clock, ids);
  const machine = openMachine(clock, layout.directory);
  let policy: UrlPolicy = { storageHosts: [], allowPrivateUrls: false };

  const firstWelcome = Promise.withResolvers<void>();
  const reports: Reports = openReports({
    clock,
    queuedAttempts: () => nodes.queuedAttempts(),
    acknowledged: (events) => nodes.acknowledged(events),
  });
  const context: AgentContext = {
    clock,
    ids,
    log,
    layout,
    trash,
    patience: usualPatience(clock, ids),
    openLauncher: launchers.open,
    policy: () => policy,
    welcomed: firstWelcome.promise,
    report: (event) => reports.add(event),
  };
  const nodes: Nodes = openNodes(context);
  await nodes.adoptAll();

  const logs = openServiceLogs(context);

  /** Removing a directory is renaming it; the chore is done even if the files are still trickling away. */
  const doChore = async ({ nodeId, choreId, chore }: Extract<ToAgent, { type: "chore" }>): Promise<void> => {
    if (chore.type === "removeDirectory") nodes.get(nodeId)?.removeDirectory(chore.path);
    else if (!(await logs.upload(nodeId, choreId, chore))) return;
    context.report({ type: "choreDone", nodeId, choreId });
  };

  const answerLogs = async ({ requestId, nodeId, request }: Extract<ToAgent, { type: "logRequest" }>): Promise<void> =>
    connection.send({ type: "fileAnswer", requestId, answer: await logs.count(nodeId, request) });

  const failed = (message: ToAgent["type"]) => (error: unknown) =>
    log.error({ err: error, message }, "a message of the control plane could not be carried out");

  const answerFile = async ({ requestId, nodeId, request }: Extract<ToAgent, { type: "fileRequest" }>): Promise<void> => {
    const node = nodes.get(nodeId);
    const missing: FileReply = { answer: { type: "refused", reason: "notFound", message: "This agent does not host the node." } };
    const reply = node === undefined ? missing : await node.file(request);
    connection.send({ type: "fileAnswer", requestId, answer: reply.answer });
    const to = connection.address();
    if (request.type !== "read" || reply.answer.type !== "entry" || to === undefined) {
      reply.contents?.destroy();
      return;
    }
    await transfer(to, requestId, reply).catch((error: unknown) => {
      reply.contents?.destroy();
      log.debug({ reason: (error as NodeJS.ErrnoException).code }, "a file transfer broke off");
    });
  };

  const handle = (message: Exclude<ToAgent, { type: "welcome" }>): void => {
    const { type } = message;
    if (type === "startNode") nodes.start(message.node);
    else if (type === "removeNode") nodes.remove(message.nodeId);
    else if (type === "startTasks") nodes.startTasks(message.tasks);
    else if (type === "stopTasks") nodes.stopTasks(message.tasks);
    else if (type === "withdrawTasks") nodes.withdrawTasks(message.tasks);
    else if (type === "acknowledge") reports.acknowledge(message.n);
    else if (type === "fileRequest") void answerFile(message);
    else if (type === "sampleMachine") connection.send({ type: "machine", usage: machine.usage() });
    else if (type === "shutdown") void shutdown();
    else if (type === "chore") void doChore(message).catch(failed(type));
    else if (type === "logRequest") void answerLogs(message).catch(failed(type));
    else unreachable(type);
  };

  const connection = openConnection({
    controlFile: resolve(options.controlFile),
    clock,
    ids,
    log,
    ...(options.exitWhenOrphanedMs !== undefined && { orphanedMs: options.exitWhenOrphanedMs }),
    hello: () => ({
      type: "hello",
      protocol: protocolVersion,
      agentId,
      pid: process.pid,
      version: options.version,
      launcher: launchers.kind,
      ...nodes.hello(),
    }),
    onWelcome: (welcome, send) => {
      policy = { storageHosts: welcome.storageHosts, allowPrivateUrls: welcome.allowPrivateUrls };
      firstWelcome.resolve();
      nodes.forget(welcome.unwanted);
      for (const nodeId of welcome.unwantedNodes) nodes.remove(nodeId);
      reports.connected(send);
      nodes.resume();
    },
    onMessage: (message) => {
      if (message.type === "welcome") return;
      try {
        handle(message);
      } catch (error) {
        failed(message.type)(error);
      }
    },
    onDisconnected: () => reports.disconnected(),
    onLeaseExpired: () => {
      log.warn({}, "cut off longer than the lease: all tasks are stopped, they will run elsewhere");
      nodes.loseTasks();
    },
    onOrphaned: () => {
      log.warn({}, "cut off for good: ending");
      void shutdown();
    },
  });

  const end = Promise.withResolvers<void>();
  const leave = async (): Promise<void> => {
    logs.close();
    await connection.close();
    nodes.close();
    trash.close();
    unlock();
    end.resolve();
  };
  let leaving: Promise<void> | undefined;
  const shutdown = (): Promise<void> => {
    leaving ??= (async () => {
      await nodes.endAll();
      reports.flush();
      await new Promise<void>((done) => {
        const timer = clock.after(lastWordsMs, done);
        void reports.settled().then(() => {
          timer.cancel();
          done();
        });
      });
      await leave();
    })();
    return leaving;
  };

  log.info({ agentId, launcher: launchers.kind }, "agent runs");
  return {
    agentId,
    ended: end.promise,
    shutdown,
    detach: () => {
      leaving ??= leave();
      return leaving;
    },
  };
};
