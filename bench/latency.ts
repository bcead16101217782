// One task on an idle slot: from sending the POST to the moment its completion is durable (its counts say so, and they change in the same
// commit), and to the answer of the POST alone.
import { figure, percentile } from "./figures.ts";
import { benchServer, completedOf, newJob, readyPool } from "./server.ts";

export const benchLatency = async (): Promise<void> => {
  const server = await benchServer(["--storage", "none"]);
  await readyPool(server.quern, "p", 1, 2);
  const rounds: { answered: number[]; done: number[] }[] = [];
  for (let round = 0; round < 3; round++) {
    await newJob(server.quern, `j${round}`, "p");
    const answered: number[] = [];
    const done: number[] = [];
    for (let index = 0; index < 200; index++) {
      const start = performance.now();
      const answer = await server.quern.raw({
        method: "POST",
        path: `/jobs/j${round}/tasks`,
        body: { id: `t${index}`, commandLine: "/bin/true" },
      });
      if (answer.status !== 201) throw new Error(answer.text);
      answered.push(performance.now() - start);
      while ((await completedOf(server.quern, `j${round}`)) <= index);
      done.push(performance.now() - start);
    }
    rounds.push({ answered, done });
  }
  const each = (pick: (round: { answered: number[]; done: number[] }) => number[], p: number): number[] =>
    rounds.map((round) => percentile(pick(round), p));
  const note = "200 tasks a run; found by asking for the counts again and again, which shares the two cores";
  figure(
    "one task, POST to durable completion, p50",
    "ms",
    each((round) => round.done, 50),
    { limit: { atMost: 5 }, note },
  );
  figure(
    "one task, POST to durable completion, p99",
    "ms",
    each((round) => round.done, 99),
    { limit: { atMost: 25 } },
  );
  figure(
    "one task, POST to its answer, p50",
    "ms",
    each((round) => round.answered, 50),
  );
  figure(
    "one task, POST to its answer, p99",
    "ms",
    each((round) => round.answered, 99),
  );
  await server.close();
};
