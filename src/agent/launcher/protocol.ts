// The frames between the agent and the compiled launcher: a 32-bit little-endian length, then that many bytes of fields, each ended
// by a NUL; the first field is the verb. No quoting, any bytes. launcher.c is the other side. No sockets here.
import type { ExitRecord, LaunchOrder, LaunchStage, RunningTask } from "./launcher.ts";

/** The launcher closes the connection of an agent that announces a longer frame. Linux refuses argument lists far shorter than this. */
export const longestFrame = 16 * 1024 * 1024;
export const protocolVersion = "1";

const longestId = 200;

export type LauncherFrame =
  | { verb: "hello"; version: string; pid: number }
  | { verb: "running"; task: RunningTask }
  | { verb: "started"; task: RunningTask }
  | { verb: "gone"; task: RunningTask }
  | { verb: "queued"; id: string }
  | { verb: "exited"; record: ExitRecord }
  | { verb: "ready" }
  | { verb: "withdrawn"; request: string; ids: string[] }
  | { verb: "error"; reason: string };

/** One frame. Strings are written as UTF-8. */
export const encodeFrame = (fields: readonly string[]): Buffer => {
  for (const field of fields) {
    if (field.includes("\0")) throw new RangeError("a NUL cannot be part of an order");
  }
  const text = `${fields.join("\0")}\0`;
  const length = Buffer.byteLength(text);
  if (length > longestFrame) throw new RangeError(`an order of ${length} bytes is longer than ${longestFrame}`);
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32LE(length, 0);
  frame.write(text, 4);
  return frame;
};

const wholeNumber = (value: number, least: number, what: string): string => {
  if (!Number.isInteger(value) || value < least || value > 0x7fff_ffff)
    throw new RangeError(`${what} must be a whole number from ${least}`);
  return String(value);
};

/** Throws RangeError for what no launcher can carry out, so that nothing is sent by half. */
export const checkOrder = (order: LaunchOrder): void => {
  checkId(order.id);
  wholeNumber(order.slots, 1, "slots");
  if (order.argv.length === 0 || order.argv[0] === "") throw new RangeError("an order needs a program");
  if ((order.uid === undefined) !== (order.gid === undefined)) throw new RangeError("uid and gid go together");
  if (order.cwd === "" || order.stdoutPath === "" || order.stderrPath === "") throw new RangeError("an order needs its paths");
  for (const name of Object.keys(order.env)) {
    if (name === "" || name.includes("=")) throw new RangeError("the name of an environment variable must not be empty or hold '='");
  }
  const texts = [...order.argv, order.cwd, order.stdoutPath, order.stderrPath, ...Object.entries(order.env).flat()];
  if (texts.some((text) => text.includes("\0"))) throw new RangeError("a NUL cannot be part of an order");
};

export const checkId = (id: string): void => {
  const length = Buffer.byteLength(id);
  if (length === 0 || length > longestId || /[\0\n]/.test(id) || !id.isWellFormed()) {
    throw new RangeError("a task's launch id has 1 to 200 bytes of UTF-8 and no NUL or newline");
  }
};

export const encodeOrder = (order: LaunchOrder): Buffer => {
  checkOrder(order);
  const user = order.uid === undefined ? "-" : wholeNumber(order.uid, 0, "uid");
  const group = order.gid === undefined ? "-" : wholeNumber(order.gid, 0, "gid");
  const env = Object.entries(order.env).map(([name, value]) => `${name}=${value}`);
  const head = ["run", order.id, String(order.slots), order.hold ? "1" : "0", user, group, order.cwd, order.stdoutPath, order.stderrPath];
  return encodeFrame([...head, String(order.argv.length), ...order.argv, ...env]);
};

const taskOf = (fields: string[]): RunningTask => ({ id: fields[1]!, pid: Number(fields[2]), startedAt: Number(fields[3]) });

const recordOf = (fields: string[]): ExitRecord => {
  const [, id, pid, startedAt, endedAt, code, signal, errno, stage, ...usage] = fields as [string, string, ...string[]];
  const numberOrNull = (text: string | undefined): number | null => (text === undefined || text === "-" ? null : Number(text));
  return {
    id,
    pid: Number(pid),
    startedAt: Number(startedAt),
    endedAt: Number(endedAt),
    exitCode: numberOrNull(code),
    signal: numberOrNull(signal),
    ...(errno === "0" ? {} : { error: { errno: Number(errno), stage: stage as LaunchStage } }),
    usage: {
      userMs: numberOrNull(usage[0]),
      systemMs: numberOrNull(usage[1]),
      maxRssKiB: numberOrNull(usage[2]),
      readBlocks: numberOrNull(usage[3]),
      writeBlocks: numberOrNull(usage[4]),
      voluntarySwitches: numberOrNull(usage[5]),
      involuntarySwitches: numberOrNull(usage[6]),
    },
  };
};

const decodeFields = (fields: string[]): LauncherFrame => {
  const verb = fields[0];
  switch (verb) {
    case "hello":
      return { verb, version: fields[1] ?? "", pid: Number(fields[2]) };
    case "running":
    case "started":
    case "gone":
      return { verb, task: taskOf(fields) };
    case "queued":
      return { verb, id: fields[1]! };
    case "exited":
      return { verb, record: recordOf(fields) };
    case "ready":
      return { verb };
    case "withdrawn":
      return { verb, request: fields[1]!, ids: fields.slice(2) };
    default:
      return { verb: "error", reason: verb === "error" ? (fields[1] ?? "") : `unknown report ${JSON.stringify(verb)}` };
  }
};

/** Collects bytes as they arrive and gives the whole frames among them; a frame may be split anywhere. */
export const frameReader = (): ((chunk: Buffer) => LauncherFrame[]) => {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: LauncherFrame[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32LE(at);
      if (end > bytes.length) break;
      frames.push(decodeFields(bytes.toString("utf8", at + 4, end - 1).split("\0")));
      at = end;
    }
    rest = bytes.subarray(at);
    return frames;
  };
};
