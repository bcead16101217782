// Blob requests for the embedded accounts on Quern's own port: by path (/devstoreaccount1/...) and by host (devstoreaccount1.blob.*).
// They go to Azurite as they are, both ways as streams. It reads no signature, knows no blob, and stores nothing.
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { isSafeCopy } from "./copy-sources.ts";

export type PassThroughOptions = {
  /** Azurite's; while it is being restarted requests wait for it. */
  port(): Promise<number>;
  isAccount(name: string): boolean;
  /** Hosts of the form `{account}.blob.{domain}` are storage whether or not there is such an account. */
  domain: string;
  clock: Clock;
  ids: Ids;
  log: Log;
};

export interface PassThrough {
  /** False when the request is not for blobs; nothing has been touched then. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  close(): void;
}

const waitForAzuriteMs = 10_000;
/** `-secondary` is the account's read-only address, which Azurite knows too. */
const accountPath = /^\/([a-z0-9]{3,24})(?:-secondary)?(?=[/?]|$)/;
const accountHost = /^([a-z0-9]{3,24})(?:-secondary)?\.blob\.([a-z0-9.-]+)(?::\d+)?$/;

/** RFC 9110 section 7.6.1, and what Quern says for itself: `expect` is answered here, the forwarded ones are set below. */
const ownHeaders = new Set([
  "connection",
  "expect",
  "forwarded",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Name and value alternating, as sent, less the hop-by-hop ones. */
const endToEnd = (rawHeaders: string[], isOwn: (name: string) => boolean): string[] => {
  const pairs = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1]!] as const] : []));
  const named = pairs
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((option) => option.trim().toLowerCase()))
    // The length is the next hop's as well, whatever the client says: without it a body would be read there as another request.
    .filter((option) => option !== "content-length");
  return pairs.filter(([name]) => !isOwn(name.toLowerCase()) && !named.includes(name.toLowerCase())).flat();
};

/**
 * The host as sent, because answers and copy sources refer to it, and Azurite takes the account from a host like
 * `devstoreaccount1.blob.localhost` itself. Only for a request by path to a host with a name like `quern.example.org` must it be
 * another: Azurite would take `quern` for the account. Signatures cover the path and the account, never the host.
 */
const hostForAzurite = (host: string, { isByHost }: Target): string => {
  // Names of accounts are compared as they are there, and a copy's source, whose host is read in lower case, with this one.
  if (isByHost) return host.toLowerCase();
  const name = host.replace(/:\d+$/, "");
  const isMisread = name.includes(".") && !/^(\d{1,3}\.){3}\d{1,3}$/.test(name);
  return isMisread ? `localhost${host.slice(name.length)}` : host;
};

const isEncrypted = (request: IncomingMessage): boolean => "encrypted" in request.socket && request.socket.encrypted === true;

/** Which account a request is for, and how it says so. */
type Target = { account: string; isByHost: boolean };

const headersForAzurite = (request: IncomingMessage, target: Target): string[] => {
  const kept = endToEnd(request.rawHeaders, (name) => ownHeaders.has(name) || name === "host");
  const isChunked = request.headers["transfer-encoding"] !== undefined;
  // Without either header there is no body, but Node would announce a chunked one for these methods.
  const isEmpty = !isChunked && request.headers["content-length"] === undefined && /^P(UT|OST|ATCH)$/.test(request.method!);
  return [
    ...["Host", hostForAzurite(request.headers.host ?? "localhost", target)],
    ...kept,
    ...["X-Forwarded-Proto", isEncrypted(request) ? "https" : "http"],
    ...(isChunked ? ["Transfer-Encoding", "chunked"] : []),
    ...(isEmpty ? ["Content-Length", "0"] : []),
  ];
};

export const createPassThrough = ({ port, isAccount, domain, clock, ids, log }: PassThroughOptions): PassThrough => {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });

  /** In the form of the storage service's own errors; its clients try again on 503. */
  const fail = (response: ServerResponse, error: unknown): void => {
    log.warn({ reason: (error as NodeJS.ErrnoException).code ?? (error as Error).message }, "the blob storage did not answer a request");
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    answerError(response, 503, "ServerBusy", "The server is currently unable to receive requests. Please retry your request.");
  };

  const answerError = (response: ServerResponse, status: number, code: string, reason: string): void => {
    const requestId = ids.guid();
    const message = `${reason}\nRequestId:${requestId}`;
    const text = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
    response.writeHead(status, {
      "content-type": "application/xml",
      "content-length": Buffer.byteLength(text),
      "x-ms-error-code": code,
      "x-ms-request-id": requestId,
      connection: "close",
    });
    response.end(response.req.method === "HEAD" ? undefined : text);
  };

  const azuritePort = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(waitForAzuriteMs, () => reject(new Error("it is not running")));
      port()
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });

  const forward = (request: IncomingMessage, response: ServerResponse, target: Target, toPort: number): void => {
    const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
    const onward = httpRequest({
      host: "127.0.0.1",
      port: toPort,
      agent,
      method: request.method,
      path: request.url,
      headers: headersForAzurite(request, target),
      setHost: false,
    });
    onward.on("response", (answer) => giveBack(answer, response, onward));
    onward.on("error", (error) => {
      request.unpipe(onward);
      request.resume();
      if (response.destroyed) return; // The client left; that is what ended it.
      // A connection kept for later may have been closed by Azurite just now. Without a body nothing is lost by asking again.
      const isStale = onward.reusedSocket && !hasBody && !response.headersSent;
      if (isStale && (error as NodeJS.ErrnoException).code === "ECONNRESET") forward(request, response, target, toPort);
      else if (!response.writableEnded) fail(response, error);
    });
    response.once("close", () => onward.destroy());
    if (!hasBody) {
      onward.end();
      return;
    }
    // Where the server leaves it to its handlers to let the body come; said twice it does no harm.
    if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue();
    request.pipe(onward);
  };

  /** The host goes first, as with Azurite: a container may have the name of an account. */
  const targetOf = ({ url, headers }: IncomingMessage): Target | "unknown" | undefined => {
    const [, name, suffix] = accountHost.exec((headers.host ?? "").toLowerCase()) ?? [];
    if (name !== undefined && isAccount(name)) return { account: name, isByHost: true };
    const [, first] = accountPath.exec(url ?? "") ?? [];
    if (first !== undefined && isAccount(first)) return { account: first, isByHost: false };
    return suffix === domain ? "unknown" : undefined;
  };

  return {
    handle: (request, response) => {
      const target = targetOf(request);
      if (target === undefined) return false;
      if (target === "unknown") {
        request.resume();
        answerError(response, 404, "ResourceNotFound", "The specified resource does not exist.");
        return true;
      }
      if (!isSafeCopy(request, target.account, domain)) {
        answerError(response, 404, "CannotVerifyCopySource", "The specified resource does not exist.");
        return true;
      }
      azuritePort()
        .then((toPort) => response.destroyed || forward(request, response, target, toPort))
        .catch((error: unknown) => fail(response, error));
      return true;
    },
    close: () => agent.destroy(),
  };
};

const giveBack = (answer: IncomingMessage, response: ServerResponse, onward: ClientRequest): void => {
  const headers = endToEnd(answer.rawHeaders, (name) => ownHeaders.has(name));
  response.writeHead(answer.statusCode!, answer.statusMessage!, headers);
  answer.on("error", () => response.destroy());
  answer.pipe(response);
  // An answer that is complete before the request is: the rest of the body has nowhere to go.
  answer.once("end", () => onward.writableFinished || response.req.unpipe(onward).resume());
};
