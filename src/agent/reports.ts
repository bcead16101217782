// The outbox of the agent: events become numbered reports, sent in order and kept until they are acknowledged, so that a broken connection or a
// restarted control plane loses none. Does not survive the agent: what matters can be told again from launchers and journals.
import type { AgentEvent, ToControlPlane } from "../api/agent/messages.ts";
import type { Clock, Timer } from "../lib/clock.ts";

export interface Reports {
  add(event: AgentEvent): void;
  /** All reports up to `n` are durable at the control plane. */
  acknowledge(n: number): void;
  /** There is a connection again: everything unacknowledged is sent through it, then what comes later. */
  connected(send: (text: string) => void): void;
  disconnected(): void;
  /** Sends what is held back. */
  flush(): void;
  /** Resolves when all is acknowledged, or when there is nobody (any more) to do it. */
  settled(): Promise<void>;
}

/**
 * A report is held back only while the launchers have enough queued work that nobody waits for the answer: a quarter of a millisecond per queued
 * attempt and at most 5 ms, so that even at 2,500 tasks a second the queue does not run dry meanwhile; below four attempts not at all.
 */
export const holdMs = (queuedAttempts: number): number => (queuedAttempts < 4 ? 0 : Math.min(5, queuedAttempts / 4));

export const openReports = (options: {
  clock: Clock;
  queuedAttempts: () => number;
  /** These events are durable at the control plane. */
  acknowledged: (events: AgentEvent[]) => void;
}): Reports => {
  const { clock } = options;
  const unacknowledged: { n: number; text: string; events: AgentEvent[] }[] = [];
  let pending: AgentEvent[] = [];
  let lastNumber = 0;
  let send: ((text: string) => void) | undefined;
  let timer: Timer | undefined;
  let scheduled = false;
  const waiting: (() => void)[] = [];

  const flush = (): void => {
    scheduled = false;
    timer?.cancel();
    timer = undefined;
    if (pending.length === 0) return;
    const report: ToControlPlane = { type: "report", n: ++lastNumber, events: pending };
    const text = JSON.stringify(report);
    unacknowledged.push({ n: lastNumber, text, events: pending });
    pending = [];
    send?.(text);
  };

  const schedule = (): void => {
    const ms = holdMs(options.queuedAttempts());
    if (ms >= 1) {
      if (!scheduled) timer ??= clock.after(ms, flush);
      return;
    }
    if (scheduled) return;
    // One report for all that arrived in the same turn of the event loop.
    scheduled = true;
    queueMicrotask(flush);
  };

  return {
    add: (event) => {
      pending.push(event);
      schedule();
    },
    acknowledge: (n) => {
      const events: AgentEvent[] = [];
      while (unacknowledged.length > 0 && unacknowledged[0]!.n <= n) events.push(...unacknowledged.shift()!.events);
      if (events.length > 0) options.acknowledged(events);
      if (unacknowledged.length > 0 || pending.length > 0) return;
      for (const resolve of waiting.splice(0)) resolve();
    },
    connected: (through) => {
      for (const { text } of unacknowledged) through(text);
      send = through;
      flush();
    },
    disconnected: () => {
      send = undefined;
      for (const resolve of waiting.splice(0)) resolve();
    },
    flush,
    settled: () =>
      new Promise((resolve) => {
        if (send === undefined || (unacknowledged.length === 0 && pending.length === 0)) resolve();
        else waiting.push(resolve);
      }),
  };
};
