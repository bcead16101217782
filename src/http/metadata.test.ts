// What anybody is told of the cloud, over plain http here: the addresses in it are https all the same.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { metadataHandler } from "./metadata.ts";

type Cloud = {
  resourceManager: string;
  authentication: { loginEndpoint: string; identityProvider: string; tenant: string };
  suffixes: { storage: string };
  graphEndpoint?: string;
  error?: { code: string };
};

const served = async (t: TestContext, authorityOf: (baseUrl: string) => string) => {
  const handle = metadataHandler({ clock: new ManualClock(), ids: seededIds(1), domain: "batch.example", tenantId: "tenant", authorityOf });
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return async (query: string): Promise<Cloud> =>
    (await fetch(`http://127.0.0.1:${port}/metadata/endpoints?${query}`)).json() as Promise<Cloud>;
};

test("our own issuer is below the address that was called", async (t) => {
  const ask = await served(t, (baseUrl) => `${baseUrl}/adfs`);
  const cloud = await ask("api-version=2022-09-01");
  assert.match(cloud.resourceManager, /^https:\/\/127\.0\.0\.1:\d+\/$/);
  assert.equal(cloud.authentication.loginEndpoint, `${cloud.resourceManager}adfs`);
  assert.deepEqual([cloud.authentication.identityProvider, cloud.authentication.tenant], ["ADFS", "tenant"]);
  assert.equal(cloud.suffixes.storage, `batch.example:${new URL(cloud.resourceManager).port}`);
  assert.deepEqual(await ask("api-version=2020-06-01"), [cloud]);
  const { graphEndpoint, ...old } = await ask("Api-Version=2015-01-01");
  assert.deepEqual([old, graphEndpoint], [cloud, "https://graph.windows.net/"]);
});

test("an issuer elsewhere is named as it is", async (t) => {
  const ask = await served(t, () => "https://login.example/tenant");
  const { authentication } = await ask("api-version=2022-09-01");
  assert.deepEqual([authentication.loginEndpoint, authentication.identityProvider], ["https://login.example/tenant", "AAD"]);
  assert.equal((await ask("")).error?.code, "MissingApiVersionParameter");
});
