// That signatures are those which the official client makes of the same values.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } from "@azure/storage-blob";
import { embeddedAccount } from "./connection-string.ts";
import { blobSignature } from "./shared-access.ts";

const expiresAt = Date.UTC(2026, 10, 20, 12, 0, 0, 789);

test("a blob's signature is the official client's, for plain and for awkward names", () => {
  const credential = new StorageSharedKeyCredential(embeddedAccount.name, embeddedAccount.key);
  for (const [container, blob, permissions] of [
    ["app-1", "app-1-2.0.zip", "rcw"],
    ["c", "a dir/ü+%&=#?.txt", "r"],
  ] as const) {
    const ours = new URLSearchParams(
      blobSignature(embeddedAccount.key, { account: embeddedAccount.name, container, blob, permissions, expiresAt }),
    );
    const theirs = generateBlobSASQueryParameters(
      {
        ...{ containerName: container, blobName: blob, version: "2020-12-06" },
        permissions: BlobSASPermissions.parse(permissions),
        expiresOn: new Date(expiresAt),
      },
      credential,
    );
    assert.deepEqual(new URLSearchParams(String(theirs)).get("sig"), ours.get("sig"));
    assert.deepEqual([...new URLSearchParams(String(theirs))].sort(), [...ours].sort());
  }
});
