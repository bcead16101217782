// Shared access signatures made with an account's key: what stands in a URL so that whoever has it may do one thing for a while.
// Only makes them; checking is the storage service's.
import { createHmac } from "node:crypto";
import type { Instant } from "../lib/clock.ts";

/** The newest form that both strings to sign below are made for (documents "Create a service SAS" and "Create an account SAS"). */
const signedVersion = "2020-12-06";

/** In whole seconds: all that the services take in every version. */
const timeOf = (at: Instant): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

const sign = (key: string, lines: readonly string[]): string =>
  createHmac("sha256", Buffer.from(key, "base64")).update(lines.join("\n"), "utf8").digest("base64");

const query = (values: Record<string, string>): string => new URLSearchParams(values).toString();

export type BlobGrant = { account: string; container: string; blob: string; permissions: string; expiresAt: Instant };

/**
 * A query for one blob. `permissions` in the service's own order (racwd). The signature covers account, container and blob and neither host nor
 * path, so the same one is good in every address of the account, over http as over https.
 */
export const blobSignature = (key: string, { account, container, blob, permissions, expiresAt }: BlobGrant): string => {
  const se = timeOf(expiresAt);
  const resource = `/blob/${account}/${container}/${blob}`;
  // Start, identifier, address range, protocol, snapshot, encryption scope and the five headers of answers are not given.
  const lines = [permissions, "", se, resource, "", "", "", signedVersion, "b", "", "", "", "", "", "", ""];
  return query({ sv: signedVersion, sr: "b", sp: permissions, se, sig: sign(key, lines) });
};

/** The same for a whole container, to list and to read it (`rl`). */
export const containerSignature = (key: string, { account, container, permissions, expiresAt }: Omit<BlobGrant, "blob">): string => {
  const se = timeOf(expiresAt);
  const lines = [permissions, "", se, `/blob/${account}/${container}`, "", "", "", signedVersion, "c", "", "", "", "", "", "", ""];
  return query({ sv: signedVersion, sr: "c", sp: permissions, se, sig: sign(key, lines) });
};

/** One request, and clocks that differ. */
const ownAccessMs = 15 * 60_000;

/** A query for everything in the blob service of an account: for this server alone, and briefly. */
export const ownSignature = (key: string, account: string, now: Instant): string => {
  const [sp, ss, srt, se] = ["rwdlac", "b", "sco", timeOf(now + ownAccessMs)];
  const lines = [account, sp, ss, srt, "", se, "", "", signedVersion, "", ""];
  return query({ sv: signedVersion, ss, srt, sp, se, sig: sign(key, lines) });
};
