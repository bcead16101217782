// Spoils valid requests: one or two changes to the body, the path, the query, the headers, the version or the method, drawn by fast-check.
// It knows JSON and HTTP, not operations.
import fc from "fast-check";
import { versions } from "../../src/api/versions.ts";
import type { RawRequest } from "./signed.ts";

/** A change; what cannot be changed so is left as it is. */
export type Mutation = (request: RawRequest) => RawRequest;

/** Values that are rarely right anywhere. Node counts among them stay small or absurd: what is between would really be made. */
const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    "",
    " ",
    true,
    false,
    0,
    1,
    -1,
    2,
    1.5,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    1e308,
    [],
    {},
    [[]],
    [null],
    { a: 1 },
  ),
  fc.constantFrom(
    "x".repeat(70),
    "x".repeat(70_000),
    "\u0000",
    "\ud800",
    "ä\u202e",
    "../../etc/passwd",
    "a/b",
    "%00",
    "'",
    "' or 1 eq 1",
    "P",
    "-PT1S",
  ),
  fc.constantFrom(
    "P99999999999D",
    "PT1H",
    "2026-13-45T99:99:99Z",
    "2026-01-01T00:00:00",
    "9999-12-31T23:59:59Z",
    "NaN",
    "1e9",
    "__proto__",
  ),
  fc.constantFrom<unknown>(
    { __proto__: null, constructor: { prototype: 1 } },
    Array.from({ length: 101 }, () => ({})),
    deep(40),
    deep(1000),
  ),
  fc.string({ maxLength: 20, unit: "binary" }),
);

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

type Place = { holder: Record<string, unknown>; key: string };

/** Every property and element below a value. */
const places = (value: unknown): Place[] => {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...places(holder[key])]);
};

const inBody = (change: (place: Place) => void, at: number): Mutation =>
  function changeBody(request) {
    if (typeof request.body !== "object" || request.body === null) return request;
    const body = structuredClone(request.body);
    const all = places(body);
    if (all.length > 0) change(all[at % all.length]!);
    return { ...request, body };
  };

const bodies: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(strange, fc.nat()).map(([value, at]) =>
      inBody(({ holder, key }) => {
        holder[key] = value;
      }, at),
    ),
  },
  fc.nat().map((at) =>
    inBody(({ holder, key }) => {
      if (Array.isArray(holder)) (holder as unknown[]).splice(Number(key), 1);
      else delete holder[key];
    }, at),
  ),
  fc.nat().map((at) =>
    inBody(({ holder, key }) => {
      holder[key] = Array.from({ length: 3 }, () => holder[key]);
    }, at),
  ),
  fc.tuple(strange, fc.constantFrom("nonsense", "odata.type", "__proto__", "constructor", "id", "ID")).map(
    ([value, name]): Mutation =>
      (request) => ({ ...request, body: { ...(request.body as object | undefined), [name]: value } }),
  ),
  fc
    .constantFrom(
      "{",
      "[]",
      "null",
      '"text"',
      "{}",
      "\ufeff{}",
      '{"id":1e999}',
      '{"id":"a","id":"b"}',
      "[".repeat(50_000),
      "\u0000",
      "{'id':'a'}",
    )
    .map(
      (body): Mutation =>
        (request) => ({ ...request, body }),
    ),
);

const segments = [
  "..",
  "%2e%2e",
  "%00",
  "%zz",
  "%ff",
  "a".repeat(300),
  "a".repeat(9000),
  "%20",
  "'",
  "%27",
  "",
  "A%2FB",
  "none",
  "%E2%80%AE",
  "~",
  "*",
];

const paths: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(fc.constantFrom(...segments), fc.nat()).map(
    ([segment, at]): Mutation =>
      (request) => {
        const [path, query] = request.path.split("?") as [string, string | undefined];
        const parts = path.split("/");
        parts[1 + (at % (parts.length - 1))] = segment;
        return { ...request, path: parts.join("/") + (query === undefined ? "" : `?${query}`) };
      },
  ),
  fc.constantFrom("/", "//", "/x", "/files/..%2f..%2fetc%2fpasswd").map(
    (end): Mutation =>
      (request) => ({
        ...request,
        path: request.path.includes("?") ? request.path.replace("?", `${end}?`) : request.path + end,
      }),
  ),
  fc.constant<Mutation>((request) => ({ ...request, path: request.path.toUpperCase() })),
);

const texts = [
  "",
  "0",
  "-1",
  "1",
  "1001",
  "99999999999999999999",
  "true",
  "x",
  "id",
  "id,,id",
  "stats",
  "a/b",
  "id eq",
  "id eq 'a' and",
  "(".repeat(2000),
  "not not not",
];
const filters = [
  "state eq 'active' or state eq 'completed'",
  "startswith(id,'j') and creationTime ge DateTime'2020-01-01T00:00:00Z'",
  "executionInfo/exitCode eq 99999999999",
  "id eq 'a''b'",
  "id eq '\u0000'",
  `id eq '${"x".repeat(5000)}'`,
  "1 eq 1",
  "(((((id eq 'a')))))",
];
const names = [
  "$filter",
  "$select",
  "$expand",
  "maxresults",
  "$skiptoken",
  "timeout",
  "recursive",
  "force",
  "api-version",
  "nonsense",
  "MaxResults",
  "starttime",
];

const queries: fc.Arbitrary<Mutation> = fc
  .tuple(fc.constantFrom(...names), fc.oneof(fc.constantFrom(...texts, ...filters), fc.string({ maxLength: 30, unit: "binary" })))
  .map(
    ([name, value]): Mutation =>
      (request) => {
        const pair = `${name}=${encodeURIComponent(value.toWellFormed())}`;
        return { ...request, path: request.path + (request.path.includes("?") ? "&" : "?") + pair };
      },
  );

const headers: fc.Arbitrary<Mutation> = fc
  .constantFrom<[string, string | null]>(
    ["if-match", "*"],
    ["if-match", "0x8D4"],
    ["if-match", '"'],
    ["if-none-match", "*"],
    ["if-modified-since", "yesterday"],
    ["if-modified-since", "Fri, 20 Nov 2026 00:00:00 GMT"],
    ["if-unmodified-since", "Fri, 20 Nov 1996 00:00:00 GMT"],
    ["ocp-range", "bytes=5-2"],
    ["ocp-range", "bytes=0-99999999999999999999"],
    ["ocp-range", "lines=1"],
    ["ocp-date", "never"],
    ["ocp-date", null],
    ["content-type", "text/plain"],
    ["content-type", null],
    ["client-request-id", "x".repeat(5000)],
    ["return-client-request-id", "perhaps"],
    ["accept", "text/html"],
    ["host", "elsewhere"],
    ["authorization", "SharedKey account:AAAA"],
    ["authorization", ""],
  )
  .map(
    ([name, value]): Mutation =>
      (request) => ({ ...request, headers: { ...request.headers, [name]: value } }),
  );

const others: fc.Arbitrary<Mutation> = fc.oneof(
  fc.constantFrom<string | null>(...versions, "2099-01-01", "2015-01-01", "latest", "", null).map(
    (version): Mutation =>
      (request) => ({ ...request, version }),
  ),
  fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND").map(
    (method): Mutation =>
      (request) => ({ ...request, method }),
  ),
);

const one = fc.oneof(
  { weight: 6, arbitrary: bodies },
  { weight: 2, arbitrary: paths },
  { weight: 3, arbitrary: queries },
  { weight: 2, arbitrary: headers },
  { weight: 2, arbitrary: others },
);

/** One change, sometimes two. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(one, { minLength: 1, maxLength: 2 })
  .map((changes) => (request) => changes.reduce((changed, change) => change(changed), request));
