// A figure as the bench prints it: the median of several runs, beside its reference of the same run, with the limit it should keep.

export type Limit = { atLeast: number } | { atMost: number };

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
export const percentile = (values: readonly number[], p: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor((values.length * p) / 100))]!;

const short = (value: number): number => Number(value.toPrecision(4));

/** Prints one JSON line; without a limit the figure is for information. */
export const figure = (
  name: string,
  unit: string,
  runs: readonly number[],
  more: { limit?: Limit; reference?: Record<string, number>; note?: string } = {},
): number => {
  const value = median(runs);
  const pass = more.limit === undefined ? undefined : "atLeast" in more.limit ? value >= more.limit.atLeast : value <= more.limit.atMost;
  const limit =
    more.limit === undefined ? undefined : "atLeast" in more.limit ? `>= ${short(more.limit.atLeast)}` : `<= ${short(more.limit.atMost)}`;
  const reference =
    more.reference === undefined
      ? undefined
      : Object.fromEntries(Object.entries(more.reference).map(([key, number]) => [key, short(number)]));
  console.log(JSON.stringify({ figure: name, unit, median: short(value), runs: runs.map(short), limit, pass, reference, note: more.note }));
  return value;
};

export const runs = async (count: number, once: (run: number) => Promise<number>): Promise<number[]> => {
  const values: number[] = [];
  for (let run = 0; run < count; run++) values.push(await once(run));
  return values;
};

export const secondsSince = (start: number): number => (performance.now() - start) / 1000;
