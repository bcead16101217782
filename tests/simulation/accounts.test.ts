// The end of Batch accounts, with the real scheduler and the real store: slice by slice, after a crash, against a storage service that refuses, and
// against what is put in at the last moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOfRemains } from "../../src/domain/accounts.ts";
import { newApplication, newPackage } from "../../src/domain/applications.ts";
import { accountGuard } from "../../src/scheduler/quotas.ts";
import { deletingAccounts, getAccount, getAccountByName, insertAccount, renameAccount, saveAccount } from "../../src/store/accounts.ts";
import { insertApplication, insertPackage } from "../../src/store/applications.ts";
import { getAsyncOperation, insertAsyncOperation } from "../../src/store/async-operations.ts";
import { Conflict } from "../../src/store/db.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { anAccount } from "../support/accounts.ts";
import { aJob, aWorld, minutes, seconds, tasksOf, type World } from "./world.ts";

const deletion = { id: "d", kind: "BatchAccount_Delete", resourceId: "deletion of account 1", status: "InProgress" } as const;

/** As BatchAccount_Delete commits and rings. */
const begin = async (world: World): Promise<void> => {
  const account = (await getAccount(world.store, 1))!;
  const operation = { ...deletion, startedAt: world.clock.now() };
  await world.store.commit([...saveAccount({ ...account, provisioningState: "Deleting" }), ...insertAsyncOperation(operation)]);
  world.scheduler().wake.account(1);
};

const withPackage = (world: World): Promise<void> => {
  const tool = newApplication("Tool", { accountId: 1, stamp: 1 });
  const one = newPackage(tool, "1.0", { accountName: "devbatchaccount1", storageAccount: "store", guid: "g", stamp: 1 });
  return world.store.commit([...insertApplication(tool), ...insertPackage(one)]);
};

const assertGone = async (world: World): Promise<void> => {
  assert.equal(await getAccount(world.store, 1), undefined);
  assert.equal((await getAsyncOperation(world.store, "d"))?.status, "Succeeded");
  assert.deepEqual(await sanityCheck(world.store), []);
  for (const table of ["pools", "nodes", "jobs", "tasks", "applications", "application_packages", "past_nodes", "past_statistics"]) {
    const row = await world.store.get<{ n: number }>({ text: `SELECT count(*) AS n FROM ${table} WHERE account_id = 1`, values: [] });
    assert.equal(row!.n, 0, table);
  }
};

test("more jobs than a slice, with tasks that run and wait, go with their pools and nodes", async () => {
  const world = await aWorld({ pool: { nodes: 3, slots: 4 } });
  for (let n = 0; n < 230; n++) await world.submit(aJob({ id: `j${n}`, tasks: n % 50 === 0 ? tasksOf(10, "for 60000") : [] }));
  await world.advance(seconds(1));
  await begin(world);
  await world.settle();
  await assertGone(world);
  await world.advance(minutes(1));
  assert.equal(world.agent().nodes.size, 0, "the agent has removed what it hosted");
  await world.close();
});

test("a deletion that a crash interrupts goes on at the next start", async () => {
  const world = await aWorld({ pool: { nodes: 2 } });
  await world.submit(aJob({ tasks: tasksOf(5, "for 60000") }));
  await world.advance(seconds(1));
  const account = (await getAccount(world.store, 1))!;
  const operation = { ...deletion, startedAt: world.clock.now() };
  await world.store.commit([...saveAccount({ ...account, provisioningState: "Deleting" }), ...insertAsyncOperation(operation)]);
  assert.equal((await deletingAccounts(world.store)).length, 1);
  await world.restart();
  await world.advance(seconds(1));
  await assertGone(world);
  await world.close();
});

test("a storage service that does not answer is asked again, and one that goes on refusing keeps nobody", async () => {
  const asked: string[] = [];
  const refuse = async ({ name }: { name: string }): Promise<void> => {
    asked.push(name);
    throw new Error("it is away");
  };
  const world = await aWorld({ packageFiles: { remove: refuse, removeContainer: async () => {} } });
  await withPackage(world);
  await begin(world);
  await world.settle();
  assert.ok((await getAccount(world.store, 1)) !== undefined, "it waits");
  await world.advance(minutes(1));
  assert.equal(asked.length, 5);
  await assertGone(world);
  await world.close();
});

test("files of packages and their containers are removed, but not the containers of an account that has taken the name", async () => {
  for (const isNameTaken of [false, true]) {
    const removed: string[] = [];
    const remove = async ({ name }: { name: string }): Promise<void> => void removed.push(name);
    const removeContainer = async ({ container }: { container: string }): Promise<void> => void removed.push(container);
    const world = await aWorld({ packageFiles: { remove, removeContainer } });
    await withPackage(world);
    if (isNameTaken) {
      const account = (await getAccount(world.store, 1))!;
      const again = insertAccount(anAccount({ name: account.name }));
      await world.store.commit([...renameAccount(account, nameOfRemains(account)), ...again]);
    }
    await begin(world);
    await world.settle();
    await assertGone(world);
    assert.match(removed[0]!, /^tool-1\.0-g$/);
    assert.equal(removed.length, isNameTaken ? 1 : 2);
    const heir = await getAccountByName(world.store, "devbatchaccount1");
    assert.equal(heir?.id, isNameTaken ? 2 : undefined);
    await world.close();
  }
});

test("nothing is put into an account that goes, and its number is never another's", async () => {
  const world = await aWorld();
  const guard = await accountGuard(world.store, 1);
  await world.store.commit([guard]);
  await begin(world);
  await world.settle();
  await assert.rejects(world.store.commit([guard]), Conflict);
  await assert.rejects(accountGuard(world.store, 1), { code: "AccountIsDisabled" });
  await world.store.commit(insertAccount(anAccount({ name: "devbatchaccount1" })));
  assert.equal((await getAccountByName(world.store, "devbatchaccount1"))!.id, 2);
  await world.close();
});
