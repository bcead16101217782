// Carries the deletion of a Batch account through: schedules, jobs and pools go as they do when they are deleted one by one, then certificates,
// applications with the files of their packages, and connections, the account's own row last. Works in bounded slices. Without input but the store; may
// run at any time and twice, so that a deletion that was interrupted goes on at the next start.
import { type BatchAccount, deletionKey, nameBefore } from "../../domain/accounts.ts";
import { changeState } from "../../domain/job-schedules.ts";
import { deleteJob } from "../../domain/jobs.ts";
import { deletePool } from "../../domain/pools.ts";
import { type Contents, deleteRemainders, isEmptied, packageBlobsOf, stayingIn } from "../../store/account-contents.ts";
import { deleteAccount, getAccount } from "../../store/accounts.ts";
import { endAsyncOperations } from "../../store/async-operations.ts";
import type { Reader, Write } from "../../store/db.ts";
import { saveJobSchedule } from "../../store/job-schedules.ts";
import { saveJob } from "../../store/jobs.ts";
import { savePool } from "../../store/pools.ts";
import type { Context } from "../context.ts";

/** Schedules, jobs and pools dealt with in one commit. */
const slice = 100;
/** How often the files of packages are tried to be removed before they are left to the owner of the storage account. */
const mostAttempts = 5;

export type AccountKey = { accountId: number };

type Step = { writes: Write[]; going: Contents; state: "gone" | "emptying" | "empty" };
const nothing: Contents = { schedules: [], jobs: [], pools: [] };

export const reconcileAccount = async (context: Context, { accountId }: AccountKey): Promise<void> => {
  // Before anything is read: what goes from then on rings.
  context.leaving.add(accountId);
  const { going, state } = await context.store.decide(async (read) => {
    const account = await getAccount(read, accountId);
    const step = await emptied(context, read, account);
    return { writes: step.writes, result: step };
  });
  if (state === "gone") context.leaving.delete(accountId);
  for (const { key } of going.schedules) context.bells.jobSchedule({ accountId, scheduleKey: key });
  for (const { key } of going.jobs) context.bells.job({ accountId, jobKey: key });
  for (const { key } of going.pools) {
    context.board.view({ accountId, poolKey: key }).stale = true;
    context.bells.loop({ accountId, poolKey: key });
    context.bells.pool({ accountId, poolKey: key });
  }
  if (state === "empty") await removeRest(context, accountId);
  // More than a slice may have to be told. Of jobs the next are told when these are gone, which rings.
  else if (going.schedules.length + going.pools.length > 0) context.bells.account({ accountId });
};

const emptied = async (context: Context, read: Reader, account: BatchAccount | undefined): Promise<Step> => {
  if (account?.provisioningState !== "Deleting") return { writes: [], going: nothing, state: "gone" };
  if (await isEmptied(read, account.id)) return { writes: [], going: nothing, state: "empty" };
  const left = await stayingIn(read, account.id, slice);
  const now = context.clock.now();
  const schedules = left.schedules.flatMap((schedule) => after(changeState(schedule, "delete", now)));
  const jobs = left.jobs.flatMap((job) => after(deleteJob(job, now)));
  const pools = left.pools.flatMap((pool) => after(deletePool(pool, now)));
  const writes = [...schedules.map(saveJobSchedule), ...jobs.flatMap(saveJob), ...pools.flatMap(savePool)];
  return { writes, going: { schedules, jobs, pools }, state: "emptying" };
};

/** What goes already is not told again. */
const after = <T>(verdict: { after: T } | { refused: string }): T[] => ("after" in verdict ? [verdict.after] : []);

const removeRest = async (context: Context, accountId: number): Promise<void> => {
  await removePackages(context, accountId);
  type Outcome = { isFull?: true; group?: string };
  const { isFull, group } = await context.store.decide<Outcome>(async (read) => {
    const account = await getAccount(read, accountId);
    if (account?.provisioningState !== "Deleting") return { writes: [], result: {} };
    // Something was put in by a request that was let in before; the next run takes it out.
    if (!(await isEmptied(read, accountId))) return { writes: [], result: { isFull: true } };
    const ended = endAsyncOperations(deletionKey(accountId), { status: "Succeeded", at: context.clock.now() });
    return { writes: [...deleteRemainders(accountId), ...deleteAccount(account), ...ended], result: { group: account.resourceGroup } };
  });
  if (isFull === true) context.bells.account({ accountId });
  else context.leaving.delete(accountId);
  // The group may wait for what was in it.
  if (group !== undefined) context.bells.resourceGroup(group);
};

/**
 * A storage service that does not answer is asked again by a later run; one that goes on refusing must not keep the account for ever, so its owner
 * is left with the files and the log says so.
 */
const removePackages = async (context: Context, accountId: number): Promise<void> => {
  const account = await getAccount(context.store, accountId);
  const blobs = account === undefined ? [] : await packageBlobsOf(context.store, accountId);
  if (account === undefined || blobs.length === 0) return;
  // Another account may have taken the name of what is left of this one, and its applications the containers.
  const isNameTaken = account.name !== nameBefore(account.name);
  try {
    for (const { storage_account, container, blob } of blobs)
      await context.packageFiles.remove({ account: storage_account, container, name: blob });
    const containers = new Map(blobs.map((one) => [`${one.storage_account}/${one.container}`, one]));
    for (const { storage_account, container } of isNameTaken ? [] : containers.values())
      await context.packageFiles.removeContainer({ account: storage_account, container });
    context.attempts.delete(accountId);
  } catch (error) {
    const attempts = (context.attempts.get(accountId) ?? 0) + 1;
    context.attempts.set(accountId, attempts);
    if (attempts < mostAttempts) throw error;
    context.attempts.delete(accountId);
    context.log.warn({ err: error, account: nameBefore(account.name) }, "files of packages are left in the storage account: it refuses");
  }
};
