// A user of a running Quern, for end-to-end tests: short words for requests that must succeed, and for waiting until something is seen.
// It knows the data plane's paths and nothing of what is behind them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Quern } from "./quern.ts";
import { until } from "./quern.ts";
import type { Answer, RawRequest } from "./signed.ts";

export const hostImage = {
  imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
  nodeAgentSKUId: "batch.node.ubuntu 22.04",
};
export const windowsImage = {
  imageReference: { publisher: "microsoftwindowsserver", offer: "windowsserver", sku: "2022-datacenter" },
  nodeAgentSKUId: "batch.node.windows amd64",
};

/** A command line for a shell script; the script may hold anything but single quotes. */
export const sh = (script: string): string => `/bin/sh -c '${script}'`;

export type User = ReturnType<typeof batchUser>;

export const batchUser = (quern: Quern) => {
  const raw = (request: RawRequest): Promise<Answer> => quern.raw(request);

  /** One request that must succeed. */
  const ok = async (method: string, path: string, body?: unknown, more: Partial<RawRequest> = {}): Promise<Answer> => {
    const answer = await raw({ method, path, ...(body === undefined ? {} : { body }), ...more });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  const get = async (path: string): Promise<any> => (await ok("GET", path)).json;
  const seen = <T = any>(path: string, done: (view: T) => boolean): Promise<T> => until(() => get(path), done);

  /** One request that must be refused so. */
  const refused = async (status: number, code: string, method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await raw({ method, path, ...(body === undefined ? {} : { body }) });
    assert.deepEqual([answer.status, answer.json?.code], [status, code], `${method} ${path}: ${answer.text}`);
    return answer;
  };

  const nodes = async (poolId: string): Promise<any[]> => (await get(`/pools/${poolId}/nodes`)).value;

  return {
    raw,
    ok,
    get,
    seen,
    refused,
    nodes,
    /** A pool of the machine's own kind; with nodes, when they are idle (or `state`). */
    pool: async (id: string, settings: Record<string, unknown> = {}, state: string | null = "idle"): Promise<void> => {
      await ok("POST", "/pools", {
        id,
        vmSize: "standard_d2_v3",
        targetDedicatedNodes: 1,
        virtualMachineConfiguration: hostImage,
        ...settings,
      });
      const wanted = Number(settings.targetDedicatedNodes ?? 1) + Number(settings.targetLowPriorityNodes ?? 0);
      if (state === null) return;
      await until(
        () => nodes(id),
        (list) => list.length === wanted && list.every((node) => node.state === state),
      );
    },
    job: (id: string, poolId: string, settings: Record<string, unknown> = {}): Promise<Answer> =>
      ok("POST", "/jobs", { id, poolInfo: { poolId }, ...settings }),
    task: (jobId: string, id: string, commandLine: string, settings: Record<string, unknown> = {}): Promise<Answer> =>
      ok("POST", `/jobs/${jobId}/tasks`, { id, commandLine, ...settings }),
    /** The task's view, once it is in that state. */
    taskIs: (jobId: string, id: string, state = "completed"): Promise<any> =>
      seen(`/jobs/${jobId}/tasks/${id}`, (view: any) => view.state === state),
    jobIs: (id: string, state: string): Promise<any> => seen(`/jobs/${id}`, (view: any) => view.state === state),
    poolIs: (id: string, state: string): Promise<any> => seen(`/pools/${id}`, (view: any) => view.allocationState === state),
    gone: (path: string): Promise<Answer> =>
      until(
        () => raw({ method: "GET", path }),
        ({ status }) => status === 404,
      ),
    /** The text of a file of a task. */
    file: async (jobId: string, taskId: string, path: string): Promise<string> =>
      (await ok("GET", `/jobs/${jobId}/tasks/${taskId}/files/${path}`)).text,
    /** Waits until the file is there and holds what is wanted. */
    fileSays: async (jobId: string, taskId: string, path: string, wanted: RegExp): Promise<string> =>
      (
        await until(
          () => raw({ method: "GET", path: `/jobs/${jobId}/tasks/${taskId}/files/${path}` }),
          ({ status, text }) => status === 200 && wanted.test(text),
        )
      ).text,
    /** The codes of why something waits. */
    why: async (subject: string): Promise<string[]> =>
      (await ok("GET", `/_quern/why?${subject}`, undefined, { version: null })).json.reasons.map((reason: { code: string }) => reason.code),
  };
};

/** Whether a process runs: one that has ended and was not waited for does not. */
export const isAlive = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
};
