// What the parts of the agent share: the outside world, and the few things the connection tells them.
import type { AgentEvent } from "../api/agent/messages.ts";
import type { UrlPolicy } from "../lib/addresses.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
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
  /** The control plane's first word to this agent: before it nothing is known of what URLs may reach, so no file comes or goes. */
  welcomed: Promise<void>;
  /** As the control plane last said. */
  policy(): UrlPolicy;
  report(event: AgentEvent): void;
};
