// Nothing that lets a reader of the log act as someone else stays in it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { redactHeaders, redactText, redactValue } from "./redact.ts";

test("signatures, tokens, keys and passwords are taken out, the rest stays", () => {
  for (const [text, left] of [
    ["/c/b?sv=2024&sig=abc%2Fdef%3D&se=1", "/c/b?sv=2024&sig=REDACTED&se=1"],
    ["https://h/?SIG=abc", "https://h/?SIG=REDACTED"],
    ["sig=abc", "sig=REDACTED"],
    [
      "/files?u=https%3A%2F%2Fh%2F%3Fsv%3D1%26sig%3Dabc%252F%26se%3D2&x=1",
      "/files?u=https%3A%2F%2Fh%2F%3Fsv%3D1%26sig%3DREDACTED%26se%3D2&x=1",
    ],
    ["Authorization: SharedKey me:abc+/=", "Authorization: SharedKey me:REDACTED"],
    ["SharedKeyLite me:abc", "SharedKeyLite me:REDACTED"],
    ["bearer eyJ.a.b", "bearer REDACTED"],
    [
      "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zm9v==;X=1",
      "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=REDACTED;X=1",
    ],
    ["redis://user:pw@host/0", "redis://REDACTED@host/0"],
    ["designed signature of a sigma: sign=1", "designed signature of a sigma: sign=1"],
  ] as const) {
    assert.equal(redactText(text), left);
  }
});

test("headers by name, values at any depth, errors with what they say", () => {
  assert.deepEqual(redactHeaders({ Authorization: "SharedKey a:b", host: "h", referer: "http://h/?sig=a" }), {
    Authorization: "REDACTED",
    host: "h",
    referer: "http://h/?sig=REDACTED",
  });
  const error = Object.assign(new Error("GET https://h/?sig=abc failed", { cause: new Error("Bearer abc") }), { code: "E1" });
  const value = redactValue({ list: ["?sig=abc"], authorization: "x", error, n: 1 });
  const text = JSON.stringify(value);
  assert.ok(!text.includes("abc") && text.includes("E1") && text.includes('"n":1') && text.includes('"authorization":"REDACTED"'), text);
  const circle: { self?: unknown } = {};
  circle.self = circle;
  assert.ok(JSON.stringify(redactValue(circle)).length < 200);
});

test("no text, however made, takes more time than its length", () => {
  const clock = systemClock();
  const [pieces, length] = [
    ["a-", "a.", "sig ", "sig=", "://", "a://", "@", " ", "%26", "%26sig%3D", "SharedKey ", "Bearer ", "Basic A", "?"],
    300_000,
  ];
  for (const piece of pieces) {
    for (const end of ["", "!", "://u:p@h", "@"]) {
      const text = `sig ${piece.repeat(length / piece.length)}${end}`;
      const begun = clock.elapsed();
      redactText(text);
      assert.ok(clock.elapsed() - begun < 1000, `${piece} ... ${end} took ${clock.elapsed() - begun} ms`);
    }
  }
  assert.equal(redactText(`${"a".repeat(1000)}://user:pw@host`), `${"a".repeat(1000)}://REDACTED@host`);
});
