// Builds the control plane out of its parts, in the order in which they need each other, and takes it down in the reverse one. Part of
// the composition root beside main.ts: it constructs and connects, and decides nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { batchOperations } from "./api/batch/index.ts";
import { ApiError } from "./api/errors.ts";
import { managementOperations } from "./api/management/index.ts";
import type { AccountDoor } from "./auth/account-door.ts";
import { wellKnownClient } from "./cli/identity-options.ts";
import { type Location, openLocation } from "./cli/location.ts";
import { isLoopback, type StartOptions, wellKnownAccount } from "./cli/options.ts";
import { banner, type ReadyFile, removeReadyFile, shellExports, writeReadyFile } from "./cli/ready.ts";
import { makeImageCatalogue, parseOsRelease } from "./domain/image-catalogue.ts";
import { answerLog, callLog } from "./http/answer-check.ts";
import { accountHost, accountOfHost, ownNames } from "./http/host-names.ts";
import { metadataHandler } from "./http/metadata.ts";
import type { AnyHandler } from "./http/pipeline.ts";
import { dataPlane } from "./http/planes/data.ts";
import { managementPaths, managementPlane } from "./http/planes/management.ts";
import { createServer } from "./http/server.ts";
import { whyHandler } from "./http/why.ts";
import { imageImports } from "./image-imports.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { type Ids, systemIds } from "./lib/ids.ts";
import { lockLocation } from "./lib/lock.ts";
import type { Log } from "./lib/log.ts";
import { createMetrics } from "./lib/metrics.ts";
import { createHub, type Hub } from "./node-management/hub.ts";
import { openAccountRegistry } from "./operations/account-registry.ts";
import { filterables, handlers } from "./operations/batch/index.ts";
import type { Services } from "./operations/handler.ts";
import type { ManagementSettings } from "./operations/management/handler.ts";
import { managementFilterables, managementHandlers } from "./operations/management/index.ts";
import { resourceKinds } from "./operations/management/resource-kinds.ts";
import { keepStorageRows } from "./operations/management/resources/storage-account-rows.ts";
import { keepOwnAccounts } from "./operations/own-accounts.ts";
import { createLocalProvider } from "./providers/local.ts";
import type { ResourceKind } from "./scheduler/resource-kinds.ts";
import { createScheduler, type Scheduler } from "./scheduler/scheduler.ts";
import { openCertificate } from "./start-certificate.ts";
import { containerUrls } from "./storage/container-urls.ts";
import { packageFiles } from "./storage/package-files.ts";
import { packageUrls } from "./storage/package-urls.ts";
import { type StorageService, startStorage } from "./storage/storage.ts";
import { listAccounts } from "./store/accounts.ts";
import type { Store } from "./store/db.ts";
import { getSetting, putSetting } from "./store/settings.ts";
import { openSqlite } from "./store/sqlite.ts";
import { totalsByState, waitingTasks } from "./store/totals.ts";
import { tokenIssuers } from "./token-issuers.ts";

export type Surroundings = {
  version: string;
  log: Log;
  environment: Record<string, string | undefined>;
  print: (text: string) => void;
};

export interface ControlPlane {
  /** Stops everything that was started, tasks included, and removes the ready file. */
  stop(): Promise<void>;
  /** Resolves when it cannot go on (its database writer died). */
  readonly failed: Promise<Error>;
}

/** Without contact for so long an agent stops its tasks; only then do they run elsewhere. */
const leaseMs = 60_000;
const heartbeatMs = 10_000;
/** An agent whose control plane does not come back ends, with its tasks, after this. */
const orphanSeconds = 120;

/** Ready means that files of nodes can be read too; an agent that takes longer does not hold up the API. */
const agentUpMs = 5_000;

/**
 * How each part ends, in the order in which they end, however far the start came: the agent before the hub through which it is told, the front
 * door before what answers its requests, the lock when nothing is left to protect.
 */
const endOrder = ["readyFile", "imageWork", "provider", "scheduler", "hub", "server", "store", "storage", "lock", "location"] as const;
type Endings = Partial<Record<(typeof endOrder)[number], () => Promise<void> | void>>;

export const startControlPlane = async (options: StartOptions, surroundings: Surroundings): Promise<ControlPlane> => {
  const endings: Endings = {};
  const end = async (): Promise<void> => {
    for (const part of endOrder) {
      await endings[part]?.();
      delete endings[part];
    }
  };
  try {
    return await build(options, surroundings, endings, end);
  } catch (error) {
    await end().catch((second: unknown) => surroundings.log.error({ err: second }, "could not undo the start"));
    throw error;
  }
};

const build = async (
  options: StartOptions,
  surroundings: Surroundings,
  endings: Endings,
  end: () => Promise<void>,
): Promise<ControlPlane> => {
  const { log, environment, version } = surroundings;
  const [clock, ids] = [systemClock(), systemIds()];
  const location = openLocation(options.location, options.inMemory);
  endings.location = () => location.discard();
  const lock = lockLocation(location.lock);
  endings.lock = () => lock.release();

  // Azurite takes longest, so it starts first and everything else is built meanwhile.
  const mode = options.storage.mode === "external" ? options.storage.connectionString : options.storage.mode;
  // Azurite's own key is known to everybody: enough on loopback, but not where others can change what tasks run with.
  const ownKey = !isLoopback(options.host) && !options.allowWellKnownKey;
  const { inMemory, domain, domainGiven } = options;
  const names = { domain, isDomainGiven: domainGiven };
  const storage = startStorage({ mode, directory: location.directory, inMemory, clock, ids, log, environment, ownKey, ...names });
  const storageState = watched(storage.ready);
  endings.storage = () => storage.close();

  const fatal = Promise.withResolvers<Error>();
  const certificateMade = openCertificate(options, { directory: location.tls, clock, ids, log });
  certificateMade.catch(() => {});
  const store = await openSqlite({
    file: location.database,
    clock,
    synchronous: options.inMemory ? "off" : "full",
    onFatal: fatal.resolve,
  });
  endings.store = () => store.close();
  const autoStorage = storage.accounts.all().find(({ kind }) => kind === "embedded")?.name;
  await keepOwnAccounts(store, autoStorage === undefined ? options : { ...options, autoStorage }, clock, ids);
  await keepStorageRows(store, storage.accounts, options, clock);
  const firstAccount = options.accounts[0]!.name;
  const accounts = await openAccountRegistry(store, firstAccount);
  const token = await agentToken(store, ids);
  const metrics = createMetrics({ ofProcess: true, waitingTasks: () => waitingTasks(store), nodesByState: () => totalsByState(store) });
  store.onCommit(({ batches, rows, durationMs }) => {
    metrics.commitLatency.observe(durationMs / 1000);
    metrics.commitBatches.inc(batches);
    metrics.commitRows.inc(rows);
  });

  // The hub and the scheduler know each other; the hub is made first and speaks to the scheduler through this.
  const later: { scheduler?: Scheduler; resourceKinds?: readonly ResourceKind[] } = {};
  const agentUp = Promise.withResolvers<void>();
  const settings = { leaseMs, heartbeatMs, storageHosts: [] as string[], allowPrivateUrls: options.allowPrivateUrls };
  const hub = createHub({ clock, ids, log: log.child({ part: "hub" }), token, settings, listener: listenerOf(later, agentUp.resolve) });
  endings.hub = () => hub.close();
  const control = `${location.agent}/control.json`;
  const provider = createLocalProvider({
    directory: location.agent,
    controlFile: control,
    logFile: `${location.agent}/agent.log`,
    command: agentCommand(location, control, options),
    environment,
    // For resource and output files that name Quern's own https address.
    extraEnvironment: { NODE_EXTRA_CA_CERTS: join(location.tls, "ca.pem") },
    channel: hub,
    clock,
    ids,
    log: log.child({ part: "provider" }),
  });
  endings.provider = () => provider.close();
  provider.start();
  const images = makeImageCatalogue({ hostRelease: parseOsRelease(osRelease()), strictImages: options.strictImages });
  const path = environment.PATH ?? "";
  const imageWork = imageImports(options, { location, store, clock, log, images, urls: settings, path });
  endings.imageWork = () => imageWork.stop();
  let accountUrl = "";
  const agentsUrl = (): string => reachable(accountUrl, options.host);
  const tokens = tokenIssuers(options, { location, clock, ids, log, store });
  const { identity } = tokens;
  const scheduler = createScheduler({
    store,
    clock,
    ids,
    log: log.child({ part: "scheduler" }),
    channel: hub,
    provider,
    images,
    leaseMs,
    accountUrl: () => accountUrl,
    taskToken: identity.taskTokens.issue,
    packageUrl: packageUrls({ accounts: storage.accounts, clock, baseUrl: agentsUrl }),
    packageFiles: packageFiles(storage.accounts),
    containerUrl: containerUrls({ accounts: storage.accounts, clock, baseUrl: agentsUrl, autoStorageOf: accounts.autoStorageOf }),
    quotas: options.quotas,
    resourceKinds: () => later.resourceKinds!,
    metrics: {
      dispatched: (waitedMs) => metrics.dispatchLatency.observe(waitedMs / 1000),
      taskEnded: (result) => metrics.tasks.inc({ result }),
    },
  });
  later.scheduler = scheduler;
  endings.scheduler = () => scheduler.stop();

  const services: Services = { store, clock, ids, log, wake: scheduler.wake, channel: hub, images, version };
  services.quotas = options.quotas;
  if (options.minAutoscaleInterval !== undefined) services.leastAutoScaleIntervalMs = options.minAutoscaleInterval;
  const managementServices = { ...services, settings: managementSettings(options), accounts, storage: storage.accounts, imageWork };
  later.resourceKinds = resourceKinds(managementServices);
  const certificate = await certificateMade;
  const answers = environment.QUERN_ANSWER_LOG;
  const { versionCheck } = options;
  const door: AccountDoor = { accounts, ...tokens.proofs, accountOfHost: accountOfHost(options.domain) };
  const server = await createServer({
    services,
    dataPlane: dataPlane({
      operations: batchOperations,
      handlers: handlers as Readonly<Record<string, AnyHandler>>,
      filterables,
      services,
      door,
      versionCheck,
    }),
    managementPlane: {
      under: managementPaths,
      plane: managementPlane({
        operations: managementOperations,
        handlers: managementHandlers as Readonly<Record<string, AnyHandler>>,
        filterables: managementFilterables,
        services: managementServices,
        tokens: tokens.verifier,
        versionCheck,
      }),
    },
    ...(answers === undefined ? {} : { onBody: answerLog(answers, process.pid), onAnswer: callLog(answers, process.pid) }),
    host: options.host,
    port: options.port,
    tls: certificate.current,
    health: { ready: () => readiness(store, storageState(), hub, provider.agentId) },
    metrics,
    planes: [
      {
        under: "/_quern/agent/transfers",
        handle: (request, response) => {
          if (!hub.handleTransfer(request, response)) throw new ApiError("ResourceNotFound");
        },
      },
      { under: "/_quern/why", handle: whyHandler(services, door) },
      { under: "/metadata", handle: metadataHandler({ clock, ids, domain, tenantId: options.tenant, authorityOf: tokens.authorityOf }) },
      ...identity.paths.map((under) => ({ under, handle: identity.handle })),
    ],
    otherwise: identity,
    ...(storage.passThrough === undefined ? {} : { blobs: storage.passThrough }),
    ...(needsOwnNames(options) ? { isOwnName: ownNames(() => certificate.current.cert, options.domain) } : {}),
    onUpgrade: (request, socket, head) => {
      if (!hub.handleUpgrade(request, socket, head)) socket.destroy();
    },
  });
  endings.server = () => server.close();
  certificate.onChange(server.setCertificate);
  const nameAccounts = (): Promise<void> =>
    certificate.ensureNames(accounts.names().map((name) => accountHost(name, accounts.find(name)!.location, options.domain)));
  accounts.onChange(nameAccounts);
  await nameAccounts();

  const batchUrl = `http://${authority(options.host, server.port)}`;
  const batchUrlHttps = batchUrl.replace("http:", "https:");
  // Tasks trust no CA but the machine's, and nothing may be added to their environment: they are told the address that needs none.
  accountUrl = batchUrl;
  settings.storageHosts = storage.hosts([batchUrl, batchUrlHttps]);
  lock.setUrl(batchUrl);
  await imageWork.start();
  await scheduler.start();
  provider.announce({ url: reachable(batchUrl, options.host), token });
  await Promise.all([storage.ready, identity.ready, withinTime(agentUp.promise, clock, agentUpMs)]);

  const ready: ReadyFile = {
    batchUrl,
    batchUrlHttps,
    armUrl: batchUrlHttps,
    authorityUrl: `${batchUrlHttps}/adfs`,
    account: options.accounts[0]!.name,
    key: options.accounts[0]!.key,
    subscriptionId: options.subscription,
    resourceGroup: options.resourceGroup,
    location: location.directory,
    tenantId: options.tenant,
    clientId: tokens.firstClient?.clientId ?? null,
    clientSecret: tokens.firstClient?.secret ?? null,
    caFile: certificate.current.caFile ?? null,
    storage: storageOf(storage, batchUrl),
    storageSuffix: `${options.domain}:${server.port}`,
    metricsUrl: `${batchUrl}/metrics`,
    pid: process.pid,
  };
  tell(options, ready, location, surroundings, endings);
  return { stop: end, failed: fatal.promise };
};

const managementSettings = ({ subscription, tenant, resourceGroup, region, domain, accounts }: StartOptions): ManagementSettings => ({
  subscriptionId: subscription,
  subscriptionName: "Quern",
  tenantId: tenant,
  resourceGroup,
  region,
  domain,
  firstAccount: accounts[0]!.name,
});

/** What agents show: made once per location, so that an agent that outlives the server is still known to the next one. */
const agentToken = async (store: Store, ids: Ids): Promise<string> => {
  const kept = await getSetting(store, "agentToken");
  if (kept !== undefined) return kept;
  const token = ids.hex(32);
  await store.commit(putSetting("agentToken", token));
  return token;
};

const listenerOf = (later: { scheduler?: Scheduler }, connected: () => void): Scheduler["listener"] => ({
  onHello: (hello) => later.scheduler!.listener.onHello(hello),
  onConnected: (agentId) => {
    later.scheduler!.listener.onConnected(agentId);
    connected();
  },
  onEvents: (agentId, events) => later.scheduler!.listener.onEvents(agentId, events),
  onMachine: (agentId, usage) => later.scheduler!.listener.onMachine?.(agentId, usage),
  onDisconnected: (agentId) => later.scheduler!.listener.onDisconnected(agentId),
});

/** Resolves with the promise or when its time is over: for what is waited for but not insisted on. */
const withinTime = (promise: Promise<void>, clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    void promise.then(() => {
      timer.cancel();
      resolve();
    });
  });

/** The same program that runs now, from the sources in a checkout and from dist when packed. */
const agentCommand = (location: Location, control: string, options: StartOptions): { file: string; args: string[] } => ({
  file: process.execPath,
  args: [
    fileURLToPath(new URL("../bin/quern.js", import.meta.url)),
    "agent",
    ...["--directory", location.agent],
    ...["--control", control],
    ...["--cache", location.launcherCache],
    ...["--launcher", options.launcher],
    ...["--orphan-seconds", String(orphanSeconds)],
    ...(options.debug === undefined ? [] : ["--debug"]),
  ],
});

const osRelease = (): string => {
  for (const file of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // The next place, or a system without one (macOS).
    }
  }
  return `ID=${process.platform}\n`;
};

/** Anybody can sign with a published key, so on loopback it must be known that it is not a page of the web that speaks. */
const needsOwnNames = ({ host, accounts, clients, storage }: StartOptions): boolean =>
  isLoopback(host) &&
  (storage.mode === "embedded" ||
    accounts.some(({ key }) => key === wellKnownAccount.key) ||
    (clients !== "kept" && clients.some(({ secret }) => secret === wellKnownClient.secret)));

const authority = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** An agent on this machine cannot dial "every address". */
const reachable = (url: string, host: string): string =>
  host === "0.0.0.0" ? url.replace("0.0.0.0", "127.0.0.1") : host === "::" ? url.replace("[::]", "[::1]") : url;

/** Watches a promise so that its state can be asked for at any moment. */
const watched = (promise: Promise<void>): (() => string) => {
  let state = "starting";
  promise.then(
    () => {
      state = "ready";
    },
    () => {
      state = "failed";
    },
  );
  return () => state;
};

const readiness = async (
  store: Store,
  storage: string,
  hub: Hub,
  agentId: string,
): Promise<{ ready: boolean; parts: Record<string, string> }> => {
  const database = await listAccounts(store).then(
    () => "ready",
    () => "failed",
  );
  // Without its agent the API still answers and tasks wait; so it is told but does not decide.
  return {
    ready: storage === "ready" && database === "ready",
    parts: { database, storage, agent: hub.isConnected(agentId) ? "connected" : "away" },
  };
};

const storageOf = (storage: StorageService, baseUrl: string): ReadyFile["storage"] => {
  const [connectionString, blobEndpoint] = [storage.connectionString(baseUrl), storage.blobEndpoint(baseUrl)];
  return connectionString === undefined || blobEndpoint === undefined ? null : { connectionString, blobEndpoint };
};

/** What a start leaves for people and programs to read. */
const tell = (options: StartOptions, ready: ReadyFile, location: Location, { print }: Surroundings, endings: Endings): void => {
  if (options.printEnv) print(shellExports(ready));
  else if (!options.silent) print(banner(ready, ready.key === wellKnownAccount.key));
  // The location's own first: who waits for the other finds both.
  const files = [location.ready, ...(options.readyFile === undefined ? [] : [options.readyFile])];
  for (const file of files) writeReadyFile(file, ready);
  endings.readyFile = () => {
    for (const file of files) removeReadyFile(file);
  };
};
