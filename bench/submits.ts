// Durable submits a second through addtaskcollection, 100 tasks a request, into a job whose pool does not exist, so nothing else runs.
import { figure, runs, secondsSince } from "./figures.ts";
import { benchServer, newJob, submit } from "./server.ts";

export const benchSubmits = async (): Promise<void> => {
  const server = await benchServer(["--storage", "none"]);
  for (const flight of [1, 4]) {
    const count = 20_000;
    const once = async (run: number): Promise<number> => {
      await newJob(server.quern, `j${flight}-${run}`, "none");
      const start = performance.now();
      await submit(server.quern, `j${flight}-${run}`, count, flight);
      return count / secondsSince(start);
    };
    await once(99);
    figure(
      `durable submits, ${flight} client${flight > 1 ? "s" : ""}`,
      "tasks/s",
      await runs(3, once),
      flight === 4 ? { limit: { atLeast: 20_000 } } : {},
    );
  }
  await server.close();
};
