// What the rest of the operations on nodes do, from outside: nodes made anew, deallocated and started; users; where one logs in;
// extensions; and the logs of the service, uploaded to the embedded storage.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { batchUser, hostImage, isAlive, sh } from "../support/batch-user.ts";
import { newContainer } from "../support/containers.ts";
import { startQuern, until } from "../support/quern.ts";

test("node operations", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  const user = batchUser(quern);
  const started = async (job: string): Promise<{ pid: number; directory: string }> => {
    const [pid, directory] = (await user.fileSays(job, "t", "stdout.txt", /^\d+ \/.*\n/)).trim().split(" ");
    await user.taskIs(job, "t", "running");
    return { pid: Number(pid), directory: directory! };
  };
  const dead = (pid: number): Promise<boolean> =>
    until(
      async () => isAlive(pid),
      (alive) => !alive,
    );
  const nodeOf = async (pool: string): Promise<string> => `/pools/${pool}/nodes/${(await user.nodes(pool))[0].id}`;
  const nodeIs = (path: string, state: string): Promise<any> => user.seen(path, (view: any) => view.state === state);
  /** A pool of one node with one running task of a job of the same name, which has left a file where tasks share files. */
  const busy = async (name: string): Promise<{ node: string; pid: number; directory: string }> => {
    await user.pool(name, { startTask: { commandLine: sh("echo boot >>$AZ_BATCH_NODE_SHARED_DIR/boots") } });
    await user.job(name, name);
    await user.task(name, "t", sh("echo $$ $PWD; sleep 60"));
    return { node: await nodeOf(name), ...(await started(name)) };
  };
  const older = { version: "2022-10-01.16.0" };

  await t.test("reimage empties the node, runs the start task again and requeues the tasks", async () => {
    const { node, pid } = await busy("anew");
    await user.ok("POST", `${node}/reboot`);
    await dead(pid);
    const again = await started("anew");
    assert.equal((await user.ok("GET", `${node}/files/shared/boots`)).text, "boot\nboot\n");
    assert.equal((await user.ok("POST", `${node}/reimage`, { nodeReimageOption: "terminate" })).status, 202);
    assert.notEqual((await user.get(node)).state, "running");
    assert.equal((await user.taskIs("anew", "t")).executionInfo.failureInfo.code, "TaskEnded");
    await dead(again.pid);
    await nodeIs(node, "idle");
    assert.equal((await user.ok("GET", `${node}/files/shared/boots`)).text, "boot\n");
    const names = (await user.get(`${node}/files?recursive=true`)).value.map((file: any) => file.name);
    assert.deepEqual(
      names.filter((name: string) => name.startsWith("workitems/")),
      [],
    );
    const refused = await user.raw({ method: "POST", path: `${node}/reimage`, ...older });
    assert.deepEqual([refused.status, refused.json.code], [409, "OperationNotValidOnNode"]);
    assert.match(refused.json.values[0].value, /^Operation reimage can be invoked only on pools created with cloudServiceConfiguration$/);
  });

  await t.test("deallocate removes processes and files and keeps the node; start brings it back", async () => {
    const { node, pid, directory } = await busy("rest");
    await user.ok("POST", `${node}/users`, { name: "ann", password: "s3cret-of-ann" });
    await user.refused(409, "OperationNotValidOnNode", "POST", `${node}/start`);
    assert.equal((await user.ok("POST", `${node}/deallocate`)).status, 202);
    assert.ok(["deallocating", "deallocated"].includes((await user.get(node)).state));
    const view = await nodeIs(node, "deallocated");
    await dead(pid);
    assert.throws(() => readFileSync(join(directory, "../stdout.txt")), { code: "ENOENT" });
    assert.deepEqual([view.runningTasksCount, view.startTaskInfo, view.lastBootTime], [0, undefined, undefined]);
    const pool = await user.get("/pools/rest");
    assert.deepEqual([pool.currentDedicatedNodes, pool.allocationState], [1, "steady"]);
    const counts = (await user.get("/nodecounts?$filter=poolId%20eq%20'rest'")).value[0].dedicated;
    assert.deepEqual([counts.deallocated, counts.total], [1, 1]);
    const task = await user.get("/jobs/rest/tasks/t");
    assert.deepEqual([task.state, task.executionInfo.requeueCount], ["active", 1]);
    assert.deepEqual(await user.why("jobId=rest&taskId=t"), ["NoUsableNodes"]);
    for (const action of ["reboot", "reimage", "deallocate", "disablescheduling"])
      await user.refused(409, "OperationNotValidOnNode", "POST", `${node}/${action}`);
    await user.refused(409, "NodeNotReady", "GET", `${node}/files`);
    // A version that does not know the state is told the nearest one it knows.
    assert.equal((await user.raw({ method: "GET", path: node, ...older })).json.state, "offline");
    assert.equal((await user.ok("POST", `${node}/start`)).status, 202);
    assert.notEqual((await user.get(node)).state, "deallocated");
    await started("rest");
    assert.equal((await user.ok("GET", `${node}/files/shared/boots`)).text, "boot\n");
    assert.equal((await user.get(node)).allocationTime, view.allocationTime);
    await user.refused(404, "NodeUserNotFound", "DELETE", `${node}/users/ann`);
    await user.ok("DELETE", "/jobs/rest");
  });

  await t.test("nodes of a busy pool stop and start together, many times", async () => {
    await user.pool("churn", { targetDedicatedNodes: 3 });
    await user.job("churn", "churn");
    for (let n = 0; n < 30; n++) await user.task("churn", `t${n}`, sh("sleep 0.1"));
    const stopAndStart = async ({ id }: { id: string }): Promise<void> => {
      const node = `/pools/churn/nodes/${id}`;
      for (let n = 0; n < 15; n++) {
        await user.ok("POST", `${node}/deallocate`);
        await nodeIs(node, "deallocated");
        await user.ok("POST", `${node}/start`);
        await user.seen(node, ({ state }: any) => state === "idle" || state === "running");
      }
    };
    await Promise.all((await user.nodes("churn")).map(stopAndStart));
    await user.seen("/jobs/churn/taskcounts", ({ taskCounts }: any) => taskCounts.succeeded === 30);
    await user.ok("DELETE", "/pools/churn");
  });

  await t.test("users are added, changed and removed, and their passwords are nowhere", async () => {
    const node = await nodeOf("anew");
    const secret = "very-S3cret-password";
    const added = await user.ok("POST", `${node}/users`, {
      name: "Bob",
      isAdmin: true,
      password: secret,
      expiryTime: "2017-08-01T00:00:00Z",
    });
    assert.equal(added.status, 201);
    assert.equal(added.headers.location, `${quern.ready.batchUrl}${node}/users/Bob`);
    await user.refused(409, "NodeUserExists", "POST", `${node}/users`, { name: "bob" });
    assert.equal((await user.ok("PUT", `${node}/users/bob`, { sshPublicKey: "ssh-ed25519 AAAAC3Nz bob@host\n" })).status, 200);
    await user.ok("PUT", `${node}/users/bob`, { password: `${secret}2` });
    await user.refused(404, "NodeUserNotFound", "PUT", `${node}/users/carol`, { password: "x" });
    for (const file of ["quern.db", "quern.db-wal", "agent/agent.log"])
      assert.ok(!readFileSync(join(quern.location, file)).includes(secret), `${file} has the password`);
    assert.equal((await user.ok("DELETE", `${node}/users/BOB`)).status, 200);
    await user.refused(404, "NodeUserNotFound", "DELETE", `${node}/users/bob`);
  });

  await t.test("one logs in at the endpoint that the pool declares, or in older versions at the service's own", async () => {
    const inboundNATPools = [{ name: "ssh", protocol: "tcp", backendPort: 22, frontendPortRangeStart: 15000, frontendPortRangeEnd: 15100 }];
    await user.pool("login", { networkConfiguration: { endpointConfiguration: { inboundNATPools } } });
    const node = await nodeOf("login");
    const settings = await user.ok("GET", `${node}/remoteloginsettings`);
    const { inboundEndpoints } = (await user.get(node)).endpointConfiguration;
    assert.deepEqual(
      [settings.json.remoteLoginIPAddress, settings.json.remoteLoginPort],
      [inboundEndpoints[0].publicIPAddress, inboundEndpoints[0].frontendPort],
    );
    assert.equal(settings.headers.dataserviceid, `${quern.ready.batchUrl}${node}/remoteloginsettings`);
    const plain = await nodeOf("anew");
    await user.refused(409, "OperationNotValidOnNode", "GET", `${plain}/remoteloginsettings`);
    const { json } = await user.raw({ method: "GET", path: `${plain}/remoteloginsettings`, ...older });
    assert.deepEqual([json.remoteLoginIPAddress, json.remoteLoginPort], ["10.0.0.4", 50000]);
    const rdp = await user.raw({ method: "GET", path: `${plain}/rdp`, ...older });
    assert.deepEqual([rdp.status, rdp.json.code], [409, "OperationNotValidOnNode"]);
    assert.equal((await user.raw({ method: "GET", path: `${plain}/rdp` })).status, 404);
  });

  await t.test("extensions are listed as the pool declares them, without what is secret", async () => {
    const extensions = ["one", "two", "three"].map((name) => ({
      name,
      publisher: "Microsoft.Azure.KeyVault",
      type: "KeyVaultForLinux",
      settings: { a: 1 },
      protectedSettings: { key: "hidden" },
    }));
    await user.pool("extended", { virtualMachineConfiguration: { ...hostImage, extensions } });
    const node = await nodeOf("extended");
    const list = await user.ok("GET", `${node}/extensions?maxresults=2`);
    assert.deepEqual(
      list.json.value.map((one: any) => [one.vmExtension.name, one.provisioningState]),
      [
        ["one", "Succeeded"],
        ["two", "Succeeded"],
      ],
    );
    assert.ok(!list.text.includes("hidden"));
    const next = new URL(list.json["odata.nextLink"]);
    assert.deepEqual(
      (await user.get(next.pathname + next.search)).value.map((one: any) => one.vmExtension.name),
      ["three"],
    );
    const one = await user.get(`${node}/extensions/two?$select=instanceView`);
    assert.deepEqual([one.vmExtension, one.instanceView.name, one.instanceView.statuses[0].level], [undefined, "two", "Info"]);
    await user.refused(404, "ResourceNotFound", "GET", `${node}/extensions/four`);
  });

  await t.test("logs of the time asked for are uploaded, about this node only and without secrets", async () => {
    const node = await nodeOf("extended");
    const id = node.split("/").at(-1)!;
    const container = await newContainer(quern, "logs");
    await user.job("extended", "extended");
    await user.task("extended", "t", sh("echo hello"), { environmentSettings: [{ name: "TOKEN", value: "hidden-value" }] });
    await user.taskIs("extended", "t");
    const containerUrl = await container.url("w");
    const path = `${node}/uploadbatchservicelogs`;
    const answer = await user.ok("POST", path, { containerUrl, startTime: "2020-01-01T00:00:00Z" });
    const { virtualDirectoryName, numberOfFilesUploaded } = answer.json;
    assert.match(virtualDirectoryName, new RegExp(`^${quern.ready.account}-[0-9A-F]{16}/extended/${id}/[0-9a-f-]{36}$`));
    assert.ok(numberOfFilesUploaded >= 3, `${numberOfFilesUploaded} files`);
    const names = await until(
      () => container.names(),
      (found) => found.length === numberOfFilesUploaded,
    );
    assert.ok(names.every((name) => name.startsWith(`${virtualDirectoryName}/`)));
    const texts = await Promise.all(names.map((name) => container.text(name)));
    const all = texts.join("\n");
    assert.match(all, /agent runs/);
    assert.match(all, /"taskId":"t"/);
    const others = (await Promise.all(["anew", "login"].map((pool) => user.nodes(pool)))).flat();
    for (const secret of ["hidden-value", "sig=", ...others.map((other) => other.id)]) assert.ok(!all.includes(secret), secret);
    const later = await user.ok("POST", path, { containerUrl, startTime: "2090-01-01T00:00:00Z" });
    assert.equal(later.json.numberOfFilesUploaded, 0);
    const url = await user.refused(400, "InvalidPropertyValue", "POST", path, {
      containerUrl: "ftp://x/y?sig=abc",
      startTime: "2020-01-01T00:00:00Z",
    });
    assert.ok(!url.text.includes("sig=abc"));
    await user.refused(400, "InvalidPropertyValue", "POST", path, {
      containerUrl: "http://169.254.169.254/c",
      startTime: "2020-01-01T00:00:00Z",
    });
    const backwards = { containerUrl, startTime: "2020-01-02T00:00:00Z", endTime: "2020-01-01T00:00:00Z" };
    await user.refused(400, "InvalidPropertyValue", "POST", path, backwards);
    const identity = { containerUrl, startTime: "2020-01-01T00:00:00Z", identityReference: { resourceId: "/x" } };
    await user.refused(400, "InvalidPropertyValue", "POST", path, identity);
    await user.refused(400, "MissingRequiredProperty", "POST", path, { containerUrl });
  });
});
