// Builds the control plane out of its parts, in the order in which they need each other, and takes it down in the reverse one. Part of
// the composition root beside main.ts: it constructs and connects, and decides nothing. How single parts are made is in compose/.
import { join } from "node:path";
import { batchOperations } from "./api/batch/index.ts";
import { ApiError } from "./api/errors.ts";
import type { AccountDoor } from "./auth/account-door.ts";
import { openLocation } from "./cli/location.ts";
import { isLoopback, type StartOptions, wellKnownAccount } from "./cli/options.ts";
import type { ReadyFile } from "./cli/ready.ts";
import { authority, managementSettings, needsOwnNames, reachable } from "./compose/addresses.ts";
import { agentCommand, agentToken, listenerOf } from "./compose/agent.ts";
import { announce, storageOf } from "./compose/announce.ts";
import { openCertificate } from "./compose/certificate.ts";
import { imageImports } from "./compose/image-imports.ts";
import { osRelease, readiness, watched, withinTime } from "./compose/readiness.ts";
import { resourceManager } from "./compose/resource-manager.ts";
import { tokenIssuers } from "./compose/token-issuers.ts";
import { makeImageCatalogue, parseOsRelease } from "./domain/image-catalogue.ts";
import { answerLog, callLog } from "./http/answer-check.ts";
import { accountHost, accountOfHost, ownNames } from "./http/host-names.ts";
import { metadataHandler } from "./http/metadata.ts";
import type { AnyHandler } from "./http/pipeline.ts";
import { dataPlane } from "./http/planes/data.ts";
import { managementPaths } from "./http/planes/management.ts";
import { createServer } from "./http/server.ts";
import { whyHandler } from "./http/why.ts";
import { systemClock } from "./lib/clock.ts";
import { systemIds } from "./lib/ids.ts";
import { lockLocation } from "./lib/lock.ts";
import type { Log } from "./lib/log.ts";
import { createMetrics } from "./lib/metrics.ts";
import { createHub } from "./node-management/hub.ts";
import { openAccountRegistry } from "./operations/account-registry.ts";
import { filterables, handlers } from "./operations/batch/index.ts";
import type { Services } from "./operations/handler.ts";
import { resourceKinds } from "./operations/management/resource-kinds.ts";
import { keepStorageRows } from "./operations/management/resources/storage-account-rows.ts";
import { keepOwnAccounts } from "./operations/own-accounts.ts";
import { createLocalProvider } from "./providers/local.ts";
import type { ResourceKind } from "./scheduler/resource-kinds.ts";
import { createScheduler, type Scheduler } from "./scheduler/scheduler.ts";
import { containerUrls } from "./storage/container-urls.ts";
import { packageFiles } from "./storage/package-files.ts";
import { packageUrls } from "./storage/package-urls.ts";
import { startStorage } from "./storage/storage.ts";
import { openSqlite } from "./store/sqlite.ts";
import { totalsByState, waitingTasks } from "./store/totals.ts";

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

/** Ready means that files of nodes can be read too; an agent that takes longer does not hold up the API. */
const agentUpMs = 5_000;

/**
 * How each part ends, in the order in which they end, however far the start came: the agent before the hub through which it is told, the front
 * door before what answers its requests, the lock when nothing is left to protect.
 */
const endOrder = [
  "readyFile",
  "deployments",
  "imageWork",
  "provider",
  "scheduler",
  "hub",
  "server",
  "store",
  "storage",
  "lock",
  "location",
] as const;
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
  const own = { ...options, publishedKey: wellKnownAccount.key, ...(autoStorage === undefined ? {} : { autoStorage }) };
  await keepOwnAccounts(store, own, clock, ids);
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
  const answers = environment.QUERN_ANSWER_LOG;
  const { versionCheck } = options;
  const answerChecks = answers === undefined ? {} : { answers };
  const management = resourceManager({ services: managementServices, tokens: tokens.verifier, versionCheck, ...answerChecks });
  endings.deployments = () => management.deployments.stop();
  later.resourceKinds = resourceKinds(management.services);
  const certificate = await certificateMade;
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
    managementPlane: { under: managementPaths, plane: management.plane },
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
  await management.deployments.start();
  provider.announce({ url: reachable(batchUrl, options.host), token });
  await Promise.all([storage.ready, identity.ready, withinTime(agentUp.promise, clock, agentUpMs)]);

  const ready: ReadyFile = {
    batchUrl,
    batchUrlHttps,
    armUrl: batchUrlHttps,
    authorityUrl: tokens.authorityOf(batchUrlHttps),
    account: options.accounts[0]!.name,
    // Not what the command line says: it may have been regenerated since.
    key: accounts.first()!.keys[0]!,
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
  endings.readyFile = announce(options, ready, location, surroundings.print);
  return { stop: end, failed: fatal.promise };
};
