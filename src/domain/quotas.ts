// Quotas: what the operator lets each account have. None is set unless the command line sets it. Pure: counting is the store's.
import type { Shortfall } from "./pools.ts";
import { vmFamilies, vmSizeOf } from "./vm-sizes.ts";

export type Quotas = {
  /** Of each account. */
  readonly dedicatedCores?: number;
  readonly lowPriorityCores?: number;
  readonly pools?: number;
  /** Jobs that have not ended and job schedules, together. */
  readonly jobs?: number;
  /** In each location. */
  readonly accounts?: number;
  /** Dedicated cores of nodes of one family, by the family's name in lower case. */
  readonly families: Readonly<Record<string, number>>;
};

export const noQuotas: Quotas = { families: {} };

/** What answers show where there is no quota: the largest number that every client can hold. */
export const unlimited = 2 ** 31 - 1;

const familyQuota = (quotas: Quotas, family: string): number | undefined => quotas.families[family.toLowerCase()];
export const limitsCores = (quotas: Quotas): boolean =>
  quotas.dedicatedCores !== undefined || quotas.lowPriorityCores !== undefined || Object.keys(quotas.families).length > 0;

/** As an account shows them. Where families are limited, those that are not named are not. */
export const shownQuotas = (quotas: Quotas) => ({
  dedicatedCoreQuota: quotas.dedicatedCores ?? unlimited,
  lowPriorityCoreQuota: quotas.lowPriorityCores ?? unlimited,
  dedicatedCoreQuotaPerVMFamily: [...new Set([...vmFamilies, ...Object.keys(quotas.families).map(familyName)])].map((name) => ({
    name,
    coreQuota: familyQuota(quotas, name) ?? unlimited,
  })),
  dedicatedCoreQuotaPerVMFamilyEnforced: true,
});

/** In the spelling of the table of sizes, or as it was given. */
const familyName = (lower: string): string => vmFamilies.find((name) => name.toLowerCase() === lower) ?? lower;

/** The cores that an account's nodes have: of each kind, and of the family asked for. */
export type CoresUsed = { dedicated: number; lowPriority: number; ofFamily: number };
type NodeGroup = { vmSize: string; isDedicated: boolean; nodes: number };

export const coresUsed = (groups: readonly NodeGroup[], vmSize: string): CoresUsed => {
  const family = vmSizeOf(vmSize)?.family;
  const used = { dedicated: 0, lowPriority: 0, ofFamily: 0 };
  for (const group of groups) {
    const size = vmSizeOf(group.vmSize);
    const cores = (size?.cores ?? 1) * group.nodes;
    if (group.isDedicated) used.dedicated += cores;
    else used.lowPriority += cores;
    if (group.isDedicated && size?.family === family) used.ofFamily += cores;
  }
  return used;
};

export type QuotaErrorCode = "AccountCoreQuotaReached" | "AccountLowPriorityCoreQuotaReached" | "AccountVMSeriesCoreQuotaReached";
export type QuotaError = { code: QuotaErrorCode; message: string };

/** The codes are the service's (pools-and-nodes 1.4); the words are ours. */
const sentences: Record<QuotaErrorCode, string> = {
  AccountCoreQuotaReached: "The specified account has reached its quota of dedicated cores",
  AccountLowPriorityCoreQuotaReached: "The specified account has reached its quota of low priority cores",
  AccountVMSeriesCoreQuotaReached: "The specified account has reached its quota of dedicated cores of the VM series",
};

/** How many of the nodes that a pool wants it may have, and what keeps it from more. Nodes that are there are never taken away for a quota. */
export const withinQuotas = (
  wanted: Shortfall,
  vmSize: string,
  used: CoresUsed,
  quotas: Quotas,
): { granted: Shortfall; errors: QuotaError[] } => {
  const size = vmSizeOf(vmSize);
  const cores = size?.cores ?? 1;
  const room = (quota: number | undefined, taken: number): number =>
    quota === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor((quota - taken) / cores));
  const ofFamily = room(size === undefined ? undefined : familyQuota(quotas, size.family), used.ofFamily);
  const ofAll = room(quotas.dedicatedCores, used.dedicated);
  const dedicated = Math.min(wanted.dedicated, ofFamily, ofAll);
  const lowPriority = Math.min(wanted.lowPriority, room(quotas.lowPriorityCores, used.lowPriority));
  const codes: QuotaErrorCode[] = [
    ...(dedicated < wanted.dedicated
      ? [ofFamily <= ofAll ? ("AccountVMSeriesCoreQuotaReached" as const) : ("AccountCoreQuotaReached" as const)]
      : []),
    ...(lowPriority < wanted.lowPriority ? (["AccountLowPriorityCoreQuotaReached"] as const) : []),
  ];
  return { granted: { dedicated, lowPriority }, errors: codes.map((code) => ({ code, message: sentences[code] })) };
};
