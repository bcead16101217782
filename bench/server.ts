// A server for the bench: the database on the real disk, because durability is what is measured, and the nodes' directories on tmpfs,
// because a file system that has just deleted many directories is slow for minutes and would be measured instead.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Quern, startQuern, until } from "../tests/support/quern.ts";

export type BenchServer = { quern: Quern; close(): Promise<void> };

export const benchServer = async (args: string[] = [], location?: string): Promise<BenchServer> => {
  const base = location ?? mkdtempSync(join(tmpdir(), "quern-bench-"));
  const nodes = mkdtempSync("/dev/shm/quern-bench-");
  mkdirSync(base, { recursive: true, mode: 0o700 });
  symlinkSync(nodes, join(base, "agent"));
  const quern = await startQuern(undefined, { location: base, args });
  return {
    quern,
    close: async () => {
      await quern.stop();
      rmSync(base, { recursive: true, force: true });
      rmSync(nodes, { recursive: true, force: true });
    },
  };
};

/** A pool whose nodes are all idle. */
export const readyPool = async (quern: Quern, id: string, nodes: number, slots: number): Promise<void> => {
  const virtualMachineConfiguration = {
    imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
    nodeAgentSKUId: "batch.node.ubuntu 22.04",
  };
  const answer = await quern.raw({
    method: "POST",
    path: "/pools",
    body: { id, vmSize: "standard_d2_v3", targetDedicatedNodes: nodes, taskSlotsPerNode: slots, virtualMachineConfiguration },
  });
  if (answer.status !== 201) throw new Error(answer.text);
  await until(
    async () => (await quern.raw({ method: "GET", path: `/pools/${id}/nodes?$select=state` })).json.value as { state: string }[],
    (list) => list.length === nodes && list.every((node) => node.state === "idle"),
  );
};

export const newJob = async (quern: Quern, id: string, poolId: string): Promise<void> => {
  const answer = await quern.raw({ method: "POST", path: "/jobs", body: { id, poolInfo: { poolId } } });
  if (answer.status !== 201) throw new Error(answer.text);
};

/** Adds `count` tasks by raw signed requests of 100, `flight` of them at once. */
export const submit = async (quern: Quern, jobId: string, count: number, flight: number, commandLine = "/bin/true"): Promise<void> => {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < count) {
      const from = next;
      next += 100;
      const value = Array.from({ length: Math.min(100, count - from) }, (_, index) => ({
        id: `t${String(from + index).padStart(7, "0")}`,
        commandLine,
      }));
      const answer = await quern.raw({ method: "POST", path: `/jobs/${jobId}/addtaskcollection`, body: { value } });
      if (answer.status !== 200 || answer.json.value.some((result: { status: string }) => result.status !== "Success"))
        throw new Error(answer.text.slice(0, 500));
    }
  };
  await Promise.all(Array.from({ length: flight }, sender));
};

export const completedOf = async (quern: Quern, jobId: string): Promise<number> =>
  (await quern.raw({ method: "GET", path: `/jobs/${jobId}/taskcounts` })).json.taskCounts.completed;
