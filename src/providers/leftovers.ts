// The last look before the control plane says that all has stopped: launchers and tasks of the local agent that are still there, because
// the agent had crashed or a task hid in a session of its own. Recognised by what only they have; Linux alone lets us look.
import { realpathSync } from "node:fs";
import type { Clock } from "../lib/clock.ts";
import { findProcesses, type ProcessIdentity, type ProcessView, signalProcess, waitForEnd } from "../lib/processes.ts";

const rootVariable = "AZ_BATCH_NODE_ROOT_DIR";
/** Each round ends what it finds; what was just forking shows in the next. */
const mostRounds = 10;
const endWithinMs = 1_000;

const isBelow = (path: string | undefined, directories: readonly string[]): boolean =>
  path !== undefined && directories.some((directory) => path.startsWith(`${directory}/`));

/** Tasks: the root directory of their node is one of ours. Not whoever merely works in there: that may be the operator's shell. */
const isTask = (view: ProcessView, directories: readonly string[]): boolean =>
  view.environment.some((entry) => entry.startsWith(`${rootVariable}=`) && isBelow(entry.slice(rootVariable.length + 1), directories));

/** Launchers: started without any environment, which nobody's shell is, and at home in our directory. */
const isLauncher = (view: ProcessView, directories: readonly string[]): boolean =>
  view.environment.length === 0 && [view.directory, ...view.arguments].some((path) => isBelow(path, directories));

const find = (directory: string): ProcessIdentity[] => {
  const directories = [...new Set([directory, realpath(directory)])];
  return findProcesses((view) => isTask(view, directories) || isLauncher(view, directories));
};

const realpath = (directory: string): string => {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
};

/** Kills the launchers and tasks of the agent whose directory this is (absolute). Gives how many there were, and those that would not go. */
export const endLeftovers = async (directory: string, clock: Clock): Promise<{ ended: number; left: ProcessIdentity[] }> => {
  const seen = new Set<number>();
  for (let round = 0; round < mostRounds; round++) {
    const found = find(directory);
    if (found.length === 0) return { ended: seen.size, left: [] };
    for (const identity of found) {
      seen.add(identity.pid);
      signalProcess(identity, "SIGKILL");
    }
    await Promise.all(found.map((identity) => waitForEnd(identity, clock, endWithinMs)));
  }
  const left = find(directory);
  return { ended: seen.size - left.length, left };
};
