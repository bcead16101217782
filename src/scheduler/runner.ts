// Runs one idempotent function a key, woken by a bell: one run at a time for each key, rings during a run lead to one more,
// and a failure is logged and tried again after a while. It keeps no work of its own: what there is to do is in the store.
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";

export type Runner<K> = {
  ring(key: K): void;
  /** Rings once, `delayMs` from now. Of several calls for a key the earliest counts: who is rung looks again and says when next. */
  ringAfter(key: K, delayMs: number): void;
  /** Resolves when nothing runs and nothing was rung. */
  idle(): Promise<void>;
  /** How often it was rung since the start. */
  rings(): number;
  /** No run begins any more; resolves when the last one has ended. */
  stop(): Promise<void>;
};

const firstRetryMs = 200;
const lastRetryMs = 30_000;

export const makeRunner = <K>(parts: {
  name: string;
  nameOf: (key: K) => string;
  run: (key: K) => Promise<void>;
  clock: Clock;
  log: Log;
}): Runner<K> => {
  const { nameOf, clock, log } = parts;
  const running = new Map<string, { again: boolean }>();
  const timers = new Map<string, { timer: Timer; dueAt: number }>();
  const failures = new Map<string, number>();
  let waiters: (() => void)[] = [];
  let stopped = false;
  let rings = 0;

  const once = async (key: K, name: string): Promise<void> => {
    try {
      await parts.run(key);
      failures.delete(name);
    } catch (error) {
      if (stopped) return;
      const count = (failures.get(name) ?? 0) + 1;
      failures.set(name, count);
      log.error({ err: error, [parts.name]: name }, `${parts.name} failed; it will be tried again`);
      ringAfter(key, Math.min(lastRetryMs, firstRetryMs * 2 ** (count - 1)));
    }
  };

  const start = async (key: K, name: string): Promise<void> => {
    const state = { again: true };
    running.set(name, state);
    // The caller of ring is never held up, and rings of the same turn become one run.
    await Promise.resolve();
    while (state.again && !stopped) {
      state.again = false;
      await once(key, name);
    }
    running.delete(name);
    if (running.size === 0) {
      const released = waiters;
      waiters = [];
      for (const release of released) release();
    }
  };

  const ring = (key: K): void => {
    if (stopped) return;
    rings += 1;
    const name = nameOf(key);
    const state = running.get(name);
    if (state !== undefined) state.again = true;
    else void start(key, name);
  };

  const ringAfter = (key: K, delayMs: number): void => {
    const name = nameOf(key);
    const dueAt = clock.now() + Math.max(0, delayMs);
    const armed = timers.get(name);
    if (stopped || (armed !== undefined && armed.dueAt <= dueAt)) return;
    armed?.timer.cancel();
    const fire = (): void => {
      timers.delete(name);
      ring(key);
    };
    timers.set(name, { timer: clock.after(delayMs, fire), dueAt });
  };

  const idle = (): Promise<void> => (running.size === 0 ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve)));

  const stop = (): Promise<void> => {
    stopped = true;
    for (const { timer } of timers.values()) timer.cancel();
    timers.clear();
    return idle();
  };

  return { ring, ringAfter, idle, rings: () => rings, stop };
};
