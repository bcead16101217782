// The handlers without HTTP: a real SQLite store, a clock that stands still, a bell that remembers who rang, agents that are a table of
// files. A call goes through the declaration both ways: the body is parsed by it, and the answer is rendered and compared with it.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import type { TestContext } from "node:test";
import type { FileAnswer, FileEntry, FileRequest } from "../../src/api/agent/messages.ts";
import { batchOperations, type OperationId } from "../../src/api/batch/index.ts";
import { ApiError, type BatchErrorCode } from "../../src/api/errors.ts";
import type { Model } from "../../src/api/fields.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { baseline, livesIn, type Version } from "../../src/api/versions.ts";
import type { FilterNode } from "../../src/domain/filter.ts";
import { makeImageCatalogue } from "../../src/domain/image-catalogue.ts";
import { checkAnswer } from "../../src/http/answer-check.ts";
import { parseQuery } from "../../src/http/queries.ts";
import { ManualClock } from "../../src/lib/clock.ts";
import { seededIds } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { type NodeChannel, NodeUnreachable } from "../../src/node-management/channel.ts";
import { handlers } from "../../src/operations/batch/index.ts";
import type { Handler, Page, Preconditions, Reply, Services } from "../../src/operations/handler.ts";
import { insertAccount } from "../../src/store/accounts.ts";
import type { Store } from "../../src/store/db.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { parseBody } from "../../src/wire/parse.ts";
import { render } from "../../src/wire/render.ts";
import { anAccount } from "../support/accounts.ts";

export const baseUrl = "https://account.example:10020";

export type Call = {
  params?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
  preconditions?: Preconditions;
  page?: Page;
  filter?: FilterNode;
  range?: { start: number; end?: number };
  version?: Version;
  accountId?: number;
};

/** What a client would see of an answer, as far as a handler decides it. */
export type Seen = { reply: Reply; body: any; items: any[] };

export type Service = {
  services: Services;
  store: Store;
  clock: ManualClock;
  /** Who was rung, as `pool pool1`, `job job1`, ... */
  rung: string[];
  /** Contents of the files of each node, by path from its root; a directory ends in a slash. */
  files: Map<string, Map<string, string>>;
  call(id: OperationId, call?: Call): Promise<Seen>;
  /** The error that a call is refused with. */
  refusal(id: OperationId, call?: Call): Promise<ApiError>;
};

const entryOf = (name: string, content: string | undefined): FileEntry => ({
  name: name.replace(/\/$/, ""),
  isDirectory: content === undefined,
  size: content?.length ?? 0,
  modifiedAt: Date.UTC(2026, 0, 1),
  mode: content === undefined ? "0o40755" : "0o100644",
});

/** Statuses that any operation can answer: of the request's form and its conditions. The other refusals are declared. */
const general: readonly number[] = [304, 400, 412, 413];

const notFound: FileAnswer = { type: "refused", reason: "notFound", message: "There is no such file." };

/** Answers like src/agent/files.ts, from a table. */
const answerFile = (files: Map<string, string>, request: FileRequest): FileAnswer => {
  const paths = [...files.keys()];
  const isDirectory = request.path === "" || paths.some((path) => path.startsWith(`${request.path}/`));
  const content = files.get(request.path);
  if (content === undefined && !isDirectory) return notFound;
  if (request.type === "list") {
    const prefix = request.path === "" ? "" : `${request.path}/`;
    const names = new Map<string, string | undefined>();
    for (const path of paths.filter((each) => each.startsWith(prefix) && each !== prefix)) {
      const parts = path.slice(prefix.length).split("/").filter(Boolean);
      const isFile = !path.endsWith("/");
      parts.forEach((_, index) => {
        if (!request.recursive && index > 0) return;
        names.set(parts.slice(0, index + 1).join("/"), isFile && index === parts.length - 1 ? files.get(path) : undefined);
      });
    }
    return { type: "entries", entries: [...names].map(([name, text]) => entryOf(name, text)).reverse() };
  }
  if (request.type === "delete") {
    if (isDirectory && !request.recursive) return { type: "refused", reason: "notEmpty", message: "The directory is not empty." };
    for (const path of paths) if (path === request.path || path.startsWith(`${request.path}/`)) files.delete(path);
    return { type: "done" };
  }
  if (request.type === "read" && content === undefined)
    return { type: "refused", reason: "isDirectory", message: "The path is a directory." };
  return { type: "entry", entry: entryOf(request.path, content) };
};

const aChannel = (files: Service["files"]): NodeChannel => {
  const of = (nodeId: string): Map<string, string> => {
    const found = files.get(nodeId);
    if (found === undefined) throw new NodeUnreachable();
    return found;
  };
  return {
    isConnected: () => true,
    send: () => {},
    file: async (_agentId, nodeId, request) => answerFile(of(nodeId), request),
    logs: async (_agentId, nodeId) => ({ type: "logs", files: of(nodeId).size }),
    read: async (_agentId, nodeId, request) => {
      const answer = answerFile(of(nodeId), request);
      if (answer.type === "refused") return { answer };
      const content = of(nodeId).get(request.path)!;
      if (request.start !== undefined && request.start >= content.length) {
        return { answer: { type: "refused", reason: "invalidRange", message: "The range is outside the file." } };
      }
      const part = content.slice(request.start ?? 0, (request.end ?? content.length - 1) + 1);
      return { answer, stream: Readable.from([part]), length: part.length };
    },
  };
};

export const aService = async (t: TestContext, changes: Partial<Services> = {}): Promise<Service> => {
  const clock = new ManualClock();
  const store = await openSqlite({ file: ":memory:", clock });
  t.after(() => store.close());
  for (const name of ["account", "other"]) await store.commit(insertAccount(anAccount({ name, createdAt: clock.now() })));
  const rung: string[] = [];
  const files: Service["files"] = new Map();
  const services: Services = {
    store,
    clock,
    ids: seededIds(1),
    log: silentLog,
    wake: {
      pool: (_account, key) => rung.push(`pool ${key}`),
      resize: (_account, key) => rung.push(`resize ${key}`),
      removed: (nodes) => rung.push(...nodes.map(({ id }) => `removed ${id}`)),
      job: (_account, key) => rung.push(`job ${key}`),
      jobSchedule: (_account, key) => rung.push(`jobSchedule ${key}`),
      certificate: (_account, key) => rung.push(`certificate ${key}`),
      resourceGroup: (name) => rung.push(`resourceGroup ${name}`),
      account: (id) => rung.push(`account ${id}`),
      stop: (attempts) => rung.push(...attempts.map(({ seq, attempt }) => `stop ${seq}.${attempt}`)),
      chores: (nodes) => rung.push(...nodes.map(({ nodeId }) => `chores ${nodeId}`)),
    },
    channel: aChannel(files),
    images: makeImageCatalogue({ hostRelease: { id: "debian", versionId: "12" }, strictImages: false }),
    version: "0.1.0",
    ...changes,
  };

  const call = async (id: OperationId, request: Call = {}): Promise<Seen> => {
    const operation: OperationDeclaration = batchOperations[id];
    const version = request.version ?? baseline;
    const wire = request.body === undefined ? undefined : JSON.parse(JSON.stringify(request.body));
    const handler = handlers[id] as unknown as Handler<OperationDeclaration<string, Model, Model>>;
    const reply = await handler(
      {
        operation: operation as OperationDeclaration<string, Model, Model>,
        principal: { accountId: request.accountId ?? 1, accountName: "account", by: "sharedKey", role: "contributor" },
        params: request.params ?? {},
        query: parseQuery(operation.query, Object.entries(request.query ?? {}), version),
        body: operation.body === undefined ? {} : parseBody(operation.body, wire, version),
        preconditions: request.preconditions ?? {},
        page: request.page ?? { limit: 1000 },
        filter: request.filter,
        baseUrl,
        range: request.range,
        requestId: "11111111-2222-4333-8444-555555555555",
        apiVersion: version,
        traits: new Set(Object.entries(operation.traits ?? {}).flatMap(([name, life]) => (livesIn(life, version) ? [name] : []))),
        now: clock.now(),
      },
      services,
    );
    return asSeen(operation, version, reply);
  };

  const refusal = async (id: OperationId, request?: Call): Promise<ApiError> => {
    try {
      await call(id, request);
    } catch (error) {
      assert.ok(error instanceof ApiError, `${id} failed otherwise: ${String((error as Error).stack)}`);
      const { errors } = batchOperations[id] as OperationDeclaration;
      assert.ok(
        general.includes(error.status) || (errors as readonly string[]).includes(error.code),
        `${error.code} is not declared for ${id}`,
      );
      return error;
    }
    return assert.fail(`${id} was not refused`);
  };

  return { services, store, clock, rung, files, call, refusal };
};

const asSeen = (operation: OperationDeclaration, version: Version, reply: Reply): Seen => {
  const { body: model, item, etag, location } = operation.answer;
  if (etag === true) assert.ok(reply.modified !== undefined, `${operation.id} gives no ETag`);
  if (location === true) assert.ok(reply.created !== undefined, `${operation.id} does not say what it created`);
  const body = model === undefined ? undefined : JSON.parse(JSON.stringify(render(model, reply.body as object, version)));
  const items =
    item === undefined ? [] : JSON.parse(JSON.stringify((reply.items ?? []).map((each) => render(item, each as object, version))));
  if (model !== undefined || item !== undefined) {
    assert.deepEqual(checkAnswer(operation, version, item === undefined ? body : { value: items }), [], `${operation.id} as declared`);
  }
  return { reply, body, items };
};

export type Refusal = { name: string; call: Call; code: BatchErrorCode; values?: Record<string, string> };

/** One subtest a row: the operation is refused with the code, and with these values among others. */
export const refuses = async (t: TestContext, service: Service, id: OperationId, rows: readonly Refusal[]): Promise<void> => {
  for (const { name, call, code, values } of rows) {
    await t.test(`${id}: ${name}`, async () => {
      const error = await service.refusal(id, call);
      assert.equal(error.code, code, JSON.stringify(error.values));
      for (const [key, value] of Object.entries(values ?? {})) {
        assert.equal(error.values.find((each) => each.key === key)?.value, value);
      }
    });
  }
};

export const ubuntu = {
  imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
  nodeAgentSKUId: "batch.node.ubuntu 22.04",
};

export const aPoolBody = (changes: Record<string, unknown> = {}) => ({
  id: "Pool1",
  vmSize: "STANDARD_D2_V3",
  virtualMachineConfiguration: ubuntu,
  ...changes,
});
