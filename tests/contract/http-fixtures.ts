// The front door with handlers that are a table: everything is real from the socket to the declaration, nothing behind it is.
import assert from "node:assert/strict";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { batchOperations, type OperationId } from "../../src/api/batch/index.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { answerLog } from "../../src/http/answer-check.ts";
import type { ListenerLimits } from "../../src/http/listener.ts";
import type { Answered, AnyHandler } from "../../src/http/pipeline.ts";
import { dataPlane } from "../../src/http/planes/data.ts";
import { createServer, type ServerOptions } from "../../src/http/server.ts";
import { ManualClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import type { Log } from "../../src/lib/log.ts";
import { createMetrics, type Metrics } from "../../src/lib/metrics.ts";
import { filterables } from "../../src/operations/batch/index.ts";
import type { Reply, Request, Services } from "../../src/operations/handler.ts";
import { aDoor } from "../support/accounts.ts";
import type { Answer, Credentials } from "../support/signed.ts";

export const account = "account1";
export const keys = [
  Buffer.from("the first key of the account").toString("base64"),
  Buffer.from("the second key").toString("base64"),
] as const;

/** What a handler was given, in a type that any operation's fits. */
export type Given = Omit<Request<OperationDeclaration>, "params" | "query" | "body"> & {
  params: Record<string, string>;
  query: Record<string, unknown>;
  body: any;
};
export type FakeHandler = (request: Given) => Reply | Promise<Reply>;
export type Fakes = { [Id in OperationId]?: FakeHandler };

export type Front = {
  credentials: Credentials;
  port: number;
  clock: ManualClock;
  metrics: Metrics;
  /** What the handlers were called with, in order. */
  given: Given[];
  logged: { level: string; fields: object; message: string }[];
  answered: Answered[];
  close(graceMs?: number): Promise<void>;
};

/** A server on a free port that ends with the test. An operation without a fake answers 501, as one without a handler does. */
export const aFront = async (
  t: TestContext,
  fakes: Fakes,
  {
    versionCheck = "lenient",
    ...more
  }: Partial<ServerOptions> & { limits?: Partial<ListenerLimits>; versionCheck?: "lenient" | "strict" } = {},
): Promise<Front> => {
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  const given: Given[] = [];
  const logged: Front["logged"] = [];
  const answered: Answered[] = [];
  const write = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const log: Log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error"), child: () => log };
  const metrics = createMetrics();
  const handlers = Object.fromEntries(
    Object.entries(fakes).map(([id, fake]): [string, AnyHandler] => [
      id,
      async (request: never) => {
        given.push(request);
        return fake(request);
      },
    ]),
  );
  const answers = process.env.QUERN_ANSWER_LOG;
  const services = { clock, ids: systemIds(), log } as unknown as Services;
  const server = await createServer({
    host: "127.0.0.1",
    port: 0,
    services,
    dataPlane: dataPlane({ operations: batchOperations, handlers, filterables, services, door: aDoor(7, account, keys), versionCheck }),
    health: { ready: () => ({ ready: true, parts: { store: "open" } }) },
    metrics,
    onAnswer: (answer) => answered.push(answer),
    ...(answers === undefined ? {} : { onBody: answerLog(answers, process.pid) }),
    ...more,
  });
  let open = true;
  const close = async (graceMs?: number): Promise<void> => {
    if (open) {
      open = false;
      await server.close(graceMs);
    }
  };
  t.after(() => close(0));
  const credentials = { batchUrl: `http://127.0.0.1:${server.port}`, account, key: keys[0] };
  return { credentials, port: server.port, clock, metrics, given, logged, answered, close };
};

/** Bodies that are as their declarations say, with little in them. */
export const aPool = (id: string) => ({ id, state: "active", allocationState: "steady", vmSize: "standard_a1", currentDedicatedNodes: 0 });
export const aTask = (id: string) => ({ id, state: "active", commandLine: "true" });

export const modified = Date.UTC(2026, 2, 4, 5, 6, 7) * 1000 + 123_456;
export const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The one shape that clients can read an error in. */
export const assertError = (answer: Answer, status: number, code: string, values?: Record<string, string>): void => {
  assert.equal(answer.status, status, `${answer.status} ${answer.text}`);
  assert.equal(answer.headers["content-type"], "application/json;odata=minimalmetadata");
  assert.equal(answer.json.code, code);
  assert.equal(answer.json.message.lang, "en-US");
  const [text, requestId, time] = answer.json.message.value.split("\n");
  assert.equal(requestId, `RequestId:${answer.headers["request-id"]}`);
  assert.match(time, /^Time:\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(answer.statusMessage, text);
  assert.match(answer.json["odata.metadata"], /\/\$metadata#Microsoft\.Azure\.Batch\.Protocol\.Entities\.Container\.errors\/@Element$/);
  if (values !== undefined) assert.deepEqual(Object.fromEntries(answer.json.values.map((v: any) => [v.key, v.value])), values);
};

/** Sends bytes as they are and reads until the other side ends. */
export const talk = (port: number, ...parts: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
      // Everything asked for here is answered within one chunk; a connection kept open would wait for more requests.
      socket.end();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
    for (const part of parts) socket.write(part);
  });
