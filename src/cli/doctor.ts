// `quern doctor`: whether a running server can be used from this machine, and what to do about what is missing. It changes nothing but a blob that
// it puts, reads and removes; each part of the examination is a file of src/cli/doctor.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { examineAzureCli } from "./doctor/azure-cli.ts";
import { type Finding, failed, note, ok, reasonOf, reportOf } from "./doctor/findings.ts";
import { examineCompiler, examineDisk, examineImages, examineNode } from "./doctor/machine.ts";
import { examineNames, type Resolver } from "./doctor/names.ts";
import { examineServer } from "./doctor/server.ts";
import { examineTrust } from "./doctor/trust.ts";
import { readReady } from "./env.ts";
import type { ReadyFile } from "./ready.ts";
import { UserError } from "./usage-error.ts";

export type DoctorOptions = {
  location: string;
  /** Of a server elsewhere, instead of a location. */
  readyFile?: string;
};

export type Practice = {
  clock: Clock;
  environment: Record<string, string | undefined>;
  nodeVersion: string;
  addressesOf: Resolver;
  /** Puts, reads and removes a small blob; rejects when one of these fails. */
  tryStorage(connectionString: string): Promise<void>;
};

/** Everything that was found, in the order in which it should be put right. */
export const examine = async (options: DoctorOptions, practice: Practice): Promise<Finding[]> => {
  const { environment, nodeVersion } = practice;
  const node = examineNode(nodeVersion);
  const ready = readyOf(options);
  if (!("batchUrl" in ready)) {
    return [node, ready, examineCompiler(environment, resolve(options.location)), examineImages(environment)];
  }
  const server = await examineServer(ready, practice.clock);
  const isThere = server.every(({ subject, state }) => subject !== "http" || state !== "failed");
  return [
    node,
    ...server,
    ...examineTrust(ready, environment),
    ...(isThere ? [...(await examineNames(ready, practice.addressesOf)), await examineStorage(ready, practice)] : []),
    // Of the server's machine: elsewhere there is no such directory.
    ...(existsSync(ready.location)
      ? [examineDisk(ready.location), examineCompiler(environment, ready.location), examineImages(environment)]
      : []),
    examineAzureCli(ready, environment),
  ];
};

const readyOf = ({ location, readyFile }: DoctorOptions): ReadyFile | Finding => {
  try {
    return readyFile === undefined ? readReady(location) : JSON.parse(readFileSync(readyFile, "utf8"));
  } catch (error) {
    if (error instanceof UserError) return failed("server", error.message);
    return failed("server", `${readyFile ?? location} cannot be read as what a server wrote (${reasonOf(error)}).`);
  }
};

const examineStorage = async ({ storage }: ReadyFile, { tryStorage }: Practice): Promise<Finding> => {
  if (storage === null) return note("storage", "None (--storage none): resource files, output files and packages need one.");
  try {
    await tryStorage(storage.connectionString);
    return ok("storage", `A blob was put, read and removed at ${storage.blobEndpoint}.`);
  } catch (error) {
    return failed("storage", `A blob could not be put, read and removed at ${storage.blobEndpoint}: ${(error as Error).message}.`);
  }
};

/** What to print, and the exit status. */
export const doctor = async (options: DoctorOptions, practice: Practice): Promise<{ text: string; exitCode: 0 | 1 }> => {
  const findings = await examine(options, practice);
  return { text: reportOf(findings), exitCode: findings.some(({ state }) => state === "failed") ? 1 : 0 };
};
