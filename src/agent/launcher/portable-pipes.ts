// The FIFOs between the agent and the shells of the portable launcher: how they are made, written without ever waiting, and listened to.
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;
/** PIPE_BUF: so much is written whole or not at all. */
const longestPipeWrite = 4096;

export const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

export const makePipes = (paths: string[]): void => {
  execFileSync("mkfifo", ["-m", "600", ...paths], { stdio: "ignore" });
};

/** Keeps the pipe, and what is in it, whether or not a shell has it open. */
export const holdPipe = (path: string): number => openSync(path, O_RDWR | O_NONBLOCK);

/** A line for whoever reads that pipe; nobody does: nothing happens. */
export const tell = (path: string, line: string): void => {
  try {
    const fd = openSync(path, O_WRONLY | O_NONBLOCK);
    try {
      writeSync(fd, `${line}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!["ENXIO", "ENOENT", "EAGAIN"].includes(errorCode(error) ?? "")) throw error;
  }
};

/** A shell keeps the pipe alive/<slot> open for writing as long as it lives: the open end, or undefined when it is dead. */
export const openAlive = (path: string): number | undefined => {
  const fd = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    if (readSync(fd, Buffer.alloc(1)) === 0) {
      closeSync(fd);
      return undefined;
    }
  } catch (error) {
    if (errorCode(error) !== "EAGAIN") throw error;
  }
  return fd;
};

/** Calls back once, when the shell at the other end has died; the caller destroys the socket when it no longer cares. */
export const watchAlive = (fd: number, died: () => void): Socket => {
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on("error", () => {});
  socket.on("close", died);
  socket.resume();
  return socket;
};

/** The bell is a pipe of its own for each agent: the shells ring the newest, and an older agent hears "bye". */
export const hangBell = (directory: string, heard: (lines: string[], bell: Socket) => void): Socket => {
  const [fresh, path] = [join(directory, "bell.new"), join(directory, "bell")];
  rmSync(fresh, { force: true });
  makePipes([fresh]);
  const fd = holdPipe(fresh);
  tell(path, "bye");
  renameSync(fresh, path);
  const bell = new Socket({ fd, readable: true, writable: false });
  let rest = "";
  bell.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop()!;
    heard(lines, bell);
  });
  bell.on("error", () => {});
  return bell;
};

/** The queue that all shells read. Lines that do not fit yet stay here until `send` finds room; call it whenever a shell has reported. */
export const queuePipe = () => {
  let fd = -1;
  const unsent: string[] = [];
  const send = (): void => {
    while (unsent.length > 0 && fd >= 0) {
      let count = 0;
      let chunk = "";
      while (count < unsent.length && chunk.length + unsent[count]!.length <= longestPipeWrite) chunk += unsent[count++]!;
      try {
        writeSync(fd, chunk);
      } catch (error) {
        if (errorCode(error) !== "EAGAIN") throw error;
        return;
      }
      unsent.splice(0, count);
    }
  };
  return {
    send,
    open: (path: string): void => {
      fd = holdPipe(path);
    },
    push: (line: string): void => {
      unsent.push(`${line}\n`);
    },
    close: (): void => {
      if (fd >= 0) closeSync(fd);
      fd = -1;
      unsent.length = 0;
    },
  };
};
