// Tasks a second from the first submit to the last completion: 5,000 times /bin/true on one node with two slots, through the REST API.

import type { Quern } from "../tests/support/quern.ts";
import { figure, runs, secondsSince } from "./figures.ts";
import { peerRates, posixSpawnRate, xargsRate } from "./references.ts";
import { benchServer, completedOf, newJob, readyPool, submit } from "./server.ts";

const count = 5_000;

const untilCompleted = async (quern: Quern, jobId: string, wanted: number): Promise<void> => {
  // Asking costs the server CPU that the tasks need, so it is asked at a pace that a client would use.
  for (let pauseMs = 20; (await completedOf(quern, jobId)) < wanted; ) await new Promise((done) => setTimeout(done, pauseMs));
};

export const benchThroughput = async (scratch: string): Promise<void> => {
  const spawnRate = posixSpawnRate(scratch);
  const xargs = xargsRate(scratch);
  const peers = peerRates();
  const best = Math.max(0, ...Object.values(peers));
  for (const launcher of ["compiled", "portable"]) {
    const server = await benchServer(["--launcher", launcher, "--storage", "none"]);
    await readyPool(server.quern, "p", 1, 2);
    const once = async (run: number): Promise<number> => {
      await newJob(server.quern, `j${run}`, "p");
      const start = performance.now();
      await submit(server.quern, `j${run}`, count, 2);
      await untilCompleted(server.quern, `j${run}`, count);
      return count / secondsSince(start);
    };
    await once(99);
    const limit = launcher === "portable" ? 800 : Math.max(spawnRate === undefined ? 1_500 : spawnRate / 2, 3 * best);
    figure(`tasks end to end, ${launcher} launcher`, "tasks/s", await runs(3, once), {
      limit: { atLeast: limit },
      reference: { ...(spawnRate === undefined ? {} : { posix_spawn: spawnRate }), "xargs -P2 sh -c": xargs, ...peers },
      note: spawnRate === undefined ? "no C compiler: the limit is the figure of the machine kind" : undefined,
    });
    if (launcher === "compiled") await withClient(server.quern);
    await server.close();
  }
};

/** The same through @azure/batch, for information: the client's own CPU is a large part. */
const withClient = async (quern: Quern): Promise<void> => {
  const batch = quern.client();
  const once = async (run: number): Promise<number> => {
    const jobId = `sdk${run}`;
    await batch.job.add({ id: jobId, poolInfo: { poolId: "p" } });
    const start = performance.now();
    for (let from = 0; from < count; from += 100) {
      await batch.task.addCollection(
        jobId,
        Array.from({ length: 100 }, (_, index) => ({ id: `t${from + index}`, commandLine: "/bin/true" })),
      );
    }
    await untilCompleted(quern, jobId, count);
    return count / secondsSince(start);
  };
  figure("tasks end to end, submitted by @azure/batch", "tasks/s", await runs(3, once));
};
