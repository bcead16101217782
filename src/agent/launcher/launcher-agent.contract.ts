// An agent for the tests to kill: carries out the plan file named on its command line, and says when two tasks have started.
import { readFileSync } from "node:fs";
import { systemClock } from "../../lib/clock.ts";
import { compiledLauncher } from "./compiled.ts";
import type { LauncherOptions, LaunchOrder } from "./launcher.ts";
import { portableLauncher } from "./portable.ts";

const plan = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as {
  kind: string;
  program?: string;
  directory: string;
  slots: number;
  orders: LaunchOrder[];
};
let started = 0;
const options: LauncherOptions = {
  directory: plan.directory,
  slots: plan.slots,
  events: {
    started: (tasks) => {
      started += tasks.length;
      if (started === 2) console.log("started");
    },
    exited: () => {},
    disconnected: (reason) => console.error(reason),
  },
};
const launcher =
  plan.kind === "compiled"
    ? compiledLauncher({ ...options, program: plan.program! })
    : portableLauncher({ ...options, clock: systemClock() });
await launcher.connect();
launcher.spawn(plan.orders);
