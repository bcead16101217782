// Application packages in orders: what references mean is decided when the order is made, by the real scheduler and the real store.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackageOrder } from "../../src/api/agent/messages.ts";
import { activatePackage, newApplication, newPackage } from "../../src/domain/applications.ts";
import {
  deletePackage,
  getApplication,
  getPackage,
  insertApplication,
  insertPackage,
  saveApplication,
} from "../../src/store/applications.ts";
import { aJob, aTask, aWorld, seconds, type World } from "./world.ts";

const accountName = "devbatchaccount1";
const resourceId = `/subscriptions/s/resourceGroups/g/providers/Microsoft.Batch/batchAccounts/${accountName}/applications/Tool`;

const withTool = async (world: World, ...versions: string[]): Promise<void> => {
  const tool = newApplication("Tool", { accountId: 1, stamp: 1 });
  const at = { accountName, storageAccount: "store", guid: "g", stamp: 1 };
  const active = (version: string) => activatePackage(newPackage(tool, version, at), { format: "zip", etag: "0x1", now: 1, stamp: 1 });
  await world.store.commit([...insertApplication(tool), ...versions.flatMap((version) => insertPackage(active(version)))]);
};
const setDefault = async (world: World, defaultVersion: string): Promise<void> =>
  world.store.commit(saveApplication({ ...(await getApplication(world.store, 1, "tool"))!, defaultVersion }));

const ordersOf = (world: World): Map<string, PackageOrder[] | undefined> =>
  new Map(
    [...world.agent().nodes.values()].flatMap(({ running }) => [...running.values()].map(({ order }) => [order.taskId, order.packages])),
  );
const brief = (orders: PackageOrder[] | undefined): string[] | undefined =>
  orders?.map((one) =>
    [one.applicationId, one.version, "directory" in one ? one.directory.replace(/-[0-9a-f]{12}$/, "") : one.problem].join(" "),
  );

test("orders carry the packages that references mean at this moment; others carry none", async () => {
  const world = await aWorld({ pool: { nodes: 1, slots: 8 } });
  await withTool(world, "1.0", "2.0B");
  await setDefault(world, "1.0");
  const long = (id: string, applicationPackageReferences?: { applicationId: string }[]) =>
    aTask("for 60000", { applicationPackageReferences }, id);
  await world.submit(aJob({ tasks: [long("t0"), long("t1", []), long("t2", [{ applicationId: "tool" }])] }));
  await world.advance(seconds(1));
  await setDefault(world, "2.0B");
  const named = [
    { applicationId: resourceId },
    { applicationId: "TOOL", version: "1.0" },
    { applicationId: "tool", version: "2.0b" },
    { applicationId: "tool", version: "9" },
    { applicationId: "other" },
  ];
  await world.addTasks("job1", [aTask("for 60000", { applicationPackageReferences: named }, "t3")]);
  await world.advance(seconds(1));
  const orders = ordersOf(world);
  assert.deepEqual([orders.size, orders.get("t0"), orders.get("t1")], [4, undefined, undefined]);
  assert.deepEqual(brief(orders.get("t2")), ["Tool  tool-1.0"]);
  const missing = "The specified application package does not exist.";
  assert.deepEqual(brief(orders.get("t3")), [
    "Tool  tool-2.0b",
    "Tool 1.0 tool-1.0",
    "Tool 2.0b tool-2.0b",
    `tool 9 ${missing}`,
    `other  ${missing}`,
  ]);
  const [first] = orders.get("t3")!;
  assert.match("url" in first! ? first.url! : "", /^http:\/\/127\.0\.0\.1:10020\/store\/app-tool-[0-9a-f]{16}\/tool-2\.0b-g\?sig=secret$/);
  await world.close();
});

test("a node has the packages that its pool names when it boots; a restart of the control plane orders tasks again with theirs", async () => {
  const world = await aWorld();
  await withTool(world, "1.0", "2.0");
  const spec = { applicationPackageReferences: [{ applicationId: "tool", version: "1.0" }] };
  await world.addPool({ nodes: 1, spec });
  await world.advance(seconds(1));
  const nodeOrder = (): PackageOrder[] | undefined => [...world.agent().nodes.values()][0]!.order.packages;
  assert.deepEqual(brief(nodeOrder()), ["Tool 1.0 tool-1.0"]);
  await world.store.commit(deletePackage((await getPackage(world.store, { accountId: 1, applicationKey: "tool", key: "1.0" }))!));
  const [node] = await world.nodes();
  await world.reboot(node!);
  await world.advance(seconds(1));
  assert.deepEqual(brief(nodeOrder()), ["tool 1.0 The specified application package does not exist."]);

  const references = { applicationPackageReferences: [{ applicationId: "tool", version: "2.0" }] };
  await world.submit(aJob({ tasks: [aTask("for 60000", references, "t")] }));
  await world.advance(seconds(1));
  world.agent().loseProcesses();
  await world.restart();
  await world.advance(seconds(1));
  assert.deepEqual(brief(ordersOf(world).get("t")), ["Tool 2.0 tool-2.0"]);
  await world.close();
});

test("a node that may lack packages because the control plane was away is ordered again, with fresh URLs; others are not", async () => {
  const world = await aWorld({ bootMs: seconds(60) });
  await withTool(world, "1.0");
  const spec = { applicationPackageReferences: [{ applicationId: "tool", version: "1.0" }] };
  await world.addPool({ nodes: 1, spec });
  await world.addPool({ id: "pool2", nodes: 1 });
  const agent = world.agent();
  const told: string[] = [];
  const receive = agent.receive.bind(agent);
  agent.receive = (message) => {
    if (message.type === "startNode") told.push(`${message.node.poolId} ${message.node.boot} ${brief(message.node.packages)}`);
    receive(message);
  };
  await world.advance(seconds(1));
  assert.deepEqual(
    (await Promise.all(["pool1", "pool2"].map((id) => world.nodes(id)))).flat().map(({ state }) => state),
    ["starting", "starting"],
  );
  agent.disconnect();
  await agent.connect();
  await world.settle();
  assert.deepEqual(told, ["pool1 1 Tool 1.0 tool-1.0"]);
  await world.advance(seconds(60));
  agent.disconnect();
  await agent.connect();
  await world.settle();
  assert.equal(told.length, 1, "nodes that are idle have theirs");
  await world.close();
});
