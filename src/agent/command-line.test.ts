// Splitting and finding, by example and by property.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import fc from "fast-check";
import { findProgram, splitCommandLine } from "./command-line.ts";

const examples: [string, string[] | "problem"][] = [
  ["/bin/true", ["/bin/true"]],
  ["  a \t b\nc ", ["a", "b", "c"]],
  [`/bin/sh -c "echo 'hi there' > out.txt; exit 3"`, ["/bin/sh", "-c", "echo 'hi there' > out.txt; exit 3"]],
  [`a "b \\" c" 'd \\ e'`, ["a", 'b " c', "d \\ e"]],
  [`a "x\\n \\$HOME \\\\"`, ["a", "x\\n \\$HOME \\"]],
  ['a b\\ c \\"d', ["a", "b c", '"d']],
  [`a "" '' b""c`, ["a", "", "", "bc"]],
  ["echo $HOME *.txt %PATH% | cat > x", ["echo", "$HOME", "*.txt", "%PATH%", "|", "cat", ">", "x"]],
  ["", []],
  ["   ", []],
  [`a "b`, "problem"],
  ["a 'b", "problem"],
  ["a b\\", "problem"],
  ["a\0b", "problem"],
];

for (const [line, wanted] of examples) {
  test(`splits ${JSON.stringify(line)}`, () => {
    const result = splitCommandLine(line);
    assert.deepEqual("problem" in result ? "problem" : result.argv, wanted);
  });
}

const text = fc.string({ unit: fc.constantFrom("a", "ü", " ", "\t", "\n", "'", '"', "\\", "$", "*", "-") });

test("any arguments, each quoted in any of the three ways, come back as they were", () => {
  const single = (word: string): string => `'${word.replaceAll("'", `'"'"'`)}'`;
  const double = (word: string): string => `"${word.replace(/["\\]/g, "\\$&")}"`;
  const escaped = (word: string): string => (word === "" ? "''" : word.replace(/[\s\S]/gu, "\\$&"));
  const quoted = fc.tuple(text, fc.constantFrom(single, double, escaped));
  fc.assert(
    fc.property(fc.array(quoted), (words) => {
      const line = words.map(([word, quote]) => quote(word)).join(" ");
      assert.deepEqual(splitCommandLine(line), { argv: words.map(([word]) => word) });
    }),
  );
});

test("no text makes it throw, and no argument is invented", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (line) => {
      const result = splitCommandLine(line);
      if ("argv" in result) assert.ok(result.argv.join("").length <= line.length);
      else assert.match(result.problem, /^The command line/);
    }),
  );
});

test("a name is found in the working directory first, then in the node's PATH; a path is left as it is", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "quern-command-"));
  t.after(() => rmSync(directory, { recursive: true }));
  assert.match(findProgram("sh", directory) ?? "", /^\/(usr\/)?(local\/)?s?bin\/sh$/);
  writeFileSync(join(directory, "sh"), "");
  assert.match(findProgram("sh", directory) ?? "", /^\//, "a file that is not executable is no program");
  chmodSync(join(directory, "sh"), 0o755);
  assert.equal(findProgram("sh", directory), "./sh");
  assert.equal(findProgram("no-such-program", directory), undefined);
  assert.equal(findProgram("bin/tool", directory), "bin/tool");
  assert.equal(findProgram("", directory), undefined);
});
