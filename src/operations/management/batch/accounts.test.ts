// What an account that is being deleted still takes, shown on the handlers themselves: on a server it is gone too soon to be asked.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { anAccount } from "../../../../tests/support/accounts.ts";
import { ManualClock } from "../../../lib/clock.ts";
import { seededIds } from "../../../lib/ids.ts";
import { deleteAccount as deleteAccountRow, getAccountByName, insertAccount, renameAccount, saveAccount } from "../../../store/accounts.ts";
import type { Store } from "../../../store/db.ts";
import { insertResourceGroup } from "../../../store/resource-groups.ts";
import { openSqlite } from "../../../store/sqlite.ts";
import { createPrivateEndpoint } from "../resources/private-endpoints.ts";
import { getKeys, regenerateKey, synchronizeAutoStorageKeys } from "./account-keys.ts";
import { createAccount, deleteAccount, getAccount, getAccountDeletionResult, listAccounts, updateAccount } from "./accounts.ts";
import { createApplication } from "./applications.ts";
import { checkNameAvailability } from "./locations.ts";
import { listPrivateEndpointConnections } from "./private-links.ts";

const settings = {
  subscriptionId: "s",
  tenantId: "t",
  region: "eastus",
  domain: "localhost",
  firstAccount: "first",
  resourceGroup: "quern",
};

/** What the handlers under test answer, as far as it is looked at. */
type Account = { name: string; properties: { provisioningState: string } };
type Seen = { status: number; headers: Record<string, string>; body: Account & { reason?: string }; items: Account[] };

const world = async (t: TestContext) => {
  const clock = new ManualClock();
  const store = await openSqlite({ file: ":memory:", clock });
  t.after(() => store.close());
  const group = {
    key: "quern",
    name: "quern",
    location: "eastus",
    tags: {},
    provisioningState: "Succeeded",
    createdAt: 0,
    generation: 0,
  } as const;
  await store.commit([...insertResourceGroup(group), ...insertAccount(anAccount({ name: "going" }))]);
  const rung: number[] = [];
  /** Run once, between what a handler reads and what it writes. */
  let meanwhile: (() => Promise<void>) | undefined;
  const decide: Store["decide"] = (decision) =>
    store.decide(async (read) => {
      const decided = await decision(read);
      const happens = meanwhile;
      meanwhile = undefined;
      await happens?.();
      return decided;
    });
  const reloaded: string[] = [];
  const services = {
    store: { ...store, decide },
    clock,
    ids: seededIds(1),
    settings,
    storage: { find: (name: string) => (name === "store" ? { name } : undefined) },
    accounts: { reload: async (name: string) => void reloaded.push(name) },
    wake: { account: (id: number) => void rung.push(id) },
  };
  const call = (handler: unknown, request: object = {}): Promise<Seen> => {
    const params = { resourceGroupName: "Quern", accountName: "GOING", locationName: "eastus" };
    const asked = {
      params,
      body: {},
      preconditions: {},
      page: { limit: 9 },
      baseUrl: "https://h:1",
      apiVersion: "2024-07-01",
      now: clock.now(),
    };
    return (handler as (request: unknown, services: unknown) => Promise<Seen>)({ ...asked, ...request }, services);
  };
  const between = (happens: () => Promise<void>): void => {
    meanwhile = happens;
  };
  return { store, call, rung, reloaded, between };
};

test("an account that goes is shown as such, takes no change and keeps its name", async (t) => {
  const { call, rung, reloaded } = await world(t);
  const first = await call(deleteAccount);
  assert.deepEqual([first.status, rung, reloaded], [202, [1], ["going"]]);
  assert.equal((await call(getAccount)).body.properties.provisioningState, "Deleting");
  for (const handler of [createAccount, updateAccount, getKeys, regenerateKey, synchronizeAutoStorageKeys])
    await assert.rejects(call(handler, { body: { location: "eastus", keyName: "Primary" } }), { code: "AccountBeingDeleted", status: 409 });
  await assert.rejects(call(listPrivateEndpointConnections), { code: "ResourceNotFound" });
  const free = await call(checkNameAvailability, { body: { name: "going" } });
  assert.equal(free.body.reason, "AlreadyExists");
});

test("who deletes what goes already gets an operation of his own, and both go on until the end", async (t) => {
  const { call } = await world(t);
  const [first, second] = [await call(deleteAccount), await call(deleteAccount)];
  assert.notEqual(first.headers.Location, second.headers.Location);
  for (const { headers } of [first, second]) {
    const operationId = /accountOperationResults\/([^?]+)/.exec(headers.Location!)![1];
    const polled = await call(getAccountDeletionResult, { params: { locationName: "eastus", operationId } });
    assert.deepEqual([polled.status, polled.headers["Retry-After"]], [202, "1"]);
  }
});

const accountId = "/subscriptions/s/resourceGroups/quern/providers/Microsoft.Batch/batchAccounts/going";
const storageAccountId = "/subscriptions/s/resourceGroups/quern/providers/Microsoft.Storage/storageAccounts/store";
const intoAccount = [
  { handler: createApplication, table: "applications", params: { resourceGroupName: "quern", accountName: "going", applicationName: "a" } },
  {
    handler: createPrivateEndpoint,
    table: "private_endpoint_connections",
    params: { resourceGroupName: "quern", privateEndpointName: "e" },
    body: {
      location: "eastus",
      properties: {
        privateLinkServiceConnections: [{ name: "c", properties: { privateLinkServiceId: accountId, groupIds: ["batchAccount"] } }],
      },
    },
  },
];

for (const { handler, table, ...request } of intoAccount)
  test(`nothing is put into an account that goes at that very moment: ${handler.name}`, async (t) => {
    const { store, call, between } = await world(t);
    const account = (await getAccountByName(store, "going"))!;
    const autoStorage = { storageAccountId, authenticationMode: "StorageKeys", lastKeySync: 0 } as const;
    await store.commit(saveAccount({ ...account, settings: { ...account.settings, autoStorage } }));
    between(async () => {
      const found = (await getAccountByName(store, "going"))!;
      await store.commit(deleteAccountRow(found));
    });
    const caller = { clientId: "c", role: "owner" };
    await assert.rejects(call(handler, { ...request, caller, traits: new Set() }), { code: "ResourceNotFound" });
    assert.deepEqual(await store.all({ text: `SELECT account_id FROM ${table}`, values: [] }), []);
  });

test("what is left of an account whose name is another's is nobody's to see", async (t) => {
  const { store, call } = await world(t);
  await call(deleteAccount);
  const account = (await getAccountByName(store, "going"))!;
  await store.commit([...renameAccount(account, "going~1"), ...insertAccount(anAccount({ name: "going" }))]);
  const { items } = await call(listAccounts);
  assert.deepEqual(
    items.map(({ name, properties }) => [name, properties.provisioningState]),
    [["going", "Succeeded"]],
  );
});
