// Reads the request headers that mean something to the pipeline. It judges their form only: whether a condition holds is the
// domain's, whether a signature is right is auth's.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { ApiError } from "../api/errors.ts";
import type { Conditions } from "../api/operation.ts";
import { refuseConflictingConditions } from "../domain/conditions.ts";
import { parseHttpDate } from "../lib/http-date.ts";
import type { Preconditions } from "../operations/handler.ts";

export const invalidHeader = (name: string, value: string): ApiError =>
  new ApiError("InvalidHeaderValue", [
    { key: "HeaderName", value: name },
    { key: "HeaderValue", value: value.slice(0, 256) },
  ]);

/** `https://host:port` as the client called this server: scheme by the connection, the rest by its Host header. */
export const baseUrlOf = (request: IncomingMessage): string => {
  const scheme = isSecure(request) ? "https" : "http";
  const host = request.headers.host;
  if (host === undefined || host === "") {
    const { localAddress = "localhost", localPort = 0, localFamily } = request.socket;
    return `${scheme}://${localFamily === "IPv6" ? `[${localAddress}]` : localAddress}:${localPort}`;
  }
  // It goes into answers as part of URLs: only what a host can be.
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(host)) throw invalidHeader("Host", host);
  return `${scheme}://${host}`;
};

export const isSecure = (request: IncomingMessage): boolean => (request.socket as { encrypted?: boolean }).encrypted === true;

const none: Preconditions = {};

/** The conditions that the operation honours; the others are looked over, as their operations do not take them. */
export const preconditionsOf = (headers: IncomingHttpHeaders, honours: Conditions): Preconditions => {
  if (honours === "none") return none;
  const ifMatch = honours === "all" ? etags(headers["if-match"]) : undefined;
  const ifNoneMatch = honours === "all" ? etags(headers["if-none-match"]) : undefined;
  const ifModifiedSince = date("If-Modified-Since", headers["if-modified-since"]);
  const ifUnmodifiedSince = date("If-Unmodified-Since", headers["if-unmodified-since"]);
  if (ifMatch === undefined && ifNoneMatch === undefined && ifModifiedSince === undefined && ifUnmodifiedSince === undefined) return none;
  const preconditions: Preconditions = {
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
    ...(ifUnmodifiedSince === undefined ? {} : { ifUnmodifiedSince }),
  };
  refuseConflictingConditions(preconditions);
  return preconditions;
};

/** The service's ETags have no quotes; clients send them with and without, and some mark them as weak. */
const etags = (header: string | undefined): string[] | undefined => {
  if (header === undefined || header.trim() === "") return undefined;
  return header.split(",").map((part) =>
    part
      .trim()
      .replace(/^W\//, "")
      .replace(/^"(.*)"$/, "$1"),
  );
};

const date = (name: string, header: string | undefined): number | undefined => {
  if (header === undefined || header === "") return undefined;
  const at = parseHttpDate(header);
  if (at === undefined) throw invalidHeader(name, header);
  return at;
};

/** The inclusive range of ocp-range, or else of Range. Anything but one range counted from the start is refused with 416. */
export const rangeOf = (headers: IncomingHttpHeaders): { start: number; end?: number } | undefined => {
  const ocp = headers["ocp-range"];
  const text = (typeof ocp === "string" && ocp !== "" ? ocp : headers.range)?.trim();
  if (text === undefined || text === "") return undefined;
  const match = /^bytes=(\d{1,15})-(\d{1,15})?$/i.exec(text);
  if (match === null) throw new ApiError("InvalidRange");
  const start = Number(match[1]);
  if (match[2] === undefined) return { start };
  const end = Number(match[2]);
  if (end < start) throw new ApiError("InvalidRange");
  return { start, end };
};

/** The client's own id of the request, if it asked to have it back. */
export const echoedRequestId = (headers: IncomingHttpHeaders): string | undefined => {
  const wanted = headers["return-client-request-id"];
  if (typeof wanted !== "string" || wanted.trim().toLowerCase() !== "true") return undefined;
  const id = headers["client-request-id"] ?? headers["x-ms-client-request-id"];
  return typeof id === "string" && id !== "" && id.length <= 256 ? id : undefined;
};

/** Refuses a body that is not JSON in UTF-8. Only for requests that have a body: clients send any type without one. */
export const checkContentType = (headers: IncomingHttpHeaders): void => {
  const type = headers["content-type"] ?? "";
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(type)?.[1]?.toLowerCase();
  const json = /^\s*application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i.test(type);
  if (!json || (charset !== undefined && charset !== "utf-8" && charset !== "utf8" && charset !== "us-ascii"))
    throw invalidHeader("Content-Type", type);
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "" && encoding.toLowerCase() !== "identity") throw invalidHeader("Content-Encoding", encoding);
};
