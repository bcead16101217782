// `npm run bench`: one JSON line a figure, each the median of three or more runs, beside its reference of the same run. Nothing here fails;
// `pass` says whether the limit of bench/README.md was kept. `npm run bench -- throughput latency` runs some of them.
import { mkdtempSync, rmSync } from "node:fs";
import { benchAtRest } from "./at-rest.ts";
import { benchLatency } from "./latency.ts";
import { benchLists } from "./lists.ts";
import { benchSubmits } from "./submits.ts";
import { benchThroughput } from "./throughput.ts";

const parts: Record<string, (scratch: string) => Promise<void>> = {
  throughput: benchThroughput,
  latency: benchLatency,
  submits: benchSubmits,
  lists: benchLists,
  rest: benchAtRest,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => parts[name] === undefined);
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`);
  process.exit(2);
}
const scratch = mkdtempSync("/dev/shm/quern-bench-scratch-");
try {
  for (const [name, part] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await part(scratch);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(0);
