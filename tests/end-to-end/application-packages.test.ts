// Application packages from outside: what start tasks and tasks find of them, what happens when one cannot be had, and what survives what.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { armRequest } from "../support/arm.ts";
import { batchUser, hostImage, sh, type User } from "../support/batch-user.ts";
import { packageShelf } from "../support/packages.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";
import { aScript, aZip } from "../support/zip.ts";

const tool = (text: string): Buffer => aZip([aScript("bin/tool", `echo ${text}`), { name: "data/x.txt", data: text, mode: 0o100644 }]);

/** Directories of packages on all nodes. */
const installed = (quern: Quern): string[] => {
  const nodes = join(quern.location, "agent/nodes");
  return readdirSync(nodes)
    .flatMap((node) => readdirSync(join(nodes, node, "applications")))
    .sort();
};

const log = (quern: Quern): string => readFileSync(join(quern.location, "agent/agent.log"), "utf8");
/** How often a package was brought to a node. */
const installs = (quern: Quern, name: string): number =>
  log(quern)
    .split("\n")
    .filter((line) => line.includes("application package installed") && line.includes(name)).length;

const started = async (user: User, pool: string): Promise<string> => {
  const [node] = await user.nodes(pool);
  return (await user.ok("GET", `/pools/${pool}/nodes/${node.id}/files/startup/stdout.txt`)).text;
};

const reboot = async (user: User, pool: string, state: string): Promise<any> => {
  const [{ id, lastBootTime }] = await user.nodes(pool);
  await user.ok("POST", `/pools/${pool}/nodes/${id}/reboot`, {});
  return user.seen(`/pools/${pool}/nodes/${id}`, (node) => node.state === state && node.lastBootTime !== lastBootTime);
};

test("application packages", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  const user = batchUser(quern);
  const shelf = packageShelf(quern);
  await shelf.add("Tool-Box", "1.0", tool("one"), { isDefault: true });
  await shelf.add("Tool-Box", "2.0", tool("two"));
  await shelf.add("Tool-Box", "3.0", tool("three"), { isActive: false });
  await shelf.add("broken", "1", tool("broken").subarray(0, 100));
  const of = (applicationId: string, version?: string) => ({ applicationId, ...(version === undefined ? {} : { version }) });

  await t.test("the data plane shows what can be used", async () => {
    assert.deepEqual((await user.get("/applications/tool-box")).versions, ["1.0", "2.0"]);
  });

  await t.test("a pool's packages are there for its start task and its tasks", async () => {
    await user.pool("p", {
      taskSlotsPerNode: 4,
      applicationPackageReferences: [of("tool-box"), of("Tool-Box", "2.0")],
      startTask: {
        commandLine: sh(`"$AZ_BATCH_APP_PACKAGE_Tool_Box/bin/tool"; "$AZ_BATCH_APP_PACKAGE_tool_box_2_0/bin/tool"`),
        waitForSuccess: true,
      },
    });
    assert.equal(await started(user, "p"), "one\ntwo\n");
    await user.job("j", "p");
    await user.task("j", "t", sh(`cat "$AZ_BATCH_APP_PACKAGE_Tool_Box_2_0/data/x.txt"; env | grep -c APP_PACKAGE`));
    await user.taskIs("j", "t");
    assert.equal(await user.file("j", "t", "stdout.txt"), "two4\n");
    assert.equal(installed(quern).length, 2);
  });

  await t.test("tasks bring their own, once for all of them", async () => {
    await user.pool("q", { taskSlotsPerNode: 4 });
    await user.job("own", "q");
    const script = sh(`"$AZ_BATCH_APP_PACKAGE_tool_box_1_0/bin/tool"; test -z "$AZ_BATCH_APP_PACKAGE_tool_box"`);
    const before = installs(quern, "tool-box-1.0");
    const ids = ["a", "b", "c", "d", "e"];
    for (const id of ids) await user.task("own", id, script, { applicationPackageReferences: [of("tool-box", "1.0")] });
    for (const id of ids) {
      assert.equal((await user.taskIs("own", id)).executionInfo.exitCode, 0, id);
      assert.equal(await user.file("own", id, "stdout.txt"), "one\n");
    }
    assert.equal(installs(quern, "tool-box-1.0"), before + 1);
  });

  await t.test("the default version is the one of the moment", async () => {
    const run = async (id: string): Promise<string> => {
      await user.task("own", id, sh(`"$AZ_BATCH_APP_PACKAGE_tool_box/bin/tool"`), { applicationPackageReferences: [of("tool-box")] });
      await user.taskIs("own", id);
      return user.file("own", id, "stdout.txt");
    };
    assert.equal(await run("before"), "one\n");
    await shelf.setDefault("tool-box", "2.0");
    assert.equal(await run("after"), "two\n");
    await shelf.add("tool-box", "2.0", tool("two again"));
    assert.equal(await run("again"), "two again\n", "what was activated anew is fetched anew");
    await shelf.setDefault("tool-box", "1.0");
  });

  await t.test("a task whose package cannot be had fails before it runs, and is not tried again", async () => {
    for (const [id, reference, why] of [
      ["broken", of("broken", "1"), /The archive is damaged/],
      ["unknown", of("nothing", "1"), /does not exist/],
      ["pending", of("tool-box", "3.0"), /is not active/],
      ["no-default", of("broken"), /has no default version/],
    ] as const) {
      await user.task("own", id, "/bin/true", { applicationPackageReferences: [reference], constraints: { maxTaskRetryCount: 3 } });
      const { executionInfo } = await user.taskIs("own", id);
      const { failureInfo, exitCode, retryCount, result } = executionInfo;
      assert.deepEqual(
        [result, failureInfo.category.toLowerCase(), failureInfo.code, exitCode, retryCount],
        ["failure", "usererror", "ApplicationPackageError", undefined, 0],
      );
      const details = Object.fromEntries(failureInfo.details.map(({ name, value }: { name: string; value: string }) => [name, value]));
      assert.match(details.Message, why, id);
      assert.equal(
        details.ApplicationPackageReference,
        [reference.applicationId, ...("version" in reference ? [reference.version] : [])].join(":"),
      );
    }
  });

  await t.test("a pool is refused packages that cannot be had", async () => {
    for (const reference of [of("nothing"), of("tool-box", "9"), of("tool-box", "3.0"), of("broken")]) {
      await user.refused(409, "InvalidApplicationPackageReferences", "PATCH", "/pools/p", { applicationPackageReferences: [reference] });
    }
  });

  await t.test("a package that cannot be unpacked makes the node unusable; what the pool names applies at the next boot", async () => {
    await user.pool("bad", { applicationPackageReferences: [of("broken", "1")] }, "unusable");
    const [{ id, errors }] = await user.nodes("bad");
    assert.deepEqual([errors.length, errors[0].code], [1, "ApplicationPackageError"]);
    assert.equal(errors[0].message, "One or more application packages specified for the pool are invalid");
    assert.deepEqual(errors[0].errorDetails[0], { name: "ApplicationPackageReference", value: "broken:1" });
    assert.match(errors[0].errorDetails[1].value, /The archive is damaged/);
    await user.job("waits", "bad");
    await user.task("waits", "t", sh(`"$AZ_BATCH_APP_PACKAGE_tool_box_2_0/bin/tool"`));
    assert.deepEqual(await user.why("jobId=waits&taskId=t"), ["NoUsableNodes"]);

    await user.ok("PATCH", "/pools/bad", { applicationPackageReferences: [of("tool-box", "2.0")] });
    assert.equal((await user.nodes("bad"))[0].state, "unusable", "nodes that run keep what they have");
    await user.ok("POST", `/pools/bad/nodes/${id}/reboot`, {});
    await user.taskIs("waits", "t");
    assert.equal(await user.file("waits", "t", "stdout.txt"), "two again\n");
    assert.equal((await user.nodes("bad"))[0].errors, undefined);
  });

  await t.test("a reboot brings packages anew, and a package that is gone is missed then", async () => {
    const before = installs(quern, "tool-box-2.0");
    await reboot(user, "bad", "idle");
    assert.equal(installs(quern, "tool-box-2.0"), before + 1);
    await shelf.remove("tool-box", "2.0");
    const [{ id }] = await user.nodes("bad");
    await user.ok("POST", `/pools/bad/nodes/${id}/reboot`, {});
    const { errors } = await user.seen(`/pools/bad/nodes/${id}`, (node) => node.state === "unusable");
    assert.match(errors[0].errorDetails[1].value, /does not exist/);
  });

  const resources = "/subscriptions/{sub}/resourceGroups/{rg}/providers";
  const account = `${resources}/Microsoft.Batch/batchAccounts/${quern.ready.account}`;
  const arm = async (method: string, path: string, properties: object, more: object = {}): Promise<any> => {
    const answer = await armRequest(quern, { method, path, body: { properties, ...more } });
    assert.ok(answer.status < 300, `${path}: ${answer.text}`);
    return answer.json;
  };

  await t.test("a pool of the management plane names them by their resource ids", async () => {
    const { id } = (await armRequest(quern, { method: "GET", path: `${account}/applications/tool-box` })).json;
    const { nodeAgentSKUId: nodeAgentSkuId, imageReference } = hostImage;
    const poolOf = (version?: string) => ({
      vmSize: "standard_d2_v3",
      deploymentConfiguration: { virtualMachineConfiguration: { nodeAgentSkuId, imageReference } },
      scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
      applicationPackages: [{ id, version }],
      startTask: { commandLine: sh(`"$AZ_BATCH_APP_PACKAGE_tool_box/bin/tool"`), waitForSuccess: true },
    });
    const refused = await armRequest(quern, { method: "PUT", path: `${account}/pools/arm`, body: { properties: poolOf("9") } });
    assert.deepEqual([refused.status, refused.json.error.code], [409, "InvalidApplicationPackageReferences"], refused.text);
    await arm("PUT", `${account}/pools/arm`, poolOf());
    await until(
      () => user.nodes("arm"),
      ([node]) => node?.state === "idle",
    );
    assert.equal(await started(user, "arm"), "one\n");
  });

  await t.test("they lie in whatever storage account is the account's own", async () => {
    const storage = `${resources}/Microsoft.Storage/storageAccounts/packagestore1`;
    const { id } = await arm("PUT", storage, {}, { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
    await arm("PATCH", account, { autoStorage: { storageAccountId: id } });
    await shelf.add("elsewhere", "1", tool("from elsewhere"));
    await user.task("own", "elsewhere", sh(`"$AZ_BATCH_APP_PACKAGE_elsewhere_1/bin/tool"`), {
      applicationPackageReferences: [of("elsewhere", "1")],
    });
    await user.taskIs("own", "elsewhere");
    assert.equal(await user.file("own", "elsewhere", "stdout.txt"), "from elsewhere\n");
    await reboot(user, "arm", "idle"); // whose package lies where it was made
    assert.equal(await started(user, "arm"), "one\n");
  });

  await t.test("no signature is left in a log", () => {
    assert.doesNotMatch(log(quern) + quern.errors(), /sig=/);
  });
});

test("packages outlive a server that is killed", { timeout: 120_000 }, async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { location });
  const user = batchUser(quern);
  const shelf = packageShelf(quern);
  await shelf.add("tool", "1", tool("one"));
  const applicationPackageReferences = [{ applicationId: "tool", version: "1" }];
  await user.pool("p", { applicationPackageReferences });
  await user.job("j", "p");
  await user.task(
    "j",
    "long",
    sh(`while [ ! -e "$AZ_BATCH_NODE_SHARED_DIR/go" ]; do sleep 0.05; done; "$AZ_BATCH_APP_PACKAGE_tool_1/bin/tool"`),
  );
  await user.taskIs("j", "long", "running");
  await user.task("j", "queued", sh(`"$AZ_BATCH_APP_PACKAGE_tool_1/bin/tool"`), { applicationPackageReferences });
  await quern.kill();
  const again = await startQuern(t, { location });
  const after = batchUser(again);
  await after.task("j", "opens", "/bin/true");
  const [{ id }] = await after.nodes("p");
  writeFileSync(join(location, "agent/nodes", id, "shared/go"), "");
  for (const task of ["long", "queued"]) {
    assert.equal((await after.taskIs("j", task)).executionInfo.exitCode, 0, task);
    assert.equal(await after.file("j", task, "stdout.txt"), "one\n");
  }
  assert.equal(installs(again, "tool-1"), 1);
  await until(
    () => after.nodes("p"),
    ([node]) => node.state === "idle",
  );
});
