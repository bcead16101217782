// Writes answers of the management plane: headers, bodies, lists with nextLink, and errors as Azure Resource Manager has them. It decides nothing.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, batchErrors } from "../api/errors.ts";
import { Bug } from "../lib/bug.ts";
import { etagOf, httpDate, isoTime } from "../lib/clock.ts";
import type { Reply } from "../operations/handler.ts";
import { renderer } from "../wire/render.ts";
import type { Envelope, HeaderList } from "./answer.ts";
import { nextLink } from "./odata/paging.ts";
import type { Exchange } from "./reply.ts";

/** Without the service's x-ms-ratelimit-remaining-…: nothing is counted here that could run out, and clients do without. */
const headersOf = ({ requestId, now }: Envelope, request: IncomingMessage): HeaderList => {
  const correlation = request.headers["x-ms-correlation-request-id"];
  const given = typeof correlation === "string" && /^[0-9a-f-]{36}$/i.test(correlation) ? correlation : requestId;
  const headers = [
    ...["cache-control", "no-cache", "pragma", "no-cache", "expires", "-1", "x-content-type-options", "nosniff", "date", httpDate(now)],
    ...["x-ms-request-id", requestId, "x-ms-correlation-request-id", given, "x-ms-routing-request-id", `QUERN:${requestId}`],
  ];
  const client = request.headers["x-ms-client-request-id"];
  if (typeof client === "string" && /^[\x21-\x7e]{1,128}$/.test(client) && request.headers["x-ms-return-client-request-id"] === "true")
    headers.push("x-ms-client-request-id", client);
  return headers;
};

/** What a resource is called comes with every selection of its properties, as the documents' examples have it. */
const withNames = (exchange: Exchange): Exchange => {
  const { select, operation } = exchange;
  const fields = (operation.answer.item ?? operation.answer.body)?.fields ?? {};
  if (select === undefined || select.trim() === "") return exchange;
  return { ...exchange, select: [select, ...["id", "name", "type", "etag"].filter((name) => Object.hasOwn(fields, name))].join(",") };
};

export const sendManagementReply = async (response: ServerResponse, asked: Exchange, reply: Reply): Promise<void> => {
  const exchange = withNames(asked);
  const { operation, envelope, version, select } = exchange;
  const { answer } = operation;
  const status = reply.status ?? answer.status;
  if (status !== answer.status && answer.statuses?.includes(status as 200) !== true)
    throw new Bug(`${operation.id} does not declare ${status}`);
  const headers = headersOf(envelope, response.req);
  if (answer.etag !== undefined && (reply.modified !== undefined || reply.etag !== undefined)) {
    const text = `"${reply.etag ?? etagOf(reply.modified!)}"`;
    headers.push("etag", answer.etag === "weak" ? `W/${text}` : text);
    if (reply.modified !== undefined) headers.push("last-modified", httpDate(Math.floor(reply.modified / 1000)));
  }
  for (const [name, value] of Object.entries(reply.headers ?? {})) headers.push(name, value);
  const body = managementBody(exchange, reply, status);
  exchange.onBody?.(operation, version, body ?? undefined, select);
  if (body === undefined) {
    if (status !== 204) headers.push("content-length", "0");
    response.writeHead(status, headers);
    response.end();
  } else sendJson(response, status, headers, body);
};

export const sendJson = (response: ServerResponse, status: number, headers: HeaderList, body: object | null): void => {
  const bytes = Buffer.from(JSON.stringify(body));
  headers.push("content-type", "application/json; charset=utf-8", "content-length", String(bytes.length));
  response.writeHead(status, headers);
  response.end(response.req.method === "HEAD" ? undefined : bytes);
};

/** What an answer has as its body: undefined where it has none. */
export const managementBody = (
  { operation, version, target, envelope, select }: Exchange,
  reply: Reply,
  status: number,
): object | null | undefined => {
  const { item, body } = operation.answer;
  // Four characters, as one provider answers a deletion.
  if (reply.body === null) return null;
  if (item !== undefined) {
    const one = renderer(item, version, select);
    const value = (reply.items ?? []).map((element) => one(element as object));
    return { value, ...(reply.next === undefined ? {} : { nextLink: nextLink(envelope.baseUrl, target, reply.next) }) };
  }
  if (reply.body === undefined) {
    // Which of the answers it is decides whether there is a body: 202 and 204 have none, nor has the end of a deletion.
    if (body === undefined || status === 202 || status === 204 || operation.answer.statuses !== undefined) return undefined;
    throw new Bug(`${operation.id} answered without the body that it declares`);
  }
  return body === undefined ? (reply.body as object) : renderer(body, version, select)(reply.body as object);
};

/** What the resource provider itself refuses carries the request's id and details, what Resource Manager refuses does not. */
export const sendManagementError = (
  response: ServerResponse,
  envelope: Envelope,
  error: ApiError,
  by: "batch" | "gateway" = "batch",
): void => {
  const headers = headersOf(envelope, response.req);
  if (error.status === 401) headers.push("www-authenticate", challengeOf(envelope.baseUrl, error));
  if (error.status === 503 || error.status === 429) headers.push("retry-after", "1");
  if (error.status === 404) headers.push("x-ms-failure-cause", by === "batch" && error.code in batchErrors ? "service" : "gateway");
  if (error.status === 304) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  sendJson(response, error.status, headers, managementErrorBody(error, envelope, by));
};

export const managementErrorBody = (
  error: ApiError,
  { requestId, now }: Pick<Envelope, "requestId" | "now">,
  by: "batch" | "gateway" = "batch",
): object => {
  const ofProvider =
    by === "batch" && error.code in batchErrors && error.code !== "ResourceNotFound" && error.code !== "AuthenticationFailed";
  const message = ofProvider ? `${error.message}\nRequestId:${requestId}\nTime:${isoTime(now)}` : error.message;
  const details = error.values.map(({ key, value }) => ({ code: key, message: value }));
  return {
    error: {
      code: error.code,
      message,
      ...(ofProvider ? { target: "BatchAccount" } : {}),
      ...(details.length === 0 ? {} : { details }),
    },
  };
};

const challengeOf = (baseUrl: string, { code, message }: ApiError): string =>
  `Bearer authorization_uri="${baseUrl.replace(/^http:/, "https:")}/adfs", error="${code === "AuthenticationFailed" ? "invalid_request" : "invalid_token"}", ` +
  `error_description="${message.replace(/[^\x20-\x7e]|["\\]/g, " ").slice(0, 300)}"`;

/**
 * What is found wrong with a request before its handler sees it has the Batch service's words. Other providers refuse the same in those of
 * Resource Manager (texts as far as they are known).
 */
export const asResourceManager = (error: ApiError): ApiError => {
  const of = (key: string): string => error.values.find((value) => value.key === key)?.value ?? "";
  switch (error.code) {
    case "InvalidRequestBody":
      return invalidContent(of("Reason") || error.message);
    case "MissingRequiredProperty":
      return invalidContent(`Required property '${of("PropertyName")}' not found in JSON.`);
    case "InvalidPropertyValue":
      return invalidContent(`${of("PropertyName")}: ${of("Reason")}`);
    case "MissingContentLengthHeader":
      return new ApiError("InvalidRequestContent", [], "The request content is missing.");
    case "InvalidQueryParameterValue":
    case "MissingRequiredQueryParameter": {
      const name = of("QueryParameterName");
      if (name.toLowerCase() === "$filter")
        return new ApiError(
          "InvalidFilterInQueryString",
          [],
          `Invalid $filter '${of("QueryParameterValue")}' specified in the query string.`,
        );
      return new ApiError("InvalidParameter", [], `The query parameter '${name}' is missing or invalid. ${of("Reason")}`.trimEnd());
    }
    case "RequestBodyTooLarge":
      return new ApiError("RequestEntityTooLarge");
    case "ConditionNotMet":
      return error.status === 304 ? error : new ApiError("PreconditionFailed");
    case "RequestUrlFailedToParse":
    case "InvalidUri":
      return new ApiError("InvalidRequestFormat", [], error.message);
    default:
      return error;
  }
};

const invalidContent = (reason: string): ApiError =>
  new ApiError("InvalidRequestContent", [], `The request content was invalid and could not be deserialized: '${reason}'.`);
