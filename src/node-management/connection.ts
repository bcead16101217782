// One agent's WebSocket: parses and checks what comes, refuses what is malformed, hears when the agent has gone silent, sends in order.
// What the messages mean is the hub's business.
import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { protocolVersion, type ToAgent, type ToControlPlane } from "../api/agent/messages.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { claimedProtocol, parseIncoming } from "./incoming.ts";
import { createOutbox } from "./outbox.ts";
import { createSender } from "./sender.ts";

const helloWithinMs = 10_000;
const closeWithinMs = 1_000;
/** Reports waiting for the store; more stay in the socket, and so in the agent. */
const mostWaitingReports = 64;
const firstRetryMs = 50;
const longestRetryMs = 5_000;

export type ConnectionOptions = {
  socket: WebSocket;
  /** Below the WebSocket: to send several messages in one packet. */
  stream: Duplex;
  clock: Clock;
  log: Log;
  heartbeatMs: number;
  /** Without a sign of life for so long the agent counts as gone. */
  silenceMs: number;
  /** The first one is a hello, the only one. The promise, if any, resolves when the message has been dealt with. */
  onMessage(message: ToControlPlane): Promise<void> | undefined;
  onClosed(): void;
};

export interface AgentConnection {
  /** Known from its hello on. */
  readonly agentId: string | undefined;
  lastReport: number;
  isOpen(): boolean;
  send(message: ToAgent): void;
  /** Repeats `work` until it succeeds, with growing pauses: a store that cannot write now (a full disk) must not lose a report. Undefined when the agent goes before. */
  untilDone<T>(work: () => Promise<T>): Promise<T | undefined>;
  /** Resolves when the socket is closed. */
  end(code: number, reason: string): Promise<void>;
}

export const openConnection = (options: ConnectionOptions): AgentConnection => {
  const { socket, stream, clock } = options;
  let log = options.log;
  let agentId: string | undefined;
  let isOpen = true;
  let heardAt = clock.elapsed();
  let waitingReports = 0;
  const timers = new Set<Timer>();
  const gone = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();

  const after = (delayMs: number, action: () => void): void => {
    const timer = clock.after(delayMs, () => {
      timers.delete(timer);
      action();
    });
    timers.add(timer);
  };
  /** From here on nothing of this agent counts, even if its socket takes a while to close. */
  const leave = (): void => {
    if (!isOpen) return;
    isOpen = false;
    for (const timer of timers) timer.cancel();
    log.info({}, "agent disconnected");
    options.onClosed();
    gone.resolve();
  };
  const cutOff = (reason: string): void => {
    log.warn({ reason }, "agent cut off");
    socket.terminate();
    leave();
  };

  const outbox = createOutbox(createSender(socket, stream));

  const end = (code: number, reason: string): Promise<void> => {
    outbox.flush();
    socket.close(code, reason);
    const timer = clock.after(closeWithinMs, () => socket.terminate());
    void closed.promise.then(() => timer.cancel());
    leave();
    return closed.promise;
  };
  const refuse = (reason: string): void => {
    log.warn({ reason }, "message of an agent refused");
    void end(1008, reason);
  };

  /** The message, or why it is refused. */
  const understand = (data: RawData, isBinary: boolean): ToControlPlane | string => {
    if (isBinary) return "a binary message";
    const text = String(data);
    const protocol = agentId === undefined ? claimedProtocol(text) : undefined;
    if (protocol !== undefined && protocol !== protocolVersion) return `protocol ${protocol}, this server speaks ${protocolVersion}`;
    const message = parseIncoming(text);
    if (message === undefined) return "a malformed message";
    return (message.type === "hello") === (agentId === undefined) ? message : "hello must come first and once";
  };
  const receive = (data: RawData, isBinary: boolean): void => {
    if (!isOpen) return;
    heardAt = clock.elapsed();
    const message = understand(data, isBinary);
    if (typeof message === "string") {
      refuse(message);
      return;
    }
    if (message.type === "hello") {
      agentId = message.agentId;
      log = log.child({ agentId });
    }
    const done = options.onMessage(message);
    if (done === undefined) return;
    waitingReports++;
    if (waitingReports >= mostWaitingReports) socket.pause();
    void done.finally(() => {
      waitingReports--;
      if (!socket.isPaused || waitingReports >= mostWaitingReports / 2) return;
      heardAt = clock.elapsed();
      socket.resume();
    });
  };

  const watch = (): void => {
    if (!socket.isPaused && clock.elapsed() - heardAt >= options.silenceMs) {
      cutOff("no sign of life");
      return;
    }
    if (socket.readyState === socket.OPEN) socket.ping();
    after(options.heartbeatMs, watch);
  };
  const heard = (): void => {
    heardAt = clock.elapsed();
  };

  socket.on("message", receive);
  socket.on("ping", heard);
  socket.on("pong", heard);
  socket.on("error", (error) => log.warn({ reason: (error as NodeJS.ErrnoException).code ?? error.name }, "connection of an agent failed"));
  socket.on("close", () => {
    leave();
    closed.resolve();
  });
  after(options.heartbeatMs, watch);
  after(helloWithinMs, () => agentId === undefined && cutOff("no hello"));

  return {
    get agentId() {
      return agentId;
    },
    lastReport: 0,
    isOpen: () => isOpen,
    send: (message) => outbox.send(message),
    untilDone: async (work) => {
      for (let pauseMs = firstRetryMs; ; pauseMs = Math.min(pauseMs * 2, longestRetryMs)) {
        try {
          return await work();
        } catch (error) {
          log.error({ err: error }, "what an agent reported could not be taken yet");
          await Promise.race([new Promise<void>((resolve) => after(pauseMs, resolve)), gone.promise]);
          if (!isOpen) return undefined;
        }
      }
    },
    end,
  };
};
