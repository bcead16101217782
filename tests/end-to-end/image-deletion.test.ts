// The deletion of an image that is still coming: whoever waits for its creation is not told that it succeeded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armPoll } from "../support/arm.ts";
import { hci } from "../support/hci.ts";
import { startQuern } from "../support/quern.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import { slowServer } from "../support/slow-server.ts";

test("the creation of an image that is deleted meanwhile was cancelled", { timeout: 60_000 }, async (t) => {
  const { content } = packRootfs(newDirectory(t), { name: "slow.tar" });
  const server = await slowServer(t, content);
  const quern = await startQuern(t, { args: ["--storage", "none", "--allow-private-urls"] });
  const azure = hci(quern);
  const created = await azure.put("galleryImages", "slow", { osType: "Linux", imagePath: server.url });
  assert.equal(created.status, 201, created.text);
  await azure.deleted("galleryImages", "slow");
  const { json } = await armPoll(quern, created.headers["azure-asyncoperation"] as string);
  assert.deepEqual([json.status, json.error.code], ["Canceled", "Canceled"]);
});
