// The store on SQLite (node:sqlite). Reads run on the caller's thread on a connection of their own; writes are committed in groups by
// a worker thread, so that no fsync ever blocks the event loop. Holds no queries.
import { closeSync, openSync } from "node:fs";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { Bug } from "../lib/bug.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { Conflict, type Decision, type Reader, type Sql, type Store, StoreUnavailable, type Write } from "./db.ts";
import { migrate, refuseNewer } from "./migrations.ts";
import { type Answer, type Connection, commitGroup, connect, type Synchronous } from "./sqlite-connection.ts";
import type { FromWriter, ToWriter, WriterOptions } from "./sqlite-writer.ts";

export type SqliteOptions = {
  /** A path, or `:memory:` for a database that ends with the process, written on the caller's thread without a worker. */
  file: string;
  clock?: Clock;
  /** Default full: a commit survives power loss. */
  synchronous?: Synchronous;
  /** The writer thread ended though nobody closed it. Nothing can be written any more: the process should end and start again. */
  onFatal?: (error: Error) => void;
};

type Figures = { batches: number; rows: number; durationMs: number };

/** Where batches go. Answers come back in the order of sending. */
type Writer = { send(writes: readonly Write[]): void; close(): Promise<void> };
type WriterEvents = { onAnswers(answers: readonly Answer[], figures: Figures): void; onFatal(error: Error): void };

/** Opens the database, makes it if it is not there, and brings its schema up to date. Throws LocationTooNew when it is of a newer Quern. */
export const openSqlite = async (options: SqliteOptions): Promise<Store> => {
  const { file, clock = systemClock(), synchronous = "full" } = options;
  const inMemory = file === ":memory:";
  if (!inMemory) {
    // The file holds account keys; SQLite gives its companions the same mode.
    closeSync(openSync(file, "a", 0o600));
    refuseNewer(file);
  }
  const connection = connect(file, synchronous);
  try {
    migrate(connection.database, clock);
    if (!inMemory) connection.database.exec("PRAGMA query_only = 1");
    return await makeStore(connection, options, (events) =>
      inMemory ? Promise.resolve(inlineWriter(connection, clock, events)) : threadWriter({ file, synchronous }, events),
    );
  } catch (error) {
    connection.close();
    throw error;
  }
};

type Waiting = { resolve: () => void; reject: (error: Error) => void };

const makeStore = async (
  connection: Connection,
  options: SqliteOptions,
  startWriter: (events: WriterEvents) => Promise<Writer>,
): Promise<Store> => {
  const listeners: ((figures: Figures) => void)[] = [];
  const waiting: Waiting[] = [];
  let ended: Error | undefined;
  let closing: Promise<void> | undefined;
  let drained: (() => void) | undefined;

  const onAnswers = (answers: readonly Answer[], figures: Figures): void => {
    for (const answer of answers) settle(waiting.shift()!, answer);
    for (const listener of listeners) listener(figures);
    if (waiting.length === 0) drained?.();
  };
  const onFatal = (error: Error): void => {
    ended = error;
    for (const each of waiting.splice(0)) each.reject(new StoreUnavailable("the writer of the database ended", { cause: error }));
    drained?.();
    options.onFatal?.(error);
  };
  const writer = await startWriter({ onAnswers, onFatal });

  const reader = readerOf(connection);
  const commit = (writes: readonly Write[]): Promise<void> => {
    if (ended !== undefined) return Promise.reject(new StoreUnavailable("the writer of the database ended", { cause: ended }));
    if (closing !== undefined) return Promise.reject(new StoreUnavailable("the database is being closed"));
    if (writes.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      writer.send(writes);
      waiting.push({ resolve, reject });
    });
  };
  const close = async (): Promise<void> => {
    if (waiting.length > 0) await new Promise<void>((resolve) => (drained = resolve));
    // Before the writer, so that the writer is the last to close and folds the write-ahead log into the file.
    connection.close();
    if (ended === undefined) await writer.close();
  };
  return {
    ...reader,
    commit,
    decide: (decide) => decideWith(reader, commit, decide),
    onCommit: (listener) => void listeners.push(listener),
    close: () => (closing ??= close()),
  };
};

const settle = ({ resolve, reject }: Waiting, answer: Answer): void => {
  if (answer.outcome === "committed") resolve();
  else reject(errorOf(answer));
};

const errorOf = (answer: Exclude<Answer, { outcome: "committed" }>): Error => {
  switch (answer.outcome) {
    case "conflict":
      return new Conflict(answer.writeIndex, answer.rowIndex);
    case "unavailable":
      return new StoreUnavailable(answer.message);
    case "refused":
      return new Bug(answer.message);
  }
};

const readerOf = (connection: Connection): Reader => ({
  get: async <Row>(query: Sql) => connection.prepare(query.text).get(...query.values) as Row | undefined,
  all: async <Row>(query: Sql) => connection.prepare(query.text).all(...query.values) as Row[],
});

const mostAttempts = 50;

const decideWith = async <T>(
  reader: Reader,
  commit: (writes: readonly Write[]) => Promise<void>,
  decide: (read: Reader) => Promise<Decision<T>>,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    const { writes, result } = await decide(reader);
    try {
      await commit(writes);
      return result;
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (attempt === mostAttempts) throw new Bug(`a decision met a conflict ${mostAttempts} times`, { cause: error });
    }
  }
};

/** Commits what was sent in the same turn together, after it. The one connection is also the reader's. */
const inlineWriter = (connection: Connection, clock: Clock, { onAnswers }: WriterEvents): Writer => {
  let batches: (readonly Write[])[] = [];
  const run = (): void => {
    const group = batches;
    batches = [];
    const startedAt = clock.elapsed();
    const { answers, rows } = commitGroup(connection, group);
    onAnswers(answers, { batches: group.length, rows, durationMs: clock.elapsed() - startedAt });
  };
  return {
    send: (writes) => {
      if (batches.push(writes) === 1) queueMicrotask(run);
    },
    close: async () => {},
  };
};

const threadWriter = (workerData: WriterOptions, { onAnswers, onFatal }: WriterEvents): Promise<Writer> => {
  // .ts in a checkout, .js in the published package. The program's own flags (--eval, --input-type) are not for the thread.
  const worker = new Worker(new URL(`./sqlite-writer${extname(import.meta.url)}`, import.meta.url), { workerData, execArgv: [] });
  const { promise, resolve, reject } = Promise.withResolvers<Writer>();
  const { promise: exited, resolve: onExit } = Promise.withResolvers<void>();
  let state: "starting" | "open" | "closing" | "ended" = "starting";
  let underWay = 0;

  const end = (error: Error): void => {
    onExit();
    if (state === "starting") reject(error);
    if (state === "open") onFatal(error);
    state = "ended";
  };
  worker.on("error", (error) => end(error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", (code) => end(new Error(`the writer thread ended with code ${code}`)));
  worker.on("message", (message: FromWriter) => {
    if (message.type === "ready") {
      state = "open";
      // Keeps the process alive only while a commit is under way.
      worker.unref();
      resolve({ send, close });
      return;
    }
    underWay -= message.answers.length;
    if (underWay === 0 && state === "open") worker.unref();
    onAnswers(message.answers, { batches: message.answers.length, rows: message.rows, durationMs: message.durationMs });
  });
  const post = (message: ToWriter): void => worker.postMessage(message);
  const send = (writes: readonly Write[]): void => {
    post({ type: "batch", writes });
    if (underWay++ === 0) worker.ref();
  };
  const close = (): Promise<void> => {
    if (state === "open") {
      state = "closing";
      worker.ref();
      post({ type: "close" });
    }
    return exited;
  };
  return promise;
};
