// The steps of an attempt that touch disk and network: its directory, what to hand to the launcher, its resource files, its uploads. When each
// happens, and what its result means for the slots, is in tasks.ts.
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Failure, TaskOutcome } from "../api/agent/messages.ts";
import { type Attempt, isFailure, launchIdOf, launchOrder } from "./attempts.ts";
import type { AgentContext } from "./context.ts";
import { tokenVariable } from "./environment.ts";
import { directoryFailed, launchFailed, packageFailed, uploadFailed } from "./failures.ts";
import type { LaunchOrder } from "./launcher/launcher.ts";
import { isOwnPath } from "./links.ts";
import { uploadOutputFiles, uploadsOfNode, wantedOutputFiles } from "./output-files.ts";
import type { PackageInstalls } from "./package-installs.ts";
import { packageEnvironment } from "./package-variables.ts";
import { downloadsOfNode, stageResourceFiles } from "./resource-files.ts";

export interface TaskSteps {
  /** Makes the task's directory and its wd; those of an earlier attempt are used again. */
  makeDirectory(attempt: Attempt): Failure | undefined;
  /** Removes the directory when nothing is in it. */
  dropEmptyDirectory(attempt: Attempt): void;
  /** Whether files or packages have to come first. */
  needsStaging(attempt: Attempt): boolean;
  launchOrder(attempt: Attempt): LaunchOrder | Failure;
  /** Does not reject; when the attempt was interrupted the result means nothing. */
  stage(attempt: Attempt): Promise<Failure | undefined>;
  upload(attempt: Attempt, outcome: TaskOutcome): Promise<Failure | undefined>;
}

/** `base` is the environment that all tasks of the node share. */
export const taskSteps = (
  context: AgentContext,
  nodeRoot: string,
  packages: PackageInstalls,
  base: () => Record<string, string>,
): TaskSteps => {
  const { log } = context;
  const madeParents = new Set<string>();
  const [downloads, uploads] = [downloadsOfNode(), uploadsOfNode()];
  const pathOf = (attempt: Attempt): string => join(nodeRoot, attempt.directory);

  const orderOf = (attempt: Attempt): LaunchOrder | Failure => {
    const { order } = attempt;
    const names = { jobId: order.jobId, taskId: order.taskId, authenticationToken: order.authenticationToken };
    const hold = order.outputFiles.length > 0;
    const shared = order.packages === undefined ? base() : { ...base(), ...packageEnvironment(nodeRoot, order.packages) };
    return launchOrder(order, { id: launchIdOf(attempt), slots: order.slots, hold, base: shared, directory: pathOf(attempt), names });
  };

  return {
    makeDirectory: (attempt) => {
      const path = pathOf(attempt);
      const parent = path.slice(0, path.lastIndexOf("/"));
      try {
        if (!madeParents.has(parent)) mkdirSync(parent, { recursive: true, mode: 0o755 });
        madeParents.add(parent);
        mkdirSync(path, { mode: 0o755 });
        mkdirSync(`${path}/wd`, { mode: 0o755 });
      } catch {
        // a later attempt, or the job's directory was removed meanwhile
        try {
          mkdirSync(`${path}/wd`, { recursive: true, mode: 0o755 });
        } catch (error) {
          return directoryFailed(`The system answered ${(error as NodeJS.ErrnoException).code ?? "an error"}.`);
        }
      }
      // An earlier attempt, or another task, may have put a link in the place of one of these directories.
      return isOwnPath(nodeRoot, `${path}/wd`) ? undefined : directoryFailed("A symbolic link is in the place of the task's directory.");
    },
    dropEmptyDirectory: (attempt) => {
      try {
        rmdirSync(`${pathOf(attempt)}/wd`);
        rmdirSync(pathOf(attempt));
      } catch {
        // an earlier attempt's files are there and stay
      }
    },
    needsStaging: ({ order }) => order.resourceFiles.length > 0 || (order.packages !== undefined && !packages.areThere(order.packages)),
    launchOrder: orderOf,
    stage: async (attempt) => {
      const { resourceFiles, packages: wanted, commandLine } = attempt.order;
      const { signal } = attempt.interrupt;
      const staging = { workingDirectory: join(pathOf(attempt), "wd"), policy: context.policy(), patience: context.patience, downloads };
      try {
        const [missing] = wanted === undefined ? [] : await packages.install(wanted, signal);
        if (missing !== undefined) return packageFailed(missing);
        return await stageResourceFiles(resourceFiles, { ...staging, signal });
      } catch (error) {
        if (!signal.aborted) log.error({ err: error, attempt: attempt.key }, "staging failed unexpectedly");
        return launchFailed(commandLine, "The files that the task needs could not be staged.");
      }
    },
    upload: async (attempt, outcome) => {
      const wanted = wantedOutputFiles(attempt.order.outputFiles, outcome.exitCode === 0 && outcome.failure === undefined);
      const [first] = wanted;
      if (first === undefined) return undefined;
      const launch = orderOf(attempt);
      // What a pattern names is told in logs, in blob names and in answers: not the token.
      const { [tokenVariable]: _secret, ...environment } = isFailure(launch) ? {} : launch.env;
      const { signal } = attempt.interrupt;
      const rest = { nodeRoot, environment, policy: context.policy(), patience: context.patience, signal, uploads };
      try {
        return await uploadOutputFiles(wanted, { taskDirectory: pathOf(attempt), ...rest });
      } catch (error) {
        if (!signal.aborted) log.error({ err: error, attempt: attempt.key }, "uploading failed unexpectedly");
        return uploadFailed("FileUploadMiscError", first.containerUrl, first.filePattern, "The output files could not be uploaded.");
      }
    },
  };
};
