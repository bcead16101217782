// The thread that writes: it takes whatever batches have arrived, commits them together, answers them together. There is no timer:
// what arrives while a commit runs is the next group. It decides nothing and reads nothing for others.
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Bug } from "../lib/bug.ts";
import { systemClock } from "../lib/clock.ts";
import type { Write } from "./db.ts";
import { type Answer, type Connection, commitGroup, connect, type Synchronous } from "./sqlite-connection.ts";

export type WriterOptions = { file: string; synchronous: Synchronous };
export type ToWriter = { type: "batch"; writes: readonly Write[] } | { type: "close" };
/** Answers are in the order in which the batches were sent. */
export type FromWriter = { type: "ready" } | { type: "answers"; answers: Answer[]; rows: number; durationMs: number };

const runWriter = (): void => {
  const port = parentPort;
  if (port === null) throw new Bug("sqlite-writer runs as a worker thread only");
  const { file, synchronous } = workerData as WriterOptions;
  const clock = systemClock();
  let connection: Connection | undefined = connect(file, synchronous);

  const commit = (batches: (readonly Write[])[]): void => {
    const startedAt = clock.elapsed();
    const { answers, rows, broken } = tryGroup(batches);
    if (broken) {
      connection?.close();
      connection = undefined;
    }
    port.postMessage({ type: "answers", answers, rows, durationMs: clock.elapsed() - startedAt } satisfies FromWriter);
  };

  /** After an I/O error the connection is made anew, as soon as that works again. */
  const tryGroup = (batches: (readonly Write[])[]): ReturnType<typeof commitGroup> => {
    try {
      connection ??= connect(file, synchronous);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { answers: batches.map(() => ({ outcome: "unavailable", message })), rows: 0, broken: false };
    }
    return commitGroup(connection, batches);
  };

  port.on("message", (first: ToWriter) => {
    const messages = [first];
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) messages.push(next.message);
    const batches = messages.flatMap((message) => (message.type === "batch" ? [message.writes] : []));
    if (batches.length > 0) commit(batches);
    if (messages.some((message) => message.type === "close")) {
      connection?.close();
      port.close();
    }
  });
  port.postMessage({ type: "ready" } satisfies FromWriter);
};

if (!isMainThread) runWriter();
