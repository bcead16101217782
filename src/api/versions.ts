// The ordered lists of api-versions: the data plane's and, for each resource provider, the management plane's. What came and went with each is
// written at the fields and operations themselves.

export const versions = [
  "2015-12-01.2.2",
  "2016-02-01.3.0",
  "2016-07-01.3.1",
  "2017-01-01.4.0",
  "2017-05-01.5.0",
  "2017-06-01.5.1",
  "2017-09-01.6.0",
  "2018-03-01.6.1",
  "2018-08-01.7.0",
  "2018-12-01.8.0",
  "2019-06-01.9.0",
  "2019-08-01.10.0",
  "2020-03-01.11.0",
  "2020-09-01.12.0",
  "2021-06-01.14.0",
  "2022-01-01.15.0",
  "2022-10-01.16.0",
  "2023-05-01.17.0",
  "2023-11-01.18.0",
  "2024-02-01.19.0",
  "2024-07-01.20.0",
  "2025-06-01",
] as const;

/** Of ARM Microsoft.Batch. */
export const batchManagementVersions = [
  "2015-12-01",
  "2017-01-01",
  "2017-05-01",
  "2017-09-01",
  "2018-12-01",
  "2019-04-01",
  "2019-08-01",
  "2020-03-01",
  "2020-05-01",
  "2020-09-01",
  "2021-01-01",
  "2021-06-01",
  "2022-01-01",
  "2022-06-01",
  "2022-10-01",
  "2023-05-01",
  "2023-11-01",
  "2024-02-01",
  "2024-07-01",
  "2025-06-01",
] as const;

/** Of ARM Microsoft.AzureStackHCI, as far as it has gallery images. */
export const stackHciVersions = [
  "2021-09-01-preview",
  "2022-12-15-preview",
  "2023-07-01-preview",
  "2023-09-01-preview",
  "2024-01-01",
  "2024-02-01-preview",
  "2024-05-01-preview",
  "2024-07-15-preview",
  "2024-08-01-preview",
  "2024-10-01-preview",
  "2025-02-01-preview",
  "2025-04-01-preview",
  "2025-06-01-preview",
  "2025-09-01-preview",
] as const;

export type DataPlaneVersion = (typeof versions)[number];
export type Version = DataPlaneVersion | (typeof batchManagementVersions)[number] | (typeof stackHciVersions)[number];

export const oldest: DataPlaneVersion = versions[0];
/** The version the product is written against; examples and documents of ../shared/specs are of this one. */
export const baseline: DataPlaneVersion = "2024-07-01.20.0";
export const newest: DataPlaneVersion = "2025-06-01";

const known: ReadonlySet<string> = new Set(versions);

export const isVersion = (text: string): text is DataPlaneVersion => known.has(text);

/** Negative when a is older than b. Both are of one plane; each of its versions begins with another date, so text order is their order. */
export const compareVersions = (a: Version, b: Version): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whether something that lives from `since` to `until`, both included, exists in `version`; it may have been `absent` for a while. */
export const livesIn = (
  life: { since?: Version; until?: Version; absent?: { since: Version; until: Version } },
  version: Version,
): boolean =>
  (life.since === undefined || compareVersions(version, life.since) >= 0) &&
  (life.until === undefined || compareVersions(version, life.until) <= 0) &&
  (life.absent === undefined || !livesIn(life.absent, version));

const shape = /^\d{4}-\d{2}-\d{2}(\.\d{1,4}\.\d{1,4})?(-preview)?$/;

/**
 * The version to serve for what the client asked for. A version that is not known but has the right shape is served as the
 * newest when `check` is lenient, because a client newer than this program should still work; anything else is undefined.
 */
export const servedVersion = (asked: string, check: "lenient" | "strict"): DataPlaneVersion | undefined => {
  if (isVersion(asked)) return asked;
  return check === "lenient" && shape.test(asked) ? newest : undefined;
};
