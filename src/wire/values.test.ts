// Times: what is read, how it is written. The other kinds are tested where bodies are read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { normaliseTime } from "./values.ts";

test("times are read in every form that the service documents, and written in its own", () => {
  for (const [text, expected] of [
    ["2014-05-08", "2014-05-08T00:00:00Z"],
    ["2014-05-08T08:49Z", "2014-05-08T08:49:00Z"],
    ["2014-05-08T08:49:37Z", "2014-05-08T08:49:37Z"],
    ["2014-05-08T08:49:37", "2014-05-08T08:49:37Z"],
    ["2014-05-08T08:49:37.1200000Z", "2014-05-08T08:49:37.12Z"],
    ["2014-05-08T08:49:37.123456789Z", "2014-05-08T08:49:37.1234567Z"],
    ["2014-05-08T08:49:37.0Z", "2014-05-08T08:49:37Z"],
    ["2014-05-08T01:49:37-07:00", "2014-05-08T08:49:37Z"],
    ["2014-05-08T10:49:37+0200", "2014-05-08T08:49:37Z"],
    ["2024-02-29", "2024-02-29T00:00:00Z"],
  ] as const) {
    assert.equal(normaliseTime(text), expected, text);
  }
});

test("what is no time is not made one", () => {
  for (const text of [
    "",
    "today",
    "2014-02-30",
    "2023-02-29",
    "2014-13-01",
    "2014-05-08T24:61Z",
    "2014-05-08 08:49Z",
    "0000-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "20140508",
    "2014-05-08T08:49:37.Z",
  ]) {
    assert.equal(normaliseTime(text), undefined, text);
  }
});
