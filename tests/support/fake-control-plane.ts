// The control plane as an agent sees it, for tests: a WebSocket server that records what it is told, acknowledges it, and lets tests await
// events. It decides nothing.
import { once } from "node:events";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import type { AgentEvent, FileAnswer, FileRequest, TaskRef, ToAgent, ToControlPlane } from "../../src/api/agent/messages.ts";

export type Welcome = Omit<Extract<ToAgent, { type: "welcome" }>, "type" | "unwanted" | "unwantedNodes">;

export interface FakeControlPlane {
  readonly events: AgentEvent[];
  readonly hellos: Extract<ToControlPlane, { type: "hello" }>[];
  /** How many reports came, repeated ones included. */
  reports(): number;
  readonly token: string;
  unwanted: TaskRef[];
  /** While false nothing is acknowledged. */
  acknowledges: boolean;
  send(message: ToAgent): void;
  /** Resolves with the first event, past or future, that fits. */
  event<T extends AgentEvent["type"]>(
    type: T,
    fits?: (event: Extract<AgentEvent, { type: T }>) => boolean,
  ): Promise<Extract<AgentEvent, { type: T }>>;
  connected(times?: number): Promise<void>;
  file(nodeId: string, request: FileRequest): Promise<{ answer: FileAnswer; bytes?: Buffer }>;
  /** Cuts the connections; the agent may come back. */
  cut(): void;
  close(): Promise<void>;
}

/** Writes the control file when it listens. `port` 0 picks one. */
export const fakeControlPlane = async (controlFile: string, welcome: Partial<Welcome> = {}): Promise<FakeControlPlane> => {
  const token = "a-token";
  const events: AgentEvent[] = [];
  const hellos: Extract<ToControlPlane, { type: "hello" }>[] = [];
  const watchers = new Set<() => void>();
  const sockets = new Set<WebSocket>();
  const answers = new Map<string, FileAnswer>();
  const bodies = new Map<string, Buffer>();
  let reportCount = 0;
  let current: WebSocket | undefined;
  let requests = 0;

  const changed = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const check = (): void => {
        const value = look();
        if (value === undefined) return;
        watchers.delete(check);
        resolve(value);
      };
      watchers.add(check);
      check();
    });

  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.set(request.url!.split("/").at(-1)!, Buffer.concat(chunks));
      response.writeHead(request.headers.authorization === `Bearer ${token}` ? 204 : 401).end();
      changed();
    });
  });
  const acceptor = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request: IncomingMessage, stream, head) => {
    if (request.url !== "/_quern/agent" || request.headers.authorization !== `Bearer ${token}`) return stream.destroy();
    acceptor.handleUpgrade(request, stream, head, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("message", (data) => receive(socket, JSON.parse(String(data)) as ToControlPlane));
    });
  });

  const receive = (socket: WebSocket, message: ToControlPlane): void => {
    if (message.type === "hello") {
      const answer: ToAgent = {
        type: "welcome",
        leaseMs: 60_000,
        heartbeatMs: 5_000,
        storageHosts: [],
        allowPrivateUrls: false,
        ...welcome,
        unwanted: control.unwanted,
        unwantedNodes: [],
      };
      socket.send(JSON.stringify(answer));
      current = socket;
      hellos.push(message);
    } else if (message.type === "report") {
      reportCount++;
      events.push(...message.events);
      if (control.acknowledges) socket.send(JSON.stringify({ type: "acknowledge", n: message.n } satisfies ToAgent));
    } else if (message.type === "fileAnswer") answers.set(message.requestId, message.answer);
    changed();
  };

  const control: FakeControlPlane = {
    events,
    hellos,
    reports: () => reportCount,
    token,
    unwanted: [],
    acknowledges: true,
    send: (message) => current!.send(JSON.stringify(message)),
    event: (type, fits = () => true) => until(() => events.find((event) => event.type === type && fits(event as never)) as never),
    connected: async (times = 1) => {
      await until(() => (hellos.length >= times ? true : undefined));
    },
    file: async (nodeId, request) => {
      const requestId = `r${++requests}`;
      control.send({ type: "fileRequest", requestId, nodeId, request });
      const answer = await until(() => answers.get(requestId));
      if (request.type !== "read" || answer.type !== "entry") return { answer };
      return { answer, bytes: await until(() => bodies.get(requestId)) };
    },
    cut: () => {
      for (const socket of sockets) socket.terminate();
    },
    close: async () => {
      for (const socket of sockets) socket.terminate();
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  mkdirSync(dirname(controlFile), { recursive: true });
  writeFileSync(`${controlFile}.new`, JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token }));
  renameSync(`${controlFile}.new`, controlFile);
  return control;
};
