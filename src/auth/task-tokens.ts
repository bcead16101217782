// The token that a task is given so that it can work on its own job: what it proves, and how far it reaches. Who signs and reads it is
// src/identity's; whether the task still runs is the store's, and asked at every use (account-door.ts).
import { ApiError } from "../api/errors.ts";
import { keyOf } from "../domain/new-pool.ts";
import type { TaskAttempt } from "../domain/tasks.ts";
import type { Principal } from "./principal.ts";

export interface TaskTokenVerifier {
  /** Whether a token calls itself one of these; nothing that it says is believed yet. */
  isOne(token: string): boolean;
  /** Whose it is. Rejects with TokenRefused, and says nothing about whether that attempt still runs. */
  verify(token: string): Promise<TaskAttempt>;
}

export type TaskTokenDoor = TaskTokenVerifier & {
  /** Whether the attempt is the one that the task is placed with now, in a job that is still there. */
  isCurrent(attempt: TaskAttempt): Promise<boolean>;
};

/** In the header of every such token: none passes for a client's access token, and none of those for one of these. */
export const taskTokenType = "task+jwt";

/**
 * A task's token is for the job that it is a task of, and for everything below that (official document: AccessScope `job`, "all operations on
 * the Job containing the Task"). `jobId` is that of the request, in any letter case; undefined for what is not below a job.
 */
export const refuseOutside = ({ scope }: Pick<Principal, "scope">, jobId: string | undefined): void => {
  if (scope !== undefined && (jobId === undefined || keyOf(jobId) !== keyOf(scope.jobId))) throw new ApiError("AuthorizationFailure");
};
