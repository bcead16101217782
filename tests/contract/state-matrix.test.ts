// Each operation in each state of what it acts on: one cell, the status and the code. The whole is kept in state-matrix.txt, which was held
// against the reference by eye; a cell that changes fails here. QUERN_WRITE_STATE_MATRIX=1 writes the file anew, to be read again.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import { certificateStates } from "../../src/domain/certificates.ts";
import { jobScheduleStates } from "../../src/domain/job-schedules.ts";
import { jobStates } from "../../src/domain/jobs.ts";
import { type NodeState, nodeStates } from "../../src/domain/nodes.ts";
import { otherIds, validRequests } from "./exact-requests.ts";
import { anExactWorld, declarationOf, type ExactWorld, operationIds } from "./exact-world.ts";

type State = { name: string; put: (world: ExactWorld) => Promise<unknown> };

const resize = { startedAt: 0, timeoutAt: 1e15, option: "requeue" } as const;

const poolStates: State[] = [
  { name: "steady", put: async () => {} },
  { name: "resizing", put: (world) => world.setPool({ allocationState: "resizing", resize }) },
  { name: "stopping", put: (world) => world.setPool({ allocationState: "stopping", resize: { ...resize, stopped: true } }) },
  { name: "autoscale", put: (world) => world.ask("Pool_EnableAutoScale") },
  { name: "deleting", put: (world) => world.setPool({ state: "deleting", allocationState: "resizing", resize }) },
];

const withoutAgent: readonly NodeState[] = ["creating", "deallocated", "preempted"];

const inNodeState = (state: NodeState): State => ({
  name: state,
  put: async (world) => {
    if (state === "running") await world.setTask("running");
    await world.setNode({
      state,
      ...(state === "leavingpool" ? { leaving: { kind: "remove", option: "requeue", since: 0 } } : {}),
      ...(state === "offline" ? { schedulingState: "disabled" } : {}),
      ...(withoutAgent.includes(state) ? { agentId: undefined } : {}),
    });
  },
});

/** What each resource can be in, and which operations act on it: those whose path begins with it. */
const families: { name: string; of: (path: string) => boolean; states: State[] }[] = [
  { name: "node", of: (path) => path.startsWith("/pools/p/nodes/n"), states: nodeStates.states.map(inNodeState) },
  { name: "pool", of: (path) => path.startsWith("/pools"), states: poolStates },
  {
    name: "task",
    of: (path) => path.startsWith("/jobs/j/tasks/t"),
    states: (["active", "running", "succeeded", "failed"] as const).map((name) => ({ name, put: (world) => world.setTask(name) })),
  },
  {
    name: "job",
    of: (path) => path.startsWith("/jobs"),
    states: jobStates.states.map((name) => ({ name, put: (world) => world.setJob(name) })),
  },
  {
    name: "schedule",
    of: (path) => path.startsWith("/jobschedules"),
    states: jobScheduleStates.states.map((name) => ({ name, put: (world) => world.setSchedule(name) })),
  },
  {
    name: "certificate",
    of: (path) => path.startsWith("/certificates"),
    states: certificateStates.states.map((name) => ({ name, put: (world) => world.setCertificate(name) })),
  },
];

/** Paths are compared as prefixes, and of `/jobschedules` `/jobs` is one. */
const familyOf = (id: OperationId) => {
  const { path } = validRequests[id]!;
  return families.find(({ name, of }) => of(path) && !(name === "job" && path.startsWith("/jobschedules")));
};

/** What tasks answer while their job is in each state: the same operations once more, with a task that they could be done to. */
const tasksOfJob: Readonly<Partial<Record<OperationId, "active" | "failed" | "succeeded">>> = {
  Task_Update: "active",
  Task_Terminate: "active",
  Task_Reactivate: "failed",
  Task_Delete: "succeeded",
  Task_Get: "succeeded",
  Task_ListSubtasks: "succeeded",
  File_ListFromTask: "succeeded",
  File_GetFromTask: "succeeded",
};

const cell = async (t: TestContext, id: OperationId, prepare: (world: ExactWorld) => Promise<unknown>): Promise<string> => {
  const world = await anExactWorld(t);
  if (id === "ComputeNode_UpdateUser" || id === "ComputeNode_DeleteUser") await world.ask("ComputeNode_AddUser");
  await prepare(world);
  const { status, json } = await world.ask(id, id === "Task_Add" ? { body: { ...validRequests[id]!.body, ...otherIds[id] } } : {});
  if (status >= 400 && json !== undefined) assert.ok(declarationOf(id).errors.includes(json.code), `${id} does not declare ${json.code}`);
  return status < 300 ? String(status) : `${status} ${json?.code ?? ""}`.trim();
};

const section = (title: string, states: readonly string[], rows: ReadonlyMap<string, readonly string[]>): string => {
  const lines = [`## ${title}`];
  for (const [id, cells] of rows) {
    lines.push("", id);
    const groups = new Map<string, string[]>();
    cells.forEach((one, index) => void groups.set(one, [...(groups.get(one) ?? []), states[index]!]));
    for (const [answer, where] of groups) lines.push(`  ${answer}: ${where.length === states.length ? "always" : where.join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
};

const file = join(import.meta.dirname, "state-matrix.txt");

test("each operation in each state answers as the checked-in matrix says", { timeout: 120_000 }, async (t) => {
  const sections: string[] = [];
  for (const { name, states } of families) {
    const rows = new Map<string, string[]>();
    for (const id of operationIds.filter((one) => familyOf(one)?.name === name)) {
      rows.set(id, await Promise.all(states.map(({ put }) => cell(t, id, put))));
    }
    sections.push(
      section(
        `${name}: ${states.map((state) => state.name).join(", ")}`,
        states.map((state) => state.name),
        rows,
      ),
    );
  }
  const ofTasks = new Map<string, string[]>();
  for (const [id, task] of Object.entries(tasksOfJob) as [OperationId, "active"][]) {
    const put = (state: (typeof jobStates.states)[number]) => async (world: ExactWorld) => {
      await world.setTask(task);
      await world.setJob(state);
    };
    ofTasks.set(id, await Promise.all(jobStates.states.map((state) => cell(t, id, put(state)))));
  }
  sections.push(section("task, by the state of its job", jobStates.states, ofTasks));
  const unaffected = operationIds.filter((id) => familyOf(id) === undefined);
  sections.push(`## of no resource\n\n${unaffected.join("\n")}\n`);
  const matrix = sections.join("\n");
  if (process.env.QUERN_WRITE_STATE_MATRIX === "1") writeFileSync(file, matrix);
  assert.equal(matrix, readFileSync(file, "utf8"));
});
