// The one connection of the agent to its control plane: dials out, says hello, keeps itself alive, comes back. It carries messages and knows
// when contact was last had; what messages mean is agent.ts's business.
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { WebSocket } from "ws";
import type { ToAgent, ToControlPlane } from "../api/agent/messages.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";

export type ControlAddress = { url: string; token: string };

export interface Connection {
  /** Where the control plane is, as last read; for transfers. */
  address(): ControlAddress | undefined;
  send(message: ToControlPlane): void;
  close(): Promise<void>;
}

export type ConnectionOptions = {
  /** JSON {url, token}; read before every attempt, because a control plane that restarted may listen elsewhere. */
  controlFile: string;
  clock: Clock;
  ids: Ids;
  log: Log;
  hello(): Extract<ToControlPlane, { type: "hello" }>;
  /** `send` is for text that was rendered before. Called for each welcome, before any other message of that connection. */
  onWelcome(welcome: Extract<ToAgent, { type: "welcome" }>, send: (text: string) => void): void;
  onMessage(message: ToAgent): void;
  onDisconnected(): void;
  /** Called once for each time that contact was lost for `leaseMs` (the control plane's word; before its first, the default). */
  onLeaseExpired(): void;
  /** The same for `orphanedMs`, when given. */
  orphanedMs?: number;
  onOrphaned(): void;
};

const defaultLeaseMs = 60_000;
const helloWithinMs = 10_000;
const firstPauseMs = 50;
const longestPauseMs = 5_000;
const longestMessageBytes = 64 * 1024 * 1024;

const readAddress = (file: string): ControlAddress | undefined => {
  try {
    const { url, token } = JSON.parse(readFileSync(file, "utf8")) as Partial<ControlAddress>;
    return typeof url === "string" && URL.canParse(url) && typeof token === "string" ? { url: url.replace(/\/+$/, ""), token } : undefined;
  } catch {
    return undefined; // not there yet, or half written
  }
};

const parse = (text: string): ToAgent | undefined => {
  try {
    return JSON.parse(text) as ToAgent;
  } catch {
    return undefined;
  }
};

/** Calls `expired` once when `lastContact` is longer ago than `limitMs`, and once more for each time it is armed. */
const contactWatch = (
  clock: Clock,
  lastContact: () => number,
  limitMs: () => number,
  expired: () => void,
): { arm(): void; cancel(): void } => {
  let timer: Timer | undefined;
  const arm = (): void => {
    timer?.cancel();
    const leftMs = lastContact() + limitMs() - clock.elapsed();
    timer = clock.after(Math.max(leftMs, 1), () => (clock.elapsed() - lastContact() >= limitMs() ? expired() : arm()));
  };
  return { arm, cancel: () => timer?.cancel() };
};

/**
 * Watches the directory; where the user's inotify instances are used up, lives on without: then an address that changed is found at the next
 * attempt. Either way it keeps the process alive.
 */
const watchOrNot = (directory: string, log: Log, changed: (name: string | null) => void): { close(): void } => {
  const without = (error: unknown): { close(): void } => {
    log.warn({ err: error }, "the control file is not watched");
    const { port1, port2 } = new MessageChannel();
    port1.on("message", () => {});
    return { close: () => port2.close() };
  };
  try {
    const watcher = watch(directory, (_, name) => changed(name));
    let current: { close(): void } = watcher;
    watcher.on("error", (error) => {
      current = without(error);
    });
    return { close: () => current.close() };
  } catch (error) {
    return without(error);
  }
};

export const openConnection = (options: ConnectionOptions): Connection => {
  const { clock, ids, log } = options;
  let address: ControlAddress | undefined;
  let socket: WebSocket | undefined;
  let welcomed = false;
  let closed = false;
  let pauseMs = firstPauseMs;
  let lastReason: string | undefined;
  let retry: Timer | undefined;
  let beat: Timer | undefined;
  let leaseMs = defaultLeaseMs;
  let heardAt = clock.elapsed();
  const lease = contactWatch(
    clock,
    () => heardAt,
    () => leaseMs,
    options.onLeaseExpired,
  );
  // An open connection is contact, even one that is dead and not yet found out: being an orphan is for good, so there is no hurry.
  const heardOrOpen = (): number => (welcomed ? clock.elapsed() : heardAt);
  const orphaned = contactWatch(clock, heardOrOpen, () => options.orphanedMs ?? 0, options.onOrphaned);

  const armWatches = (): void => {
    lease.arm();
    if (options.orphanedMs !== undefined) orphaned.arm();
  };

  const dial = (): void => {
    retry?.cancel();
    retry = undefined;
    address = readAddress(options.controlFile) ?? address;
    if (address === undefined) {
      later();
      return;
    }
    const url = `${address.url.replace(/^http/, "ws")}/_quern/agent`;
    const opened = new WebSocket(url, {
      headers: { authorization: `Bearer ${address.token}` },
      maxPayload: longestMessageBytes,
      handshakeTimeout: helloWithinMs,
      perMessageDeflate: false,
    });
    socket = opened;
    const heard = (): void => {
      heardAt = clock.elapsed();
    };
    opened.on("open", () => opened.send(JSON.stringify(options.hello())));
    opened.on("ping", heard);
    opened.on("pong", heard);
    opened.on("message", (data, isBinary) => {
      if (socket !== opened || isBinary) return;
      heard();
      const message = parse(String(data));
      if (message === undefined)
        opened.terminate(); // whoever that is, it is no control plane
      else receive(opened, message);
    });
    opened.on("error", (error) => {
      const reason = (error as NodeJS.ErrnoException).code ?? error.message;
      // Once for each reason: attempts go on every few seconds for as long as the control plane is away.
      if (reason !== lastReason) log.warn({ reason, url: address?.url }, "no contact to the control plane");
      lastReason = reason;
    });
    opened.on("close", () => left(opened));
    beat = clock.after(helloWithinMs, () => !welcomed && opened.terminate());
  };

  const receive = (from: WebSocket, message: ToAgent): void => {
    if (message.type !== "welcome") {
      if (welcomed) options.onMessage(message);
      return;
    }
    welcomed = true;
    pauseMs = firstPauseMs;
    lastReason = undefined;
    leaseMs = message.leaseMs;
    armWatches();
    keepAlive(from, message.heartbeatMs);
    log.info({ url: address?.url }, "connected to the control plane");
    options.onWelcome(message, (text) => from.readyState === WebSocket.OPEN && from.send(text));
  };

  /** A connection that stays silent for three heartbeats is dead, whatever TCP believes. */
  const keepAlive = (through: WebSocket, heartbeatMs: number): void => {
    beat?.cancel();
    beat = clock.after(heartbeatMs, () => {
      if (socket !== through) return;
      if (clock.elapsed() - heardAt > 3 * heartbeatMs) return through.terminate();
      through.send('{"type":"heartbeat"}');
      through.ping();
      keepAlive(through, heartbeatMs);
    });
  };

  const left = (which: WebSocket): void => {
    if (socket !== which) return;
    socket = undefined;
    beat?.cancel();
    if (welcomed) {
      welcomed = false;
      log.info({}, "disconnected from the control plane");
      options.onDisconnected();
    }
    later();
  };

  const later = (): void => {
    if (closed) return;
    retry = clock.after(pauseMs * (0.5 + ids.chance()), dial);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  };

  // The directory, not the file: it is replaced by rename. This also keeps the process alive while it waits.
  const name = basename(options.controlFile);
  const watcher = watchOrNot(dirname(options.controlFile), log, (changed) => {
    if (closed || (changed !== null && changed !== name) || socket !== undefined) return;
    pauseMs = firstPauseMs;
    dial();
  });

  armWatches();
  dial();

  return {
    address: () => address,
    send: (message) => {
      if (welcomed) socket?.send(JSON.stringify(message));
    },
    close: async () => {
      closed = true;
      watcher.close();
      lease.cancel();
      orphaned.cancel();
      beat?.cancel();
      retry?.cancel();
      const open = socket;
      socket = undefined;
      if (open === undefined || open.readyState === WebSocket.CLOSED) return;
      await new Promise<void>((resolve) => {
        const timer = clock.after(1000, () => open.terminate());
        open.once("close", () => {
          timer.cancel();
          resolve();
        });
        open.close(1000);
      });
    },
  };
};
