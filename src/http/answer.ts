// Writes answers of the data plane: status, headers, bodies and errors in the shapes that its clients parse. It decides nothing.
import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ApiError, type ErrorValue } from "../api/errors.ts";
import { challengeOf } from "../auth/shared-key.ts";
import { type Clock, httpDate, isoTime } from "../lib/clock.ts";

/** What every answer to one request carries. */
export type Envelope = {
  readonly requestId: string;
  readonly clientRequestId?: string;
  /** Of the request; empty where not even that could be read. */
  readonly baseUrl: string;
  readonly now: number;
};

/** Header names and values in turn, as writeHead takes them. */
export type HeaderList = string[];

const jsonType = "application/json;odata=minimalmetadata";

// No `server`, and no `strict-transport-security`: it would pin every other server on the user's localhost to https.
export const commonHeaders = ({ requestId, clientRequestId, now }: Envelope): HeaderList => {
  const headers = ["request-id", requestId, "dataserviceversion", "3.0", "x-content-type-options", "nosniff", "date", httpDate(now)];
  if (clientRequestId !== undefined) headers.push("client-request-id", clientRequestId);
  return headers;
};

export const sendEmpty = (response: ServerResponse, status: number, headers: HeaderList): void => {
  headers.push("content-length", "0");
  response.writeHead(status, headers);
  response.end();
};

export const sendJson = (response: ServerResponse, status: number, headers: HeaderList, body: object): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  headers.push("content-type", jsonType, "content-length", String(bytes.length));
  response.writeHead(status, headers);
  response.end(bytes);
};

/** The error as every client reads it; HEAD and 304 have no body. The reason phrase is the message, as in the real service. */
export const sendError = (response: ServerResponse, envelope: Envelope, error: ApiError): void => {
  const headers = commonHeaders(envelope);
  if (error.status === 401) headers.push("www-authenticate", challengeOf(envelope.baseUrl));
  if (error.status === 503 || error.status === 429) headers.push("retry-after", "1");
  const reason = reasonPhrase(error.message);
  if (error.status === 304 || response.req.method === "HEAD") {
    response.writeHead(error.status, reason, headers);
    response.end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(errorBody(error, envelope)));
  headers.push("content-type", jsonType, "content-length", String(bytes.length));
  response.writeHead(error.status, reason, headers);
  response.end(bytes);
};

type ErrorBody = {
  "odata.metadata": string;
  code: string;
  message: { lang: string; value: string };
  values?: readonly ErrorValue[];
};

export const errorBody = (error: ApiError, { requestId, baseUrl, now }: Envelope): ErrorBody => ({
  "odata.metadata": `${baseUrl}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.Container.errors/@Element`,
  code: error.code,
  message: { lang: "en-US", value: `${error.message}\nRequestId:${requestId}\nTime:${isoTime(now)}` },
  ...(error.values.length === 0 ? {} : { values: error.values }),
});

/** One line of plain characters: the text may hold what a client sent. */
const reasonPhrase = (message: string): string =>
  message
    .replace(/\s+/g, " ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 256);

/** An answer to what could not even be read as HTTP, written on the bare connection, which then ends. */
export const answerUnreadable = (error: Error & { code?: string }, socket: Duplex, clock: Clock, requestId: string): void => {
  if (!socket.writable || socket.destroyed || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const now = clock.now();
  const [status, code, text] = unreadable(error.code);
  const body = JSON.stringify(errorBody(new ApiError(code, [], text, status), { requestId, baseUrl: "", now }));
  socket.end(
    `HTTP/1.1 ${status} ${text}\r\nrequest-id: ${requestId}\r\ndataserviceversion: 3.0\r\nx-content-type-options: nosniff\r\ndate: ${httpDate(now)}\r\n` +
      `content-type: ${jsonType}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
};

const unreadable = (
  code: string | undefined,
): readonly [status: number, code: "InvalidInput" | "InvalidHeaderValue" | "InvalidHttpVerb" | "RequestUrlFailedToParse", text: string] => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return [431, "InvalidHeaderValue", "The headers of the request are too large."];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return [408, "InvalidInput", "The request was not complete in time."];
    case "HPE_INVALID_METHOD":
      return [400, "InvalidHttpVerb", "The HTTP verb specified was not recognized by the server."];
    case "HPE_INVALID_URL":
      return [400, "RequestUrlFailedToParse", "The URL in the request could not be parsed."];
    default:
      return [400, "InvalidInput", "The request could not be read as HTTP."];
  }
};
