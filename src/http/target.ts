// The request target as it was sent, taken apart once: the raw text for signatures, the decoded query for everything else.
// It neither knows operations nor judges values.
import { ApiError } from "../api/errors.ts";

export type Target = {
  /** Path and query exactly as sent (an origin in front of them, as proxies send it, is cut). */
  readonly raw: string;
  /** The path exactly as sent, percent-escapes kept. */
  readonly rawPath: string;
  /** Names and values decoded (`+` and `%20` are both a space), in the order sent, duplicates kept. */
  readonly query: readonly (readonly [name: string, value: string])[];
};

/** Throws RequestUrlFailedToParse for escapes that decode to nothing, InvalidUri for a target that is no path or has too many parameters. */
export const parseTarget = (url: string): Target => {
  const text = asUtf8(url);
  const raw = text.startsWith("/") ? text : withoutOrigin(text);
  const mark = raw.indexOf("?");
  const rawPath = mark === -1 ? raw : raw.slice(0, mark);
  return { raw, rawPath, query: mark === -1 ? [] : parsePairs(raw.slice(mark + 1)) };
};

/** The first value of a parameter, its name compared without regard to case. */
export const queryValue = (target: Target, name: string): string | undefined =>
  target.query.find(([key]) => key.length === name.length && key.toLowerCase() === name.toLowerCase())?.[1];

/** Decodes percent-escapes, once. A NUL, which no id or path can contain, is refused like an escape that decodes to nothing. */
export const decodeSegment = (segment: string): string => {
  if (!segment.includes("%")) return segment;
  const decoded = decode(segment);
  if (decoded.includes("\0")) throw new ApiError("InvalidUri");
  return decoded;
};

/** More than any client sends. A signature has several readings of the query, each of which costs as much as there are parameters. */
const mostPairs = 100;

const parsePairs = (query: string): Target["query"] => {
  const pairs = query.split("&").filter((pair) => pair !== "");
  if (pairs.length > mostPairs) throw new ApiError("InvalidUri");
  return pairs.map((pair) => {
    const equals = pair.indexOf("=");
    return equals === -1 ? [decodeQuery(pair), ""] : [decodeQuery(pair.slice(0, equals)), decodeQuery(pair.slice(equals + 1))];
  });
};

const decodeQuery = (text: string): string => {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  return spaced.includes("%") ? decode(spaced) : spaced;
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError("RequestUrlFailedToParse");
  }
};

/** Node hands out the bytes of the request line as Latin-1; clients that do not escape mean UTF-8. */
const asUtf8 = (text: string): string => (/[\x80-\xff]/.test(text) ? Buffer.from(text, "latin1").toString("utf8") : text);

const withoutOrigin = (url: string): string => {
  const origin = /^https?:\/\/[^/?#]*/i.exec(url)?.[0];
  if (origin === undefined) throw new ApiError("InvalidUri");
  const rest = url.slice(origin.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
};
