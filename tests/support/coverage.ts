// By what each operation of the data plane and of the two management planes is called in the tests: unmodified clients, as the servers under
// test saw them, and recordings of the real service. tests/conformance/coverage.txt is the list of it; `npm test` compares,
// QUERN_WRITE_COVERAGE=1 writes it again.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Quern } from "./quern.ts";
import { recordedOperations } from "./recordings.ts";
import { sharedPath } from "./shared.ts";
import { ownName } from "./signed.ts";

/** Some clients do not say who they are, or name the library that they use: their test does. All that call this server are that client. */
export const isCalledBy = (quern: Quern, client: string): void => {
  const directory = process.env.QUERN_ANSWER_LOG;
  if (directory !== undefined) writeFileSync(join(directory, `${quern.ready.pid}.client`), client);
};

/** How each client calls itself, and what it is called in the list. az names the SDKs that it is made of after itself. */
const names: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/AZURECLI\/(\d+\.\d+)/, ([, version]) => `az ${version}`],
  [/^(@azure\/(?:arm-)?batch)\/(\S+)/, ([, name, version]) => `npm ${name} ${version}`],
  [/azsdk-js-(arm-[a-z]+)\/(\S+)/, ([, name, version]) => `npm @azure/${name} ${version}`],
  [/Azure-SDK-For-Go\/v?(\S+) batch/, ([, version]) => `Go azure-sdk-for-go ${version}`],
  [/azure-batch\/(\S+) Azure-SDK-For-Python/, ([, version]) => `Python azure-batch ${version}`],
  [/azsdk-python-(?:azure-)?(mgmt-[a-z]+)\/(\S+)/, ([, name, version]) => `Python azure-${name} ${version}`],
];

const nameOf = (client: string): string | undefined => {
  for (const [pattern, say] of names) {
    const match = pattern.exec(client);
    if (match !== null) return say(match);
  }
  return undefined;
};

/** What the tests send themselves; alone on a line it says that no client knows the operation. */
const ownRequests = "examples";

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
      if (status >= 500 || status === 0) continue;
      add(operation, client === ownName ? ownRequests : (labels.get(file.split(".")[0]) ?? nameOf(client)));
    }
  }
  for (const operation of recordedOperations()) add(operation, "recording");
  return calls;
};

/** The three APIs, as operations.tsv calls them and as the servers' logs name their operations. */
const planes = [
  { plane: "data", prefix: "", title: "the data plane (2024-07-01.20.0)" },
  { plane: "mgmt", prefix: "Microsoft.Batch/", title: "Microsoft.Batch (2024-07-01)" },
  { plane: "hci", prefix: "Microsoft.AzureStackHCI/", title: "Microsoft.AzureStackHCI (2024-01-01)" },
] as const;

const operationsOf = ({ plane, prefix }: (typeof planes)[number]): string[] =>
  readFileSync(sharedPath("specs", "operations.tsv"), "utf8")
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([of]) => of === plane)
    .map(([, id]) => `${prefix}${id}`);

const opening = `# By what each operation is called in the tests. Written by QUERN_WRITE_COVERAGE=1 npm test.
# "examples" alone: no client that can be installed here knows the operation; the requests of the official documents are sent.
`;

/** Who calls it; the tests' own requests count only where nobody else does. */
const callersOf = (calls: ReadonlyMap<string, ReadonlySet<string>>, id: string): string[] => {
  const all = [...(calls.get(id) ?? [])];
  const others = all.filter((name) => name !== ownRequests);
  return others.length > 0 ? others.sort() : all.length > 0 ? [ownRequests] : ["nobody"];
};

const sayHowMany = (title: string, ids: readonly string[], calls: ReadonlyMap<string, ReadonlySet<string>>): void => {
  const called = ids.filter((id) => calls.has(id));
  const byOthers = called.filter((id) => !callersOf(calls, id).includes(ownRequests));
  console.log(
    `${called.length} of ${ids.length} operations of ${title} were called, ${byOthers.length} by an unmodified client or a recording`,
  );
};

/**
 * What is wrong with the checked-in list. After a run in which tests were skipped (a client is not installed) only what was seen is
 * compared: it must be on the list.
 */
export const coverageProblems = (directory: string, root: string, isWhole: boolean): string[] => {
  const path = join(root, "tests/conformance/coverage.txt");
  const calls = callsIn(directory);
  const lineOf = (id: string): string => `${id}: ${callersOf(calls, id).join(", ")}`;
  for (const plane of planes) sayHowMany(plane.title, operationsOf(plane), calls);
  if (process.env.QUERN_WRITE_COVERAGE === "1") {
    const parts = planes.map((plane) => `\n# ${plane.title}\n${operationsOf(plane).map(lineOf).join("\n")}\n`);
    writeFileSync(path, `${opening}${parts.join("")}`);
    return [];
  }
  const listed = new Map(
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, string[]] => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2).split(", ")]),
  );
  return planes.flatMap(operationsOf).flatMap((id) => {
    const [by, before] = [callersOf(calls, id), listed.get(id) ?? []];
    const more = by.filter((name) => name !== ownRequests && name !== "nobody" && !before.includes(name));
    const fewer = isWhole ? before.filter((name) => !by.includes(name)) : [];
    return more.length + fewer.length === 0
      ? []
      : [`tests/conformance/coverage.txt: ${id} is called by ${by.join(", ")}; QUERN_WRITE_COVERAGE=1 npm test writes the list again`];
  });
};
