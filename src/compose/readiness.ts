// What a start waits for and what /readyz tells: the state of each part that requests depend on.
import { readFileSync } from "node:fs";
import type { Clock } from "../lib/clock.ts";
import type { Hub } from "../node-management/hub.ts";
import { listAccounts } from "../store/accounts.ts";
import type { Store } from "../store/db.ts";

/** Resolves with the promise or when its time is over: for what is waited for but not insisted on. */
export const withinTime = (promise: Promise<void>, clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = clock.after(ms, resolve);
    void promise.then(() => {
      timer.cancel();
      resolve();
    });
  });

/** Watches a promise so that its state can be asked for at any moment. */
export const watched = (promise: Promise<void>): (() => string) => {
  let state = "starting";
  promise.then(
    () => {
      state = "ready";
    },
    () => {
      state = "failed";
    },
  );
  return () => state;
};

export const readiness = async (
  store: Store,
  storage: string,
  hub: Hub,
  agentId: string,
): Promise<{ ready: boolean; parts: Record<string, string> }> => {
  const database = await listAccounts(store).then(
    () => "ready",
    () => "failed",
  );
  // Without its agent the API still answers and tasks wait; so it is told but does not decide.
  return {
    ready: storage === "ready" && database === "ready",
    parts: { database, storage, agent: hub.isConnected(agentId) ? "connected" : "away" },
  };
};

/** What this machine says of its own system. */
export const osRelease = (): string => {
  for (const file of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return readFileSync(file, "utf8");
    } catch {
      // The next place, or a system without one (macOS).
    }
  }
  return `ID=${process.platform}\n`;
};
