// Every state machine, every state and every event: the tables as text, so that a change is seen as one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jobScheduleStates } from "./job-schedules.ts";
import { jobStates } from "./jobs.ts";
import { type NodeState, nodeStates } from "./nodes.ts";
import { allocationStates } from "./pools.ts";
import type { StateMachine } from "./state-machine.ts";
import { taskStates } from "./tasks.ts";

/** One line an event: for each state the next one, or the code in brackets. */
const tableOf = <S extends string, E extends string, C extends string>(machine: StateMachine<S, E, C>): string[] =>
  machine.events.map((event) => {
    const cells = machine.states.map((state) => {
      const move = machine.next(state, event);
      return `${state}>${move.to ?? `(${move.refused})`}`;
    });
    return `${event}: ${cells.join(" ")}`;
  });

test("jobs", () => {
  const ended = "terminating>(JobBeingTerminated) completed>(JobCompleted) deleting>(JobBeingDeleted)";
  assert.deepEqual(tableOf(jobStates), [
    `addTask: active>active disabling>disabling disabled>disabled enabling>enabling ${ended}`,
    `update: active>active disabling>disabling disabled>disabled enabling>enabling ${ended}`,
    `disable: active>disabling disabling>disabling disabled>disabling enabling>(JobNotActive) ${ended}`,
    `tasksStopped: active>(OperationInvalidForCurrentState) disabling>disabled disabled>(JobDisabled) enabling>(JobNotActive) ${ended}`,
    `enable: active>active disabling>(JobNotActive) disabled>enabling enabling>enabling ${ended}`,
    `ready: active>(OperationInvalidForCurrentState) disabling>(JobNotActive) disabled>(JobDisabled) enabling>active ${ended}`,
    `terminate: active>terminating disabling>terminating disabled>terminating enabling>terminating ${ended}`,
    "tasksEnded: active>(OperationInvalidForCurrentState) disabling>(JobNotActive) disabled>(JobDisabled) enabling>(JobNotActive) " +
      "terminating>completed completed>(JobCompleted) deleting>(JobBeingDeleted)",
    "delete: active>deleting disabling>deleting disabled>deleting enabling>deleting terminating>deleting completed>deleting deleting>(JobBeingDeleted)",
  ]);
});

test("job schedules", () => {
  const ended = "terminating>(JobScheduleBeingTerminated) completed>(JobScheduleCompleted) deleting>(JobScheduleBeingDeleted)";
  assert.deepEqual(tableOf(jobScheduleStates), [
    `update: active>active disabled>(JobScheduleDisabled) ${ended}`,
    `disable: active>disabled disabled>disabled ${ended}`,
    `enable: active>active disabled>active ${ended}`,
    `terminate: active>terminating disabled>terminating ${ended}`,
    "complete: active>completed disabled>(JobScheduleDisabled) terminating>completed completed>(JobScheduleCompleted) " +
      "deleting>(JobScheduleBeingDeleted)",
    "delete: active>deleting disabled>deleting terminating>deleting completed>deleting deleting>(JobScheduleBeingDeleted)",
  ]);
});

test("tasks", () => {
  assert.deepEqual(tableOf(taskStates), [
    "start: active>running preparing>running running>(TaskNotCompleted) completed>(TaskCompleted)",
    "finish: active>completed preparing>completed running>completed completed>(TaskCompleted)",
    "giveBack: active>active preparing>active running>active completed>(TaskCompleted)",
    "terminate: active>completed preparing>completed running>completed completed>(TaskCompleted)",
    "reactivate: active>(TaskNotCompleted) preparing>(TaskNotCompleted) running>(TaskNotCompleted) completed>active",
    "update: active>active preparing>preparing running>running completed>(TaskCompleted)",
  ]);
});

test("the allocation of pools", () => {
  assert.deepEqual(tableOf(allocationStates), [
    "resize: steady>resizing resizing>(PoolBeingResized) stopping>(PoolBeingResized)",
    "stop: steady>(OperationInvalidForCurrentState) resizing>stopping stopping>(PoolBeingResized)",
    "settle: steady>steady resizing>steady stopping>steady",
    "empty: steady>resizing resizing>resizing stopping>resizing",
  ]);
});

test("nodes: no event brings back one that leaves, and an agent's word does not wake one that was deallocated", () => {
  for (const event of nodeStates.events) {
    assert.equal(nodeStates.next("leavingpool", event).to, undefined, event);
    if (event !== "leave") assert.equal(nodeStates.next("preempted", event).refused, "NodeStateUnusable", event);
  }
  const leads = (state: "deallocating" | "deallocated"): string[] =>
    nodeStates.events.flatMap((event) => nodeStates.next(state, event).to ?? []);
  assert.deepEqual(
    [leads("deallocating"), leads("deallocated")],
    [
      ["deallocated", "leavingpool"],
      ["starting", "leavingpool"],
    ],
  );
});

test("nodes: which requests each state takes, and how it refuses the others", () => {
  const requests = ["reboot", "reimage", "deallocate", "start", "changeUsers", "disable"] as const;
  const row = (state: NodeState): string =>
    [state, ...requests.map((event) => nodeStates.next(state, event).to ?? `(${nodeStates.next(state, event).refused})`)].join(" ");
  const not = "(OperationNotValidOnNode)";
  const all = (code: string, count = 5): string => Array(count).fill(code).join(" ");
  assert.deepEqual(nodeStates.states.map(row), [
    `creating ${all("(NodeBeingCreated)")} creating`,
    `starting ${all("(NodeBeingStarted)")} starting`,
    `waitingforstarttask ${all("(NodeBeingStarted)")} waitingforstarttask`,
    `starttaskfailed rebooting reimaging ${all(not, 3)} starttaskfailed`,
    `idle rebooting reimaging deallocating ${not} idle idle`,
    `running rebooting reimaging deallocating ${not} running running`,
    `unusable rebooting reimaging ${all("(NodeStateUnusable)", 3)} unusable`,
    `unknown ${all("(NodeStateUnusable)")} unknown`,
    `offline rebooting reimaging deallocating ${all(not, 2)} offline`,
    `rebooting ${all("(NodeBeingRebooted)")} rebooting`,
    `reimaging ${all("(NodeBeingReimaged)")} reimaging`,
    `deallocating ${all(not, 6)}`,
    `deallocated ${all(not, 3)} starting ${all(not, 2)}`,
    `leavingpool ${all(not, 6)}`,
    `preempted ${all("(NodeStateUnusable)", 6)}`,
  ]);
  assert.equal(nodeStates.next("offline", "idle").to, "offline", "a boot does not switch scheduling on");
  assert.equal(nodeStates.next("unknown", "idle").to, "idle");
});
