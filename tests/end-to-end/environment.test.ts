// What a task's process finds around it: exactly the variables that the service defines and the user set, and nothing of the server's own.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { userInfo } from "node:os";
import { test } from "node:test";
import { batchUser, sh } from "../support/batch-user.ts";
import { startQuern } from "../support/quern.ts";

const parse = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split("\0")
      .filter(Boolean)
      .map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

test("the environment of tasks", { timeout: 60_000 }, async (t) => {
  const secret = "only-the-operator-may-know-this";
  const env = { AZURE_CLIENT_SECRET: secret, npm_config_x: secret, NODE_OPTIONS: "", AZ_BATCH_FAKE: secret, LD_LIBRARY_PATH: "/nowhere" };
  const quern = await startQuern(t, { args: ["--storage", "none"], env });
  const user = batchUser(quern);
  const print = "/bin/cat /proc/self/environ";
  const nodeNames = ["ACCOUNT_NAME", "ACCOUNT_URL", "POOL_ID", "NODE_ID", "NODE_IS_DEDICATED", "NODE_ROOT_DIR", "NODE_SHARED_DIR"];
  const moreNodeNames = ["NODE_STARTUP_DIR", "NODE_MOUNTS_DIR", "TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES"];
  const taskNames = ["TASK_DIR", "TASK_WORKING_DIR", "CERTIFICATES_DIR"];
  const base = ["PATH", "HOME", "USER", "LANG", "TMPDIR"];
  const service = [...nodeNames, ...moreNodeNames, ...taskNames].map((name) => `AZ_BATCH_${name}`);
  const directoryOf = (path: string): boolean => statSync(path).isDirectory();

  await user.pool("p", {
    targetDedicatedNodes: 1,
    startTask: { commandLine: print, environmentSettings: [{ name: "MINE", value: "start" }] },
  });
  const [node] = await user.nodes("p");

  await t.test("of a task", async () => {
    await user.job("j", "p", { commonEnvironmentSettings: [{ name: "SHARED_BY_JOB", value: "yes" }] });
    await user.task("j", "t", print, {
      environmentSettings: [
        { name: "MINE", value: "a = 'b' \"c\" $D\nnext" },
        { name: "AZ_BATCH_JOB_ID", value: "forged" },
      ],
    });
    await user.taskIs("j", "t");
    const found = parse(await user.file("j", "t", "stdout.txt"));
    assert.deepEqual(
      Object.keys(found).sort(),
      [...base, ...service, "AZ_BATCH_JOB_ID", "AZ_BATCH_TASK_ID", "MINE", "SHARED_BY_JOB"].sort(),
    );
    assert.ok(!Object.values(found).includes(secret));
    const root = found.AZ_BATCH_NODE_ROOT_DIR!;
    const { HOME, TMPDIR, PATH: _path, LANG: _lang, ...rest } = found;
    assert.deepEqual(rest, {
      USER: userInfo().username,
      MINE: "a = 'b' \"c\" $D\nnext",
      SHARED_BY_JOB: "yes",
      AZ_BATCH_ACCOUNT_NAME: quern.ready.account,
      AZ_BATCH_ACCOUNT_URL: found.AZ_BATCH_ACCOUNT_URL,
      AZ_BATCH_POOL_ID: "p",
      AZ_BATCH_NODE_ID: node.id,
      AZ_BATCH_NODE_IS_DEDICATED: "true",
      AZ_BATCH_NODE_ROOT_DIR: root,
      AZ_BATCH_NODE_SHARED_DIR: `${root}/shared`,
      AZ_BATCH_NODE_STARTUP_DIR: `${root}/startup`,
      AZ_BATCH_NODE_MOUNTS_DIR: `${root}/fsmounts`,
      AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES: "1000000",
      AZ_BATCH_TASK_DIR: `${root}/workitems/j/job-1/t`,
      AZ_BATCH_TASK_WORKING_DIR: `${root}/workitems/j/job-1/t/wd`,
      AZ_BATCH_CERTIFICATES_DIR: `${root}/workitems/j/job-1/t/certs`,
      AZ_BATCH_JOB_ID: "j",
      AZ_BATCH_TASK_ID: "t",
    });
    assert.equal(new URL(found.AZ_BATCH_ACCOUNT_URL!).port, new URL(quern.ready.batchUrl).port);
    for (const name of ["NODE_ROOT_DIR", "NODE_SHARED_DIR", "NODE_STARTUP_DIR", "NODE_MOUNTS_DIR", "TASK_DIR", "TASK_WORKING_DIR"])
      assert.ok(directoryOf(found[`AZ_BATCH_${name}`]!), name);
    assert.ok(directoryOf(HOME!) && directoryOf(TMPDIR!));
  });

  await t.test("of a start task, which belongs to no job", async () => {
    const path = `/pools/p/nodes/${node.id}/files/startup/stdout.txt`;
    const found = parse((await user.ok("GET", path)).text);
    assert.deepEqual(Object.keys(found).sort(), [...base, ...service, "MINE"].sort());
    assert.equal(found.AZ_BATCH_TASK_DIR, found.AZ_BATCH_NODE_STARTUP_DIR);
    assert.equal(found.AZ_BATCH_TASK_WORKING_DIR, `${found.AZ_BATCH_NODE_STARTUP_DIR}/wd`);
    assert.ok(!Object.values(found).includes(secret));
  });

  await t.test("the parent processes show a task nothing either", async () => {
    await user.task(
      "j",
      "ancestors",
      sh(
        'p=$PPID; while [ $p -gt 1 ]; do tr "\\0" "\\n" </proc/$p/environ; p=$(cut -d" " -f4 /proc/$p/stat); [ $(cat /proc/$p/comm) = node ] && break; done',
      ),
    );
    await user.taskIs("j", "ancestors");
    assert.ok(!(await user.file("j", "ancestors", "stdout.txt")).includes(secret));
  });

  await t.test("the user's PATH, HOME and LANG win over the node's", async () => {
    await user.task("j", "own", sh("echo $PATH $HOME $LANG"), {
      environmentSettings: [
        { name: "PATH", value: "/bin" },
        { name: "HOME", value: "/home-of-mine" },
        { name: "LANG", value: "C" },
      ],
    });
    await user.taskIs("j", "own");
    assert.equal(await user.file("j", "own", "stdout.txt"), "/bin /home-of-mine C\n");
  });

  await t.test("a name that cannot be one fails the task alone", async () => {
    await user.task("j", "odd", print, { environmentSettings: [{ name: "A=B", value: "x" }] });
    assert.equal((await user.taskIs("j", "odd")).executionInfo.failureInfo.code, "CommandLaunchFailed");
  });

  await t.test("a session of its own, no terminal, nothing on stdin, no inherited files", async () => {
    await user.task("j", "session", sh('read line; echo read $?; cut -d" " -f1,5,6,7 /proc/$$/stat; ls /proc/$$/fd'));
    await user.taskIs("j", "session");
    const [read, stat, ...files] = (await user.file("j", "session", "stdout.txt")).trim().split("\n");
    assert.equal(read, "read 1");
    const [pid, group, session, terminal] = stat!.split(" ");
    assert.deepEqual([group, session, terminal], [pid, pid, "0"]);
    assert.deepEqual(files, ["0", "1", "2"]);
  });
});
