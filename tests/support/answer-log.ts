// What all servers of a test run wrote about their answers (src/http/answer-check.ts): which operations were called, and every answer that
// is not as its declaration says. tests/uncalled-operations.txt names the operations that no test calls; it may only shrink.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { batchOperations } from "../../src/api/batch/index.ts";
import { managementOperations } from "../../src/api/management/index.ts";

const all = [...Object.keys(batchOperations), ...Object.keys(managementOperations)];

/** With `complete` (no test was left out) the list of uncalled operations is held against what was called. */
export const summariseAnswers = (directory: string, root: string, complete: boolean): string[] => {
  const called = new Set<string>();
  const problems = new Set<string>();
  for (const file of globSync("[0-9]*.jsonl", { cwd: directory, exclude: (name) => name.endsWith(".calls.jsonl") })) {
    for (const line of readFileSync(join(directory, file), "utf8").trim().split("\n").filter(Boolean)) {
      const { operation, version, problem } = JSON.parse(line);
      called.add(operation);
      if (problem !== undefined) problems.add(`${operation} in ${version}: ${problem}`);
    }
  }
  const list = join(root, "tests/uncalled-operations.txt");
  const listed = existsSync(list)
    ? readFileSync(list, "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
    : [];
  const uncalled = all.filter((id) => !called.has(id));
  for (const id of complete ? uncalled : []) if (!listed.includes(id)) problems.add(`no test calls ${id}`);
  for (const id of complete ? listed : [])
    if (!uncalled.includes(id)) problems.add(`${id} is called by a test now: take it off tests/uncalled-operations.txt`);
  console.log(`${called.size} of ${all.length} operations were called, each answer compared with its declaration`);
  return [...problems];
};
