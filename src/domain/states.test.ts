// Every state machine, every state and every event: the tables as text, so that a change is seen as one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jobScheduleStates } from "./job-schedules.ts";
import { jobStates } from "./jobs.ts";
import { nodeStates } from "./nodes.ts";
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

test("nodes: no event brings back one that leaves, and reboots are refused where they make no sense", () => {
  for (const event of nodeStates.events) {
    assert.equal(nodeStates.next("leavingpool", event).to, undefined, event);
    if (event !== "leave") assert.equal(nodeStates.next("preempted", event).refused, "NodeStateUnusable", event);
  }
  const reboot = nodeStates.states.map(
    (state) => `${state}>${nodeStates.next(state, "reboot").to ?? nodeStates.next(state, "reboot").refused}`,
  );
  assert.deepEqual(reboot, [
    "creating>NodeBeingCreated",
    "starting>NodeBeingStarted",
    "waitingforstarttask>NodeBeingStarted",
    "starttaskfailed>rebooting",
    "idle>rebooting",
    "running>rebooting",
    "unusable>rebooting",
    "unknown>NodeStateUnusable",
    "offline>rebooting",
    "rebooting>NodeBeingRebooted",
    "leavingpool>OperationNotValidOnNode",
    "preempted>NodeStateUnusable",
  ]);
  assert.equal(nodeStates.next("offline", "idle").to, "offline", "a boot does not switch scheduling on");
  assert.equal(nodeStates.next("unknown", "idle").to, "idle");
});
