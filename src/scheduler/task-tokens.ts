// The tokens that go with orders: of the tasks that ask for one so that they can work on their own job.
import { attemptKey } from "../api/agent/messages.ts";
import type { Job } from "../domain/jobs.ts";
import { isGivenToken, type Task } from "../domain/tasks.ts";
import type { Context } from "./context.ts";

/** Absent where the task asks for none. */
export type TokenOf = (task: Task) => { authenticationToken?: string };

export const noTokens: TokenOf = () => ({});

/**
 * For the attempts that the tasks are placed with, or about to be. Undefined when none asks for a token, so that the caller need not even wait:
 * that is how it is for most tasks, and signing takes longer than everything else about an order.
 */
export const signTokens = (
  context: Pick<Context, "accountName" | "taskToken">,
  placed: readonly { task: Task; job: Job }[],
): Promise<TokenOf> | undefined => {
  const asking = placed.filter(({ task }) => isGivenToken(task.spec));
  return asking.length === 0 ? undefined : signed(context, asking);
};

const signed = async (
  context: Pick<Context, "accountName" | "taskToken">,
  asking: readonly { task: Task; job: Job }[],
): Promise<TokenOf> => {
  const tokens = await Promise.all(
    asking.map(async ({ task, job }): Promise<[string, string]> => {
      const { accountId, jobUid, seq, id: taskId, attempt } = task;
      const accountName = await context.accountName(accountId);
      return [attemptKey(task), await context.taskToken({ accountId, accountName, jobUid, jobId: job.id, seq, taskId, attempt })];
    }),
  );
  const byAttempt = new Map(tokens);
  return (task) => {
    const authenticationToken = byAttempt.get(attemptKey(task));
    return authenticationToken === undefined ? {} : { authenticationToken };
  };
};
