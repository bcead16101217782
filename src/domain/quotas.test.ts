// The rules of core quotas: what is granted of what is wanted, and with which error the rest is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { coresUsed, noQuotas, type Quotas, shownQuotas, unlimited, withinQuotas } from "./quotas.ts";

const none = { dedicated: 0, lowPriority: 0, ofFamily: 0 };
const d2 = "standard_d2_v3";

test("cores are those of the sizes, by kind and by family", () => {
  const used = coresUsed(
    [
      { vmSize: d2, isDedicated: true, nodes: 3 },
      { vmSize: "STANDARD_D4_V3", isDedicated: false, nodes: 2 },
      { vmSize: "standard_f4", isDedicated: true, nodes: 1 },
    ],
    d2,
  );
  assert.deepEqual(used, { dedicated: 10, lowPriority: 8, ofFamily: 6 });
});

const rows: [
  string,
  Partial<Quotas>,
  typeof none,
  { dedicated: number; lowPriority: number },
  { dedicated: number; lowPriority: number },
  string[],
][] = [
  ["without quotas everything", {}, none, { dedicated: 500, lowPriority: 500 }, { dedicated: 500, lowPriority: 500 }, []],
  ["exactly the quota", { dedicatedCores: 10 }, none, { dedicated: 5, lowPriority: 0 }, { dedicated: 5, lowPriority: 0 }, []],
  [
    "up to the quota",
    { dedicatedCores: 10 },
    { ...none, dedicated: 5 },
    { dedicated: 5, lowPriority: 1 },
    { dedicated: 2, lowPriority: 1 },
    ["AccountCoreQuotaReached"],
  ],
  [
    "low priority by itself",
    { dedicatedCores: 10, lowPriorityCores: 1 },
    none,
    { dedicated: 1, lowPriority: 1 },
    { dedicated: 1, lowPriority: 0 },
    ["AccountLowPriorityCoreQuotaReached"],
  ],
  [
    "the family before all",
    { dedicatedCores: 10, families: { standarddv3family: 4 } },
    none,
    { dedicated: 3, lowPriority: 0 },
    { dedicated: 2, lowPriority: 0 },
    ["AccountVMSeriesCoreQuotaReached"],
  ],
  ["another family", { families: { standardffamily: 0 } }, none, { dedicated: 3, lowPriority: 0 }, { dedicated: 3, lowPriority: 0 }, []],
  [
    "already over",
    { dedicatedCores: 2 },
    { ...none, dedicated: 9 },
    { dedicated: 1, lowPriority: 0 },
    { dedicated: 0, lowPriority: 0 },
    ["AccountCoreQuotaReached"],
  ],
];

for (const [name, quotas, used, wanted, granted, codes] of rows) {
  test(`within quotas: ${name}`, () => {
    const verdict = withinQuotas(wanted, d2, used, { ...noQuotas, ...quotas });
    assert.deepEqual(verdict.granted, granted);
    assert.deepEqual(
      verdict.errors.map(({ code }) => code),
      codes,
    );
  });
}

test("what is shown is what is set, and the largest number for the rest", () => {
  const shown = shownQuotas({ dedicatedCores: 20, families: { standarddv3family: 8, madeupfamily: 1 } });
  assert.equal(shown.dedicatedCoreQuota, 20);
  assert.equal(shown.lowPriorityCoreQuota, unlimited);
  const of = (name: string) => shown.dedicatedCoreQuotaPerVMFamily.find((one) => one.name === name)?.coreQuota;
  assert.deepEqual([of("standardDv3Family"), of("standardFFamily"), of("madeupfamily")], [8, unlimited, 1]);
});
