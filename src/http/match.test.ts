// From method and path to an operation, and to the right refusal.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOperations } from "../api/batch/index.ts";
import { ApiError } from "../api/errors.ts";
import { noQuery, operation } from "../api/operation.ts";
import { baseline, type Version } from "../api/versions.ts";
import { inVersion, routesOf } from "./match.ts";

const routes = routesOf(Object.values(batchOperations));
const found = (method: string, path: string, version: Version = baseline) => {
  const { operation, params } = inVersion(routes.find(method, path), version);
  return [operation.id, params];
};
const code = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error.code;
  }
  return "none";
};

test("every declared operation is found by its own path", () => {
  for (const declared of Object.values(batchOperations)) {
    const path = declared.path.replace(/\{\+?(\w+)\}/g, (_, name) => `${name}%201`);
    const names = [...declared.path.matchAll(/\{\+?(\w+)\}/g)].map((match) => match[1]!);
    const [id, params] = found(declared.method, path, declared.until ?? baseline);
    assert.equal(id, declared.id);
    assert.deepEqual(params, Object.fromEntries(names.map((name) => [name, `${name} 1`])));
  }
});

test("leading slashes collapse, a trailing one means nothing, others count", () => {
  assert.deepEqual(found("GET", "//pools/p"), ["Pool_Get", { poolId: "p" }]);
  assert.deepEqual(found("GET", "/pools/"), ["Pool_List", {}]);
  for (const path of ["/", "", "/pools//nodes", "/pools/p/nodes/n/users/u/x", "/POOLS", "/pools%2Fp"])
    assert.equal(
      code(() => found("GET", path)),
      "ResourceNotFound",
      path,
    );
  assert.equal(
    code(() => found("TRACE", "/pools")),
    "UnsupportedHttpVerb",
  );
  // A file's path keeps its inner slashes; escapes are undone once.
  assert.deepEqual(found("GET", "/jobs/j/tasks/t/files/a//b%2Fc%2525"), [
    "File_GetFromTask",
    { jobId: "j", taskId: "t", filePath: "a//b/c%25" },
  ]);
});

test("ids that look like words of the language are ids", () => {
  for (const id of ["__proto__", "constructor", "toString", "nodes", "{poolId}"]) {
    assert.deepEqual(found("GET", `/pools/${encodeURIComponent(id)}`), ["Pool_Get", Object.fromEntries([["poolId", id]])]);
  }
});

test("parameters within a segment", () => {
  const certificate = operation("Certificate_Get", {
    method: "GET",
    path: "/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})",
    summary: "",
    query: noQuery,
    conditions: "none",
    answer: { status: 200 },
    errors: [],
  });
  const own = routesOf([certificate]);
  assert.deepEqual(own.find("GET", "/certificates(thumbprintAlgorithm=sha1,thumbprint=ab%20c)")[0]?.params, {
    thumbprintAlgorithm: "sha1",
    thumbprint: "ab c",
  });
  for (const path of [
    "/certificates%28thumbprintAlgorithm%3Dsha1%2cthumbprint%3Dab%2520c%29",
    "/certificates(ThumbprintAlgorithm=sha1,Thumbprint=ab%2520c)",
  ]) {
    assert.equal(own.find("GET", path)[0]?.params.thumbprint, "ab%20c", "escaped once, in the two ways that the service writes the names");
  }
  assert.equal(
    code(() => own.find("GET", "/certificates(thumbprint=x)")),
    "ResourceNotFound",
  );
});

test("a scope is all in front of the literals behind it", () => {
  const answer = { status: 200 } as const;
  const declare = (id: string, method: "GET" | "PUT", path: string) =>
    operation(id, { method, path, summary: "", query: noQuery, conditions: "none", answer, errors: [] });
  const scoped = routesOf(
    [
      declare("scoped", "GET", "/{+scope}/providers/Tags/default"),
      declare("written", "PUT", "/{+scope}/providers/Tags/default"),
      declare("plain", "GET", "/groups/{name}"),
    ],
    { anyCase: true },
  );
  const of = (method: string, path: string) => scoped.find(method, path).map((match) => [match.operation.id, match.params]);
  assert.deepEqual(of("GET", "//groups/g%20h/providers/A/b/c/PROVIDERS/tags/Default"), [
    ["scoped", { scope: "groups/g h/providers/A/b/c" }],
  ]);
  assert.deepEqual(of("GET", "/groups/g"), [["plain", { name: "g" }]]);
  for (const path of ["/providers/Tags/default", "/groups/g/providers/Tags", "/groups/g/providers/Tags/default/x", "/default"])
    assert.equal(
      code(() => scoped.find("GET", path)),
      "ResourceNotFound",
      path,
    );
});
