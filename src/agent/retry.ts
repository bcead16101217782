// Trying again what may pass: a few times, with growing and jittered pauses by the clock that is handed in.
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { isTransient } from "../storage/blobs.ts";

export type Patience = { clock: Clock; ids: Ids; tries: number; firstPauseMs: number };

/** Five tries within about four seconds of pauses: long enough for a hiccup, short enough for a user who waits for the failure. */
export const usualPatience = (clock: Clock, ids: Ids): Patience => ({ clock, ids, tries: 5, firstPauseMs: 250 });

const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });

export const withRetries = async <T>(patience: Patience, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
  for (let tried = 1; ; tried++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (tried >= patience.tries || signal.aborted || !isTransient(error)) throw error;
    }
    await pause(patience.clock, patience.firstPauseMs * 2 ** (tried - 1) * (0.75 + patience.ids.chance() / 2), signal);
  }
};
