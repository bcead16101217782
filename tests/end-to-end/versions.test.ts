// Every api-version against the real server: lists, and a pool, a job and a task written and read in that version's own spelling.
import assert from "node:assert/strict";
import { test } from "node:test";
import { versions } from "../../src/api/versions.ts";
import { batchUser, hostImage, sh } from "../support/batch-user.ts";
import { startQuern, until } from "../support/quern.ts";

test("every version", { timeout: 90_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  await user.pool("p", { taskSlotsPerNode: 4 });

  for (const version of versions) {
    await t.test(version, async () => {
      const upTo = (last: string): boolean => version <= last;
      const name = `v${version.replaceAll(/[^0-9]/g, "")}`;
      const ok = (method: string, path: string, body?: unknown) => user.ok(method, path, body, { version });
      const get = async (path: string): Promise<any> => (await ok("GET", path)).json;
      assert.ok((await get("/pools")).value.some((pool: any) => pool.id === "p"));
      assert.ok(Array.isArray((await get("/jobs")).value));

      const identity = upTo("2016-07-01.3.1")
        ? { runElevated: false }
        : { userIdentity: { autoUser: { scope: "pool", elevationLevel: "nonadmin" } } };
      await ok("POST", "/pools", {
        id: name,
        vmSize: "standard_d2_v3",
        [upTo("2017-01-01.4.0") ? "targetDedicated" : "targetDedicatedNodes"]: 0,
        [upTo("2020-03-01.11.0") ? "maxTasksPerNode" : "taskSlotsPerNode"]: 2,
        ...(upTo("2015-12-01.2.2") ? { osFamily: "4", targetOSVersion: "*" } : { virtualMachineConfiguration: hostImage }),
        startTask: { commandLine: "/bin/true", ...identity },
        metadata: [{ name: "version", value: version }],
      });
      const pool = await get(`/pools/${name}`);
      assert.deepEqual(
        [pool.targetDedicated, pool.currentDedicated, pool.targetDedicatedNodes, pool.currentDedicatedNodes],
        upTo("2017-01-01.4.0") ? [0, 0, undefined, undefined] : [undefined, undefined, 0, 0],
      );
      assert.deepEqual([pool.maxTasksPerNode, pool.taskSlotsPerNode], upTo("2020-03-01.11.0") ? [2, undefined] : [undefined, 2]);
      assert.deepEqual(
        [pool.startTask.runElevated, pool.startTask.userIdentity?.autoUser.elevationLevel],
        upTo("2016-07-01.3.1") ? [false, undefined] : [undefined, "nonadmin"],
      );
      assert.equal(pool.osFamily, upTo("2015-12-01.2.2") ? "4" : undefined);
      assert.equal(pool.targetLowPriorityNodes, upTo("2017-01-01.4.0") ? undefined : 0);
      assert.equal(pool.resizeTimeout, upTo("2016-07-01.3.1") ? "PT10M" : "PT15M");

      await ok("POST", "/jobs", {
        id: name,
        poolInfo: { poolId: "p" },
        usesTaskDependencies: true,
        ...(upTo("2016-02-01.3.0") ? {} : { onTaskFailure: "noaction" }),
      });
      const job = await get(`/jobs/${name}`);
      assert.equal(job.onTaskFailure, upTo("2016-02-01.3.0") ? undefined : "noaction");
      assert.equal(job.maxParallelTasks, upTo("2021-01-01") ? undefined : -1);

      const tasks = [
        { id: "fails", commandLine: sh("exit 2"), ...identity },
        {
          id: "missing",
          commandLine: "no-such-program",
          ...(upTo("2016-02-01.3.0")
            ? {}
            : {
                exitConditions: {
                  [upTo("2017-01-01.4.0") ? "schedulingError" : "preProcessingError"]: upTo("2016-07-01.3.1")
                    ? {}
                    : { dependencyAction: "satisfy" },
                },
              }),
        },
        { id: "good", commandLine: "/bin/true", dependsOn: { taskIds: [] } },
      ];
      if (upTo("2015-12-01.2.2")) for (const task of tasks) await ok("POST", `/jobs/${name}/tasks`, task);
      else {
        const { value } = (await ok("POST", `/jobs/${name}/addtaskcollection`, { value: tasks })).json;
        assert.deepEqual(
          value.map((one: any) => one.status),
          ["Success", "Success", "Success"],
        );
      }
      const done = (id: string): Promise<any> =>
        until(
          () => get(`/jobs/${name}/tasks/${id}`),
          (task) => task.state === "completed",
        );
      const missing = await done("missing");
      const told = upTo("2017-01-01.4.0") ? "schedulingError" : "failureInfo";
      const other = upTo("2017-01-01.4.0") ? "failureInfo" : "schedulingError";
      assert.deepEqual([missing.executionInfo[told].code, missing.executionInfo[other]], ["CommandProgramNotFound", undefined]);
      if (!upTo("2016-07-01.3.1"))
        assert.equal(missing.exitConditions[upTo("2017-01-01.4.0") ? "schedulingError" : "preProcessingError"].dependencyAction, "satisfy");
      const good = await done("good");
      assert.deepEqual([good.executionInfo.exitCode, good.executionInfo.result], [0, upTo("2017-01-01.4.0") ? undefined : "success"]);
      assert.equal((await done("fails")).executionInfo.exitCode, 2);
      if (!upTo("2017-05-01.5.0")) {
        const counts = await get(`/jobs/${name}/taskcounts`);
        const { completed, succeeded, failed } = upTo("2020-03-01.11.0") ? counts : counts.taskCounts;
        assert.deepEqual([completed, succeeded, failed, counts.taskSlotCounts === undefined], [3, 1, 2, upTo("2020-03-01.11.0")]);
      }
      const file = await ok("GET", `/jobs/${name}/tasks/fails/files/stdout.txt`);
      assert.equal(file.headers["content-length"] ?? "0", "0");
      const [node] = (await get("/pools/p/nodes")).value;
      assert.equal(node.isDedicated, upTo("2017-01-01.4.0") ? undefined : true);
      await ok("DELETE", `/jobs/${name}`);
      await ok("DELETE", `/pools/${name}`);
    });
  }

  await t.test("a newer version and one of the wrong shape", async () => {
    assert.equal((await user.raw({ method: "GET", path: "/pools", version: "2099-01-01" })).status, 200);
    for (const version of ["2099", "latest", "2024-07-01.20.0.0"]) {
      const answer = await user.raw({ method: "GET", path: "/pools", version });
      assert.deepEqual([answer.status, answer.json.code], [400, "UnsupportedRequestVersion"], version);
    }
  });
});
