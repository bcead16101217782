// The rows of a new job with the automatic pool that it brings, for Job_Add and for job schedules alike. A pool that cannot be made is no
// refusal: the job is there, has ended, and says why (reference: jobs-and-tasks 1.5; that of certificates was seen in 2021).
import type { Failure } from "../api/agent/messages.ts";
import { badReferences, type CertificateReference, certificateKey } from "../domain/certificates.ts";
import { jobWithoutPool, type NewJob } from "../domain/new-job.ts";
import { imageNotReady } from "../domain/pool-checks.ts";
import type { Pool } from "../domain/pools.ts";
import type { Quotas } from "../domain/quotas.ts";
import type { Instant } from "../lib/clock.ts";
import { certificateStatesOf, checkCertificatesActive } from "../store/certificates.ts";
import type { Reader, Write } from "../store/db.ts";
import { insertJob } from "../store/jobs.ts";
import { insertPool } from "../store/pools.ts";
import { withoutBadPool } from "./formula.ts";
import { lookAtImage } from "./image-references.ts";
import { lookAtPackages } from "./package-references.ts";
import { hasRoomForPool, poolGuards } from "./quotas.ts";

export const rowsOfNewJob = async (read: Reader, made: NewJob, now: Instant, quotas?: Quotas): Promise<NewJob & { writes: Write[] }> => {
  const { job, pool } = withoutBadPool(made, now);
  if (pool === undefined) return { job, writes: insertJob(job) };
  const looks = [
    await certificatesOf(read, pool),
    await packagesOf(read, pool),
    await imageOf(read, pool),
    await quotaOf(read, pool, quotas),
  ];
  const failure = looks.find((look) => look.failure !== undefined)?.failure;
  if (failure === undefined)
    return { job, pool, writes: [...looks.flatMap(({ guards }) => guards), ...insertJob(job), ...insertPool(pool)] };
  const ended = jobWithoutPool({ job }, failure, now);
  return { job: ended, writes: insertJob(ended) };
};

/** The words are ours (unverified); the code is the service's. */
const quotaOf = async (read: Reader, { accountId }: Pool, quotas: Quotas | undefined): Promise<{ failure?: Failure; guards: Write[] }> => {
  if (await hasRoomForPool(read, accountId, quotas)) return { guards: await poolGuards(read, accountId, quotas) };
  const message = "The auto pool could not be created: the pool quota of the account has been reached";
  return { failure: { category: "usererror", code: "AutoPoolCreationFailedWithQuotaReached", message, details: [] }, guards: [] };
};

const keyOfReference = (one: CertificateReference): string => certificateKey(one.thumbprintAlgorithm, one.thumbprint);

/** What is wrong with the certificates that the pool names, or else the guards that make sure that nothing is when it is committed. */
const certificatesOf = async (read: Reader, { accountId, spec }: Pool): Promise<{ failure?: Failure; guards: Write[] }> => {
  const references = spec.certificateReferences ?? [];
  if (references.length === 0) return { guards: [] };
  const keys = references.map(keyOfReference);
  const bad = badReferences(references, await certificateStatesOf(read, accountId, keys));
  if (bad.length === 0) return { guards: checkCertificatesActive(accountId, keys) };
  const details = bad.map(({ reference, reason }) => ({ name: keyOfReference(reference), value: reason }));
  const message = "One or more certificates specified for the pool are invalid";
  return { failure: { category: "usererror", code: "InvalidCertificatesInAutoPool", message, details }, guards: [] };
};

/** As of certificates. The words and the details are ours (unverified); the code is the service's. */
const packagesOf = async (read: Reader, { accountId, spec }: Pool): Promise<{ failure?: Failure; guards: Write[] }> => {
  const { bad, guards } = await lookAtPackages(read, accountId, spec.applicationPackageReferences);
  if (bad.length === 0) return { guards };
  const details = bad.map(({ reference, reason }) => ({ name: reference.applicationId, value: reason }));
  const message = "One or more application packages specified for the pool are invalid";
  return { failure: { category: "usererror", code: "InvalidApplicationPackageReferencesInAutoPool", message, details }, guards: [] };
};

/** An image that was imported may have gone since the job or its schedule was accepted. The code and the words are ours (unverified). */
const imageOf = async (read: Reader, { spec }: Pool): Promise<{ failure?: Failure; guards: Write[] }> => {
  const reference = spec.virtualMachineConfiguration?.imageReference;
  const { bad, guards } = await lookAtImage(read, reference);
  if (!bad) return { guards };
  const details = [{ name: "virtualMachineImageId", value: reference?.virtualMachineImageId ?? "" }];
  return { failure: { category: "usererror", code: "InvalidImageReferenceInAutoPool", message: imageNotReady, details }, guards: [] };
};
