// Runs a node's start task: files, process, retries on a non-zero exit. Whether the node may take tasks afterwards is decided by nodes.ts.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StartTaskOrder, StartTaskReport } from "../api/agent/messages.ts";
import type { Timer } from "../lib/clock.ts";
import { exitCodeOf, isFailure, launchFailure, launchOrder } from "./attempts.ts";
import type { AgentContext } from "./context.ts";
import { directoryFailed, launchFailed } from "./failures.ts";
import type { ExitRecord, Launcher, LauncherState } from "./launcher/launcher.ts";
import { isOwnPath } from "./links.ts";
import { downloadsOfNode, stageResourceFiles } from "./resource-files.ts";

/** Between a failed run and the next; doubles up to the limit, so that an endless retry does not keep a core busy. */
const firstPauseMs = 250;
const longestPauseMs = 30_000;

export interface StartTaskRun {
  begin(): void;
  /** After the agent or the connection to the launcher came back. */
  adopt(state: LauncherState): void;
  exited(records: ExitRecord[]): void;
  cancel(): void;
}

export type StartTaskOptions = {
  context: AgentContext;
  order: StartTaskOrder;
  boot: number;
  /** AZ_BATCH_NODE_STARTUP_DIR. */
  directory: string;
  base: Record<string, string>;
  launcher: () => Launcher;
  /** As it was reported last, when an earlier agent began it. */
  report?: StartTaskReport;
  onReport(report: StartTaskReport): void;
};

export const startTaskRun = (options: StartTaskOptions): StartTaskRun => {
  const { context, order, directory, launcher } = options;
  const { clock } = context;
  const interrupt = new AbortController();
  const downloads = downloadsOfNode();
  let report: StartTaskReport = options.report ?? { state: "running", startedAt: clock.now(), retryCount: 0 };
  let timer: Timer | undefined;
  const idOf = (run: number): string => `s.${options.boot}.${run}`;

  const tell = (change: Partial<StartTaskReport>): void => {
    if (interrupt.signal.aborted) return;
    report = { ...report, ...change };
    options.onReport(report);
  };
  const fail = (failure: NonNullable<StartTaskReport["failure"]>): void =>
    tell({ state: "completed", endedAt: clock.now(), result: "failure", failure });

  const launch = (): void => {
    const task = launchOrder(order, { id: idOf(report.retryCount), slots: 1, hold: false, directory, base: options.base });
    if (isFailure(task)) {
      fail(task);
      return;
    }
    try {
      launcher().spawn([task]);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      fail(launchFailed(order.commandLine, error.message));
    }
  };

  const run = async (): Promise<void> => {
    try {
      mkdirSync(join(directory, "wd"), { recursive: true });
      if (!isOwnPath(dirname(directory), join(directory, "wd"))) {
        fail(directoryFailed("A symbolic link is in the place of the start task's directory."));
        return;
      }
      const { signal } = interrupt;
      if (order.resourceFiles.length > 0) await context.welcomed;
      const staging = { workingDirectory: join(directory, "wd"), policy: context.policy(), patience: context.patience, signal, downloads };
      const failure = await stageResourceFiles(order.resourceFiles, staging);
      if (failure === undefined) launch();
      else fail(failure);
    } catch (error) {
      if (interrupt.signal.aborted) return;
      context.log.error({ err: error }, "the start task could not be prepared");
      fail(launchFailed(order.commandLine, "The start task could not be prepared."));
    }
  };

  const judge = (record: ExitRecord): void => {
    const { endedAt } = record;
    const exitCode = exitCodeOf(record);
    const told = { endedAt, ...(exitCode !== undefined && { exitCode }) };
    const mayRetry = order.maxTaskRetryCount < 0 || report.retryCount < order.maxTaskRetryCount;
    if (record.error !== undefined) fail(launchFailure(order.commandLine, record.error));
    else if (exitCode === 0) tell({ ...told, state: "completed", result: "success" });
    else if (!mayRetry) tell({ ...told, state: "completed", result: "failure", failure: exitFailure });
    else {
      tell({ ...told, result: "failure" });
      const pauseMs = Math.min(firstPauseMs * 2 ** Math.min(report.retryCount, 20), longestPauseMs);
      timer = clock.after(pauseMs, retry);
    }
  };

  const ended = (record: ExitRecord): void => {
    if (record.id === idOf(report.retryCount) && report.state !== "completed") judge(record);
    launcher().acknowledge([record.id]); // only now: its end is on record in the node's own file
  };

  const retry = (): void => {
    const now = clock.now();
    const { endedAt: _end, exitCode: _code, result: _result, ...kept } = report;
    report = kept;
    tell({ startedAt: now, retryCount: report.retryCount + 1, lastRetryAt: now });
    void run();
  };

  return {
    begin: () => {
      tell({});
      void run();
    },
    adopt: (state) => {
      const id = idOf(report.retryCount);
      const record = state.exited.find((exited) => exited.id === id);
      const goes = state.queued.includes(id) || state.running.some((running) => running.id === id);
      if (record !== undefined) ended(record);
      else if (goes || report.state === "completed") return;
      else if (report.endedAt !== undefined) retry();
      else {
        launcher().acknowledge(state.gone.map((gone) => gone.id).filter((gone) => gone === id));
        void run();
      }
    },
    exited: (records) => {
      for (const record of records) ended(record);
    },
    cancel: () => {
      interrupt.abort();
      timer?.cancel();
    },
  };
};

/** Retries used up: the one exit code that the agent judges, since the control plane keeps no start task of its own. */
const exitFailure = {
  category: "usererror" as const,
  code: "FailureExitCode",
  message: "The task exited with an exit code representing a failure",
  details: [
    { name: "Message", value: "The task process exited with an unexpected exit code" },
    { name: "AdditionalErrorCode", value: "FailureExitCode" },
  ],
};
