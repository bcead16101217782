// URLs of packages: signed for reading, in the form that nodes can use, undefined for an account that is gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BlobUrlOptions, StorageAccountMissing } from "./accounts.ts";
import { packageUrls } from "./package-urls.ts";

const blob = { account: "store", container: "app-a-1", name: "a-1-g" };
const clock = { now: () => 1000 };
const baseUrl = () => "http://127.0.0.1:1";
const failing = (error: Error) => ({
  signedBlobUrl: (): string => {
    throw error;
  },
});

test("a package's URL is signed for a day of reading, by path", () => {
  let asked: BlobUrlOptions | undefined;
  const signedBlobUrl = (account: string, container: string, name: string, options: BlobUrlOptions): string => {
    asked = options;
    return `${options.baseUrl}/${account}/${container}/${name}?sig=x`;
  };
  assert.equal(packageUrls({ accounts: { signedBlobUrl }, clock, baseUrl })(blob), "http://127.0.0.1:1/store/app-a-1/a-1-g?sig=x");
  assert.deepEqual(asked, { permissions: "r", expiresAt: 1000 + 86_400_000, baseUrl: baseUrl(), form: "path" });
});

test("there is none for an account that is gone; other failures are not taken for that", () => {
  const gone = packageUrls({ accounts: failing(new StorageAccountMissing("gone")), clock, baseUrl });
  assert.equal(gone(blob), undefined);
  assert.throws(() => packageUrls({ accounts: failing(new TypeError("bug")), clock, baseUrl })(blob), TypeError);
});
