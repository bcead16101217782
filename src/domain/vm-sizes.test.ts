// VM sizes by name: listed ones, names that are built like those, and what is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostTaskSlots, vmSizeOf } from "./vm-sizes.ts";

test("sizes are found in any case, listed or read from a name that is built like Azure's", () => {
  const cores = (name: string) => vmSizeOf(name)?.cores;
  assert.deepEqual(
    ["Standard_A1", "STANDARD_D2_V3", "standard_d11", "standard_d15_v2", "basic_a2", "small", "a8", "standard_dc2s_v2"].map(cores),
    [1, 2, 2, 20, 2, 1, 8, 2],
  );
  assert.deepEqual(
    ["standard_e64-16as_v9", "standard_nc24rs_v3", "standard_d128s_v6", "standard_nc40ads_h100_v5"].map(cores),
    [16, 24, 128, 40],
  );
  assert.deepEqual(
    ["standard_d2", "STANDARD_E8-2S_V5"].map((name) => vmSizeOf(name)?.name),
    ["standard_d2", "standard_e8-2s_v5"],
  );
});

test("what cannot be a size is none", () => {
  for (const name of ["", "standard", "standard_d", "standard_d0s_v9", "d2_v3", "standard_d2_v3; rm", "standard_x9999", "../standard_d2"]) {
    assert.equal(vmSizeOf(name), undefined, name);
  }
});

test("a node offers four slots a core, and never more than 256", () => {
  assert.deepEqual([1, 2, 64, 96].map(mostTaskSlots), [4, 8, 256, 256]);
});
