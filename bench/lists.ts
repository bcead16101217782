// A page of 1,000 tasks and the counts in a job of 100,000 tasks against a job of 1,000: neither may depend on the size of the job.
import { figure, median } from "./figures.ts";
import { benchServer, newJob, submit } from "./server.ts";

export const benchLists = async (): Promise<void> => {
  const server = await benchServer(["--storage", "none"]);
  const sizes = { small: 1_000, large: 100_000 };
  for (const [jobId, size] of Object.entries(sizes)) {
    await newJob(server.quern, jobId, "none");
    await submit(server.quern, jobId, size, 4);
  }
  const timeOf = async (path: string): Promise<number> => {
    const start = performance.now();
    const answer = await server.quern.raw({ method: "GET", path });
    if (answer.status !== 200) throw new Error(answer.text);
    return performance.now() - start;
  };
  const compare = async (what: string, path: (jobId: string) => string): Promise<void> => {
    const times: Record<string, number[]> = { small: [], large: [] };
    for (let round = 0; round < 30; round++) for (const jobId of Object.keys(sizes)) times[jobId]!.push(await timeOf(path(jobId)));
    const [small, large] = [median(times.small!), median(times.large!)];
    figure(`${what} at 100,000 tasks against 1,000`, "ratio", [large / small], {
      limit: { atMost: 1.3 },
      reference: { "ms at 1,000": small, "ms at 100,000": large },
    });
  };
  await compare("a page of 1,000 tasks", (jobId) => `/jobs/${jobId}/tasks?maxresults=1000`);
  await compare("task counts", (jobId) => `/jobs/${jobId}/taskcounts`);
  await server.close();
};
