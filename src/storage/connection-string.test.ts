// Connection strings as people paste them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConnectionString } from "./connection-string.ts";

test("the forms that Azure's tools print", () => {
  assert.deepEqual(
    parseConnectionString("DefaultEndpointsProtocol=https;AccountName=acc1;AccountKey=a2V5Cg==;EndpointSuffix=core.windows.net"),
    {
      accountName: "acc1",
      accountKey: "a2V5Cg==",
      blobEndpoint: "https://acc1.blob.core.windows.net",
    },
  );
  assert.deepEqual(parseConnectionString("BlobEndpoint=https://acc1.blob.example.org/;SharedAccessSignature=?sv=2021&sig=a%3D"), {
    accountName: "acc1",
    sharedAccessSignature: "sv=2021&sig=a%3D",
    blobEndpoint: "https://acc1.blob.example.org",
  });
  assert.deepEqual(parseConnectionString(" AccountName=dev1 ; AccountKey=a2V5 ; BlobEndpoint=http://127.0.0.1:10000/dev1; "), {
    accountName: "dev1",
    accountKey: "a2V5",
    blobEndpoint: "http://127.0.0.1:10000/dev1",
  });
  assert.equal(parseConnectionString("UseDevelopmentStorage=true").blobEndpoint, "http://127.0.0.1:10000/devstoreaccount1");
});

test("what is wrong is said, without the secret", () => {
  const wrong: [text: string, message: RegExp][] = [
    ["nonsense", /NAME=VALUE/],
    ["AccountKey=c2VjcmV0", /AccountName/],
    ["AccountName=acc1", /AccountKey/],
    ["AccountName=acc1;AccountKey=secret!", /Base64/],
    ["AccountName=ACC;AccountKey=c2VjcmV0", /account name/],
    ["AccountName=acc1;AccountKey=c2VjcmV0;BlobEndpoint=ftp://x", /BlobEndpoint/],
    ["AccountName=acc1;AccountKey=c2VjcmV0;DefaultEndpointsProtocol=gopher", /Protocol/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(
      () => parseConnectionString(text),
      (error: Error) => error.name === "ConnectionStringError" && message.test(error.message) && !/secret|c2Vj/.test(error.message),
    );
  }
});
