// At most so many pieces of work at once; the others wait their turn in order.

export type Bounded = <T>(work: () => Promise<T>) => Promise<T>;

export const bounded = (limit: number): Bounded => {
  let busy = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (busy >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy--;
      else next();
    }
  };
};
