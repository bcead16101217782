// What a user of npm's management clients of Azure Batch does with everything that they know: one program for @azure/arm-batch 4, 5 and 9, which
// differ in how they are called and in what their versions have. It uploads packages with @azure/storage-blob to the URL that it is given.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { BlockBlobClient } from "@azure/storage-blob";
import { newCertificate } from "../support/example-world.ts";
import { type Quern, until } from "../support/quern.ts";

// The clients' own types differ from version to version; what is used of them is checked by using it.
type Operations = any;

/** What a version calls things, and how it is asked. */
export type ArmClient = {
  accounts: Operations;
  applications: Operations;
  packages: Operations;
  location: Operations;
  operations: Operations;
  pools: Operations;
  certificates: Operations;
  /** Not in the oldest. */
  links?: Operations;
  connections?: Operations;
  /** Runs a long-running method to its end. */
  finish(operations: Operations, method: "create" | "update" | "delete", ...args: unknown[]): Promise<any>;
  /** Every page of a list. */
  all(operations: Operations, method: string, ...args: unknown[]): Promise<any[]>;
  /** DELETE that ends with its answer. */
  remove(operations: Operations, ...args: unknown[]): Promise<unknown>;
  /** A body of one property; older versions take that property's value as an argument. */
  parameters(body: Record<string, string>): unknown;
  /** Applications of the oldest versions have no `properties`, and their packages are in them. */
  flatApplications: boolean;
};

/** @azure/arm-batch 9: pollers and iterators. */
export const modernClient = (client: any): ArmClient => {
  const verbs = { create: "beginCreateAndWait", update: "beginUpdateAndWait", delete: "beginDeleteAndWait" } as const;
  return {
    accounts: client.batchAccountOperations,
    applications: client.applicationOperations,
    packages: client.applicationPackageOperations,
    location: client.location,
    operations: client.operations,
    pools: client.poolOperations,
    certificates: client.certificateOperations,
    links: client.privateLinkResourceOperations,
    connections: client.privateEndpointConnectionOperations,
    finish: (operations, method, ...args) =>
      operations[verbs[method]](...args, ...(method === "delete" ? [] : [{ updateIntervalInMs: 50 }])),
    all: async (operations, method, ...args) => {
      const items: any[] = [];
      for await (const item of operations[method](...args)) items.push(item);
      return items;
    },
    remove: (operations, ...args) => operations.delete(...args),
    parameters: (body) => body,
    flatApplications: false,
  };
};

/** @azure/arm-batch 4 and 5: promises and `listNext`. */
export const olderClient = (client: any, flatApplications: boolean): ArmClient => ({
  ...client,
  accounts: client.batchAccount,
  applications: client.application,
  packages: client.applicationPackage,
  location: client.location,
  operations: client.operations,
  pools: client.pool,
  certificates: client.certificate,
  links: client.privateLinkResource,
  connections: client.privateEndpointConnection,
  finish: (operations, method, ...args) => operations[method === "delete" ? "deleteMethod" : method](...args),
  all: async (operations, method, ...args) => {
    const items: any[] = [];
    for (let page = await operations[method](...args); ; page = await operations[`${method}Next`](page.nextLink)) {
      items.push(...page);
      if (page.nextLink === undefined) return items;
    }
  },
  remove: (operations, ...args) => operations.deleteMethod(...args),
  parameters: (body) => Object.values(body)[0],
  flatApplications,
});

/** This process takes the server's certificate from here on, as a client does that is started with NODE_EXTRA_CA_CERTS. */
export const trust = ({ ready }: Quern): void => {
  setDefaultCACertificates([...getCACertificates("default"), readFileSync(ready.caFile, "utf8")]);
};

/** Where it works: a resource group of its own, that is there. */
export type Place = { quern: Quern; group: string; account: string };

/** The steps by name, to be run one after the other. */
export const useWholeArmClient: readonly (readonly [string, (client: ArmClient, place: Place) => Promise<void>])[] = [
  ["account", (client, place) => account(client, place)],
  ["locations", (client, place) => locations(client, place)],
  ["applications", (client, place) => applications(client, place)],
  ["pools", (client, place) => pools(client, place)],
  ["certificates", (client, place) => certificates(client, place)],
  ["private links", (client, place) => privateLinks(client, place)],
  ["the end of the account", (client, place) => end(client, place)],
];

const names = (items: any[]): string[] => items.map(({ name }) => name).sort();
/** Errors say it in different places: the newest clients as `code`, the older ones in `body`. */
const codeOf = (error: any): string => error.code ?? error.body?.code ?? error.body?.error?.code;
const refused = (promise: Promise<unknown>, code: string, status: number): Promise<void> =>
  assert.rejects(promise, (error: any) => {
    assert.deepEqual([codeOf(error), error.statusCode], [code, status], error.message);
    return true;
  });

const account = async (client: ArmClient, { quern, group, account }: Place): Promise<void> => {
  const { accounts } = client;
  const { subscriptionId, resourceGroup } = quern.ready;
  const storageAccountId = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1`;
  const parameters = { location: "eastus", tags: { who: "npm" }, autoStorage: { storageAccountId } };
  const made = await client.finish(accounts, "create", group, account, parameters);
  assert.deepEqual([made.name, made.provisioningState, made.tags.who], [account, "Succeeded", "npm"]);
  assert.equal(made.autoStorage.storageAccountId, storageAccountId);
  assert.ok(made.autoStorage.lastKeySync instanceof Date);
  const changed = await accounts.update(group, account, { tags: { who: "patched" } });
  assert.deepEqual([changed.tags.who, (await accounts.get(group, account)).tags.who], ["patched", "patched"]);
  assert.ok(names(await client.all(accounts, "list")).includes(account));
  assert.ok(names(await client.all(accounts, "listByResourceGroup", group)).includes(account));
  const keys = await accounts.getKeys(group, account);
  const renewed = await accounts.regenerateKey(group, account, client.parameters({ keyName: "Primary" }));
  assert.ok(renewed.primary !== keys.primary && renewed.secondary === keys.secondary);
  await accounts.synchronizeAutoStorageKeys(group, account);
  await refused(accounts.get(group, "nosuchaccount"), "ResourceNotFound", 404);
  if (accounts.listDetectors !== undefined) {
    const detectors = await client.all(accounts, "listDetectors", group, account);
    assert.ok((await accounts.getDetector(group, account, detectors[0].name)).value.length > 0);
    const outbound = await client.all(accounts, "listOutboundNetworkDependenciesEndpoints", group, account);
    assert.ok(outbound.length > 0);
  }
};

const locations = async (client: ArmClient, place: Place): Promise<void> => {
  const { location, operations } = client;
  assert.ok((await location.getQuotas("eastus")).accountQuota > 0);
  const ask = (name: string): Promise<any> => location.checkNameAvailability("eastus", client.parameters({ name }));
  assert.equal((await ask("freename1")).nameAvailable, true);
  assert.equal((await ask(place.account)).reason, "AlreadyExists");
  assert.ok((await client.all(operations, "list")).some(({ name }: any) => name === "Microsoft.Batch/batchAccounts/read"));
  if (location.listSupportedVirtualMachineSkus !== undefined) {
    assert.ok((await client.all(location, "listSupportedVirtualMachineSkus", "eastus", { maxresults: 5 })).length > 0);
    await client.all(location, "listSupportedCloudServiceSkus", "eastus");
  }
};

const applications = async (client: ArmClient, { group, account }: Place): Promise<void> => {
  const { packages, flatApplications } = client;
  const settings = { displayName: "An app", allowUpdates: true };
  const made = await client.applications.create(group, account, "app", { parameters: settings });
  assert.deepEqual([made.displayName, made.allowUpdates], ["An app", true]);
  const created = await packages.create(group, account, "app", "1.0");
  assert.ok(created.storageUrlExpiry > new Date());
  await new BlockBlobClient(created.storageUrl).uploadData(Buffer.from("a package"));
  await packages.activate(group, account, "app", "1.0", client.parameters({ format: "zip" }));
  const active = await packages.get(group, account, "app", "1.0");
  assert.deepEqual([String(active.state).toLowerCase(), active.format], ["active", "zip"]);
  await client.applications.update(group, account, "app", { defaultVersion: "1.0" });
  const updated = await client.applications.get(group, account, "app");
  assert.deepEqual([updated.defaultVersion, flatApplications ? updated.id : updated.name], ["1.0", "app"]);
  if (flatApplications) assert.equal(updated.packages[0].version, "1.0");
  else assert.deepEqual(names(await client.all(packages, "list", group, account, "app")), ["1.0"]);
  assert.equal((await client.all(client.applications, "list", group, account, { maxresults: 1 })).length, 1);
  await client.remove(packages, group, account, "app", "1.0");
  await client.remove(client.applications, group, account, "app");
  await refused(client.applications.get(group, account, "app"), "ApplicationNotFound", 404);
};

const machine = {
  virtualMachineConfiguration: {
    imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
    nodeAgentSkuId: "batch.node.ubuntu 22.04",
  },
};

const pools = async (client: ArmClient, { group, account }: Place): Promise<void> => {
  const { pools } = client;
  const get = (name: string): Promise<any> => pools.get(group, account, name);
  const steady = (name: string, nodes: number): Promise<any> =>
    until(
      () => get(name),
      (pool) => pool.allocationState === "Steady" && pool.currentDedicatedNodes === nodes,
    );
  const fixed = (targetDedicatedNodes: number) => ({ scaleSettings: { fixedScale: { targetDedicatedNodes } } });
  const metadata = [{ name: "who", value: "npm" }];
  const body = { vmSize: "STANDARD_D2_V3", deploymentConfiguration: machine, displayName: "A pool", metadata, ...fixed(1) };
  const made = await pools.create(group, account, "pool", body);
  assert.deepEqual([made.name, made.vmSize, made.provisioningState], ["pool", "STANDARD_D2_V3", "Succeeded"]);
  assert.match(made.etag, /^W\/"0x[0-9A-F]+"$/i);
  assert.equal(made.interNodeCommunication, "Disabled");
  await steady("pool", 1);
  assert.equal(
    (await pools.update(group, account, "pool", { metadata: [{ name: "who", value: "patched" }] })).metadata[0].value,
    "patched",
  );
  await refused(pools.update(group, account, "pool", { metadata: [] }, { ifMatch: '"0x8D000000000"' }), "ConditionNotMet", 412);
  await pools.update(group, account, "pool", fixed(2));
  await steady("pool", 2);
  await pools.update(group, account, "pool", fixed(0));
  assert.equal((await pools.stopResize(group, account, "pool")).name, "pool");
  const { currentDedicatedNodes } = await until(
    () => get("pool"),
    (pool) => pool.allocationState === "Steady",
  );
  const formula = `$TargetDedicatedNodes = ${currentDedicatedNodes};`;
  const auto = await pools.update(group, account, "pool", { scaleSettings: { autoScale: { formula, evaluationInterval: "PT5M" } } });
  assert.equal(auto.scaleSettings.autoScale.formula, formula);
  assert.equal((await pools.disableAutoScale(group, account, "pool")).scaleSettings.autoScale, undefined);
  await pools.create(group, account, "empty", { vmSize: "STANDARD_A1", deploymentConfiguration: machine });
  assert.deepEqual(names(await client.all(pools, "listByBatchAccount", group, account, { maxresults: 1 })), ["empty", "pool"]);
  const filtered = await client.all(pools, "listByBatchAccount", group, account, {
    filter: "name eq 'empty'",
    select: "properties/vmSize",
  });
  assert.deepEqual(
    filtered.map(({ name, vmSize, allocationState }: any) => [name, vmSize, allocationState]),
    [["empty", "STANDARD_A1", undefined]],
  );
  await client.finish(pools, "delete", group, account, "empty");
  await client.finish(pools, "delete", group, account, "pool");
  await refused(get("pool"), "PoolNotFound", 404);
};

const certificates = async (client: ArmClient, { group, account }: Place): Promise<void> => {
  const { certificates } = client;
  const { thumbprint, data } = await newCertificate("npm");
  const name = `sha1-${thumbprint}`;
  const parameters = { thumbprintAlgorithm: "sha1", thumbprint, data, format: "Cer" };
  const made = await certificates.create(group, account, name, parameters);
  assert.deepEqual([made.thumbprint.toLowerCase(), made.provisioningState, made.format], [thumbprint.toLowerCase(), "Succeeded", "Cer"]);
  await certificates.update(group, account, name, parameters);
  assert.equal((await certificates.get(group, account, name)).thumbprintAlgorithm.toLowerCase(), "sha1");
  assert.equal((await client.all(certificates, "listByBatchAccount", group, account)).length, 1);
  await refused(certificates.cancelDeletion(group, account, name), "CertificateStateActive", 409);
  await client.finish(certificates, "delete", group, account, name);
  assert.deepEqual(await client.all(certificates, "listByBatchAccount", group, account), []);
};

const privateLinks = async (client: ArmClient, { group, account }: Place): Promise<void> => {
  if (client.links === undefined) return;
  const found = names(await client.all(client.links, "listByBatchAccount", group, account));
  assert.ok(found.includes("batchAccount"), String(found));
  assert.equal((await client.links.get(group, account, "batchAccount")).groupId, "batchAccount");
  const connections = await client.all(client.connections, "listByBatchAccount", group, account);
  assert.equal(connections.length, 1, "the one that the test made");
  const [{ name, privateLinkServiceConnectionState }] = connections;
  assert.equal(privateLinkServiceConnectionState.status, "Pending");
  const state = { status: "Approved", description: "by npm" };
  const updated = await client.finish(client.connections, "update", group, account, name, { privateLinkServiceConnectionState: state });
  assert.equal(updated.privateLinkServiceConnectionState.status, "Approved");
  assert.equal((await client.connections.get(group, account, name)).privateLinkServiceConnectionState.description, "by npm");
  if (client.connections.beginDeleteAndWait === undefined) return;
  await client.finish(client.connections, "delete", group, account, name);
  assert.deepEqual(await client.all(client.connections, "listByBatchAccount", group, account), []);
};

const end = async (client: ArmClient, { group, account }: Place): Promise<void> => {
  await client.finish(client.accounts, "delete", group, account);
  await refused(client.accounts.get(group, account), "ResourceNotFound", 404);
};
