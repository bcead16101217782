// Start-up time on a new and on a warm location, memory of the idle parts, and how soon a node is idle.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startQuern } from "../tests/support/quern.ts";
import { figure } from "./figures.ts";
import { benchServer, readyPool } from "./server.ts";

const proportionalMb = (pid: number): number =>
  Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

const processWith = (words: string[]): number | undefined => {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, "utf8");
      if (words.every((word) => command.includes(word))) return Number(entry);
    } catch {
      // It ended while we looked.
    }
  }
  return undefined;
};

export const benchAtRest = async (): Promise<void> => {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let run = 0; run < 5; run++) {
    const location = mkdtempSync(join(tmpdir(), "quern-bench-"));
    for (const times of [cold, warm]) {
      const start = performance.now();
      const quern = await startQuern(undefined, { location });
      times.push((performance.now() - start) / 1000);
      await quern.stop();
    }
    rmSync(location, { recursive: true, force: true });
  }
  figure("ready on the first start", "s", cold, { limit: { atMost: 2 } });
  figure("ready on a warm location", "s", warm, { limit: { atMost: 1 } });

  const server = await benchServer();
  const { location, ready } = server.quern;
  figure("control plane, idle, resident", "MB", [residentMb(ready.pid)], { limit: { atMost: 150 } });
  const agent = processWith([location, "agent", "--control"]);
  if (agent !== undefined) figure("agent, idle, resident", "MB", [residentMb(agent)]);
  const azurite = processWith([join(location, "azurite")]);
  if (azurite !== undefined) figure("Azurite, idle, resident", "MB", [residentMb(azurite)]);

  const nodes: number[] = [];
  for (let run = 0; run < 5; run++) {
    const start = performance.now();
    await readyPool(server.quern, `p${run}`, 1, 2);
    nodes.push((performance.now() - start) / 1000);
  }
  figure("pool created to node idle", "s", nodes, { limit: { atMost: 2 } });
  const before = memoryOfAll(location, ready.pid);
  await readyPool(server.quern, "fifty", 50, 2);
  figure("extra memory of 50 nodes", "MB", [memoryOfAll(location, ready.pid) - before], {
    limit: { atMost: 1024 },
    note: "proportional set size of everything started",
  });
  await server.close();
};

/** Of the server and everything whose command line names its location. */
const memoryOfAll = (location: string, serverPid: number): number =>
  readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .reduce((sum, entry) => {
      try {
        const command = readFileSync(`/proc/${entry}/cmdline`, "utf8");
        return Number(entry) === serverPid || command.includes(location) || command.includes("launcher")
          ? sum + proportionalMb(Number(entry))
          : sum;
      } catch {
        return sum;
      }
    }, 0);
