// Where a list continues: $skiptoken in, odata.nextLink out. The token is a key in base64url; what the key means is the store's.
import { invalidQuery } from "../../api/errors.ts";
import { queryValue, type Target } from "../target.ts";

/** Larger pages than any list allows; lists that take `maxresults` bring their own default. */
const allOfIt = 1000;

export const pageOf = (target: Target, query: { maxresults?: unknown }): { after?: string; limit: number } => {
  const limit = typeof query.maxresults === "number" ? query.maxresults : allOfIt;
  const token = queryValue(target, "$skiptoken");
  return token === undefined || token === "" ? { limit } : { after: decodeToken(token), limit };
};

/** Everything that the client sent, in its own spelling, with the new token: clients request it as it is. */
export const nextLink = (baseUrl: string, target: Target, next: string): string => {
  const query = target.raw
    .slice(target.rawPath.length + 1)
    .split("&")
    .filter((pair) => pair !== "" && !/^(?:\$|%24)skiptoken(?:=|$)/i.test(pair));
  return `${baseUrl}${target.rawPath}?${[...query, `$skiptoken=${Buffer.from(next, "utf8").toString("base64url")}`].join("&")}`;
};

const decodeToken = (token: string): string => {
  const key = /^[A-Za-z0-9_-]{1,2048}$/.test(token) ? Buffer.from(token, "base64url").toString("utf8") : "";
  if (key === "" || Buffer.from(key, "utf8").toString("base64url") !== token) {
    throw invalidQuery("$skiptoken", token.slice(0, 256), "The continuation token is not one that this service gave.");
  }
  return key;
};
