// What the figures stand beside, measured in the same run: the operating system's own floor and, where they are installed, queue systems
// doing the same work.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { median, secondsSince } from "./figures.ts";

export const inFlight = 2;

const timed = (count: number, rounds: number, once: () => void): number => {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    once();
    rates.push(count / secondsSince(start));
  }
  return median(rates);
};

/** Processes a second by posix_spawn with two in flight and output to files; undefined without a C compiler. */
export const posixSpawnRate = (scratch: string, count = 5_000): number | undefined => {
  const program = join(scratch, "spawn-loop");
  if (!existsSync(program) && spawnSync("cc", ["-O2", "-o", program, join(import.meta.dirname, "spawn-loop.c")]).status !== 0)
    return undefined;
  const out = join(scratch, "spawn-out");
  mkdirSync(out, { recursive: true });
  return timed(count, 3, () => execFileSync(program, [String(count), String(inFlight), out]));
};

/** Commands a second by `xargs -P2`, each through sh with its output in files. */
export const xargsRate = (scratch: string, count = 2_000): number => {
  const out = join(scratch, "xargs-out");
  mkdirSync(out, { recursive: true });
  const command = `seq ${count} | xargs -P${inFlight} -I{} sh -c '/bin/true >${out}/{}.out 2>${out}/{}.err'`;
  return timed(count, 3, () => execFileSync("sh", ["-c", command]));
};

/**
 * Tasks a second of the queue peers of ../shared/bench, by their own script; empty where Redis, PostgreSQL or their npm packages are not
 * installed (QUERN_BENCH_PEERS names the folder that has them).
 */
export const peerRates = (): Record<string, number> => {
  const folder = process.env.QUERN_BENCH_PEERS;
  if (folder === undefined || !existsSync(join(folder, "peers.mjs"))) return {};
  const has = (name: string): boolean => {
    try {
      createRequire(join(folder, "peers.mjs")).resolve(name);
      return true;
    } catch {
      return false;
    }
  };
  const peers = [
    has("bullmq") && spawnSync("redis-server", ["--version"]).status === 0 ? "bullmq" : "",
    has("pg-boss") && spawnSync("initdb", ["--version"]).status === 0 ? "pgboss" : "",
  ].filter(Boolean);
  if (peers.length === 0) return {};
  const result = spawnSync(process.execPath, [join(folder, "peers.mjs")], {
    encoding: "utf8",
    env: { ...process.env, PEERS: peers.join(","), N: "2000", SLOTS: String(inFlight) },
    timeout: 120_000,
  });
  return Object.fromEntries(
    result.stdout
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))
      .map((line: { bench: string; median: number }) => [line.bench, line.median]),
  );
};
