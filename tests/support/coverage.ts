// By what each operation of the data plane is called in the tests: unmodified clients, as the servers under test saw them, and recordings
// of the real service. tests/conformance/coverage.txt is the list of it; `npm test` compares, QUERN_WRITE_COVERAGE=1 writes it again.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Quern } from "./quern.ts";
import { readRecordings } from "./recordings.ts";
import { sharedPath } from "./shared.ts";
import { ownName } from "./signed.ts";

/** Some clients do not say who they are, or name the library that they use: their test does. All that call this server are that client. */
export const isCalledBy = (quern: Quern, client: string): void => {
  const directory = process.env.QUERN_ANSWER_LOG;
  if (directory !== undefined) writeFileSync(join(directory, `${quern.ready.pid}.client`), client);
};

/** How each client calls itself, and what it is called in the list. */
const names: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^@azure\/batch\/(\S+)/, ([, version]) => `npm @azure/batch ${version}`],
  [/Azure-SDK-For-Go\/v?(\S+) batch/, ([, version]) => `Go azure-sdk-for-go ${version}`],
  [/azure-batch\/(\S+) Azure-SDK-For-Python/, ([, version]) => `Python azure-batch ${version}`],
];

const nameOf = (client: string): string | undefined => {
  for (const [pattern, say] of names) {
    const match = pattern.exec(client);
    if (match !== null) return say(match);
  }
  return undefined;
};

/** Operation -> who called it, with an answer other than a failure of the server (an empty list and a 404 count). */
const callsIn = (directory: string): Map<string, Set<string>> => {
  const calls = new Map<string, Set<string>>();
  const add = (operation: string, name: string | undefined): void => {
    if (name !== undefined) calls.set(operation, (calls.get(operation) ?? new Set()).add(name));
  };
  const labels = new Map(
    globSync("*.client", { cwd: directory }).map((file) => [file.split(".")[0], readFileSync(join(directory, file), "utf8")]),
  );
  for (const file of globSync("*.calls.jsonl", { cwd: directory })) {
    for (const line of readFileSync(join(directory, file), "utf8").trim().split("\n").filter(Boolean)) {
      const { operation, client, status } = JSON.parse(line) as { operation: string; client: string; status: number };
      if (status < 500 && status !== 0) add(operation, client === ownName ? undefined : (labels.get(file.split(".")[0]) ?? nameOf(client)));
    }
  }
  for (const { operation } of readRecordings()) add(operation, "recording");
  return calls;
};

const operations = (): string[] =>
  readFileSync(sharedPath("specs", "operations.tsv"), "utf8")
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([plane]) => plane === "data")
    .map(([, id]) => id!);

const opening = `# By what each operation of the data plane (2024-07-01.20.0) is called in the tests. Written by QUERN_WRITE_COVERAGE=1 npm test.
# "examples" alone: no client that can be installed here knows the operation; the requests of the official documents are sent.
`;

const linesOf = (calls: ReadonlyMap<string, ReadonlySet<string>>): string[] =>
  operations().map((id) => `${id}: ${[...(calls.get(id) ?? ["examples"])].sort().join(", ")}`);

/**
 * What is wrong with the checked-in list. After a run in which tests were skipped (a client is not installed) only what was seen is
 * compared: it must be on the list.
 */
export const coverageProblems = (directory: string, root: string, isWhole: boolean): string[] => {
  const path = join(root, "tests/conformance/coverage.txt");
  const calls = callsIn(directory);
  const lines = linesOf(calls);
  const byClients = operations().filter((id) => calls.has(id)).length;
  console.log(`${byClients} of ${lines.length} operations were called by an unmodified client or a recording`);
  if (process.env.QUERN_WRITE_COVERAGE === "1") {
    writeFileSync(path, `${opening}${lines.join("\n")}\n`);
    return [];
  }
  const listed = new Map(
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, string[]] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2).split(", ")]),
  );
  return lines.flatMap((line) => {
    const [id, by] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2).split(", ")];
    const before = listed.get(id) ?? [];
    const more = by.filter((name) => name !== "examples" && !before.includes(name));
    const fewer = isWhole ? before.filter((name) => !by.includes(name)) : [];
    return more.length + fewer.length === 0
      ? []
      : [`tests/conformance/coverage.txt: ${id} is called by ${by.join(", ")}; QUERN_WRITE_COVERAGE=1 npm test writes the list again`];
  });
};
