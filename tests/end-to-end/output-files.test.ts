// Output files: which files of a task become which blobs, when, and what a task is told when they could not be uploaded.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, sh } from "../support/batch-user.ts";
import { newContainer } from "../support/containers.ts";
import { startQuern } from "../support/quern.ts";

test("output files", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t);
  const user = batchUser(quern);
  await user.pool("p", { taskSlotsPerNode: 2 });
  await user.job("j", "p", { usesTaskDependencies: true });
  let containers = 0;
  const aContainer = async (permissions = "rwcl") => {
    const container = await newContainer(quern, `out${++containers}`);
    return { ...container, containerUrl: await container.url(permissions) };
  };
  const output = (containerUrl: string, filePattern: string, path?: string, uploadCondition = "taskcompletion"): object => ({
    filePattern,
    destination: { container: { containerUrl, ...(path === undefined ? {} : { path }) } },
    uploadOptions: { uploadCondition },
  });
  const run = async (id: string, script: string, outputFiles: object[], settings: object = {}): Promise<any> => {
    await user.task("j", id, sh(script), { outputFiles, ...settings });
    return (await user.taskIs("j", id)).executionInfo;
  };
  const tree = "mkdir -p a/b .h; echo 1 >1.txt; echo 2 >a/2.txt; echo 3 >a/b/3.txt; echo 4 >a/b/4.log; echo 5 >.5.txt; echo 6 >.h/6.txt";

  await t.test("one name, wildcards, ** and variables", async () => {
    const { containerUrl, names, text } = await aContainer();
    const info = await run("patterns", `${tree}; echo out`, [
      output(containerUrl, "1.txt"),
      output(containerUrl, "1.txt", "exact/name"),
      output(containerUrl, "*.txt", "flat"),
      output(containerUrl, "**/*.txt", "deep"),
      output(containerUrl, "a/**/*", "all"),
      output(containerUrl, "a/b/[34].*", "class"),
      output(containerUrl, "a/b/?.[!t]*", "not"),
      output(containerUrl, "../std*.txt", "logs"),
      output(containerUrl, "$AZ_BATCH_TASK_DIR/*.txt", "vars"),
      output(containerUrl, "nothing/*", "none"),
    ]);
    assert.deepEqual([info.result, info.exitCode], ["success", 0]);
    assert.deepEqual(
      (await names()).filter((name) => !name.startsWith("vars/")),
      [
        "1.txt",
        "all/2.txt",
        "all/b/3.txt",
        "all/b/4.log",
        "class/3.txt",
        "class/4.log",
        "deep/1.txt",
        "deep/a/2.txt",
        "deep/a/b/3.txt",
        "exact/name",
        "flat/1.txt",
        "logs/stderr.txt",
        "logs/stdout.txt",
        "not/4.log",
      ].sort(),
    );
    const vars = (await names()).filter((name) => name.startsWith("vars/"));
    assert.deepEqual(vars, ["vars/fileuploaderr.txt", "vars/fileuploadout.txt", "vars/stderr.txt", "vars/stdout.txt"]);
    assert.equal(await text("deep/a/b/3.txt"), "3\n");
    assert.equal(await text("logs/stdout.txt"), "out\n");
    assert.match(await user.file("j", "patterns", "fileuploadout.txt"), /uploaded 1\.txt/);
    assert.doesNotMatch(await user.file("j", "patterns", "fileuploadout.txt"), /sig=/);
  });

  await t.test("each condition, and uploads of a task that failed", async () => {
    const { containerUrl, names } = await aContainer();
    const three = (to: string): object[] =>
      ["tasksuccess", "taskfailure", "taskcompletion"].map((condition) => output(containerUrl, "f", `${to}/${condition}`, condition));
    assert.equal((await run("good", "echo >f", three("good"))).result, "success");
    const bad = await run("bad", "echo >f; exit 3", three("bad"), { constraints: { maxTaskRetryCount: 1 } });
    assert.deepEqual([bad.result, bad.exitCode, bad.failureInfo.code, bad.retryCount], ["failure", 3, "FailureExitCode", 1]);
    assert.deepEqual(await names(), ["bad/taskcompletion", "bad/taskfailure", "good/taskcompletion", "good/tasksuccess"]);
    const late = await run("late", "echo >f; exec sleep 600", three("late"), { constraints: { maxWallClockTime: "PT1S" } });
    assert.equal(late.failureInfo.code, "TaskEnded");
    assert.deepEqual(
      (await names()).filter((name) => name.startsWith("late")),
      ["late/taskcompletion", "late/taskfailure"],
    );
  });

  await t.test("a failed upload fails the task for good, whatever its retries", async () => {
    const { client, containerUrl } = await aContainer();
    const readOnly = (await aContainer("rl")).containerUrl;
    const expired = await (await aContainer()).url("rwcl", -60);
    await client.delete();
    const more = { constraints: { maxTaskRetryCount: 3 } };
    const cases: [id: string, url: string, code: string][] = [
      ["no-container", containerUrl, "FileUploadContainerNotFound"],
      ["read-only", readOnly, "FileUploadAccessDenied"],
      ["expired", expired, "FileUploadAccessDenied"],
      ["private", "http://10.255.255.1/out?sv=1&sig=secret", "FileUploadAccessDenied"],
    ];
    for (const [id, url, code] of cases) {
      const info = await run(id, "echo x >f", [output(url, "f")], more);
      assert.deepEqual([id, info.result, info.failureInfo.code, info.exitCode, info.retryCount], [id, "failure", code, 0, 0]);
      assert.doesNotMatch(JSON.stringify(info), /sig=/);
      assert.match(await user.file("j", id, "fileuploaderr.txt"), /could not upload f/);
    }
  });

  await t.test("fileUploadError decides what dependents get; an exit code that is named wins", async () => {
    const readOnly = (await aContainer("rl")).containerUrl;
    const outputFiles = [output(readOnly, "f")];
    const satisfy = { dependencyAction: "satisfy" };
    await run("up", "echo >f", outputFiles, { exitConditions: { fileUploadError: satisfy } });
    await run("named", "echo >f", outputFiles, {
      exitConditions: { fileUploadError: satisfy, exitCodes: [{ code: 0, exitOptions: { dependencyAction: "block" } }] },
    });
    for (const id of ["up", "named"]) await user.task("j", `of-${id}`, "/bin/true", { dependsOn: { taskIds: [id] } });
    await user.taskIs("j", "of-up");
    assert.equal((await user.get("/jobs/j/tasks/of-named")).state, "active");
  });

  await t.test("neither patterns nor links take files from outside the node", async () => {
    const { containerUrl, names } = await aContainer();
    for (const [n, pattern] of ["/etc/passwd", "../../../../../../agent-id", "/etc/*"].entries()) {
      const info = await run(`outside${n}`, "true", [output(containerUrl, pattern)]);
      assert.deepEqual([pattern, info.result], [pattern, "failure"]);
    }
    await run("link", "ln -s /etc/passwd p; ln -s /etc d; ln -s fifo x; mkfifo fifo", [
      output(containerUrl, "**/*"),
      output(containerUrl, "d/passwd"),
    ]);
    assert.deepEqual(await names(), []);
  });

  await t.test("a task is running while it uploads, and nothing is uploaded of one that was terminated", async () => {
    const { containerUrl, names } = await aContainer();
    await run("large", "head -c 20000000 /dev/zero >f", [output(containerUrl, "f", "large")]);
    await user.task("j", "ended", sh("echo >f; exec sleep 600"), { outputFiles: [output(containerUrl, "f", "ended")] });
    await user.taskIs("j", "ended", "running");
    await user.ok("POST", "/jobs/j/tasks/ended/terminate");
    await run("after", "true", []);
    assert.deepEqual(await names(), ["large"]);
  });

  await t.test("what is uploaded by one task is the input of the next", async () => {
    const { containerUrl } = await aContainer();
    await run("first", "echo from first >x", [output(containerUrl, "x", "in/x")]);
    await user.task("j", "second", "/bin/cat in/x", {
      resourceFiles: [{ storageContainerUrl: containerUrl, blobPrefix: "in/" }],
      dependsOn: { taskIds: ["first"] },
    });
    await user.taskIs("j", "second");
    assert.equal(await user.file("j", "second", "stdout.txt"), "from first\n");
  });
});
