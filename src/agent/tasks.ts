// The attempts on one node, from order to acknowledged report: staging, the launcher, the wall clock, uploads, stopping, and adoption after
// a restart. Whether a failure is retried, and what an exit code means, is the control plane's business.
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import {
  type AgentEvent,
  attemptKey,
  type Failure,
  type NodeOrder,
  type TaskOrder,
  type TaskOutcome,
  type TaskRef,
} from "../api/agent/messages.ts";
import { type Attempt, isFailure, keyOfLaunchId, launchIdOf, launchOrder, newAttempt, outcomeOf } from "./attempts.ts";
import type { AgentContext } from "./context.ts";
import { launchFailed, uploadFailed } from "./failures.ts";
import type { AttemptJournal } from "./journal.ts";
import type { ExitRecord, Launcher, LauncherState, LaunchOrder, RunningTask } from "./launcher/launcher.ts";
import type { NodeLayout } from "./layout.ts";
import { uploadOutputFiles, wantedOutputFiles } from "./output-files.ts";
import { stageResourceFiles } from "./resource-files.ts";
import type { Retention } from "./retention.ts";

const sigkill = 9;

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
  /** Resolves when no attempt is left. */
  ended(): Promise<void>;
}

export type NodeTasksOptions = {
  context: AgentContext;
  node: () => NodeOrder;
  layout: NodeLayout;
  /** The node's part of every task's environment. */
  base: () => Record<string, string>;
  launcher: () => Launcher;
  journal: AttemptJournal;
  retention: Retention;
};

export const nodeTasks = ({ context, node, layout, base, launcher, journal, retention }: NodeTasksOptions): NodeTasks => {
  const { clock, log } = context;
  const nodeId = node().nodeId;
  const attempts = new Map<string, Attempt>();
  /** Ended and reported; the control plane has not said yet that it knows. */
  const unacknowledged = new Set<string>();
  let waiting: Attempt[] = [];
  const madeDirectories = new Set<string>();
  const whenEnded: (() => void)[] = [];
  let paused = true;
  let pumping = false;
  /** Slots of everything that left `waiting` and has not ended. */
  let load = 0;
  let staging = 0;
  let queued = 0;

  const setPhase = (attempt: Attempt, phase: Attempt["phase"]): void => {
    const isQueued = (p: Attempt["phase"]): boolean => p === "waiting" || p === "launched";
    queued += Number(isQueued(phase)) - Number(isQueued(attempt.phase));
    attempt.phase = phase;
  };

  const add = (order: TaskOrder): Attempt => {
    const attempt = newAttempt(order);
    attempts.set(attempt.key, attempt);
    waiting.push(attempt);
    queued++;
    return attempt;
  };

  const markStarted = (attempt: Attempt, startedAt: number): void => {
    if (attempt.startedAt !== undefined) return;
    attempt.startedAt = startedAt;
    if (attempt.ending === undefined) context.report({ type: "started", ref: attempt.order.ref, nodeId, startedAt });
  };

  /** The attempt is over: it gives up its slots, its end is told, its directory begins to age. */
  const conclude = (attempt: Attempt, event: Extract<AgentEvent, { type: "finished" | "stopped" }> | undefined, endedAt: number): void => {
    attempt.wallClock?.cancel();
    if (attempt.phase === "waiting") waiting = waiting.filter((other) => other !== attempt);
    else load -= attempt.order.slots;
    if (attempt.phase === "waiting" || attempt.phase === "launched") queued--;
    if (attempt.exit !== undefined && attempt.order.outputFiles.length > 0) launcher().release(launchIdOf(attempt));
    attempts.delete(attempt.key);
    unacknowledged.add(attempt.key);
    const { retentionMs } = attempt.order;
    if (retentionMs !== undefined && attempt.startedAt !== undefined) retention.schedule(attempt.directory, endedAt, retentionMs);
    if (event === undefined) acknowledged([attempt.key]);
    else context.report(event);
    pump();
    if (attempts.size === 0) for (const resolve of whenEnded.splice(0)) resolve();
  };

  const finish = (attempt: Attempt, outcome: TaskOutcome): void => {
    markStarted(attempt, outcome.startedAt);
    conclude(attempt, { type: "finished", ref: attempt.order.ref, nodeId, outcome }, outcome.endedAt);
  };

  const concludeStopped = (
    attempt: Attempt,
    reason: "asked" | "lost" | "withdrawn" | "forget",
    exit?: { endedAt: number; exitCode?: number },
  ): void => {
    const endedAt = exit?.endedAt ?? clock.now();
    if (reason === "forget") return conclude(attempt, undefined, endedAt);
    const exitCode = exit?.exitCode === undefined ? {} : { exitCode: exit.exitCode };
    conclude(attempt, { type: "stopped", ref: attempt.order.ref, nodeId, endedAt, ...exitCode, reason }, endedAt);
  };

  const failBefore = (attempt: Attempt, failure: Failure): void => {
    const now = clock.now();
    finish(attempt, { startedAt: attempt.startedAt ?? now, endedAt: now, failure, failedIn: "preProcessing" });
  };

  const makeDirectory = (attempt: Attempt): string => {
    const path = join(layout.root, attempt.directory);
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (!madeDirectories.has(parent)) mkdirSync(parent, { recursive: true, mode: 0o755 });
    madeDirectories.add(parent);
    try {
      mkdirSync(path, { mode: 0o755 });
      mkdirSync(`${path}/wd`, { mode: 0o755 });
    } catch {
      mkdirSync(`${path}/wd`, { recursive: true, mode: 0o755 }); // a retry, or the job's directory was removed meanwhile
    }
    return path;
  };

  const launchOrderOf = (attempt: Attempt): LaunchOrder | Failure => {
    const { order } = attempt;
    const launch = { id: launchIdOf(attempt), slots: order.slots, hold: order.outputFiles.length > 0, base: base() };
    try {
      const directory = join(layout.root, attempt.directory);
      return launchOrder(order, { ...launch, directory, names: { jobId: order.jobId, taskId: order.taskId } });
    } catch (error) {
      return launchFailed(order.commandLine, error instanceof RangeError ? error.message : "The task could not be prepared.");
    }
  };

  /** Hands over a batch; an order that cannot be expressed fails alone. */
  const spawn = (batch: { attempt: Attempt; launch: LaunchOrder }[]): void => {
    for (const { attempt } of batch) setPhase(attempt, "launched");
    try {
      launcher().spawn(batch.map(({ launch }) => launch));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (batch.length === 1) return failBefore(batch[0]!.attempt, launchFailed(batch[0]!.attempt.order.commandLine, error.message));
      for (const one of batch) spawn([one]);
    }
  };

  const stage = async (attempt: Attempt): Promise<void> => {
    setPhase(attempt, "staging");
    staging++;
    markStarted(attempt, clock.now());
    let failure: Failure | undefined;
    try {
      const { signal } = attempt.interrupt;
      const workingDirectory = join(layout.root, attempt.directory, "wd");
      failure = await stageResourceFiles(attempt.order.resourceFiles, {
        workingDirectory,
        policy: context.policy(),
        patience: context.patience,
        signal,
      });
    } catch (error) {
      if (attempt.ending === undefined) {
        log.error({ err: error, attempt: attempt.key }, "staging failed unexpectedly");
        failure = launchFailed(attempt.order.commandLine, "The resource files could not be staged.");
      }
    }
    staging--;
    if (!attempts.has(attempt.key)) return;
    if (attempt.ending !== undefined) return concludeStopped(attempt, attempt.ending);
    const launch = failure ?? launchOrderOf(attempt);
    if (isFailure(launch)) return failBefore(attempt, launch);
    spawn([{ attempt, launch }]);
    pump();
  };

  /**
   * Moves attempts on, in order. What needs no staging goes to the launcher at once, however busy the slots are; what needs staging waits for
   * room (it is running in the API's words while it stages), and what comes behind it waits too, so that no slot is used twice.
   */
  const pump = (): void => {
    if (paused || pumping) return;
    pumping = true;
    const batch: { attempt: Attempt; launch: LaunchOrder }[] = [];
    while (waiting.length > 0) {
      const attempt = waiting[0]!;
      const { order } = attempt;
      const needsStaging = order.resourceFiles.length > 0;
      if ((needsStaging || staging > 0) && load > 0 && load + order.slots > node().slots) break;
      waiting.shift();
      load += order.slots;
      setPhase(attempt, "launched");
      try {
        makeDirectory(attempt);
      } catch (error) {
        const reason = `The task's directory could not be made (${(error as NodeJS.ErrnoException).code}).`;
        failBefore(attempt, { category: "servererror", code: "ResourceDirectoryCreateFailed", message: reason });
        continue;
      }
      if (needsStaging) {
        void stage(attempt);
        continue;
      }
      const launch = launchOrderOf(attempt);
      if (isFailure(launch)) failBefore(attempt, launch);
      else batch.push({ attempt, launch });
    }
    pumping = false;
    if (batch.length > 0) spawn(batch);
  };

  const armWallClock = (attempt: Attempt, startedAt: number): void => {
    const limit = attempt.order.maxWallClockMs;
    if (limit === undefined || attempt.wallClock !== undefined) return;
    attempt.wallClock = clock.after(startedAt + limit - clock.now(), () => launcher().kill(launchIdOf(attempt), sigkill));
  };

  const upload = async (attempt: Attempt, outcome: TaskOutcome): Promise<void> => {
    const succeeded = outcome.exitCode === 0 && outcome.failure === undefined;
    const wanted = wantedOutputFiles(attempt.order.outputFiles, succeeded);
    if (wanted.length === 0) return finish(attempt, outcome);
    const taskDirectory = join(layout.root, attempt.directory);
    const environment = launchOrderOf(attempt);
    const uploading = {
      taskDirectory,
      nodeRoot: layout.root,
      environment: isFailure(environment) ? {} : environment.env,
      policy: context.policy(),
      patience: context.patience,
      signal: attempt.interrupt.signal,
    };
    let failure: Failure | undefined;
    try {
      failure = await uploadOutputFiles(wanted, uploading);
    } catch (error) {
      if (attempt.ending === undefined) {
        log.error({ err: error, attempt: attempt.key }, "uploading failed unexpectedly");
        failure = uploadFailed(
          "FileUploadMiscError",
          wanted[0]!.containerUrl,
          wanted[0]!.filePattern,
          "The output files could not be uploaded.",
        );
      }
    }
    if (!attempts.has(attempt.key)) return;
    if (attempt.ending !== undefined) return concludeStopped(attempt, attempt.ending, { endedAt: clock.now(), exitCode: outcome.exitCode });
    const endedAt = clock.now();
    // A wall clock that ran out before is what went wrong first. A failed upload ends a task for good, whatever its exit code was.
    if (failure === undefined || outcome.failure !== undefined) return finish(attempt, { ...outcome, endedAt });
    finish(attempt, { ...outcome, endedAt, failure, failedIn: "fileUpload" });
  };

  const processEnded = (attempt: Attempt, record: ExitRecord): void => {
    attempt.exit = record;
    attempt.wallClock?.cancel();
    const outcome = outcomeOf(attempt, record);
    if (attempt.ending !== undefined) return concludeStopped(attempt, attempt.ending, outcome);
    if (record.pid === 0 && record.error === undefined) return concludeStopped(attempt, "lost", outcome); // killed while queued, not by us
    if (record.error !== undefined) return finish(attempt, outcome);
    markStarted(attempt, record.startedAt);
    if (attempt.order.outputFiles.length === 0) return finish(attempt, outcome);
    setPhase(attempt, "uploading");
    void upload(attempt, outcome);
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

  const interrupt = (attempt: Attempt, ending: "asked" | "lost" | "forget"): void => {
    attempt.ending = ending;
    if (attempt.phase === "waiting") concludeStopped(attempt, ending);
    else if (attempt.phase === "staging" || attempt.phase === "uploading") attempt.interrupt.abort();
    else launcher().kill(launchIdOf(attempt), sigkill);
  };

  const acknowledged = (keys: string[]): void => {
    const known = keys.filter((key) => unacknowledged.delete(key));
    if (known.length === 0) return;
    journal.remove(known); // before the launcher forgets: an id that neither knows would be started again
    launcher().acknowledge(known.map((key) => `t.${key}`));
  };

  const giveBack = (attempt: Attempt): void => {
    concludeStopped(attempt, "withdrawn");
    if (attempt.startedAt !== undefined) return;
    try {
      const path = join(layout.root, attempt.directory);
      rmdirSync(`${path}/wd`);
      rmdirSync(path);
    } catch {
      // an earlier attempt's files are there and stay
    }
  };

  for (const order of journal.found) add(order);

  return {
    start: (orders) => {
      const fresh = orders.filter(({ ref }) => {
        const key = attemptKey(ref);
        return !attempts.has(key) && !unacknowledged.has(key);
      });
      if (fresh.length === 0) return;
      journal.add(fresh);
      for (const order of fresh) {
        try {
          add(order);
        } catch (error) {
          log.error({ err: error }, "an order names an impossible directory");
          journal.remove([attemptKey(order.ref)]);
          const now = clock.now();
          const failure = launchFailed(order.commandLine, "The job's or task's id cannot name a directory.");
          context.report({
            type: "finished",
            ref: order.ref,
            nodeId,
            outcome: { startedAt: now, endedAt: now, failure, failedIn: "preProcessing" },
          });
        }
      }
      pump();
    },
    stop: (ref) => {
      const key = attemptKey(ref);
      const attempt = attempts.get(key);
      if (attempt !== undefined && attempt.ending !== "asked") interrupt(attempt, "asked");
      return attempt !== undefined || unacknowledged.has(key);
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
      const inQueue = new Set(state.queued);
      const inRun = new Set(state.running.map(({ id }) => id));
      const inExit = new Set(state.exited.map(({ id }) => id));
      const gone = new Set(state.gone.map(({ id }) => id));
      const stranger = (id: string): boolean => keyOfLaunchId(id) !== undefined && !attempts.has(keyOfLaunchId(id)!);
      for (const id of [...inRun, ...inQueue].filter(stranger)) launcher().kill(id, sigkill);
      launcher().acknowledge([...gone].filter((id) => stranger(id) && !unacknowledged.has(keyOfLaunchId(id)!)));
      const again: Attempt[] = [];
      for (const attempt of [...attempts.values()]) {
        const id = launchIdOf(attempt);
        const known = inQueue.has(id) || inRun.has(id) || inExit.has(id) || gone.has(id);
        if (known && attempt.phase === "waiting") {
          waiting = waiting.filter((other) => other !== attempt);
          load += attempt.order.slots;
          setPhase(attempt, "launched");
        } else if (!known && (attempt.phase === "launched" || attempt.phase === "running")) {
          setPhase(attempt, "waiting");
          load -= attempt.order.slots;
          again.push(attempt);
        }
        if (gone.has(id)) concludeStopped(attempt, attempt.ending ?? "lost");
        else if (known && attempt.ending !== undefined && !inExit.has(id)) launcher().kill(id, sigkill);
      }
      waiting.unshift(...again);
      for (const attempt of again) if (attempt.ending !== undefined) concludeStopped(attempt, attempt.ending);
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
        .map(({ order, phase }) => ({ ref: order.ref, state: phase === "waiting" || phase === "launched" ? "queued" : "running" })),
    queuedCount: () => queued,
    ended: () => new Promise((resolve) => (attempts.size === 0 ? resolve() : whenEnded.push(resolve))),
  };
};
