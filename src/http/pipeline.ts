// One request of an API from its first line to its answer: match, version, authenticate, read, validate, handle, answer. What is different
// between the data plane and the management plane is a `Plane`; what an operation promises is in its declaration, what it does in its
// handler; here is only what all have in common.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, invalidBody, invalidQuery } from "../api/errors.ts";
import type { OperationDeclaration } from "../api/operation.ts";
import { livesIn, type Version } from "../api/versions.ts";
import type { Filterable } from "../domain/filter.ts";
import { assert } from "../lib/bug.ts";
import { redactText } from "../lib/redact.ts";
import { NodeUnreachable } from "../node-management/channel.ts";
import type { Reply, Request, Services } from "../operations/handler.ts";
import { StoreUnavailable } from "../store/db.ts";
import { parseBody } from "../wire/parse.ts";
import type { Envelope } from "./answer.ts";
import { announcesBody, ClientGone, parseJson, readBody } from "./body.ts";
import { baseUrlOf, checkContentType, echoedRequestId, preconditionsOf, rangeOf } from "./headers.ts";
import { type Candidates, inVersion, type Routes } from "./match.ts";
import { parseFilter } from "./odata/filter.ts";
import { pageOf } from "./odata/paging.ts";
import { parseQuery } from "./queries.ts";
import type { Exchange } from "./reply.ts";
import { parseTarget, queryValue, type Target } from "./target.ts";

/** Any handler: what it takes is checked where it is registered (`Handlers` of operations/), not here. */
export type AnyHandler = (request: never, services: never) => Promise<Reply>;

/** What a request shows of itself before its body is read. */
export type Presented = {
  readonly request: IncomingMessage;
  readonly target: Target;
  readonly baseUrl: string;
  readonly now: number;
};

/** What a plane is made of whatever API it is: the operations, and by what each is called there what does it. */
export type PlaneTables = {
  readonly operations: Readonly<Record<string, OperationDeclaration>>;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  readonly filterables: Readonly<Record<string, Filterable>>;
  readonly versionCheck: "lenient" | "strict";
};

/** One of the APIs: how its requests are told apart and admitted, and the form of its answers. */
export type Plane<Identified extends object = object> = {
  readonly routes: Routes;
  /** By `nameOf` the operation, as are the filterables. */
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  /** What $filter of each list offers; a list that is not here offers nothing. */
  readonly filterables: Readonly<Record<string, Filterable>>;
  /** Given to each handler. */
  readonly services: object;
  /** Throws the plane's errors for a version that is missing or not served. */
  version(target: Target, candidates: Candidates): Version;
  /** Who asks; its properties are handed to the handler with the request. Throws where nobody known does. */
  authenticate(presented: Presented): Identified | Promise<Identified>;
  /** Throws where the one who asks may not have this done. */
  admit(
    identified: Identified,
    operation: OperationDeclaration,
    params: Record<string, string>,
    presented: Pick<Presented, "target">,
  ): void;
  /** Whether a request is authenticated before it is known what it wants: then nobody else learns what there is. */
  readonly authenticatesFirst: boolean;
  /** In bytes. */
  bodyLimit(version: Version): number;
  /** In tables, logs and metrics. */
  nameOf(operation: OperationDeclaration): string;
  accountOf(identified: Identified): string | undefined;
  sendReply(response: ServerResponse, exchange: Exchange, reply: Reply): Promise<void>;
  /** `operation` is that of the request, where it named one. */
  sendError(response: ServerResponse, envelope: Envelope, error: ApiError, operation?: OperationDeclaration): void;
};

export type PipelineOptions = {
  readonly services: Pick<Services, "clock" | "ids" | "log">;
  /** Told of every answer, after it was sent: metrics. */
  readonly onAnswer?: (answer: Answered) => void;
  /** Given every body that is sent, as the client gets it: tests hold it against its declaration. */
  readonly onBody?: Exchange["onBody"];
};

export type Answered = {
  /** Undefined where the request named none. */
  readonly operationId?: string;
  /** What the client calls itself (User-Agent). */
  readonly client?: string;
  readonly status: number;
  readonly durationMs: number;
};

export type Pipeline = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export const createPipeline = <Identified extends object>(plane: Plane<Identified>, options: PipelineOptions): Pipeline => {
  const { clock, ids, log } = options.services;

  return async (request, response) => {
    const started = clock.elapsed();
    const envelope: Envelope = { requestId: ids.guid(), baseUrl: "", now: clock.now(), ...withClientId(request) };
    const seen: Seen<Identified> = { envelope };
    try {
      await serve(request, response, seen);
    } catch (error) {
      refuse(response, seen, error);
    }
    const durationMs = clock.elapsed() - started;
    const status = response.headersSent ? response.statusCode : 0;
    const operation = seen.operation === undefined ? undefined : plane.nameOf(seen.operation);
    const account = seen.identified === undefined ? undefined : plane.accountOf(seen.identified);
    log.debug(
      { requestId: envelope.requestId, method: request.method, url: redactText(request.url ?? ""), operation, account, status, durationMs },
      "request",
    );
    const client = request.headers["user-agent"];
    options.onAnswer?.({
      ...(operation === undefined ? {} : { operationId: operation }),
      ...(client === undefined ? {} : { client }),
      status,
      durationMs,
    });
  };

  async function serve(request: IncomingMessage, response: ServerResponse, seen: Seen<Identified>): Promise<void> {
    seen.envelope = { ...seen.envelope, baseUrl: baseUrlOf(request) };
    const target = parseTarget(request.url ?? "/");
    const presented: Presented = { request, target, baseUrl: seen.envelope.baseUrl, now: seen.envelope.now };
    if (plane.authenticatesFirst) seen.identified = await plane.authenticate(presented);
    const candidates = plane.routes.find(request.method ?? "GET", target.rawPath);
    const version = plane.version(target, candidates);
    const { operation, params } = inVersion(candidates, version);
    seen.operation = operation;
    if (seen.identified === undefined) {
      // No tick of the loop is spent where nothing has to be waited for: the hot path signs.
      const identified = plane.authenticate(presented);
      seen.identified = identified instanceof Promise ? await identified : identified;
    }
    plane.admit(seen.identified, operation, params, presented);
    const body = await bodyOf(request, response, operation, version, plane.bodyLimit(version), clock);
    const handled = requestOf({
      request,
      target,
      operation,
      version,
      params,
      body,
      envelope: seen.envelope,
      filterable: plane.filterables[plane.nameOf(operation)],
    });
    const handler = plane.handlers[plane.nameOf(operation)];
    assert(handler !== undefined, `${operation.id} has no handler`);
    const limitMs = timeoutMs(target);
    const reply = await inTime(handler({ ...handled.request, ...seen.identified } as never, plane.services as never), limitMs, clock);
    if (response.destroyed) {
      reply.file?.stream?.destroy();
      throw new ClientGone();
    }
    const exchange: Exchange = {
      operation,
      version,
      target,
      envelope: seen.envelope,
      ...(handled.select === undefined ? {} : { select: handled.select }),
      ...(options.onBody === undefined ? {} : { onBody: options.onBody }),
    };
    await plane.sendReply(response, exchange, reply);
  }

  /** Answers a failure, as far as there still is somebody to answer. */
  function refuse(response: ServerResponse, { envelope, operation }: Seen<Identified>, failure: unknown): void {
    if (failure instanceof ClientGone || response.destroyed) {
      // A file's source that failed breaks the answer off as well; that is worth a line, a client that left is not.
      const left = failure instanceof ClientGone || (failure as { code?: string }).code === "ERR_STREAM_PREMATURE_CLOSE";
      if (!left) log.warn({ requestId: envelope.requestId, operation: operation?.id, error: failure }, "answer broken off");
      response.destroy();
      return;
    }
    const error = toApiError(failure, operation);
    if (!(failure instanceof ApiError)) {
      const write = error.status >= 500 ? log.error : log.info;
      write.call(log, { requestId: envelope.requestId, operation: operation?.id, error: failure }, "request failed");
    }
    if (response.headersSent) {
      // Part of an answer is out: only a broken connection tells the client that the rest is missing.
      response.destroy();
      return;
    }
    plane.sendError(response, envelope, error, operation);
  }
};

type Seen<Identified> = { envelope: Envelope; operation?: OperationDeclaration; identified?: Identified };

const withClientId = (request: IncomingMessage): { clientRequestId?: string } => {
  const clientRequestId = echoedRequestId(request.headers);
  return clientRequestId === undefined ? {} : { clientRequestId };
};

/** The value of the body in the newest spelling; undefined where the operation has none. What such a request sends is not read. */
const bodyOf = async (
  request: IncomingMessage,
  response: ServerResponse,
  operation: OperationDeclaration,
  version: Version,
  limit: number,
  clock: Services["clock"],
): Promise<unknown> => {
  if (operation.body === undefined) return undefined;
  const announced = announcesBody(request);
  if (!announced && !operation.bodyOptional && request.headers["content-length"] === undefined)
    throw new ApiError("MissingContentLengthHeader");
  const bytes = announced ? await readBody(request, response, limit, clock) : Buffer.alloc(0);
  if (bytes.length > 0) {
    checkContentType(request.headers);
    return parseBody(operation.body, parseJson(bytes, operation.laxBody), version);
  }
  if (!operation.bodyOptional) throw invalidBody("The request has no body.");
  return parseBody(operation.body, undefined, version);
};

type Parts = {
  request: Pick<IncomingMessage, "headers">;
  target: Target;
  operation: OperationDeclaration;
  version: Version;
  params: Record<string, string>;
  body: unknown;
  envelope: Envelope;
  filterable: Filterable | undefined;
};

/** The request as its handler gets it, but for who asks. */
export const requestOf = (parts: Parts): { request: Omit<Request<OperationDeclaration>, "principal">; select?: string } => {
  const { operation, target, envelope } = parts;
  const query = parseQuery(operation.query, target.query, parts.version) as Record<string, unknown>;
  checkExpand(query.$expand, operation);
  const isFiltered = operation.ownFilter !== true && typeof query.$filter === "string" && query.$filter.trim() !== "";
  const range = operation.answer.file === true && operation.method === "GET" ? rangeOf(parts.request.headers) : undefined;
  return {
    request: {
      operation,
      apiVersion: queryValue(target, "api-version") ?? "",
      params: parts.params as never,
      query: query as never,
      body: parts.body as never,
      preconditions: preconditionsOf(parts.request.headers, operation.conditions),
      page: pageOf(target, query),
      ...(isFiltered ? { filter: parseFilter(query.$filter as string, parts.filterable ?? {}) } : {}),
      baseUrl: envelope.baseUrl,
      ...(range === undefined ? {} : { range }),
      requestId: envelope.requestId,
      traits: traitsOf(operation, parts.version),
      now: envelope.now,
    },
    ...(typeof query.$select === "string" ? { select: query.$select } : {}),
  };
};

const noTraits: ReadonlySet<string> = new Set();

const traitsOf = ({ traits }: OperationDeclaration, version: Version): ReadonlySet<string> =>
  traits === undefined ? noTraits : new Set(Object.keys(traits).filter((name) => livesIn(traits[name]!, version)));

/** Only statistics can be expanded. */
const checkExpand = (expand: unknown, operation: OperationDeclaration): void => {
  if (typeof expand !== "string" || expand.trim() === "") return;
  const other = expand.split(",").find((name) => name.trim() !== "stats");
  if (other !== undefined)
    throw invalidQuery("$expand", expand.slice(0, 256), `${operation.id} cannot expand '${other.trim().slice(0, 64)}'`);
};

const longestTimeoutS = 30;

/** How long the server may take, in ms: what the client allows, at most the 30 s that are also the default. */
const timeoutMs = (target: Target): number => {
  const text = queryValue(target, "timeout");
  if (text === undefined || text === "") return longestTimeoutS * 1000;
  if (!/^[+-]?\d{1,10}$/.test(text)) throw invalidQuery("timeout", text.slice(0, 256), "Timeout must be a whole number of seconds");
  const seconds = Number(text);
  if (seconds < 1) throw invalidQuery("timeout", text, "Timeout cannot be less than 1");
  return Math.min(seconds, longestTimeoutS) * 1000;
};

const inTime = (work: Promise<Reply>, limitMs: number, clock: Services["clock"]): Promise<Reply> =>
  new Promise((resolve, reject) => {
    let late = false;
    const timer = clock.after(limitMs, () => {
      late = true;
      reject(new ApiError("OperationTimedOut"));
    });
    work.then(
      (reply) => {
        timer.cancel();
        if (late) reply.file?.stream?.destroy();
        resolve(reply);
      },
      (error) => {
        timer.cancel();
        reject(error);
      },
    );
  });

/** The one cause that whoever runs the server can end, and only if he hears of it. */
const busyBecause = ({ message }: StoreUnavailable): { key: string; value: string }[] =>
  /disk is full|ENOSPC/i.test(message)
    ? [
        {
          key: "Reason",
          value: "The disk of the server is full; nothing that was acknowledged is lost. Requests are served again once there is space.",
        },
      ]
    : [];

/** Failures other than refusals: what is not permanent says so, the rest is our mistake and tells nothing. */
const toApiError = (failure: unknown, operation: OperationDeclaration | undefined): ApiError => {
  if (failure instanceof ApiError) return failure;
  if (failure instanceof StoreUnavailable) return new ApiError("ServerBusy", busyBecause(failure));
  // Never a 5xx: clients repeat those, and the node may stay away for long.
  if (failure instanceof NodeUnreachable)
    return new ApiError(operation?.path.startsWith("/jobs/") ? "TaskFilesUnavailable" : "NodeNotReady");
  return new ApiError("InternalError");
};
