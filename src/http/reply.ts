// Writes what a handler of the data plane answered, as its declaration promises it: status, headers, the body in the client's version,
// lists with their continuation, files as streams.
import type { ServerResponse } from "node:http";
import { pipeline as pump } from "node:stream/promises";
import type { OperationDeclaration } from "../api/operation.ts";
import type { Version } from "../api/versions.ts";
import { Bug } from "../lib/bug.ts";
import { etagOf, httpDate } from "../lib/clock.ts";
import type { Reply } from "../operations/handler.ts";
import { renderer } from "../wire/render.ts";
import { commonHeaders, type Envelope, type HeaderList, sendEmpty, sendJson } from "./answer.ts";
import { nextLink } from "./odata/paging.ts";
import type { Target } from "./target.ts";

export type Exchange = {
  readonly operation: OperationDeclaration;
  readonly version: Version;
  readonly target: Target;
  readonly envelope: Envelope;
  /** The text of $select. */
  readonly select?: string;
  readonly onBody?: (operation: OperationDeclaration, version: Version, body: object | undefined, select?: string) => void;
};

/** Resolves when the answer was handed to the connection; of files, when all of it was. */
export const sendReply = async (response: ServerResponse, exchange: Exchange, reply: Reply): Promise<void> => {
  const { operation, envelope } = exchange;
  const { answer } = operation;
  const headers = commonHeaders(envelope);
  addResourceHeaders(headers, exchange, reply);
  if (answer.file === true) {
    exchange.onBody?.(operation, exchange.version, undefined);
    return sendFile(response, headers, reply);
  }
  const body = bodyOf(exchange, reply);
  exchange.onBody?.(operation, exchange.version, body, exchange.select);
  // The answer to HEAD says what the resource's headers are, and has no length of its own.
  if (operation.method === "HEAD") {
    response.writeHead(answer.status, headers);
    response.end();
  } else if (body === undefined) sendEmpty(response, answer.status, headers);
  else sendJson(response, answer.status, headers, body);
};

const addResourceHeaders = (headers: HeaderList, { operation, target, envelope }: Exchange, reply: Reply): void => {
  const { answer } = operation;
  if (answer.etag === true && reply.modified !== undefined) {
    headers.push("etag", etagOf(reply.modified), "last-modified", httpDate(Math.floor(reply.modified / 1000)));
  }
  if (answer.dataServiceId !== true && answer.location !== true) return;
  const url = ascii(envelope.baseUrl + target.rawPath.replace(/^\/+/, "/").replace(/\/$/, ""));
  // Of what was created, DataServiceId names the new resource, as Location does (the service's own job-1 quirk is not copied).
  const resource = reply.createdUrl ?? (reply.created === undefined ? url : `${url}/${encodeURIComponent(reply.created)}`);
  if (answer.dataServiceId === true) headers.push("dataserviceid", resource);
  if (answer.location === true) headers.push("location", resource);
};

/** Header values are plain characters; a path that came unescaped goes out escaped. */
const ascii = (url: string): string => url.replace(/[^\x21-\x7e]+/g, encodeURIComponent);

const bodyOf = ({ operation, version, target, envelope, select }: Exchange, reply: Reply): object | undefined => {
  const { item, body, metadata } = operation.answer;
  const head = metadata === undefined ? {} : { "odata.metadata": `${envelope.baseUrl}/$metadata#${metadata}` };
  if (item !== undefined) {
    const one = renderer(item, version, select);
    const value = (reply.items ?? []).map((element) => one(element as object));
    return { ...head, value, ...(reply.next === undefined ? {} : { "odata.nextLink": nextLink(envelope.baseUrl, target, reply.next) }) };
  }
  if (body === undefined) return undefined;
  if (reply.body === undefined || reply.body === null) throw new Bug(`${operation.id} answered without the body that it declares`);
  return { ...head, ...renderer(body, version, select)(reply.body as object) };
};

/**
 * The bytes go out in chunks, as the real service sends them: a file that grows or shrinks while it is read then never
 * contradicts a promised length. HEAD tells the length. A ranged read is answered with 200 as well; clients refuse 206.
 */
const sendFile = async (response: ServerResponse, headers: HeaderList, { file }: Reply): Promise<void> => {
  if (file === undefined) throw new Bug("a file operation answered without a file");
  for (const [name, value] of Object.entries(file.headers)) headers.push(name, plain(value));
  if (response.req.method === "HEAD") {
    file.stream?.destroy();
    headers.push("content-length", String(file.length));
    response.writeHead(200, headers);
    response.end();
    return;
  }
  if (file.stream === undefined) return sendEmpty(response, 200, headers);
  response.writeHead(200, headers);
  await pump(file.stream, response);
};

/** Values may hold spaces (dates), but no control characters. */
const plain = (value: string): string => value.replace(/[^\x20-\x7e]+/g, encodeURIComponent);
