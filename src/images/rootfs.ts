// What a finished root file system is: whether it is a Linux system for this machine, what its os-release says, how large it is. Paths within it
// are resolved as a process would whose root it is, so that a hostile link shows nothing of the server.
import { closeSync, constants, type Dirent, fstatSync, lstatSync, openSync, readdirSync, readlinkSync } from "node:fs";
import { readAt } from "./detect.ts";
import { ImportFailed } from "./failures.ts";
import type { OsRelease } from "./import.ts";

const join = (root: string, path: string): Buffer => Buffer.concat([Buffer.from(`${root}/`, "utf8"), Buffer.from(path, "latin1")]);

/** Where a path leads within the root, links resolved; undefined when it leads nowhere. */
export const resolveWithin = (root: string, path: string): string | undefined => {
  const left = path.split("/");
  let at = "";
  for (let links = 0; left.length > 0; ) {
    const part = left.shift()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    const next = at === "" ? part : `${at}/${part}`;
    let found: ReturnType<typeof lstatSync>;
    try {
      found = lstatSync(join(root, next));
    } catch {
      return undefined;
    }
    if (!found.isSymbolicLink()) at = next;
    else {
      if (++links > 40) return undefined;
      const target = readlinkSync(join(root, next), "latin1");
      if (target.startsWith("/")) at = "";
      left.unshift(...target.split("/"));
    }
  }
  return at;
};

/** The first bytes of a regular file within the root. */
export const readWithin = (root: string, path: string, length: number): Buffer | undefined => {
  const at = resolveWithin(root, path);
  if (at === undefined) return undefined;
  let fd: number;
  try {
    fd = openSync(join(root, at), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    return fstatSync(fd).isFile() ? readAt(fd, 0, length) : undefined;
  } finally {
    closeSync(fd);
  }
};

const isDirectoryWithin = (root: string, path: string): boolean => {
  const at = resolveWithin(root, path);
  return at !== undefined && lstatSync(join(root, at)).isDirectory();
};

/** os-release(5): shell assignments, perhaps quoted. */
export const parseOsRelease = (text: string): OsRelease | undefined => {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Z_]+)=(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, key, raw] = match as unknown as [string, string, string];
    const quoted = /^"(.*)"$|^'(.*)'$/.exec(raw);
    values.set(key, (quoted?.[1] ?? quoted?.[2] ?? raw).replace(/\\(["'$`\\])/g, "$1").slice(0, 200));
  }
  const id = values.get("ID");
  if (id === undefined) return undefined;
  const versionId = values.get("VERSION_ID") ?? "";
  return { id, versionId, prettyName: values.get("PRETTY_NAME") ?? [values.get("NAME") ?? id, versionId].filter(Boolean).join(" ") };
};

/** e_machine of ELF, by the names of process.arch. */
const machines: Record<string, number> = { x64: 62, arm64: 183, ia32: 3, arm: 40, riscv64: 243, ppc64: 21, s390x: 22 };
const nameOfMachine = (machine: number): string =>
  ({ 62: "x86-64", 183: "arm64", 3: "32-bit x86", 40: "32-bit arm", 243: "RISC-V", 21: "POWER", 22: "s390x" })[machine] ??
  `another processor (ELF machine ${machine})`;

const machineOf = (head: Buffer): number | undefined => {
  if (head.length < 20 || head.readUInt32BE(0) !== 0x7f454c46) return undefined;
  return head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
};

const notLinux = (why: string): ImportFailed =>
  new ImportFailed("ImageNotLinuxRootfs", `The image is not a Linux system for this machine: ${why}.`);

/** Throws ImportFailed when tasks could not run in it. */
export const checkRootfs = (root: string, arch: string): void => {
  if (!["usr", "bin"].some((name) => isDirectoryWithin(root, name))) throw notLinux("it has neither /usr nor /bin");
  const shell = readWithin(root, "bin/sh", 20);
  if (shell === undefined) throw notLinux("it has no /bin/sh, which every task is started with");
  const machine = machineOf(shell);
  if (machine !== undefined && machine !== machines[arch]) throw notLinux(`its programs are for ${nameOfMachine(machine)}`);
};

/** Of /etc/os-release or, as its standard says, /usr/lib/os-release. */
export const osReleaseOf = (root: string): OsRelease | undefined => {
  const text = readWithin(root, "etc/os-release", 16384) ?? readWithin(root, "usr/lib/os-release", 16384);
  return text === undefined ? undefined : parseOsRelease(text.toString("utf8"));
};

/** Of everything below the root, a file with several names counted once in bytes. */
export const measureTree = (root: string): { rootfsBytes: number; files: number } => {
  const linked = new Set<string>();
  let [rootfsBytes, files] = [0, 0];
  const left = [""];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    const entries = readdirSync(join(root, path), { encoding: "latin1", withFileTypes: true }) as Dirent<string>[];
    for (const entry of entries) {
      const child = path === "" ? entry.name : `${path}/${entry.name}`;
      files++;
      if (entry.isDirectory()) left.push(child);
      if (!entry.isFile()) continue;
      const { size, nlink, dev, ino } = lstatSync(join(root, child));
      if (nlink > 1 && linked.has(`${dev}:${ino}`)) continue;
      if (nlink > 1) linked.add(`${dev}:${ino}`);
      rootfsBytes += size;
    }
  }
  return { rootfsBytes, files };
};
