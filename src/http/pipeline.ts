// One request of the data plane from its first line to its answer: match, version, authenticate, read, validate, handle, answer.
// What an operation promises is in its declaration, what it does in its handler; here is only what all have in common.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, invalidBody, invalidQuery } from "../api/errors.ts";
import type { OperationDeclaration } from "../api/operation.ts";
import { livesIn, servedVersion, type Version } from "../api/versions.ts";
import type { Principal } from "../auth/principal.ts";
import { type AccountDirectory, authenticateSharedKey } from "../auth/shared-key.ts";
import type { Filterable } from "../domain/filter.ts";
import { assert } from "../lib/bug.ts";
import { redactText } from "../lib/redact.ts";
import { NodeUnreachable } from "../node-management/channel.ts";
import type { Reply, Request, Services } from "../operations/handler.ts";
import { StoreUnavailable } from "../store/db.ts";
import { parseBody } from "../wire/parse.ts";
import { type Envelope, sendError } from "./answer.ts";
import { announcesBody, bodyLimit, ClientGone, parseJson, readBody } from "./body.ts";
import { baseUrlOf, checkContentType, echoedRequestId, preconditionsOf, rangeOf } from "./headers.ts";
import { inVersion, routesOf } from "./match.ts";
import { parseFilter } from "./odata/filter.ts";
import { pageOf } from "./odata/paging.ts";
import { parseQuery } from "./queries.ts";
import { type Exchange, sendReply } from "./reply.ts";
import { parseTarget, queryValue, type Target } from "./target.ts";

/** Any handler: what it takes is checked where it is registered (`Handlers` of operations/), not here. */
export type AnyHandler = (request: never, services: Services) => Promise<Reply>;

export type PipelineOptions = {
  readonly operations: Readonly<Record<string, OperationDeclaration>>;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  /** What $filter of each list offers, by operation id; a list that is not here offers nothing. */
  readonly filterables: Readonly<Record<string, Filterable>>;
  readonly accounts: AccountDirectory;
  readonly services: Services;
  readonly versionCheck: "lenient" | "strict";
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

export const createPipeline = (options: PipelineOptions): Pipeline => {
  const { clock, ids, log } = options.services;
  const routes = routesOf(Object.values(options.operations));

  return async (request, response) => {
    const started = clock.elapsed();
    const envelope: Envelope = { requestId: ids.guid(), baseUrl: "", now: clock.now(), ...withClientId(request) };
    const seen: Seen = { envelope };
    try {
      await serve(request, response, seen);
    } catch (error) {
      refuse(response, seen, error);
    }
    const durationMs = clock.elapsed() - started;
    const status = response.headersSent ? response.statusCode : 0;
    const account = seen.principal?.accountName;
    log.debug(
      {
        requestId: envelope.requestId,
        method: request.method,
        url: redactText(request.url ?? ""),
        operation: seen.operation?.id,
        account,
        status,
        durationMs,
      },
      "request",
    );
    const client = request.headers["user-agent"];
    options.onAnswer?.({
      ...(seen.operation === undefined ? {} : { operationId: seen.operation.id }),
      ...(client === undefined ? {} : { client }),
      status,
      durationMs,
    });
  };

  async function serve(request: IncomingMessage, response: ServerResponse, seen: Seen): Promise<void> {
    seen.envelope = { ...seen.envelope, baseUrl: baseUrlOf(request) };
    const target = parseTarget(request.url ?? "/");
    const method = request.method ?? "GET";
    const candidates = routes.find(method, target.rawPath);
    const version = versionOf(target, options.versionCheck);
    const { operation, params } = inVersion(candidates, version);
    seen.operation = operation;
    const { rawPath, query } = target;
    const principal = authenticateSharedKey({ method, rawPath, query, headers: request.headers }, options.accounts, seen.envelope.now);
    seen.principal = principal;
    const body = await bodyOf(request, response, operation, version, clock);
    const handled = requestOf({
      request,
      target,
      operation,
      version,
      params,
      principal,
      body,
      envelope: seen.envelope,
      filterables: options.filterables,
    });
    const handler = options.handlers[operation.id];
    assert(handler !== undefined, `${operation.id} has no handler`);
    const limitMs = timeoutMs(target);
    const reply = await inTime(handler(handled.request as never, options.services), limitMs, clock);
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
    await sendReply(response, exchange, reply);
  }

  /** Answers a failure, as far as there still is somebody to answer. */
  function refuse(response: ServerResponse, { envelope, operation }: Seen, failure: unknown): void {
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
    sendError(response, envelope, error);
  }
};

type Seen = { envelope: Envelope; operation?: OperationDeclaration; principal?: Principal };

const withClientId = (request: IncomingMessage): { clientRequestId?: string } => {
  const clientRequestId = echoedRequestId(request.headers);
  return clientRequestId === undefined ? {} : { clientRequestId };
};

const versionOf = (target: Target, check: "lenient" | "strict"): Version => {
  const asked = queryValue(target, "api-version");
  if (asked === undefined || asked === "")
    throw new ApiError("MissingRequiredQueryParameter", [{ key: "QueryParameterName", value: "api-version" }]);
  const version = servedVersion(asked, check);
  if (version === undefined) throw new ApiError("UnsupportedRequestVersion");
  return version;
};

/** The value of the body in the newest spelling; undefined where the operation has none. What such a request sends is not read. */
const bodyOf = async (
  request: IncomingMessage,
  response: ServerResponse,
  operation: OperationDeclaration,
  version: Version,
  clock: Services["clock"],
): Promise<unknown> => {
  if (operation.body === undefined) return undefined;
  const announced = announcesBody(request);
  if (!announced && !operation.bodyOptional && request.headers["content-length"] === undefined)
    throw new ApiError("MissingContentLengthHeader");
  const bytes = announced ? await readBody(request, response, bodyLimit(version), clock) : Buffer.alloc(0);
  if (bytes.length > 0) {
    checkContentType(request.headers);
    return parseBody(operation.body, parseJson(bytes), version);
  }
  if (!operation.bodyOptional) throw invalidBody("The request has no body.");
  return parseBody(operation.body, undefined, version);
};

type Parts = {
  request: IncomingMessage;
  target: Target;
  operation: OperationDeclaration;
  version: Version;
  params: Record<string, string>;
  principal: Principal;
  body: unknown;
  envelope: Envelope;
  filterables: PipelineOptions["filterables"];
};

const requestOf = (parts: Parts): { request: Request<OperationDeclaration>; select?: string } => {
  const { operation, target, envelope } = parts;
  const query = parseQuery(operation.query, target.query, parts.version) as Record<string, unknown>;
  checkExpand(query.$expand, operation);
  const filterText = typeof query.$filter === "string" && query.$filter.trim() !== "" ? query.$filter : undefined;
  const range = operation.answer.file === true && operation.method === "GET" ? rangeOf(parts.request.headers) : undefined;
  return {
    request: {
      operation,
      principal: parts.principal,
      params: parts.params as never,
      query: query as never,
      body: parts.body as never,
      preconditions: preconditionsOf(parts.request.headers, operation.conditions),
      page: pageOf(target, query),
      ...(filterText === undefined ? {} : { filter: parseFilter(filterText, parts.filterables[operation.id] ?? {}) }),
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
