// The only place that reads the time or arms a timer. Everything else is handed a Clock, so that tests own the time.

/** Milliseconds since the Unix epoch. */
export type Instant = number;

/**
 * Microseconds since the Unix epoch, strictly increasing within a process. One number gives a resource both its
 * `Last-Modified` and its ETag, and gives tasks their creation order without asking the database for a sequence.
 */
export type Stamp = number;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): Instant;
  /** A fresh, strictly increasing stamp: `now()` in microseconds, or one more than the last one given. */
  stamp(): Stamp;
  /** Milliseconds of a monotonic clock, for measuring durations (never compared between processes). */
  elapsed(): number;
  /** Calls `action` once, `delayMs` from now (at once, but never synchronously, when 0 or less). Does not keep the process alive. */
  after(delayMs: number, action: () => void): Timer;
}

/** The longest delay that Node's timers accept; a longer one would fire at once. */
const longestDelayMs = 2 ** 31 - 1;

export const systemClock = (): Clock => {
  let lastStamp: Stamp = 0;
  return {
    now: () => Date.now(),
    stamp: () => {
      lastStamp = Math.max(Date.now() * 1000, lastStamp + 1);
      return lastStamp;
    },
    elapsed: () => performance.now(),
    after: (delayMs, action) => {
      let timer: NodeJS.Timeout;
      const arm = (leftMs: number): void => {
        const stepMs = Math.min(leftMs, longestDelayMs);
        timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : action()), stepMs);
        timer.unref();
      };
      arm(Math.max(0, delayMs));
      return { cancel: () => clearTimeout(timer) };
    },
  };
};

/** A clock that moves only when told to: for tests and the simulation. */
export class ManualClock implements Clock {
  #now: Instant;
  #lastStamp: Stamp = 0;
  #nextTimer = 0;
  readonly #timers = new Map<number, { at: Instant; action: () => void }>();

  constructor(start: Instant = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  stamp(): Stamp {
    this.#lastStamp = Math.max(this.#now * 1000, this.#lastStamp + 1);
    return this.#lastStamp;
  }

  elapsed(): number {
    return this.#now;
  }

  after(delayMs: number, action: () => void): Timer {
    const id = this.#nextTimer++;
    this.#timers.set(id, { at: this.#now + Math.max(0, delayMs), action });
    return { cancel: () => void this.#timers.delete(id) };
  }

  /** When the next timer is due, if any is armed. */
  nextTimerAt(): Instant | undefined {
    return [...this.#timers.values()].reduce<Instant | undefined>(
      (least, t) => (least === undefined || t.at < least ? t.at : least),
      undefined,
    );
  }

  /** Moves the time forward, firing the timers that become due, in order, each at its own time. */
  advance(byMs: number): void {
    const end = this.#now + byMs;
    for (;;) {
      const due = [...this.#timers].filter(([, t]) => t.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].action();
    }
    this.#now = end;
  }
}

/** ISO 8601 in UTC with up to seven fraction digits and no trailing zeros, as the service writes times. */
export const isoTime = (at: Instant): string => new Date(at).toISOString().replace(/\.?0*Z$/, "Z");

/** A stamp as the service writes `lastModified`: six fraction digits less trailing zeros. */
export const isoStamp = (stamp: Stamp): string => {
  const seconds = new Date(Math.floor(stamp / 1000)).toISOString().slice(0, 19);
  const fraction = String(stamp % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return fraction === "" ? `${seconds}Z` : `${seconds}.${fraction}Z`;
};

/** The millisecond that a stamp is of. */
export const instantOf = (stamp: Stamp): Instant => Math.floor(stamp / 1000);

/** RFC 1123 in whole seconds, for headers. */
export const httpDate = (at: Instant): string => new Date(at).toUTCString();

/** Ticks of 100 ns between 0001-01-01 and the Unix epoch: the service's ETags are "0x8" and such a tick count in hex. */
const epochTicks = 621_355_968_000_000_000n;

/** The bare (unquoted) ETag of a resource last changed at `stamp`, e.g. `0x8DD671E625BC63D`. */
export const etagOf = (stamp: Stamp): string => `0x${(epochTicks + BigInt(stamp) * 10n).toString(16).toUpperCase()}`;
