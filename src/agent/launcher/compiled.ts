// The agent's side of the compiled launcher: finds or starts the one of a directory, sends frames, hands on reports.
// It keeps no record of tasks: the launcher and its journal have the only truth, and connect() asks for all of it.
import { execFile } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { connect as connectTo, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { assert } from "../../lib/bug.ts";
import type { Launcher, LauncherOptions, LauncherState } from "./launcher.ts";
import { encodeFrame, encodeOrder, frameReader, type LauncherFrame, protocolVersion } from "./protocol.ts";

export interface CompiledLauncherOptions extends LauncherOptions {
  /** What `compileLauncher` gave. */
  program: string;
  /** The launcher ends after this many seconds without an agent, tasks and queue. Default: never. */
  leaseSeconds?: number;
}

/** `sun_path` holds 108 bytes, the last one a NUL. */
const longestSocketPath = 100;
const mostIdsInFrame = 10_000;
/** Starting may race with another agent's start or with the end of a dying launcher; each round settles one such race. */
const mostConnectRounds = 50;

const limitations = [
  "a task that leaves its process group (setsid, a daemon) is not reached by kill",
  "a program or directory on a file system that hangs stops the launcher while it starts that task",
  "when the launcher itself is killed, its tasks end with it and are reported as gone",
];

/** undefined when nobody listens there. */
const dial = async (directory: string): Promise<Socket | undefined> => {
  let path = join(directory, "socket");
  let handle: number | undefined;
  if (Buffer.byteLength(path) > longestSocketPath) {
    handle = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    path = `/proc/self/fd/${handle}/socket`;
  }
  const socket = connectTo(path);
  try {
    await once(socket, "connect");
    return socket;
  } catch (error) {
    socket.destroy();
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ECONNRESET") return undefined;
    throw error;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
};

const statusAlreadyServed = 3;

/** Returns once a launcher listens. It leaves our session and process group, so that it outlives us. */
const startLauncher = (options: CompiledLauncherOptions, directory: string): Promise<void> =>
  new Promise((settle, fail) => {
    const lease = options.leaseSeconds === undefined ? [] : ["--lease", String(options.leaseSeconds)];
    execFile(options.program, [directory, ...lease], { env: {} }, (error, _stdout, stderr) => {
      if (error === null || error.code === statusAlreadyServed) settle();
      else fail(new Error(`the launcher did not start: ${stderr.trim() || error.message}`, { cause: error }));
    });
  });

const emptyState = (): LauncherState => ({ running: [], queued: [], exited: [], gone: [], launcherPids: [] });

const addToState = (state: LauncherState, frame: LauncherFrame): void => {
  if (frame.verb === "hello") {
    if (frame.version !== protocolVersion)
      throw new Error(`a launcher of protocol ${frame.version} serves this directory; this agent speaks ${protocolVersion}`);
    state.launcherPids.push(frame.pid);
  } else if (frame.verb === "running") state.running.push(frame.task);
  else if (frame.verb === "queued") state.queued.push(frame.id);
  else if (frame.verb === "exited") state.exited.push(frame.record);
  else if (frame.verb === "gone") state.gone.push(frame.task);
  else if (frame.verb === "error") throw new Error(`the launcher refused: ${frame.reason}`);
};

export const compiledLauncher = (options: CompiledLauncherOptions): Launcher => {
  const directory = resolve(options.directory);
  const withdrawals = new Map<string, (ids: string[]) => void>();
  let socket: Socket | undefined;
  let slots = options.slots;
  let nextRequest = 0;
  let ending = false;

  const send = (frames: Buffer[]): void => {
    // Without a connection nothing is sent: the next connect() tells that these orders were never started.
    socket?.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  };
  const sendIds = (verb: string, ids: string[]): void => {
    for (let at = 0; at < ids.length; at += mostIdsInFrame) send([encodeFrame([verb, ...ids.slice(at, at + mostIdsInFrame)])]);
  };

  const drop = (gone: Socket): boolean => {
    if (socket !== gone) return false;
    socket = undefined;
    for (const settle of withdrawals.values()) settle([]);
    withdrawals.clear();
    return true;
  };

  const deliver = (frames: LauncherFrame[]): string | undefined => {
    const started = frames.filter((frame) => frame.verb === "started").map((frame) => frame.task);
    const exited = frames.filter((frame) => frame.verb === "exited").map((frame) => frame.record);
    if (started.length > 0) options.events.started(started);
    if (exited.length > 0) options.events.exited(exited);
    for (const frame of frames) {
      if (frame.verb !== "withdrawn") continue;
      withdrawals.get(frame.request)?.(frame.ids);
      withdrawals.delete(frame.request);
    }
    return frames.find((frame) => frame.verb === "error")?.reason;
  };

  /** Reads the state that a launcher sends first; later frames go to the events. undefined: it went away before it had told all. */
  const adopt = (fresh: Socket): Promise<LauncherState | undefined> =>
    new Promise((settle, fail) => {
      const read = frameReader();
      const state = emptyState();
      let ready = false;
      let reason = "the launcher closed the connection";
      fresh.on("data", (chunk: Buffer) => {
        const frames = read(chunk);
        if (!ready) {
          const end = frames.findIndex((frame) => frame.verb === "ready");
          try {
            for (const frame of end < 0 ? frames : frames.slice(0, end)) addToState(state, frame);
          } catch (error) {
            fresh.destroy();
            fail(error);
            return;
          }
          if (end < 0) return;
          ready = true;
          socket = fresh;
          send([encodeFrame(["slots", String(slots)])]);
          settle(state);
          // The caller of connect() must see the state before any event: the rest waits until its promise has been handled.
          const rest = frames.slice(end + 1);
          fresh.pause();
          setImmediate(() => {
            reason = deliver(rest) ?? reason;
            fresh.resume();
          });
          return;
        }
        reason = deliver(frames) ?? reason;
      });
      fresh.on("error", (error) => (reason = error.message));
      fresh.on("close", () => {
        if (!ready) settle(undefined);
        else if (drop(fresh) && !ending) options.events.disconnected(reason);
      });
    });

  const connect = async (): Promise<LauncherState> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    close();
    ending = false;
    for (let round = 0; round < mostConnectRounds; round++) {
      const fresh = await dial(directory);
      const state = fresh === undefined ? undefined : await adopt(fresh);
      if (state !== undefined) return state;
      if (fresh === undefined) await startLauncher(options, directory);
    }
    throw new Error("no launcher stays connected in this directory: does another agent use it?");
  };

  const close = (): void => {
    const old = socket;
    if (old !== undefined && drop(old)) old.end();
  };

  return {
    kind: "compiled",
    limitations,
    connect,
    close,
    spawn: (orders) => {
      if (orders.length > 0) send(orders.map(encodeOrder));
    },
    kill: (id, signal) => {
      assert(Number.isInteger(signal) && signal >= 1 && signal <= 64, `no such signal: ${signal}`);
      send([encodeFrame(["kill", id, String(signal)])]);
    },
    withdraw: (ids) => {
      if (socket === undefined || ids.length === 0) return Promise.resolve([]);
      const request = String(nextRequest++);
      const answer = new Promise<string[]>((settle) => withdrawals.set(request, settle));
      send([encodeFrame(["withdraw", request, ...ids])]);
      return answer;
    },
    release: (id) => send([encodeFrame(["release", id])]),
    acknowledge: (ids) => sendIds("acknowledge", ids),
    setSlots: (count) => {
      assert(Number.isInteger(count) && count >= 0, `not a number of slots: ${count}`);
      slots = count;
      send([encodeFrame(["slots", String(count)])]);
    },
    shutdown: async ({ killTasks }) => {
      // A launcher that died may have left processes; only a new one can find and end them.
      if (socket === undefined) await connect();
      const last = socket!;
      ending = true;
      const ended = new Promise((settle) => last.once("close", settle));
      send([encodeFrame(["end", killTasks ? "1" : "0"])]);
      await ended;
    },
  };
};
