// `npm run demo [-- DIR]`: starts Quern in a temporary location, runs the word count against it, prints what came out, and leaves
// nothing running and nothing behind. Without DIR it reads the repository's own docs.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, watch } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, relative, resolve } from "node:path";
import { type Endpoint, type Progress, type Result, wordCount } from "./word-count.ts";

const repository = resolve(import.meta.dirname, "..");
const textEndings = new Set([".md", ".txt", ".text", ".rst", ".adoc", ".log", ".csv", ""]);
const mostFiles = 500;

const main = async (): Promise<void> => {
  const files = await textFiles(process.argv[2]);
  const location = await mkdtemp(join(tmpdir(), "quern-demo-"));
  const server = startServer(location);
  // Interrupted, it still leaves nothing running: the server is asked to stop, which makes the program above fail and end.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.kill("SIGTERM"));
  try {
    const endpoint = await serverReady(server, join(location, "ready.json"));
    console.log(`Quern is up at ${endpoint.batchUrl} (account ${endpoint.account})`);
    const startedAt = performance.now();
    const result = await wordCount(endpoint, files, progressTo(process.stdout));
    report(result, performance.now() - startedAt);
  } finally {
    await stopServer(server);
    await rm(location, { recursive: true, force: true });
  }
};

/** Below DIR when one is given, otherwise the repository's README and docs. Hidden directories and node_modules are left out. */
const textFiles = async (directory: string | undefined): Promise<string[]> => {
  const files =
    directory === undefined
      ? [join(repository, "README.md"), ...(await filesBelow(join(repository, "docs")))]
      : await filesBelow(resolve(directory));
  if (files.length === 0) throw new Error(`no text files (${[...textEndings].filter(Boolean).join(" ")}) in ${directory}`);
  if (files.length > mostFiles) console.log(`${files.length} text files; the demo takes the first ${mostFiles}`);
  return files.slice(0, mostFiles);
};

const filesBelow = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && textEndings.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        !relative(directory, file)
          .split("/")
          .some((part) => part.startsWith(".") || part === "node_modules"),
    )
    .sort();
};

const startServer = (location: string): ChildProcess =>
  spawn(
    process.execPath,
    [
      join(repository, "bin/quern.js"),
      "start",
      "--location",
      join(location, "quern"),
      "--port",
      "0",
      "--silent",
      "--ready-file",
      join(location, "ready.json"),
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );

/** The ready file appears by rename when everything is up; a server that ends before that has said why on stderr. */
const serverReady = async (server: ChildProcess, readyFile: string): Promise<Endpoint> => {
  const directory = watch(join(readyFile, ".."));
  try {
    await new Promise<void>((done, fail) => {
      const look = (): void => void (existsSync(readyFile) && done());
      directory.on("change", look);
      server.once("exit", (code) => fail(new Error(`quern start ended with code ${code}`)));
      look();
    });
  } finally {
    directory.close();
  }
  const ready = JSON.parse(await readFile(readyFile, "utf8"));
  return { batchUrl: ready.batchUrl, account: ready.account, key: ready.key, storageConnectionString: ready.storage.connectionString };
};

const stopServer = async (server: ChildProcess): Promise<void> => {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((done) => server.once("exit", done));
  server.kill("SIGTERM");
  await ended;
};

/** One line that redraws itself on a terminal; elsewhere a plain line whenever the step changes or is complete. */
const progressTo = (out: NodeJS.WriteStream): Progress => {
  const width = 30;
  let lastStep = "";
  return (step, done, of) => {
    const complete = done === undefined || done === of;
    if (out.isTTY && done !== undefined && of !== undefined) {
      const filled = Math.round((done / of) * width);
      out.write(
        `\r${step} [${"#".repeat(filled)}${".".repeat(width - filled)}] ${done}/${of}${complete && lastStep !== `${step}!` ? "\n" : ""}`,
      );
      lastStep = complete ? `${step}!` : step;
    } else if (step !== lastStep || (complete && lastStep !== `${step}!`)) {
      out.write(`${step}${of === undefined ? "" : `: ${done}/${of}`}\n`);
      lastStep = complete && of !== undefined ? `${step}!` : step;
    }
  };
};

const report = (result: Result, tookMs: number): void => {
  console.log(`\n${result.timings.length} files, ${result.words} different words. The most frequent:\n`);
  for (const { word, count } of result.topWords) console.log(`${String(count).padStart(8)}  ${word}`);
  console.log("\nTask timing (waited for a slot, ran including download and upload):\n");
  for (const { file, waitedMs, ranMs } of result.timings) {
    console.log(
      `${String(waitedMs).padStart(7)} ms ${String(ranMs).padStart(6)} ms  ${relative(repository, file).startsWith("..") ? file : relative(repository, file)}`,
    );
  }
  console.log(`${"".padStart(10)} ${String(result.mergeMs).padStart(6)} ms  merge (depends on all of the above)`);
  console.log(`\nFrom pool to merged result: ${(tookMs / 1000).toFixed(2)} s.\n`);
  console.log("Where to look next:");
  console.log("  npx quern start              the same server for your own programs, in ./.quern");
  console.log("  npx quern start --print-env  what az, Python and JavaScript clients need to find it");
  console.log("  demo/word-count.ts           the program that just ran; it knows nothing of Quern");
  console.log("  docs/manual/                 nodes, files, and what is not isolated");
};

await main().catch(async (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
