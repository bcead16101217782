// What the machine has: Node.js, a C compiler, free disk, and what disk images need. Looks only; starts no program.
import { accessSync, constants, existsSync, readdirSync, statfsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Finding, failed, note, ok } from "./findings.ts";

type Environment = Record<string, string | undefined>;

export const findProgram = (name: string, { PATH = "" }: Environment): string | undefined =>
  PATH.split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, name))
    .find((file) => isAllowed(file, constants.X_OK));

const isAllowed = (file: string, mode: number): boolean => {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
};

export const examineNode = (version: string): Finding =>
  Number(version.replace(/^v/, "").split(".")[0]) >= 24
    ? ok("node", `Node.js ${version}.`)
    : failed("node", `Node.js ${version} is too old: 24 or newer.`);

/** The server compiles its launcher once per location; what it compiled stays good without the compiler. */
export const examineCompiler = (environment: Environment, location: string): Finding => {
  const compiler = findProgram("cc", environment);
  if (compiler !== undefined) return ok("compiler", `${compiler}: tasks are started by the compiled launcher.`);
  const cache = join(location, "launcher");
  if (existsSync(cache) && readdirSync(cache).some((name) => !name.startsWith(".")))
    return ok("compiler", "None, and none is needed: the launcher is compiled.");
  return note("compiler", "No cc: tasks are started by the portable launcher, which takes twice as long for each.", [
    "sudo apt-get install gcc libc6-dev",
  ]);
};

const megabyte = 2 ** 20;

export const examineDisk = (directory: string): Finding => {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  const text = `${free >= 10 * 1024 * megabyte ? `${Math.round(free / 1024 / megabyte)} GB` : `${Math.round(free / megabyte)} MB`} free at ${directory}.`;
  if (free < 100 * megabyte) return failed("disk", `${text} Requests are refused when there is none.`);
  return free < 1024 * megabyte ? note("disk", text) : ok("disk", text);
};

export const examineImages = (environment: Environment): Finding => {
  const missing = [
    ...(findProgram("qemu-img", environment) === undefined ? ["qemu-img"] : []),
    ...(isAllowed("/dev/loop-control", constants.R_OK | constants.W_OK) ? [] : ["loop devices (/dev/loop-control, as root)"]),
  ];
  if (missing.length === 0) return ok("images", "qemu-img and loop devices: gallery images may be disk images too.");
  return note("images", `Without ${missing.join(" and ")}: gallery images are tarballs and OCI archives, not disk images.`);
};
