// Small Linux systems as archives, for imports: a directory with a shell and an os-release, packed by the machine's own tar.
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

export type RootfsArchive = { file: string; bytes: number; sha256: string; content: Buffer };

export type RootfsRequest = {
  /** In the archive's directory. `.tar` is not compressed, `.tar.gz` is. */
  name: string;
  /** Of a file that does not compress, and of one that does. */
  randomBytes?: number;
  zeroBytes?: number;
  release?: string;
};

/** A directory for a test, gone after it. */
export const newDirectory = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), "quern-images-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

export const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n';

export const packRootfs = (
  directory: string,
  { name, randomBytes: random = 0, zeroBytes = 0, release = debian }: RootfsRequest,
): RootfsArchive => {
  const root = mkdtempSync(join(directory, "rootfs-"));
  for (const each of ["bin", "etc", "usr/lib", "tmp"]) mkdirSync(join(root, each), { recursive: true });
  copyFileSync("/bin/sh", join(root, "bin/sh"));
  writeFileSync(join(root, "etc/os-release"), release);
  if (random > 0) writeFileSync(join(root, "usr/lib/random"), randomBytes(random));
  if (zeroBytes > 0) writeFileSync(join(root, "usr/lib/zeros"), Buffer.alloc(zeroBytes));
  const file = join(directory, name);
  execFileSync("tar", [name.endsWith(".gz") ? "-czf" : "-cf", file, "-C", root, "."]);
  rmSync(root, { recursive: true });
  const content = readFileSync(file);
  return { file, bytes: statSync(file).size, sha256: createHash("sha256").update(content).digest("hex"), content };
};
