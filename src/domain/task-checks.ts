// What must hold of a task that is added to a job, beyond what the declarations say of each property. Pure. It runs for every
// task of a collection, so it looks only at what is there and allocates nothing for an ordinary task.

import type { OutputFile } from "../api/batch/staging.ts";
import type { ExitOptions } from "../api/batch/tasks.ts";
import { ApiError, invalidProperty, missingProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";
import type { JobSpec } from "./jobs.ts";
import { checkResourceFiles } from "./staging-checks.ts";
import type { TaskSpec } from "./tasks.ts";

/** All task ids that one task depends on, together (limits-and-quotas.md). */
const longestDependencyList = 64_000;
/** The service's own limit for ranges is not known; the code for it is. */
const mostDependencyRanges = 1_000;

/** Throws the refusal of a task for such a job. Whether the id is taken is the store's to know. */
export const checkTask = (task: TaskSpec, job: JobSpec): void => {
  if (job.jobPreparationTask !== undefined && sameId(task.id, job.jobPreparationTask.id))
    throw new ApiError("TaskIdSameAsJobPreparationTask");
  if (job.jobReleaseTask !== undefined && sameId(task.id, job.jobReleaseTask.id)) throw new ApiError("TaskIdSameAsJobReleaseTask");
  if (task.dependsOn !== undefined) checkDependencies(task.dependsOn, job);
  if (task.exitConditions !== undefined) checkExitConditions(task.exitConditions, job);
  if (task.multiInstanceSettings !== undefined) {
    if ((task.requiredSlots ?? 1) !== 1) {
      throw invalidProperty("requiredSlots", "The value must be 1 for a multi-instance task.", String(task.requiredSlots));
    }
    checkResourceFiles(task.multiInstanceSettings.commonResourceFiles);
  }
  if (task.resourceFiles !== undefined) checkResourceFiles(task.resourceFiles);
  if (task.outputFiles !== undefined) checkOutputFiles(task.outputFiles);
};

const sameId = (id: string, other: string | undefined): boolean => other !== undefined && id.toLowerCase() === other.toLowerCase();

const checkDependencies = ({ taskIds, taskIdRanges }: NonNullable<TaskSpec["dependsOn"]>, job: JobSpec): void => {
  if (job.usesTaskDependencies !== true) throw new ApiError("TaskDependenciesNotSpecifiedOnJob");
  if (taskIds !== undefined && taskIds.reduce((length, id) => length + id.length, 0) > longestDependencyList) {
    throw new ApiError("TaskDependencyListTooLong");
  }
  if (taskIdRanges === undefined) return;
  if (taskIdRanges.length > mostDependencyRanges) throw new ApiError("TaskDependencyRangesTooLong");
  const backwards = taskIdRanges.find(({ start, end }) => start > end);
  if (backwards !== undefined) {
    throw invalidProperty("taskIdRanges", "The start of a range must not be greater than its end.", `${backwards.start}-${backwards.end}`);
  }
};

const checkExitConditions = (conditions: NonNullable<TaskSpec["exitConditions"]>, job: JobSpec): void => {
  const backwards = conditions.exitCodeRanges?.find(({ start, end }) => start > end);
  if (backwards !== undefined) {
    throw invalidProperty(
      "exitCodeRanges",
      "The start of a range must not be greater than its end.",
      `${backwards.start}-${backwards.end}`,
    );
  }
  const all: (Infer<typeof ExitOptions> | undefined)[] = [
    ...(conditions.exitCodes ?? []).map(({ exitOptions }) => exitOptions),
    ...(conditions.exitCodeRanges ?? []).map(({ exitOptions }) => exitOptions),
    conditions.preProcessingError,
    conditions.fileUploadError,
    conditions.default,
  ];
  for (const options of all) checkExitOptions(options, job);
};

const checkExitOptions = (options: Infer<typeof ExitOptions> | undefined, job: JobSpec): void => {
  if (options?.jobAction !== undefined && job.onTaskFailure !== "performexitoptionsjobaction") {
    throw invalidProperty(
      "jobAction",
      "A job action can be specified only if the job's onTaskFailure is performexitoptionsjobaction.",
      options.jobAction,
    );
  }
};

export const checkOutputFiles = (files: readonly Infer<typeof OutputFile>[] | undefined): void => {
  for (const { destination } of files ?? []) {
    if (destination.container === undefined) throw missingProperty("container");
    // Kept out of the error: the URL may carry a signature.
    if (!URL.canParse(destination.container.containerUrl) || !/^https?:/i.test(destination.container.containerUrl)) {
      throw invalidProperty("containerUrl", "The URL must be an absolute http or https URL.");
    }
  }
};
