// The agent that a start brings along: how it is started, what it shows, and whom its messages go to.
import { fileURLToPath } from "node:url";
import type { Location } from "../cli/location.ts";
import type { StartOptions } from "../cli/options.ts";
import type { Ids } from "../lib/ids.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Store } from "../store/db.ts";
import { getSetting, putSetting } from "../store/settings.ts";

/** An agent whose control plane does not come back ends, with its tasks, after this. */
const orphanSeconds = 120;

/** What agents show: made once per location, so that an agent that outlives the server is still known to the next one. */
export const agentToken = async (store: Store, ids: Ids): Promise<string> => {
  const kept = await getSetting(store, "agentToken");
  if (kept !== undefined) return kept;
  const token = ids.hex(32);
  await store.commit(putSetting("agentToken", token));
  return token;
};

export const listenerOf = (later: { scheduler?: Scheduler }, connected: () => void): Scheduler["listener"] => ({
  onHello: (hello) => later.scheduler!.listener.onHello(hello),
  onConnected: (agentId) => {
    later.scheduler!.listener.onConnected(agentId);
    connected();
  },
  onEvents: (agentId, events) => later.scheduler!.listener.onEvents(agentId, events),
  onMachine: (agentId, usage) => later.scheduler!.listener.onMachine?.(agentId, usage),
  onDisconnected: (agentId) => later.scheduler!.listener.onDisconnected(agentId),
});

/** The same program that runs now, from the sources in a checkout and from dist when packed. */
export const agentCommand = (location: Location, control: string, options: StartOptions): { file: string; args: string[] } => ({
  file: process.execPath,
  args: [
    fileURLToPath(new URL("../../bin/quern.js", import.meta.url)),
    "agent",
    ...["--directory", location.agent],
    ...["--control", control],
    ...["--cache", location.launcherCache],
    ...["--launcher", options.launcher],
    ...["--orphan-seconds", String(orphanSeconds)],
    ...(options.debug === undefined ? [] : ["--debug"]),
  ],
});
