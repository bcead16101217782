// Resource files: what tasks and start tasks are given before they run, what they are told when it cannot be had, and where no URL and no
// path may lead. The files come from the embedded storage and from a small server of the test's own.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { batchUser, sh, type User } from "../support/batch-user.ts";
import { newContainer } from "../support/containers.ts";
import { newLocation, startQuern } from "../support/quern.ts";

/** A server on every local address that counts what it is asked. */
const aServer = async (t: TestContext, answer: RequestListener): Promise<{ port: number; asked: string[] }> => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.listen(0, "::");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
};

/** Runs a task with these resource files and gives its view when it has ended. */
const runner =
  (user: User, job: string) =>
  async (id: string, resourceFiles: object[], commandLine = "/bin/true", settings: object = {}): Promise<any> => {
    await user.task(job, id, commandLine, { resourceFiles, ...settings });
    return (await user.taskIs(job, id)).executionInfo;
  };

test("resource files", { timeout: 90_000 }, async (t) => {
  const quern = await startQuern(t);
  const user = batchUser(quern);
  const run = runner(user, "j");
  await user.pool("p");
  await user.job("j", "p");
  const input = await newContainer(quern, "input", {
    "one.txt": "one\n",
    "data/a.txt": "a\n",
    "data/deep/b c%.txt": "b\n",
    "database.txt": "not data/\n",
    "big.bin": "x".repeat(5_000_000),
    "empty.txt": "",
    "..\\evil.txt": "evil",
  });
  const readable = await input.url("rl");
  const failedWith = (info: any, code: string, message = /./): void => {
    assert.deepEqual([info.result, info.failureInfo?.code, info.exitCode, info.retryCount], ["failure", code, undefined, 0]);
    const text = JSON.stringify(info.failureInfo);
    assert.match(text, message);
    assert.doesNotMatch(text, /sig=|\?/);
  };

  await t.test("httpUrl with directories in filePath, a mode, and an empty file", async () => {
    const one = await input.blobUrl("one.txt");
    const files = [
      { httpUrl: one, filePath: "one.txt" },
      { httpUrl: one, filePath: "some/where/script.sh", fileMode: "0755" },
      { httpUrl: await input.blobUrl("big.bin"), filePath: "big.bin", fileMode: "600" },
      { httpUrl: await input.blobUrl("empty.txt"), filePath: "./empty.txt" },
    ];
    const info = await run("http", files, sh('find . -type f -printf "%P %m %s\\n" | sort; cat one.txt'));
    assert.equal(info.exitCode, 0);
    assert.equal(
      await user.file("j", "http", "stdout.txt"),
      "big.bin 600 5000000\nempty.txt 770 0\none.txt 770 4\nsome/where/script.sh 755 4\none\n",
    );
  });

  await t.test("storageContainerUrl with blobPrefix and filePath keeps the blobs' paths", async () => {
    const files = [
      { storageContainerUrl: readable, blobPrefix: "data/" },
      { storageContainerUrl: readable, blobPrefix: "data", filePath: "below/this", fileMode: "0700" },
    ];
    const info = await run("container", files, sh('find . -type f -printf "%P %m\\n" | sort'));
    assert.equal(info.exitCode, 0);
    const wanted = ["below/this/data/a.txt 700", "below/this/data/deep/b c%.txt 700", "below/this/database.txt 700"];
    assert.equal(await user.file("j", "container", "stdout.txt"), [...wanted, "data/a.txt 770", "data/deep/b c%.txt 770", ""].join("\n"));
    assert.equal((await run("no-blobs", [{ storageContainerUrl: readable, blobPrefix: "nothing-begins-so" }])).exitCode, 0);
  });

  await t.test("what cannot be had ends the task before it runs", async () => {
    const mark = sh("touch $AZ_BATCH_NODE_SHARED_DIR/ran");
    const retries = { constraints: { maxTaskRetryCount: 3 } };
    failedWith(await run("missing", [{ httpUrl: await input.blobUrl("none"), filePath: "x" }], mark, retries), "BlobNotFound", /x/);
    const [unsigned] = (await input.blobUrl("one.txt")).split("?");
    assert.match((await run("unsigned", [{ httpUrl: unsigned, filePath: "x" }], mark)).failureInfo.code, /^Blob(AccessDenied|NotFound)$/);
    const expired = await input.url("rl", -60);
    failedWith(await run("expired", [{ storageContainerUrl: expired }], mark), "ResourceContainerAccessDenied");
    const { search } = new URL(expired);
    failedWith(await run("expired-blob", [{ httpUrl: unsigned + search, filePath: "x" }], mark), "BlobAccessDenied");
    failedWith(await run("no-list", [{ storageContainerUrl: await input.url("r") }], mark), "ResourceContainerAccessDenied");
    const view = await user.get("/jobs/j/tasks/missing");
    assert.ok(view.executionInfo.startTime !== undefined && view.nodeInfo.nodeId !== undefined);
    assert.deepEqual(
      (await user.get("/jobs/j/tasks/missing/files")).value.map((file: any) => file.name),
      ["wd"],
    );
    const [node] = await user.nodes("p");
    assert.deepEqual(
      (await user.get(`/pools/p/nodes/${node.id}/files?recursive=true&$filter=${encodeURIComponent("startswith(name,'shared/')")}`)).value,
      [],
    );
  });

  await t.test("URLs to loopback and private space are refused in every spelling, before anything is asked", async () => {
    const server = await aServer(t, (_, response) => response.end("secret"));
    const hosts = [
      "127.0.0.1",
      "localhost",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "127.1",
      "[::1]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "0.0.0.0",
      "[::]",
    ];
    const more = ["http://169.254.169.254/metadata/instance", "http://10.0.0.1/x", "http://[fd00::1]/x", "http://[64:ff9b::7f00:1]/x"];
    const urls = [...hosts.map((host) => `http://${host}:${server.port}/x`), ...more];
    await Promise.all(
      urls.map(async (httpUrl, n) => {
        const info = await run(`private${n}`, [{ httpUrl, filePath: "x" }]);
        assert.equal(info.failureInfo?.code, "BlobAccessDenied", httpUrl);
        const container = await run(`private-container${n}`, [{ storageContainerUrl: httpUrl }]);
        assert.equal(container.failureInfo?.code, "ResourceContainerAccessDenied", httpUrl);
      }),
    );
    assert.deepEqual(server.asked, []);
  });

  await t.test("paths out of the working directory are refused", async () => {
    const httpUrl = await input.blobUrl("one.txt");
    for (const filePath of ["../x", "a/../../x", "/tmp/x", "..\\x", "a\0b"]) {
      const answer = await user.raw({
        method: "POST",
        path: "/jobs/j/tasks",
        body: { id: "out", commandLine: "/bin/true", resourceFiles: [{ httpUrl, filePath }] },
      });
      assert.deepEqual([answer.status, answer.json.code], [400, "InvalidPropertyValue"], filePath);
    }
    failedWith(await run("evil-blob", [{ storageContainerUrl: readable, blobPrefix: ".." }]), "ResourceFileCreateFailed");
  });

  await t.test("no link that an earlier run has left is written through", async () => {
    const outside = await newLocation(t);
    const trick = sh(`[ -e again ] && exit 0; touch again; rm -rf dir file; ln -s ${outside} dir; ln -s ${outside}/file file; exit 1`);
    const httpUrl = await input.blobUrl("one.txt");
    const info = await run("trick", [{ httpUrl, filePath: "dir/inner.txt" }], trick, { constraints: { maxTaskRetryCount: 1 } });
    assert.deepEqual([info.failureInfo.code, info.retryCount], ["ResourceDirectoryCreateFailed", 1]);
    const second = await run("trick2", [{ httpUrl, filePath: "file" }], trick, { constraints: { maxTaskRetryCount: 1 } });
    assert.deepEqual([second.exitCode, second.retryCount], [0, 1], "the link itself is replaced");
    assert.deepEqual(readdirSync(join(outside)), []);
  });

  await t.test("a start task has resource files, too", async () => {
    const startTask = {
      commandLine: "/bin/cat in.txt",
      resourceFiles: [{ httpUrl: await input.blobUrl("one.txt"), filePath: "in.txt" }],
      maxTaskRetryCount: 2,
    };
    await user.pool("start", { startTask });
    const [node] = await user.nodes("start");
    assert.equal((await user.ok("GET", `/pools/start/nodes/${node.id}/files/startup/stdout.txt`)).text, "one\n");
    const bad = { ...startTask, resourceFiles: [{ httpUrl: await input.blobUrl("none"), filePath: "in.txt" }] };
    await user.pool("bad-start", { startTask: bad }, "starttaskfailed");
    const { startTaskInfo } = (await user.nodes("bad-start"))[0];
    assert.deepEqual([startTaskInfo.failureInfo.code, startTaskInfo.retryCount], ["BlobNotFound", 0]);
  });

  await t.test("a task can be terminated and deleted while its files are coming", async () => {
    const slow = await aServer(t, (_, response) => response.writeHead(200, { "content-length": "1000000" }).write("begun"));
    const open = await startQuern(t, { args: ["--storage", "none", "--allow-private-urls"] });
    const other = batchUser(open);
    await other.pool("p");
    await other.job("j", "p");
    const resourceFiles = [{ httpUrl: `http://127.0.0.1:${slow.port}/slow`, filePath: "slow" }];
    for (const verb of ["terminate", "delete"]) {
      await other.task("j", verb, "/bin/true", { resourceFiles });
      await other.taskIs("j", verb, "running");
      if (verb === "delete") await other.ok("DELETE", `/jobs/j/tasks/${verb}`);
      else await other.ok("POST", `/jobs/j/tasks/${verb}/terminate`);
    }
    assert.equal((await other.taskIs("j", "terminate")).executionInfo.failureInfo.code, "TaskEnded");
    await other.task("j", "next", "/bin/true");
    await other.taskIs("j", "next");
  });
});

test("resource files of a storage that stumbles and lies", { timeout: 60_000 }, async (t) => {
  const forbidden = await aServer(t, (_, response) => response.end("secret"));
  let stumbles = 0;
  const storage = await aServer(t, ({ url }, response) => {
    if (url === "/fake/c/stumbles") {
      stumbles += 1;
      if (stumbles < 3) response.writeHead(503).end();
      else response.end("at last");
    } else if (url === "/fake/c/breaks-off") {
      response.writeHead(200, { "content-length": "10" }).write("abc", () => response.destroy());
    } else if (url === "/fake/c/elsewhere") {
      response.writeHead(302, { location: `http://127.0.0.1:${forbidden.port}/secret` }).end();
    } else if (url === "/fake/c/mapped") {
      response.writeHead(307, { location: `http://[::ffff:127.0.0.1]:${forbidden.port}/secret` }).end();
    } else if (url === "/fake/c/here") {
      response.writeHead(302, { location: "/fake/c/there" }).end();
    } else if (url === "/fake/c/round") {
      response.writeHead(302, { location: "/fake/c/round" }).end();
    } else response.end("there");
  });
  const endpoint = `http://127.0.0.1:${storage.port}/fake`;
  const account = `DefaultEndpointsProtocol=http;AccountName=fake;AccountKey=${Buffer.from("a key of the test").toString("base64")};BlobEndpoint=${endpoint}`;
  const quern = await startQuern(t, { args: ["--storage", account] });
  const user = batchUser(quern);
  const run = runner(user, "j");
  await user.pool("p", { taskSlotsPerNode: 4 });
  await user.job("j", "p");
  const get = (blob: string): Promise<any> => run(blob, [{ httpUrl: `${endpoint}/c/${blob}`, filePath: "got" }], "/bin/cat got");

  await t.test("a download is tried again", async () => {
    assert.equal((await get("stumbles")).exitCode, 0);
    assert.equal(await user.file("j", "stumbles", "stdout.txt"), "at last");
    assert.equal(stumbles, 3);
  });
  await t.test("a redirect is followed within the policy only", async () => {
    const [here, elsewhere, mapped, round, broken] = await Promise.all(["here", "elsewhere", "mapped", "round", "breaks-off"].map(get));
    assert.equal(here.exitCode, 0);
    assert.equal(await user.file("j", "here", "stdout.txt"), "there");
    assert.deepEqual([elsewhere.failureInfo.code, mapped.failureInfo.code], ["BlobAccessDenied", "BlobAccessDenied"]);
    assert.deepEqual(forbidden.asked, []);
    assert.equal(round.failureInfo.code, "BlobDownloadMiscError");
    assert.equal(broken.failureInfo.code, "BlobDownloadMiscError");
  });
});
