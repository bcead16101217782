// The flags that limit accounts: what they mean and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { quotaOptions } from "./quota-options.ts";
import { UserError } from "./usage-error.ts";

test("quotas are named in any case, families by their name, and the last one counts", () => {
  const { quotas } = quotaOptions({ quota: ["pools=5", "dedicatedcores=20", "family:standardDv3Family=100", "jobs=0", "pools=6"] });
  assert.deepEqual(quotas, { pools: 6, dedicatedCores: 20, jobs: 0, families: { standarddv3family: 100 } });
});

test("without a flag nothing is limited", () => {
  assert.deepEqual(quotaOptions({}), { quotas: { families: {} } });
  assert.deepEqual(quotaOptions({ quota: [""] }), { quotas: { families: {} } });
});

test("what is no quota is refused", () => {
  for (const text of ["pools", "pools=", "pools=-1", "pools=1.5", "nodes=3", "family:=3", "family:a b=3", "pools=10000000000"])
    assert.throws(
      () => quotaOptions({ quota: [text] }),
      (error) => error instanceof UserError && error.exitCode === 2,
      text,
    );
});
