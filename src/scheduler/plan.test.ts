// The scheduler's choices as text: nodes and jobs, then what is placed where.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type PlanJob, type PlanNode, plan } from "./plan.ts";
import { depthFor, depthToFill, paceAfter } from "./prefetch.ts";

/**
 * node NAME SLOTS/USED [depth N] [waiting KEY:SLOTS,...]
 * job UID [priority N] [max N] [placed N] [depth N]: SEQ[xSLOTS][@NODE][!] ...  (! is overdue)
 */
const scenario = (text: string): string => {
  const nodes: PlanNode[] = [];
  const jobs: PlanJob[] = [];
  let fill: "spread" | "pack" = "spread";
  const option = (line: string, name: string): string | undefined => new RegExp(`${name} (\\S+)`).exec(line)?.[1]?.replace(/:$/, "");
  for (const line of text.split("\n").map((one) => one.trim())) {
    const [word, name] = line.split(/[\s:]+/);
    if (word === "pack") fill = "pack";
    if (word === "node") {
      const [slots, used] = line.split(/\s+/)[2]!.split("/").map(Number);
      const unstarted = (option(line, "waiting") ?? "").split(",").filter(Boolean);
      const waiting = unstarted.map((one) => ({ key: one.split("x")[0]!, slots: Number(one.split("x")[1] ?? 1) }));
      nodes.push({ id: name!, slots: slots!, used: used!, depth: Number(option(line, "depth") ?? 0), unstarted: waiting });
    }
    if (word === "job") {
      const ready = line
        .slice(line.indexOf(":") + 1)
        .split(/\s+/)
        .filter(Boolean);
      jobs.push({
        uid: Number(name),
        priority: Number(option(line, "priority") ?? 0),
        placed: Number(option(line, "placed") ?? 0),
        maxParallel: Number(option(line, "max") ?? "Infinity"),
        depth: Number(option(line, "depth") ?? 0),
        ready: ready.map((one) => {
          const [, seq, slots, node, overdue] = /^(\d+)(?:x(\d+))?(?:@(\w+))?(!)?$/.exec(one)!;
          return {
            seq: Number(seq),
            slots: Number(slots ?? 1),
            ...(node === undefined ? {} : { affinityNode: node }),
            overdue: overdue === "!",
          };
        }),
      });
    }
  }
  const result = plan({ fill, nodes, jobs });
  const lines = result.placements.map((one) => `${one.jobUid}/${one.seq} -> ${one.nodeId}${one.ahead ? " (ahead)" : ""}`);
  return [...lines, ...result.withdrawals.map((key) => `back ${key}`)].join("; ");
};

const scenarios: Record<string, [input: string, expected: string]> = {
  "spread goes to the emptiest node": ["node a 2/1\nnode b 2/0\njob 1: 1 2 3 4", "1/1 -> b; 1/2 -> a; 1/3 -> b"],
  "pack fills the fullest node that still fits": ["pack\nnode a 4/0\nnode b 4/2\njob 1: 1 2 3x3", "1/1 -> b; 1/2 -> b; 1/3 -> a"],
  "higher priority first, then the older job": [
    "node a 3/0\njob 1: 1\njob 2 priority 5: 1\njob 3: 1\njob 4 priority -1: 1",
    "2/1 -> a; 1/1 -> a; 3/1 -> a",
  ],
  "maxParallelTasks counts what is placed already": ["node a 9/1\njob 1 max 3 placed 1: 1 2 3 4\njob 2: 1", "1/1 -> a; 1/2 -> a; 2/1 -> a"],
  requiredSlots: ["node a 4/0\nnode b 2/0\njob 1: 1x4 2x2 3", "1/1 -> a; 1/2 -> b"],
  "a task that no node can hold does not stop the others": ["node a 2/0\njob 1: 1x3 2 3", "1/2 -> a; 1/3 -> a"],
  "smaller tasks go before one that does not fit yet": ["node a 4/1\nnode b 4/3\njob 1: 1x4 2 3", "1/2 -> a; 1/3 -> a"],
  "once overdue it keeps a node from smaller ones behind it": ["node a 4/1\nnode b 4/3\njob 1: 1x4! 2 3", "1/2 -> b"],
  "affinity is followed where there is room": ["node a 2/0\nnode b 2/1\njob 1: 1@b 2@b 3@gone", "1/1 -> b; 1/2 -> a; 1/3 -> a"],
  "short tasks are given ahead, to the shortest queue": [
    "node a 1/1 depth 2\nnode b 1/0 depth 2\njob 1 depth 2: 1 2 3 4 5 6",
    "1/1 -> b; 1/2 -> a (ahead); 1/3 -> b (ahead); 1/4 -> a (ahead); 1/5 -> b (ahead)",
  ],
  "a job of long tasks is never given ahead": ["node a 1/1 depth 32\njob 1 depth 0: 1\njob 2 depth 4: 1", "2/1 -> a (ahead)"],
  "a wide task is never given ahead, where it would keep a free slot from narrow ones": [
    "node a 4/3 depth 9\njob 1 depth 9: 1x2 2 3",
    "1/2 -> a; 1/3 -> a (ahead)",
  ],
  "nothing is given ahead while something more important waits": [
    "node a 1/0 depth 9\njob 1 priority 5 depth 0: 1 2\njob 2 depth 9: 1 2",
    "1/1 -> a",
  ],
  "what waits on a busy node is taken back for a free one": ["node a 2/5 depth 9 waiting p,q,r\nnode b 2/0\njob 1:", "back r; back q"],
  "nothing is taken back for slots that are free but not on one node": [
    "node a 1/3 depth 9 waiting px2\nnode b 1/0\nnode c 1/0\njob 1:",
    "",
  ],
  "nothing is taken back while there is other work": [
    "node a 2/5 depth 9 waiting p,q,r\nnode b 1/0 depth 9\njob 1 depth 9: 1 2",
    "1/1 -> b; 1/2 -> b (ahead)",
  ],
  "nothing to do": ["node a 2/0\njob 1:", ""],
};

for (const [name, [input, expected]] of Object.entries(scenarios)) {
  test(name, () => assert.equal(scenario(input), expected));
}

test("the prefetch depth follows the tasks' durations", () => {
  const paceOf = (durations: number[]) => durations.reduce<number | undefined>((pace, one) => paceAfter(pace, one), undefined);
  assert.equal(depthFor(undefined, 2), 0);
  assert.equal(depthFor(paceOf([3_600_000]), 2), 0);
  assert.equal(depthFor(paceOf([1]), 2), 64);
  assert.equal(depthFor(paceOf([5]), 2), 40);
  assert.equal(depthFor(paceOf([50]), 2), 4);
  assert.equal(depthFor(paceOf([500]), 2), 1);
  assert.equal(depthFor(paceOf([1, 1, 3_600_000]), 2), 0, "one long task stops it");
  assert.ok(depthFor(paceOf([1, 3_600_000, ...Array(60).fill(1)]), 2) > 0, "and is forgotten after a while");
});

test("a queue that is more than half full is not topped up", () => {
  assert.equal(depthToFill(32, 2, 2), 32);
  assert.equal(depthToFill(32, 18, 2), 32);
  assert.equal(depthToFill(32, 19, 2), 17, "its own length: no room");
  assert.equal(depthToFill(0, 1, 2), 0);
});
