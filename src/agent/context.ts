// What the parts of the agent share: the outside world, and the few things the connection tells them.
import type { AgentEvent } from "../api/agent/messages.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { UrlPolicy } from "../storage/addresses.ts";
import type { Launcher, LauncherOptions } from "./launcher/launcher.ts";
import type { AgentLayout } from "./layout.ts";
import type { Patience } from "./retry.ts";
import type { Trash } from "./trash.ts";

export type AgentContext = {
  clock: Clock;
  ids: Ids;
  log: Log;
  layout: AgentLayout;
  patience: Patience;
  trash: Trash;
  openLauncher(options: LauncherOptions): Launcher;
  /** As the control plane last said; before its first word nothing private may be reached. */
  policy(): UrlPolicy;
  report(event: AgentEvent): void;
};
