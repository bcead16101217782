// The attempts on one node, from order to acknowledged report: staging, the launcher, the wall clock, uploads, stopping, and adoption after
// a restart. Whether a failure is retried, and what an exit code means, is the control plane's business.
import {
  type AgentEvent,
  attemptKey,
  type Failure,
  type NodeOrder,
  type TaskOrder,
  type TaskOutcome,
  type TaskRef,
} from "../api/agent/messages.ts";
import { type Attempt, type Ending, isFailure, isQueued, keyOfLaunchId, launchIdOf, newAttempt, outcomeOf } from "./attempts.ts";
import type { AgentContext } from "./context.ts";
import { diskFull, launchFailed } from "./failures.ts";
import type { Accepted, AttemptJournal, RecordedEnding } from "./journal.ts";
import type { ExitRecord, Launcher, LauncherState, LaunchOrder, RunningTask } from "./launcher/launcher.ts";
import type { Retention } from "./retention.ts";
import type { TaskSteps } from "./task-steps.ts";

const sigkill = 9;
const rememberedEnds = 1000;

export interface NodeTasks {
  /** Those known already are left alone, so that a message may come twice. */
  start(orders: TaskOrder[]): void;
  /** False when the node has never heard of it (or has forgotten it). */
  stop(ref: TaskRef): boolean;
  withdraw(refs: TaskRef[]): void;
  /** Kill without a word: the control plane has given this attempt to somebody else. */
  forget(ref: TaskRef): void;
  /** Ends all attempts as lost. Those in the launcher end when it says so. */
  loseAll(): void;
  /** All of them, at once and without waiting for anything: the node goes. */
  abandonAll(): void;
  started(tasks: RunningTask[]): void;
  exited(records: ExitRecord[]): void;
  /** Compares what is known with what the launcher says after (re)connecting, and goes on from there. */
  adopt(state: LauncherState): void;
  /** Nothing new is handed to the launcher while paused: it is unknown what is still wanted. */
  setPaused(paused: boolean): void;
  /** The control plane has the end of these. */
  acknowledged(keys: string[]): void;
  usesDirectory(directory: string): boolean;
  list(): { ref: TaskRef; state: "queued" | "running" }[];
  /** Not started yet. */
  queuedCount(): number;
}

export type NodeTasksOptions = {
  context: AgentContext;
  node: () => NodeOrder;
  steps: TaskSteps;
  launcher: () => Launcher;
  journal: AttemptJournal;
  retention: Retention;
};

type End = Extract<AgentEvent, { type: "finished" | "stopped" }>;
type Launch = { attempt: Attempt; launch: LaunchOrder };

export const nodeTasks = ({ context, node, steps, launcher, journal, retention }: NodeTasksOptions): NodeTasks => {
  const { clock, log } = context;
  const nodeId = node().nodeId;
  const attempts = new Map<string, Attempt>();
  /** Ended and reported; the control plane has not said yet that it knows. */
  const unacknowledged = new Set<string>();
  /** An order can be on its way again while its end is being acknowledged; it must not run twice. The oldest are dropped. */
  const over = new Set<string>();
  let waiting: Attempt[] = [];
  let paused = true;
  let pumping = false;
  /** Slots of everything that left `waiting` and has not ended. */
  let load = 0;
  let staging = 0;
  let queued = 0;

  const setPhase = (attempt: Attempt, phase: Attempt["phase"]): void => {
    queued += Number(isQueued(phase)) - Number(isQueued(attempt.phase));
    attempt.phase = phase;
  };

  const add = ({ order, ...known }: Accepted): void => {
    const attempt: Attempt = { ...newAttempt(order), ...known };
    attempts.set(attempt.key, attempt);
    waiting.push(attempt);
    queued++;
  };

  const markStarted = (attempt: Attempt, startedAt: number): void => {
    if (attempt.startedAt !== undefined) return;
    attempt.startedAt = startedAt;
    if (attempt.ending === undefined) context.report({ type: "started", ref: attempt.order.ref, nodeId, startedAt });
  };

  /** The attempt is over: it gives up its slots, its end is told, its directory begins to age. */
  const conclude = (attempt: Attempt, event: End | undefined, endedAt: number): void => {
    attempt.wallClock?.cancel();
    if (attempt.phase === "waiting") waiting = waiting.filter((other) => other !== attempt);
    else load -= attempt.order.slots;
    queued -= Number(isQueued(attempt.phase));
    if (attempt.exit !== undefined && attempt.order.outputFiles.length > 0) launcher().release(launchIdOf(attempt));
    attempts.delete(attempt.key);
    unacknowledged.add(attempt.key);
    const { retentionMs } = attempt.order;
    if (retentionMs !== undefined && attempt.startedAt !== undefined) retention.schedule(attempt.directory, endedAt, retentionMs);
    if (event === undefined) acknowledged([attempt.key]);
    else context.report(event);
    pump();
  };

  const finish = (attempt: Attempt, outcome: TaskOutcome): void => {
    markStarted(attempt, outcome.startedAt);
    conclude(attempt, { type: "finished", ref: attempt.order.ref, nodeId, outcome }, outcome.endedAt);
  };

  const concludeStopped = (attempt: Attempt, reason: Ending, exit?: { endedAt: number; exitCode?: number }): void => {
    const endedAt = exit?.endedAt ?? clock.now();
    const exitCode = exit?.exitCode === undefined ? {} : { exitCode: exit.exitCode };
    const { ref } = attempt.order;
    conclude(attempt, reason === "forget" ? undefined : { type: "stopped", ref, nodeId, endedAt, ...exitCode, reason }, endedAt);
  };

  const failBefore = (attempt: Attempt, failure: Failure): void => {
    const now = clock.now();
    finish(attempt, { startedAt: attempt.startedAt ?? now, endedAt: now, failure, failedIn: "preProcessing" });
  };

  /** Hands over a batch; an order that cannot be expressed fails alone. */
  const spawn = (batch: Launch[]): void => {
    for (const { attempt } of batch) setPhase(attempt, "launched");
    try {
      launcher().spawn(batch.map(({ launch }) => launch));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const [only, ...more] = batch;
      if (more.length > 0) for (const one of batch) spawn([one]);
      else if (only !== undefined) failBefore(only.attempt, launchFailed(only.attempt.order.commandLine, error.message));
    }
  };

  const stage = async (attempt: Attempt): Promise<void> => {
    setPhase(attempt, "staging");
    staging++;
    if (attempt.startedAt === undefined) journal.begin(attempt.key, clock.now());
    markStarted(attempt, clock.now());
    const failure = await steps.stage(attempt);
    staging--;
    if (!attempts.has(attempt.key)) return;
    if (attempt.ending !== undefined) {
      concludeStopped(attempt, attempt.ending);
      return;
    }
    const launch = failure ?? steps.launchOrder(attempt);
    if (isFailure(launch)) failBefore(attempt, launch);
    else spawn([{ attempt, launch }]);
    pump();
  };

  /** Takes the first one that waits, if it may go on: its order for the launcher, or nothing when it goes its own way. */
  const advance = (attempt: Attempt, needsStaging: boolean): Launch | undefined => {
    load += attempt.order.slots;
    setPhase(attempt, "launched");
    const launch = steps.makeDirectory(attempt) ?? (needsStaging ? undefined : steps.launchOrder(attempt));
    if (launch === undefined) void stage(attempt);
    else if (isFailure(launch)) failBefore(attempt, launch);
    else return { attempt, launch };
    return undefined;
  };

  /**
   * Moves attempts on, in order. What needs no staging goes to the launcher at once, however busy the slots are; what needs staging waits for
   * room (it is running in the API's words while it stages), and what comes behind it waits too, so that no slot is used twice.
   */
  const pump = (): void => {
    if (paused || pumping) return;
    pumping = true;
    const batch: Launch[] = [];
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const needsStaging = steps.needsStaging(next);
      if ((staging > 0 || needsStaging) && load > 0 && load + next.order.slots > node().slots) break;
      waiting.shift();
      const launch = advance(next, needsStaging);
      if (launch !== undefined) batch.push(launch);
    }
    pumping = false;
    if (batch.length > 0) spawn(batch);
  };

  const armWallClock = (attempt: Attempt, startedAt: number): void => {
    const limit = attempt.order.maxWallClockMs;
    if (limit === undefined || attempt.wallClock !== undefined) return;
    attempt.wallClock = clock.after(startedAt + limit - clock.now(), () => {
      attempt.overran = true;
      launcher().kill(launchIdOf(attempt), sigkill);
    });
  };

  const upload = async (attempt: Attempt, outcome: TaskOutcome): Promise<void> => {
    setPhase(attempt, "uploading");
    await context.welcomed;
    const failure = await steps.upload(attempt, outcome);
    if (!attempts.has(attempt.key)) return;
    const end = { ...outcome, endedAt: clock.now() };
    // A wall clock that ran out before is what went wrong first. A failed upload ends a task for good, whatever its exit code was.
    if (attempt.ending !== undefined) concludeStopped(attempt, attempt.ending, end);
    else if (failure === undefined || outcome.failure !== undefined) finish(attempt, end);
    else finish(attempt, { ...end, failure, failedIn: "fileUpload" });
  };

  const processEnded = (attempt: Attempt, record: ExitRecord): void => {
    attempt.exit = record;
    attempt.wallClock?.cancel();
    const outcome = outcomeOf(attempt, record);
    const neverRan = record.pid === 0 && record.error === undefined; // killed while it was queued
    if (attempt.ending !== undefined || neverRan) concludeStopped(attempt, attempt.ending ?? "lost", outcome);
    else if (record.error !== undefined) finish(attempt, outcome);
    else {
      markStarted(attempt, record.startedAt);
      if (attempt.order.outputFiles.length === 0) finish(attempt, outcome);
      else void upload(attempt, outcome);
    }
  };

  const started = (tasks: RunningTask[]): void => {
    for (const { id, startedAt } of tasks) {
      const attempt = attempts.get(keyOfLaunchId(id) ?? "");
      if (attempt === undefined || attempt.phase !== "launched") continue;
      setPhase(attempt, "running");
      markStarted(attempt, startedAt);
      armWallClock(attempt, startedAt);
    }
  };

  const exited = (records: ExitRecord[]): void => {
    const strangers: string[] = [];
    for (const record of records) {
      const key = keyOfLaunchId(record.id);
      if (key === undefined || unacknowledged.has(key)) continue;
      const attempt = attempts.get(key);
      if (attempt === undefined) strangers.push(record.id);
      else if (attempt.exit === undefined) processEnded(attempt, record);
    }
    if (strangers.length > 0) launcher().acknowledge(strangers);
  };

  const interrupt = (attempt: Attempt, ending: RecordedEnding): void => {
    attempt.ending = ending;
    journal.end(attempt.key, ending);
    if (attempt.phase === "waiting") concludeStopped(attempt, ending);
    else if (attempt.phase === "staging" || attempt.phase === "uploading") attempt.interrupt.abort();
    else launcher().kill(launchIdOf(attempt), sigkill);
  };

  const acknowledged = (keys: string[]): void => {
    const known = keys.filter((key) => unacknowledged.delete(key));
    if (known.length === 0) return;
    for (const key of known) over.add(key);
    for (const key of over) {
      if (over.size <= rememberedEnds) break;
      over.delete(key);
    }
    journal.remove(known); // before the launcher forgets: an id that neither knows would be started again
    launcher().acknowledge(known.map((key) => `t.${key}`));
  };

  const giveBack = (attempt: Attempt): void => {
    concludeStopped(attempt, "withdrawn");
    steps.dropEmptyDirectory(attempt);
  };

  const isKnown = (key: string): boolean => attempts.has(key) || unacknowledged.has(key) || over.has(key);

  /** Ends an order that cannot even be taken up. */
  const reject = ({ ref }: TaskOrder, failure: Failure): void => {
    const now = clock.now();
    context.report({ type: "finished", ref, nodeId, outcome: { startedAt: now, endedAt: now, failure, failedIn: "preProcessing" } });
  };

  /** Sorts what is known into what the launcher says; gives those that it never got. */
  const reconcile = (state: LauncherState): Attempt[] => {
    const ids = (list: { id: string }[]): string[] => list.map(({ id }) => id);
    const known = new Set([...state.queued, ...ids(state.running), ...ids(state.exited), ...ids(state.gone)]);
    const gone = new Set(ids(state.gone));
    const again: Attempt[] = [];
    for (const attempt of [...attempts.values()]) {
      const id = launchIdOf(attempt);
      if (known.has(id) && attempt.phase === "waiting") {
        waiting = waiting.filter((other) => other !== attempt);
        load += attempt.order.slots;
        setPhase(attempt, "launched");
      } else if (!known.has(id) && (attempt.phase === "launched" || attempt.phase === "running")) {
        setPhase(attempt, "waiting");
        load -= attempt.order.slots;
        again.push(attempt);
      }
      if (gone.has(id)) concludeStopped(attempt, attempt.ending ?? "lost");
      else if (attempt.ending !== undefined && known.has(id)) launcher().kill(id, sigkill);
    }
    return again;
  };

  /** What the launcher has and nobody knows of: an attempt that was forgotten by the agent before. */
  const dropStrangers = (state: LauncherState): void => {
    const isStranger = (id: string): boolean => {
      const key = keyOfLaunchId(id);
      return key !== undefined && !attempts.has(key) && !unacknowledged.has(key);
    };
    for (const id of [...state.queued, ...state.running.map((task) => task.id)]) if (isStranger(id)) launcher().kill(id, sigkill);
    launcher().acknowledge(state.gone.map(({ id }) => id).filter(isStranger));
  };

  for (const accepted of journal.found) add(accepted);

  return {
    start: (orders) => {
      const fresh = orders.filter(({ ref }) => {
        const key = attemptKey(ref);
        return !isKnown(key);
      });
      if (fresh.length === 0) return;
      try {
        journal.add(fresh);
      } catch (error) {
        log.error({ err: error }, "orders could not be put on record");
        for (const order of fresh) reject(order, diskFull);
        return;
      }
      for (const order of fresh) {
        try {
          add({ order });
        } catch (error) {
          log.error({ err: error }, "an order names an impossible directory");
          journal.remove([attemptKey(order.ref)]);
          reject(order, launchFailed(order.commandLine, "The job's or task's id cannot name a directory."));
        }
      }
      pump();
    },
    stop: (ref) => {
      const key = attemptKey(ref);
      const attempt = attempts.get(key);
      if (attempt !== undefined && attempt.ending !== "asked") interrupt(attempt, "asked");
      return isKnown(key);
    },
    forget: (ref) => {
      const attempt = attempts.get(attemptKey(ref));
      if (attempt !== undefined) interrupt(attempt, "forget");
    },
    withdraw: (refs) => {
      const mine = refs.flatMap((ref) => attempts.get(attemptKey(ref)) ?? []);
      for (const attempt of mine.filter(({ phase }) => phase === "waiting")) giveBack(attempt);
      const held = mine.filter(({ phase }) => phase === "launched");
      if (held.length === 0) return;
      void launcher()
        .withdraw(held.map(launchIdOf))
        .then((ids) => {
          for (const attempt of ids.flatMap((id) => attempts.get(keyOfLaunchId(id) ?? "") ?? [])) giveBack(attempt);
        })
        .catch((error: unknown) => log.warn({ err: error }, "withdrawing was interrupted; the tasks go on"));
    },
    loseAll: () => {
      for (const attempt of [...attempts.values()]) if (attempt.ending === undefined) interrupt(attempt, "lost");
    },
    abandonAll: () => {
      for (const attempt of [...attempts.values()]) {
        attempt.interrupt.abort();
        attempt.ending ??= "lost";
        concludeStopped(attempt, attempt.ending);
      }
    },
    started,
    exited,
    adopt: (state) => {
      dropStrangers(state);
      const again = reconcile(state);
      waiting.unshift(...again);
      for (const attempt of [...waiting]) if (attempt.ending !== undefined) concludeStopped(attempt, attempt.ending);
      started(state.running);
      exited(state.exited);
      pump();
    },
    setPaused: (value) => {
      paused = value;
      pump();
    },
    acknowledged,
    usesDirectory: (directory) => [...attempts.values()].some((attempt) => attempt.directory === directory),
    list: () =>
      [...attempts.values()]
        .filter(({ ending }) => ending !== "forget")
        .map(({ order, phase }) => ({ ref: order.ref, state: isQueued(phase) ? "queued" : "running" })),
    queuedCount: () => queued,
  };
};
