// The program: reads the command line and the environment, and starts what was asked for. The only place that knows the process it is in.
import { readFileSync } from "node:fs";
import { pino } from "pino";
import type { DoctorOptions } from "./cli/doctor.ts";
import { type AgentOptions, commandLine, type EnvOptions, type StartOptions } from "./cli/options.ts";
import { UserError } from "./cli/usage-error.ts";
import { type Log, silentLog } from "./lib/log.ts";
import { redactValue } from "./lib/redact.ts";

const version: string = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;

/** Messages that tell the user what to do; anything else is our own failure and is shown with its stack. */
const explained = new Set([
  "UserError",
  "ListenFailed",
  "LocationInUse",
  "LocationTooNew",
  "BadCertificate",
  "IdentityUnreadable",
  "ConnectionStringError",
  "AccountsUnreadable",
  "AzuriteFailed",
]);

export const main = async (argv: string[]): Promise<void> => {
  if (process.platform !== "linux") {
    console.error(
      `quern runs on Linux (x64 and arm64), and on Windows inside WSL2; this is ${process.platform}, which this release does not support.`,
    );
    process.exitCode = 1;
    return;
  }
  try {
    await commandLine(version, { start, agent, env, doctor }).parseAsync(argv);
  } catch (error) {
    process.exitCode = error instanceof UserError ? error.exitCode : 1;
    console.error(explain(error));
  }
};

const explain = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "ENOSPC" || /database or disk is full/.test(error.message)) {
    return `quern: there is no space left on the disk (${error.message}). Free some and start again; nothing acknowledged was lost.`;
  }
  return explained.has(error.name) ? `quern: ${error.message}` : `quern: ${error.stack ?? error.message}`;
};

/** JSON lines; what must never be written (keys, SAS, passwords) is taken out of every field on its way. */
const logTo = (destination: string | number, level: string): Log =>
  pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, hooks: { logMethod: redactArguments } },
    // Whose jobs run what is nobody else's business.
    pino.destination({ dest: destination, sync: typeof destination === "number", mkdir: true, mode: 0o600 }),
  ) as unknown as Log;

function redactArguments(this: unknown, args: unknown[], method: (...args: unknown[]) => void): void {
  method.apply(this, args.map((argument) => redactValue(argument)) as never);
}

const start = async (options: StartOptions): Promise<void> => {
  const { startControlPlane } = await import("./control-plane.ts");
  const log = options.debug === undefined ? (options.silent ? silentLog : logTo(2, "warn")) : logTo(options.debug, "debug");
  // A signal may come before everything is up: then what is up by then is stopped as soon as the start is through.
  const asked = Promise.withResolvers<undefined>();
  process.on("SIGTERM", () => asked.resolve(undefined));
  process.on("SIGINT", () => asked.resolve(undefined));
  const running = await startControlPlane(options, { version, log, environment: process.env, print: (text) => process.stdout.write(text) });
  const failure = await Promise.race([asked.promise, running.failed]);
  if (failure !== undefined) console.error(explain(failure));
  await running.stop();
  process.exit(failure === undefined ? 0 : 1);
};

const env = async ({ location, kinds }: EnvOptions): Promise<void> => {
  const { environmentText, readReady } = await import("./cli/env.ts");
  process.stdout.write(environmentText(readReady(location), kinds));
};

const doctor = async (options: DoctorOptions): Promise<void> => {
  const [{ doctor: examine }, { tryStorage }, { systemClock }, { systemIds }, { lookup }] = await Promise.all([
    import("./cli/doctor.ts"),
    import("./storage/probe.ts"),
    import("./lib/clock.ts"),
    import("./lib/ids.ts"),
    import("node:dns/promises"),
  ]);
  const [clock, ids] = [systemClock(), systemIds()];
  const { text, exitCode } = await examine(options, {
    clock,
    environment: process.env,
    nodeVersion: process.version,
    addressesOf: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    tryStorage: (connectionString) => tryStorage(connectionString, { clock, ids }),
  });
  process.stdout.write(text);
  process.exitCode = exitCode;
};

const agent = async (options: AgentOptions): Promise<void> => {
  const [{ runAgent }, { systemClock }, { systemIds }] = await Promise.all([
    import("./agent/agent.ts"),
    import("./lib/clock.ts"),
    import("./lib/ids.ts"),
  ]);
  const running = await runAgent(
    {
      directory: options.directory,
      controlFile: options.control,
      launcherKind: options.launcher,
      cacheDir: options.cache,
      version,
      ...(options.orphanSeconds > 0 ? { exitWhenOrphanedMs: options.orphanSeconds * 1000 } : {}),
    },
    { clock: systemClock(), ids: systemIds(), log: logTo(1, options.debug ? "debug" : "info") },
  );
  process.on("SIGTERM", () => void running.shutdown());
  process.on("SIGINT", () => void running.shutdown());
  await running.ended;
  process.exit(0);
};
