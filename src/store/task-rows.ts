// The one place where rows of the table tasks become Task values and back.
import type { Task, TaskState } from "../domain/tasks.ts";
import type { SqlValue } from "./db.ts";

export type TaskRow = {
  account_id: number;
  job_uid: number;
  seq: number;
  id: string;
  key: string;
  state: TaskState;
  state_changed_at: number;
  previous_state: TaskState | null;
  previous_state_changed_at: number | null;
  slots: number;
  blocked: number;
  held: string | null;
  spec: string;
  execution: string;
  node_id: string | null;
  attempt: number;
  result: "success" | "failure" | null;
  exit_code: number | null;
  started_at: number | null;
  ended_at: number | null;
  satisfied: number;
  number: number | null;
  modified: number;
  generation: number;
};

export const taskFromRow = (row: TaskRow): Task => {
  const task: Task = {
    accountId: row.account_id,
    jobUid: row.job_uid,
    seq: row.seq,
    id: row.id,
    key: row.key,
    state: row.state,
    stateChangedAt: row.state_changed_at,
    slots: row.slots,
    blocked: row.blocked,
    spec: JSON.parse(row.spec),
    execution: JSON.parse(row.execution),
    attempt: row.attempt,
    satisfied: row.satisfied === 1,
    modified: row.modified,
    generation: row.generation,
  };
  if (row.previous_state !== null) task.previousState = row.previous_state;
  if (row.previous_state_changed_at !== null) task.previousStateChangedAt = row.previous_state_changed_at;
  if (row.held !== null) task.held = row.held;
  if (row.node_id !== null) task.nodeId = row.node_id;
  if (row.number !== null) task.number = row.number;
  return task;
};

/** `changingColumns` as a SET list; their values come from `changingValues` in the same order. */
export const setChanging = `state = ?, state_changed_at = ?, previous_state = ?, previous_state_changed_at = ?, held = ?, execution = ?,
  node_id = ?, attempt = ?, result = ?, exit_code = ?, started_at = ?, ended_at = ?, satisfied = ?, modified = ?`;

export const changingColumns = `state, state_changed_at, previous_state, previous_state_changed_at, held, execution,
  node_id, attempt, result, exit_code, started_at, ended_at, satisfied, modified`;

/** Everything of a task that changes after it was added, except `spec` (rarely), and `blocked` (kept by dependencies.ts alone). */
export const changingValues = (task: Task): SqlValue[] => [
  task.state,
  task.stateChangedAt,
  task.previousState ?? null,
  task.previousStateChangedAt ?? null,
  task.held ?? null,
  JSON.stringify(task.execution),
  task.nodeId ?? null,
  task.attempt,
  task.execution.result ?? null,
  task.execution.exitCode ?? null,
  task.execution.startTime ?? null,
  task.execution.endTime ?? null,
  Number(task.satisfied),
  task.modified,
];
