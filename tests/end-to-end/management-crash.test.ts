// What a 2xx of the management plane is worth: resource groups with everything in them are made and deleted while the control plane is killed
// again and again. After each kill the tables agree with each other; in the end what was to go is gone and what was to stay is there.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../src/lib/clock.ts";
import { seededIds } from "../../src/lib/ids.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { resourceSanityCheck } from "../../src/store/sanity-check-resources.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { type ArmRequest, armPoll, armRequest } from "../support/arm.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import type { Answer } from "../support/signed.ts";

const kills = 10;
const groups = "/subscriptions/{sub}/resourceGroups";

/** A server that is killed under its clients, who ask the next one again. */
const mortal = async (t: TestContext, location: string, args: string[]) => {
  let quern: Quern = await startQuern(t, { location, args });
  let restarting: Promise<void> | undefined;
  const kill = (): Promise<void> => {
    restarting ??= (async () => {
      await quern.kill();
      const store = await openSqlite({ file: join(location, "quern.db"), clock: systemClock() });
      assert.deepEqual([...(await sanityCheck(store)), ...(await resourceSanityCheck(store))], []);
      await store.close();
      quern = await startQuern(t, { location, args });
    })().finally(() => {
      restarting = undefined;
    });
    return restarting;
  };
  const alive = async <T>(ask: (quern: Quern) => Promise<T>): Promise<T> => {
    for (;;) {
      await restarting;
      const server = quern;
      try {
        return await ask(server);
      } catch (error) {
        if (server === quern && restarting === undefined) throw error;
      }
    }
  };
  return { kill, alive, stop: () => quern.stop() };
};
type Mortal = Awaited<ReturnType<typeof mortal>>;

const hci = "2024-01-01";
const place = { extendedLocation: { name: "/x", type: "CustomLocation" }, location: "eastus" };

/** Three identities, one after the other. */
const template = {
  $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  contentVersion: "1.0.0.0",
  parameters: { tag: { type: "secureString" } },
  resources: ["one", "two", "three"].map((name, index, names) => ({
    type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    apiVersion: "2023-01-31",
    name,
    location: "eastus",
    tags: { tag: "[parameters('tag')]" },
    dependsOn: names.slice(0, index),
  })),
};

/** Everything that can be in a group, each after what it needs. */
const contents = (group: string, image: string, directory: string): Pick<ArmRequest, "path" | "body" | "version">[] => {
  const id = `/subscriptions/{sub}/resourceGroups/${group}/providers`;
  const account = `${id}/Microsoft.Batch/batchAccounts/${group}`;
  const storage = `${id}/Microsoft.Storage/storageAccounts/${group}store`;
  const container = `${id}/Microsoft.AzureStackHCI/storageContainers/container`;
  const connection = { name: "c", properties: { privateLinkServiceId: account, groupIds: ["batchAccount"] } };
  return [
    { path: `${groups}/${group}`, body: { location: "eastus" }, version: "2021-04-01" },
    { path: storage, body: { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } } },
    { path: account, body: { location: "eastus", properties: { autoStorage: { storageAccountId: storage } } } },
    { path: `${account}/applications/app`, body: {} },
    { path: `${account}/applications/app/versions/1`, body: {} },
    {
      path: `${account}/pools/pool`,
      body: {
        properties: {
          vmSize: "STANDARD_D1_V2",
          deploymentConfiguration: {
            virtualMachineConfiguration: {
              imageReference: { publisher: "debian", offer: "debian-12", sku: "12" },
              nodeAgentSkuId: "batch.node.debian 12",
            },
          },
          scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
        },
      },
    },
    {
      path: `${id}/Microsoft.Network/privateEndpoints/endpoint`,
      body: { location: "eastus", properties: { privateLinkServiceConnections: [connection] } },
    },
    { path: `${id}/Microsoft.ManagedIdentity/userAssignedIdentities/identity`, body: { location: "eastus" } },
    { path: container, body: { ...place, properties: { path: join(directory, group) } }, version: hci },
    {
      path: `${id}/Microsoft.AzureStackHCI/galleryImages/image`,
      body: { ...place, properties: { imagePath: image, osType: "Linux", containerId: container } },
      version: hci,
    },
    {
      path: `${id}/Microsoft.Resources/deployments/deployment`,
      body: { properties: { mode: "Incremental", template, parameters: { tag: { value: `a secret of ${group}` } } } },
      version: "2022-09-01",
    },
  ];
};

const inSubscription = (value: unknown, subscriptionId: string): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll("{sub}", subscriptionId));

/** A PUT may be sent twice: the first may have been done by a server that died before it could say so. */
const put = async (server: Mortal, request: Pick<ArmRequest, "path" | "body" | "version">): Promise<void> => {
  const send = (): Promise<Answer> =>
    server.alive((quern) => {
      const body = inSubscription(request.body, quern.ready.subscriptionId);
      return armRequest(quern, { method: "PUT", ...request, body });
    });
  // A deployment that goes on is not begun again.
  const answer = await until(send, ({ json }) => json?.error?.code !== "DeploymentActive");
  assert.ok(answer.status < 300, `${request.path}: ${answer.status} ${answer.text}`);
  const follow = answer.headers["azure-asyncoperation"] ?? (answer.status === 202 ? answer.headers.location : undefined);
  if (follow !== undefined) await server.alive((quern) => armPoll(quern, String(follow)));
  const got = await server.alive((quern) => armRequest(quern, { ...request, body: undefined, method: "GET" }));
  assert.equal(got.status, 200, `${request.path} was acknowledged: ${got.text}`);
  assert.ok(["Succeeded", "Active", undefined].includes(got.json.properties?.provisioningState), got.text);
};

const remove = async (server: Mortal, group: string): Promise<void> => {
  const answer: Answer = await server.alive((quern) =>
    armRequest(quern, { method: "DELETE", path: `${groups}/${group}`, version: "2021-04-01" }),
  );
  // The one that died may have ended it.
  if (answer.status === 404) return;
  assert.equal(answer.status, 202, answer.text);
  const ended = await server.alive((quern) => armPoll(quern, String(answer.headers.location)));
  assert.equal(ended.status, 200, ended.text);
  const got = await server.alive((quern) => armRequest(quern, { method: "GET", path: `${groups}/${group}`, version: "2021-04-01" }));
  assert.equal(got.json?.error?.code, "ResourceGroupNotFound", got.text);
};

test(`resource groups are made and deleted under ${kills} kills of the control plane`, { timeout: 240_000 }, async (t) => {
  const seed = Number(process.env.QUERN_SEED ?? 20261120);
  t.diagnostic(`QUERN_SEED=${seed}`);
  const { chance } = seededIds(seed);
  const directory = newDirectory(t);
  const { file } = packRootfs(directory, { name: "image.tar", randomBytes: 4 * 2 ** 20 });
  const location = await newLocation(t);
  const server = await mortal(t, location, ["--allow-image-path", directory]);
  await put(server, contents("staying", file, directory)[0]!);

  let ended = false;
  let round = 0;
  const work = (async () => {
    // The same names each time: nothing of what was before may be in what is now.
    while (!ended) {
      round++;
      for (const request of contents("passing", file, directory)) await put(server, request);
      for (const request of contents("staying", file, directory)) await put(server, request);
      await remove(server, "passing");
      assert.deepEqual(existsSync(join(directory, "passing")) ? readdirSync(join(directory, "passing")) : [], []);
    }
  })();
  const killing = (async () => {
    for (let killed = 0; killed < kills; killed++) {
      // So many questions between two kills: a moment in the middle of something, without a clock.
      const questions = Math.floor(chance() * 150);
      for (let asked = 0; asked < questions; asked++)
        await server.alive((quern) => armRequest(quern, { method: "GET", path: `${groups}/passing`, version: "2021-04-01" }));
      await server.kill();
    }
    ended = true;
  })();
  await Promise.all([work, killing]);
  t.diagnostic(`${round} rounds`);

  const [group, ...rest] = contents("staying", file, directory);
  for (const { path, version } of [group!, ...rest]) {
    const got = await server.alive((quern) => armRequest(quern, { method: "GET", path, ...(version === undefined ? {} : { version }) }));
    assert.equal(got.status, 200, `${path}: ${got.text}`);
  }
  const { json } = await server.alive((quern) => armRequest(quern, { method: "GET", path: groups, version: "2021-04-01" }));
  assert.deepEqual(json.value.map(({ name }: { name: string }) => name).sort(), ["quern", "staying"]);
  await remove(server, "staying");
  await until(
    async () => readdirSync(join(location, "images")),
    (left) => left.length === 0,
  );
  assert.equal(await server.stop(), 0);
  const store = await openSqlite({ file: join(location, "quern.db"), clock: systemClock() });
  t.after(() => store.close());
  assert.deepEqual([...(await sanityCheck(store)), ...(await resourceSanityCheck(store))], []);
});
