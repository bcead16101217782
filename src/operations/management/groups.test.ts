// What is put in a group finds it there, or learns in Resource Manager's words that it has gone, even where it goes at that very moment.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createIdentity } from "../../api/management/resources/identities.ts";
import type { OperationDeclaration } from "../../api/operation.ts";
import { ManualClock } from "../../lib/clock.ts";
import type { Store } from "../../store/db.ts";
import {
  deleteResourceGroup,
  getResourceGroup,
  guardResourceGroup,
  insertResourceGroup,
  type ResourceGroup,
  saveResourceGroup,
} from "../../store/resource-groups.ts";
import { openSqlite } from "../../store/sqlite.ts";
import { inGroup } from "./groups.ts";

const group: ResourceGroup = {
  key: "group",
  name: "Group",
  location: "eastus",
  tags: {},
  provisioningState: "Succeeded",
  createdAt: 0,
  generation: 0,
};

/** A PUT in the group, whose first decision is overtaken by `meanwhile`. */
const overtaken = async (t: TestContext, meanwhile: (store: Store, group: ResourceGroup) => Promise<void>): Promise<unknown> => {
  const store = await openSqlite({ file: ":memory:", clock: new ManualClock() });
  t.after(() => store.close());
  await store.commit(insertResourceGroup(group));
  let decisions = 0;
  const handler = inGroup(createIdentity as OperationDeclaration, async (_request, services) =>
    services.store.decide(async (read) => {
      const found = await getResourceGroup(read, "group");
      if (decisions++ === 0) await meanwhile(store, found!);
      return { writes: [guardResourceGroup("group")], result: { status: 200 + decisions } };
    }),
  );
  return handler({ params: { resourceGroupName: "GROUP" }, operation: createIdentity } as never, { store } as never);
};

test("a group that is there lets things in", async (t) => {
  assert.deepEqual(await overtaken(t, async () => {}), { status: 201 });
  const changed = (store: Store, found: ResourceGroup) => store.commit(saveResourceGroup({ ...found, tags: { a: "b" } }));
  assert.deepEqual(await overtaken(t, changed), { status: 201 });
});

test("a group that goes meanwhile is told of", async (t) => {
  const going = (store: Store, found: ResourceGroup) => store.commit(saveResourceGroup({ ...found, provisioningState: "Deleting" }));
  await assert.rejects(overtaken(t, going), { code: "ResourceGroupBeingDeleted", status: 409 });
  const gone = (store: Store, found: ResourceGroup) => store.commit(deleteResourceGroup(found));
  await assert.rejects(overtaken(t, gone), { code: "ResourceGroupNotFound", status: 404 });
});
