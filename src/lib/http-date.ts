// Reads the dates that HTTP headers carry. Writing them is lib/clock.ts's.
import type { Instant } from "./clock.ts";

const shapes = [
  // RFC 1123: Sun, 06 Nov 1994 08:49:37 GMT
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|[+-]\d{4})$/i,
  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} (?:GMT|UTC)$/i,
];

/** Milliseconds since the epoch, or undefined when the text is neither RFC 1123 nor RFC 850. */
export const parseHttpDate = (text: string): Instant | undefined => {
  const trimmed = text.trim();
  if (!shapes.some((shape) => shape.test(trimmed))) return undefined;
  const at = Date.parse(trimmed);
  return Number.isNaN(at) ? undefined : at;
};
