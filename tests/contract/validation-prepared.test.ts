// Rules of requests that need something else to be there first: a job with dependencies, a disabled one, a pool without nodes, a Windows pool.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import { getPool } from "../../src/store/pools.ts";
import { validRequests } from "./exact-requests.ts";
import { anExactWorld, type ExactWorld } from "./exact-world.ts";
import { auto, gallery } from "./rule-rows.ts";

const pool = validRequests.Pool_Add!.body;
const onWindows = async (world: ExactWorld): Promise<void> => {
  const { spec } = (await getPool(world.store, 1, "p"))!;
  const windows = { imageReference: { virtualMachineImageId: gallery }, nodeAgentSKUId: "batch.node.windows amd64" };
  await world.setPool({ spec: { ...spec, virtualMachineConfiguration: windows } });
};

/** Rules that need something else to be there first. */
const prepared: [
  what: string,
  prepare: (world: ExactWorld) => Promise<unknown>,
  id: OperationId,
  changes: { path?: string; body: object },
  wanted: string,
][] = [
  ...(
    [
      [
        "ids that are too long together",
        { taskIds: Array.from({ length: 1001 }, (_, n) => `${n}`.padStart(64, "0")) },
        "400 TaskDependencyListTooLong",
      ],
      ["too many ranges", { taskIdRanges: Array.from({ length: 1001 }, () => ({ start: 1, end: 2 })) }, "400 TaskDependencyRangesTooLong"],
      ["a range backwards", { taskIdRanges: [{ start: 2, end: 1 }] }, "400 InvalidPropertyValue taskIdRanges"],
      ["what is fine", { taskIds: ["a"], taskIdRanges: [{ start: 1, end: 1 }] }, "201"],
    ] as const
  ).map(([what, dependsOn, wanted]): (typeof prepared)[number] => [
    `dependencies: ${what}`,
    (world) => world.ask("Job_Add", { body: { id: "d", poolInfo: { poolId: "p" }, usesTaskDependencies: true } }),
    "Task_Add",
    { path: "/jobs/d/tasks", body: { id: "x", commandLine: "x", dependsOn } },
    wanted,
  ]),
  ...(["Job_Patch", "Job_Update"] as const).map((id): (typeof prepared)[number] => [
    `${id}: terminatejob cannot be taken back`,
    (world) => world.ask("Job_Patch", { body: { onAllTasksComplete: "terminatejob" } }),
    id,
    { body: { poolInfo: { poolId: "p" }, onAllTasksComplete: "noaction" } },
    "400 InvalidPropertyValue onAllTasksComplete",
  ]),
  ["the same pool in another case", async () => {}, "Job_Patch", { body: { poolInfo: { poolId: "P" } } }, "200"],
  ["another pool, of a disabled job", (world) => world.setJob("disabled"), "Job_Patch", { body: { poolInfo: { poolId: "q" } } }, "200"],
  [
    "an automatic pool in place of one's own",
    (world) => world.setJob("disabled"),
    "Job_Patch",
    { body: auto({}) },
    "400 InvalidPropertyValue poolInfo",
  ],
  [
    "one's own pool in place of an automatic one",
    (world) => world.ask("Job_Add", { body: { id: "a", ...auto({}) } }),
    "Job_Patch",
    { path: "/jobs/a", body: { poolInfo: { poolId: "p" } } },
    "400 InvalidPropertyValue poolInfo",
  ],
  ...(
    [
      ["without a password", {}, "400 MissingRequiredProperty password"],
      ["with a public key", { password: "p", sshPublicKey: "ssh-rsa a" }, "400 InvalidPropertyValue sshPublicKey"],
      ["with a password", { password: "p" }, "201"],
    ] as const
  ).map(([what, body, wanted]): (typeof prepared)[number] => [
    `a Windows user ${what}`,
    (world) => onWindows(world),
    "ComputeNode_AddUser",
    { body: { name: "u", ...body } },
    wanted,
  ]),
  [
    "a size that is not known, of a pool without nodes",
    (world) => world.ask("Pool_Add", { body: { ...pool, id: "e" } }),
    "Pool_Patch",
    { path: "/pools/e", body: { vmSize: "enormous" } },
    "400 InvalidPropertyValue vmSize",
  ],
  [
    "more slots than the size has, of a pool without nodes",
    (world) => world.ask("Pool_Add", { body: { ...pool, id: "e" } }),
    "Pool_Patch",
    { path: "/pools/e", body: { taskSlotsPerNode: 9 } },
    "400 InvalidPropertyValue taskSlotsPerNode",
  ],
  [
    "another size, of a pool without nodes",
    (world) => world.ask("Pool_Add", { body: { ...pool, id: "e" } }),
    "Pool_Patch",
    { path: "/pools/e", body: { vmSize: "standard_d4_v3", taskSlotsPerNode: 16 } },
    "200",
  ],
  [
    "a formula again within half a minute",
    (world) => world.ask("Pool_EnableAutoScale"),
    "Pool_EnableAutoScale",
    { body: { autoScaleEvaluationInterval: "PT10M" } },
    "503 TooManyEnableAutoScaleRequests",
  ],
];

for (const [what, prepare, id, { path, body }, wanted] of prepared) {
  test(what, async (t) => {
    const world = await anExactWorld(t);
    await prepare(world);
    const { status, json, text } = await world.ask(id, { body, ...(path === undefined ? {} : { path }) });
    const named = json?.values?.find(({ key }: { key: string }) => key === "PropertyName")?.value ?? "";
    assert.equal(`${status} ${json?.code ?? ""} ${named}`.trim(), wanted, text);
  });
}
