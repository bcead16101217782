// Resource files and output files of real tasks against a real blob storage (Azurite).
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { type AgentWorld, anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";
import { type TestBlobs, testBlobs } from "../../tests/support/blobs.ts";
import type { OutputFileOrder, ResourceFileOrder, TaskOrder } from "../api/agent/messages.ts";

let blobs: TestBlobs;
before(async () => {
  blobs = await testBlobs();
});
after(() => blobs.close());

const aWorld = async (t: TestContext, storageHosts = [blobs.host]): Promise<AgentWorld> => {
  const world = await anAgentWorld(t, { welcome: { storageHosts } });
  await world.node();
  return world;
};

const run = async (world: AgentWorld, task: TaskOrder) => {
  world.start(task);
  return (await world.control.event("finished", sameTask(task))).outcome;
};

const wd = (world: AgentWorld, task: TaskOrder): string => world.inNode(`workitems/job1/job-1/${task.taskId}/wd`);

const withFiles = (...resourceFiles: ResourceFileOrder[]): TaskOrder => aTask("/bin/cat a.txt", { resourceFiles });

const blobOf = (containerUrl: string, name: string): string => {
  const url = new URL(containerUrl);
  url.pathname += `/${name}`;
  return url.href;
};

/** A web server of the test's own; gives its host:port. */
const serve = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test("resource files come from blobs, containers and prefixes, into directories, with their modes", async (t) => {
  const world = await aWorld(t);
  const { url } = await blobs.container("in1", {
    "a.txt": "hello",
    "data/x & y.txt": "1",
    "data/sub/z.txt": "2",
    "other/q.txt": "3",
    "é/ü.txt": "4",
  });
  const task = withFiles(
    { httpUrl: blobOf(url, "a.txt"), filePath: "a.txt" },
    { httpUrl: blobOf(url, "a.txt"), filePath: "deep/er/b.sh", fileMode: "0755" },
    { storageContainerUrl: url, blobPrefix: "data/", filePath: "all" },
    { storageContainerUrl: url, blobPrefix: "é" },
  );
  const outcome = await run(world, task);
  assert.equal(outcome.exitCode, 0, JSON.stringify(outcome));
  assert.equal(readFileSync(join(wd(world, task), "../stdout.txt"), "utf8"), "hello");
  assert.equal(statSync(join(wd(world, task), "a.txt")).mode & 0o7777, 0o770);
  assert.equal(statSync(join(wd(world, task), "deep/er/b.sh")).mode & 0o7777, 0o755);
  assert.deepEqual(readdirSync(wd(world, task), { recursive: true }).sort(), [
    "a.txt",
    "all",
    "all/data",
    "all/data/sub",
    "all/data/sub/z.txt",
    "all/data/x & y.txt",
    "deep",
    "deep/er",
    "deep/er/b.sh",
    "é",
    "é/ü.txt",
  ]); // prettier-ignore
});

test("a resource file that cannot be had fails the task before its run, and never shows the signature", async (t) => {
  const world = await aWorld(t);
  const { url } = await blobs.container("in2", { "a.txt": "hello" });
  const readOnly = (await blobs.container("in3", { "a.txt": "x" }, "r")).url;
  const unsigned = new URL(url);
  unsigned.search = "";
  const cases: [ResourceFileOrder, string][] = [
    [{ httpUrl: blobOf(url, "absent.txt"), filePath: "a.txt" }, "BlobNotFound"],
    [{ httpUrl: blobOf(url.replace(/sig=.{4}/, "sig=AAAA"), "a.txt"), filePath: "a.txt" }, "BlobAccessDenied"],
    [{ storageContainerUrl: readOnly }, "ResourceContainerAccessDenied"],
    [{ httpUrl: "http://169.254.169.254/latest/meta-data?token=secret", filePath: "a.txt" }, "BlobAccessDenied"],
    [{ httpUrl: "http://127.0.0.1:1/x?sig=secret", filePath: "a.txt" }, "BlobAccessDenied"],
    [{ httpUrl: blobOf(url, "a.txt"), filePath: "../../out.txt" }, "ResourceFileCreateFailed"],
    [{ httpUrl: blobOf(url, "a.txt"), filePath: "/tmp/quern-escape.txt" }, "ResourceFileCreateFailed"],
  ];
  for (const [file, code] of cases) {
    const task = withFiles(file);
    const outcome = await run(world, task);
    assert.equal(outcome.failure?.code, code, JSON.stringify(outcome));
    assert.equal(outcome.failedIn, "preProcessing");
    assert.equal(outcome.exitCode, undefined);
    assert.doesNotMatch(JSON.stringify(outcome), /sig=|secret/);
    assert.deepEqual(readdirSync(wd(world, task)), []);
  }
});

test("links that an earlier attempt left lead nowhere", async (t) => {
  const world = await aWorld(t);
  const { url } = await blobs.container("in4", { "a.txt": "hello" });
  const outside = join(world.directory, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "a.txt"), "mine");
  const first = withFiles({ httpUrl: blobOf(url, "a.txt"), filePath: "a.txt" });
  mkdirSync(wd(world, first), { recursive: true });
  symlinkSync(join(outside, "a.txt"), join(wd(world, first), "a.txt"));
  assert.equal((await run(world, first)).exitCode, 0);
  const second = withFiles({ httpUrl: blobOf(url, "a.txt"), filePath: "dir/new.txt" });
  mkdirSync(wd(world, second), { recursive: true });
  symlinkSync(outside, join(wd(world, second), "dir"));
  assert.equal((await run(world, second)).failure?.code, "ResourceDirectoryCreateFailed");
  assert.deepEqual(readdirSync(outside), ["a.txt"]);
  assert.equal(readFileSync(join(outside, "a.txt"), "utf8"), "mine");
});

test("a download that fails for a moment is tried again; a redirect to a private place is refused", async (t) => {
  let asked = 0;
  const host = await serve(t, (request, response) => {
    if (request.url === "/away") response.writeHead(302, { location: "http://127.0.0.1:1/secret" }).end();
    else if (++asked === 1) response.writeHead(503).end();
    else if (asked === 2) response.writeHead(200, { "content-length": "100" }).write("hel", () => response.destroy());
    else response.end("hello");
  });
  const world = await aWorld(t, [host]);
  const task = withFiles({ httpUrl: `http://${host}/a`, filePath: "a.txt" });
  assert.equal((await run(world, task)).exitCode, 0);
  assert.equal(asked, 3);
  assert.equal(readFileSync(join(wd(world, task), "a.txt"), "utf8"), "hello");
  const away = withFiles({ httpUrl: `http://${host}/away`, filePath: "a.txt" });
  assert.equal((await run(world, away)).failure?.code, "BlobAccessDenied");
});

test("a task that is stopped while its files come ends at once", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const host = await serve(t, () => arrived.resolve()); // never answers
  const world = await aWorld(t, [host]);
  const task = withFiles({ httpUrl: `http://${host}/a`, filePath: "a.txt" });
  world.start(task);
  await arrived.promise;
  world.control.send({ type: "stopTasks", tasks: [task.ref] });
  const stopped = await world.control.event("stopped", sameTask(task));
  assert.equal(stopped.reason, "asked");
  assert.equal(stopped.exitCode, undefined);
});

const writer = `/bin/sh -c 'mkdir -p out/deep; echo 1 > out/a.txt; echo 2 > out/deep/b.txt; echo 3 > out/.hidden.txt; echo 4 > out/c.log; echo said; exit $CODE'`;

const upload = async (name: string, code: number, files: Omit<OutputFileOrder, "containerUrl">[], world: AgentWorld) => {
  const { client, url } = await blobs.container(name);
  const outputFiles = files.map((file) => ({ ...file, containerUrl: url }));
  const task = aTask(writer, { outputFiles, environment: [{ name: "CODE", value: String(code) }] });
  const outcome = await run(world, task);
  return { outcome, contents: await blobs.contents(client), client, task };
};

test("output files go where patterns and paths say", async (t) => {
  const world = await aWorld(t);
  const done = await upload(
    "out1",
    0,
    [
      {
        filePattern: "out/a.txt",
        path: "one/name.txt",
        uploadCondition: "tasksuccess",
        headers: [{ name: "x-ms-blob-content-type", value: "text/x-one" }],
      },
      { filePattern: "out/a.txt", uploadCondition: "taskcompletion" },
      { filePattern: "**/*.txt", path: "deep", uploadCondition: "taskcompletion" },
      { filePattern: "../std*.txt", path: "logs/", uploadCondition: "taskcompletion" },
      { filePattern: "$AZ_BATCH_TASK_DIR/fileupload*.txt", path: "up", uploadCondition: "taskcompletion" },
      { filePattern: "out/a.txt", path: "never", uploadCondition: "taskfailure" },
      { filePattern: "nothing/*.here", path: "never", uploadCondition: "taskcompletion" },
    ],
    world,
  );
  assert.equal(done.outcome.exitCode, 0);
  assert.equal(done.outcome.failure, undefined, JSON.stringify(done.outcome));
  const { "up/fileuploadout.txt": log, "up/fileuploaderr.txt": errors, ...rest } = done.contents;
  assert.deepEqual(rest, {
    "a.txt": "1\n",
    "deep/out/a.txt": "1\n",
    "deep/out/deep/b.txt": "2\n",
    "logs/stderr.txt": "",
    "logs/stdout.txt": "said\n",
    "one/name.txt": "1\n",
  });
  assert.match(log ?? "", /uploaded a\.txt \(2 bytes\) to http/);
  assert.doesNotMatch(log ?? "", /sig=/);
  assert.equal(errors, "");
  assert.equal((await done.client.getBlobClient("one/name.txt").getProperties()).contentType, "text/x-one");
});

test("a server that does not let go of one node's downloads keeps no other node waiting", async (t) => {
  const busy = Promise.withResolvers<void>();
  let held = 0;
  const host = await serve(t, (request, response) => {
    if (request.url === "/quick") return void response.end("quick");
    response.write("a"); // and never the rest
    if (++held === 16) busy.resolve();
  });
  const world = await aWorld(t, [host]);
  await world.node({ nodeId: "tvmps_2_d" });
  const slow = Array.from({ length: 20 }, (_, n) => ({ httpUrl: `http://${host}/slow${n}`, filePath: `f${n}` }));
  world.start(aTask("/bin/true", { resourceFiles: slow }));
  await busy.promise;
  const other = aTask("/bin/cat a.txt", { nodeId: "tvmps_2_d", resourceFiles: [{ httpUrl: `http://${host}/quick`, filePath: "a.txt" }] });
  assert.equal((await run(world, other)).exitCode, 0);
  assert.equal(held, 16);
});

test("no pattern tells the task's token", async (t) => {
  const world = await aWorld(t);
  const { client, url } = await blobs.container("out-token");
  const outputFiles = ["$AZ_BATCH_AUTHENTICATION_TOKEN", "%AZ_BATCH_AUTHENTICATION_TOKEN%/*"].map((filePattern) => ({
    filePattern,
    containerUrl: url,
    uploadCondition: "taskcompletion",
  }));
  const script = `/bin/sh -c 'mkdir secret; echo 1 >secret/a'`;
  const outcome = await run(world, aTask(script, { outputFiles, authenticationToken: "secret" }));
  assert.deepEqual([outcome.exitCode, outcome.failure], [0, undefined]);
  assert.deepEqual(await blobs.contents(client), {});
});

test("conditions follow the exit code", async (t) => {
  const world = await aWorld(t);
  const files = ["tasksuccess", "taskfailure", "taskcompletion"].map((uploadCondition) => ({
    filePattern: "out/c.log",
    path: uploadCondition,
    uploadCondition,
  }));
  const done = await upload("out2", 7, files, world);
  assert.equal(done.outcome.exitCode, 7);
  assert.equal(done.outcome.failure, undefined);
  assert.deepEqual(Object.keys(done.contents), ["taskcompletion", "taskfailure"]);
});

test("uploads that fail fail the task, with the service's codes", async (t) => {
  const world = await aWorld(t);
  const { client, url } = await blobs.container("out3");
  await client.delete();
  const readOnly = (await blobs.container("out4", {}, "r")).url;
  const cases: [containerUrl: string, filePattern: string, code: string][] = [
    [url, "../stdout.txt", "FileUploadContainerNotFound"],
    [readOnly, "../stdout.txt", "FileUploadAccessDenied"],
    ["http://127.0.0.1:1/c?sig=secret", "../stdout.txt", "FileUploadAccessDenied"],
    [readOnly, "../../../../../../control/*.json", "FileUploadMiscError"],
    [readOnly, "/etc/passwd", "FileUploadMiscError"],
  ];
  for (const [containerUrl, filePattern, code] of cases) {
    const outcome = await run(
      world,
      aTask("/bin/true", { outputFiles: [{ containerUrl, filePattern, uploadCondition: "taskcompletion" }] }),
    );
    assert.equal(outcome.failure?.code, code, JSON.stringify(outcome));
    assert.equal(outcome.failedIn, "fileUpload");
    assert.equal(outcome.exitCode, 0);
    assert.doesNotMatch(JSON.stringify(outcome), /sig=|secret/);
  }
});

test("a link out of the node is not uploaded", async (t) => {
  const world = await aWorld(t);
  const { client, url } = await blobs.container("out5");
  const task = aTask("/bin/ln -s /etc/passwd stolen.txt", {
    outputFiles: [{ containerUrl: url, filePattern: "*.txt", uploadCondition: "taskcompletion" }],
  });
  assert.equal((await run(world, task)).failure?.code, "FileUploadAccessDenied");
  assert.deepEqual(await blobs.contents(client), {});
});

test("slots stay taken until the uploads are done", async (t) => {
  const arrived = Promise.withResolvers<() => void>();
  const host = await serve(t, (_request, response) => arrived.resolve(() => response.writeHead(201).end()));
  const world = await aWorld(t, [host]);
  const outputFiles = [{ containerUrl: `http://${host}/c`, filePattern: "../stdout.txt", uploadCondition: "taskcompletion" }];
  const [first, second] = [aTask("/bin/true", { outputFiles, slots: 2 }), aTask("/bin/true")];
  world.start(first, second);
  const answer = await arrived.promise;
  const { answer: files } = await world.control.file("tvmps_1_d", {
    type: "list",
    path: `workitems/job1/job-1/${second.taskId}`,
    recursive: false,
  });
  assert.deepEqual(files.type === "entries" && files.entries.map(({ name }) => name), ["wd"]); // made, not started
  answer();
  await world.control.event("finished", sameTask(second));
  const order = world.control.events.flatMap((event) => (event.type === "finished" ? [event.ref.seq] : []));
  assert.deepEqual(order, [first.ref.seq, second.ref.seq]);
});
