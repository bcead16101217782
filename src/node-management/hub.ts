// Where agents connect: the WebSocket at /_quern/agent and the uploads at /_quern/agent/transfers/{id}. Keeps the promises of
// channel.ts: hello first, events in order and one at a time per agent, nothing acknowledged that is not durable. Decides nothing
// about nodes or tasks; that is the listener's.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { ToAgent, ToControlPlane } from "../api/agent/messages.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { type AgentListener, type NodeChannel, NodeUnreachable } from "./channel.ts";
import { type AgentConnection, openConnection } from "./connection.ts";
import { longestMessageBytes } from "./incoming.ts";
import { createTransfers } from "./transfers.ts";

export const agentPath = "/_quern/agent";
const transferPath = `${agentPath}/transfers/`;

/** Read at each hello, so that what is known only once the server listens can be filled in later. */
export type HubSettings = { leaseMs: number; heartbeatMs: number; storageHosts: readonly string[]; allowPrivateUrls: boolean };

export type HubOptions = {
  clock: Clock;
  ids: Ids;
  log: Log;
  /** What agents show as `Authorization: Bearer`. */
  token: string;
  listener: AgentListener;
  settings: HubSettings;
};

export interface Hub extends NodeChannel {
  /** False when the path is not the agents'; the caller then answers. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  handleTransfer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Disconnects all and resolves when no call to the listener is under way. The listener is not told: agents come back to the next server. */
  close(): Promise<void>;
}

export const createHub = (options: HubOptions): Hub => {
  const { clock, ids, log, listener } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: longestMessageBytes, perMessageDeflate: false, clientTracking: false });
  const open = new Set<AgentConnection>();
  const connected = new Map<string, AgentConnection>();
  /** The end of each agent's queue of listener calls: a newer connection of the same agent waits for what the older began. */
  const queues = new Map<string, Promise<void>>();
  const transfers = createTransfers({ clock, ids });
  const isAuthorised = bearerCheck(options.token);
  let closing = false;

  const enqueue = (agentId: string, call: () => Promise<void> | void): Promise<void> => {
    const next = (queues.get(agentId) ?? Promise.resolve())
      .then(call)
      .catch((error: unknown) => log.error({ err: error, agentId }, "a call about an agent failed"));
    queues.set(agentId, next);
    void next.then(() => queues.get(agentId) === next && queues.delete(agentId));
    return next;
  };

  const disconnect = (connection: AgentConnection, agentId: string): void => {
    if (connected.get(agentId) !== connection) return;
    connected.delete(agentId);
    transfers.abandon(agentId);
    if (!closing) void enqueue(agentId, () => listener.onDisconnected(agentId));
  };

  /** The newest connection of an agent is the one that counts: the older belongs to a network path that died, or to an agent that did. */
  const greet = async (connection: AgentConnection, hello: Extract<ToControlPlane, { type: "hello" }>): Promise<void> => {
    const { agentId, launcher, nodes, attempts } = hello;
    for (const older of open) {
      if (older !== connection && older.agentId === agentId) {
        void older.end(4000, "replaced by a newer connection");
      }
    }
    await enqueue(agentId, async () => {
      if (!connection.isOpen()) return;
      const verdict = await connection.untilDone(() => listener.onHello({ agentId, launcher, nodes, attempts }));
      if (verdict === undefined || !connection.isOpen()) return;
      const { leaseMs, heartbeatMs, storageHosts, allowPrivateUrls } = options.settings;
      connected.set(agentId, connection);
      connection.send({
        type: "welcome",
        leaseMs,
        heartbeatMs,
        storageHosts: [...storageHosts],
        allowPrivateUrls,
        ...verdict,
      });
      log.info(
        { agentId, pid: hello.pid, version: hello.version, launcher, nodes: nodes.length, attempts: attempts.length },
        "agent connected",
      );
      listener.onConnected(agentId);
    });
  };

  /** Acknowledged only once durable; one that comes again on the same connection (`n` not higher) is acknowledged again. */
  const takeReport = (connection: AgentConnection, report: Extract<ToControlPlane, { type: "report" }>): Promise<void> =>
    enqueue(connection.agentId!, async () => {
      if (!connection.isOpen()) return;
      if (report.n > connection.lastReport) {
        await connection.untilDone(() => listener.onEvents(connection.agentId!, report.events));
        if (!connection.isOpen()) return;
        connection.lastReport = report.n;
      }
      connection.send({ type: "acknowledge", n: report.n });
    });

  const accept = (socket: WebSocket, stream: Duplex): void => {
    const connection = openConnection({
      socket,
      stream,
      clock,
      log,
      heartbeatMs: options.settings.heartbeatMs,
      silenceMs: Math.min(options.settings.leaseMs, 3 * options.settings.heartbeatMs),
      onMessage: (message) => {
        if (message.type === "hello") return greet(connection, message);
        if (message.type === "report") return takeReport(connection, message);
        if (message.type === "machine" && connection.agentId !== undefined) listener.onMachine?.(connection.agentId, message.usage);
        if (message.type === "fileAnswer") transfers.answered(connection.agentId!, message.requestId, message.answer);
        return undefined;
      },
      onClosed: () => {
        open.delete(connection);
        if (connection.agentId !== undefined) disconnect(connection, connection.agentId);
      },
    });
    open.add(connection);
  };

  const reachable = (agentId: string): AgentConnection => {
    const connection = connected.get(agentId);
    if (connection === undefined) throw new NodeUnreachable(`the agent ${agentId} is not connected`);
    return connection;
  };

  return {
    isConnected: (agentId) => connected.has(agentId),
    send: (agentId, message: ToAgent) => connected.get(agentId)?.send(message),
    file: async (agentId, nodeId, request) => {
      const connection = reachable(agentId);
      return (await transfers.ask(agentId, false, (requestId) => connection.send({ type: "fileRequest", requestId, nodeId, request })))
        .answer;
    },
    logs: async (agentId, nodeId, request) => {
      const connection = reachable(agentId);
      return (await transfers.ask(agentId, false, (requestId) => connection.send({ type: "logRequest", requestId, nodeId, request })))
        .answer;
    },
    read: async (agentId, nodeId, request) => {
      const connection = reachable(agentId);
      return transfers.ask(agentId, true, (requestId) => connection.send({ type: "fileRequest", requestId, nodeId, request }));
    },
    handleUpgrade: (request, socket, head) => {
      if (pathOf(request) !== agentPath) return false;
      socket.on("error", () => socket.destroy());
      if (closing) refuseUpgrade(socket, "503 Service Unavailable");
      else if (!isAuthorised(request)) refuseUpgrade(socket, "401 Unauthorized");
      else sockets.handleUpgrade(request, socket, head, (opened) => accept(opened, socket));
      return true;
    },
    handleTransfer: (request, response) => {
      const path = pathOf(request);
      if (!path.startsWith(transferPath)) return false;
      const refuse = (status: number): void => void response.writeHead(status, { connection: "close" }).end();
      if (!isAuthorised(request)) refuse(401);
      else if (request.method !== "POST") refuse(405);
      else if (!transfers.bodyArrived(path.slice(transferPath.length), request, response)) refuse(404);
      return true;
    },
    close: async () => {
      closing = true;
      const ends = [...open].map((connection) => connection.end(1001, "the control plane stops"));
      for (const agentId of [...connected.keys()]) transfers.abandon(agentId);
      connected.clear();
      await Promise.all([...ends, ...queues.values()]);
      sockets.close();
    },
  };
};

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split("?", 1)[0]!;

/** Both sides are hashed first, so that neither the length nor a common beginning shows in the time it takes. */
const bearerCheck = (token: string): ((request: IncomingMessage) => boolean) => {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const wanted = digest(`Bearer ${token}`);
  return (request) => timingSafeEqual(digest(request.headers.authorization ?? ""), wanted);
};

const refuseUpgrade = (socket: Duplex, status: string): void => {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
};
