// Two accounts on one server: the same ids, and neither sees, changes or names anything of the other's.
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { BlobServiceClient } from "@azure/storage-blob";
import { embeddedAccount } from "../../src/storage/connection-string.ts";
import { startQuern, until } from "../support/quern.ts";
import { type Answer, type RawRequest, signedRequest } from "../support/signed.ts";

const key = (name: string): string => Buffer.from(`the key of ${name}, long enough`).toString("base64");
const names = ["alice", "bobby"] as const;
type Name = (typeof names)[number];

const pool = {
  id: "p",
  vmSize: "standard_d2_v3",
  targetDedicatedNodes: 1,
  virtualMachineConfiguration: {
    imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
    nodeAgentSKUId: "batch.node.ubuntu 22.04",
  },
};

test("accounts do not reach each other", async (t) => {
  const args = ["--storage", "none", ...names.flatMap((name) => ["--account", `${name}:${key(name)}`])];
  const quern = await startQuern(t, { args });
  const { batchUrl } = quern.ready;
  const as = (name: Name, request: RawRequest): Promise<Answer> => signedRequest({ batchUrl, account: name, key: key(name) }, request);
  const get = async (name: Name, path: string) => (await as(name, { method: "GET", path })).json;
  const ok = async (name: Name, method: string, path: string, body?: object): Promise<void> => {
    const answer = await as(name, { method, path, body });
    assert.ok(answer.status < 300, `${name} ${method} ${path}: ${answer.status} ${answer.text}`);
  };
  const idsOf = async (name: Name, path: string): Promise<string[]> => (await get(name, path)).value.map(({ id }: { id: string }) => id);

  for (const name of names) {
    await ok(name, "POST", "/pools", pool);
    await ok(name, "POST", "/jobs", { id: "j", poolInfo: { poolId: "p" } });
    await ok(name, "POST", "/jobs/j/tasks", {
      id: "t",
      commandLine: `/bin/sh -c 'echo of ${name}; echo $AZ_BATCH_ACCOUNT_NAME > own.txt'`,
    });
  }
  await ok("alice", "POST", "/pools", { ...pool, id: "only-alice", targetDedicatedNodes: 0 });
  await ok("alice", "POST", "/jobs", { id: "only-alice", poolInfo: { poolId: "p" } });
  await ok("alice", "POST", "/jobs/j/tasks", { id: "only-alice", commandLine: "/bin/true" });
  for (const name of names) {
    for (const task of name === "alice" ? ["t", "only-alice"] : ["t"]) {
      await until(
        () => get(name, `/jobs/j/tasks/${task}`),
        ({ state }) => state === "completed",
      );
    }
  }
  const nodes = { alice: await idsOf("alice", "/pools/p/nodes"), bobby: await idsOf("bobby", "/pools/p/nodes") };

  await t.test("lists hold what is one's own", async () => {
    assert.deepEqual(await idsOf("alice", "/pools"), ["only-alice", "p"]);
    assert.deepEqual(await idsOf("bobby", "/pools"), ["p"]);
    assert.deepEqual(await idsOf("bobby", "/jobs"), ["j"]);
    assert.deepEqual(await idsOf("bobby", "/jobs/j/tasks"), ["t"]);
    assert.equal(nodes.alice.length, 1);
    assert.equal(nodes.bobby.length, 1);
    assert.notEqual(nodes.alice[0], nodes.bobby[0]);
    assert.deepEqual(
      (await get("bobby", "/nodecounts")).value.map(({ poolId }: { poolId: string }) => poolId),
      ["p"],
    );
    assert.equal((await get("bobby", "/jobs/j/taskcounts")).taskCounts.completed, 1);
    assert.equal((await get("alice", "/jobs/j/taskcounts")).taskCounts.completed, 2);
    // What another account's list gave as its continuation finds nothing of it either.
    const token = Buffer.from("only").toString("base64url");
    assert.deepEqual(await idsOf("bobby", `/pools?$skiptoken=${token}`), ["p"]);
  });

  await t.test("files are those of one's own task, under the same ids", async () => {
    for (const name of names) {
      const path = "/jobs/j/tasks/t/files";
      assert.equal((await as(name, { method: "GET", path: `${path}/stdout.txt` })).text, `of ${name}\n`);
      assert.equal((await as(name, { method: "GET", path: `${path}/wd/own.txt` })).text, `${name}\n`);
      const onNode = `/pools/p/nodes/${nodes[name][0]}/files`;
      assert.equal((await as(name, { method: "GET", path: `${onNode}/workitems/j/job-1/t/stdout.txt` })).text, `of ${name}\n`);
      const other = name === "alice" ? "bobby" : "alice";
      for (const way of [`../${nodes[other][0]}/workitems/j/job-1/t/stdout.txt`, "../../agent-id", "/etc/passwd", "workitems/../../../x"]) {
        for (const spelt of [way, encodeURIComponent(way), way.replaceAll("/", "%5C")]) {
          const answer = await as(name, { method: "GET", path: `${onNode}/${spelt}` });
          assert.ok(answer.status === 404 || answer.status === 400, `${spelt}: ${answer.status} ${answer.text}`);
        }
      }
    }
  });

  await t.test("what only the other has does not exist, whatever is asked of it", async () => {
    const [node] = nodes.alice;
    const rows: [method: string, path: string, body: object | undefined, code: string][] = [
      ["GET", "/pools/only-alice", undefined, "PoolNotFound"],
      ["PATCH", "/pools/only-alice", { metadata: [] }, "PoolNotFound"],
      ["POST", "/pools/only-alice/resize", { targetDedicatedNodes: 1 }, "PoolNotFound"],
      ["DELETE", "/pools/only-alice", undefined, "PoolNotFound"],
      ["GET", `/pools/p/nodes/${node}`, undefined, "NodeNotFound"],
      ["POST", `/pools/p/nodes/${node}/reboot`, undefined, "NodeNotFound"],
      ["POST", `/pools/p/nodes/${node}/disablescheduling`, undefined, "NodeNotFound"],
      ["POST", "/pools/p/removenodes", { nodeList: [node] }, "NodeNotFound"],
      ["GET", `/pools/p/nodes/${node}/files`, undefined, "NodeNotFound"],
      ["GET", `/pools/p/nodes/${node}/files/workitems/j/job-1/t/stdout.txt`, undefined, "NodeNotFound"],
      ["DELETE", `/pools/p/nodes/${node}/files/workitems?recursive=true`, undefined, "NodeNotFound"],
      ["GET", "/jobs/only-alice", undefined, "JobNotFound"],
      ["POST", "/jobs/only-alice/terminate", {}, "JobNotFound"],
      ["POST", "/jobs/only-alice/tasks", { id: "x", commandLine: "/bin/true" }, "JobNotFound"],
      ["DELETE", "/jobs/only-alice", undefined, "JobNotFound"],
      ["GET", "/jobs/j/tasks/only-alice", undefined, "TaskNotFound"],
      ["POST", "/jobs/j/tasks/only-alice/terminate", undefined, "TaskNotFound"],
      ["POST", "/jobs/j/tasks/only-alice/reactivate", undefined, "TaskNotFound"],
      ["GET", "/jobs/j/tasks/only-alice/files", undefined, "TaskNotFound"],
      ["DELETE", "/jobs/j/tasks/only-alice", undefined, "TaskNotFound"],
    ];
    for (const [method, path, body, code] of rows) {
      const answer = await as("bobby", { method, path, body });
      assert.equal(answer.json?.code, code, `${method} ${path}: ${answer.status} ${answer.text}`);
      assert.ok(answer.status === 404 || answer.status === 409, `${method} ${path}: ${answer.status}`);
    }
    const why = await as("bobby", { method: "GET", path: "/_quern/why?jobId=only-alice", version: null });
    assert.equal(why.json.code, "JobNotFound");
  });

  await t.test("one account's key does not sign for the other", async () => {
    const forged = await signedRequest({ batchUrl, account: "alice", key: key("bobby") }, { method: "GET", path: "/pools" });
    assert.equal(forged.status, 403);
    assert.equal(forged.json.code, "AuthenticationFailed");
    assert.doesNotMatch(forged.text, new RegExp(key("alice").slice(0, 20)));
  });

  await t.test("what one deletes, the other keeps", async () => {
    await ok("bobby", "DELETE", "/jobs/j/tasks/t");
    await ok("bobby", "DELETE", "/jobs/j");
    await ok("bobby", "DELETE", "/pools/p");
    await until(
      async () => (await as("bobby", { method: "GET", path: "/pools/p" })).status,
      (status) => status === 404,
    );
    assert.deepEqual(await idsOf("alice", "/pools/p/nodes"), nodes.alice);
    assert.equal((await as("alice", { method: "GET", path: "/jobs/j/tasks/t/files/stdout.txt" })).text, "of alice\n");
    assert.deepEqual(await idsOf("alice", "/jobs"), ["j", "only-alice"]);
  });

  await t.test("the agents' entrances are closed to everybody else, and answer", async () => {
    for (const path of ["/_quern/agent/transfers/x", "/_QUERN/agent/transfers/x", "//_quern/agent/transfers/x"]) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const { hostname, port } = new URL(batchUrl);
        const request = httpRequest({ hostname, port, method: "POST", path, agent: false }, (response) => resolve(response.statusCode));
        request.on("error", reject);
        request.end("bytes");
      });
      assert.ok(status === 401 || status === 404, `${path}: ${status}`);
    }
  });
});

test("with the published key a name that is not the server's own is refused, signed or not", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { port } = new URL(quern.ready.batchUrl);
  const statusFor = async (host: string): Promise<number> => (await quern.raw({ method: "GET", path: "/pools", headers: { host } })).status;
  assert.equal(await statusFor(`rebound.example.org:${port}`), 400);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) assert.equal(await statusFor(host), 200, host);
});

test("beyond loopback the embedded storage has a key of its own", async (t) => {
  const quern = await startQuern(t, { args: ["--host", "0.0.0.0", "--account", `alice:${key("alice")}`] });
  const url = quern.ready.batchUrl.replace("0.0.0.0", "127.0.0.1");
  const connectionString = quern.ready.storage!.connectionString.replaceAll("0.0.0.0", "127.0.0.1");
  const own = BlobServiceClient.fromConnectionString(connectionString);
  await own.createContainer("mine");
  const published = connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${embeddedAccount.key}`);
  await assert.rejects(BlobServiceClient.fromConnectionString(published).createContainer("theirs"), { statusCode: 403 });
  assert.equal((await signedRequest({ ...quern.ready, batchUrl: url }, { method: "GET", path: "/pools" })).status, 200);
});
