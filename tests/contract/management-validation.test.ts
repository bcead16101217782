// Every constraint that a declaration of the management plane makes of a body, every parameter of every path with values that no client means,
// every method where it does not belong, every way not to be let in: refused with Resource Manager's form of errors, and never a 5xx.
import assert from "node:assert/strict";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { text as readText } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { managementOperations } from "../../src/api/management/index.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { livesIn, type Version } from "../../src/api/versions.ts";
import { batchResource, managementResource, tokenFor } from "../support/arm.ts";
import { startQuern } from "../support/quern.ts";
import { ownName } from "../support/signed.ts";
import { brokenBodies, sampleOf } from "./broken-values.ts";

type Asked = { method?: string; body?: string; params?: Record<string, string>; query?: string; authorization?: string | null };
type Seen = { status: number; type: string; json: any; text: string };

const operations = Object.values(managementOperations) as unknown as readonly OperationDeclaration[];

const newest = (operation: OperationDeclaration): Version =>
  operation.provider!.versions.findLast((version) => livesIn(operation, version))!;

const aServer = async (t: TestContext) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { subscriptionId, resourceGroup, account, batchUrl } = quern.ready;
  const url = new URL(batchUrl);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const [token, batchToken] = [await tokenFor(quern, managementResource), await tokenFor(quern, batchResource)];
  const known: Record<string, string> = {
    subscriptionId,
    resourceGroupName: resourceGroup,
    accountName: account,
    locationName: "eastus",
    scope: `subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`,
  };

  /** One request of the operation: as it is declared but for what `asked` says. */
  const ask = async (operation: OperationDeclaration, asked: Asked = {}): Promise<Seen> => {
    const { method = operation.method, body, params = {}, query = `?api-version=${newest(operation)}`, authorization } = asked;
    const path = operation.path.replace(/\{\+?(\w+)\}/g, (_, name: string) => params[name] ?? known[name] ?? "abc1");
    const proof = authorization === null ? {} : { authorization: authorization ?? `Bearer ${token}` };
    const content = body === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { "user-agent": ownName, ...proof, ...content };
      const sent = httpRequest({ host: url.hostname, port: url.port, agent, method, path: path + query, headers }, resolve);
      sent.on("error", reject);
      sent.end(body);
    });
    const text = await readText(response);
    const json = /^[{[]/.test(text) ? JSON.parse(text) : undefined;
    return { status: response.statusCode!, type: String(response.headers["content-type"]), json, text };
  };
  const sample = (operation: OperationDeclaration): { body?: string } =>
    operation.body === undefined ? {} : { body: JSON.stringify(sampleOf(operation.body, newest(operation))) };
  return { ask, sample, batchToken };
};

/** What is wrong with the form of an answer; undefined where nothing is. */
const misshapen = (method: string, { status, type, json, text }: Seen): string | undefined => {
  if (status >= 500) return `${status} ${text.slice(0, 200)}`;
  if (status < 400) return undefined;
  if (method === "HEAD") return text === "" ? undefined : "HEAD with a body";
  const isError = typeof json?.error?.code === "string" && typeof json.error.message === "string" && json.error.message !== "";
  return isError && type.startsWith("application/json") ? undefined : `${status} ${type} ${text.slice(0, 200)}`;
};

test("a body with one wrong thing in it", { timeout: 120_000 }, async (t) => {
  const { ask } = await aServer(t);
  let rows = 0;
  for (const operation of operations) {
    const { body: model } = operation;
    if (model === undefined) continue;
    const found: string[] = [];
    for (const { what, body, code, property } of brokenBodies(model, sampleOf(model, newest(operation)), newest(operation))) {
      rows++;
      const seen = await ask(operation, { body: JSON.stringify(body) });
      const said = seen.json?.error?.code;
      // Batch says it in the words of its data plane, the others in those of Resource Manager.
      const isRight = seen.status === 400 && (said === code || said === "InvalidRequestContent") && seen.text.includes(property);
      if (!isRight || misshapen(operation.method, seen) !== undefined) found.push(`${what}: ${seen.status} ${seen.text.slice(0, 300)}`);
    }
    assert.deepEqual(found, [], operation.id);
  }
  assert.ok(rows > 1500, `${rows} rows`);
});

const bodies = [
  "",
  "null",
  "[]",
  '"x"',
  "{",
  "[".repeat(100_000),
  '{"__proto__":{"x":1}}',
  '{"location":"\\ud800"}',
  '{"tags":{"__proto__":"x"}}',
];
const values = [
  "%00",
  "a%2fb",
  "..%2f..%2fx",
  "%ff",
  "%zz",
  "x".repeat(3000),
  "%F0%9F%98%80",
  "a%20b",
  "%22%3E",
  "__proto__",
  "'%20OR%201=1",
];
const queries = ["", "?api-version=", "?api-version=1999-01-01", "?api-version=x", "?api-version=2024-07-01&api-version=x", "?%zz"];
const options = [
  "$filter=((((",
  "$filter=%00",
  "$top=-1",
  "$top=0",
  "$top=x",
  "maxresults=0",
  "$skiptoken=%00",
  "$select=__proto__",
  "x=%ff",
];

test("values that no client means, methods where they do not belong", { timeout: 120_000 }, async (t) => {
  const { ask, sample } = await aServer(t);
  const found: string[] = [];
  for (const operation of operations) {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    const rows: Asked[] = [
      ...names.flatMap((name) => values.map((value) => ({ params: { [name]: value }, ...sample(operation) }))),
      ...queries.map((query) => ({ query, ...sample(operation) })),
      ...options.map((option) => ({ query: `?api-version=${newest(operation)}&${option}`, ...sample(operation) })),
      ...(operation.body === undefined ? [] : bodies.map((body) => ({ body }))),
      ...["HEAD", "OPTIONS", "TRACE", "PROPFIND", "PATCH"].map((method) => ({ method })),
    ];
    for (const row of rows) {
      const wrong = misshapen(row.method ?? operation.method, await ask(operation, row));
      if (wrong !== undefined) found.push(`${operation.id} ${JSON.stringify(row).slice(0, 200)}: ${wrong}`);
    }
  }
  assert.deepEqual(found, []);
});

test("nobody without a token of this plane learns what there is", { timeout: 60_000 }, async (t) => {
  const { ask, sample, batchToken } = await aServer(t);
  for (const operation of operations)
    for (const authorization of [null, "", "Bearer x", `Bearer ${batchToken}`, "Basic eDp5", "SharedKey a:b"]) {
      const seen = await ask(operation, { authorization, ...sample(operation) });
      assert.deepEqual(
        [seen.status, misshapen(operation.method, seen)],
        [401, undefined],
        `${operation.id} ${authorization?.slice(0, 12)}`,
      );
    }
});
