// What the operations on applications and their packages do. The files of packages lie in the account's auto storage: clients upload them to a URL
// signed for that, nodes get them by one of their own.
import { ApiError, invalidProperty } from "../../../api/errors.ts";
import type * as api from "../../../api/management/batch/applications.ts";
import type { Caller } from "../../../auth/tokens.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import {
  type Application,
  type ApplicationPackage,
  activatePackage,
  changeApplication,
  deletePackage,
  isApplicationName,
  isPackageFormat,
  isVersionName,
  newApplication,
  newPackage,
  overwritePackage,
  packageContainer,
  refuseApplicationDeletion,
} from "../../../domain/applications.ts";
import { checkConditions } from "../../../domain/conditions.ts";
import { parseResourceId } from "../../../domain/resource-ids.ts";
import { type Instant, isoTime } from "../../../lib/clock.ts";
import { BlobError } from "../../../storage/blobs.ts";
import { guardAccount } from "../../../store/accounts.ts";
import * as store from "../../../store/applications.ts";
import type { Reader, Write } from "../../../store/db.ts";
import { allowed, cutPage } from "../../batch/load.ts";
import type { Reply } from "../../handler.ts";
import { weakEtag } from "../etags.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { childId, loadAccount } from "./load.ts";

type Context = { readonly services: ManagementServices; readonly account: BatchAccount };
type Asked = { readonly traits: ReadonlySet<string> };

/** The figures of the service's documentation (reference: limits-and-quotas). */
const mostApplications = 200;
const mostPackages = 40;
/** As the service gives it (seen in 2021). */
const urlLifeMs = 4 * 3_600_000;

export const createApplication: ManagementHandler<typeof api.createApplication> = async (request, services) => {
  const { params, body } = request;
  checkName("applicationName", params.applicationName, isApplicationName);
  const { account, application } = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    storageOf(account, services);
    const key = params.applicationName.toLowerCase();
    const before = await store.getApplication(read, account.id, key);
    const stamp = services.clock.stamp();
    if (before === undefined && (await store.countApplications(read, account.id)) >= mostApplications)
      throw new ApiError("ApplicationLimitReached", [], `An account can have ${mostApplications} applications.`);
    const start = before ?? newApplication(params.applicationName, { accountId: account.id, stamp });
    const { application, guards } = await changed(read, start, body.properties ?? {}, stamp);
    const writes =
      before === undefined ? [guardAccount(account.id), ...store.insertApplication(application)] : store.saveApplication(application);
    return { writes: [...guards, ...writes], result: { account, application } };
  });
  return applicationReply({ services, account }, application, request, 201);
};

export const updateApplication: ManagementHandler<typeof api.updateApplication> = async (request, services) => {
  const { params, body, preconditions } = request;
  const { account, application } = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const before = await loadApplication(read, account, params.applicationName);
    checkConditions(preconditions, before.modified, "write");
    const { application, guards } = await changed(read, before, body.properties ?? {}, services.clock.stamp());
    return { writes: [...guards, ...store.saveApplication(application)], result: { account, application } };
  });
  if (request.traits.has("flat")) return { status: 204 };
  return applicationReply({ services, account }, application, request);
};

/** The application with the changes, and what must still hold when it is written: the package that its default version names. */
const changed = async (
  read: Reader,
  before: Application,
  change: { displayName?: string; allowUpdates?: boolean; defaultVersion?: string },
  stamp: number,
): Promise<{ application: Application; guards: Write[] }> => {
  const { accountId, key: applicationKey } = before;
  const named =
    change.defaultVersion === undefined
      ? undefined
      : await store.getPackage(read, { accountId, applicationKey, key: change.defaultVersion.toLowerCase() });
  const application = allowed(changeApplication(before, change, named, stamp));
  return { application, guards: named === undefined ? [] : store.checkPackage(named) };
};

export const getApplication: ManagementHandler<typeof api.getApplication> = async (request, services) => {
  const account = await loadAccount(services.store, request.params);
  const application = await loadApplication(services.store, account, request.params.applicationName);
  return applicationReply({ services, account }, application, request);
};

export const listApplications: ManagementHandler<typeof api.listApplications> = async (request, services) => {
  const account = await loadAccount(services.store, request.params);
  const { after, limit } = request.page;
  const found = await store.listApplications(services.store, {
    accountId: account.id,
    limit: limit + 1,
    ...(after === undefined ? {} : { after }),
  });
  const { elements, next } = cutPage(found, limit, ({ key }) => key);
  const items = await Promise.all(elements.map((application) => applicationView({ services, account }, application, request)));
  return { items, ...(next === undefined ? {} : { next }) };
};

export const deleteApplication: ManagementHandler<typeof api.deleteApplication> = async ({ params, traits }, services) => {
  const gone = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const application = await store.getApplication(read, account.id, params.applicationName.toLowerCase());
    if (application === undefined) return { writes: [], result: undefined };
    const refused = refuseApplicationDeletion(await store.countPackages(read, { accountId: account.id, key: application.key }));
    if (refused !== undefined) throw new ApiError(refused);
    return { writes: store.deleteApplication(application), result: { account, application } };
  });
  if (gone === undefined) return { status: 204 };
  // Files of packages that a crash left behind go with their container. It is found by name, not by a row, so this may well fail.
  const storage = storageAccountOf(gone.account, services);
  if (storage !== undefined) {
    const container = packageContainer(gone.account.name, gone.application.id);
    await services.storage.deleteContainer(storage, container).catch((error: unknown) => {
      services.log.warn({ account: gone.account.name, container, error }, "the container of a deleted application was not deleted");
    });
  }
  return { status: traits.has("flat") ? 204 : 200 };
};

export const createApplicationPackage: ManagementHandler<typeof api.createApplicationPackage> = async (request, services) => {
  const { params } = request;
  checkName("versionName", params.versionName, isVersionName);
  const found = await loadAccount(services.store, params);
  const parent = await loadApplication(services.store, found, params.applicationName);
  const storage = storageOf(found, services);
  await withStorage(services.storage.createContainer(storage, packageContainer(found.name, parent.id)));
  const guid = services.ids.guid();
  const { account, one } = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const application = await loadApplication(read, account, params.applicationName);
    const stamp = services.clock.stamp();
    const fresh = newPackage(application, params.versionName, { accountName: account.name, storageAccount: storage, guid, stamp });
    const before = await store.getPackage(read, fresh);
    const name = { accountId: account.id, key: application.key };
    if (before === undefined && (await store.countPackages(read, name)) >= mostPackages)
      throw new ApiError("ApplicationLimitReached", [], `An application can have ${mostPackages} packages.`);
    const one = before === undefined ? fresh : allowed(overwritePackage(application, before, fresh, stamp));
    const writes = before === undefined ? store.insertPackage(one) : store.savePackage(one);
    return { writes: [...store.checkApplications([application]), ...writes], result: { account, one } };
  });
  return packageReply({ services, account }, parent, one, request, 201);
};

export const activateApplicationPackage: ManagementHandler<typeof api.activateApplicationPackage> = async (request, services) => {
  const { params, body } = request;
  if (!isPackageFormat(body.format))
    throw invalidProperty("format", "The format of an application package must be zip.", body.format.slice(0, 64));
  const found = await loadPackage(services.store, await loadAccount(services.store, params), params);
  const { blob } = found.one;
  const uploaded = await withStorage(services.storage.blobProperties(blob.account, blob.container, blob.name));
  if (uploaded === undefined) throw new ApiError("ApplicationPackageBlobNotFound");
  const { account, application, one } = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const { application, one: before } = await loadPackage(read, account, params);
    const at = { format: "zip", etag: uploaded.etag, now: services.clock.now(), stamp: services.clock.stamp() };
    const one = activatePackage(before, at);
    return { writes: store.savePackage(one), result: { account, application, one } };
  });
  if (request.traits.has("flat")) return { status: 204 };
  return packageReply({ services, account }, application, one, request);
};

export const getApplicationPackage: ManagementHandler<typeof api.getApplicationPackage> = async (request, services) => {
  const account = await loadAccount(services.store, request.params);
  const { application, one } = await loadPackage(services.store, account, request.params);
  return packageReply({ services, account }, application, one, request);
};

export const listApplicationPackages: ManagementHandler<typeof api.listApplicationPackages> = async (request, services) => {
  const account = await loadAccount(services.store, request.params);
  const application = await loadApplication(services.store, account, request.params.applicationName);
  const { after, limit } = request.page;
  const found = await store.listPackages(services.store, {
    accountId: account.id,
    applicationKey: application.key,
    limit: limit + 1,
    ...(after === undefined ? {} : { after }),
  });
  const { elements, next } = cutPage(found, limit, ({ key }) => key);
  const items = elements.map((one) => packageView({ services, account }, application, one, request));
  return { items, ...(next === undefined ? {} : { next }) };
};

export const deleteApplicationPackage: ManagementHandler<typeof api.deleteApplicationPackage> = async ({ params, traits }, services) => {
  const gone = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const application = await store.getApplication(read, account.id, params.applicationName.toLowerCase());
    const key = params.versionName.toLowerCase();
    const one = application && (await store.getPackage(read, { accountId: account.id, applicationKey: application.key, key }));
    if (application === undefined || one === undefined) return { writes: [], result: undefined };
    const after = allowed(deletePackage(application, one, services.clock.stamp()));
    const kept = after === application ? store.checkApplications([application]) : store.saveApplication(after);
    return { writes: [...kept, ...store.deletePackage(one)], result: one };
  });
  if (gone === undefined) return { status: 204 };
  // The row first: a package without a file would fail on nodes, a file without a package only takes room until its application goes.
  const { account, container, name } = gone.blob;
  await services.storage.deleteBlob(account, container, name).catch((error: unknown) => {
    services.log.warn(
      { storageAccount: account, container, blob: name, error },
      "the file of a deleted application package was not deleted",
    );
  });
  return { status: traits.has("flat") ? 204 : 200 };
};

const checkName = (property: string, text: string, isGood: (text: string) => boolean): void => {
  if (!isGood(text))
    throw invalidProperty(
      property,
      "A name has 1 to 64 letters, digits, hyphens and underscores; a version also periods.",
      text.slice(0, 128),
    );
};

const loadApplication = async (read: Reader, account: BatchAccount, name: string): Promise<Application> => {
  const application = await store.getApplication(read, account.id, name.toLowerCase());
  if (application === undefined) throw new ApiError("ApplicationNotFound");
  return application;
};

const loadPackage = async (
  read: Reader,
  account: BatchAccount,
  { applicationName, versionName }: { applicationName: string; versionName: string },
): Promise<{ application: Application; one: ApplicationPackage }> => {
  const application = await loadApplication(read, account, applicationName);
  const one = await store.getPackage(read, { accountId: account.id, applicationKey: application.key, key: versionName.toLowerCase() });
  if (one === undefined) throw new ApiError("ApplicationPackageNotFound");
  return { application, one };
};

/** The storage account's name, as far as this server (still) has it. */
const storageAccountOf = ({ settings }: BatchAccount, { storage }: ManagementServices): string | undefined => {
  const name = parseResourceId(settings.autoStorage?.storageAccountId ?? "")?.names[0];
  return name === undefined ? undefined : storage.find(name)?.name;
};

const storageOf = (account: BatchAccount, services: ManagementServices): string => {
  const name = storageAccountOf(account, services);
  if (name === undefined) throw new ApiError("AutoStorageNotConfigured");
  return name;
};

/** A storage service that refuses is the account's trouble, not the server's: clients would repeat a 5xx for ever. */
const withStorage = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof BlobError) throw new ApiError("AutoStorageNoPermission", [{ key: "Reason", value: error.message }]);
    throw error;
  }
};

const applicationReply = async (context: Context, application: Application, request: Asked, flatStatus?: number): Promise<Reply> => ({
  body: await applicationView(context, application, request),
  modified: application.modified,
  ...(flatStatus !== undefined && request.traits.has("flat") ? { status: flatStatus } : {}),
});

const applicationView = async ({ services, account }: Context, application: Application, { traits }: Asked) => {
  const { id: name, displayName, allowUpdates, defaultVersion, modified, key } = application;
  const all = { accountId: account.id, applicationKey: key, limit: mostPackages };
  const packages = traits.has("flat") ? await store.listPackages(services.store, all) : [];
  return {
    id: childId(services.settings, account, "applications", name),
    name,
    type: "Microsoft.Batch/batchAccounts/applications",
    etag: weakEtag(modified),
    properties: { displayName, allowUpdates, defaultVersion },
    packages: packages.map((one) => packageEnvelope({ services, account }, application, one)),
  };
};

type Addressed = Asked & { readonly baseUrl: string; readonly now: Instant; readonly caller: Pick<Caller, "role"> };

const packageReply = (
  context: Context,
  application: Application,
  one: ApplicationPackage,
  request: Addressed,
  flatStatus?: number,
): Reply => ({
  body: packageView(context, application, one, request),
  modified: one.modified,
  ...(flatStatus !== undefined && request.traits.has("flat") ? { status: flatStatus } : {}),
});

/** With a fresh URL each time (seen in 2021): an upload may begin long after the package was made. A reader's is to read with. */
const packageView = (context: Context, application: Application, one: ApplicationPackage, { baseUrl, now, caller }: Addressed) => {
  const view = packageEnvelope(context, application, one);
  const { account, container, name } = one.blob;
  const { storage } = context.services;
  if (storage.find(account) === undefined) return view;
  const expiresAt = now + urlLifeMs;
  const signed = context.account.settings.autoStorage?.authenticationMode !== "BatchAccountManagedIdentity";
  const storageUrl = signed
    ? storage.signedBlobUrl(account, container, name, { permissions: caller.role === "reader" ? "r" : "rcw", expiresAt, baseUrl })
    : `${storage.blobEndpoint(account, baseUrl)}/${container}/${name}`;
  return { ...view, properties: { ...view.properties, storageUrl, storageUrlExpiry: isoTime(expiresAt) } };
};

const packageEnvelope = ({ services, account }: Context, application: Application, one: ApplicationPackage) => ({
  id: childId(services.settings, account, "applications", application.id, "versions", one.version),
  name: one.version,
  type: "Microsoft.Batch/batchAccounts/applications/versions",
  etag: weakEtag(one.modified),
  properties: {
    state: one.state,
    format: one.format,
    ...(one.lastActivatedAt === undefined ? {} : { lastActivationTime: isoTime(one.lastActivatedAt) }),
  },
});
