// Turns launcher.c into a program, once per machine and source, where there is a C compiler. It never asks for one: without it the
// portable launcher does the work. Compiling takes about 0.3 s.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** From a checkout the source lies beside this file; in the published package this file is in dist/ and the source still in src/. */
const sourcePlaces = ["./launcher.c", "../../../src/agent/launcher/launcher.c"].map((place) =>
  fileURLToPath(new URL(place, import.meta.url)),
);

const findSource = async (): Promise<string | undefined> => {
  for (const place of sourcePlaces) {
    const found = await access(place).then(
      () => true,
      () => false,
    );
    if (found) return place;
  }
  return undefined;
};

/** The exit status, or undefined when the program could not be run at all. */
const run = (program: string, args: string[]): Promise<number | undefined> =>
  new Promise((settle) => {
    execFile(program, args, (error) => settle(error === null ? 0 : typeof error.code === "number" ? error.code : undefined));
  });

/** Without arguments the launcher says how it is used and ends with 2: so it is whole, for this machine, and not on a `noexec` mount. */
const works = async (program: string): Promise<boolean> => (await run(program, [])) === 2;

/**
 * The path of a compiled launcher, from `cacheDir` (created when missing) or compiled into it now; undefined where that is not possible
 * (not Linux, no compiler, it failed, the result does not run). Safe to call from several processes at once: the last rename wins, with equal content.
 */
export const compileLauncher = async (cacheDir: string, compiler = "cc"): Promise<string | undefined> => {
  if (process.platform !== "linux") return undefined;
  const source = await findSource();
  if (source === undefined) return undefined;
  const hash = createHash("sha256")
    .update(await readFile(source))
    .update(process.arch)
    .digest("hex")
    .slice(0, 16);
  const program = join(resolve(cacheDir), `launcher-${hash}`);
  if (await works(program)) return program;
  await mkdir(cacheDir, { recursive: true });
  const scratch = await mkdtemp(join(resolve(cacheDir), "build-"));
  try {
    const fresh = join(scratch, "launcher");
    if ((await run(compiler, ["-O2", "-o", fresh, source])) !== 0 || !(await works(fresh))) return undefined;
    await rename(fresh, program);
    return program;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};
