// One port for HTTP and HTTPS: the first byte of a connection tells which (0x16 opens a TLS handshake), and both share one handler.
// It accepts and closes connections; what a request means is the handler's. It never reads more than that byte itself.
import { createServer as createHttpServer, type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../lib/clock.ts";

export type ListenerOptions = {
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** PEM: the server's chain and its key. Without it only HTTP is spoken. */
  tls?: { cert: string; key: string };
  clock: Clock;
  onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Of WebSocket upgrades only; other `Upgrade` headers (h2c) are ignored and served as ordinary requests. */
  onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** What arrived could not be read as HTTP. The socket is the receiver's to answer and to close. */
  onUnreadable?: (error: Error & { code?: string }, socket: Duplex) => void;
  limits?: Partial<ListenerLimits>;
};

export type ListenerLimits = {
  /** A connection that says nothing this long is closed. */
  firstByteMs: number;
  /** From the first byte to the end of the headers. */
  headersMs: number;
  /** From the first byte of a request to the end of its body. */
  requestMs: number;
  /** How long an idle connection is kept for the next request: longer than the pools of clients keep theirs, so that they close first. */
  keepAliveMs: number;
  /** How often the two limits above are looked at. */
  checkMs: number;
  maxHeaderBytes: number;
};

const usualLimits: ListenerLimits = {
  firstByteMs: 30_000,
  headersMs: 30_000,
  // Large blobs come this way too, over slow lines; what the data plane reads has a shorter limit of its own (body.ts).
  requestMs: 6 * 3_600_000,
  keepAliveMs: 120_000,
  checkMs: 5_000,
  maxHeaderBytes: 64 * 1024,
};

export type Listener = {
  readonly port: number;
  /** For connections from now on; those that are open go on. */
  setCertificate(tls: { cert: string; key: string }): void;
  /** Stops accepting, lets requests under way finish (at most `graceMs`), then closes every connection. */
  close(graceMs?: number): Promise<void>;
};

/** The port could not be had; the message says what to do about it. */
export class ListenFailed extends Error {
  override readonly name = "ListenFailed";
}

const tlsHandshake = 0x16;

export const listen = async (options: ListenerOptions): Promise<Listener> => {
  const limits = { ...usualLimits, ...options.limits };
  const sockets = new Set<Socket>();
  // Those that can be ended in their own protocol's way: plain ones themselves, secure ones as what wraps them.
  const speaking = new Set<Socket>();
  const speaks = (socket: Socket): void => {
    speaking.add(socket);
    socket.once("close", () => speaking.delete(socket));
  };
  const responses = new Set<ServerResponse>();
  let closing = false;

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    responses.add(response);
    response.once("close", () => responses.delete(response));
    if (closing) response.shouldKeepAlive = false;
    options.onRequest(request, response);
  };
  const servers = protocolServers(options, limits, onRequest);
  servers.secure?.on("secureConnection", speaks);

  const entrance = createNetServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    receive(socket, options.clock, limits.firstByteMs, (firstByte) => {
      const server = firstByte === tlsHandshake ? servers.secure : servers.plain;
      if (server === undefined || closing) return void socket.destroy();
      // The TLS layer is not told when a client leaves amid the handshake, as one does that refuses the certificate: without this such a
      // connection would stay, and with nothing left to wait for, the process would end before it has stopped in order.
      if (server === servers.secure) socket.allowHalfOpen = false;
      if (server === servers.plain) speaks(socket);
      server.emit("connection", socket);
      // The HTTP parser listens for data; the TLS layer reads what was put back by itself and must find it there.
      if (server === servers.plain) socket.resume();
    });
  });
  const port = await bind(entrance, options.host, options.port);

  const close = async (graceMs = 10_000): Promise<void> => {
    closing = true;
    const closed = new Promise<void>((resolve) => entrance.close(() => resolve()));
    for (const response of responses) if (!response.headersSent) response.shouldKeepAlive = false;
    const all = [servers.plain, ...(servers.secure === undefined ? [] : [servers.secure])];
    // Never listening themselves, they have nothing to close but their checks and their idle connections.
    for (const server of all) server.close(() => {});
    await settled(responses, graceMs, options.clock);
    // Answers that have just ended are still on their way out of the socket: end politely, then make sure.
    for (const socket of speaking) socket.destroySoon();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    const last = options.clock.after(1000, () => {
      for (const socket of sockets) socket.destroy();
    });
    await closed;
    last.cancel();
  };
  return { port, setCertificate: (tls) => servers.secure?.setSecureContext(secureContext(tls)), close };
};

const secureContext = ({ cert, key }: { cert: string; key: string }) => ({ cert, key, minVersion: "TLSv1.2" as const });

/** Waits for the first byte and puts it back. */
const receive = (socket: Socket, clock: Clock, firstByteMs: number, found: (firstByte: number) => void): void => {
  // Errors of a socket without a reader would end the process; the server that takes it over adds its own listener.
  socket.on("error", () => socket.destroy());
  const timer: Timer = clock.after(firstByteMs, () => socket.destroy());
  const giveUp = (): void => void socket.destroy();
  socket.once("close", () => timer.cancel());
  socket.once("end", giveUp);
  socket.once("data", (chunk: Buffer) => {
    timer.cancel();
    socket.removeListener("end", giveUp);
    socket.pause();
    socket.unshift(chunk);
    found(chunk[0]!);
  });
};

const protocolServers = (
  options: ListenerOptions,
  limits: ListenerLimits,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
) => {
  const shared: ServerOptions = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: limits.maxHeaderBytes,
    // A missing Host is answered by the pipeline in the plane's own shape.
    requireHostHeader: false,
    shouldUpgradeCallback: (request) => options.onUpgrade !== undefined && request.headers.upgrade?.toLowerCase() === "websocket",
  };
  const plain = createHttpServer(shared);
  const secure =
    options.tls === undefined ? undefined : createSecureServer({ ...shared, ...secureContext(options.tls), ALPNProtocols: ["http/1.1"] });
  for (const server of secure === undefined ? [plain] : [plain, secure]) {
    server.on("request", onRequest);
    // The handler decides whether to let the body come (body.ts), so that a body too large need not be sent at all.
    server.on("checkContinue", onRequest);
    server.on("checkExpectation", onRequest);
    server.on("clientError", (error, socket) =>
      options.onUnreadable === undefined ? socket.destroy(error) : options.onUnreadable(error, socket),
    );
    if (options.onUpgrade !== undefined) {
      const { onUpgrade } = options;
      server.on("upgrade", (request, socket, head) => onUpgrade(request, socket, head));
    }
    // They are given their connections and never listen, but the checks of the time limits start with this event.
    server.emit("listening");
  }
  // A handshake that failed concerns that connection alone.
  secure?.on("tlsClientError", (_error, socket) => socket.destroy());
  return { plain, secure };
};

const bind = (server: ReturnType<typeof createNetServer>, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(new ListenFailed(explain(error, host, port), { cause: error })));
    // Many clients at once (a pool of agents, a test of thousands) must not be turned away by a short queue.
    server.listen({ host, port, backlog: 1024 }, () => resolve((server.address() as AddressInfo).port));
  });

const explain = (error: NodeJS.ErrnoException, host: string, port: number): string => {
  switch (error.code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use by another program. Stop it (\`ss -ltnp 'sport = :${port}'\` shows which it is), or choose another port with --port (0 picks a free one).`;
    case "EACCES":
      return `not allowed to listen on port ${port} of ${host}. Ports below 1024 usually need more rights: choose a higher one with --port (0 picks a free one).`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${host} is not an address of this machine. Choose another with --host (127.0.0.1 for this machine only, 0.0.0.0 for all its addresses).`;
    default:
      return `cannot listen on port ${port} of ${host}: ${error.message}`;
  }
};

/** Resolves once no response is left, or after the grace. */
const settled = (responses: Set<ServerResponse>, graceMs: number, clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    const timer = clock.after(graceMs, resolve);
    const look = (): void => {
      if (responses.size > 0) return;
      timer.cancel();
      resolve();
    };
    for (const response of responses) response.once("close", look);
    look();
  });
