// Signatures as each known client makes them, recomputed here the way its source does, and the answers to those that are wrong.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { ApiError } from "../api/errors.ts";
import { type Account, allowedSkewMs, authenticateSharedKey, type SignedRequest } from "./shared-key.ts";

const now = Date.UTC(2026, 10, 20, 7, 16, 9);
const date = "Fri, 20 Nov 2026 07:16:09 GMT";
const keys = [Buffer.from("primary").toString("base64"), Buffer.from("secondary").toString("base64")] as const;
const account: Account = { id: 3, name: "myaccount", keys };
const accounts = { find: (name: string) => (name === account.name ? account : undefined) };

const hmac = (lines: readonly string[], key: string = keys[0]): string =>
  createHmac("sha256", Buffer.from(key, "base64")).update(lines.join("\n"), "utf8").digest("base64");

type Sent = Partial<SignedRequest> & { key?: string };

/** A request whose signature covers the lines given, which are those of the client in question, by hand. */
const signed = (lines: readonly string[], { key = keys[0], ...request }: Sent): SignedRequest => ({
  method: "GET",
  rawPath: "/pools",
  query: [],
  ...request,
  headers: { authorization: `SharedKey myaccount:${hmac(lines, key)}`, "ocp-date": date, ...request.headers },
});

const accepted = (request: SignedRequest) =>
  assert.deepEqual(authenticateSharedKey(request, accounts, now), { accountId: 3, accountName: "myaccount" });

const refused = (request: SignedRequest, at = now): ApiError => {
  try {
    authenticateSharedKey(request, accounts, at);
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it was accepted" });
};

const version = ["api-version", "2022-10-01.16.0"] as const;
const empty = (count: number): string[] => Array.from({ length: count }, () => "");

test("Python: nothing for a length that is absent, `0` for a POST without a body, query names as sent", () => {
  accepted(
    signed(
      [
        "GET",
        ...empty(11),
        `ocp-date:${date}`,
        "/myaccount/pools",
        "$filter:state eq 'active'",
        "api-version:2022-10-01.16.0",
        "timeout:30",
      ],
      {
        query: [["timeout", "30"], version, ["$filter", "state eq 'active'"]],
      },
    ),
  );
  accepted(
    signed(["POST", "", "", "0", ...empty(8), `ocp-date:${date}`, "/myaccount/jobs/j/terminate", "api-version:2022-10-01.16.0"], {
      method: "POST",
      rawPath: "/jobs/j/terminate",
      query: [version],
      headers: { "content-length": "0" },
    }),
  );
});

test("npm: a content type without a body, and `0` on DELETE with no length on the wire", () => {
  const type = "application/json; charset=utf-8";
  accepted(
    signed(["GET", "", "", "", "", type, ...empty(6), `ocp-date:${date}`, "/myaccount/pools", "api-version:2022-10-01.16.0"], {
      query: [version],
      headers: { "content-type": type },
    }),
  );
  accepted(
    signed(["DELETE", "", "", "0", "", type, ...empty(6), `ocp-date:${date}`, "/myaccount/pools/p", "api-version:2018-12-01.8.0"], {
      method: "DELETE",
      rawPath: "/pools/p",
      query: [["api-version", "2018-12-01.8.0"]],
      headers: { "content-type": type },
    }),
  );
});

test("a body, conditions and a range are covered", () => {
  const headers = {
    "content-length": "17",
    "content-type": "application/json; odata=minimalmetadata; charset=utf-8",
    "if-modified-since": date,
    "if-match": "0x8D",
    "if-none-match": "*",
    "if-unmodified-since": date,
    range: "bytes=0-1",
    "ocp-range": "bytes=0-9",
  };
  const lines = [
    "PATCH",
    "",
    "",
    "17",
    "",
    headers["content-type"],
    "",
    date,
    "0x8D",
    "*",
    date,
    "bytes=0-1",
    `ocp-date:${date}`,
    "ocp-range:bytes=0-9",
    "/myaccount/jobs/j",
    "api-version:2022-10-01.16.0",
  ];
  accepted(signed(lines, { method: "PATCH", rawPath: "/jobs/j", query: [version], headers }));
  for (const name of Object.keys(headers)) {
    assert.equal(
      refused(signed(lines, { method: "PATCH", rawPath: "/jobs/j", query: [version], headers: { ...headers, [name]: "changed" } })).code,
      "AuthenticationFailed",
      name,
    );
  }
});

test("the path is signed as sent, query values decoded, names in either letter case", () => {
  const path = "/jobs/j/tasks/t/files/wd%2Fa%20b.txt";
  accepted(
    signed(["GET", ...empty(11), `ocp-date:${date}`, `/myaccount${path}`, "api-version:2022-10-01.16.0"], {
      rawPath: path,
      query: [version],
    }),
  );
  assert.equal(
    refused(
      signed(["GET", ...empty(11), `ocp-date:${date}`, "/myaccount/jobs/j/tasks/t/files/wd/a b.txt", "api-version:2022-10-01.16.0"], {
        rawPath: path,
        query: [version],
      }),
    ).status,
    403,
  );
  const query = [["startTime", "x y"], version, ["maxresults", ""]] as const;
  for (const lines of [
    // Go-style signers lower the names; Python leaves empty values out, others keep them.
    ["api-version:2022-10-01.16.0", "starttime:x y"],
    ["api-version:2022-10-01.16.0", "startTime:x y"],
    ["api-version:2022-10-01.16.0", "maxresults:", "startTime:x y"],
  ]) {
    accepted(
      signed(["GET", ...empty(11), `ocp-date:${date}`, "/myaccount/poolusagemetrics", ...lines], { rawPath: "/poolusagemetrics", query }),
    );
  }
});

test("a parameter that comes twice is signed as its first value or as all of them", () => {
  const query = [
    ["a", "1"],
    ["a", "2"],
  ] as const;
  for (const line of ["a:1", "a:1,2"]) accepted(signed(["GET", ...empty(11), `ocp-date:${date}`, "/myaccount/pools", line], { query }));
  assert.equal(refused(signed(["GET", ...empty(11), `ocp-date:${date}`, "/myaccount/pools", "a:2"], { query })).status, 403);
});

test("Date alone is signed in its own line; white space in ocp headers is folded; either key is good", () => {
  const lines = ["GET", "", "", "", "", "", date, ...empty(5), "/myaccount/pools"];
  accepted({ ...signed(lines, {}), headers: { authorization: `SharedKey myaccount:${hmac(lines)}`, date } });
  const folded = ["GET", ...empty(11), `ocp-date:${date}`, "ocp-note:a b", "/myaccount/pools"];
  accepted(signed(folded, { headers: { "ocp-note": "  a \t b " }, key: keys[1] }));
});

test("what cannot be parsed is 400, what is missing is 401", () => {
  const request = (authorization?: string): SignedRequest => ({
    method: "GET",
    rawPath: "/pools",
    query: [],
    headers: { authorization, "ocp-date": date },
  });
  for (const header of [
    "Basic YTpi",
    "SharedKey",
    "SharedKey myaccount",
    "SharedKey myaccount:not*base64",
    "SharedKey myaccount:abc",
    "SharedKey :AAAA",
    "myaccount:AAAA",
  ]) {
    const error = refused(request(header));
    assert.deepEqual([error.status, error.code], [400, "InvalidAuthenticationInfo"], header);
  }
  for (const header of [undefined, "", "Bearer abc.def"]) {
    const error = refused(request(header));
    assert.deepEqual([error.status, error.code], [401, "AuthenticationFailed"], header);
  }
});

const detailOf = (error: ApiError): string => {
  assert.deepEqual([error.status, error.code], [403, "AuthenticationFailed"]);
  assert.equal(error.values[0]?.key, "AuthenticationErrorDetail");
  return error.values[0].value;
};

test("a wrong signature is told what was signed, never a key, and an unknown account hears the same", () => {
  const wrong = signed(["something else"], { query: [version] });
  const detail = detailOf(refused(wrong));
  assert.ok(
    detail.includes(`Server used following string to sign: 'GET\n`) && detail.includes("/myaccount/pools\napi-version:2022-10-01.16.0'"),
    detail,
  );
  for (const key of keys) assert.ok(!detail.includes(key) && !detail.includes(Buffer.from(key, "base64").toString()));
  const stranger = {
    ...wrong,
    headers: { ...wrong.headers, authorization: String(wrong.headers.authorization).replace("myaccount", "stranger1") },
  };
  assert.equal(detailOf(refused(stranger)), detail.replaceAll("myaccount", "stranger1"));
  // An account without keys is open to nobody, and an empty key signs nothing.
  const bare = { find: () => ({ id: 1, name: "myaccount", keys: [""] }) };
  const request = signed(["GET", ...empty(11), `ocp-date:${date}`, "/myaccount/pools"], { key: "" });
  assert.throws(() => authenticateSharedKey(request, bare, now), ApiError);
});

test("the date must be there, readable, and within 15 minutes of the server's", () => {
  const at = (text: string | undefined): SignedRequest =>
    signed(["GET", ...empty(11), ...(text === undefined ? [] : [`ocp-date:${text}`]), "/myaccount/pools"], {
      headers: { "ocp-date": text },
    });
  assert.match(detailOf(refused(at(undefined))), /Date header/);
  for (const bad of ["2026-11-20", "now", "1"]) assert.match(detailOf(refused(at(bad))), /Date header/);
  const late = detailOf(refused(at(date), now + allowedSkewMs + 1000));
  assert.match(late, /Date header .*Fri, 20 Nov 2026 07:31:10 GMT.*Fri, 20 Nov 2026 07:16:09 GMT/s);
  assert.match(detailOf(refused(at(date), now - allowedSkewMs - 1000)), /Date header/);
  authenticateSharedKey(at(date), accounts, now + allowedSkewMs);
  accepted(at("Friday, 20-Nov-26 07:16:09 GMT"));
});
