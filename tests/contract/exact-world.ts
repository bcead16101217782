// The whole front door over the real handlers and a real store, with nothing that acts by itself behind it: a test puts every resource into
// the state that it is about, sends signed requests, and sees the bytes that a client would. The clock stands still unless it is moved.
import type { TestContext } from "node:test";
import { batchOperations, type OperationId } from "../../src/api/batch/index.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { baseline, livesIn, type Version } from "../../src/api/versions.ts";
import type { CertificateState } from "../../src/domain/certificates.ts";
import type { JobScheduleState } from "../../src/domain/job-schedules.ts";
import type { JobState } from "../../src/domain/jobs.ts";
import type { Node } from "../../src/domain/nodes.ts";
import type { Pool } from "../../src/domain/pools.ts";
import { answerLog } from "../../src/http/answer-check.ts";
import type { AnyHandler } from "../../src/http/pipeline.ts";
import { dataPlane } from "../../src/http/planes/data.ts";
import { createServer } from "../../src/http/server.ts";
import { createMetrics } from "../../src/lib/metrics.ts";
import { filterables, handlers } from "../../src/operations/batch/index.ts";
import * as certificates from "../../src/store/certificates.ts";
import * as schedules from "../../src/store/job-schedules.ts";
import * as jobs from "../../src/store/jobs.ts";
import * as nodes from "../../src/store/nodes.ts";
import * as pools from "../../src/store/pools.ts";
import * as tasks from "../../src/store/tasks.ts";
import { aDoor } from "../support/accounts.ts";
import { type Answer, type RawRequest, signedRequest } from "../support/signed.ts";
import { validRequests, worldBodies } from "./exact-requests.ts";
import { aService, type Service } from "./operations-fixtures.ts";
import { aNode, aTask, completed, running } from "./store-fixtures.ts";

export type ExactWorld = Service & {
  batchUrl: string;
  send(request: RawRequest): Promise<Answer>;
  /** The operation's valid request (exact-requests.ts) with changes. */
  ask(id: OperationId, changes?: Partial<RawRequest>): Promise<Answer>;
  setPool(changes: Partial<Pool>): Promise<void>;
  setNode(changes: Partial<Node>): Promise<void>;
  setJob(state: JobState): Promise<void>;
  setTask(state: TaskCase): Promise<void>;
  setSchedule(state: JobScheduleState): Promise<void>;
  setCertificate(state: CertificateState): Promise<void>;
};

export type TaskCase = "active" | "running" | "succeeded" | "failed";

/** The newest version that has the operation, where today's has it not. */
export const versionOf = (id: OperationId): Version => {
  const operation: OperationDeclaration = batchOperations[id];
  return livesIn(operation, baseline) ? baseline : (operation.until ?? baseline);
};

export const operationIds = Object.keys(batchOperations) as OperationId[];
export const declarationOf = (id: OperationId): OperationDeclaration => batchOperations[id];

const account = "account";
const key = "a2V5";

/** Pool `p` with node `n`, job `j` with task `t`, schedule `s`, certificate `ab`: all settled, the node idle and its agent there. */
export const anExactWorld = async (t: TestContext): Promise<ExactWorld> => {
  const service = await aService(t);
  const { store, services } = service;
  const log = process.env.QUERN_ANSWER_LOG;
  const server = await createServer({
    host: "127.0.0.1",
    port: 0,
    services,
    dataPlane: dataPlane({
      operations: batchOperations,
      handlers: handlers as unknown as Readonly<Record<string, AnyHandler>>,
      filterables,
      services,
      door: aDoor(1, account, [key, key]),
      versionCheck: "lenient",
    }),
    health: { ready: () => ({ ready: true, parts: {} }) },
    metrics: createMetrics(),
    ...(log === undefined ? {} : { onBody: answerLog(log, process.pid) }),
  });
  t.after(() => server.close(0));
  const credentials = { batchUrl: `http://127.0.0.1:${server.port}`, account, key };

  const send = (request: RawRequest): Promise<Answer> =>
    signedRequest(credentials, {
      ...request,
      headers: { "ocp-date": new Date(service.clock.now()).toUTCString(), ...request.headers },
    });
  const ask = (id: OperationId, changes: Partial<RawRequest> = {}): Promise<Answer> => {
    const { path, body, headers } = validRequests[id]!;
    return send({
      method: declarationOf(id).method,
      version: versionOf(id),
      path,
      body,
      ...changes,
      headers: { ...headers, ...changes.headers },
    });
  };

  for (const id of ["Pool_Add", "Job_Add", "JobSchedule_Add", "Certificate_Add"] as const) {
    const { text, status } = await ask(id, { body: { ...validRequests[id]!.body, ...worldBodies[id] } });
    if (status !== 201) throw new Error(`${id}: ${text}`);
  }
  await store.commit(nodes.insertNodes([aNode({ poolKey: "p", id: "n", agentId: "agent", bootedAt: service.clock.now() })]));
  service.files.set(
    "n",
    new Map([
      ["workitems/j/job-1/t/stdout.txt", "hello"],
      ["shared/f.txt", "hello"],
    ]),
  );

  const pool = async (): Promise<Pool> => (await pools.getPool(store, 1, "p"))!;
  const job = async (id = "j") => (await jobs.getJob(store, 1, id))!;

  const setTask = async (state: TaskCase): Promise<void> => {
    const { uid } = await job();
    const found = await tasks.getTask(store, 1, uid, "t");
    if (found !== undefined) await store.commit(tasks.deleteTasks([found]));
    const plain = aTask(1, { id: "t", jobUid: uid, modified: service.clock.stamp() });
    const onNode = { ...plain.execution, node: { poolId: "p", nodeId: "n" } };
    const made = {
      active: () => plain,
      running: () => running({ ...plain, execution: onNode }, "n"),
      succeeded: () => completed({ ...plain, nodeId: "n", execution: onNode }),
      failed: () => {
        const ended = completed({ ...plain, nodeId: "n", execution: onNode }, { satisfied: false });
        return { ...ended, execution: { ...ended.execution, exitCode: 1, result: "failure" as const } };
      },
    }[state]();
    await store.commit(tasks.insertTasks([made], []));
  };
  await setTask("succeeded");

  return {
    ...service,
    batchUrl: credentials.batchUrl,
    send,
    ask,
    setTask,
    setPool: async (changes) => store.commit(pools.savePool({ ...(await pool()), ...changes })),
    setNode: async (changes) => store.commit(nodes.saveNode({ ...(await nodes.getNode(store, 1, "p", "n"))!, ...changes })),
    setJob: async (state) => store.commit(jobs.saveJob({ ...(await job()), state })),
    setCertificate: async (state) =>
      store.commit(certificates.saveCertificate({ ...(await certificates.getCertificate(store, 1, "sha1-ab"))!, state })),
    setSchedule: async (state) => store.commit([schedules.saveJobSchedule({ ...(await schedules.getJobSchedule(store, 1, "s"))!, state })]),
  };
};
