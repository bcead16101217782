// The portable launcher: the contract, less what a shell cannot do (each with its reason).
import { systemClock } from "../../lib/clock.ts";
import { type LauncherKind, launcherContract } from "./launcher.contract.ts";
import { portableLauncher } from "./portable.ts";

const kind: LauncherKind = {
  name: "portable",
  make: (options) => portableLauncher({ ...options, clock: systemClock() }),
  skips: {
    "exit codes above 128 are not taken for signals": "a shell reports a signal n as 128 + n",
    "peak memory of a task": "no shell builtin tells it",
    "another user": 'a shell cannot change its user; the order is refused with stage "user"',
  },
};
launcherContract(kind);
