// What the agent asks of a node's launcher, whichever kind it is. Types only: compiled.ts and portable.ts do the work, and
// launcher.contract.ts says (by test) what both promise. A launcher knows processes and slots; it knows nothing of jobs, files or retries.

export interface LaunchOrder {
  /** Names this one attempt, for ever: an id that the launcher still knows is not started again. 1 to 200 bytes, no NUL, no newline. */
  id: string;
  /** How many of the node's slots it occupies; 1 or more. Orders start strictly in the order given, so a wide one waits and all behind it too. */
  slots: number;
  /** The program (with a slash: relative to `cwd` or absolute; without one: a file in `cwd`, PATH is not searched) and its arguments. No shell is involved. */
  argv: string[];
  /** The whole environment; nothing is inherited. A name must not be empty or hold `=` or NUL. */
  env: Record<string, string>;
  cwd: string;
  /** Created or emptied, mode 0644; a symbolic link or a pipe there is refused (`error.stage` "open"). */
  stdoutPath: string;
  stderrPath: string;
  /** Keep the slots after the exit, until `release(id)`: for work that belongs to the task but is done by the agent. */
  hold: boolean;
  /** Become this user (and group, and no other group) first. Needs a launcher that runs as root; else `error.stage` is "user". Both or none. */
  uid?: number;
  gid?: number;
}

/** What a process used, children it waited for included. null: this launcher cannot tell. */
export interface ProcessUsage {
  userMs: number | null;
  systemMs: number | null;
  maxRssKiB: number | null;
  /** Blocks of 512 bytes that really went to or came from a disk. */
  readBlocks: number | null;
  writeBlocks: number | null;
  voluntarySwitches: number | null;
  involuntarySwitches: number | null;
}

/** Where starting failed. "frame": the order itself cannot be carried out by this launcher. */
export type LaunchStage = "session" | "user" | "chdir" | "open" | "journal" | "exec" | "fork" | "frame";

export interface ExitRecord {
  id: string;
  /** 0 when there never was a process: the start failed before that, or the order was killed while it was queued. */
  pid: number;
  /** Milliseconds since the epoch; 0 when it never started. */
  startedAt: number;
  endedAt: number;
  /** One of the two is set, or neither when `error` is. */
  exitCode: number | null;
  signal: number | null;
  /** The program could not be started; `errno` is the system's number (2 ENOENT, 8 ENOEXEC, 13 EACCES ...). */
  error?: { errno: number; stage: LaunchStage };
  usage: ProcessUsage;
}

export interface RunningTask {
  id: string;
  pid: number;
  startedAt: number;
}

export interface LauncherState {
  running: RunningTask[];
  /** Ids not started yet, in order. An id that is in none of the four lists was never started. */
  queued: string[];
  exited: ExitRecord[];
  /** Was running when an earlier launcher died; its process group has been killed and there is no exit record. Acknowledge these too. */
  gone: RunningTask[];
  /** The launcher's own processes, for diagnosis. */
  launcherPids: number[];
}

/** Called in batches, one call for all that arrived together. Never called during `connect()`, whose answer has all that happened before. */
export interface LauncherEvents {
  started(tasks: RunningTask[]): void;
  /** Each record comes once per connection, and again after the next `connect()` unless it was acknowledged. */
  exited(records: ExitRecord[]): void;
  /** The launcher died, or a newer agent took over: `connect()` again to learn what became of the tasks. Not called after `close()` or `shutdown()`. */
  disconnected(reason: string): void;
}

export interface Launcher {
  readonly kind: "compiled" | "portable";
  /** In words, what this kind cannot do; for the log. */
  readonly limitations: string[];
  /** Starts the launcher of this directory, or finds the one that runs. The newest connection wins. */
  connect(): Promise<LauncherState>;
  /** Hands over orders. They start in order as slots become free, without a round trip. While disconnected nothing happens. Throws RangeError for an order that cannot be expressed. */
  spawn(orders: LaunchOrder[]): void;
  /** Signals the task's whole process group. A queued order is dropped and reported as exited with that signal and pid 0. Unknown or ended: nothing happens. */
  kill(id: string, signal: number): void;
  /** Takes back orders that have not started; resolves with the ids really taken back. Those are forgotten and never reported. */
  withdraw(ids: string[]): Promise<string[]>;
  /** Gives up the slots of a task with `hold`; before its exit this cancels the hold. Does not acknowledge. */
  release(id: string): void;
  /** The records of these (exited or gone) may be forgotten; their ids are then unknown again. */
  acknowledge(ids: string[]): void;
  /** How many slots there are. Fewer than in use: nothing is stopped, nothing new starts. */
  setSlots(count: number): void;
  /**
   * Ends the launcher: at once with all its tasks (killed; exit records stay in its directory for a next launcher), or when the tasks
   * that run and are queued have ended. Resolves when it is gone. New orders are no longer taken.
   */
  shutdown(options: { killTasks: boolean }): Promise<void>;
  /** Disconnects; launcher and tasks go on. */
  close(): void;
}

export interface LauncherOptions {
  /** The launcher's own directory: created with mode 0700, refused when others may enter it. Any length, on a local file system. */
  directory: string;
  slots: number;
  events: LauncherEvents;
}
