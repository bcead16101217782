// Lists of resources of all types, page by page: accounts and rows in one order, each once, however the pages are cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { anAccount } from "../../../../tests/support/accounts.ts";
import { ManualClock } from "../../../lib/clock.ts";
import { insertAccount } from "../../../store/accounts.ts";
import { insertResource, type Resource } from "../../../store/resources.ts";
import { openSqlite } from "../../../store/sqlite.ts";
import { allResources } from "./all-resources.ts";
import { listResources } from "./resource-lists.ts";

const aRow = (type: string, name: string, resourceGroup: string): Resource => ({
  type,
  name,
  resourceGroup,
  location: "eastus",
  tags: {},
  properties: {},
  provisioningState: "Succeeded",
  createdAt: 0,
  createdBy: "",
  modified: 0,
  modifiedBy: "",
  generation: 0,
});

test("pages of any length have all resources, each once", async (t) => {
  const store = await openSqlite({ file: ":memory:", clock: new ManualClock() });
  t.after(() => store.close());
  const rows = Array.from({ length: 2_100 }, (_, n) => aRow("Microsoft.ManagedIdentity/userAssignedIdentities", `Id${n}`, "B-group"));
  rows.push(aRow("Microsoft.AzureStackHCI/galleryImages", "Image", "b"), aRow("Microsoft.Network/privateEndpoints", "End", "B-Group"));
  await store.commit([
    ...rows.flatMap(insertResource),
    ...["a1a", "b1b", "z1z"].flatMap((name) => insertAccount(anAccount({ name, resourceGroup: "B-group" }))),
    ...insertAccount(anAccount({ name: "c1c", resourceGroup: "b" })),
    ...insertAccount(anAccount({ name: "d1d", resourceGroup: "Z" })),
    ...insertAccount(anAccount({ name: "gone~7", resourceGroup: "b" })),
  ]);
  const settings = { subscriptionId: "s", tenantId: "t", region: "eastus", domain: "localhost", firstAccount: "a1a", resourceGroup: "b" };
  const services = { store, settings, storage: { find: () => undefined } };
  const whole = (await allResources(store, services as never)).map(({ id }) => id);
  assert.equal(whole.length, 2_107);

  type Page = { items: { id: string }[]; next?: string };
  const list = listResources as unknown as (request: object, services: object) => Promise<Page>;
  for (const $top of [1000, 700, 999, 1]) {
    const seen: string[] = [];
    for (let after: string | undefined, pages = 0; pages < 30; pages++) {
      const { items, next } = await list({ query: { $top }, page: { limit: 1000, ...(after === undefined ? {} : { after }) } }, services);
      assert.ok(items.length <= $top);
      seen.push(...items.map(({ id }) => id));
      after = next;
      if (next === undefined) break;
    }
    const expected: number = $top === 1 ? 30 : whole.length;
    assert.equal(new Set(seen).size, expected);
    assert.equal(seen.length, expected);
    if ($top !== 1) assert.deepEqual([...seen].sort(), [...whole].sort());
  }
  const filtered = await list({ query: { $filter: "resourceType eq 'Microsoft.Batch/batchAccounts'" }, page: { limit: 4 } }, services);
  assert.deepEqual([filtered.items.length, filtered.next !== undefined], [4, true]);
});
