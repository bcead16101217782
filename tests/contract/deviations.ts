// Where answers are meant to differ from the OpenAPI documents. A recording of the real service wins over a document: each entry names
// the exchange that shows it, and a test looks there. The few that no recording can show say why they are so.

import type { Version } from "../../src/api/versions.ts";

export type Deviation = {
  /** As tests/support/validate.ts says it, without the model's name, which newer documents changed. */
  problem: string;
  /** `scenario#exchange` of ../shared/recordings. */
  recording?: string;
  reason: string;
};

const capitals = "The real service answers it so.";

export const deviations: readonly Deviation[] = [
  { problem: ".storeLocation spells localmachine as LocalMachine", recording: "cli-2021-job-list#7", reason: capitals },
  { problem: ".category spells usererror as UserError", recording: "cli-2021-job-list#7", reason: capitals },
  { problem: ".caching spells readwrite as ReadWrite", recording: "cli-2024-02-pool-os-disk#2", reason: capitals },
  { problem: ".securityType spells trustedLaunch as trustedlaunch", recording: "cli-2024-02-pool-trusted-launch#2", reason: capitals },
  { problem: ".status spells success as Success", recording: "cli-2021-task-create#14", reason: capitals },
  { problem: ".nodeFillType spells spread as Spread", recording: "cli-2021-job-list#7", reason: capitals },
  {
    problem: ".password is missing",
    recording: "cli-2021-pools-and-nodes#8",
    reason: "Secrets are never answered, also where a document requires them.",
  },
  {
    problem: ".status spells clienterror as ClientError",
    reason: "As `Success` is in cli-2021-task-create#14; a refused task of a collection was not recorded.",
  },
  {
    problem: ".category spells userError as UserError",
    reason: "The document of 2017-01 has other capitals than all others; answered as cli-2021-job-list#7 shows it.",
  },
  {
    problem: ".category spells serverError as ServerError",
    reason: "The document of 2017-01 has other capitals than all others; answered as cli-2021-job-list#7 shows its neighbour.",
  },
  {
    problem: ".category spells servererror as ServerError",
    reason: "As `UserError` is in cli-2021-job-list#7; an error of the server was not recorded.",
  },
  { problem: ".storeLocation spells localMachine as LocalMachine", reason: "The 2017 spelling of what cli-2021-job-list#7 shows." },
  { problem: ".caching spells readWrite as ReadWrite", reason: "The 2017 spelling of what cli-2024-02-pool-os-disk#2 shows." },
  {
    problem: ".placement spells cachedisk as CacheDisk",
    reason: "The TypeSpec document only: the other of the same version, and its examples in both, say CacheDisk.",
  },
  {
    problem: ".contentLength is string, not integer",
    reason: "Integers of 64 bits are strings on the wire (reference/clients.md section 5); no listing of files was recorded here.",
  },
  { problem: ".imageUris is missing", reason: "OS disks of VHD blobs, which the documents of 2017 require, cannot be had here." },
  { problem: ".accountKey is missing", reason: "A secret, as the password of cli-2021-pools-and-nodes#8." },
];

const cut = (problem: string): string => problem.slice(Math.max(0, problem.indexOf(".")));

/**
 * The documents of 2017-01 to 2017-06 spell values in camel case, those before and after in lower case. What the service then sent is
 * not known; what it sent in all recorded versions is lower case, and either is accepted (reference: specs/README.md).
 */
const isCamelTime = (version: Version): boolean => version >= "2017-01" && version < "2017-07";
const camelCase: Deviation = { problem: "camel case", reason: "The spelling of the documents of 2017-01 to 2017-06." };

export const deviationOf = (problem: string, version: Version): Deviation | undefined => {
  const [, documented, ours] = / spells (\S+) as (\S+)$/.exec(problem) ?? [];
  if (ours !== undefined && isCamelTime(version) && ours === documented!.toLowerCase()) return camelCase;
  return deviations.find((one) => one.problem === cut(problem));
};
