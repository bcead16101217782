// Applications of an account and their packages: names, what may be changed and deleted when, where a package lies, and which package a
// reference of a pool or task means. Pure: whether the blob is there is the caller's to find out.
import { createHash } from "node:crypto";
import { ApiError } from "../api/errors.ts";
import type { Instant, Stamp } from "../lib/clock.ts";

export type Application = {
  accountId: number;
  /** The id in lower case: ids keep their case and are compared without it. */
  key: string;
  id: string;
  displayName?: string;
  /** Whether packages may be overwritten and deleted. */
  allowUpdates: boolean;
  /** The version, as its package spells it, that a reference without a version means. */
  defaultVersion?: string;
  modified: Stamp;
  generation: number;
};

/** Where a package lies, in the account's auto storage. */
export type PackageBlob = { account: string; container: string; name: string };

export type ApplicationPackage = {
  accountId: number;
  applicationKey: string;
  /** The version in lower case. */
  key: string;
  version: string;
  state: "pending" | "active";
  /** Of an active one: `zip`. */
  format?: string;
  lastActivatedAt?: Instant;
  blob: PackageBlob;
  /** Of the blob when it was activated. */
  etag?: string;
  modified: Stamp;
  generation: number;
};

/** What the documents allow (specs/batch-management: ApplicationNameParameter, VersionNameParameter). */
export const isApplicationName = (text: string): boolean => /^[A-Za-z0-9_-]{1,64}$/.test(text);
export const isVersionName = (text: string): boolean => /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(text);

/** The only format there is. */
export const isPackageFormat = (text: string): boolean => text.toLowerCase() === "zip";

export type ApplicationRefusal =
  /** The default version names no package of the application. */
  "ApplicationPackageNotFound" | "ApplicationPackagesExist" | "ApplicationUpdatesNotAllowed";
type Verdict<T> = { after: T } | { refused: ApplicationRefusal };

export type ApplicationChange = { displayName?: string; allowUpdates?: boolean; defaultVersion?: string };

const lower = (text: string): string => text.toLowerCase();

/** A new application has no packages yet, so it can have no default version either: give that to `changeApplication`, which refuses it. */
export const newApplication = (id: string, at: { accountId: number; stamp: Stamp }): Application => ({
  accountId: at.accountId,
  key: lower(id),
  id,
  allowUpdates: true,
  modified: at.stamp,
  generation: 0,
});

/** What is left out stays. `named` is the package that `change.defaultVersion` names; an empty text means no default version any more. */
export const changeApplication = (
  before: Application,
  change: ApplicationChange,
  named: ApplicationPackage | undefined,
  stamp: Stamp,
): Verdict<Application> => {
  const { displayName = before.displayName, allowUpdates = before.allowUpdates, defaultVersion } = change;
  if (defaultVersion !== undefined && defaultVersion !== "" && named === undefined) return { refused: "ApplicationPackageNotFound" };
  const wanted = defaultVersion === undefined ? before.defaultVersion : named?.version;
  return { after: { ...before, displayName, allowUpdates, defaultVersion: wanted, modified: stamp } };
};

/** Undefined when it may go. */
export const refuseApplicationDeletion = (packages: number): ApplicationRefusal | undefined =>
  packages > 0 ? "ApplicationPackagesExist" : undefined;

const hash = (text: string, digits: number): string => createHash("sha256").update(text).digest("hex").slice(0, digits);

/**
 * `app-{id}-{hash}`, within the rules for containers: letters, digits and single hyphens, 63 at most. The hash keeps ids apart that differ in
 * other characters, and accounts that share their storage. The form is the service's as far as it is known; what is hashed is unverified.
 */
export const packageContainer = (accountName: string, applicationId: string): string => {
  const plain = lower(applicationId)
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 40)
    .replace(/^-|-$/g, "");
  return `app-${plain === "" ? "" : `${plain}-`}${hash(`${lower(accountName)}/${lower(applicationId)}`, 16)}`;
};

/** A package that is to be uploaded. `guid` makes the blob's name its own. */
export const newPackage = (
  application: Application,
  version: string,
  { accountName, storageAccount, guid, stamp }: { accountName: string; storageAccount: string; guid: string; stamp: Stamp },
): ApplicationPackage => ({
  accountId: application.accountId,
  applicationKey: application.key,
  key: lower(version),
  version,
  state: "pending",
  blob: {
    account: storageAccount,
    container: packageContainer(accountName, application.id),
    name: `${application.key}-${lower(version)}-${guid}`,
  },
  modified: stamp,
  generation: 0,
});

/**
 * A package is made again under its version: it is pending until it is activated once more, and nobody can be given it meanwhile. Its blob stays,
 * to be overwritten, unless the account has another storage account now.
 */
export const overwritePackage = (
  application: Application,
  before: ApplicationPackage,
  again: ApplicationPackage,
  stamp: Stamp,
): Verdict<ApplicationPackage> => {
  if (!application.allowUpdates) return { refused: "ApplicationUpdatesNotAllowed" };
  const { format: _format, lastActivatedAt: _at, etag: _etag, ...kept } = before;
  const blob = before.blob.account === again.blob.account ? before.blob : again.blob;
  return { after: { ...kept, blob, state: "pending", modified: stamp } };
};

/** `etag` is that of the blob that was uploaded. A second activation is one more (seen in 2021: cli-2021-application). */
export const activatePackage = (
  before: ApplicationPackage,
  { format, etag, now, stamp }: { format: string; etag: string; now: Instant; stamp: Stamp },
): ApplicationPackage => ({ ...before, state: "active", format, lastActivatedAt: now, etag, modified: stamp });

/** What becomes of the application when the package goes: it loses its default version if that was it. The same object when nothing changes. */
export const deletePackage = (application: Application, gone: ApplicationPackage, stamp: Stamp): Verdict<Application> => {
  if (!application.allowUpdates) return { refused: "ApplicationUpdatesNotAllowed" };
  if (application.defaultVersion === undefined || lower(application.defaultVersion) !== gone.key) return { after: application };
  return { after: { ...application, defaultVersion: undefined, modified: stamp } };
};

/** As pools and tasks say it: the application by its id or by its resource id, with or without a version. */
export type PackageReference = { applicationId: string; version?: string };

const resourceId =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Batch\/batchAccounts\/([^/]+)\/applications\/([^/]+)$/i;

/** The application's key, or undefined for a resource id that can name none of this account. */
export const applicationKeyOf = ({ applicationId }: Pick<PackageReference, "applicationId">, accountName: string): string | undefined => {
  if (!applicationId.startsWith("/")) return lower(applicationId);
  const [, account, id] = resourceId.exec(applicationId) ?? [];
  return account !== undefined && lower(account) === lower(accountName) ? lower(id!) : undefined;
};

/** What the account has of what references name: applications by key, packages by `{application key} {version key}`. */
export type KnownPackages = { applications: ReadonlyMap<string, Application>; packages: ReadonlyMap<string, ApplicationPackage> };
export const packageKey = (applicationKey: string, version: string): string => `${applicationKey} ${lower(version)}`;

export type ResolvedPackage = { application: Application; package: ApplicationPackage };

const missing = "The specified application package does not exist.";

/** The package that a reference means, or why nodes cannot get it. The first reason was seen in 2021; the words of the others are ours. */
export const resolvePackage = (
  reference: PackageReference,
  known: KnownPackages,
  accountName: string,
): ResolvedPackage | { reason: string } => {
  const key = applicationKeyOf(reference, accountName);
  const application = key === undefined ? undefined : known.applications.get(key);
  if (application === undefined) return { reason: missing };
  const version = reference.version || application.defaultVersion;
  if (version === undefined) return { reason: "The specified application has no default version." };
  const found = known.packages.get(packageKey(application.key, version));
  if (found === undefined) return { reason: missing };
  return found.state === "active" ? { application, package: found } : { reason: "The specified application package is not active." };
};

export type BadPackageReference = { reference: PackageReference; reason: string };

/** Throws InvalidApplicationPackageReferences if there are any. */
export const refuseBadPackages = (bad: readonly BadPackageReference[]): void => {
  if (bad.length === 0) return;
  throw new ApiError(
    "InvalidApplicationPackageReferences",
    bad.map(({ reference, reason }) => ({ key: reference.applicationId, value: reason })),
  );
};

/**
 * What tells one content of a package from another: the blob and its ETag. Nodes keep a package under it, so that what was activated anew is
 * fetched anew and nothing else is.
 */
export const revisionOf = ({ blob, etag, lastActivatedAt }: ApplicationPackage): string =>
  hash(`${blob.account}/${blob.container}/${blob.name} ${etag ?? lastActivatedAt ?? ""}`, 12);
