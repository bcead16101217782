// Reading query parameters: names without regard to case, ranges, versions, the service's wording.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expandableListQuery, fileListQuery, forceQuery, nodeCountsQuery } from "../api/batch/queries.ts";
import { ApiError } from "../api/errors.ts";
import type { Model } from "../api/fields.ts";
import { baseline } from "../api/versions.ts";
import { parseQuery } from "./queries.ts";

const refusal = (model: Model, ...query: [string, string][]): Record<string, string> => {
  try {
    parseQuery(model, query, baseline);
  } catch (error) {
    assert.ok(error instanceof ApiError && error.code === "InvalidQueryParameterValue", String(error));
    return Object.fromEntries(error.values.map(({ key, value }) => [key, value]));
  }
  return assert.fail("accepted");
};

test("names are matched without regard to case, the first of several counts, unknown ones are looked over", () => {
  const query = [
    ["api-version", baseline],
    ["MaxResults", "5"],
    ["maxresults", "6"],
    ["$Filter", "state eq 'active'"],
    ["$select", ""],
    ["colour", "red"],
  ] as const;
  assert.deepEqual(parseQuery(expandableListQuery, query, baseline), { $filter: "state eq 'active'", maxresults: 5 });
});

test("a page size out of range is refused as the service does", () => {
  assert.deepEqual(refusal(expandableListQuery, ["maxresults", "-5"]), {
    QueryParameterName: "maxresults",
    QueryParameterValue: "-5",
    Reason: "MaxResults cannot be less than 1",
  });
  for (const text of ["0", "1001", "ten", "1.5", "1e3", "99999999999"])
    assert.equal(refusal(expandableListQuery, ["maxresults", text]).QueryParameterValue, text);
  assert.equal(parseQuery(expandableListQuery, [], baseline).maxresults, 1000);
  assert.equal(parseQuery(nodeCountsQuery, [], baseline).maxresults, 10);
});

test("flags are true or false", () => {
  assert.deepEqual(parseQuery(fileListQuery, [["recursive", "True"]], baseline).recursive, true);
  assert.deepEqual(parseQuery(fileListQuery, [], baseline).recursive, false);
  assert.equal(refusal(fileListQuery, ["recursive", "1"]).QueryParameterName, "recursive");
});

test("a parameter that the version does not know is looked over", () => {
  assert.equal(parseQuery(forceQuery, [["force", "true"]], baseline).force, true);
  assert.equal(parseQuery(forceQuery, [["force", "true"]], "2024-02-01.19.0").force, false);
});

test("a value without end is refused before anything reads it", () => {
  assert.ok((refusal(expandableListQuery, ["$filter", "x".repeat(100_000)]).QueryParameterValue ?? "").length <= 256);
});
