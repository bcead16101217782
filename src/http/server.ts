// Puts the front door together: one listener, and behind it the blobs of the embedded account, health, metrics, the planes that
// were handed in, and the data plane for everything else. It starts nothing but the listener.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ApiError } from "../api/errors.ts";
import type { Metrics } from "../lib/metrics.ts";
import { answerUnreadable, sendError } from "./answer.ts";
import { letBodyCome } from "./body.ts";
import { type Listener, type ListenerLimits, listen } from "./listener.ts";
import { type Answered, createPipeline, type Pipeline, type PipelineOptions, type Plane } from "./pipeline.ts";

/** Answers a request on its own terms: reads what it wants of the body and ends the response. */
export type PlainHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export type Health = {
  /** Whether requests can be served, and the state of each part that this depends on, for people. */
  ready(): Promise<{ ready: boolean; parts: Record<string, string> }> | { ready: boolean; parts: Record<string, string> };
};

export type ServerOptions = PipelineOptions & {
  readonly host: string;
  readonly port: number;
  readonly tls?: { cert: string; key: string };
  readonly limits?: Partial<ListenerLimits>;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Serves what none of the others takes. */
  readonly dataPlane: Plane;
  /** Azure Resource Manager, by the paths it lives under. */
  readonly managementPlane?: { readonly under: readonly string[]; readonly plane: Plane };
  /** Others by the path they live under, compared without regard to case: `/_quern`, `/adfs`. */
  readonly planes?: readonly { readonly under: string; readonly handle: PlainHandler }[];
  /** And one by a rule of its own, asked last before the data plane: endpoints of whatever tenant a client believes to be in. */
  readonly otherwise?: { owns(path: string): boolean; readonly handle: PlainHandler };
  /** Takes the requests for blobs of the embedded account; false leaves the request to the others. */
  readonly blobs?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Requests whose Host header it does not know are refused before anybody reads them. Without it any name will do. */
  readonly isOwnName?: (host: string | undefined) => boolean;
  /** WebSockets, of agents for instance. Without it they are served like ordinary requests. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
};

export const createServer = async (options: ServerOptions): Promise<Listener> => {
  const { metrics } = options;
  const { clock, ids, log } = options.services;
  const onAnswer = (answer: Answered): void => {
    const operation = answer.operationId ?? "none";
    metrics.httpRequests.inc({ operation, status: String(answer.status) });
    metrics.httpDuration.observe({ operation }, answer.durationMs / 1000);
    options.onAnswer?.(answer);
  };
  const dataPlane = createPipeline(options.dataPlane, { ...options, onAnswer });
  const management = options.managementPlane;
  const managementPlane: Pipeline | undefined = management && createPipeline(management.plane, { ...options, onAnswer });
  const planes = [
    {
      under: "/healthz",
      handle: (request: IncomingMessage, response: ServerResponse) => sendPlain(request, response, 200, { status: "ok" }),
    },
    { under: "/readyz", handle: readiness(options.health) },
    { under: "/metrics", handle: metricsPage(metrics) },
    ...(options.planes ?? []),
  ].map(({ under, handle }) => ({ under: under.toLowerCase(), handle }));

  /** The others answer on their own; what they throw is a refusal, or else our mistake. */
  const runPlain = async (handle: PlainHandler, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      letBodyCome(request, response);
      await handle(request, response);
    } catch (error) {
      const envelope = { requestId: ids.guid(), baseUrl: "", now: clock.now() };
      const refused = error instanceof ApiError;
      if (!refused) log.error({ requestId: envelope.requestId, error }, "request failed");
      if (response.headersSent || response.destroyed) response.destroy();
      else sendError(response, envelope, refused ? error : new ApiError("InternalError"));
    }
  };

  return listen({
    host: options.host,
    port: options.port,
    clock,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.onUpgrade === undefined ? {} : { onUpgrade: options.onUpgrade }),
    onUnreadable: (error, socket) => answerUnreadable(error, socket, clock, ids.guid()),
    onRequest: (request, response) => {
      // A connection that breaks is noticed by whoever reads or writes it; unheard, it would end the process.
      response.on("error", () => {});
      if (options.isOwnName?.(request.headers.host) === false) {
        void runPlain(refuseHost, request, response);
        return;
      }
      if (options.blobs?.(request, response) === true) return;
      const path = pathOf(request);
      const isUnder = (under: string): boolean => path === under || path.startsWith(`${under}/`);
      const plane = planes.find(({ under }) => isUnder(under));
      if (plane !== undefined) void runPlain(plane.handle, request, response);
      else if (managementPlane !== undefined && management!.under.some(isUnder)) void managementPlane(request, response);
      else if (options.otherwise?.owns(path) === true) void runPlain(options.otherwise.handle, request, response);
      else void dataPlane(request, response);
    },
  });
};

/** Proxies put an origin in front of it. */
const pathOf = (request: IncomingMessage): string =>
  (request.url ?? "/")
    .replace(/[?#].*$/s, "")
    .replace(/^https?:\/\/[^/]*/i, "")
    .replace(/^\/+/, "/")
    .toLowerCase();

const refuseHost: PlainHandler = (request) => {
  const reason =
    "With a published key (of the account or of the embedded storage) this server answers only to its address, to localhost and to the names " +
    "of its certificate. Use one of these, or --account and --storage with keys of your own, for which any name will do.";
  throw new ApiError("InvalidHeaderValue", [
    { key: "HeaderName", value: "Host" },
    { key: "HeaderValue", value: (request.headers.host ?? "").slice(0, 256) },
    { key: "Reason", value: reason },
  ]);
};

const readiness =
  (health: Health): PlainHandler =>
  async (request, response) => {
    const { ready, parts } = await health.ready();
    sendPlain(request, response, ready ? 200 : 503, { status: ready ? "ready" : "not ready", parts });
  };

const metricsPage =
  ({ registry }: Metrics): PlainHandler =>
  async (request, response) => {
    if (!isRead(request, response)) return;
    const text = await registry.metrics();
    response.writeHead(200, { "content-type": registry.contentType, "cache-control": "no-store" });
    response.end(request.method === "HEAD" ? undefined : text);
  };

const sendPlain = (request: IncomingMessage, response: ServerResponse, status: number, body: object): void => {
  if (!isRead(request, response)) return;
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" });
  response.end(request.method === "HEAD" ? undefined : `${JSON.stringify(body)}\n`);
};

const isRead = (request: IncomingMessage, response: ServerResponse): boolean => {
  if (request.method === "GET" || request.method === "HEAD") return true;
  response.writeHead(405, { allow: "GET, HEAD", "content-length": "0" });
  response.end();
  return false;
};
