// One node on this machine: its directories, its launcher, its boots, its packages and its start task. What happens to tasks is in tasks.ts.
import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AgentEvent, FileRequest, NodeOrder, PackageOrder } from "../api/agent/messages.ts";
import type { AgentContext } from "./context.ts";
import { nodeEnvironment } from "./environment.ts";
import { isPackageError, type MissingPackage, nodePackageFailed } from "./failures.ts";
import { answerFileRequest, type FileReply } from "./files.ts";
import { type NodeRecord, type NodeState, openAttemptJournal, saveNodeRecord } from "./journal.ts";
import type { Launcher, LauncherEvents, LauncherState } from "./launcher/launcher.ts";
import { nodeDirectories, nodeLayout, relativeParts } from "./layout.ts";
import { isOwnPath } from "./links.ts";
import { packageInstalls } from "./package-installs.ts";
import { openRetention } from "./retention.ts";
import { type StartTaskRun, startTaskRun } from "./start-task.ts";
import { taskSteps } from "./task-steps.ts";
import { type NodeTasks, nodeTasks } from "./tasks.ts";

export interface HostedNode {
  readonly nodeId: string;
  readonly tasks: NodeTasks;
  order(): NodeOrder;
  state(): NodeState;
  /**
   * First boot of a new node, or a later boot: all its processes end, what was on it goes if it was made anew since, the start task runs.
   * Resolves when the launcher serves it.
   */
  boot(order: NodeOrder): Promise<void>;
  /** After a restart of the agent: takes up what its launcher still has. */
  adopt(): Promise<void>;
  /**
   * The order for the boot that it is at came again: says where the node is. Packages that could not be had, while the control plane was away
   * perhaps, are tried again by their new URLs.
   */
  repeat(order: NodeOrder): void;
  removeDirectory(path: string): void;
  file(request: FileRequest): Promise<FileReply>;
  /** Kills all its processes and ends its launcher; with `discard` its directories go too. */
  end(options: { discard: boolean }): Promise<void>;
  /** Lets go; launcher and tasks go on. */
  close(): void;
}

/** A later run writes stdout.txt anew, so a directory whose file is younger than the end it was scheduled for is in use again. */
const usedSince = (path: string, endedAt: number): boolean => {
  try {
    return statSync(join(path, "stdout.txt")).ctimeMs > endedAt + 2000;
  } catch {
    return false;
  }
};

/** The URLs are secrets, and of no use once the packages are there. */
const withoutUrls = (order: NodeOrder): NodeOrder => ({
  ...order,
  packages: order.packages?.map((one) => ("directory" in one ? { ...one, url: undefined } : one)),
});

/** Whether what earlier boots left is to go before this one. */
const isMadeAnew = (before: NodeOrder, order: NodeOrder): boolean => order.wipeBefore !== undefined && before.boot < order.wipeBefore;

export const hostNode = (context: AgentContext, first: NodeOrder, record?: NodeRecord): HostedNode => {
  const { nodeId } = first;
  const layout = nodeLayout(context.layout, nodeId);
  const log = context.log.child({ nodeId });
  let current: NodeRecord = record ?? { order: first, state: "starting", launcherPids: [] };
  let base = nodeEnvironment(current.order, layout);
  let launcher: Launcher | undefined;
  let startTask: StartTaskRun | undefined;
  /** Ends the wait for the packages of this boot. */
  let preparing: AbortController | undefined;
  let closed = false;

  const makeDirectories = (): void => {
    mkdirSync(layout.root, { recursive: true, mode: 0o755 });
    for (const name of nodeDirectories) mkdirSync(join(layout.root, name), { recursive: true, mode: 0o755 });
    mkdirSync(layout.state, { recursive: true, mode: 0o700 });
    mkdirSync(layout.temporary, { recursive: true, mode: 0o700 });
  };
  makeDirectories();
  const journal = openAttemptJournal(layout.state);
  const retention = openRetention(join(layout.state, "retention"), context, (directory, endedAt) => {
    const path = join(layout.root, ...relativeParts(directory));
    if (!tasks.usesDirectory(directory) && !usedSince(path, endedAt)) discard(directory);
  });
  /** `directory` is relative to the root. What is no longer there is done with; what lies behind a link was never ours. */
  const discard = (directory: string): void => {
    const path = join(layout.root, ...relativeParts(directory));
    if (isOwnPath(layout.root, dirname(path))) context.trash.discard(path);
    else log.info({ directory }, "a directory is not removed: it is gone, or a task has put a link on the way to it");
  };
  /** Without a connection it does nothing; what it missed is found out when there is one. */
  const connected = (): Launcher => {
    launcher ??= context.openLauncher({ directory: layout.launcher, slots: current.order.slots, events: launcherEvents });
    return launcher;
  };
  const packages = packageInstalls({ ...context, log }, layout);
  const steps = taskSteps(context, layout.root, packages, () => base);
  const tasks = nodeTasks({ context, node: () => current.order, steps, launcher: connected, journal, retention });

  const eventOf = (): Extract<AgentEvent, { type: "node" }> => {
    const { state, bootedAt, startTask: report, errors, order } = current;
    return {
      type: "node",
      nodeId,
      boot: order.boot,
      state,
      ...(bootedAt !== undefined && { bootedAt }),
      ...(report && { startTask: report }),
      ...(errors && { errors }),
    };
  };
  const save = (): void => {
    try {
      saveNodeRecord(layout.state, current);
    } catch (error) {
      log.error({ err: error }, "the node's record could not be written; the next agent may boot it again");
    }
  };
  const change = (changes: Partial<NodeRecord>): void => {
    current = { ...current, ...changes };
    save();
    context.report(eventOf());
  };

  const recover = (reason: string): void => {
    if (closed) return;
    log.warn({ reason }, "the launcher is gone; connecting again");
    void connected()
      .connect()
      .then(resume)
      .catch((error: unknown) => unusable(error));
  };
  const unusable = (error: unknown): void => {
    if (closed) return;
    log.error({ err: error }, "the node has no launcher");
    change({ state: "unusable", errors: [{ code: "NodeLauncherFailed", message: "The launcher of the node could not be started." }] });
  };

  const launcherEvents: LauncherEvents = {
    started: (running) => tasks.started(running),
    exited: (records) => {
      const ofStart = records.filter(({ id }) => id.startsWith("s."));
      if (ofStart.length > 0) startTask?.exited(ofStart);
      if (ofStart.length < records.length) tasks.exited(records.filter(({ id }) => !id.startsWith("s.")));
    },
    disconnected: recover,
  };

  /** The start task has a slot of its own while it runs, so that it takes none from tasks. */
  const setSlots = (): void => connected().setSlots(current.order.slots + (current.startTask?.state === "running" ? 1 : 0));

  const openStartTask = (): void => {
    const order = current.order.startTask;
    startTask?.cancel();
    startTask = undefined;
    if (order === undefined) return;
    startTask = startTaskRun({
      context,
      order,
      boot: current.order.boot,
      directory: join(layout.root, "startup"),
      base,
      launcher: connected,
      ...(current.startTask && { report: current.startTask }),
      onReport: (report) => {
        const failed = report.state === "completed" && report.result === "failure";
        const state =
          !order.waitForSuccess || (report.state === "completed" && !failed) ? "idle" : failed ? "starttaskfailed" : "waitingforstarttask";
        change({ state, startTask: report });
        setSlots();
      },
    });
  };

  /** Everything the launcher knew of start tasks of earlier boots is of no interest. */
  const dropOldStartTasks = (state: LauncherState): void => {
    const mine = `s.${current.order.boot}.`;
    const isOld = ({ id }: { id: string }): boolean => id.startsWith("s.") && !id.startsWith(mine);
    for (const { id } of state.running.filter(isOld)) connected().kill(id, 9);
    connected().acknowledge([...state.exited, ...state.gone].filter(isOld).map(({ id }) => id));
  };

  const begin = (state: LauncherState): void => {
    current = { ...current, launcherPids: state.launcherPids };
    dropOldStartTasks(state);
    openStartTask();
    tasks.adopt(state);
    if (current.order.packages === undefined) becomeReady();
    else void installPackages();
  };

  /** The node is `starting` meanwhile. What is there is not fetched again, so this may begin again after a crash of the agent. */
  const installPackages = async (): Promise<void> => {
    preparing?.abort();
    preparing = new AbortController();
    const { signal } = preparing;
    for (;;) {
      const { order } = current;
      const missing = await missingPackages(order.packages ?? [], signal);
      if (signal.aborted) return;
      if (current.order !== order) continue; // it came again in the meantime, with fresh URLs
      if (missing.length === 0) break;
      change({ state: "unusable", errors: missing.map(nodePackageFailed) });
      return;
    }
    current = { ...current, order: withoutUrls(current.order) };
    becomeReady();
  };

  const missingPackages = async (wanted: readonly PackageOrder[], signal: AbortSignal): Promise<MissingPackage[]> => {
    try {
      return await packages.install(wanted, signal);
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, "the packages of the node could not be installed");
      return wanted.map((order) => ({ order, why: "The package could not be installed." }));
    }
  };

  const becomeReady = (): void => {
    if (startTask === undefined) change({ state: "idle", bootedAt: current.bootedAt ?? context.clock.now() });
    else {
      current = { ...current, bootedAt: current.bootedAt ?? context.clock.now() };
      startTask.begin();
    }
    setSlots();
  };

  const stopPreparing = (): void => {
    preparing?.abort();
    packages.cancel();
    startTask?.cancel();
  };

  const resume = (state: LauncherState): void => {
    const sameLauncher = state.launcherPids.some((pid) => current.launcherPids.includes(pid));
    if (!sameLauncher || current.state === "starting" || current.state === "unusable") {
      // The machine or the launcher went down under the node: it boots as after a power cut, with the start task it had.
      const { startTask: _report, bootedAt: _at, errors: _errors, ...kept } = current;
      current = kept;
      const wasBooting = sameLauncher && current.state === "starting";
      begin(state);
      if (wasBooting) tasks.loseAll(); // the earlier agent was about to end them
      return;
    }
    dropOldStartTasks(state);
    if (startTask === undefined) openStartTask();
    tasks.adopt(state);
    startTask?.adopt(state);
    setSlots();
    context.report(eventOf());
  };

  const endProcesses = async (): Promise<void> => {
    stopPreparing();
    startTask = undefined;
    if (launcher === undefined) return;
    tasks.loseAll();
    await launcher.shutdown({ killTasks: true });
    launcher = undefined;
  };

  /** Before the new boot is on record: an agent that dies here is told of the boot again, and begins again. */
  const wipe = async (): Promise<undefined> => {
    await endProcesses();
    context.trash.discard(layout.root);
    context.trash.discard(layout.temporary);
  };

  return {
    nodeId,
    tasks,
    order: () => current.order,
    state: () => current.state,
    boot: async (order) => {
      const wiping = isMadeAnew(current.order, order) ? await wipe().catch((error: unknown) => ({ error })) : undefined;
      const { startTask: _report, bootedAt: _at, errors: _errors, ...kept } = current;
      const isAgain = order.boot > current.order.boot && !isMadeAnew(current.order, order);
      current = { ...kept, order, state: "starting" };
      base = nodeEnvironment(order, layout);
      save();
      context.report(eventOf());
      await endProcesses();
      try {
        if (wiping !== undefined) throw wiping.error;
        // A boot brings packages anew: the pool may name others now, and a task may have spoilt the old ones.
        if (isAgain) discard("applications");
        makeDirectories();
        begin(await connected().connect());
      } catch (error) {
        unusable(error);
      }
    },
    adopt: async () => {
      try {
        resume(await connected().connect());
      } catch (error) {
        unusable(error);
      }
    },
    repeat: (order) => {
      const lacksPackages = current.state === "unusable" && current.errors?.some(isPackageError) === true;
      if (order.packages === undefined || order.boot !== current.order.boot || !(lacksPackages || current.state === "starting")) {
        context.report(eventOf());
        return;
      }
      current = { ...current, order };
      base = nodeEnvironment(order, layout);
      openStartTask();
      change({ state: "starting", errors: undefined });
      if (lacksPackages) void installPackages();
    },
    removeDirectory: discard,
    file: (request) => answerFileRequest(layout.root, request),
    end: async ({ discard }) => {
      closed = true;
      stopPreparing();
      tasks.setPaused(true);
      if (discard) tasks.abandonAll();
      else tasks.loseAll();
      await launcher?.shutdown({ killTasks: true });
      if (!discard) tasks.abandonAll();
      if (!discard) return; // what was ended is still to be acknowledged
      retention.close();
      journal.close();
      context.trash.discard(layout.root);
      context.trash.discard(layout.state);
    },
    close: () => {
      closed = true;
      stopPreparing();
      retention.close();
      journal.close();
      launcher?.close();
    },
  };
};
