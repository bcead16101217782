// $filter: what is read, what is refused, and that nothing a client can write does harm.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ApiError } from "../../api/errors.ts";
import type { Filterable, FilterNode } from "../../domain/filter.ts";
import { parseFilter, printFilter } from "./filter.ts";

const all = ["eq", "ne", "gt", "ge", "lt", "le"] as const;
const filterable: Filterable = {
  id: { type: "string", operators: [...all, "startswith"] },
  state: { type: "string", operators: ["eq", "ne"] },
  creationTime: { type: "time", operators: all },
  "executionInfo/exitCode": { type: "number", operators: all },
  enableAutoScale: { type: "boolean", operators: ["eq", "ne"] },
};

const read = (text: string): FilterNode => parseFilter(text, filterable);
const reason = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    assert.ok(error instanceof ApiError && error.code === "InvalidQueryParameterValue", String(error));
    assert.deepEqual(error.values.slice(0, 2), [
      { key: "QueryParameterName", value: "$filter" },
      { key: "QueryParameterValue", value: text.slice(0, 256) },
    ]);
    assert.equal(error.values[2]?.key, "Reason");
    return error.values[2].value;
  }
  throw new assert.AssertionError({ message: `${text} was read` });
};

const id = (value: string): FilterNode => ({ type: "compare", operator: "eq", property: "id", value: { kind: "string", value } });

test("comparisons by type", () => {
  assert.deepEqual(read("id eq 'it''s'"), id("it's"));
  assert.deepEqual(read("  id eq'a'  "), id("a"));
  assert.deepEqual(read("executionInfo/exitCode lt -1"), {
    type: "compare",
    operator: "lt",
    property: "executionInfo/exitCode",
    value: { kind: "number", value: -1 },
  });
  assert.deepEqual(read("enableAutoScale eq true"), {
    type: "compare",
    operator: "eq",
    property: "enableAutoScale",
    value: { kind: "boolean", value: true },
  });
  assert.deepEqual(read("startswith(id,'ab c')"), { type: "startswith", property: "id", value: "ab c" });
  assert.deepEqual(read("startswith( id , '' )"), { type: "startswith", property: "id", value: "" });
});

test("times in every form that the service takes", () => {
  const at = Date.UTC(2011, 4, 8, 8, 49, 37);
  for (const text of [
    "DateTime'2011-05-08T08:49:37Z'",
    "datetime'2011-05-08T08:49:37Z'",
    "DateTime'2011-05-08T10:49:37+02:00'",
    "DateTime'Sun, 08 May 2011 08:49:37 GMT'",
    "DateTime'2011-05-08T08:49:37.0000000Z'",
  ]) {
    assert.deepEqual(
      read(`creationTime ge ${text}`),
      { type: "compare", operator: "ge", property: "creationTime", value: { kind: "time", value: at } },
      text,
    );
  }
  const fine = read("creationTime eq DateTime'2011-05-08T08:49:37.123456Z'");
  assert.equal(fine.type === "compare" && fine.value.kind === "time" && Math.round(fine.value.value * 1000), at * 1000 + 123_456);
  assert.deepEqual(read("creationTime lt DateTime'2011-05-08'"), {
    type: "compare",
    operator: "lt",
    property: "creationTime",
    value: { kind: "time", value: Date.UTC(2011, 4, 8) },
  });
});

test("objects are compared with null, and times may be plain texts where a list says so", () => {
  const managed: Filterable = {
    "properties/scaleSettings/autoScale": { type: "object", operators: ["eq", "ne"] },
    "properties/creationTime": { type: "time", operators: all, plainTime: true },
  };
  const at = { kind: "time", value: Date.parse("2017-05-01T00:00:00Z") };
  assert.deepEqual(parseFilter("properties/scaleSettings/autoScale ne null", managed), {
    type: "compare",
    operator: "ne",
    property: "properties/scaleSettings/autoScale",
    value: { kind: "null" },
  });
  for (const time of ["'2017-05-01'", "datetime'2017-05-01'"]) {
    const property = "properties/creationTime";
    assert.deepEqual(parseFilter(`${property} gt ${time}`, managed), { type: "compare", operator: "gt", property, value: at });
  }
  for (const text of [
    "properties/scaleSettings/autoScale eq 'null'",
    "properties/creationTime gt null",
    "properties/creationTime gt 'soon'",
  ]) {
    assert.throws(() => parseFilter(text, managed), { code: "InvalidQueryParameterValue" }, text);
  }
  assert.throws(() => read("creationTime gt '2017-05-01'"), { code: "InvalidQueryParameterValue" });
});

test("and binds tighter than or, not tighter than both, parentheses tightest", () => {
  assert.deepEqual(read("id eq 'a' or id eq 'b' and id eq 'c'"), {
    type: "or",
    left: id("a"),
    right: { type: "and", left: id("b"), right: id("c") },
  });
  assert.deepEqual(read("(id eq 'a' or id eq 'b') and not id eq 'c'"), {
    type: "and",
    left: { type: "or", left: id("a"), right: id("b") },
    right: { type: "not", operand: id("c") },
  });
  assert.deepEqual(read("not (id eq 'a')"), { type: "not", operand: id("a") });
});

test("what a list does not offer, and what is no filter, is refused with its reason", () => {
  assert.match(reason("displayName eq 'x'"), /property 'displayName'/);
  assert.match(reason("ID eq 'x'"), /property 'ID'/);
  assert.match(reason("state gt 'x'"), /operator 'gt'/);
  assert.match(reason("startswith(state,'x')"), /operator 'startswith'/);
  assert.match(reason("endswith(id,'x')"), /function 'endswith'/);
  assert.match(reason("executionInfo/exitCode eq '1'"), /type number/);
  assert.match(reason("id eq 1"), /type string/);
  assert.match(reason("creationTime eq '2011-05-08'"), /type time/);
  assert.match(reason("creationTime eq DateTime'yesterday'"), /type time/);
  assert.match(reason("enableAutoScale eq null"), /type boolean/);
  for (const text of [
    "id",
    "id eq",
    "id eq 'a' and",
    "eq 'a'",
    "(id eq 'a'",
    "id eq 'a')",
    "id eq 'a",
    "id eq 'a' id eq 'b'",
    "id == 'a'",
    "not",
    "()",
    "startswith(id)",
    "toString eq 'a'",
    "__proto__ eq 'a'",
    "id eq 1.2.3",
  ]) {
    reason(text);
  }
});

test("hostile filters cost little", () => {
  assert.match(reason(`${"(".repeat(2000)}id eq 'a'${")".repeat(2000)}`), /nested|longer/);
  assert.match(reason(`${"not ".repeat(900)}id eq 'a'`), /nested/);
  assert.match(reason(`id eq '${"x".repeat(5000)}'`), /longer/);
  assert.match(reason(`id eq ${"'".repeat(4001)}`), /wrong/);
  read(Array.from({ length: 200 }, (_, i) => `id eq '${i}'`).join(" or "));
});

const text = fc.string({ unit: "grapheme", maxLength: 12 });
const leaf: fc.Arbitrary<FilterNode> = fc.oneof(
  fc.record({
    type: fc.constant("compare" as const),
    operator: fc.constantFrom(...all),
    property: fc.constant("id"),
    value: fc.record({ kind: fc.constant("string" as const), value: text }),
  }),
  fc.record({
    type: fc.constant("compare" as const),
    operator: fc.constantFrom(...all),
    property: fc.constant("executionInfo/exitCode"),
    value: fc.record({ kind: fc.constant("number" as const), value: fc.integer() }),
  }),
  fc.record({
    type: fc.constant("compare" as const),
    operator: fc.constantFrom(...all),
    property: fc.constant("creationTime"),
    value: fc.record({ kind: fc.constant("time" as const), value: fc.integer({ min: 0, max: Date.UTC(2100, 0) }) }),
  }),
  fc.record({ type: fc.constant("startswith" as const), property: fc.constant("id"), value: text }),
);
const { tree } = fc.letrec<{ tree: FilterNode }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.record({ type: fc.constantFrom("and" as const, "or" as const), left: tie("tree"), right: tie("tree") }),
    fc.record({ type: fc.constant("not" as const), operand: tie("tree") }),
  ),
}));

test("what is printed reads back to the same tree", () => {
  fc.assert(
    fc.property(tree, (node) => {
      const printed = printFilter(node);
      fc.pre(printed.length <= 4096);
      assert.deepEqual(JSON.parse(JSON.stringify(read(printed))), JSON.parse(JSON.stringify(node)));
    }),
    { numRuns: 300 },
  );
});

test("no text makes it fail in another way than by refusing", () => {
  const word = fc.constantFrom(
    "id",
    "state",
    "eq",
    "and",
    "or",
    "not",
    "(",
    ")",
    ",",
    "'",
    "''",
    "startswith",
    "DateTime'",
    "1",
    "-",
    "true",
    " ",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(word, { maxLength: 30 }).map((words) => words.join(" ")),
        fc.array(word).map((words) => words.join("")),
      ),
      (garbage) => {
        try {
          read(garbage);
        } catch (error) {
          assert.ok(error instanceof ApiError, String(error));
        }
      },
    ),
    { numRuns: 1000 },
  );
});
