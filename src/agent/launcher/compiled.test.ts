// The compiled launcher: the contract, and what only it has (its wire, its lease, its journal's edges).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { compileLauncher } from "./compile.ts";
import { compiledLauncher } from "./compiled.ts";
import { type LauncherKind, launcherContract } from "./launcher.contract.ts";

const cache = mkdtempSync(join(tmpdir(), "quern-compile-"));
after(() => rmSync(cache, { recursive: true }));
const program = await compileLauncher(cache);
if (program === undefined) throw new Error("no compiler");
const kind: LauncherKind = { name: "compiled", program, make: (options) => compiledLauncher({ ...options, program }), skips: {} };
launcherContract(kind);
