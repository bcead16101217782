// The list of accounts by itself: what is on the disk when a change is answered, and how changes that were interrupted end. With the real
// Azurite it is in accounts.test.ts.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemIds } from "../lib/ids.ts";
import { embeddedAccount } from "./connection-string.ts";
import { createEmbeddedAccounts, type EmbeddedAccountsOptions } from "./embedded-accounts.ts";

const aFile = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), "quern-accounts-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "accounts.json");
};

const open = (file: string, overrides: Partial<EmbeddedAccountsOptions> = {}) =>
  createEmbeddedAccounts({
    ...{ file, firstKey: embeddedAccount.key, ids: systemIds() },
    serve: async () => {},
    empty: async () => {},
    ...overrides,
  });

const keysOf = (account: { keys: readonly { value: string }[] } | undefined): string[] => account?.keys.map(({ value }) => value) ?? [];

test("at first there is Azurite's own account, with its first key and a second one that stays", (t) => {
  const file = aFile(t);
  const [account, ...others] = open(file).all();
  assert.deepEqual(others, []);
  assert.deepEqual([account!.name, account!.kind, keysOf(account)[0]], [embeddedAccount.name, "embedded", embeddedAccount.key]);
  assert.equal(Buffer.from(keysOf(account)[1]!, "base64").length, 64);
  assert.deepEqual(open(file).all(), [account], "kept");
  assert.equal(
    keysOf(open(file, { firstKey: "b3duIGtleQ==" }).find(embeddedAccount.name))[0],
    "b3duIGtleQ==",
    "the key of the address served",
  );
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("a new account is kept before it is served, has two keys, and is found again however it is written", async (t) => {
  const file = aFile(t);
  const keptWhenServed: string[] = [];
  const accounts = open(file, { serve: async () => void keptWhenServed.push(readFileSync(file, "utf8")) });
  const made = await accounts.create("acc1");
  assert.match(keptWhenServed[0]!, /"acc1"/);
  assert.equal(new Set(keysOf(made)).size, 2);
  assert.deepEqual(await accounts.create("acc1"), made);
  assert.deepEqual(accounts.find("ACC1"), made);
  assert.deepEqual(open(file).find("acc1"), made);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(keptWhenServed.length, 1, "an account that is there is served already");
  assert.equal(accounts.setting(), accounts.all().map((account) => [account.name, ...keysOf(account)].join(":")).join(";")); // biome-ignore format: one thought
});

test("changes at the same time do not lose each other", async (t) => {
  const file = aFile(t);
  const accounts = open(file);
  const names = Array.from({ length: 20 }, (_, index) => `acc${index}`);
  await Promise.all(names.map((name) => accounts.create(name)));
  assert.deepEqual(open(file).all(), accounts.all());
  assert.deepEqual(accounts.all().map(({ name }) => name), [embeddedAccount.name, ...names]); // biome-ignore format: one thought
});

test("names that are malformed, or begin another plane's paths, are refused", async (t) => {
  const accounts = open(aFile(t));
  const refused = ["ab", "a".repeat(25), "Acc1x", "a-b-c", "acc/1", "", "ü23"];
  const taken = ["pools", "jobs", "jobschedules", "certificates", "applications", "supportedimages", "nodecounts", "poolusagemetrics"];
  const planes = [
    "subscriptions",
    "providers",
    "tenants",
    "metadata",
    "adfs",
    "common",
    "organizations",
    "quern",
    "healthz",
    "readyz",
    "metrics",
  ];
  for (const name of [...refused, ...taken, ...planes])
    await assert.rejects(accounts.create(name), { name: "StorageNameRefused" }, JSON.stringify(name));
  assert.equal(accounts.all().length, 1);
});

test("a regenerated key replaces one of the two and is kept, that of Azurite's own account too", async (t) => {
  const file = aFile(t);
  const accounts = open(file);
  for (const name of ["acc1", embeddedAccount.name]) {
    const [one, two] = keysOf(await accounts.create(name));
    const [newOne, sameTwo] = keysOf(await accounts.regenerateKey(name.toUpperCase(), "key1"));
    assert.notEqual(newOne, one);
    assert.equal(sameTwo, two);
    const [sameOne, newTwo] = keysOf(await accounts.regenerateKey(name, "key2"));
    assert.equal(sameOne, newOne);
    assert.notEqual(newTwo, two);
    assert.deepEqual(keysOf(open(file).find(name)), [newOne, newTwo]);
  }
  await assert.rejects(accounts.regenerateKey("nobody", "key1"), { name: "StorageAccountMissing" });
});

test("a removal that was interrupted is ended by the next server, before the name can be had again", async (t) => {
  const file = aFile(t);
  const first = open(file, { empty: async () => Promise.reject(new Error("killed here")) });
  const [oldKey] = keysOf(await first.create("acc1"));
  await first.create("acc2");
  await assert.rejects(first.remove("acc1"), /killed here/);
  assert.equal(first.find("acc1"), undefined);

  const emptied: string[] = [];
  const resumed = open(file, { empty: async (account) => void emptied.push(account) });
  assert.equal(resumed.find("acc1"), undefined);
  assert.equal(resumed.keyOf("acc1"), oldKey, "its blobs can still be reached, to be removed");
  assert.match(resumed.setting(), /acc1:/);
  const [again] = await Promise.all([resumed.create("acc1"), resumed.resume()]);
  assert.deepEqual(emptied, ["acc1"]);
  assert.notEqual(keysOf(again)[0], oldKey);
  await resumed.remove("acc1");
  await resumed.remove("acc1");
  assert.deepEqual(emptied, ["acc1", "acc1"]);
  assert.doesNotMatch(readFileSync(file, "utf8"), /acc1/);
  await assert.rejects(resumed.remove(embeddedAccount.name), { name: "StorageNameRefused" });
});

test("a file that says something else is not overwritten", (t) => {
  const file = aFile(t);
  for (const text of ["", "{}", "[1]", '[{"name":"acc1","key2":"a2V5"}]', '[{"name":"acc1","key1":"a;b:c","key2":"a2V5"}]']) {
    writeFileSync(file, text);
    assert.throws(() => open(file), { name: "AccountsUnreadable" }, text);
    assert.equal(readFileSync(file, "utf8"), text);
  }
});
