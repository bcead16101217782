// Lists of what ran on single nodes for a job or a task. Jobs with preparation and release tasks and tasks of several nodes are held in
// this release, so no node has run anything of theirs and the lists are empty; what is asked of them is checked as if they were not.
import type * as api from "../../api/batch/node-runs.ts";
import { ApiError } from "../../api/errors.ts";
import type { Filterable } from "../../domain/filter.ts";
import { comparisons, equality } from "../../store/filter.ts";
import type { Handler } from "../handler.ts";
import { loadJob, loadTask } from "./load.ts";

export const listPreparationAndReleaseTaskStatus: Handler<typeof api.listPreparationAndReleaseTaskStatus> = async (request, services) => {
  const { spec } = await loadJob(services.store, request.principal.accountId, request.params.jobId);
  if (spec.jobPreparationTask === undefined && spec.jobReleaseTask === undefined)
    throw new ApiError("JobPreparationTaskOrReleaseTaskNotSpecified");
  return { items: [] };
};

export const listSubtasks: Handler<typeof api.listSubtasks> = async ({ principal, params }, { store: read }) => {
  await loadTask(read, principal.accountId, params.jobId, params.taskId);
  return { items: [] };
};

const ofExecution = (name: string): Filterable => ({
  [`${name}/state`]: { type: "string", operators: ["eq"] },
  [`${name}/startTime`]: { type: "time", operators: comparisons },
  [`${name}/endTime`]: { type: "time", operators: comparisons },
  [`${name}/exitCode`]: { type: "number", operators: comparisons },
  [`${name}/result`]: { type: "string", operators: equality },
});

/** Reference: errors-and-http section 4. */
export const preparationAndReleaseFilterable: Filterable = {
  poolId: { type: "string", operators: equality },
  nodeId: { type: "string", operators: equality },
  ...ofExecution("jobPreparationTaskExecutionInfo"),
  ...ofExecution("jobReleaseTaskExecutionInfo"),
};
