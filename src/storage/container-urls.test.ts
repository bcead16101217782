// The URLs of containers that orders carry: made once for many tasks, made again in time, and none where there is nothing to lead to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { type StorageAccount, StorageAccountMissing } from "./accounts.ts";
import { BlobError } from "./blobs.ts";
import { containerUrls } from "./container-urls.ts";

const hour = 3_600_000;
const baseUrl = (): string => "http://127.0.0.1:1";
const accountWith =
  (value: string) =>
  (name: string): StorageAccount => ({ name, kind: "embedded", keys: [{ keyName: "key1", value }] });

test("a URL is signed once for as long as half of its life is left", () => {
  const clock = new ManualClock();
  const signed: number[] = [];
  const signedContainerUrl = (account: string, container: string, { expiresAt }: { expiresAt: number }): string => {
    signed.push(expiresAt - clock.now());
    return `u/${account}/${container}?n=${signed.length}`;
  };
  const accounts = { find: accountWith("a"), signedContainerUrl };
  const urlOf = containerUrls({ accounts, clock, baseUrl, autoStorageOf: (id) => (id === 1 ? "store" : "other") });
  assert.deepEqual([urlOf(1, "c"), urlOf(1, "c"), urlOf(2, "c")], ["u/store/c?n=1", "u/store/c?n=1", "u/other/c?n=2"]);
  clock.advance(11 * hour);
  assert.equal(urlOf(1, "c"), "u/store/c?n=1");
  clock.advance(2 * hour);
  assert.equal(urlOf(1, "c"), "u/store/c?n=3");
  assert.deepEqual(signed, [24 * hour, 24 * hour, 24 * hour]);
});

test("a URL whose key was regenerated, or whose account has gone, is given to nobody any more", () => {
  let key: string | undefined = "old";
  const accounts = {
    find: (name: string) => (key === undefined ? undefined : accountWith(key)(name)),
    signedContainerUrl: (account: string): string => {
      if (key === undefined) throw new StorageAccountMissing(account);
      return `signed with ${key}`;
    },
  };
  const urlOf = containerUrls({ accounts, clock: new ManualClock(), baseUrl, autoStorageOf: () => "store" });
  assert.equal(urlOf(1, "c"), "signed with old");
  key = "new";
  assert.equal(urlOf(1, "c"), "signed with new");
  key = undefined;
  assert.equal(urlOf(1, "c"), undefined);
});

test("there is none without auto storage, without its account, and for a name that climbs", () => {
  const clock = new ManualClock();
  const throwing = (error: Error) => ({
    find: () => undefined,
    signedContainerUrl: (): string => {
      throw error;
    },
  });
  const of = (error: Error, storage: string | undefined) =>
    containerUrls({ accounts: throwing(error), clock, baseUrl, autoStorageOf: () => storage })(1, "c");
  assert.equal(of(new Error("never asked"), undefined), undefined);
  assert.equal(of(new StorageAccountMissing("gone"), "store"), undefined);
  assert.equal(of(new BlobError("the name has a part that is . or ..", 400), "store"), undefined);
  assert.throws(() => of(new Error("our mistake"), "store"), /our mistake/);
});
